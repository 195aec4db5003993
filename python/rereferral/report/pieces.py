"""A report's tables as disclosure control sees them: one measure has one name in all of them.

A report tells the same count in several tables, under names that suit each: the closures of the
table ``children`` are those followed in ``chain_by_year``, and so are those that the ledger ends
with. Whoever looks for a small count knows that, so disclosure control must.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd

from rereferral.definitions import ACTION_FOR_CHILDREN, GOLDACRE
from rereferral.definitions import DFE as LOOK_BACK
from rereferral.disclosure.sheets import METHOD
from rereferral.lineage import one_area
from rereferral.report.chain import STEPPED_DOWN, STEPS
from rereferral.report.counts import ALL_YEARS
from rereferral.report.official import MEASURES

__all__ = ["Piece", "equations", "parts", "pieces"]

ALL_DAYS, OTHER_DAYS = "all days", "other days"

_CHILDREN = {"closures": "followed", "rereferred_closures": "rereferred"}
_KEPT = {"n": "followed", "linked": "rereferred"}
_HELPED = {"n": "stepped_down_followed", "linked": "stepped_down_rereferred"}
_LOOK_BACK = {"n": "looked_back", "linked": "re_referrals"}
_OFFICIAL = {"not_in_need": "below_threshold", "re_referral_rate": "rate"}
# What remains in the ledger after the last line of a step, by its name in the chain.
_AFTER = {
    "observed": "referrals",
    "assessed": "assessed",
    "below threshold": "below_threshold",
    "stepped down": "not_stepped_down",
    "follow-up": "followed",
}
_WITHIN_ROWS = (
    "stepped_down = stepped_down_followed + stepped_down_not_followed",
    "stepped_down_followed = stepped_down_rereferred + stepped_down_not_rereferred",
    "children <= followed",
    "rereferrals <= rereferred",
    "looked_back = re_referrals + not_re_referred",
    "referrals = looked_back + not_looked_back",
    "referrals = re_referrals + first_referrals",
    "referrals = no_further_action + further_action",
    "lookback_short <= referrals",
    "followup_short <= not_stepped_down",
)


@dataclasses.dataclass(frozen=True, eq=False)
class Piece:
    """A part of a report's table.

    Attributes
    ----------
    name : str
        What it is called in the release.
    table : str
        The table of the report.
    frame : DataFrame
        Its rows, with the columns that are to be published or tell rows apart.
    cells : dict of str to list of (int, str)
        By column of `frame`, where in the table each of its rows stands: row and column. Columns
        that are not named say what a row is about.
    """

    name: str
    table: str
    frame: pd.DataFrame
    cells: Mapping[str, Sequence[tuple[int, str]]]


def pieces(tables: Mapping[str, pd.DataFrame]) -> Iterator[Piece]:
    """All tables of a report in which something is counted, but the curves."""
    for name, about in (
        ("chain", ["label"]),
        ("chain_by_year", []),
        ("chain_by_region", []),
        ("chain_by_authority", []),
    ):
        # The average a year is computed from what is shown of the years.
        rows = [0] if name == "chain" else None
        yield _piece(name, tables, rows=rows, without=about)
    yield from _children(tables)
    yield from _arms(tables)
    yield from _three_rates(tables)
    yield from _reconciliation(tables)
    if "official_by_authority" in tables:
        yield from _official(tables)
    yield from _ledger(tables)
    yield _completeness(tables)


def equations(tables: Mapping[str, pd.DataFrame], names: Iterable[str]) -> dict[str, list[str]]:
    """What holds within the rows of each piece, beside what holds in any release."""
    found = {name: list(_WITHIN_ROWS) for name in names}
    ledger = tables["ledger"].reset_index(drop=True)
    for rows, pairs in _ledger_names(ledger):
        name = _ledger_name(ledger, rows)
        if name in found:
            found[name] = [
                f"{before} = {removed} + {remaining}"
                for (_, before), (removed, remaining) in itertools.pairwise(pairs)
            ]
    return found


def parts(tables: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, list[str]]]:
    """What members of groups are made of: all days of years and others, areas of their codes."""
    years = tables["chain_by_year"]["financial_year"].astype(str).tolist()
    found = {"financial_year": {ALL_DAYS: [*years, OTHER_DAYS]}}
    several = {name: codes for name, codes in _areas(tables).values() if len(codes) > 1}
    if several and "official_by_authority" in tables:
        found["authority"] = several
    return found


def _piece(
    table: str,
    tables: Mapping[str, pd.DataFrame],
    *,
    name: str | None = None,
    rows: Sequence[int] | None = None,
    rename: Mapping[str, str] | None = None,
    without: Sequence[str] = (),
    more: Mapping[str, object] | None = None,
) -> Piece:
    """Rows of a table without some columns, others under other names, and more beside them."""
    whole = tables[table]
    places = list(range(len(whole))) if rows is None else list(rows)
    frame = whole.iloc[places].drop(columns=list(without)).reset_index(drop=True)
    called = rename or {}
    numbers = [
        str(column)
        for column in frame.columns
        if pd.api.types.is_numeric_dtype(frame[column].dtype) or column == METHOD
    ]
    cells = {
        called.get(column, column): [(place, column) for place in places] for column in numbers
    }
    frame = frame.rename(columns=dict(called)).assign(**dict(more or {}))
    return Piece(name or table, table, frame, cells)


def _children(tables: Mapping[str, pd.DataFrame]) -> Iterator[Piece]:
    labels = tables["children"]["financial_year"].tolist()
    years = [row for row, label in enumerate(labels) if label != ALL_YEARS]
    yield _piece("children", tables, name="children_by_year", rows=years, rename=_CHILDREN)
    yield _piece(
        "children",
        tables,
        rows=[labels.index(ALL_YEARS)],
        rename=_CHILDREN,
        without=["financial_year"],
    )


def _arms(tables: Mapping[str, pd.DataFrame]) -> Iterator[Piece]:
    for row, arm in enumerate(tables["arms"]["arm"].astype(str)):
        helped = arm == STEPS[STEPPED_DOWN]
        yield _piece(
            "arms",
            tables,
            name=f"arms ({arm})",
            rows=[row],
            rename=_HELPED if helped else _KEPT,
            without=["arm"],
            more={"stepped_down": int(tables["chain"]["stepped_down"].iloc[0])} if helped else {},
        )


def _three_rates(tables: Mapping[str, pd.DataFrame]) -> Iterator[Piece]:
    rates = tables["three_rates"]
    words = ["name", "looks", "from", "to", "published", "note"]
    computed = (rates["method"] != "none").tolist()
    after = []
    for row, name in enumerate(rates["name"]):
        if not computed[row]:
            continue
        if str(name).startswith(GOLDACRE.name):
            after.append(row)
            continue
        rename = {LOOK_BACK.name: _LOOK_BACK, ACTION_FOR_CHILDREN.name: _KEPT}[name]
        yield _piece(
            "three_rates",
            tables,
            name=f"three_rates ({name})",
            rows=[row],
            rename=rename,
            without=words,
        )
    if after:
        # Of these the rate is a Kaplan-Meier risk, and no quotient of the counts beside it.
        yield _piece(
            "three_rates",
            tables,
            name=f"three_rates ({GOLDACRE.name})",
            rows=after,
            rename={"rate": "risk"},
            without=words,
            more={"window": rates["name"].iloc[after].tolist()},
        )


def _reconciliation(tables: Mapping[str, pd.DataFrame]) -> Iterator[Piece]:
    """Our counts by year, a column for each measure."""
    long = tables["reconciliation"]
    short = {title: measure for measure, title in MEASURES.items()}
    years = list(dict.fromkeys(long["financial_year"]))
    if not years:
        return
    columns: dict[str, list[object]] = {}
    cells: dict[str, list[tuple[int, str]]] = {}
    for measure in dict.fromkeys(long["measure"]):
        rows = [row for row, found in enumerate(long["measure"]) if found == measure]
        name = {"not_in_need": "below_threshold"}.get(short[measure], short[measure])
        columns[name] = long["ours"].iloc[rows].tolist()
        cells[name] = [(row, "ours") for row in rows]
    frame = pd.DataFrame({name: pd.array(cells, "Int64") for name, cells in columns.items()})
    frame.insert(0, "financial_year", [str(year) for year in years])
    yield Piece("reconciliation", "reconciliation", frame, cells)


def _official(tables: Mapping[str, pd.DataFrame]) -> Iterator[Piece]:
    """What was counted here; official figures are published already, and differences follow.

    This table has a row for an area whose code alone changed, the others one for each code. Then
    the sum over the codes stands between them, though no table shows it.
    """
    table = tables["official_by_authority"]
    known = tables["completeness"].set_index("authority")
    names = _areas(tables)
    theirs = [
        column
        for column in map(str, table.columns)
        if column.endswith(("_official", "_difference", "_missing"))
    ]
    areas = [one_area(code, "own") for code in table["authority"]]
    regions = [str(known.loc[names[area][1][0], "region"]) for area in areas]
    more = {"authority": [names[area][0] for area in areas], "region": regions}
    yield _piece("official_by_authority", tables, rename=_OFFICIAL, without=theirs, more=more)
    several = [(name, codes) for name, codes in names.values() if len(codes) > 1]
    if several:
        below = tables["chain_by_authority"].set_index("authority")["below_threshold"]
        of_chain = {name: int(below.reindex(codes).sum()) for name, codes in several}
        of_all = {name: int(known.loc[codes, "referrals"].sum()) for name, codes in several}
        authority = [name for name, _ in several]
        frame = pd.DataFrame({"authority": authority, "below_threshold": of_chain.values()})
        yield Piece("areas of several codes", "official_by_authority", frame, {})
        frame = pd.DataFrame({"authority": authority, "referrals": of_all.values()})
        frame.insert(1, "financial_year", ALL_DAYS)
        yield Piece("areas of several codes, all days", "official_by_authority", frame, {})


def _areas(tables: Mapping[str, pd.DataFrame]) -> dict[str, tuple[str, list[str]]]:
    """Of each area what it is called in the release, and its codes."""
    codes: dict[str, list[str]] = {}
    for code in sorted(tables["completeness"]["authority"].astype(str)):
        codes.setdefault(one_area(code, "own"), []).append(code)
    return {area: (" or ".join(found), found) for area, found in codes.items()}


def _ledger_names(ledger: pd.DataFrame) -> Iterator[tuple[list[int], list[tuple[str, str]]]]:
    """By table of a ledger its rows, and for each the names of what was removed and remains."""
    for name, group in ledger.groupby("table", sort=False, observed=True):
        rows = group.index.tolist()
        steps = group["step"].astype(str).tolist()
        last = {step: place for place, step in enumerate(steps)}
        names = []
        for place, step in enumerate(steps):
            mine = f"{name}_{place}"
            ends = last[step] == place and step in _AFTER
            names.append((f"removed_{mine}", _AFTER[step] if ends else f"remaining_{mine}"))
        yield rows, names


def _ledger_name(ledger: pd.DataFrame, rows: Sequence[int]) -> str:
    return f"ledger ({ledger['table'].iloc[rows[0]]})"


def _ledger(tables: Mapping[str, pd.DataFrame]) -> Iterator[Piece]:
    """A ledger as one row, with a column for each count."""
    ledger = tables["ledger"].reset_index(drop=True)
    for rows, names in _ledger_names(ledger):
        cells = {
            column: [(row, what)]
            for row, pair in zip(rows, names, strict=True)
            for column, what in zip(pair, ("removed", "remaining"), strict=True)
        }
        frame = pd.DataFrame(
            {column: [int(ledger[what].iloc[row])] for column, [(row, what)] in cells.items()}
        )
        yield Piece(_ledger_name(ledger, rows), "ledger", frame, cells)


def _completeness(tables: Mapping[str, pd.DataFrame]) -> Piece:
    kept = tables["chain_by_authority"].set_index("authority")["not_stepped_down"]
    found = kept.reindex(tables["completeness"]["authority"]).fillna(0).to_numpy(int)
    return _piece(
        "completeness",
        tables,
        without=["first_full_month", "last_full_month"],
        more={"not_stepped_down": found, "financial_year": ALL_DAYS},
    )
