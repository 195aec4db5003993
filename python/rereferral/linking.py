"""`rereferral.link`: which outcome event belongs to which index event."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.cohort import Chosen, choose_cohort, earliest_day, look_backs
from rereferral.completeness import Lookback, lookback_of
from rereferral.conditions import normal_conditions
from rereferral.days import Days, iso, observed_span
from rereferral.definition import Definition
from rereferral.errors import RuleError
from rereferral.exits import FirstExit, first_exit
from rereferral.keys import key_names
from rereferral.ledger import Ledger, Point, rows_of
from rereferral.lineage import area_notes, joined_areas
from rereferral.links import Links
from rereferral.matching import Again, Bounds, Found, Matching
from rereferral.mediation import Mediation, open_mediation
from rereferral.observation import LONG_SILENCE, Observation
from rereferral.prepared import Prepared
from rereferral.sides import Mask, Side, remove_duplicates
from rereferral.spans import OPEN, Span
from rereferral.tables import Table, open_table
from rereferral.warning import warn
from rereferral.windowed import WindowedLinks
from rereferral.windows import Reach, longest_reach, window_days

__all__ = ["Task", "link", "open_task"]


def link(
    index: Any,
    events: Any,
    *,
    person: Any,
    scope: Any = None,
    index_date: str,
    event_date: str | None = None,
    index_filter: Any = None,
    observed_until: Any = None,
    observed_from: Any = None,
    row_id: Any = None,
    ids: str = "own",
    definition: Definition | None = None,
    **rules: Any,
) -> Links:
    """Find, for each index event, the nearest outcome event of the same person.

    Parameters
    ----------
    index, events : DataFrame, Arrow table, dict of arrays, or Table
        Index events and outcome events, one a row. They may be the same object; then a row never
        matches itself. Anything with the Arrow C interface is taken (polars, pyarrow, DuckDB).
        For the events also what `prepare` made of them; `person` and `scope` then name columns of
        the index, and `event_date` is left out.
    person : str, list or tuple
        The column that identifies a person; a list for a key of several columns; a tuple
        ``(index columns, event columns)`` where they differ.
    scope : str, list or tuple, optional
        The area within which the person's key holds (the authority). None links across areas.
    index_date, event_date : str
        Columns of calendar days. Integer columns are days since 1970-01-01.
    index_filter : dict, optional
        Only such rows are index events: ``{"reason_for_closure": ["RC8", "RC9"]}``.
    observed_until : date, str, or mapping of a scope to a date, optional
        The last day that is in the data; later rows are left out and counted. Needed forward,
        unless follow-up is ignored. Also the name of a column, in both tables, that holds the date
        of each row's scope. Without a scope the earliest of several dates holds for all.
    observed_from : date, str, or mapping of a scope to a date, optional
        The first day that is in the data; earlier rows are left out and counted. Needed backward,
        unless follow-up is ignored. A column as above; without a scope the latest date holds.
    row_id : str or tuple, optional
        A column that identifies rows in both tables: a row never matches itself. Where it repeats
        within a table, the first row stays and the others are left out and counted.
    ids : {"own", "carried over"}
        Whether a child kept the id where an authority of England became another (`crosswalk`).
        ``"own"``: only where the code alone changed are both codes one area. ``"carried over"``:
        also after a merger, a split or a part; an id that two of them had for two children is then
        taken for one. Needs a scope of one column of ONS codes. Filters, groups and dates by area
        go by the codes as they are given.
    definition : Definition, optional
        The rules; by default ``Definition()``.
    **rules
        Rules that replace those of the definition: ``window="6 months"``.

    Returns
    -------
    Links
        Arrays in the index's own row order, rates, curves and the ledger.

    Raises
    ------
    RuleError
        If a rule is unknown or contradicts another, or a date that is needed is not given.
    DataError
        If a column is not there, is of the wrong kind, or holds a value that it must not.

    Examples
    --------
    >>> import numpy as np, rereferral as rr
    >>> closed = {"child": [1, 1, 2], "closed": np.array(["2019-01-31", "2019-06-30", "2019-03-01"],
    ...                                                  dtype="datetime64[D]")}
    >>> referred = {"child": [1, 2], "on": np.array(["2019-03-31", "2020-03-02"],
    ...                                             dtype="datetime64[D]")}
    >>> links = rr.link(closed, referred, person="child", index_date="closed", event_date="on",
    ...                 observed_until="2021-03-31")
    >>> links.gap_days
    array([59, -1, -1], dtype=int32)
    >>> links.rates()[["n", "linked"]]
       n  linked
    0  3       1
    """
    task = open_task(
        index,
        events,
        person=person,
        scope=scope,
        index_date=index_date,
        event_date=event_date,
        index_filter=index_filter,
        observed_until=observed_until,
        observed_from=observed_from,
        row_id=row_id,
        ids=ids,
        definition=definition,
        rules=rules,
    )
    return task.link()


_ARGUMENTS = [name for name in inspect.signature(link).parameters if name != "rules"]


class AllFound(NamedTuple):
    """Every event of each counted index row, as offsets and columns of pairs."""

    offsets: Days
    event_row: npt.NDArray[np.int64]
    gap_days: npt.NDArray[np.int32]
    followed: Mask
    ledger: pd.DataFrame


@dataclasses.dataclass(eq=False)
class Task:
    """One question to two tables: rows that pass the filters, ready for cohort and search."""

    definition: Definition
    index: Side
    events: Side
    observed: Observation
    matching: Matching
    moved: Days | None
    mediation: Mediation | None
    eligible: Point
    ids: str
    notes: list[str]
    _exits: WeakKeyDictionary[Reach, FirstExit | None] = dataclasses.field(
        default_factory=WeakKeyDictionary, init=False
    )

    def link(self) -> Links:
        """Choose who is counted, and find their events."""
        definition = self.definition
        if not definition.several:
            return self._one(definition, self._reach(definition.window))
        if definition.cohort == "each":
            before = self.index.ledger
            self.matching.put_in_order()
            windows = {}
            for span in definition.windows:
                self.index.ledger = before.copy()
                one = definition.with_window(span)
                windows[span] = self._one(one, Reach(one, span, self.index.dates, self.moved))
            return WindowedLinks(definition, windows)
        return self._shared()

    def pairs(self) -> AllFound:
        """Choose who is counted, as for one window, and find all their events."""
        definition, ledger = self.definition, self.index.ledger
        reach = self._reach(definition.window)
        self._choose(definition, reach)
        cohort = ledger.left
        if definition.veto is not None and definition.veto.action == "drop":
            self._remove_vetoed(self._search(reach, cohort))
        # Rows that the veto takes away have no pairs, but have claimed what is theirs.
        found = self.matching.pairs(cohort, reach, self.bounds(reach))
        return AllFound(*found, ledger.kept, self._ledger())

    def _reach(self, window: Span | str) -> Reach:
        if isinstance(window, Span):
            return Reach(self.definition, window, self.index.dates, self.moved)
        days, _ = window_days(self.index.table, window)
        return Reach(self.definition, days, self.index.dates, self.moved)

    def _one(self, definition: Definition, reach: Reach) -> Links:
        """The links of one window with a cohort of its own."""
        chosen = self._choose(definition, reach)
        cohort = self.index.ledger.left
        found = self._search(reach, cohort)
        self._remove_vetoed(found)
        return self._links(definition, reach, found, cohort, chosen)

    def _shared(self) -> Links:
        """The links of several windows with the cohort of the longest."""
        definition, ledger = self.definition, self.index.ledger
        longest = longest_reach(definition, self.index.dates, self.moved)
        chosen = self._choose(definition, longest)
        cohort = ledger.left
        # The farthest event, and who confirms it in time, are matters of each window's own end.
        narrows = definition.take != "last" and definition.confirm is None
        found = self._search(longest, cohort) if narrows else None
        if found is not None:
            self._remove_vetoed(found)
        elif definition.veto is not None and definition.veto.action == "drop":
            self._remove_vetoed(self._search(longest, cohort))
        every = [definition.with_window(span) for span in definition.windows]
        reaches = [
            Reach(one, span, self.index.dates, self.moved)
            for one, span in zip(every, definition.windows, strict=True)
        ]
        of_window = (
            [self._search_kept(reach, cohort) for reach in reaches]
            if found is None
            else self.matching.narrow(reaches, longest, found)
        )
        windows = {
            span: self._links(one, reach, of_one, cohort, chosen)
            for span, one, reach, of_one in zip(
                definition.windows, every, reaches, of_window, strict=True
            )
        }
        return WindowedLinks(definition, windows)

    def _choose(self, definition: Definition, reach: Reach) -> Chosen:
        return choose_cohort(definition, self.matching, self.observed, reach, self.mediation)

    def _ledger(self) -> pd.DataFrame:
        third = self.mediation and self.mediation.ledger
        return Ledger.frame(self.index.ledger, self.events.ledger, *([third] if third else []))

    def _search(self, reach: Reach, use: Mask | None) -> Found:
        return self.matching.link(use, reach, self.bounds(reach))

    def _search_kept(self, reach: Reach, cohort: Mask | None) -> Found:
        """What a search of the cohort found for the rows that no veto has taken away since."""
        found, ledger = self._search(reach, cohort), self.index.ledger
        if ledger.left is cohort:
            return found
        kept = ledger.kept
        event_row = np.where(kept, found.event_row, -1)
        return Found(event_row, np.where(kept, found.gap_days, np.int32(-1)), None)

    def first_exit(self, reach: Reach) -> FirstExit | None:
        """The exit that comes first in each row's window; worked out once for each reach."""
        if reach not in self._exits:
            self._exits[reach] = first_exit(self.definition, self.index.table, reach)
        return self._exits[reach]

    def bounds(self, reach: Reach) -> Bounds:
        """The first and the last admissible day by row, beside those of the rule's window."""
        first, last = self.matching.after, None
        leave = self.first_exit(reach)
        if leave is not None:
            last = leave.last
        ends = reach.row_ends
        if ends is not None and reach.forward:
            last = ends if leave is None else np.where(leave.code < 0, ends, leave.last)
        elif ends is not None:
            first = ends if first is None else np.maximum(first, ends)
        return first, last

    def _remove_vetoed(self, found: Found) -> None:
        if found.vetoed is not None:
            self.index.ledger.remove("veto", "only vetoed events came first", found.vetoed)

    def _links(
        self,
        definition: Definition,
        reach: Reach,
        found: Found,
        cohort: Mask | None,
        chosen: Chosen,
    ) -> Links:
        left = self.index.ledger.left
        arms = None
        if self.mediation is not None:
            arms = self.mediation.arms(self.index.ledger.kept, chosen.early, found, reach)
        return Links(
            index=self.index,
            events=self.events,
            found=found,
            left=left,
            chosen=chosen,
            reach=reach,
            observed=self.observed,
            definition=definition,
            ledger=self._ledger(),
            notes=partial(self._told, found, left, chosen),
            again=Again(self.matching, cohort, left, reach, self.bounds),
            find_exit=partial(self.first_exit, reach),
            lookbacks=self._lookbacks(reach, left),
            arms=arms,
        )

    def _told(self, found: Found, left: Mask | None, chosen: Chosen) -> list[str]:
        notes = _notes(self.events, left, self.matching, found, self.observed)
        if self.mediation is not None:
            followed = rows_of(left, len(found.gap_days))
            notes += self.mediation.notes(self.observed, followed, chosen.early)
        return notes + self.notes

    def _lookbacks(self, reach: Reach, left: Mask | None) -> dict[str, Callable[[], Lookback]]:
        """By rule that looks back, what works out whose look-back the data does not hold."""
        definition, index, events = self.definition, self.index, self.events

        def find(begins: Callable[[], Days], past: Side, used: Ledger | Point) -> Lookback:
            return lookback_of(
                index.table,
                index.scope,
                begins(),
                rows_of(left, len(index.dates)),
                past.table,
                past.scope,
                past.days,
                rows_of(used.left, len(past.dates)),
                self.ids,
            )

        def window_begins() -> Days:
            if definition.followup == "observed" and self.observed.first is not None:
                return np.maximum(reach.end, self.observed.first)
            return reach.end

        found: dict[str, Callable[[], Lookback]] = {}
        if not reach.forward and not reach.open:
            found["window"] = partial(find, window_begins, events, events.ledger)
        if definition.washout is not None:

            def washout_begins() -> Days:
                return earliest_day(definition.washout, index.days)

            found["washout"] = partial(find, washout_begins, index, self.eligible)
        return found


