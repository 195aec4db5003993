"""`rereferral.reach`: children with early help, of all children, by authority and year."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pandas as pd

from rereferral.errors import DataError, RuleError
from rereferral.estimate.answers import Answers, read_answers
from rereferral.estimate.england import england
from rereferral.rates import level_quantiles, wilson
from rereferral.reach.helped import children_helped
from rereferral.report.words import of as share_of
from rereferral.report.words import rate as as_rate
from rereferral.small_tables import column_of, small_table
from rereferral.symbols import SYMBOLS
from rereferral.tables import open_table
from rereferral.years import year_labels, year_of

__all__ = ["Reach", "one_in", "reach"]

AREA, YEAR, HELPED, SIZE = "authority", "financial_year", "children_helped", "children"
_PLACES = ("authority_name", "region")


@dataclass(frozen=True, eq=False)
class Reach:
    """How many children had early help, of all children, by authority and year.

    Attributes
    ----------
    table : DataFrame
        A row for each authority and year with a number: ``authority``, ``authority_name`` and
        ``region`` where the frame has them, ``financial_year``; ``helped``, distinct children with
        early help; ``n``, all children; ``rate`` from 0 to 1; for each level ``lower_95`` and
        ``upper_95``, Wilson's; and ``one_in``, the rate in words.
    missing : DataFrame
        Authorities and years of the frame without a number, and why.
    ledger : DataFrame or None
        From the rows of early help given to those counted; None where returns were given.
    """

    table: pd.DataFrame
    missing: pd.DataFrame
    ledger: pd.DataFrame | None
    _levels: tuple[float, ...]

    def year(self, label: str) -> pd.DataFrame:
        """The rows of one financial year: what `rereferral.funnel` and `rereferral.league` take.

        Parameters
        ----------
        label : str
            Such as ``"2019-20"``.

        Raises
        ------
        RuleError
            There is none of that year.
        """
        rows = self.table[self.table[YEAR] == label]
        if not len(rows):
            known = ", ".join(self.table[YEAR].unique())
            raise RuleError(f"there is no reach of {label!r}; there is of {known}")
        return rows.reset_index(drop=True)

    def by_year(self, *, same: bool = False) -> pd.DataFrame:
        """All authorities with a number together, year by year: what `rereferral.trend` takes.

        Parameters
        ----------
        same : bool, default False
            Only authorities that have a number in every year. Otherwise a change from year to year
            may be one of who answered.

        Returns
        -------
        DataFrame
            ``financial_year``, ``authorities`` (how many), ``helped``, ``n``, ``rate``, limits and
            ``one_in``. Who has no number is not estimated: see `rereferral.estimate_total`.

        Raises
        ------
        DataError
            No authority has a number in every year.
        """
        table = self.table
        if same:
            every = table.groupby(AREA)[YEAR].transform("size") == table[YEAR].nunique()
            table = table[every]
            if not len(table):
                raise DataError("no authority has a number in every year")
        sums = table.groupby(YEAR, sort=True).agg(
            authorities=(AREA, "size"), helped=("helped", "sum"), n=("n", "sum")
        )
        return _with_rates(sums.reset_index(), self._levels)

    def spread(self) -> pd.DataFrame:
        """How far authorities lie apart, year by year.

        Returns
        -------
        DataFrame
            ``financial_year``; ``authorities``; ``highest`` and ``lowest``, their names (the first
            of several in the table's order); ``highest_rate``, ``median_rate``, ``lowest_rate``.
        """
        lines = []
        for label, rows in self.table.groupby(YEAR, sort=True):
            names = rows[_name_column(rows)]
            top, bottom = rows["rate"].idxmax(), rows["rate"].idxmin()
            lines.append(
                {
                    YEAR: label,
                    "authorities": len(rows),
                    "highest": names[top],
                    "highest_rate": rows["rate"][top],
                    "median_rate": float(rows["rate"].median()),
                    "lowest": names[bottom],
                    "lowest_rate": rows["rate"][bottom],
                }
            )
        return pd.DataFrame(lines)

    def words(self) -> list[str]:
        """What there is to say of each year, in sentences."""
        found = []
        gone = self.missing[YEAR].value_counts()
        spread = {row[YEAR]: row for row in self.spread().to_dict("records")}
        for row in self.by_year().to_dict("records"):
            label, apart = row[YEAR], spread[row[YEAR]]
            number = row["authorities"]
            without = int(gone.get(label, 0))
            found.append(
                f"{label}: {_said(row['helped'], row['n'])} children had early help in {number:,} "
                f"of {number + without:,} authorities"
            )
            if number > 1:
                most, middle, fewest = (
                    _rate_said(apart[f"{which}_rate"]) for which in ("highest", "median", "lowest")
                )
                found.append(
                    f"{label}: the most in {apart['highest']}, {most}; the middle authority "
                    f"{middle}; the fewest in {apart['lowest']}, {fewest}"
                )
        answered = self.table.groupby(AREA)[YEAR].size()
        if len(spread) > 1 and (answered < len(spread)).any():
            found.append(
                "not the same authorities have a number in every year: by_year(same=True) keeps "
                "those that do"
            )
        return found

    def __repr__(self) -> str:
        return "\n".join(self.words())

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(line)}</p>" for line in self.words())


def reach(
    table: Any,
    frame: Any = None,
    *,
    years: Iterable[int] | None = None,
    columns: Mapping[str, str] | None = None,
    levels: Sequence[float] = (0.95, 0.998),
) -> Reach:
    """Say how many children early help reaches, of all children, by authority and year.

    Parameters
    ----------
    table : DataFrame, Arrow table, or dict of arrays
        Returns, a row for each authority and year: ``authority``, ``financial_year``
        (``"2019-20"``), ``children_helped`` (whole numbers, symbols such as c, or nothing). Or
        early help itself, a row for each start: ``authority``, ``child_id``, ``start_date`` and, if
        there is one, ``end_date``. Which of the two it is, ``children_helped`` or ``start_date``
        tells.
    frame : DataFrame or other small table, optional
        All authorities with their sizes: ``authority``, ``financial_year``, ``children``. By
        default England's, of the years: children aged 0 to 17 (`rereferral.estimate.england`).
    years : iterable of int
        Financial years by the year they end in: 2020 is ``2019-20``. By default those of the
        returns. Needed for a table of early help, whose dates do not say which years are whole.
    columns : mapping of str to str, optional
        Columns of `table` under other names: ``{"child_id": "PersonRef"}``.
    levels : sequence of float
        Confidence levels.

    Returns
    -------
    Reach

    Raises
    ------
    RuleError
        The years are missing or no years, or `columns` names what is not there.
    DataError
        A column is missing, an authority is not in the frame, stands in a table twice or has a size
        of 0 or none, a count is negative, not whole or above the size, or a cell holds no number
        and no known symbol.

    Notes
    -----
    A child counts once a year and authority, however often help began. Without ``end_date`` it
    counts in the years in which help began; with it in every financial year with a day of help, and
    a row without an end in that of its start alone. An authority without a row in a year has no
    rate: that it recorded nothing and that it helped nobody look the same.

    Limits are Wilson's, `rereferral.wilson`: how far chance alone could move the rate of so many
    children. Every child of the authority is counted, so they are no limits of a sample.

    Examples
    --------
    >>> import rereferral as rr
    >>> returns = {
    ...     "authority": ["A", "B"], "financial_year": ["2019-20"] * 2, "children_helped": [50, 20]
    ... }
    >>> frame = {
    ...     "authority": ["A", "B"], "financial_year": ["2019-20"] * 2, "children": [300, 1000]
    ... }
    >>> found = rr.reach(returns, frame)
    >>> found.words()[0]
    '2019-20: 70 of 1,300 (5.4 %, 1 in 19) children had early help in 2 of 2 authorities'
    >>> found.table[["authority", "helped", "n", "one_in"]]
      authority  helped     n   one_in
    0         A      50   300   1 in 6
    1         B      20  1000  1 in 50
    """
    level_quantiles(levels)
    given = open_table(table, "the table")
    if columns:
        given = given.renamed(dict(columns))
    returns, starts = given.has(HELPED), given.has("start_date")
    if returns == starts:
        both = "both" if returns else "neither"
        raise DataError(
            f'the table has {both} of "{HELPED}" (returns) and "start_date" (early help): '
            "one of them says what it is"
        )
    chosen = None if years is None else _years(years)
    ledger = None
    if starts:
        if chosen is None:
            raise RuleError(
                "years is needed for a table of early help, whose first and last dates do not say "
                "which years are whole; for example years=range(2016, 2021)"
            )
        answers, ledger = children_helped(open_table(given, "early help"), chosen)
        labels = year_labels(chosen)
    else:
        answers = small_table(table, "the table")
        for name, other in (columns or {}).items():
            answers[name] = answers[other]
        for name in (AREA, YEAR):
            column_of(answers, name, "returns")
        labels = _labels(answers, chosen)
        answers = answers[answers[YEAR].isin(labels)]
    whole = england(_numbers(labels)) if frame is None else small_table(frame, "the frame")
    if YEAR in whole.columns:
        whole = whole[whole[YEAR].isin(labels)].reset_index(drop=True)
    read = read_answers(
        answers.reset_index(drop=True),
        whole,
        counts=[HELPED],
        sizes=[SIZE],
        published=[],
        strata=[],
        area=AREA,
        year=YEAR,
        called="early help" if starts else "returns",
    )
    return _reach(read, whole, tuple(levels), ledger)


def _years(years: Iterable[int]) -> list[int]:
    try:
        wanted = sorted({int(year) for year in years})
    except (TypeError, ValueError):
        raise RuleError(f"years={years!r} must be years such as range(2016, 2021)") from None
    if not wanted or wanted[0] < 1900 or wanted[-1] > 2200:
        raise RuleError(f"years={years!r} must be years such as range(2016, 2021)")
    return wanted


def _labels(answers: pd.DataFrame, chosen: list[int] | None) -> list[str]:
    """The years of returns; chosen ones must be among them."""
    for row, label in enumerate(answers[YEAR]):
        if not isinstance(label, str) or year_of(label) is None:
            raise DataError(
                f'returns: column "{YEAR}", row {row}: {label!r} is no financial year such as '
                "2019-20"
            )
    there = sorted(answers[YEAR].unique())
    if chosen is None:
        return there
    labels = year_labels(chosen)
    gone = [label for label in labels if label not in there]
    if gone:
        raise RuleError(f"returns have nothing of {', '.join(gone)}")
    return labels


def _numbers(labels: Iterable[str]) -> list[int]:
    return [year for label in labels if (year := year_of(label)) is not None]


def _reach(
    read: Answers,
    frame: pd.DataFrame,
    levels: tuple[float, ...],
    ledger: pd.DataFrame | None,
) -> Reach:
    helped, size = read.counts[HELPED], read.sizes[SIZE]
    for area, year in np.argwhere(helped > size).tolist():
        raise DataError(
            f"children with early help of {read.areas[area]} in {read.years[year]} are "
            f"{helped[area, year]:,.0f}, above its {size[area, year]:,.0f} children"
        )
    places = [name for name in _PLACES if name in frame.columns]
    known = frame.assign(**{AREA: frame[AREA].astype(str)}).drop_duplicates(AREA).set_index(AREA)
    symbols = {
        (row.authority, row.financial_year): row.symbol
        for row in read.missing[read.missing["column"] == HELPED].itertuples()
    }
    rows, gone = [], []
    for at, label in enumerate(read.years):
        for place, name in enumerate(read.areas):
            if not read.there[place, at]:
                continue
            named = {AREA: name, **{one: known.at[name, one] for one in places}, YEAR: label}
            if np.isnan(helped[place, at]):
                reason = _reason(symbols.get((name, label)), ledger is not None)
                gone.append(named | {"reason": reason})
            else:
                rows.append(named | {"helped": helped[place, at], "n": size[place, at]})
    if not rows:
        raise DataError("no authority has a number of children with early help")
    missing = pd.DataFrame(gone, columns=[AREA, *places, YEAR, "reason"])
    return Reach(_with_rates(pd.DataFrame(rows), levels), missing, ledger, levels)


def _reason(symbol: str | None, starts: bool) -> str:
    if symbol:
        return f"{HELPED} is {SYMBOLS[symbol]} ({symbol})"
    if symbol is not None:
        return f"{HELPED} is empty"
    return "no row of early help in the year" if starts else "no return"


def _with_rates(table: pd.DataFrame, levels: Sequence[float]) -> pd.DataFrame:
    helped, n = table["helped"].to_numpy(np.float64), table["n"].to_numpy(np.float64)
    found = table.assign(helped=helped.astype(np.int64), rate=helped / n)
    if (n == np.floor(n)).all():
        found["n"] = n.astype(np.int64)
    for level, name in zip(levels, level_quantiles(levels), strict=True):
        found[f"lower_{name}"], found[f"upper_{name}"] = wilson(helped, n, level)
    found["one_in"] = [one_in(rate) for rate in found["rate"]]
    return found


def one_in(rate: float) -> str:
    """A rate as one child in so many, rounded half up.

    Examples
    --------
    >>> one_in(0.169), one_in(0.02), one_in(0.8), one_in(0.0)
    ('1 in 6', '1 in 50', 'more than 2 in 3', 'none')
    """
    if rate == 0:
        return "none"
    if rate > 2 / 3:
        return "more than 2 in 3"
    return f"1 in {int(Decimal(1 / rate).quantize(Decimal(1), ROUND_HALF_UP)):,}"


def _name_column(rows: pd.DataFrame) -> str:
    return "authority_name" if "authority_name" in rows.columns else AREA


def _said(helped: float, n: float) -> str:
    share = _plain(share_of(helped, n))
    return f"{helped:,.0f} of {n:,.0f} ({share}, {one_in(helped / n)})"


def _rate_said(rate: float) -> str:
    return f"{_plain(as_rate(rate))} ({one_in(rate)})"


def _plain(text: str) -> str:
    """With an ordinary space before the percent sign, as other words on the terminal have it."""
    return text.replace("\N{NO-BREAK SPACE}", " ")
