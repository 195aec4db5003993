"""The linkage once more: slow and plain, to be compared with `rr.link`.

Days are ints since 1970-01-01, tables are lists of dicts, a missing value is None. Every pair of an
index row and an event row is looked at; nothing is sorted, cut off early or remembered.
"""

from __future__ import annotations

import calendar
import datetime
from fractions import Fraction

CYCLE = 146_097  # days in 400 years of the Gregorian calendar, which then repeats itself
START = datetime.date(2000, 1, 1)
START_DAY = (START - datetime.date(1970, 1, 1)).days


class RefusedError(ValueError):
    """The rules contradict each other, or an argument that they need is missing."""


# ---------------------------------------------------------------- days


def civil(day: int) -> tuple[int, int, int]:
    """Year, month and day of the month, for any year."""
    cycles, rest = divmod(day - START_DAY, CYCLE)
    date = START + datetime.timedelta(days=rest)
    return date.year + 400 * cycles, date.month, date.day


def day_of(year: int, month: int, day: int) -> int:
    cycles, rest = divmod(year - START.year, 400)
    date = datetime.date(START.year + rest, month, day)
    return START_DAY + (date - START).days + CYCLE * cycles


def month_length(year: int, month: int) -> int:
    return calendar.monthrange(START.year + (year - START.year) % 400, month)[1]


def add_months(day: int, months: int) -> int:
    """The same day of the month, or the month's last."""
    year, month, of_month = civil(day)
    year, month = divmod(year * 12 + (month - 1) + months, 12)
    month += 1
    return day_of(year, month, min(of_month, month_length(year, month)))


def parse_span(span: int | str | None) -> tuple[int, str] | None:
    """`12` or `"12 days"`, `"3 months"`, `"1 year"`; None is an open window."""
    if span is None:
        return None
    if isinstance(span, int):
        return span, "days"
    number, unit = span.split()
    return int(number), unit if unit.endswith("s") else unit + "s"


def add_span(day: int, span: tuple[int, str]) -> int:
    number, unit = span
    if unit == "days":
        return day + number
    return add_months(day, number * {"months": 1, "years": 12}[unit])


# ---------------------------------------------------------------- one pair


class Rules:
    """The rules of a definition, by their names in the package."""

    def __init__(
        self,
        window="12 months",
        window_end="inclusive",
        direction="forward",
        same_day="exclude",
        ties="first row",
        min_gap=None,
        followup="complete",
        event_filter=None,
        take="first",
    ):
        self.window = parse_span(window)
        self.inclusive = {"inclusive": True, "exclusive": False}[window_end]
        self.forward = {"forward": True, "backward": False}[direction]
        self.same_day = {"include": True, "exclude": False}[same_day]
        self.last_row = {"last row": True, "first row": False}[ties]
        self.min_gap = parse_span(min_gap)
        self.followup = followup
        self.event_filter = event_filter
        if take != "first" or followup not in ("complete", "observed", "ignored"):
            raise RefusedError("not a rule of the reference")


def before_window_end(rules: Rules, earlier: int, later: int) -> bool:
    """Whether the later day is before the end of the window, which hangs on the earlier day."""
    if rules.window is None:
        return True
    end = add_span(earlier, rules.window)
    return later <= end if rules.inclusive else later < end


def inside(rules: Rules, index_day: int, event_day: int) -> bool:
    """Whether the event counts for the index event, by their days alone."""
    earlier, later = (index_day, event_day) if rules.forward else (event_day, index_day)
    if later < earlier:
        return False
    if later == earlier and not rules.same_day:
        return False
    if rules.min_gap is not None and later < add_span(earlier, rules.min_gap):
        return False
    return before_window_end(rules, earlier, later)


def last_window_day(rules: Rules, index_day: int) -> int:
    """The window's day that is farthest from the index event."""
    if rules.forward:
        end = add_span(index_day, rules.window)
        return end if rules.inclusive else end - 1
    number, unit = rules.window
    day = index_day - number * {"days": 1, "months": 31, "years": 366}[unit] - 1
    while not before_window_end(rules, day, index_day):
        day += 1
    return day


def can_hold_a_day(rules: Rules) -> bool:
    """Whether any pair at all can be inside: the nearest day allowed is tried on eight years."""
    for earlier in range(START_DAY, START_DAY + 8 * 366):
        later = earlier if rules.same_day else earlier + 1
        if rules.min_gap is not None:
            later = max(later, add_span(earlier, rules.min_gap))
        if before_window_end(rules, earlier, later):
            return True
    return False


# ---------------------------------------------------------------- tables


def names_of(key, side: int) -> list[str]:
    """Column names of a key: a name, a list of names, or a pair (index, events) of either."""
    if isinstance(key, tuple):
        key = key[side]
    if key is None:
        return []
    return [key] if isinstance(key, str) else list(key)


def key_of(row: dict, names: list[str]):
    """The values of a key, or None if one of them is missing."""
    values = tuple(row[name] for name in names)
    return None if any(value is None for value in values) else values