def open_task(
    index: Any,
    events: Any,
    *,
    person: Any,
    scope: Any,
    index_date: str,
    event_date: str | None,
    index_filter: Any,
    observed_until: Any,
    observed_from: Any,
    row_id: Any,
    ids: str,
    definition: Definition | None,
    rules: Mapping[str, Any],
) -> Task:
    """Read the arguments of `link`, and leave out the rows that its filters leave out."""
    if definition is None:
        definition = Definition()
    elif not isinstance(definition, Definition):
        raise RuleError(
            f"definition={definition!r} is not a Definition; write rr.definitions.DFE, say"
        )
    _refuse_misspelt(rules)
    definition = definition.replace(**rules)
    prepared = events if isinstance(events, Prepared) else None
    if prepared is not None:
        person, scope, event_date = prepared.read(person, scope, event_date)
        events = prepared.table
    for what, name in (("index_date", index_date), ("event_date", event_date)):
        if not isinstance(name, str):
            raise RuleError(f"{what}={name!r} is not the name of a column")
    assert event_date is not None
    person_names = key_names(person, "person")
    scope_names = (None, None) if scope is None else key_names(scope, "scope")
    index_table = open_table(index, "index")
    event_table = open_table(index_table if events is index else events, "events")
    index_areas = joined_areas(index_table, scope_names[0], ids)
    event_areas = joined_areas(event_table, scope_names[1], ids)
    index_table, event_table = index_areas.table, event_areas.table
    left = Side(index_table, "index", index_date, person_names[0], scope_names[0])
    right = Side(event_table, "events", event_date, person_names[1], scope_names[1])
    _need_observation(definition, observed_from, observed_until, right)
    if definition.same_day == "include" and row_id is None:
        _warn_of_twins(left, right)

    left.remove_nulls(*_needed_by_rules(definition, index_table))
    right.remove_nulls()
    self_row = None if row_id is None else remove_duplicates(left, right, row_id)
    left.remove_filtered(normal_conditions(index_filter, "index_filter"), "index_filter")
    right.remove_filtered(definition.event_filter, "event_filter")
    _remove_ineligible(definition, left, right)
    observed = left.remove_unobserved(observed_from, observed_until)
    right.remove_unobserved(observed_from, observed_until)
    matching = Matching(definition, left, right, self_row, prepared)
    mediation = open_mediation(definition, left, observed_from, observed_until, ids)
    moved = None if mediation is None else mediation.landmark
    if definition.within_gap == "absorb":
        moved = matching.absorb()
    notes = area_notes(ids, index_areas, event_areas)
    return Task(
        definition=definition,
        index=left,
        events=right,
        observed=observed,
        matching=matching,
        moved=moved,
        mediation=mediation,
        eligible=left.ledger.here(),
        ids=ids,
        notes=notes,
    )


