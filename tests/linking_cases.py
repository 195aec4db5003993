"""Small random linkages: drawn as plain rows, dressed as the tables that users hold, compared.

A `Case` is what the reference reads. `dress` turns it into arrays, data frames or Arrow tables,
with keys and dates of any kind that can hold the values. `disagreements` runs both and lists what
differs.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

import rereferral as rr
from reference import (
    Linked,
    RefusedError,
    add_span,
    area_days,
    link_reference,
    parse_span,
    rates_reference,
)

NS_DAYS = 106_750  # datetime64[ns] reaches this many days from 1970
ISO_DAYS = (-719_162, 2_932_896)  # the years 1 to 9999, which datetime.date and ISO text can hold
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def day(text: str) -> int:
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


# ---------------------------------------------------------------- values

ANCHORS = [
    day("2016-02-29"),
    day("2019-02-28"),
    day("2020-02-29"),
    day("2015-01-31"),
    day("2019-03-31"),
    day("2019-12-31"),
    day("2000-02-29"),
    day("1900-02-28"),
    day("2100-02-28"),
    day("1968-02-29"),
    day("1600-02-29"),
    0,
    -1,
    day("0004-02-29"),
    day("9996-02-29"),
    -9_500_000,
    9_500_000,
]
STEPS = [0, 1, 2, 27, 28, 29, 30, 31, 32, 59, 60, 61, 364, 365, 366, 367, 730, 731]
OFFSETS = STEPS + [-step for step in STEPS]

LONG = "an identifier of more than sixteen bytes, "
POOLS = {
    "whole": [
        [1, 2, 3],
        [-1, 0, 1],
        [-128, 127, 0],
        [2**31 - 1, -(2**31), 2**31],
        [2**62, -(2**63), 2**63 - 1],
        [2**64 - 1, 2**63, 2**63 - 1],
        [2**64 - 1, 0, 1],
    ],
    "text": [
        ["a", "b", "c"],
        ["7", "007", "07"],
        ["a", "a ", "A"],
        ["\u00e9", "e\u0301", "\u0142"],
        [LONG + "1", LONG + "2", LONG],
        ["sixteen bytes, 1", "sixteen bytes, 2", "sixteen bytes, "],
    ],
    "date": [
        [day("2010-02-28"), day("2010-03-01"), day("1969-12-31")],
        [0, -1, 1],
    ],
}

WINDOWS = [
    *(0, 1, 2, 28, 30, 31, 364, 365, 366),
    *("1 day", "365 days", "1 month", "2 months", "6 months", "12 months", "13 months"),
    *("24 months", "1 year", "2 years", None),
]
MIN_GAPS = [None, 0, 1, 2, 14, 30, "1 day", "28 days", "1 month", "12 months"]
FILTERS = [
    {"kind": "x"},
    {"kind": ["x", "y"]},
    {"kind": ["z"]},
    {"score": 1},
    {"score": [0, 2]},
    {"score": ("<", 2)},
    {"score": (">=", 1)},
    {"score": ("!=", 0)},
    {"kind": ("!=", "y")},
    {"kind": "x", "score": ("<", 2)},
]


def seldom(values) -> st.SearchStrategy:
    """None, and now and then one of the values."""
    return st.one_of(st.none(), st.none(), st.none(), st.sampled_from(values))


@st.composite
def definitions(draw) -> dict:
    """Every rule, each at its default now and then by being left out."""
    rules = {
        "window": st.sampled_from(WINDOWS),
        "window_end": st.sampled_from(["inclusive", "exclusive"]),
        "direction": st.sampled_from(["forward", "backward"]),
        "same_day": st.sampled_from(["exclude", "include"]),
        "ties": st.sampled_from(["first row", "last row"]),
        "take": st.just("first"),
        "min_gap": seldom(MIN_GAPS),
        "followup": st.sampled_from(["complete", "observed", "ignored"]),
        "event_filter": seldom(FILTERS),
    }
    drawn = {name: draw(values) for name, values in rules.items()}
    left_out = draw(st.sets(st.sampled_from(sorted(rules)), max_size=4))
    return {name: value for name, value in drawn.items() if name not in left_out}


# ---------------------------------------------------------------- cases


@dataclass
class Case:
    """A linkage in plain values; `families` says what each column holds."""

    index_rows: list[dict]
    event_rows: list[dict]
    families: tuple[dict[str, str], dict[str, str]]
    arguments: dict[str, Any]
    rules: dict[str, Any]
    by: str | None = None
    same_table: bool = False
    index: Any = field(default=None, repr=False)
    events: Any = field(default=None, repr=False)
    looks: dict[str, Any] = field(default_factory=dict)


@st.composite
def cases(draw) -> Case:
    """A case dense in ties and boundary days, not yet dressed."""
    rules = draw(definitions())
    anchor = draw(st.sampled_from(ANCHORS))
    spans = [parse_span(rules.get(name, "12 months")) for name in ("window", "min_gap")]
    ends = [add_span(anchor, span) - anchor for span in spans if span is not None] or [100]
    reach = [end + step for end in ends for step in (-1, 0, 1)]
    steps = st.one_of(st.sampled_from([-1, 0, 1]), st.sampled_from(reach), st.sampled_from(STEPS))
    drawn_days = draw(st.lists(steps.map(anchor.__add__), min_size=2, max_size=5, unique=True))
    few_days = st.sampled_from(drawn_days)

    key_family = draw(st.sampled_from(["whole", "whole", "text", "text", "date"]))
    part_family = draw(st.sampled_from(["whole", "text", "date"]))
    composite = draw(st.booleans())
    nulls = draw(st.integers(0, 3)) == 0
    dates = st.one_of(few_days, few_days, few_days, st.none()) if nulls else few_days
    keys = draw(st.sampled_from(POOLS[key_family]))
    parts = draw(st.sampled_from(POOLS[part_family]))
    maybe = [None] if nulls else []
    keys, parts = [*keys[:1] * 3, *keys, *maybe], [*parts[:1] * 3, *parts, *maybe]
    families = {"child": key_family, "area": "text", "kind": "text", "score": "whole"}
    columns = {
        "child": st.sampled_from(keys),
        "area": st.sampled_from(["E1", "E1", "E2", *maybe]),
        "kind": st.sampled_from(["x", "x", "y", None]),
        "score": st.integers(0, 3),
    }
    if composite:
        families["born"] = part_family
        columns["born"] = st.sampled_from(parts)

    arguments: dict[str, Any] = {"person": ["child", "born"] if composite else "child"}
    same_table = draw(st.booleans())
    with_ids = draw(st.booleans())
    if same_table:
        one_date = draw(st.integers(0, 3)) == 0
        families["seen"] = "day"
        columns["seen"] = dates
        if not one_date:
            families["closed"] = "day"
            columns["closed"] = dates
        rows = draw(rows_of(columns, 9))
        number(draw, [rows], with_ids)
        tables = (rows, rows)
        both = (families, families)
        arguments["index_date"] = "seen" if one_date else "closed"
    else:
        tables = (
            draw(rows_of({**columns, "closed": dates}, 7)),
            draw(rows_of({**columns, "seen": dates}, 9)),
        )
        number(draw, tables, with_ids)
        both = ({**families, "closed": "day"}, {**families, "seen": "day"})
        arguments["index_date"] = "closed"
    arguments["event_date"] = "seen"
    if with_ids:
        arguments["row_id"] = "ref"
        for each in both:
            each["ref"] = "whole"
    if draw(st.booleans()):
        arguments["scope"] = "area"
    arguments["index_filter"] = draw(seldom(FILTERS))

    forward = rules.get("direction", "forward") == "forward"
    needed, other = "observed_until", "observed_from"
    if not forward:
        needed, other = other, needed
    sign = 1 if forward else -1
    ends = st.builds(lambda day, step: day + sign * step, few_days, st.sampled_from(reach))
    limits = st.one_of(ends, st.just((max if forward else min)(drawn_days) + sign * 1000))
    limits = st.one_of(limits, limits, st.fixed_dictionaries({"E1": limits, "E2": limits}))
    wanted = rules.get("followup", "complete") != "ignored"
    if draw(st.integers(0, 19)) > 0 if wanted else draw(st.booleans()):
        arguments[needed] = draw(limits)
    if draw(st.integers(0, 3)) == 0:
        limits = st.one_of(few_days, st.fixed_dictionaries({"E1": few_days, "E2": few_days}))
        arguments[other] = draw(limits)
    by_area = "scope" in arguments and isinstance(arguments.get("observed_until"), dict)
    by_area |= "scope" in arguments and isinstance(arguments.get("observed_from"), dict)
    spans = area_days(arguments.get("observed_from"), arguments.get("observed_until"))
    if by_area and any(None not in span and span[0] > span[1] for span in spans):
        del arguments[other]  # whether an area without rows contradicts itself is not asked here
    by = draw(st.sampled_from([None, "score"]))

    case = Case(*tables, both, arguments, rules, by, same_table)
    if not same_table and draw(st.booleans()):
        rename_events(case)
    return case


@st.composite
def rows_of(draw, columns: dict, most: int) -> list[dict]:
    least = draw(st.sampled_from([0, 1, 2, 3]))
    return draw(st.lists(st.fixed_dictionaries(columns), min_size=least, max_size=most))


def number(draw, tables, with_ids: bool) -> None:
    """Give each row a `ref`; the two tables share some, and a table may repeat one."""
    if not with_ids:
        return
    for rows in tables:
        most = draw(st.sampled_from([6, 100]))
        refs = st.lists(st.integers(-2, most), min_size=len(rows), max_size=len(rows))
        for row, ref in zip(rows, draw(refs), strict=True):
            row["ref"] = ref


def rename_events(case: Case) -> None:
    """Call the events' key columns by other names, so that the keys are given as pairs."""
    names = {"child": "person", "born": "birth", "area": "place"}
    case.event_rows = [{names.get(k, k): v for k, v in row.items()} for row in case.event_rows]
    left, right = case.families
    case.families = (left, {names.get(k, k): v for k, v in right.items()})
    for argument in ("person", "scope"):
        own = case.arguments.get(argument)
        if isinstance(own, list):
            case.arguments[argument] = (own, [names[name] for name in own])
        elif own is not None:
            case.arguments[argument] = (own, names[own])


