"""`rereferral.published_figures`: every published figure beside ours."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from rereferral.errors import RuleError
from rereferral.folders import UNPROTECTED
from rereferral.progress import Progress, reporting
from rereferral.report.report import Report, missed_opportunities
from rereferral.simulate import simulate
from rereferral.verdicts import official, spending, too_little
from rereferral.verdicts.files import read_councils, read_outturn
from rereferral.verdicts.lines import Line, as_table
from rereferral.verdicts.open_data import OpenData
from rereferral.verdicts.ranges import VERDICTS
from rereferral.verdicts.rates import Counted, rate_lines, share_lines

__all__ = ["PublishedFigures", "published_figures"]

_Path: TypeAlias = "str | os.PathLike[str]"

_WIDTH = 120
_COLUMNS = {"figure": 39, "published": 18, "ours": 13, "difference": 11, "kind": 11, "verdict": 27}
_NUMBERS = ("published", "ours", "difference")
_SHOWN = ["figure", "when", "published", "ours", "difference", "kind", "verdict", "reason"]


@dataclass(frozen=True, eq=False)
class PublishedFigures:
    """Published figures beside ours. Made by `rereferral.published_figures`.

    Attributes
    ----------
    table : DataFrame
        A row for each figure: ``section``, ``figure``, ``when`` (year or area); ``published`` and
        ``ours`` as printed; ``kind`` (found, put in, arithmetic, restated); ``verdict`` (agrees,
        consistent within rounding, not borne out, cannot be tested); ``reason``, one sentence;
        ``difference``, ours less published; ``unit``; ``published_value`` and ``ours_value``,
        percentages 0 to 100; ``ours_low`` and ``ours_high``, what ours may be.
    simulated : bool
        Whether what is put in comes from simulated children.
    notes : list of str
        Sentences that must stand beside the figures.
    protected : bool
        Whether no figure comes from a report on real children whose small counts are not hidden.
    """

    table: pd.DataFrame
    simulated: bool
    notes: list[str]
    protected: bool

    @property
    def verdicts(self) -> pd.Series:
        """How many figures have each verdict."""
        counts = self.table["verdict"].value_counts().reindex(list(VERDICTS), fill_value=0)
        return counts.rename("figures")

    def section(self, name: str) -> pd.DataFrame:
        """The lines of one section, as they are read: without the columns of plain numbers.

        Parameters
        ----------
        name : str
            As in the column ``section``.

        Returns
        -------
        DataFrame
            ``figure``, ``when``, ``published``, ``ours``, ``difference``, ``kind``, ``verdict`` and
            ``reason``.

        Raises
        ------
        RuleError
            There is no such section.
        """
        sections = list(dict.fromkeys(self.table["section"]))
        if name not in sections:
            raise RuleError(f"there is no section {name!r}, but {', '.join(sections)}")
        rows = self.table[self.table["section"] == name]
        return rows[_SHOWN].reset_index(drop=True)

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write every line with its numbers into a CSV file.

        Parameters
        ----------
        path : str or path
            Where to; a file that is there is replaced.

        Returns
        -------
        pathlib.Path
            The file. Where the figures are not `protected` its name begins with UNPROTECTED.

        Raises
        ------
        OSError
            It cannot be written.
        """
        target = Path(path)
        if not self.protected:
            target = target.with_name(f"{UNPROTECTED}{target.name}")
        # As a number: a spreadsheet may run text that begins with a sign.
        plain = self.table["difference"].str.replace(",", "", regex=False)
        table = self.table.assign(difference=pd.to_numeric(plain))
        target.write_text(table.to_csv(index=False, lineterminator="\n"), encoding="utf-8")
        return target

    def __str__(self) -> str:
        parts = [*(textwrap.fill(note, _WIDTH) for note in self.notes), ""]
        for name in dict.fromkeys(self.table["section"]):
            parts += _section(name, self.table[self.table["section"] == name])
        return "\n".join([*parts, self._counts()])

    def __repr__(self) -> str:
        return f"PublishedFigures: {self._counts()}"

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        table: str = self.table[["section", *_SHOWN]].to_html(index=False, border=0)
        return f"{notes}{table}<p>{escape(self._counts())}</p>"

    def _counts(self) -> str:
        counts = ", ".join(f"{n} {verdict}" for verdict, n in self.verdicts.items())
        return f"{len(self.table)} figures: {counts}."


def _section(name: str, rows: pd.DataFrame) -> list[str]:
    """A section as text; a reason stands once below the lines that share it."""
    heads = {"figure": name, "published": "published", "ours": "ours", "difference": "difference"}
    parts = [_cells({**heads, "kind": "kind", "verdict": "verdict"}), "-" * _WIDTH]
    lines = [dict(zip(rows.columns, row, strict=True)) for row in rows.itertuples(index=False)]
    for line, after in zip(lines, [*lines[1:], None], strict=True):
        named = f"{line['figure']}, {line['when']}" if line["when"] else line["figure"]
        parts.append(_cells({**line, "figure": named}))
        if after is None or after["reason"] != line["reason"]:
            parts += textwrap.wrap(
                line["reason"], _WIDTH, initial_indent="    ", subsequent_indent="    "
            )
    return [*parts, ""]


