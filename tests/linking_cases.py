"""Small random linkages, drawn as plain rows: dense in ties and boundary days."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from clothes import Case, day, dress
from reference import add_span, area_days, parse_span

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


@st.composite
def dressed_cases(draw) -> Case:
    return dress(draw, draw(cases()))