# ---------------------------------------------------------------- clothes


def days_array(values: list, unit: str) -> np.ndarray:
    missing = np.datetime64("NaT")
    plain = [missing if v is None else np.datetime64(v, "D") for v in values]
    return np.array(plain, dtype="datetime64[D]").astype(f"datetime64[{unit}]")


def units(values: list) -> list[str]:
    near = all(v is None or abs(v) < NS_DAYS for v in values)
    return ["s", "ms", "us", "ns"] if near else ["s", "ms", "us"]


def holds(dtype: str, values: list) -> bool:
    limits = np.iinfo(dtype)
    return all(v is None or limits.min <= v <= limits.max for v in values)


def categorical(values: list, dtype) -> pd.Categorical:
    """With categories that no row uses, not in the order of the values."""
    used = sorted({v for v in values if v is not None}, reverse=True)
    unused = ["unused", "a"] if dtype is object else [77]
    categories = [v for v in unused if v not in used] + used
    codes = [-1 if v is None else categories.index(v) for v in values]
    return pd.Categorical.from_codes(codes, categories=pd.Index(categories, dtype=dtype))


def nullable(values: list, dtype: str) -> pd.arrays.IntegerArray:
    """Pandas' own constructor goes through floats where values lie on both sides of 2**63."""
    present = np.array([v is not None for v in values], dtype=bool)
    data = np.array([v or 0 for v in values], dtype=dtype)
    return pd.arrays.IntegerArray(data, ~present)