def _refuse_misspelt(rules: Mapping[str, Any]) -> None:
    """An argument of another name comes as a rule, and may be meant for an argument."""
    known = [field.name for field in dataclasses.fields(Definition)]
    for name in set(rules) - set(known):
        close = difflib.get_close_matches(name, [*_ARGUMENTS, *known], n=1)
        if close and close[0] in _ARGUMENTS:
            raise RuleError(f"there is no argument or rule {name!r}; did you mean {close[0]!r}?")


def _needed_by_rules(definition: Definition, table: Table) -> list[tuple[Mask | None, str]]:
    """Where a column is missing without which a rule says nothing of a row."""
    needed: list[tuple[Mask | None, str]] = []
    if definition.window_column is not None:
        name = definition.window_column
        if not table.has(name):
            raise RuleError(
                f"window={name!r} is not a span, and the index has no such column; "
                'write "12 months", "365 days" or a number of days'
            )
        needed.append((window_days(table, name)[1], f"{name} is missing (window)"))
    if definition.after is not None:
        null = table.day_column(definition.after).null()
        needed.append((null, f"{definition.after} is missing (after)"))
    return needed


def _remove_ineligible(definition: Definition, index: Side, events: Side) -> None:
    eligible = definition.eligible
    if eligible is None:
        return
    index.remove_ineligible_ages(eligible.age_at_index)
    index.remove_ineligible_lengths(eligible.length)
    if eligible.history is not None and eligible.history[0] is not None:
        index.remove_short_history(*eligible.history)
    events.remove_ineligible_ages(eligible.age_at_event)


