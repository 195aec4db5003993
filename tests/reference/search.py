"""One index row: where its anchor lies, which event days count, and how it leaves."""

from __future__ import annotations

from dataclasses import dataclass, field

from .days import Span, add_span, birthday, first_day_within, parse_span
from .rules import (
    Birthday,
    Exit,
    Rules,
    inside,
    last_window_day,
    long_enough,
)
from .tables import day_for, key_of, names_of, passes


@dataclass
class Data:
    """What is searched: the rows, which of them may be used, and whose they are."""

    index_rows: list[dict]
    event_rows: list[dict]
    index_date: str
    event_date: str
    person: object
    scope: object
    row_id: str | None
    same_table: bool
    observed_until: int | dict | None
    observed_from: int | dict | None
    events: list[int]  # the event rows left after the steps of their table
    starts: list[dict] = field(default_factory=list)  # the mediator's rows left after theirs

    def names(self, side: int) -> list[str]:
        return names_of(self.person, side) + names_of(self.scope, side)

    def key(self, i: int):
        return key_of(self.index_rows[i], self.names(0))

    def day(self, i: int) -> int:
        return self.index_rows[i][self.index_date]

    def edge(self, i: int, forward: bool) -> int | None:
        """The last day, looking backward the first, on which the row's area is observed."""
        observed = self.observed_until if forward else self.observed_from
        return day_for(observed, self.index_rows[i], names_of(self.scope, 0))

    def is_itself(self, i: int, j: int) -> bool:
        if self.same_table and i == j:
            return True
        own = None if self.row_id is None else self.index_rows[i][self.row_id]
        return own is not None and self.event_rows[j][self.row_id] == own

    def others(self, i: int) -> list[int]:
        """The person's event rows but the row itself."""
        return [
            j
            for j in self.events
            if key_of(self.event_rows[j], self.names(1)) == self.key(i) and not self.is_itself(i, j)
        ]


