"""Random linkages by every rule of a definition, several at once, dense in boundary days."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from clothes import Case, dress
from linking_cases import ANCHORS, FILTERS, seldom
from reference import (
    Birthday,
    Eligible,
    Exit,
    Mediator,
    add_months,
    add_span,
    parse_span,
)

WINDOWS = [1, 2, 30, 31, 365, "1 month", "2 months", "12 months", "13 months", "2 years"]
SEVERAL = [
    [2, 30],
    [30, "1 month"],
    ["1 month", 31],
    ["12 months", "365 days"],
    ["366 days", "12 months", "6 months"],
    ["1 year", "24 months", 1],
]
SPANS = [1, 2, 14, 30, "1 month", "2 months", "12 months"]
AGES = [0, 1, 2, 18]
FORWARD_ONLY = {"confirm", "exits", "claim", "mediator"}
ELIGIBLE = {"age at index", "age at event", "length", "history", "history column"}
RULES = [
    *("several windows", "open window", "window column", "take", "min_gap", "within_gap", "after"),
    *("age at index", "age at event", "length", "history", "history column", "washout"),
    *("rolling", "select", "veto", "confirm", "exits", "claim", "mediator", "event_filter"),
]


class Drawing:
    """The rules of one case while they are drawn, and the spans that make days interesting."""

    def __init__(self, draw):
        self.draw = draw
        self.spans: list = []
        self.ages: list[int] = []

    def one(self, values):
        return self.draw(st.sampled_from(values))

    def span(self, values=SPANS):
        found = self.one(values)
        self.spans.append(found)
        return found

    def age(self) -> int:
        self.ages.append(self.one(AGES))
        return self.ages[-1]

    def condition(self, value):
        """A condition around a value, mostly one that much can meet."""
        sign = self.one(["<", "<=", "<=", ">=", ">=", ">", "!=", "=="])
        ways = [(sign, value)] * 8 + [value, [value]]
        if isinstance(value, int):
            ways += [
                [value, value + 1],
                (">=", value, "<", value + 2),
                (">", value, "<=", value + 1),
            ]
        return self.one(ways)


@st.composite
def definitions(draw, picked: set[str]) -> tuple[dict, Drawing]:
    """Rules that go together, those picked among them; now and then one that contradicts them."""
    by = Drawing(draw)
    one = by.one
    rules: dict[str, Any] = {"window": by.span(WINDOWS), "followup": one(["complete", "observed"])}
    rules["direction"] = one(["forward", "forward", "backward"])
    rules["followup"] = one(["complete", "complete", "observed", "ignored"])
    rules["same_day"] = one(["exclude", "include"])
    rules["ties"] = one(["first row", "last row"])
    rules["window_end"] = one(["inclusive", "inclusive", "exclusive"])
    if picked & FORWARD_ONLY:
        rules["direction"] = "forward"
    eligible: dict[str, Any] = {}

    if "several windows" in picked:
        rules["window"] = one(SEVERAL)
        by.spans += rules["window"]
        rules["cohort"] = one(["longest", "longest", "each"])
    if "open window" in picked:
        rules |= {
            "window": None,
            "window_end": "inclusive",
            "followup": one(["observed", "ignored"]),
        }
    if "window column" in picked:
        rules["window"] = "reach"
    if "take" in picked:
        rules["take"] = one(["first", "last", 1, 2, 3])
    if "min_gap" in picked or "within_gap" in picked:
        rules["min_gap"] = by.span([1, 2, 2, 14, 28, "1 month"])
    if "within_gap" in picked:
        rules["within_gap"] = "stop" if "confirm" in picked else one(["stop", "absorb", "absorb"])
    if "after" in picked:
        rules["after"] = "left"
    if "age at index" in picked:
        eligible["age_at_index"] = {"born": by.condition(by.age())}
    if "age at event" in picked:
        eligible["age_at_event"] = {"born": by.condition(by.age())}
    if "length" in picked:
        eligible["length"] = {"left": by.condition(by.span())}
    if "history" in picked:
        eligible["history"] = by.span()
    elif "history column" in picked:
        eligible["history"] = ("left", by.span())
    if "washout" in picked or "rolling" in picked:
        rules["washout"] = by.span()
    if "rolling" in picked:
        rules["rolling"] = True
    if "select" in picked:
        rules["select"] = one(["first", "first", "last"])
        rules["per"] = one([None, "financial_year", "year", "half_year", "kind"])
        if rules["select"] == "last" and rules["per"] is None and draw(st.integers(0, 9)):
            rules["per"] = "year"
    if "event_filter" in picked:
        rules["event_filter"] = one(FILTERS)
    if "veto" in picked:
        rules["veto"] = (one(FILTERS), one(["skip", "no event", "drop"]))
    if "confirm" in picked:
        rules["confirm"] = ("left", by.span())
        if rules["followup"] == "observed" and "open window" not in picked:
            rules["followup"] = "complete"
        elif rules["followup"] == "observed":
            rules["followup"] = "ignored"
    if "exits" in picked:
        rules["exits"] = exits_of(by)
        wanted = {leaving.treatment for leaving in rules["exits"].values()}
        if rules["followup"] == "ignored" and wanted & {"censor", "compete"}:
            rules["followup"] = "observed" if "confirm" not in picked else "complete"
    if "claim" in picked:
        rules["claim"] = "latest index"
    if eligible:
        rules["eligible"] = Eligible(**eligible)
    if draw(st.integers(0, 29)) == 7:
        rules |= one(
            [
                *({"direction": "backward"}, {"window": None}, {"window": 0}, {"rolling": True}),
                *({"per": "year"}, {"within_gap": "stop"}, {"followup": "ignored"}),
                *({"followup": "observed"}, {"window": [30, "30 days"]}, {"min_gap": 366}),
            ]
        )
    return rules, by


@st.composite
def dressed_rule_cases(draw, needed: str | None = None) -> Case:
    """In any container; a definition travels as JSON only where it holds no table."""
    case = dress(draw, draw(rule_cases(needed)))
    ways = ["keywords", "definition"]
    ways += [] if "mediator" in case.rules else ["JSON"]
    ways += [] if case.pairs else ["replaced"]
    case.looks["rules"] = draw(st.sampled_from(ways))
    return case


def exits_of(by: Drawing) -> dict[str, Exit]:
    exits = {}
    treatments = ["exclude", "no event", "censor", "compete"]
    if by.draw(st.booleans()):
        exits["death"] = Exit("died", by.one(treatments))
    if by.draw(st.booleans()) or not exits:
        exits["age"] = Exit(Birthday("born", by.age()), by.one(treatments))
    if by.draw(st.integers(0, 3)) == 0:
        exits["left"] = Exit("left", by.one(treatments))
    names = by.draw(st.permutations(sorted(exits)))
    return {name: exits[name] for name in names}


@st.composite
def rule_cases(draw, needed: str | None = None, most: int = 8) -> Case:
    """A case by one to five rules, `needed` among them, not yet dressed."""
    picked = draw(st.sets(st.sampled_from(RULES), max_size=draw(st.sampled_from([3, 5, 1]))))
    picked |= {needed or draw(st.sampled_from(RULES))}
    for rule in sorted(picked & ELIGIBLE):
        if len(picked & ELIGIBLE) > 1 and rule != needed and draw(st.integers(0, 2)) != 1:
            picked = picked - {rule}
    if "several windows" in picked:
        picked -= {"open window", "window column"}
    if "open window" in picked:
        picked -= {"window column"}
    rules, by = draw(definitions(picked))
    anchor = draw(st.sampled_from(ANCHORS))

    # Few days: the anchor, and others one or two spans away, give or take a day.
    spans = [parse_span(span) for span in by.spans]
    ends = [add_span(anchor, span) - anchor for span in spans if span is not None]
    jumps = st.sampled_from([*ends, 0, *[-end for end in ends], *ends])
    near = st.sampled_from([1, 0, 0, -1])
    some = st.builds(lambda *steps: anchor + sum(steps), jumps, near, st.one_of(near, jumps))
    few = st.sampled_from(draw(st.lists(some, min_size=4, max_size=7, unique=True)))
    nulls = draw(st.integers(0, 5)) == 3
    dates = st.one_of(few, few, few, few, st.none()) if nulls else few
    maybe = st.one_of(dates, dates, dates, st.none())
    births = st.builds(
        lambda when, age, off: add_months(when, -12 * age) + off,
        *(few, st.sampled_from(by.ages or [1]), st.sampled_from([-1, 0, 0, 1])),
    )
    columns = {
        "child": st.sampled_from(["a", "a", "a", "a", "b", *([None] if nulls else [])]),
        "area": st.sampled_from(["E1", "E1", "E1", "E1", "E2"]),
        "kind": st.sampled_from(["x", "x", "y", None]),
        "score": st.integers(0, 2),
        "born": st.one_of(births, births, births, births, st.none()),
        "died": maybe,
        "left": maybe,
        "reach": st.sampled_from([1, 30, 31, *[abs(end) for end in ends], 0, None][: 7 + nulls]),
    }
    families = dict.fromkeys(["born", "died", "left", "closed", "seen"], "day")
    families |= {"child": "text", "area": "text", "kind": "text"}
    families |= {"score": "whole", "reach": "number", "ref": "whole"}

    def rows(names: list[str], size: int) -> list[dict]:
        shape = st.fixed_dictionaries({**columns, **dict.fromkeys(names, dates)})
        found = draw(
            st.lists(shape, min_size=draw(st.sampled_from([3, 4, 5, 1, 0])), max_size=size)
        )
        for place, row in enumerate(found):
            row["ref"] = place
        return found

    same_table = draw(st.integers(0, 2)) == 0
    if same_table:
        table = rows(["closed", "seen"], most)
        tables = (table, table)
    else:
        tables = (rows(["closed"], most), rows(["seen"], most))
    kept = [{name: families[name] for name in (rows[0] if rows else families)} for rows in tables]

    arguments: dict[str, Any] = {"person": "child", "event_date": "seen"}
    one_date = same_table and draw(st.integers(0, 2)) == 0
    arguments["index_date"] = "seen" if one_date else "closed"
    if draw(st.integers(0, 2)) == 1:
        arguments["scope"] = "area"
    if draw(st.integers(0, 4)) == 3:
        arguments["row_id"] = "ref"
    if draw(st.integers(0, 5)) == 3:
        arguments["index_filter"] = draw(st.sampled_from(FILTERS))
    observe(draw, arguments, rules, few, ends, anchor)
    if "mediator" in picked:
        rules["mediator"] = mediator_of(by, columns, few, arguments)
    pairs = "take" not in rules and draw(st.integers(0, 2)) == 1
    if pairs:
        del rules["ties"]
    return Case(
        *tables,
        (kept[0], kept[1]),
        arguments,
        rules,
        by=draw(st.sampled_from([None, "score"])),
        same_table=same_table,
        pairs=pairs,
    )


def observe(draw, arguments: dict, rules: dict, few, ends: list[int], anchor: int) -> None:
    """Say until and from when the world is seen: mostly far out, often at a boundary."""
    forward = rules["direction"] == "forward"
    eligible = rules.get("eligible")
    looks_back = rules.get("washout") is not None and rules["followup"] != "ignored"
    looks_back |= eligible is not None and isinstance(eligible.history, (int, str))
    needs = rules["followup"] != "ignored"
    reach = [0, *ends, *[a + b for a in ends for b in ends]]
    for name, sign, wanted in (
        ("observed_until", 1, needs and forward),
        ("observed_from", -1, looks_back or (needs and not forward)),
    ):
        steps = [sign * end + off for end in reach for off in (-1, 0, 0, 1)]
        close = st.builds(int.__add__, few, st.sampled_from(steps))
        far = st.just(anchor + sign * (2_000 + 6 * max(map(abs, [*ends, 1]))))
        days = st.one_of(far, far, close)
        days = st.one_of(days, days, days, st.fixed_dictionaries({"E1": days, "E2": days}))
        if draw(st.integers(0, 29)) != 7 if wanted else draw(st.integers(0, 5)) == 3:
            arguments[name] = draw(days)


def mediator_of(by: Drawing, columns: dict, few, arguments: dict) -> Mediator:
    lower = by.one(["-30 days", "-1 month", "-1 days", "0 days"])
    upper = by.one(["0 days", "0 days", "1 days", "14 days", "1 month"])
    near = st.builds(int.__add__, few, st.sampled_from([-31, -30, -29, -1, 0, 1, 13, 14, 15]))
    names = [arguments["person"]] + ([arguments["scope"]] if "scope" in arguments else [])
    shape = st.fixed_dictionaries({**{name: columns[name] for name in names}, "start": near})
    return Mediator(
        by.draw(st.lists(shape, min_size=1, max_size=4)),
        "start",
        within=(lower, upper),
        index_filter=by.draw(seldom(FILTERS)),
    )
