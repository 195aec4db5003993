"""`rereferral.missed_opportunities`: the chain of *Too little, too late* from episodes."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from rereferral.days import NULL_DAY, day_of, iso
from rereferral.definition import Definition
from rereferral.disclosure.release import Release
from rereferral.errors import DataError, RuleError
from rereferral.folders import check_folder, hash_input
from rereferral.observation import LONG_SILENCE
from rereferral.report.chain import build_chain
from rereferral.report.completeness import completeness
from rereferral.report.counts import arms, chain_tables, children, curve, places
from rereferral.report.notes import Doubts, notes_of
from rereferral.report.official import claims, headline, reconciliation
from rereferral.report.official_areas import read as read_official
from rereferral.report.protecting import Protected, protect_tables
from rereferral.report.three_rates import look_back, three_rates
from rereferral.rules import DFE, Rule, checked
from rereferral.tables import Category, Table, open_table
from rereferral.text import Text

__all__ = ["Report", "missed_opportunities"]

_REASONS = frozenset(f"RC{number}" for number in range(1, 10))
_NEEDED = (
    "authority",
    "child_id",
    "referral_date",
    "assessment_date",
    "closure_date",
    "reason_for_closure",
)
# In the order of `Report.tables`.
_TABLES = (
    "chain",
    "chain_by_year",
    "chain_by_region",
    "chain_by_authority",
    "children",
    "headline",
    "arms",
    "three_rates",
    "reconciliation",
    "official_by_authority",
    "claims",
    "ledger",
    "completeness",
    "curve",
)


class Report:
    """The tables of a report, and how they were made. Made by `rereferral.missed_opportunities`.

    Attributes
    ----------
    tables : dict of str to pandas.DataFrame
        ``headline``, ``chain``, ``chain_by_year``, ``chain_by_region``, ``chain_by_authority``,
        ``arms``, ``children``, ``three_rates``, ``reconciliation``, ``claims``, ``ledger``,
        ``completeness``, ``curve``; with the Department for Education's tables at hand also
        ``official_by_authority``; of a protected report ``disclosure_log``. Rates run from 0 to 1.
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
    release : Release or None
        What `protect` made; None: every count is exact.
    protected : list of str
        How small counts were hidden, in words.
    shown : dict of str to pandas.DataFrame
        The tables for print: with a symbol where something is hidden.
    """

    def __init__(
        self,
        tables: dict[str, pd.DataFrame],
        definition: Definition,
        options: dict[str, Any],
        simulated: bool,
        calibration: str | None = None,
        *,
        doubts: Doubts,
        protected: Protected | None = None,
    ) -> None:
        self.tables = tables if protected is None else protected.tables
        self.shown = tables if protected is None else protected.shown
        self.release = None if protected is None else protected.release
        self.protected = [] if protected is None else protected.notes
        self.definition = definition
        self.options = options
        self.simulated = simulated
        self.calibration = calibration
        self._doubts = doubts
        self.notes = notes_of(self.tables, doubts, simulated, self.protected)

    @property
    def headline(self) -> pd.DataFrame:
        """The report's figures beside those found: the table ``headline``."""
        return self.tables["headline"]

    def protect(self, rule: Rule | str = DFE, *, earlier: Any = ()) -> Report:
        """The report with small counts hidden, and all that would tell them.

        Parameters
        ----------
        rule : Rule or str, default `rereferral.rules.DFE`
            One of `rereferral.rules`, its name (``"dfe"``, ``"opensafely"``, ``"ccwip"``), or a
            Rule of your own.
        earlier : Report, Release, or sequence of these, optional
            What was published before on the same children, protected by the same rule.

        Returns
        -------
        Report
            In its tables what is hidden is null, and counts of several authorities are rounded as
            the rule has it. The table ``disclosure_log`` says what was done. Headline, claims and
            notes are made from what is shown.

        Raises
        ------
        RuleError
            As `rereferral.protect`, which explains the method; or this report, or an earlier one,
            is protected already, or is not; or `rule` is no rule.
        RereferralError
            scipy is missing.

        Notes
        -----
        Tables of a single authority are all of that authority: nothing in them is a rounded total.
        By a rule that shows small counts as 0 there is no curve.

        Examples
        --------
        >>> import rereferral as rr
        >>> simulated = rr.simulate(authorities=["E06000001"], seed=1)
        >>> report = rr.missed_opportunities(
        ...     simulated.episodes, years=range(2016, 2021), observed_until="2021-03-31")
        >>> report.protect().release.attack().passed
        True
        """
        if self.release is not None:
            raise RuleError("this report is protected already")
        before = [earlier] if isinstance(earlier, (Report, Release)) else list(earlier)
        releases = [one.release if isinstance(one, Report) else one for one in before]
        if any(one is None for one in releases):
            raise RuleError("an earlier report is not protected: give what was published of it")
        made = protect_tables(
            self.tables, self.simulated, checked(rule), [one for one in releases if one]
        )
        return Report(
            self.tables,
            self.definition,
            self.options,
            self.simulated,
            self.calibration,
            doubts=self._doubts,
            protected=made,
        )

    def save(
        self,
        folder: str | os.PathLike[str],
        inputs: Sequence[Any] = (),
        *,
        rule: Rule | str | None = DFE,
    ) -> pathlib.Path:
        """Write the page, the figures, the tables and the manifest into a folder.

        Parameters
        ----------
        folder : path
            A new folder, an empty one, or that of an earlier report, which is replaced.
        inputs : sequence of paths
            The files that the tables came from; their hashes go into the manifest.
        rule : Rule, str or None, default `rereferral.rules.DFE`
            The report is protected by it, as `protect` does, if it is not yet. None: as it is, and
            if it is not protected, with UNPROTECTED in the name of every file but the manifest.

        Returns
        -------
        pathlib.Path
            The page.

        Raises
        ------
        RuleError
            If the folder holds anything but an earlier report: it is left as it was. Or `rule` is
            no rule, or cannot protect the report.
        """
        from rereferral.report.saving import RESULT, save

        if isinstance(inputs, (str, os.PathLike)):
            inputs = [inputs]
        wanted = None if rule is None else checked(rule)
        folder = os.path.expanduser(folder)
        check_folder(folder, RESULT)
        report = self if wanted is None or self.release is not None else self.protect(wanted)
        return save(report, folder, inputs=inputs)

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
    dfe: str | os.PathLike[str] | None = None,
) -> Report:
    """Compute the figures of *Too little, too late* from a table of episodes.

    Of the children assessed, found below the threshold and closed: how many were stepped down to
    early help, and of the others, how many were referred again within 12 months?

    Parameters
    ----------
    episodes : DataFrame, Arrow table, or dict of arrays
        One row per referral: ``authority``, ``child_id``, ``referral_date``, ``assessment_date``,
        ``closure_date``, ``reason_for_closure`` (RC8 and RC9 are closures below the threshold, RC9
        those stepped down) and, where known, ``referral_nfa``: truth values, or 0 and 1, "true" and
        "false".
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
    dfe : path, optional
        A folder with the Department for Education's table C1 of children in need, as downloaded:
        official figures of each authority and year then stand beside those computed.

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
    official = None if dfe is None else read_official(dfe)
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
    reasons = _reason_counts(table)
    _check_reasons(reasons)
    simulated = _is_simulated(table)
    chain, closures = build_chain(table, helped, wanted, (since, until), (earliest, latest))
    place = places(chain.table)
    tables = chain_tables(closures, place)
    tables["curve"] = curve(closures)
    tables["ledger"] = chain.ledger
    tables["children"] = children(closures)
    tables["headline"] = headline(tables, simulated)
    tables["arms"] = arms(closures)
    tables["completeness"] = completeness(chain, closures, place, until)
    definition, authorities = closures.definition, set(place.frame["authority"].dropna())
    if official is None:
        del closures, place  # two more linkages come, and want the room
    looked_back = None if since is None else look_back(chain, since)
    if official is not None:
        tables["official_by_authority"] = official.beside(chain, closures, place, looked_back)
        del closures, place
    tables["three_rates"] = three_rates(chain, looked_back, tables["arms"], (since, until))
    tables["reconciliation"], compared = reconciliation(
        chain, authorities, tables, None if looked_back is None else looked_back.rereferred
    )
    tables["claims"] = claims(tables, simulated)
    options = {
        "years": None if wanted is None else wanted,
        "observed_until": iso(until),
        "observed_from": None if since is None else iso(since),
        "columns": dict(columns or {}),
        "early_help": early_help is not None,
        "early_help_within": [earliest, latest],
    }
    if official is not None:
        options["dfe"] = asdict(hash_input(official.path))
    made = {name: tables[name] for name in _TABLES if name in tables}
    unknown = {reason: n for reason, n in reasons.items() if reason not in _REASONS}
    doubts = Doubts(compared, unknown, _silence(table, until), wanted)
    return Report(made, definition, options, simulated, doubts=doubts)


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
    """Whether every child's id says so: those of `rereferral.simulate` begin with SIM."""
    key = table.key("child_id")
    ids = key.categories if isinstance(key, Category) else key
    if not isinstance(ids, Text):
        return False
    ids = ids.present()[0]
    if len(ids) == 0 or not str(ids[0]).startswith("SIM"):
        return False
    # What begins with SIM is what lies from SIM on and before SIN, in the order of code points.
    return bool((ids.compare("SIM") >= 0).all() and (ids.compare("SIN") < 0).all())


