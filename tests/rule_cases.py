"""Random linkages by every rule of a definition, several at once, dense in boundary days."""

from __future__ import annotations

from dataclasses import dataclass
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
    is_span,
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
COMMON = [{"kind": "x"}, {"kind": ["x", "y"]}, {"score": ("<", 2)}, {"kind": "y"}, {"score": 1}]
FORWARD_ONLY = {"confirm", "exits", "claim", "mediator"}
MIN_GAPS = [1, 2, 2, 14, 28, "1 month"]
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
        self.before: dict[str, list] = {}  # spans that must lie behind a day, by column
        self.ages: list[int] = []

    def one(self, values):
        return self.draw(st.sampled_from(values))

    def span(self, values=SPANS):
        found = self.one(values)
        self.spans.append(found)
        return found

    def behind(self, column: str):
        """A span that is counted from the date in a column."""
        found = self.one(SPANS)
        self.before[column] = [found]
        return found

    def age(self) -> int:
        self.ages.append(self.one(AGES))
        return self.ages[-1]

    def condition(self, value):
        """A condition around a value, mostly one that much can meet."""
        signs = ["<=", "<=", ">=", ">=", ">", "<", "!=", "=="]
        sign = self.one([sign for sign in signs if value != 0 or sign != "<"])
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
        rules["take"] = one(["last", 2, "last", 2, 3, 1, "first"])
    if {"take", "min_gap", "within_gap"} & picked and rules["window"] in (1, 2):
        rules["window"] = by.span(WINDOWS[2:])
    if "mediator" in picked and draw(st.integers(0, 9)):
        picked = picked - {"min_gap", "within_gap", "claim"}
    if "min_gap" in picked or "within_gap" in picked:
        gaps = MIN_GAPS[1:] if "within_gap" in picked else MIN_GAPS
        shorter = [gap for gap in gaps if in_days(gap) < in_days(shortest(rules["window"]))]
        rules["min_gap"] = by.span(shorter or MIN_GAPS)
    if "within_gap" in picked:
        rules["within_gap"] = "stop" if "confirm" in picked else one(["stop", "absorb"])
    if "after" in picked:
        rules["after"] = "left"
    if "age at index" in picked:
        eligible["age_at_index"] = {"born": by.condition(by.age())}
    if "age at event" in picked:
        eligible["age_at_event"] = {"born": by.condition(by.age())}
    if "length" in picked:
        eligible["length"] = {"begun": by.condition(by.behind("begun"))}
    if "history" in picked:
        eligible["history"] = by.span()
    elif "history column" in picked:
        eligible["history"] = ("enrolled", by.behind("enrolled"))
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
        rules["event_filter"] = one([*FILTERS, *COMMON])
    if "veto" in picked:
        rules["veto"] = (one([*COMMON, *COMMON, *FILTERS]), one(["skip", "no event", "drop"]))
    if "confirm" in picked:
        rules["confirm"] = ("proved", by.one([0, *SPANS]))
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
    treatments = ["no event", "censor", "compete", "no event", "censor", "compete", "exclude"]
    if by.draw(st.booleans()):
        exits["death"] = Exit("died", by.one(treatments))
    if by.draw(st.booleans()) or not exits:
        exits["age"] = Exit(Birthday("born", by.age()), by.one(treatments))
    if by.draw(st.integers(0, 3)) == 0:
        exits["moved"] = Exit("moved", by.one(treatments))
    names = by.draw(st.permutations(sorted(exits)))
    return {name: exits[name] for name in names}


def in_days(span) -> int:
    """About how many days a span lasts; a column and an open window last longest."""
    if span is None or (isinstance(span, str) and not is_span(span)):
        return 10_000
    number, unit = parse_span(span)
    return number * {"days": 1, "months": 30}[unit]


def shortest(window):
    return min(window, key=in_days) if isinstance(window, list) else window


@dataclass
class Days:
    """The few days of a case: index days, and event days on the boundaries counted from them."""

    starts: list[int]
    targets: list[int]
    ends: list[int]  # how long the spans of the rules last

    def strategies(self) -> tuple[st.SearchStrategy, st.SearchStrategy]:
        starts, targets = st.sampled_from(self.starts), st.sampled_from(self.targets)
        return (
            st.one_of(starts, starts, starts, starts, targets),
            st.one_of(targets, targets, targets, targets, starts),
        )


