"""`rereferral.missed_opportunities`: the chain of *Too little, too late* from episodes."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rereferral.days import day_of, financial_year, iso
from rereferral.definition import Definition
from rereferral.errors import RuleError
from rereferral.report.chain import build_chain
from rereferral.report.completeness import completeness
from rereferral.report.counts import arms, chain_tables, children, curve
from rereferral.report.official import claims, headline, reconciliation
from rereferral.report.three_rates import lookback_links, three_rates
from rereferral.tables import Category, Table, open_table
from rereferral.text import Text

__all__ = ["Report", "missed_opportunities"]

_NEEDED = (
    "authority",
    "child_id",
    "referral_date",
    "assessment_date",
    "closure_date",
    "reason_for_closure",
)


class Report:
    """The tables of a report, and how they were made. Made by `rereferral.missed_opportunities`.

    Attributes
    ----------
    tables : dict of str to pandas.DataFrame
        ``headline``, ``chain``, ``chain_by_year``, ``chain_by_region``, ``chain_by_authority``,
        ``arms``, ``children``, ``three_rates``, ``reconciliation``, ``claims``, ``ledger``,
        ``completeness``, ``curve``. Rates run from 0 to 1.
    definition : Definition
        The rules of the re-referral.
    options : dict
        What was asked for, as plain values.
    simulated : bool
        Whether the children are simulated.
    calibration : str or None
        To what the simulation was calibrated, where that is known.
    notes : list of str
        Sentences that must stand beside the figures.
    """

    def __init__(
        self,
        tables: dict[str, pd.DataFrame],
        definition: Definition,
        options: dict[str, Any],
        simulated: bool,
        calibration: str | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        self.tables = tables
        self.definition = definition
        self.options = options
        self.simulated = simulated
        self.calibration = calibration
        self.notes = list(notes)

    @property
    def headline(self) -> pd.DataFrame:
        """The report's figures beside those found: the table ``headline``."""
        return self.tables["headline"]

    def save(self, folder: str | os.PathLike[str], inputs: Sequence[Any] = ()) -> pathlib.Path:
        """Write the page, the figures, the tables and the manifest into a folder.

        Parameters
        ----------
        folder : path
            A new folder, an empty one, or that of an earlier report, which is replaced.
        inputs : sequence of paths
            The files that the tables came from; their hashes go into the manifest.

        Returns
        -------
        pathlib.Path
            The page.

        Raises
        ------
        RuleError
            If the folder holds anything but an earlier report. It is left as it was.
        """
        from rereferral.report.saving import save

        return save(self, folder, inputs=inputs)

    def __repr__(self) -> str:
        head = self.headline[["figure", "published", "ours"]].to_string(index=False)
        return f"{'SIMULATED ' if self.simulated else ''}Report\n{head}"

    def _repr_html_(self) -> str:
        title = "<p><strong>SIMULATED</strong></p>" if self.simulated else ""
        notes = "".join(f"<p>{note}</p>" for note in self.notes)
        table: str = self.headline.to_html(index=False, border=0)
        return title + table + notes


