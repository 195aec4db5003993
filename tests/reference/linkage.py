"""The steps of a linkage one after another: tables, cohort, events, ledger."""

from __future__ import annotations

from .days import add_span, age_on, parse_span, period_of
from .rules import Mediator, Rules, refuse_contradictions
from .search import Data, Search
from .tables import Ledger, day_for, first_of_each_id, key_of, meets, names_of, passes


class Linked:
    """What `link_reference` found for one window, in the order of the index rows."""

    def __init__(self, rules: Rules, window, n: int):
        self.rules, self.window = rules, window
        self.event_row = [-1] * n
        self.gap_days = [-1] * n
        self.event_date = [None] * n
        self.count = [0] * n
        self.followed = [False] * n
        self.outcome = ["excluded"] * n
        self.duration = [None] * n  # days from the anchor to what ends it, None without an end
        self.horizon = [None] * n  # days from the anchor to the window's end, or observation's
        self.fully = [False] * n  # followed to the window's end, by dates alone
        self.arm = [None] * n
        self.pairs = [[] for _ in range(n)]  # (event row, gap) of every match
        self.ledger = []

    @property
    def outcome_names(self) -> list[str]:
        exits = self.rules.treated("no event", "censor", "compete")
        return ["linked", "none", "censored", *exits, "not followed", "excluded"]


def linkage_of(
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
) -> Linkage:
    """Both tables after their own steps; contradictory rules are refused.

    `same_table` says that both tables are one object; `observed_until` and `observed_from` are a
    day for all, or a dict from an area to its day.
    """
    rules = Rules(**rules)
    if scope is None and isinstance(observed_until, dict):
        observed_until = min(observed_until.values())
    if scope is None and isinstance(observed_from, dict):
        observed_from = max(observed_from.values())
    areas = areas_of(index_rows, event_rows, scope, rules.mediator)
    if isinstance(observed_until, dict):
        observed_until = {area: observed_until[area] for area in areas}
    if isinstance(observed_from, dict):
        observed_from = {area: observed_from[area] for area in areas}
    refuse_contradictions(rules, observed_until, observed_from)
    data = Data(
        *(index_rows, event_rows, index_date, event_date, person, scope, row_id, same_table),
        *(observed_until, observed_from, []),
    )
    return Linkage(data, rules, index_filter)


def areas_of(index_rows, event_rows, scope, mediator: Mediator | None) -> set:
    """The areas of which there is a row; what is said of others is of no account."""
    tables = [(index_rows, 0), (event_rows, 1)]
    if mediator is not None:
        tables.append((mediator.table, 0))
    names = [(row, name) for rows, side in tables for row in rows for name in names_of(scope, side)]
    return {row[name] for row, name in names} - {None}


def link_reference(index_rows: list[dict], event_rows: list[dict], **arguments):
    """Everything that `rr.link` says of the rows, by looking at every pair.

    A `Linked`; of several windows a list of them in the order given. The arguments are those of
    `linkage_of`.
    """
    linkage = linkage_of(index_rows, event_rows, **arguments)
    rules = linkage.rules
    if rules.several and rules.cohort == "longest":
        return linkage.answers(rules.windows)
    answers = [linkage.answers([window])[0] for window in rules.windows]
    return answers if rules.several else answers[0]