def garments(values: list, family: str, container: str) -> dict[str, Any]:
    """Ways to hold the values of a family in a container: name -> a function that builds it."""
    gaps = any(v is None for v in values)
    found: dict[str, Any] = {}
    if family in ("whole", "day"):
        for dtype in INTEGERS:
            if not holds(dtype, values):
                continue
            if container == "arrow":
                found[f"arrow {dtype}"] = lambda d=dtype: pa.array(values, getattr(pa, d)())
            elif not gaps:
                found[dtype] = lambda d=dtype: np.array(values, d)
            if container == "pandas":
                found["nullable " + dtype] = lambda d=dtype: nullable(values, d)
        if container == "pandas" and family == "whole" and holds("int64", values):
            found["category of int"] = lambda: categorical(values, np.int64)
    if family in ("date", "day"):
        for unit in units(values):
            if container == "arrow":
                found[f"arrow timestamp {unit}"] = lambda u=unit: pa.array(days_array(values, u))
            else:
                found[f"datetime64[{unit}]"] = lambda u=unit: days_array(values, u)
        if container == "arrow":
            found["arrow date32"] = lambda: pa.array(values, pa.int32()).cast(pa.date32())
        if container == "dict":
            found["datetime64[D]"] = lambda: days_array(values, "D")
    if family == "text":
        plain = all(v is None or v.isascii() for v in values)
        if container == "arrow":
            found["arrow string"] = lambda: pa.array(values, pa.string())
            found["arrow large_string"] = lambda: pa.array(values, pa.large_string())
            found["arrow string_view"] = lambda: pa.array(values, pa.string_view())
            found["arrow dictionary"] = lambda: pa.array(values, pa.string()).dictionary_encode()
        else:
            found["object"] = lambda: np.array([*values, None], dtype=object)[:-1]
        if container == "dict" and not gaps:
            found["numpy U"] = lambda: np.array([*values, "a"], dtype=np.str_)[:-1]
            if plain:
                found["numpy S"] = lambda: np.array([*values, "a"], dtype=np.bytes_)[:-1]
        if container == "pandas":
            nan = [np.nan if v is None else v for v in values]
            found["object with NaN"] = lambda: np.array([*nan, None], dtype=object)[:-1]
            found["string[python]"] = lambda: pd.array(values, dtype="string[python]")
            found["string[pyarrow]"] = lambda: pd.array(values, dtype="string[pyarrow]")
            found["category"] = lambda: categorical(values, object)
            arrow_text = pd.ArrowDtype(pa.string())
            found["ArrowDtype string"] = lambda: pd.array(values, dtype=arrow_text)
    return found