def missed_opportunities(
    episodes: Any,
    early_help: Any = None,
    *,
    years: Iterable[int] | None = None,
    observed_until: Any,
    observed_from: Any = None,
    columns: Mapping[str, str] | None = None,
    early_help_within: tuple[str, str] = ("-30 days", "0 days"),
) -> Report:
    """Compute the figures of *Too little, too late* from a table of episodes.

    Of the children assessed, found below the threshold and closed: how many were stepped down to
    early help, and of the others, how many were referred again within 12 months?

    Parameters
    ----------
    episodes : DataFrame, Arrow table, or dict of arrays
        One row per referral: ``authority``, ``child_id``, ``referral_date``, ``assessment_date``,
        ``closure_date``, ``reason_for_closure`` (RC8 and RC9 are closures below the threshold, RC9
        those stepped down) and, where known, ``referral_nfa``.
    early_help : DataFrame, Arrow table, or dict of arrays, optional
        Starts of early help: ``authority``, ``child_id``, ``start_date``. A start within
        `early_help_within` of the closure is a step down, beside RC9.
    years : iterable of int, optional
        Financial years of closure by the year they end in: 2016 is 1 April 2015 to 31 March 2016.
        By default those that the data covers with twelve months after them.
    observed_until : date or str
        The last day that is in the data. Closures whose 12 months end later are not counted.
    observed_from : date or str, optional
        The first day that is in the data; needed for the official look-back rate alone.
    columns : dict, optional
        Other names of columns: ``{"child_id": "PersonRef"}``.
    early_help_within : (str, str)
        From how many days before the closure to how many; it may not end after the closure.

    Returns
    -------
    Report

    Raises
    ------
    DataError
        If a column is missing or holds a value that it must not.
    RuleError
        If an argument is out of range or contradicts another.

    Notes
    -----
    Left out and counted in the ledger are closures before their referral and closures on whose day
    another episode of the child is open: nobody can come back who has not left.

    Examples
    --------
    >>> import rereferral as rr
    >>> simulated = rr.simulate(authorities=["E06000001"], seed=1)
    >>> report = rr.missed_opportunities(
    ...     simulated.episodes, years=range(2016, 2021), observed_until="2021-03-31")
    >>> list(report.tables["chain_by_year"]["financial_year"])
    ['2015-16', '2016-17', '2017-18', '2018-19', '2019-20']
    """
    until = day_of(observed_until, "observed_until")
    since = None if observed_from is None else day_of(observed_from, "observed_from")
    if since is not None and since > until:
        raise RuleError(f"observed_from={iso(since)} is after observed_until={iso(until)}")
    wanted = _read_years(years)
    table = _renamed(open_table(episodes, "episodes"), columns or {})
    for name in _NEEDED:
        table.column(name)
    helped = None
    if early_help is not None:
        helped = _renamed(open_table(early_help, "early_help"), columns or {}, strict=False)

    try:
        earliest, latest = early_help_within
    except (TypeError, ValueError):
        raise RuleError(
            f"early_help_within={early_help_within!r} must be two spans "
            'such as ("-30 days", "0 days")'
        ) from None
    chain = build_chain(table, helped, wanted, until, (earliest, latest))
    labels = sorted(set(chain.year[chain.step > 0]))
    simulated = _is_simulated(table)
    lookback = None if since is None else lookback_links(chain, labels, since)
    tables = chain_tables(chain)
    tables["children"] = children(chain)
    tables["headline"] = headline(tables, simulated)
    tables["arms"] = arms(chain)
    tables["three_rates"] = three_rates(
        chain, lookback, [int(label[:4]) + 1 for label in labels], (since, until)
    )
    tables["reconciliation"], compared = reconciliation(chain, tables, lookback)
    tables["claims"] = claims(tables, simulated)
    tables["ledger"] = chain.ledger
    tables["completeness"] = completeness(chain, _referred_in(chain.table, labels), until)
    tables["curve"] = curve(chain)
    options = {
        "years": None if wanted is None else wanted,
        "observed_until": iso(until),
        "observed_from": None if since is None else iso(since),
        "columns": dict(columns or {}),
        "early_help": early_help is not None,
        "early_help_within": [earliest, latest],
    }
    notes = _notes(tables, simulated, compared)
    return Report(tables, chain.links.definition, options, simulated, notes=notes)


def _read_years(years: Iterable[int] | None) -> list[int] | None:
    if years is None:
        return None
    try:
        wanted = sorted({int(year) for year in years})
    except (TypeError, ValueError):
        raise RuleError(f"years={years!r} must be years such as range(2016, 2021)") from None
    if not wanted or wanted[0] < 1900 or wanted[-1] > 2200:
        raise RuleError(f"years={years!r} must be years such as range(2016, 2021)")
    return wanted


def _renamed(table: Table, columns: Mapping[str, str], strict: bool = True) -> Table:
    """The table under the standard names."""
    known = {standard: given for standard, given in columns.items() if strict or table.has(given)}
    return table.renamed(known) if known else table


def _is_simulated(table: Table) -> bool:
    """Whether any child's id says so: those of `rereferral.simulate` begin with SIM."""
    key = table.key("child_id")
    ids = key.categories if isinstance(key, Category) else key
    if not isinstance(ids, Text) or len(ids) == 0:
        return False
    # Most tables hold the letters nowhere, and a simulated one at its first id.
    data, starts = ids.data.tobytes(), ids.offsets[:-1]
    at = data.find(b"SIM")
    while at >= 0:
        row = int(np.searchsorted(starts, at, side="right")) - 1
        begins, ends = int(ids.offsets[row]), int(ids.offsets[row + 1])
        if at == begins and ends - begins >= 3:
            return True
        at = data.find(b"SIM", max(ends, at + 1))
    return False


def _referred_in(table: Table, labels: list[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    year = financial_year(table.days("referral_date"))
    found: np.ndarray[Any, np.dtype[np.bool_]] = np.append(np.isin(year.categories, labels), False)[
        year.codes
    ]
    return found


def _notes(tables: dict[str, pd.DataFrame], simulated: bool, compared: str) -> list[str]:
    notes = ["Small counts are not suppressed: do not publish tables of small areas as they are."]
    if simulated:
        notes.insert(
            0,
            "SIMULATED: no child in this table exists. Volumes, the share stepped down and the "
            "rates of return were put in; that they come out again shows that the counting is "
            "right, not that the published figures are.",
        )
    notes.append("Counts are closures and referrals. A child can have several.")
    notes.append(compared)
    return notes
