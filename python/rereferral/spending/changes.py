"""`spending.changes`: who spends less than some years before, and by how much."""

from __future__ import annotations

import html
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from rereferral.errors import DataError, RuleError
from rereferral.rounding import percent
from rereferral.spending.areas import Pair, paired
from rereferral.spending.early_late import AMOUNTS, Spending
from rereferral.spending.money import as_million, pounds
from rereferral.spending.prices import CASH, between

__all__ = ["Changes", "changes"]

_OF = {"early": "early intervention", "late": "late intervention", "total": "both together"}


@dataclass(frozen=True, eq=False)
class Changes:
    """Areas from the deepest cut to the largest rise.

    Attributes
    ----------
    table : DataFrame
        ``place`` (1 is the deepest cut; areas with the same change share the first place of
        theirs), ``area`` (codes, with ``+`` between those that were put together), ``area_name``,
        ``before`` and ``after`` (in `unit`), ``change`` (after - before), ``change_percent``
        (rounded once, half up, to one decimal), ``moved`` (``cut``, ``rise``, ``same``) and
        ``note``. Where there was nothing before, or less, no percentage or place stands.
    left_out : DataFrame
        The areas that are not compared: ``area``, ``area_name``, ``financial_year``, ``reason``.
    before, after : str
        The financial years.
    of : {"early", "late", "total"}
        What is compared.
    prices : str
        ``"cash"``, or the year whose prices both are in.
    unit : str
        Of ``before``, ``after`` and ``change``.
    exact : tuple of Fraction
        The change of each row of the table as a part of what was before; None where undefined.
    """

    table: pd.DataFrame
    left_out: pd.DataFrame
    before: str
    after: str
    of: str
    prices: str
    unit: str
    exact: tuple[Fraction | None, ...]

    def cut_by_more_than(self, share: float) -> pd.DataFrame:
        """The areas that cut by more than a share of what they had.

        Parameters
        ----------
        share : float
            From 0 to 1: 0.7 is 70 %. Held against the change itself, not its rounded percentage.

        Returns
        -------
        DataFrame
            Rows of `table`.

        Raises
        ------
        RuleError
            It is not from 0 to 1.
        """
        if isinstance(share, bool) or not 0 <= share <= 1:
            raise RuleError(f"share={share!r} is not from 0 to 1, such as 0.7")
        limit = -Fraction(str(float(share)))
        deeper = [change is not None and change < limit for change in self.exact]
        return self.table[deeper]

    @property
    def cut(self) -> int:
        """How many areas spend less than before."""
        return int((self.table["moved"] == "cut").sum())

    def words(self, share: float = 0.7) -> list[str]:
        """What can be said of it.

        Parameters
        ----------
        share : float, default 0.7
            Who cut by more than that is named.
        """
        areas = len(self.table)
        terms = "cash" if self.prices == CASH else f"{self.prices} prices"
        deep = self.cut_by_more_than(share)
        said = f"{len(deep):,} cut by more than {share * 100:g} %"
        if len(deep):
            named = [
                f"{row.area_name} ({row.change_percent:.1f} %)"
                for row in deep.head(10).itertuples()
            ]
            more = f" and {len(deep) - 10:,} more" if len(deep) > 10 else ""
            said += f": {', '.join(named)}{more}"
        found = [
            f"{self.cut:,} of {areas:,} authorities cut {_OF[self.of]} from {self.before} to "
            f"{self.after} ({percent(self.cut, areas)} %), in {terms}",
            said,
        ]
        odd = self.table[self.table["change_percent"].isna()]
        if len(odd):
            found.append(
                f"{len(odd):,} have no percentage: "
                + ", ".join(f"{row.area_name} ({row.note})" for row in odd.itertuples())
            )
        put = self.table[self.table["area"].str.contains("+", regex=False)]
        found += [f"put together: {row.area_name} ({row.note})" for row in put.itertuples()]
        for reason, rows in self.left_out.groupby("reason", sort=False):
            names = ", ".join(
                f"{n} ({y})" for n, y in zip(rows["area_name"], rows["financial_year"], strict=True)
            )
            found.append(f"left out, {reason}: {names}")
        return found

    def __repr__(self) -> str:
        return "\n".join([*self.words(), "", self._shown().to_string(index=False)])

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{html.escape(line)}</p>" for line in self.words())
        return words + str(self._shown().to_html(index=False))

    def _shown(self) -> pd.DataFrame:
        shown = self.table.drop(columns=["area", "moved"])
        show = as_million if self.unit.startswith("£ million") else "{:,.0f}".format
        for name in ("before", "after", "change"):
            shown[name] = [show(value) for value in shown[name]]
        shown["place"] = ["" if pd.isna(place) else str(place) for place in shown["place"]]
        shown["change_percent"] = [
            "" if np.isnan(value) else f"{value:+.1f} %" for value in shown["change_percent"]
        ]
        return shown if len(shown) <= 20 else pd.concat([shown.head(10), shown.tail(5)])