def passes(row: dict, conditions: dict | None) -> bool:
    """Whether a row meets every condition; a missing value meets none."""
    for column, wanted in (conditions or {}).items():
        value = row[column]
        if value is None:
            return False
        if isinstance(wanted, tuple):
            sign, limit = wanted
            met = {
                "<": value < limit,
                "<=": value <= limit,
                ">": value > limit,
                ">=": value >= limit,
                "==": value == limit,
                "!=": value != limit,
            }[sign]
        elif isinstance(wanted, list):
            met = value in wanted
        else:
            met = value == wanted
        if not met:
            return False
    return True


class Ledger:
    """Lines of (table, step, removed, remaining)."""

    def __init__(self):
        self.lines = []

    def given(self, table: str, n: int) -> None:
        self.lines.append((table, "given", 0, n))

    def keep(self, table: str, step: str, rows: list[int], kept: list[int]) -> list[int]:
        self.lines.append((table, step, len(rows) - len(kept), len(kept)))
        return kept


def first_of_each_id(rows: list[dict], positions: list[int], name: str) -> list[int]:
    """Rows whose id did not come before; a missing id identifies nothing and repeats nothing."""
    kept, seen = [], []
    for position in positions:
        value = rows[position][name]
        if value is None or value not in seen:
            seen.append(value)
            kept.append(position)
    return kept


class Linked:
    """What `link_reference` found, in the order of the index rows."""

    def __init__(self, n: int):
        self.event_row = [-1] * n
        self.gap_days = [-1] * n
        self.event_date = [None] * n
        self.count = [0] * n
        self.followed = [False] * n
        self.outcome = ["excluded"] * n
        self.watched = [None] * n  # days of observation, None for the whole window
        self.fully = [False] * n  # the whole window is observed, by dates alone
        self.followup = ""
        self.ledger = []


def day_for(observed: int | dict | None, row: dict, area: list[str]) -> int | None:
    """The day until or from which a row's area is observed."""
    return observed[row[area[0]]] if isinstance(observed, dict) else observed


def link_reference(
    index_rows: list[dict],
    event_rows: list[dict],
    *,
    person,
    index_date: str,
    event_date: str,
    scope=None,
    index_filter: dict | None = None,
    observed_until: int | dict | None = None,
    observed_from: int | dict | None = None,
    row_id: str | None = None,
    same_table: bool = False,
    **rules,
) -> Linked:
    """Everything that `rr.link` says of the rows, by looking at every pair.

    `same_table` says that both tables are one object; `observed_until` and `observed_from` are a
    day for all, or a dict from an area to its day.
    """
    rules = Rules(**rules)
    if scope is None and isinstance(observed_until, dict):
        observed_until = min(observed_until.values())
    if scope is None and isinstance(observed_from, dict):
        observed_from = max(observed_from.values())
    refuse_contradictions(rules, observed_until, observed_from)
    keys = [names_of(person, side) + names_of(scope, side) for side in (0, 1)]
    areas = [names_of(scope, side) for side in (0, 1)]
    ledger = Ledger()
    linked = Linked(len(index_rows))
    linked.followup = rules.followup
    filter_step = {"index": "index_filter", "events": "event_filter"}

    def usable(table: str, side: int, rows: list[dict], date: str, conditions) -> list[int]:
        ledger.given(table, len(rows))
        positions = list(range(len(rows)))
        kept = [i for i in positions if key_of(rows[i], keys[side]) and rows[i][date] is not None]
        positions = ledger.keep(table, "null", positions, kept)
        if row_id is not None:
            kept = first_of_each_id(rows, positions, row_id)
            positions = ledger.keep(table, "duplicates", positions, kept)
        if conditions is not None:
            kept = [i for i in positions if passes(rows[i], conditions)]
            positions = ledger.keep(table, filter_step[table], positions, kept)
        if observed_from is not None:
            kept = [
                i
                for i in positions
                if rows[i][date] >= day_for(observed_from, rows[i], areas[side])
            ]
            positions = ledger.keep(table, "observed", positions, kept)
        if observed_until is not None:
            kept = [
                i
                for i in positions
                if rows[i][date] <= day_for(observed_until, rows[i], areas[side])
            ]
            positions = ledger.keep(table, "observed", positions, kept)
        return positions

    cohort = usable("index", 0, index_rows, index_date, index_filter)
    events = usable("events", 1, event_rows, event_date, rules.event_filter)

    for i in cohort:
        row = index_rows[i]
        day = row[index_date]
        edge = day_for(observed_until if rules.forward else observed_from, row, areas[0])
        linked.fully[i] = fully_observed(rules, day, edge)
        if rules.followup == "complete" and not linked.fully[i]:
            linked.outcome[i] = "not followed"
            continue
        linked.followed[i] = True
        matches = []
        for j in events:
            other = event_rows[j]
            if key_of(other, keys[1]) != key_of(row, keys[0]):
                continue
            if same_table and i == j:
                continue
            if row_id is not None and row[row_id] is not None and other[row_id] == row[row_id]:
                continue
            if inside(rules, day, other[event_date]):
                matches.append(j)
        if matches:
            days = sorted({event_rows[j][event_date] for j in matches})
            nearest = days[0] if rules.forward else days[-1]
            of_day = [j for j in matches if event_rows[j][event_date] == nearest]
            linked.event_row[i] = max(of_day) if rules.last_row else min(of_day)
            linked.event_date[i] = nearest
            linked.gap_days[i] = abs(nearest - day)
            linked.count[i] = len(days)
            linked.outcome[i] = "linked"
        elif rules.followup == "observed" and not linked.fully[i]:
            linked.outcome[i] = "censored"
            linked.watched[i] = abs(edge - day)
        else:
            linked.outcome[i] = "none"

    followed = [i for i in cohort if linked.followed[i]]
    if rules.followup == "complete":
        ledger.keep("index", "follow-up" if rules.forward else "look-back", cohort, followed)
    linked.ledger = ledger.lines
    return linked