def days_of(by: Drawing, rules: dict, anchor: int) -> Days:
    spans = [parse_span(span) for span in by.spans]
    ends = [add_span(anchor, span) - anchor for span in spans if span is not None]
    sign = 1 if rules["direction"] == "forward" else -1
    window = rules["window"] if isinstance(rules["window"], list) else [rules["window"]]
    reach = [end for end in ends if end <= 31 * max(map(in_days, window)) // 30 + 1] or [1]
    near = [0, 0, 1, -1]
    starts = [anchor]
    away = [*ends, *ends, 1, 2, *[-end for end in ends]]
    from_where = [-1, 0]
    rolling = rules.get("rolling", False) and "washout" in rules
    if rolling:
        # One after another: who is washed out is counted again where nobody is kept before it.
        span = parse_span(rules["washout"])
        away, from_where = [add_span(anchor, span) - anchor], [-1]
    for _ in range(by.one([0, 1, 1, 2]) + 2 * rolling):
        starts.append(starts[by.one(from_where)] + by.one(away) + by.one(near))
    steps, further = [*reach, 1, 2, *reach, 0], [0]
    least = 2
    if {"claim", "take", "within_gap", "veto"} & set(rules):
        # Several days with an event, the nearest ones near to one another.
        steps, further, least = [*reach, 1, 1, 2, 3], [0, 0, 1, 2, *reach], 3
    event = st.builds(
        lambda start, step, more, off: start + sign * (step + more) + off,
        *map(st.sampled_from, (starts, steps, further, near)),
    )
    targets = by.draw(st.lists(event, min_size=least, max_size=5, unique=True))
    return Days(starts, targets, ends)


def columns_of(by: Drawing, rules: dict, days: Days, nulls: bool) -> dict[str, Any]:
    """What each column that the rules may ask for is drawn from."""
    starts, targets = days.strategies()
    near = st.sampled_from([0, 1, 0, -1])
    both = st.one_of(starts, targets)

    def maybe(strategy):
        return st.one_of(strategy, strategy, strategy, strategy, st.none())

    def before(name):
        spans = [parse_span(span) for span in by.before[name]]
        back = st.sampled_from([add_span(days.starts[0], span) - days.starts[0] for span in spans])
        return maybe(st.builds(lambda day, step, off: day - step + off, starts, back, near))

    # Few days on which anybody leaves, so that some leave in two ways at once.
    leave = st.sampled_from([by.one(days.targets) + by.one([0, 1, -1]), by.one(days.targets)])
    if rules.get("exits"):
        both = st.one_of(both, leave.map((1).__add__), leave.map((1).__add__))
    ages = st.sampled_from(by.ages or [1])
    births = st.builds(lambda day, age, off: add_months(day, -12 * age) + off, both, ages, near)
    found = {
        "child": st.sampled_from(["a", "a", "a", "a", "a", "b", *([None] if nulls else [])]),
        "area": st.sampled_from(["E1", "E1", "E1", "E1", "E1", "E2"]),
        "kind": st.sampled_from(["x", "y", "x", None]),
        "score": st.integers(0, 2),
    }
    if by.ages:
        found["born"] = maybe(births)
    found |= {name: before(name) for name in by.before}
    if rules.get("window") == "reach":
        found["reach"] = st.sampled_from([1, 30, 31, *map(abs, days.ends), 0])
        if nulls:
            found["reach"] = maybe(found["reach"])
    if "after" in rules:
        found["left"] = st.one_of(both, both, both, both, st.none()) if nulls else both
    for leaving in (rules.get("exits") or {}).values():
        if isinstance(leaving.when, str):
            found[leaving.when] = st.one_of(leave, maybe(leave))
    if "confirm" in rules:
        last = [day for start in days.starts for day in confirmed_by(rules, start)]
        about = st.builds(int.__add__, st.sampled_from(last or days.targets), near)
        found["proved"] = maybe(st.one_of(targets, about))
    return found


def confirmed_by(rules: dict, start: int) -> list[int]:
    """The last days on which an event counts if it is confirmed, by window."""
    windows = rules["window"] if isinstance(rules["window"], list) else [rules["window"]]
    lag = parse_span(rules["confirm"][1])
    spans = [span for span in map(span_or_none, windows) if span is not None]
    return [add_span(add_span(start, span), lag) for span in spans]


def span_or_none(window):
    is_column = isinstance(window, str) and not is_span(window)
    return None if is_column else parse_span(window)


FAMILIES = {
    **dict.fromkeys(["child", "area", "kind"], "text"),
    **{"score": "whole", "reach": "number", "ref": "whole"},
}


@st.composite
def rule_cases(draw, needed: str | None = None, most: int = 7) -> Case:
    """A case by one to five rules, `needed` among them, not yet dressed."""
    picked = draw(st.sets(st.sampled_from(RULES), max_size=draw(st.sampled_from([0, 1, 2, 4]))))
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
    days = days_of(by, rules, anchor)
    nulls = draw(st.integers(0, 5)) == 3
    columns = columns_of(by, rules, days, nulls)
    dates = dict(zip(["closed", "seen"], days.strategies(), strict=True))
    if nulls:
        dates = {name: st.one_of(few, few, few, few, st.none()) for name, few in dates.items()}

    def rows(*names: str) -> list[dict]:
        shape = st.fixed_dictionaries({**columns, **{name: dates[name] for name in names}})
        least = draw(st.sampled_from([5, 4, 3, 6, 2, 0]))
        found = draw(st.lists(shape, min_size=least, max_size=most))
        for place, row in enumerate(found):
            row["ref"] = place
        return found

    same_table = draw(st.integers(0, 2)) == 0
    one_date = same_table and draw(st.integers(0, 2)) == 0
    if one_date:
        dates["seen"] = st.one_of(dates.values())
    if same_table:
        table = rows("closed", "seen")
        tables = (table, table)
    else:
        tables = (rows("closed"), rows("seen"))
    every = {**columns, "ref": None, "closed": None, "seen": None}
    families = {name: FAMILIES.get(name, "day") for name in every}
    kept = [{name: families[name] for name in (rows[0] if rows else families)} for rows in tables]

    arguments: dict[str, Any] = {"person": "child", "event_date": "seen"}
    arguments["index_date"] = "seen" if one_date else "closed"
    if draw(st.integers(0, 2)) == 1:
        arguments["scope"] = "area"
    if draw(st.integers(0, 4)) == 3:
        arguments["row_id"] = "ref"
    if draw(st.integers(0, 5)) == 3:
        arguments["index_filter"] = draw(st.sampled_from(FILTERS))
    observe(draw, arguments, rules, days, anchor)
    if "mediator" in picked:
        rules["mediator"] = mediator_of(by, columns, days, arguments)
    pairs = needed != "take" and draw(st.integers(0, 2)) == 1
    if pairs and draw(st.integers(0, 9)):
        rules.pop("ties")
        rules.pop("take", None)
    return Case(
        *tables,
        (kept[0], kept[1]),
        arguments,
        rules,
        by=draw(st.sampled_from([None, "score"])),
        same_table=same_table,
        pairs=pairs,
    )


def observe(draw, arguments: dict, rules: dict, days: Days, anchor: int) -> None:
    """Say until and from when the world is seen: mostly far out, often at a boundary."""
    forward = rules["direction"] == "forward"
    eligible = rules.get("eligible")
    looks_back = rules.get("washout") is not None and rules["followup"] != "ignored"
    looks_back |= eligible is not None and isinstance(eligible.history, (int, str))
    needs = rules["followup"] != "ignored"
    ends = days.ends or [1]
    reach = [0, *ends, *ends]
    if "confirm" in rules:
        reach += [last - start for start in days.starts for last in confirmed_by(rules, start)]
    few = st.sampled_from([*days.starts, *days.starts, *days.targets])
    for name, sign, wanted in (
        ("observed_until", 1, needs and forward),
        ("observed_from", -1, looks_back or (needs and not forward)),
    ):
        steps = [sign * end + off for end in reach for off in (-1, 0, 0, 1)]
        close = st.builds(int.__add__, few, st.sampled_from(steps))
        far = st.just(anchor + sign * (2_000 + 6 * max(ends)))
        edges = st.one_of(far, far, close)
        edges = st.one_of(edges, edges, edges, st.fixed_dictionaries({"E1": edges, "E2": edges}))
        if draw(st.integers(0, 29)) != 7 if wanted else draw(st.integers(0, 5)) == 3:
            arguments[name] = draw(edges)


def mediator_of(by: Drawing, columns: dict, days: Days, arguments: dict) -> Mediator:
    lower = by.one(["-30 days", "-1 month", "-2 months", "-1 days", "0 days"])
    uppers = ["0 days", "0 days", "1 days", "14 days", "1 month"]
    if lower in ("-30 days", "-1 month"):
        uppers += ["-1 days", "-28 days"]
    if lower == "-2 months":
        uppers += ["-1 month", "-1 month"]
    upper = by.one(uppers)
    near = st.builds(
        int.__add__,
        st.sampled_from(days.starts),
        st.sampled_from([-61, -60, -31, -30, -29, -28, -1, 0, 0, 1, 1, 2, 13, 14, 15, 30, 31]),
    )
    names = [arguments["person"]] + ([arguments["scope"]] if "scope" in arguments else [])
    shape = st.fixed_dictionaries({**{name: columns[name] for name in names}, "start": near})
    return Mediator(
        by.draw(st.lists(shape, min_size=1, max_size=4)),
        "start",
        within=(lower, upper),
        index_filter=by.draw(seldom(FILTERS)),
        guard=by.one(["landmark", "landmark", "exclude later starts"]),
    )