def _warn_of_twins(index: Side, events: Side) -> None:
    """A row that stands in two tables is not known to be one, and on its own day matches itself."""
    if index.date == events.date and not index.table.same(events.table):
        warn(
            f"both tables are dated by {index.date!r} and the same day counts: a row that stands "
            "in both matches itself; give row_id, or pass the same table twice"
        )


def _need_observation(
    definition: Definition, observed_from: object, observed_until: object, events: Side
) -> None:
    """Ask for the dates that decide who was observed; they are never taken from the data."""
    forward = definition.direction == "forward"
    if definition.followup != "ignored" and forward and observed_until is None:
        span = observed_span(events.days)
        proposal = "" if span is None else f'; months look full up to observed_until="{span[1]}"'
        raise RuleError(
            f"give observed_until, the last day that is in the data{proposal}, to be checked "
            'against how the table was made (or followup="ignored")'
        )
    looks = look_backs(definition)
    if not forward and definition.followup != "ignored":
        looks = {"window": definition.windows[0] if definition.windows else OPEN, **looks}
    if looks and observed_from is None:
        span = observed_span(events.days)
        proposal = "" if span is None else f'; months look full from observed_from="{span[0]}"'
        instead = "" if "history" in looks else ' (or followup="ignored")'
        who = "" if "window" in looks else f"; {next(iter(looks))} looks back"
        raise RuleError(
            f"give observed_from, the first day that is in the data{proposal}, to be checked "
            f"against how the table was made{instead}{who}"
        )


def _notes(
    events: Side, left: Mask | None, matching: Matching, found: Found, observed: Observation
) -> list[str]:
    """What looks wrong though every rule was kept."""
    notes = []
    used = events.ledger.left
    if (found.event_row < 0).all():
        of_index, of_events = (
            code if rows is None else code[rows]
            for code, rows in zip(matching.codes(), (left, used), strict=True)
        )
        some = len(of_index) > 0 and len(of_events) > 0
        if some and len(np.intersect1d(of_index, of_events)) == 0:
            notes.append("No key of the index occurs in the events: are the ids written alike?")
    if isinstance(observed.last, int) and events.ledger.remaining:
        latest = events.dates.last if used is None else int(events.days[used].max())
        if observed.last - latest > LONG_SILENCE:
            notes.append(
                f"The last event is of {iso(latest)}, long before observed_until="
                f"{iso(observed.last)}: was anything recorded until then?"
            )
    return notes