def _check_reasons(counts: dict[str, int]) -> None:
    """Refuse a table whose reasons are no codes: nothing in it would be below the threshold."""
    if counts and not any(reason in _REASONS for reason in counts):
        shown = ", ".join(repr(reason) for reason in list(counts)[:5])
        raise DataError(
            f"episodes: column 'reason_for_closure' holds none of RC1 to RC9, but {shown}; "
            "map the reasons to the codes"
        )


def _reason_counts(table: Table) -> dict[str, int]:
    """How often each reason for closure occurs."""
    groups = table.groups("reason_for_closure")
    counts = np.bincount(groups.codes, minlength=groups.n_groups)
    reasons = groups.frame["reason_for_closure"]
    return {
        str(reason): int(count)
        for reason, count in zip(reasons, counts, strict=True)
        if not pd.isna(reason)
    }


def _silence(table: Table, until: int) -> str:
    """What is to be said where the rows end long before the data is said to."""
    referral = table.days("referral_date")
    last = int(referral.max(where=referral <= until, initial=NULL_DAY))
    if last == NULL_DAY or until - last <= LONG_SILENCE:
        return ""
    return (
        f"The last referral is of {iso(last)}, long before {iso(until)}, up to which the data is "
        "said to go: whoever came back in between is not in it."
    )