def changes(
    found: Spending,
    before: str,
    after: str,
    *,
    of: str = "early",
    deflator: Any = None,
    prices: str | None = None,
    areas: str = "joined",
    crosswalk: Any = None,
) -> Changes:
    """Hold the spending of each area in two years against each other.

    Parameters
    ----------
    found : Spending
        What `early_and_late` gives. After `per_child` the amounts compared are pounds a child.
    before, after : str
        Financial years, such as ``"2015-16"`` and ``"2019-20"``.
    of : {"early", "late", "total"}
        What is compared.
    deflator : float, mapping or Series, optional
        One number: how many times as high prices are in `after` as in `before`. Or the level of
        prices by financial year, on any base. Without it amounts stay what they are: cash, unless
        `found` is in prices of a year already.
    prices : str, optional
        The year in whose prices amounts are; by default `after`. Only with a deflator.
    areas : {"joined", "same code"}
        Authorities that became others between the two years are compared with these, all of them
        together; or only those are compared that stand under the same code in both files.
    crosswalk : DataFrame, optional
        Which became which, as `rereferral.crosswalk` has it, which is the default.

    Returns
    -------
    Changes

    Raises
    ------
    DataError
        A year is not there, or no area stands in both.
    RuleError
        An argument is unknown, or contradicts another.

    Notes
    -----
    Amounts are taken to the pound; percentages, comparisons and limits come from these exactly, and
    are rounded once, half up (halves of cuts away from 0).

    Examples
    --------
    >>> import pandas as pd
    >>> from rereferral import spending
    >>> rows = pd.DataFrame({
    ...     "financial_year": ["2015-16"] * 4 + ["2019-20"] * 4,
    ...     "area": ["E1", "E1", "E2", "E2"] * 2, "area_name": ["A", "A", "B", "B"] * 2,
    ...     "description": ["Help", "Care"] * 4, "net": [10, 20, 5, 9, 8, 30, 5.2, 9]})
    >>> count = pd.DataFrame({
    ...     "source": "own", "first_year": "2015-16", "last_year": "2019-20", "line": "",
    ...     "description": ["Help", "Care"], "side": ["early", "late"]})
    >>> lines = spending.as_lines(rows, source="own", unit="£ million")
    >>> councils = spending.early_and_late(lines, mapping=count)
    >>> for line in spending.changes(councils, "2015-16", "2019-20", deflator=1.08).words(0.2):
    ...     print(line)
    2 of 2 authorities cut early intervention from 2015-16 to 2019-20 (100.0 %), in 2019-20 prices
    1 cut by more than 20 %: A (-25.9 %)
    """
    if of not in AMOUNTS:
        raise RuleError(f"of={of!r} is none of {', '.join(AMOUNTS)}")
    sides = [_year(found, before), _year(found, after)]
    if before == after:
        raise RuleError(f"before and after are both {before}")
    if deflator is None and prices is not None:
        raise RuleError(f"prices={prices!r} needs a deflator")
    if deflator is not None and found.prices != CASH:
        raise RuleError(f"the amounts are in {found.prices} prices already; give no deflator")
    terms = found.prices if deflator is None else prices or after
    times = {before: Fraction(1), after: Fraction(1)}
    if deflator is not None:
        times = between(deflator, before, after, terms)
    code = "area_published" if areas == "same code" else "area"
    if code not in found.table.columns:
        code = "area"
    tables = [side.set_index(code) for side in sides]
    pairs, gone = paired(tables[0].index, tables[1].index, (before, after), areas, crosswalk)
    amounts = [_amounts(table, of, times[y]) for table, y in zip(tables, times, strict=True)]
    rows, exact = [], []
    left = _left_out(gone, tables, (before, after))
    for pair in pairs:
        ends = [_sum(pair.before, *amounts[0]), _sum(pair.after, *amounts[1])]
        name = _name_of(pair, tables)
        lacks = [y for y, end in zip((before, after), ends, strict=True) if end is None]
        if lacks:
            for y in lacks:
                left.append(("+".join(pair.after), name, y, f"{of} is missing"))
            continue
        old, new = ends
        assert old is not None
        assert new is not None
        change = (new - old) / old if old > 0 else None
        note = pair.note if old > 0 else f"{'0' if old == 0 else 'below 0'} in {before}"
        moved = "cut" if new < old else "rise" if new > old else "same"
        rows.append(("+".join(pair.after), name, old, new, change, moved, note))
        exact.append(change)
    if not rows:
        raise DataError(f"no area has {of} in both {before} and {after}")
    child = "children" in found.table.columns
    unit = "£ a child" if child else "£ million"
    unit += ", cash" if terms == CASH else f", {terms} prices"
    order = sorted(
        range(len(rows)), key=lambda at: (exact[at] is None, exact[at] or 0, rows[at][1])
    )
    table = _table([rows[at] for at in order], 1 if child else 1_000_000)
    columns = ["area", "area_name", "financial_year", "reason"]
    return Changes(
        table,
        pd.DataFrame(left, columns=columns),
        before,
        after,
        of,
        terms,
        unit,
        tuple(exact[at] for at in order),
    )