def _cells(line: dict[str, Any]) -> str:
    """One line in columns; what does not fit goes on below."""
    wrapped = {
        name: textwrap.wrap(line[name], width - 1, subsequent_indent="  " * (name == "figure"))
        for name, width in _COLUMNS.items()
    }
    texts = []
    for at in range(max(len(cells) for cells in wrapped.values())):
        text = ""
        for name, width in _COLUMNS.items():
            cell = wrapped[name][at] if at < len(wrapped[name]) else ""
            text += f"{cell:>{width}}" if name in _NUMBERS else f"{cell:<{width}}"
            text += "  " * (name == "difference")
        texts.append(text.rstrip())
    return "\n".join(texts)


def published_figures(
    *,
    dfe: str | os.PathLike[str] | None = None,
    s251: str | os.PathLike[str] | None = None,
    ro3: str | os.PathLike[str] | None = None,
    report: Report | str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | bool | None = None,
) -> PublishedFigures:
    """Hold every published figure against what can be counted or computed.

    The figures are those of *Too little, too late* and of the official statistics around it: the
    national series from 2013 to 2025, regions and authorities, spending, and three rates within 12
    months that are not the same number.

    Parameters
    ----------
    dfe : path, optional
        A folder with the Department for Education's tables of children in need (C1, C2, and the
        population estimates beside them), as downloaded.
    s251 : path, optional
        A folder with Section 251 outturn of England by line, a tidy CSV file as downloaded.
    ro3 : path, optional
        A folder with the workbooks of revenue outturn RO3 of 2015-16 and 2019-20.
    report : Report or path, optional
        A report of `missed_opportunities`, best as its `Report.protect` gives it, or a folder in
        which one was saved. Without it England is simulated (calibration ``official``) and counted,
        which takes some seconds.
    seed : int, default 0
        Of the simulation.
    progress : bool or callable, optional
        As in `simulate`.

    Returns
    -------
    PublishedFigures

    Raises
    ------
    DataError
        A folder holds none of what it was given for, or a file of it cannot be read.

    Notes
    -----
    A published figure stands for all that rounds to it, half up. Ours is a range as well where it
    is made from rounded or suppressed figures. It **agrees** if all of that range rounds to the
    published figure, is **consistent within rounding** if some of it does, and **not borne out** if
    none does. A rate of a table agrees if its 95 % limits reach what rounds to the published one.
    What is not given leaves lines that **cannot be tested**; their reason says what they need.

    Examples
    --------
    >>> import rereferral as rr
    >>> part = rr.simulate(authorities=["E06000001"], seed=1)
    >>> counted = rr.missed_opportunities(
    ...     part.episodes, years=range(2016, 2021), observed_until="2021-03-31")
    >>> found = rr.published_figures(report=counted)
    >>> found.section("Too little, too late").loc[3, ["published", "ours", "verdict"]].tolist()
    ['1.26 million', '1,190,670', 'not borne out']
    """
    data, outturn, councils = _files(dfe, s251, ro3, progress)
    notes = []
    if report is None:
        counted = _simulated(seed, progress)
    elif isinstance(report, Report):
        counted = Counted.of(report)
    elif isinstance(report, (str, os.PathLike)):
        counted = Counted.read(Path(report))
    else:
        raise RuleError(f"report={report!r} is neither a Report nor the folder of one")
    if counted.simulated:
        notes.append(
            f"SIMULATED: what is put in was counted in {counted.source}. Its rates were fitted to "
            "the published ones; that they come out again shows that the code counts right."
        )
    else:
        notes.append(f"What is found of single children was counted in {counted.source}.")
    counts = too_little.Official.of(data)
    lines: list[Line] = [
        *share_lines(counted),
        *too_little.chain_lines(counts),
        *too_little.sample_lines(),
        *too_little.help_lines(data),
        *spending.claim_lines(outturn, councils),
        *rate_lines(counted, data),
        *official.series(data),
        *official.regions(data),
        *official.authorities(data),
        *spending.outturn_lines(outturn, councils),
    ]
    protected = counted.simulated or not counted.exact
    return PublishedFigures(as_table(lines), counted.simulated, notes, protected)


def _files(
    dfe: _Path | None, s251: _Path | None, ro3: _Path | None, progress: Progress | bool | None
) -> tuple[OpenData, spending.Outturn | None, spending.Councils | None]:
    """What the folders hold; workbooks take some seconds."""
    with reporting(progress, "Reading") as report:
        done = 0

        def tell() -> None:
            nonlocal done
            done += 1
            if report is not None:
                report(done, 3)

        data = OpenData() if dfe is None else OpenData.read(dfe)
        tell()
        outturn = None if s251 is None else read_outturn(s251)
        tell()
        councils = None if ro3 is None else read_councils(ro3)
        tell()
    return data, outturn, councils


def _simulated(seed: int, progress: Progress | bool | None) -> Counted:
    simulation = simulate("official", years=range(2016, 2021), seed=seed, progress=progress)
    report = missed_opportunities(
        simulation.episodes,
        years=range(2016, 2021),
        observed_until=simulation.observed_until,
        observed_from=simulation.observed_from,
    )
    return Counted.of(report, f"a simulated England (calibration official, seed {seed})")