CONTAINERS = ["pandas", "dict", "arrow"]


def dress_table(draw, rows: list[dict], families: dict[str, str], looks: dict) -> Any:
    """The rows as a table of a drawn kind; every column in a drawn kind that can hold it."""
    values = {name: [row[name] for row in rows] for name in families}
    options = {
        container: {name: garments(values[name], families[name], container) for name in families}
        for container in CONTAINERS
    }
    able = [container for container in CONTAINERS if all(options[container].values())]
    container = draw(st.sampled_from(able))
    looks["container"] = container
    columns = {}
    for name, ways in options[container].items():
        looks[name] = draw(st.sampled_from(sorted(ways)))
        columns[name] = ways[looks[name]]()
    if container == "dict":
        looks["layout"] = draw(st.sampled_from(["plain", "strided", "foreign", "read only"]))
        return {name: lay_out(column, looks["layout"]) for name, column in columns.items()}
    if container == "arrow":
        looks["layout"] = draw(st.sampled_from(["plain", "sliced", "chunked", "polars"]))
        return lay_out_arrow(pa.table(columns), looks["layout"])
    labels = draw(st.sampled_from(["range", "zeros", "reversed"]))
    index = {"range": range(len(rows)), "zeros": [0] * len(rows)}
    return pd.DataFrame(columns, index=index.get(labels, range(len(rows), 0, -1)))


def lay_out(column: np.ndarray, layout: str) -> np.ndarray:
    """The same values, differently in memory."""
    if layout == "strided":
        return np.repeat(column, 3)[1::3]
    if layout == "foreign" and column.dtype.kind in "iuM":
        return column.astype(column.dtype.newbyteorder())
    if layout == "read only":
        column.flags.writeable = False
    return column


