"""`spending.claims`: what *Too little, too late* says of spending, beside what the files say."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pandas as pd

from rereferral import published
from rereferral.errors import RuleError
from rereferral.rounding import percent
from rereferral.spending.changes import Changes
from rereferral.spending.early_late import Spending, as_million, pounds, share_of
from rereferral.spending.mapping import SIDES
from rereferral.spending.prices import CASH

__all__ = ["claims"]

_YEARS = {"2010_11": "2010-11", "2019_20": "2019-20"}
_AGREES, _NOT, _CANNOT = "agrees", "not borne out", "cannot be tested"


def claims(england: Spending | None = None, councils: Changes | None = None) -> pd.DataFrame:
    """The report's figures on spending beside those of the outturn files.

    Parameters
    ----------
    england : Spending, optional
        England in 2010-11 and 2019-20, one row a year, in 2019-20 prices.
    councils : Changes, optional
        Early intervention by authority, 2015-16 to 2019-20, in cash or real terms.

    Returns
    -------
    DataFrame
        ``figure``, ``published``, ``ours``, ``kind``, ``verdict`` (``agrees``, ``differs``,
        ``not borne out``, ``cannot be tested``) and ``sentence``.

    Raises
    ------
    RuleError
        Neither is given, or `england` has several areas, or `councils` is of late intervention or
        of other years.

    References
    ----------
    Action for Children, *Too little, too late*, February 2022.

    Examples
    --------
    >>> from rereferral import spending
    >>> england = spending.early_and_late(spending.published())
    >>> real = england.in_prices_of("2019-20", {"2010-11": 0.8446, "2019-20": 1})
    >>> found = spending.claims(real)
    >>> found.loc[found["verdict"] == "agrees", ["figure", "published", "ours"]]
                              figure published     ours
    0             early, 2010-11      £ 3.6 bn  £ 3.6 bn
    2              late, 2010-11      £ 5.6 bn  £ 5.6 bn
    4  early's share, 2010-11         39 %     39 %
    """
    if england is None and councils is None:
        raise RuleError("claims() needs spending of England, changes by council, or both")
    figures = published.figures()["too_little_too_late"]
    lines = _of_england(england, figures) if england is not None else []
    lines += _of_councils(councils, figures) if councils is not None else []
    columns = ["figure", "published", "ours", "kind", "verdict", "sentence"]
    return pd.DataFrame(lines, columns=columns)


def _of_england(england: Spending, figures: dict[str, Any]) -> list[tuple[str, ...]]:
    table = england.table.set_index("financial_year")
    if table.index.has_duplicates:
        raise RuleError("england has several areas a year; take together()")
    lines: list[tuple[str, ...]] = []
    for side in SIDES:
        for key, year in _YEARS.items():
            theirs = figures[f"{side}_spending_{key}"]["value"]
            ours, verdict, sentence = "no amount", _CANNOT, f"No amount of {year} is given."
            held = year in table.index and pd.notna(table.at[year, side])
            in_its_own = england.prices == CASH and year == "2019-20"
            if held and england.prices != "2019-20" and not in_its_own:
                sentence = f"The published figure is in 2019-20 prices, ours is {england.unit}."
            elif held:
                billion = _billion(table.at[year, side])
                ours = f"£ {billion} bn"
                verdict = _AGREES if billion == f"{theirs:.1f}" else "differs"
                amount = as_million(table.at[year, side])
                sentence = f"Net current expenditure, £ {amount} million in 2019-20 prices."
            lines.append(
                (f"{side}, {year}", f"£ {theirs:.1f} bn", ours, "found", verdict, sentence)
            )
    for key, year in _YEARS.items():
        theirs = f"{round(100 * figures[f'early_share_{key}']['value'])} %"
        ours, verdict, sentence = "no share", _CANNOT, f"No share of {year} is given."
        if year in table.index:
            early, late = (float(table.at[year, side]) for side in SIDES)
            if share_of(early, late):
                ours = share_of(early, late, decimals=0)
                verdict = _AGREES if ours == theirs else "differs"
                sentence = (
                    f"{share_of(early, late)} at one decimal. A share is the same in any prices."
                )
        lines.append((f"early's share, {year}", theirs, ours, "found", verdict, sentence))
    return lines


def _of_councils(councils: Changes, figures: dict[str, Any]) -> list[tuple[str, ...]]:
    if (councils.of, councils.before, councils.after) != ("early", "2015-16", "2019-20"):
        raise RuleError("councils must be changes of early intervention, 2015-16 to 2019-20")
    terms = "cash" if councils.prices == CASH else f"{councils.prices} prices"
    areas, cut = len(councils.table), councils.cut
    tenths = figures["authorities_that_cut"]["value"]
    near = abs(Fraction(cut, areas) - Fraction(str(tenths))) <= Fraction(1, 20)
    first = (
        "councils that cut early intervention, 2015-16 to 2019-20",
        "nine in ten",
        f"{cut:,} of {areas:,} ({percent(cut, areas)} %)",
        "found",
        _AGREES if near else _NOT,
        f"Net current expenditure in {terms}."
        + ("" if near else " Other lines, or answers that are not public, must be behind it."),
    )
    deepest = figures["authorities_that_cut_most"]
    places = published.authorities().set_index("authority_name")["authority"]
    moved = councils.table.set_index("area")["change_percent"]
    said = []
    for name in deepest["names"]:
        code = places[name]
        known = code in moved.index and pd.notna(moved[code])
        said.append(f"{name} {moved[code]:+.1f} %" if known else f"{name}: no figure")
    deep = set(councils.cut_by_more_than(deepest["value"])["area"])
    tested = all(places[name] in moved.index for name in deepest["names"])
    borne = all(places[name] in deep for name in deepest["names"])
    others = councils.cut_by_more_than(deepest["value"])["area_name"].tolist()
    second = (
        f"councils that cut by more than {deepest['value'] * 100:g} %",
        ", ".join(deepest["names"]),
        ", ".join(said),
        "found",
        _CANNOT if not tested else _AGREES if borne else _NOT,
        f"In {terms}; by more than that cut: {', '.join(others) or 'none'}.",
    )
    return [first, second]


def _billion(amount: float) -> str:
    return str(percent(pounds(amount), 100_000_000_000))