def _year(found: Spending, year: str) -> pd.DataFrame:
    rows = found.table[found.table["financial_year"] == year]
    if rows.empty:
        have = ", ".join(dict.fromkeys(found.table["financial_year"]))
        raise DataError(f"there is no spending of {year}; there is of {have}")
    return rows


def _amounts(
    table: pd.DataFrame, of: str, times: Fraction
) -> tuple[dict[str, Fraction | None], dict[str, Fraction] | None]:
    """By code the amount in pounds, and the children where it is to be for each of them."""
    held = {
        code: None if np.isnan(value) else pounds(value) * times
        for code, value in table[of].items()
    }
    if "children" not in table.columns:
        return held, None
    return held, {code: Fraction(str(float(n))) for code, n in table["children"].items()}


def _sum(
    codes: tuple[str, ...],
    amounts: dict[str, Fraction | None],
    children: dict[str, Fraction] | None,
) -> Fraction | None:
    total = Fraction(0)
    for code in codes:
        amount = amounts[code]
        if amount is None:
            return None
        total += amount
    return total / sum(children[code] for code in codes) if children else total


def _name_of(pair: Pair, tables: list[pd.DataFrame]) -> str:
    return " + ".join(str(tables[1].at[code, "area_name"]) for code in pair.after)


def _left_out(
    gone: dict[str, str], tables: list[pd.DataFrame], years: tuple[str, str]
) -> list[tuple[str, str, str, str]]:
    return [
        (code, str(table.at[code, "area_name"]), year, reason)
        for table, year in zip(tables, years, strict=True)
        for code, reason in gone.items()
        if code in table.index
    ]


def _table(rows: list[tuple[Any, ...]], scale: int) -> pd.DataFrame:
    places: list[int | None] = []
    for at, row in enumerate(rows):
        same = at > 0 and row[4] is not None and row[4] == rows[at - 1][4]
        places.append(None if row[4] is None else places[-1] if same else at + 1)
    return pd.DataFrame(
        {
            "place": pd.array(places, dtype="Int64"),
            "area": [row[0] for row in rows],
            "area_name": [row[1] for row in rows],
            "before": [float(row[2] / scale) for row in rows],
            "after": [float(row[3] / scale) for row in rows],
            "change": [float((row[3] - row[2]) / scale) for row in rows],
            "change_percent": [_percent(row[4]) for row in rows],
            "moved": [row[5] for row in rows],
            "note": [row[6] for row in rows],
        }
    )


def _percent(change: Fraction | None) -> float:
    """In per cent with one decimal, rounded once from whole numbers."""
    if change is None:
        return float("nan")
    whole = float(percent(abs(change.numerator), change.denominator))
    return -whole if change < 0 else whole