def lay_out_arrow(table: pa.Table, layout: str):
    """The same rows behind others that are cut off, in two chunks, or as polars has them."""
    some = min(3, len(table))
    if layout == "sliced":
        return pa.concat_tables([table.slice(0, some), table]).combine_chunks().slice(some)
    if layout == "chunked":
        return pa.concat_tables([table.slice(0, some), table.slice(some)])
    return pl.from_arrow(table) if layout == "polars" else table


def dress_day(draw, value: int | None):
    """A day as users write one."""
    if value is None:
        return None
    ways = [np.datetime64(value, "D")]
    if ISO_DAYS[0] <= value <= ISO_DAYS[1]:
        date = datetime.date(1970, 1, 1) + datetime.timedelta(days=value)
        ways += [date, date.isoformat()]
    if abs(value) < NS_DAYS:
        ways.append(pd.Timestamp(value, unit="D"))
    return draw(st.sampled_from(ways))


def dress(draw, case: Case) -> Case:
    left, right = case.families
    case.looks = {"index": {}, "events": {}}
    case.index = dress_table(draw, case.index_rows, left, case.looks["index"])
    case.events = case.index
    if not case.same_table:
        case.events = dress_table(draw, case.event_rows, right, case.looks["events"])
    for name in ("observed_until", "observed_from"):
        limit = case.arguments.get(name)
        if isinstance(limit, dict):
            case.looks[name] = {key: dress_day(draw, value) for key, value in limit.items()}
        else:
            case.looks[name] = dress_day(draw, limit)
    case.looks["rules"] = draw(st.sampled_from(["keywords", "definition", "replaced", "JSON"]))
    return case


def dress_plainly(case: Case) -> Case:
    """Two data frames, each column in the first kind that can hold it, the edges as numpy days."""

    def table(rows, families):
        columns = {}
        for name, family in families.items():
            ways = garments([row[name] for row in rows], family, "pandas")
            columns[name] = ways[min(ways)]()
        return pd.DataFrame(columns, index=range(len(rows)))

    case.index = table(case.index_rows, case.families[0])
    case.events = case.index
    if not case.same_table:
        case.events = table(case.event_rows, case.families[1])
    case.looks = {"rules": "keywords"}
    for name in ("observed_until", "observed_from"):
        limit = case.arguments.get(name)
        if isinstance(limit, dict):
            case.looks[name] = {key: np.datetime64(value, "D") for key, value in limit.items()}
        else:
            case.looks[name] = None if limit is None else np.datetime64(limit, "D")
    return case


@st.composite
def dressed_cases(draw) -> Case:
    return dress(draw, draw(cases()))


# ---------------------------------------------------------------- both answers


def run_reference(case: Case) -> Linked:
    return link_reference(
        case.index_rows,
        case.event_rows,
        same_table=case.same_table,
        **case.arguments,
        **case.rules,
    )


def run_link(case: Case):
    arguments = dict(case.arguments)
    for name in ("observed_until", "observed_from"):
        if arguments.get(name) is not None:
            arguments[name] = case.looks[name]
    rules = case.rules
    if case.looks["rules"] != "keywords":
        definition = rr.Definition(**rules)
        rules = {}
        if case.looks["rules"] == "JSON":
            definition = rr.Definition.from_json(definition.to_json())
        if case.looks["rules"] == "replaced":
            rules = {"ties": definition.ties}
            other = {"first row": "last row", "last row": "first row"}
            definition = definition.replace(ties=other[definition.ties])
        arguments["definition"] = definition
    return rr.link(case.index, case.events, **arguments, **rules)


def plain_days(dates) -> list[int | None]:
    whole = np.asarray(dates).astype("datetime64[D]")
    return [None if np.isnat(v) else int(v.astype(np.int64)) for v in whole]