class Linkage:
    """Two tables and the rules, before a window is chosen."""

    def __init__(self, data: Data, rules: Rules, index_filter: dict | None):
        self.data, self.rules = data, rules
        self.index_filter = index_filter
        self.ledger = Ledger()
        data.events = self.usable_events()
        self.eligible = self.eligible_rows()
        if self.rules.mediator is not None:
            data.starts = self.usable_starts(self.rules.mediator)
        self.first_lines = list(self.ledger.lines)

    # ------------------------------------------------ the tables' own steps

    def without_null(self, table: str, side: int, rows: list[dict], columns: list) -> list[int]:
        needed = [*self.data.names(side), *[name for name in columns if name is not None]]
        positions = self.ledger.given(table, len(rows))
        positions = self.ledger.keep(
            table, "null", positions, lambda i: key_of(rows[i], needed) is not None
        )
        if self.data.row_id is not None:
            kept = first_of_each_id(rows, positions, self.data.row_id)
            positions = self.ledger.keep(table, "duplicates", positions, lambda i: i in kept)
        return positions

    def observed(self, table: str, side: int, rows: list[dict], date: str, positions) -> list[int]:
        area = names_of(self.data.scope, side)
        first, last = self.data.observed_from, self.data.observed_until
        if first is not None:
            positions = self.ledger.keep(
                *(table, "observed", positions),
                lambda i: rows[i][date] >= day_for(first, rows[i], area),
            )
        if last is not None:
            positions = self.ledger.keep(
                *(table, "observed", positions),
                lambda i: rows[i][date] <= day_for(last, rows[i], area),
            )
        return positions

    def of_age(self, table: str, rows: list[dict], date: str, positions, ages: dict) -> list[int]:
        for column, wanted in ages.items():
            positions = self.ledger.keep(
                *(table, "eligible", positions),
                lambda i, column=column: rows[i][column] is not None,
            )
            positions = self.ledger.keep(
                *(table, "eligible", positions),
                lambda i, column=column, wanted=wanted: meets(
                    age_on(rows[i][column], rows[i][date]), wanted
                ),
            )
        return positions

    def usable_events(self) -> list[int]:
        rows, date = self.data.event_rows, self.data.event_date
        positions = self.without_null("events", 1, rows, [date])
        if self.rules.event_filter is not None:
            positions = self.ledger.keep(
                *("events", "event_filter", positions),
                lambda j: passes(rows[j], self.rules.event_filter),
            )
        if self.rules.eligible is not None:
            ages = self.rules.eligible.age_at_event
            positions = self.of_age("events", rows, date, positions, ages)
        return self.observed("events", 1, rows, date, positions)

    def eligible_rows(self) -> list[int]:
        rows, date = self.data.index_rows, self.data.index_date
        columns = [date, self.rules.window_column, self.rules.after]
        positions = self.without_null("index", 0, rows, columns)
        if self.index_filter is not None:
            positions = self.ledger.keep(
                "index", "index_filter", positions, lambda i: passes(rows[i], self.index_filter)
            )
        eligible = self.rules.eligible
        if eligible is not None:
            positions = self.of_age("index", rows, date, positions, eligible.age_at_index)
            for column, wanted in eligible.length.items():
                positions = self.ledger.keep(
                    *("index", "eligible", positions),
                    lambda i, column=column: rows[i][column] is not None,
                )
                positions = self.ledger.keep(
                    *("index", "eligible", positions),
                    lambda i, column=column, wanted=wanted: meets(
                        rows[i][date],
                        wanted,
                        lambda span: add_span(rows[i][column], parse_span(span)),
                    ),
                )
            if isinstance(eligible.history, tuple):
                column, span = eligible.history
                positions = self.ledger.keep(
                    "index", "eligible", positions, lambda i: rows[i][column] is not None
                )
                positions = self.ledger.keep(
                    *("index", "eligible", positions),
                    lambda i: add_span(rows[i][column], parse_span(span)) <= rows[i][date],
                )
        return self.observed("index", 0, rows, date, positions)

    def usable_starts(self, mediator: Mediator) -> list[dict]:
        """The mediator's rows, whose columns of the key have the index's names."""
        needed = [*self.data.names(0), mediator.date]
        positions = self.ledger.given("mediator", len(mediator.table))
        positions = self.ledger.keep(
            *("mediator", "null", positions),
            lambda i: key_of(mediator.table[i], needed) is not None,
        )
        positions = self.observed("mediator", 0, mediator.table, mediator.date, positions)
        return [mediator.table[i] for i in positions]

    # ------------------------------------------------ the cohort

    def answers(self, windows: list) -> list[Linked]:
        """One answer for each window, of one cohort, which the longest window makes."""
        self.ledger.lines = list(self.first_lines)
        searches = {
            window: {i: Search(self.data, self.rules, i, window) for i in self.eligible}
            for window in windows
        }
        longest = {
            i: max((searches[window][i] for window in windows), key=how_far) for i in self.eligible
        }
        watched = self.watched(longest)
        counted = self.chosen(self.washed_out(watched))
        early = []
        if self.rules.delayed:
            early = [i for i in counted if longest[i].came_back_before_the_landmark()]
            counted = self.ledger.keep("index", "mediator", counted, lambda i: i not in early)
        if self.rules.treated("exclude"):
            counted = self.ledger.keep(
                "index", "exits", counted, lambda i: not longest[i].is_excluded()
            )
        for search in [longest, *searches.values()]:
            self.divide_claims(search, counted)
        if self.rules.veto is not None and self.rules.veto[1] == "drop":
            counted = self.ledger.keep(
                "index", "veto", counted, lambda i: not longest[i].veto_comes_first("drop")
            )
        answers = [self.answer(window, searches[window], watched, counted) for window in windows]
        for linked in answers:
            for i in early:
                linked.arm[i] = "before landmark"
        return answers

    def watched(self, longest: dict[int, Search]) -> list[int]:
        rules, rows = self.rules, self.eligible
        complete = rules.followup == "complete"
        if complete and not rules.forward:
            rows = self.ledger.keep(
                "index", "look-back", rows, lambda i: longest[i].is_seen_to_the_end()
            )
        washout = rules.washout is not None and rules.followup != "ignored"
        if washout or rules.history_span is not None:
            rows = self.ledger.keep(
                *("index", "look-back", rows),
                lambda i: longest[i].looks_back_far_enough(self.data.edge(i, forward=False)),
            )
        if complete and rules.forward:
            rows = self.ledger.keep(
                "index", "follow-up", rows, lambda i: longest[i].is_seen_to_the_end()
            )
        if rules.delayed and rules.followup == "observed":
            rows = self.ledger.keep(
                *("index", "follow-up", rows),
                lambda i: longest[i].anchor <= self.data.edge(i, forward=True),
            )
        return rows

    def washed_out(self, rows: list[int]) -> list[int]:
        span = parse_span(self.rules.washout)
        if span is None:
            return rows

        def too_soon(i: int, earlier: list[int]) -> bool:
            day, key = self.data.day(i), self.data.key(i)
            return any(
                self.data.key(other) == key
                and self.data.day(other) < day <= add_span(self.data.day(other), span)
                for other in earlier
            )

        if not self.rules.rolling:
            return self.ledger.keep(
                "index", "washout", rows, lambda i: not too_soon(i, self.eligible)
            )
        kept = []
        for i in sorted(rows, key=self.data.day):
            if not too_soon(i, kept):
                kept.append(i)
        return self.ledger.keep("index", "washout", rows, lambda i: i in kept)

    def chosen(self, rows: list[int]) -> list[int]:
        select, per = self.rules.select, self.rules.per
        if select == "every":
            return rows

        def place(i: int) -> tuple:
            day = self.data.day(i)
            if per is None:
                return (self.data.key(i),)
            if per in ("financial_year", "year", "half_year"):
                return self.data.key(i), period_of(day, per)
            return self.data.key(i), (self.data.index_rows[i][per],)

        def stands_for(i: int) -> bool:
            mine = [(self.data.day(j), j) for j in rows if place(j) == place(i)]
            first_or_last = min(mine) if select == "first" else max(mine)
            return first_or_last == (self.data.day(i), i)

        return self.ledger.keep("index", "select", rows, stands_for)

    def divide_claims(self, searches: dict[int, Search], counted: list[int]) -> None:
        """An event day belongs to the latest index day of the person that may have it."""
        if self.rules.claim != "latest index":
            return
        for i in counted:
            later = [
                searches[j].first_claimed() - 1
                for j in counted
                if self.data.key(j) == self.data.key(i) and self.data.day(j) > self.data.day(i)
            ]
            searches[i].latest = min(later, default=None)

    # ------------------------------------------------ one window

    def answer(self, window, searches: dict[int, Search], watched, counted) -> Linked:
        linked = Linked(self.rules, window, len(self.data.index_rows))
        linked.ledger = list(self.ledger.lines)
        for i in self.eligible:
            if i not in watched:
                linked.outcome[i] = "not followed"
        for i in counted:
            linked.followed[i] = True
            self.follow(linked, i, searches[i])
            if self.rules.mediator is not None:
                linked.arm[i] = searches[i].arm(linked.event_date[i])
        return linked

    def follow(self, linked: Linked, i: int, search: Search) -> None:
        matches = search.matches()
        days = list(dict.fromkeys(search.when(j) for j in matches))
        edge = self.data.edge(i, self.rules.forward)
        leaving = search.own_exit()
        seen = search.is_seen_to_the_end()
        cut = leaving is not None and linked.rules.followup == "observed" and edge < leaving[2]
        end = edge if search.window is None else search.window_day()
        ahead = 1 if self.rules.forward else -1
        linked.horizon[i] = None if end is None else max(0, ahead * (end - search.anchor))
        linked.count[i] = len(days)
        linked.pairs[i] = [(j, search.distance(j)) for j in matches]
        linked.fully[i] = seen
        day = taken(days, self.rules.take)
        if leaving is not None and not cut:
            stays = leaving[1] == "no event" and search.window is not None
            linked.fully[i] = (seen or stays) and (leaving[1] != "censor" or day is not None)
        if day is not None:
            of_day = [j for j in matches if search.when(j) == day]
            linked.event_row[i] = max(of_day) if self.rules.ties == "last row" else min(of_day)
            linked.event_date[i] = day
            linked.gap_days[i] = linked.duration[i] = abs(day - search.anchor)
            linked.outcome[i] = "linked"
        elif leaving is not None and not cut:
            linked.outcome[i] = leaving[0]
            if leaving[1] != "no event":
                linked.duration[i] = leaving[2] - search.anchor
        elif self.rules.followup == "observed" and not seen:
            linked.outcome[i] = "censored"
            linked.duration[i] = abs(edge - search.anchor)
        else:
            linked.outcome[i] = "none"


def how_far(search: Search) -> float:
    """How far a row's window reaches, to be compared with its other windows."""
    if search.window is None:
        return float("inf")
    return search.window_day() if search.rules.forward else -search.window_day()


def taken(days: list[int], take) -> int | None:
    """The first, the last or the nth day, outwards from the anchor."""
    place = {"first": 1, "last": len(days)}.get(take, take)
    return days[place - 1] if 1 <= place <= len(days) else None