def refuse_contradictions(rules: Rules, observed_until, observed_from) -> None:
    for span in (rules.window, rules.min_gap):
        if span is not None and span[0] < 0:
            raise RefusedError("a span is negative")
    if rules.followup == "complete" and rules.window is None:
        raise RefusedError("an open window is never completely followed")
    if rules.window is None and not rules.inclusive:
        raise RefusedError("an open window has no end to leave out")
    edge = observed_until if rules.forward else observed_from
    if rules.followup in ("complete", "observed") and edge is None:
        raise RefusedError("where observation ends must be given")
    for first, last in area_days(observed_from, observed_until):
        if first is not None and last is not None and first > last:
            raise RefusedError("nothing is observed")
    if not can_hold_a_day(rules):
        raise RefusedError("the window can hold no day")


def area_days(observed_from, observed_until) -> list[tuple]:
    """The first and the last observed day of each area that has both."""
    if isinstance(observed_from, dict) and isinstance(observed_until, dict):
        return [(observed_from[area], observed_until[area]) for area in observed_from]
    if isinstance(observed_from, dict):
        return [(first, observed_until) for first in observed_from.values()]
    if isinstance(observed_until, dict):
        return [(observed_from, last) for last in observed_until.values()]
    return [(observed_from, observed_until)]


def fully_observed(rules: Rules, day: int, edge: int | None) -> bool:
    """Whether the window lies within the observed days."""
    if edge is None or rules.window is None:
        return False
    if not rules.forward:
        return last_window_day(rules, day) >= edge
    if rules.followup == "complete":
        return add_span(day, rules.window) <= edge
    return last_window_day(rules, day) <= edge


# ---------------------------------------------------------------- rates


def rates_reference(linked: Linked, groups: list | None = None) -> dict:
    """For each group `(n, linked, rate)`, the rate a Fraction, or None where there is none.

    A group is named if a row of it came through the filters; where none of these is followed, n is
    0 and there is no rate.

    `"observed"` gives one minus the Kaplan-Meier estimate at the window's end. A row that came to
    the end of its window without an event stays at risk to the last: it is known to have none.
    """
    if groups is None:
        groups, names = ["all"] * len(linked.outcome), ["all"]
    else:
        pairs = zip(groups, linked.outcome, strict=True)
        names = {group for group, outcome in pairs if outcome != "excluded"}
    table = {}
    for group in names:
        rows = [i for i in range(len(groups)) if groups[i] == group and linked.followed[i]]
        hits = [i for i in rows if linked.outcome[i] == "linked"]
        if linked.followup == "observed":
            rate = kaplan_meier(linked, rows) if any(linked.fully[i] for i in rows) else None
        else:
            rate = Fraction(len(hits), len(rows)) if rows else None
        table[group] = (len(rows), len(hits), rate)
    return table


def kaplan_meier(linked: Linked, rows: list[int]) -> Fraction:
    surviving = Fraction(1)
    for day in sorted({linked.gap_days[i] for i in rows if linked.outcome[i] == "linked"}):
        events = at_risk = 0
        for i in rows:
            if linked.outcome[i] == "linked":
                events += linked.gap_days[i] == day
                at_risk += linked.gap_days[i] >= day
            else:
                at_risk += linked.watched[i] is None or linked.watched[i] >= day
        surviving *= 1 - Fraction(events, at_risk)
    return 1 - surviving


# ---------------------------------------------------------------- at risk


def open_elsewhere(episodes: list[dict], person, referral: str, closure: str) -> list[bool]:
    """Whether another episode of the same child is open at the end of an episode's closure day.

    A row without a child or a closure gets False; another row without a referral never is open.
    """
    names = names_of(person, 0)
    answers = []
    for i, row in enumerate(episodes):
        day = row[closure]
        answer = False
        for j, other in enumerate(episodes):
            if i == j or day is None or other[referral] is None or not key_of(row, names):
                continue
            same_child = key_of(other, names) == key_of(row, names)
            still_open = other[closure] is None or other[closure] > day
            if same_child and other[referral] <= day and still_open:
                answer = True
        answers.append(answer)
    return answers