def plain(links) -> dict[str, list]:
    """The arrays of `Links` as lists."""
    names = list(links.outcome_names)
    return {
        "event_row": links.event_row.tolist(),
        "gap_days": links.gap_days.tolist(),
        "event_date": plain_days(links.event_date),
        "count": links.count.tolist(),
        "followed": links.followed.tolist(),
        "outcome": [names[code] for code in links.outcome],
    }


STEPS_IN_ORDER = {
    "index": ["given", "null", "duplicates", "index_filter", "observed", "look-back", "follow-up"],
    "events": ["given", "null", "duplicates", "event_filter", "observed"],
}


def removed_by_step(lines) -> dict[tuple[str, str], int]:
    """(table, step) -> rows removed, of lines (table, step, removed)."""
    removed: dict[tuple[str, str], int] = {}
    for table, step, number in lines:
        removed[table, step] = removed.get((table, step), 0) + int(number)
    return removed


def ledger_faults(links, case: Case) -> list[str]:
    """Whether each table's lines add up from the rows given to the rows counted."""
    faults = []
    frame = links.ledger
    if list(frame.columns) != ["table", "step", "reason", "removed", "remaining"]:
        faults.append(f"ledger columns {list(frame.columns)}")
    for table, given in (("index", len(case.index_rows)), ("events", len(case.event_rows))):
        lines = frame[frame["table"] == table]
        first = lines.iloc[0]
        if (first["step"], first["removed"], first["remaining"]) != ("given", 0, given):
            faults.append(f"first line of {table}: {first.to_dict()}")
        order = [STEPS_IN_ORDER[table].index(step) for step in lines["step"]]
        if order != sorted(order):
            faults.append(f"steps of {table}: {lines['step'].tolist()}")
        if (lines["removed"] < 0).any():
            faults.append(f"{table} grows")
        if not (lines["remaining"] == given - lines["removed"].cumsum()).all():
            faults.append(f"{table} does not add up")
        if table == "index" and lines["remaining"].iloc[-1] != links.followed.sum():
            faults.append("the index rows that remain are not those followed")
    return faults


def rate_faults(links, linked: Linked, by: str | None, rows: list[dict]) -> list[str]:
    """Compare `rates` with the reference's, group by group."""
    table = links.rates(by=by)
    expected = rates_reference(linked, None if by is None else [row[by] for row in rows])
    found = {}
    for position, line in enumerate(table.to_dict("records")):
        key = "all" if by is None else line[by]
        rate = None if pd.isna(line["rate"]) else line["rate"]
        found[key if key not in found else position] = (line["n"], line["linked"], rate)
    if set(found) != set(expected):
        return [f"groups of rates: {sorted(found)} not {sorted(expected)}"]
    faults = []
    for key, (n, hits, rate) in expected.items():
        got = found[key]
        same = (got[2] is None) if rate is None else got[2] is not None and near(got[2], rate)
        if got[:2] != (n, hits) or not same:
            faults.append(f"rates of {key}: {got} not {(n, hits, rate and float(rate))}")
    return faults


def near(a, b) -> bool:
    return abs(float(a) - float(b)) < 1e-12


def disagreements(case: Case) -> list[str]:
    """What `rr.link` says otherwise than the reference; empty where they agree."""
    try:
        linked = run_reference(case)
    except RefusedError as refusal:
        try:
            run_link(case)
        except rr.RuleError:
            return []
        except rr.RereferralError as error:
            return [f"refused, but not for the rules: {type(error).__name__}: {error}"]
        return [f"not refused: {refusal}"]
    try:
        links = run_link(case)
    except rr.RereferralError as error:
        return [f"refused: {type(error).__name__}: {error}"]
    found = plain(links)
    faults = []
    for name, values in found.items():
        expected = getattr(linked, name)
        if values != expected:
            faults.append(f"{name}: {values} not {expected}")
    frame = links.ledger
    got = removed_by_step(zip(frame["table"], frame["step"], frame["removed"], strict=True))
    wanted = removed_by_step(line[:3] for line in linked.ledger)
    if got != wanted:
        faults.append(f"ledger: {got} not {wanted}")
    faults += ledger_faults(links, case)
    faults += rate_faults(links, linked, case.by, case.index_rows)
    return faults
