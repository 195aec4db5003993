"""`spending.early_and_late`: lines of expenditure as early and late intervention."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from rereferral.errors import DataError, RuleError
from rereferral.small_tables import column_of, small_table
from rereferral.spending.lines import Lines, key
from rereferral.spending.mapping import SIDES, checked, corrected, mapped
from rereferral.spending.money import as_million, share_of
from rereferral.spending.prices import CASH, factors
from rereferral.symbols import numbers
from rereferral.years import year_of

__all__ = ["AMOUNTS", "CLASSES", "Spending", "early_and_late"]

#: Classes of authorities that have children's services, as RO3 has them.
CLASSES = {
    "UA": "unitary",
    "MD": "metropolitan district",
    "L": "London borough",
    "SC": "shire county",
}

ENGLAND = "E92000001"
NUMBERED = ("s251", "ro3")  # the same number is the same line in every year
AMOUNTS = ("early", "late", "total")


@dataclass(frozen=True, eq=False)
class Spending:
    """Early and late intervention by year and area.

    Attributes
    ----------
    table : DataFrame
        ``financial_year``, ``area`` and ``area_name``; ``early``, ``late`` and ``total`` in
        £ million, NaN where a line of theirs is missing; ``early_share`` of the two together, from
        0 to 1. `per_child` adds columns.
    parts : DataFrame
        The lines that were counted, with ``side`` and ``net`` (cash).
    missing : DataFrame
        What is missing, and why: ``financial_year``, ``area``, ``area_name``, ``column``,
        ``reason``.
    ledger : DataFrame
        From the areas in each file to those counted: ``file``, ``financial_year``, ``step``,
        ``reason``, ``removed``, ``remaining`` and ``net``, what the areas removed have in the lines
        counted (£ million, cash).
    prices : str
        ``"cash"``, or the year whose prices the amounts are in.
    notes : tuple of str
        What was met.
    """

    table: pd.DataFrame
    parts: pd.DataFrame
    missing: pd.DataFrame
    ledger: pd.DataFrame
    prices: str = CASH
    notes: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """What the amounts are in, such as ``£ million, cash``."""
        return f"£ million, {CASH if self.prices == CASH else f'{self.prices} prices'}"

    def words(self) -> list[str]:
        """What can be said of it."""
        if self.table["area"].nunique() == 1:
            found = [_sentence(row) for _, row in self.table.iterrows()]
        else:
            found = [
                f"{year}: {len(rows):,} areas"
                for year, rows in self.table.groupby("financial_year", sort=False)
            ]
        first, *rest = self._said()
        return [first, *found, *rest]

    def unlike(self) -> str:
        """Which years do not count the same lines, in words; empty if all do."""
        parts = self.parts
        names = parts["line"].where(parts["source"].isin(NUMBERED), parts["description"].map(key))
        named = parts[["source", "side"]].assign(name=names)
        counts: dict[frozenset[tuple[str, ...]], list[str]] = {}
        for year, rows in named.groupby(parts["financial_year"], sort=True):
            lines = frozenset(rows.itertuples(index=False, name=None))
            counts.setdefault(lines, []).append(str(year))
        if len(counts) < 2:
            return ""
        spans = [
            years[0] if len(years) == 1 else f"{years[0]} to {years[-1]}"
            for years in counts.values()
        ]
        return f"{' and '.join(spans)} do not count the same lines"

    def _said(self) -> list[str]:
        """What the table does not show."""
        found = [f"Net current expenditure, {self.unit}"]
        for reason, count in self.missing["reason"].value_counts(sort=False).items():
            what = "amount is" if count == 1 else "amounts are"
            found.append(f"{count:,} {what} missing: {reason}")
        for row in self.ledger[self.ledger["removed"] > 0].itertuples():
            amount = as_million(row.net)
            held = (
                "" if amount == "0.0" else f", which have £{amount} million (cash) in these lines"
            )
            found.append(
                f"{row.removed:,} areas of {row.financial_year} are left out: {row.reason}{held}"
            )
        unlike = [f"{self.unlike()}: see parts"] if self.unlike() else []
        return [*found, *self.notes, *unlike]

    def __repr__(self) -> str:
        return "\n".join([*self._said(), "", self._shown().to_string(index=False)])

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{html.escape(line)}</p>" for line in self._said())
        return words + str(self._shown().to_html(index=False))

    def _shown(self) -> pd.DataFrame:
        shown = self.table.drop(columns=["area", "area_published"], errors="ignore")
        for name in AMOUNTS:
            shown[name] = [as_million(value) for value in shown[name]]
        shown["early_share"] = [
            share_of(*row) for row in zip(self.table["early"], self.table["late"], strict=True)
        ]
        for name in shown.columns[shown.columns.str.endswith("_per_child")]:
            shown[name] = [f"£{value:,.0f}" for value in self.table[name]]
        return shown if len(shown) <= 12 else pd.concat([shown.head(6), shown.tail(6)])

    def of_years(self, *years: str) -> Spending:
        """The same for some of its years.

        Parameters
        ----------
        *years : str
            Financial years, such as ``"2010-11"``.

        Raises
        ------
        DataError
            A year is not there.
        """
        for year in years:
            if year not in set(self.table["financial_year"]):
                have = ", ".join(dict.fromkeys(self.table["financial_year"]))
                raise DataError(f"there is no spending of {year}; there is of {have}")

        def kept(table: pd.DataFrame) -> pd.DataFrame:
            return table[table["financial_year"].isin(years)].reset_index(drop=True)

        return replace(
            self,
            table=kept(self.table),
            parts=kept(self.parts),
            missing=kept(self.missing),
            ledger=kept(self.ledger),
        )

    def together(self, name: str = "All areas") -> Spending:
        """All areas of a year as one.

        Parameters
        ----------
        name : str
            What it is called.

        Returns
        -------
        Spending
            One row a year. Where an area lacks an amount, so does the whole.

        Raises
        ------
        RuleError
            It is per child; make it so again afterwards.
        """
        if "children" in self.table.columns:
            raise RuleError("together() comes before per_child()")
        rows, gone = [], []
        for year, part in self.table.groupby("financial_year", sort=False):
            early, late = (float(part[side].sum(skipna=False)) for side in SIDES)
            rows.append((year, "", name, early, late))
            for side in SIDES:
                lacks = part.loc[part[side].isna(), "area"]
                if len(lacks):
                    own = self.missing[self.missing["area"].isin(lacks)]
                    own = own[(own["financial_year"] == year) & (own["column"] == side)]
                    why = "; ".join(dict.fromkeys(own["reason"]))
                    reason = f"{len(lacks):,} of {len(part):,} areas lack it ({why})"
                    gone.append((year, "", name, side, reason))
        columns = ["financial_year", "area", "area_name", *SIDES]
        return replace(
            self,
            table=_with_share(pd.DataFrame(rows, columns=columns)),
            missing=pd.DataFrame(gone, columns=list(self.missing.columns)),
        )

    def in_prices_of(self, year: str, deflator: Any) -> Spending:
        """The same in the prices of one year.

        Parameters
        ----------
        year : str
            Such as ``"2019-20"``.
        deflator : mapping or Series
            The level of prices by financial year, on any base; cash is divided by the year's level
            and multiplied by that of `year`. Years that it does not have are refused.

        Returns
        -------
        Spending

        Raises
        ------
        RuleError
            A year has no level of prices, or one that is not above 0; or amounts are not in cash.

        Examples
        --------
        >>> from rereferral import spending
        >>> england = spending.early_and_late(spending.published())
        >>> real = england.in_prices_of("2019-20", {"2010-11": 0.8446, "2019-20": 1})
        >>> real.table[["early", "late"]].round(1), real.unit
        (    early    late
        0  3599.9  5607.7, '£ million, 2019-20 prices')
        """
        if self.prices != CASH:
            raise RuleError(f"the amounts are in {self.prices} prices already")
        times = factors(deflator, year, list(self.table["financial_year"].unique()))
        by_row = [float(times[label]) for label in self.table["financial_year"]]
        table = self.table.copy()
        for name in table.columns[table.columns.isin(AMOUNTS) | _is_per_child(table)]:
            table[name] = table[name] * by_row
        return replace(self, table=table, prices=year)

    def per_child(
        self,
        children: Any,
        *,
        size: str = "children",
        area: str = "authority",
        year: str = "financial_year",
    ) -> Spending:
        """The same with the children of each area and year, and pounds a child.

        Parameters
        ----------
        children : DataFrame or other small table
            A row for each area and year, such as `rereferral.estimate.england` gives.
        size, area, year : str
            Its columns of children, codes of areas and years.

        Returns
        -------
        Spending
            Whose table has ``children``, ``early_per_child`` and ``late_per_child`` (£). England
            has the children of all areas of the frame.

        Raises
        ------
        DataError
            A column is not there, an area of a year is not in it or stands there twice, or has no
            children.
        """
        frame = small_table(children, "the table of children")
        for column in (size, area, year):
            column_of(frame, column, "the table of children")
        values, _ = numbers(frame[size], size)
        keys = list(zip(frame[year], frame[area], strict=True))
        for at, pair in enumerate(keys):
            if pair in keys[:at]:
                raise DataError(f"{pair[1]} stands in the table of children twice in {pair[0]}")
        held = dict(zip(keys, values, strict=True))
        for label in set(frame[year]):
            whole = float(values[(frame[year] == label).to_numpy()].sum())
            held.setdefault((label, ENGLAND), whole)
            held.setdefault((label, ""), whole)
        found = []
        for row in self.table.itertuples():
            count = held.get((row.financial_year, row.area))
            if count is None:
                raise DataError(
                    f"{row.area_name} ({row.area}) has no row in the table of children in "
                    f"{row.financial_year}"
                )
            if not count > 0:
                raise DataError(f"{row.area_name} has {count:g} children in {row.financial_year}")
            found.append(count)
        table = self.table.assign(children=found)
        for side in SIDES:
            table[f"{side}_per_child"] = table[side] * 1e6 / table["children"]
        notes = self.notes
        if "filled" in frame.columns:
            used = frame[year].isin(table["financial_year"])
            filled = frame[used & frame["filled"].astype(str).str.contains(size, regex=False)]
            if len(filled):
                label = "authority_name" if "authority_name" in frame.columns else area
                names = (f"{n} ({y})" for n, y in zip(filled[label], filled[year], strict=True))
                notes = (*notes, f"{size} that were not published, but filled: {', '.join(names)}")
        return replace(self, table=table, notes=notes)


def early_and_late(
    *lines: Lines, mapping: Any = None, classes: Sequence[str] = tuple(CLASSES)
) -> Spending:
    """Sort lines of expenditure into early and late intervention.

    Parameters
    ----------
    *lines : Lines
        What the readers give: of several years, and of one or more sources.
    mapping : DataFrame, optional
        Which lines count as which, in the form of `spending.mapping`, which is the default.
    classes : sequence of str
        Classes of authorities that count, where a file has classes. By default those with
        children's services: ``UA``, ``MD``, ``L`` and ``SC``.

    Returns
    -------
    Spending
        In cash.

    Raises
    ------
    DataError
        A file lacks a line that the mapping names; an area has a year twice; England stands beside
        its authorities.
    RuleError
        The mapping has no lines for a year, is not well formed, or counts something twice.

    Notes
    -----
    A code that the publisher got wrong is put right, with a note. An area with a missing amount in
    a line has none on that side.

    Examples
    --------
    >>> from rereferral import spending
    >>> found = spending.early_and_late(spending.published())
    >>> found.table[["early", "late", "early_share"]].round(3)
          early    late  early_share
    0  3040.459  4736.3        0.391
    """
    if not lines:
        raise RuleError("early_and_late() needs lines of expenditure")
    table = checked(mapping)
    tables, parts, missing, ledger, notes = [], [], [], [], []
    for one in lines:
        if not isinstance(one, Lines):
            raise DataError(f"a {type(one).__name__} is no lines of expenditure; use a reader")
        areas, fixed = corrected(one.source, one.table)
        kept, steps = _of_classes(one, classes, table)
        counted, gone, read = mapped(kept, table)
        codes = dict(
            zip(
                zip(one.table["financial_year"], one.table["area"], strict=True), areas, strict=True
            )
        )
        both = zip(counted["financial_year"], counted["area"], strict=True)
        counted.insert(0, "source", one.source)
        counted.insert(2, "area_published", counted["area"])
        counted["area"] = [codes[pair] for pair in both]
        symbols = one.missing.set_index(["financial_year", "area", "line", "description"])[
            "meaning"
        ]
        found, lacking = _sides(counted, gone, symbols)
        tables.append(found)
        missing += lacking
        ledger += steps
        parts.append(counted)
        notes += [*one.notes_of(counted), *fixed, *read]
    whole = pd.concat(tables, ignore_index=True)
    _refuse_mixed(whole)
    whole["order"] = whole["financial_year"].map(year_of)
    whole = whole.sort_values("order", kind="stable", ignore_index=True).drop(columns="order")
    every = pd.concat(parts, ignore_index=True)
    columns = ["financial_year", "area", "area_name", "column", "reason"]
    steps_of = ["file", "financial_year", "step", "reason", "removed", "remaining", "net"]
    return Spending(
        _with_share(whole),
        every,
        pd.DataFrame(missing, columns=columns),
        pd.DataFrame(ledger, columns=steps_of),
        notes=tuple(dict.fromkeys(notes)),
    )


def _of_classes(
    lines: Lines, classes: Sequence[str], table: pd.DataFrame
) -> tuple[Lines, list[tuple[Any, ...]]]:
    """The areas of the classes that count, and the ledger of the others."""
    rows = lines.table
    out = rows["area_class"].notna() & ~rows["area_class"].isin(list(classes))
    kept = replace(lines, table=rows[~out].reset_index(drop=True))
    if kept.table.empty:
        raise RuleError(f"classes={list(classes)}: {lines.name} has no area of them")
    steps: list[tuple[Any, ...]] = []
    for year, part in rows.groupby("financial_year", sort=False):
        left = part["area"].nunique()
        steps.append((lines.name, year, "given", "areas in the file", 0, left, 0.0))
        gone = part[out[part.index]]
        for kind, of_kind in gone.groupby("area_class", sort=False):
            count = of_kind["area"].nunique()
            left -= count
            held, _, _ = mapped(replace(lines, table=of_kind), table)
            reason = f"class {kind}, not among {', '.join(classes)}"
            net = float(held["net"].sum())
            steps.append((lines.name, year, "class", reason, count, left, net))
    return kept, steps


def _sides(
    counted: pd.DataFrame, gone: pd.DataFrame, symbols: pd.Series
) -> tuple[pd.DataFrame, list[tuple[Any, ...]]]:
    """A row for each year and area with both sides, and what is missing of them."""
    keys = ["financial_year", "area", "area_published", "area_name"]
    found = counted[keys].drop_duplicates(ignore_index=True)
    missing: list[tuple[Any, ...]] = []
    for side in SIDES:
        own = counted[counted["side"] == side]
        sums = own.groupby(keys, sort=False)["net"].sum(min_count=1)
        lacks = own[own["net"].isna()]
        for row in lacks.itertuples():
            place = (row.financial_year, row.area_published, row.line, row.description)
            why = f"{row.description}: {symbols.get(place, 'empty')}"
            missing.append((row.financial_year, row.area, row.area_name, side, why))
            sums[(row.financial_year, row.area, row.area_published, row.area_name)] = np.nan
        found[side] = sums.reindex(pd.MultiIndex.from_frame(found[keys])).to_numpy()
        for year, part in gone[gone["side"] == side].groupby("financial_year", sort=False):
            rows = found["financial_year"] == year
            found.loc[rows, side] = np.nan
            names = ", ".join(text.strip('"') for text in part["description"])
            missing += [
                (year, row.area, row.area_name, side, f"not in the file: {names}")
                for row in found[rows].itertuples()
            ]
    return found, missing


def _with_share(table: pd.DataFrame) -> pd.DataFrame:
    """With the two together and the share of early, which is null where it means nothing."""
    table = table.assign(total=table["early"] + table["late"])
    defined = (table["early"] >= 0) & (table["late"] >= 0) & (table["total"] > 0)
    share = table["early"] / table["total"].where(defined)
    return table.assign(early_share=share)


def _refuse_mixed(table: pd.DataFrame) -> None:
    twice = table.duplicated(["financial_year", "area"])
    for row in table[twice].itertuples():
        raise DataError(f"{row.area_name} ({row.area}) is given twice for {row.financial_year}")
    for year, rows in table.groupby("financial_year", sort=False):
        if len(rows) > 1 and (rows["area"] == ENGLAND).any():
            raise DataError(f"England stands beside its authorities in {year}: sort them apart")


def _is_per_child(table: pd.DataFrame) -> Any:
    return table.columns.str.endswith("_per_child")


def _sentence(row: pd.Series) -> str:
    early, late = (as_million(row[side]) or "missing" for side in SIDES)
    share = share_of(row["early"], row["late"])
    tail = f", early {share} of the two" if share else ""
    return f"{row['financial_year']}: early {early}, late {late}{tail}"