class Search:
    """One index row and one of its windows.

    `latest` is the last day on which an event may count for this row and not for a later index
    event of the person, None where it does not matter.
    """

    def __init__(self, data: Data, rules: Rules, i: int, window):
        self.data, self.rules, self.i = data, rules, i
        self.row = data.index_rows[i]
        self.day = data.day(i)
        self.window: Span | None = (
            (self.row[rules.window_column], "days") if rules.window_column else parse_span(window)
        )
        self.rows = data.others(i)
        self.latest: int | None = None
        self.anchor = self.find_anchor()

    # ------------------------------------------------ rows and days

    def when(self, j: int) -> int:
        return self.data.event_rows[j][self.data.event_date]

    def is_vetoed(self, j: int) -> bool:
        return self.rules.veto is not None and passes(self.data.event_rows[j], self.rules.veto[0])

    def is_confirmed(self, j: int, anchor: int) -> bool:
        if self.rules.confirm is None:
            return True
        date = self.data.event_rows[j][self.rules.confirm[0]]
        return date is not None and (self.window is None or date <= self.need(anchor))

    def need(self, anchor: int) -> int:
        """The day up to which the world must be seen to know of an event."""
        end = add_span(anchor, self.window)
        return end if self.rules.lag is None else add_span(end, self.rules.lag)

    def is_after(self, day: int) -> bool:
        if self.rules.after is None:
            return True
        bound = self.row[self.rules.after]
        return day >= bound if self.rules.with_same_day else day > bound

    def counting(self, anchor: int) -> list[int]:
        """The rows that are events, on whatever day."""
        return [
            j
            for j in self.rows
            if not self.is_vetoed(j)
            and self.is_confirmed(j, anchor)
            and self.is_after(self.when(j))
        ]

    # ------------------------------------------------ the anchor

    def too_near(self, anchor: int, day: int) -> bool:
        """Whether a day lies in the direction of search, but nearer than the least gap."""
        earlier, later = (anchor, day) if self.rules.forward else (day, anchor)
        return earlier <= later and not long_enough(self.rules, earlier, later)

    def find_anchor(self) -> int:
        mediator = self.rules.mediator
        if mediator is not None and mediator.delay() is not None:
            return add_span(self.day, mediator.delay())
        anchor = self.day
        while self.rules.within_gap == "absorb":
            days = {self.when(j) for j in self.counting(anchor)}
            near = [day for day in days if day != anchor and self.too_near(anchor, day)]
            if not near:
                break
            anchor = min(near) if self.rules.forward else max(near)
        return anchor

    def is_stopped(self) -> bool:
        if self.rules.within_gap != "stop":
            return False
        days = {self.when(j) for j in self.counting(self.anchor)}
        if not self.rules.with_same_day:
            days.discard(self.anchor)
        return any(self.too_near(self.anchor, day) for day in days)

    # ------------------------------------------------ exits

    def leaves(self, leaving: Exit) -> tuple[int, int] | None:
        """The date of an exit and the last day at risk; a birthday is not a day at risk itself."""
        if isinstance(leaving.when, Birthday):
            born = self.row[leaving.when.column]
            if born is None:
                return None
            date = birthday(born, leaving.when.age)
            return date, date - 1
        date = self.row[leaving.when]
        return None if date is None else (date, date)

    def exits_that_matter(self) -> list[tuple[str, str, int]]:
        """(name, treatment, last day at risk), in the order given."""
        found = []
        for name, leaving in (self.rules.exits or {}).items():
            days = self.leaves(leaving)
            if days is None or days[0] <= self.anchor:
                continue
            if self.window is None or days[0] <= self.window_day():
                found.append((name, leaving.treatment, days[1]))
        return found

    def window_day(self) -> int:
        return last_window_day(self.rules, self.window, self.anchor)

    def is_excluded(self) -> bool:
        return any(treatment == "exclude" for _, treatment, _ in self.exits_that_matter())

    def own_exit(self) -> tuple[str, str, int] | None:
        """The exit with the earliest last day at risk, the first given of several."""
        staying = [each for each in self.exits_that_matter() if each[1] != "exclude"]
        return min(staying, key=lambda each: each[2]) if staying else None

    # ------------------------------------------------ admissible days

    def first_admissible(self) -> int:
        """Forward: the first day that could hold an event, by same day, least gap and `after`."""
        first = self.anchor if self.rules.with_same_day else self.anchor + 1
        if self.rules.gap is not None:
            first = max(first, add_span(self.anchor, self.rules.gap))
        if self.rules.after is not None:
            bound = self.row[self.rules.after]
            first = max(first, bound if self.rules.with_same_day else bound + 1)
        return first

    def first_claimed(self) -> int:
        """The first day that no earlier index row can have: a day whose only event row is this
        very row is of use to the earlier row alone.
        """
        first = self.first_admissible()
        of_day = [
            j
            for j in self.data.events
            if key_of(self.data.event_rows[j], self.data.names(1)) == self.data.key(self.i)
            and self.when(j) == first
        ]
        alone = len(of_day) == 1 and self.data.is_itself(self.i, of_day[0])
        return first + 1 if alone else first

    def is_admissible(self, day: int) -> bool:
        if not inside(self.rules, self.window, self.anchor, day) or not self.is_after(day):
            return False
        leaving = self.own_exit()
        if leaving is not None and day > leaving[2]:
            return False
        return self.latest is None or day <= self.latest

    def admissible_events(self) -> list[int]:
        return [j for j in self.counting(self.anchor) if self.is_admissible(self.when(j))]

    def distance(self, j: int) -> int:
        return abs(self.when(j) - self.anchor)

    def matches(self) -> list[int]:
        """Every row that is an event for this one, outwards from the anchor, then by row."""
        if self.is_stopped() or self.veto_comes_first("no event"):
            return []
        return sorted(self.admissible_events(), key=lambda j: (self.distance(j), j))

    def veto_comes_first(self, action: str) -> bool:
        """Whether the first day with an event or a veto is one with vetoed rows alone."""
        if self.rules.veto is None or self.rules.veto[1] != action:
            return False
        vetoed = [
            self.distance(j)
            for j in self.rows
            if self.is_vetoed(j) and self.is_admissible(self.when(j))
        ]
        events = [self.distance(j) for j in self.admissible_events()]
        return bool(vetoed) and (not events or min(vetoed) < min(events))

    # ------------------------------------------------ observation

    def is_seen_to_the_end(self) -> bool:
        """Whether the window lies within the observed days."""
        edge = self.data.edge(self.i, self.rules.forward)
        if edge is None or self.window is None:
            return False
        if not self.rules.forward:
            return self.window_day() >= edge
        if self.rules.followup == "complete":
            return self.need(self.anchor) <= edge
        return self.window_day() <= edge

    def looks_back_far_enough(self, observed_from: int) -> bool:
        """Whether every day that washout and history look at is observed."""
        spans = [self.rules.history_span]
        if self.rules.followup != "ignored":
            spans.append(parse_span(self.rules.washout))
        return all(
            min(first_day_within(span, self.day), self.day) >= observed_from
            for span in spans
            if span is not None
        )

    # ------------------------------------------------ the mediator

    def came_back_before_the_landmark(self) -> bool:
        first = self.day if self.rules.with_same_day else self.day + 1
        days = {self.when(j) for j in self.counting(self.anchor)}
        if any(first <= day <= self.anchor for day in days):
            return True
        left = [self.leaves(leaving) for leaving in (self.rules.exits or {}).values()]
        return any(each is not None and self.day < each[0] <= self.anchor for each in left)

    def is_mediated(self, event_day: int | None) -> bool:
        mediator = self.rules.mediator
        if passes_some(self.row, mediator.index_filter):
            return True
        for start in self.data.starts:
            date = start[mediator.date]
            if key_of(start, self.data.names(0)) != self.data.key(self.i):
                continue
            later = event_day is not None and date > event_day
            if later and mediator.guard == "exclude later starts":
                continue
            lower, upper = mediator.ends()
            if not_before(date, self.day, lower) and not_after(date, self.day, upper):
                return True
        return False

    def arm(self, event_day: int | None) -> str:
        return "mediated" if self.is_mediated(event_day) else "not mediated"


def passes_some(row: dict, conditions: dict | None) -> bool:
    """Whether there are conditions, and the row meets them."""
    return conditions is not None and passes(row, conditions)


def not_before(date: int, day: int, offset: Span) -> bool:
    """Whether a date is no earlier than an offset from a day; spans hang on the earlier date."""
    number, unit = offset
    if number < 0:
        return date >= day or day <= add_span(date, (-number, unit))
    return date >= add_span(day, offset)


def not_after(date: int, day: int, offset: Span) -> bool:
    number, unit = offset
    if number < 0:
        return date < day and add_span(date, (-number, unit)) <= day
    return date <= add_span(day, offset)
