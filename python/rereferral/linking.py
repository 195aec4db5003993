"""`rereferral.link`: which outcome event belongs to which index event."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from rereferral import _core
from rereferral.days import NULL_DAY, Days, iso, observed_span
from rereferral.definition import (
    Definition,
    filter_in_words,
    normal_filter,
    table_filter,
)
from rereferral.errors import RuleError
from rereferral.keys import Codes, codes_of, encode, key_names
from rereferral.ledger import Ledger
from rereferral.links import Links, Outcome
from rereferral.observation import LONG_SILENCE, Observation, observation_of
from rereferral.tables import Table, open_table

__all__ = ["link"]

Mask = npt.NDArray[np.bool_]
_NULL_KEY = 0xFFFFFFFF


def link(
    index: Any,
    events: Any,
    *,
    person: Any,
    scope: Any = None,
    index_date: str,
    event_date: str,
    index_filter: Any = None,
    observed_until: Any = None,
    observed_from: Any = None,
    row_id: Any = None,
    definition: Definition | None = None,
    **rules: Any,
) -> Links:
    """Find, for each index event, the nearest outcome event of the same person.

    Parameters
    ----------
    index, events : DataFrame, Arrow table, dict of arrays, or Table
        Index events and outcome events, one a row. They may be the same object; then a row never
        matches itself. Anything with the Arrow C interface is taken (polars, pyarrow, DuckDB).
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
    if definition is None:
        definition = Definition()
    elif not isinstance(definition, Definition):
        raise RuleError(
            f"definition={definition!r} is not a Definition; write rr.definitions.DFE, say"
        )
    definition = definition.replace(**rules)
    for what, name in (("index_date", index_date), ("event_date", event_date)):
        if not isinstance(name, str):
            raise RuleError(f"{what}={name!r} is not the name of a column")
    person_names = key_names(person, "person")
    scope_names = (None, None) if scope is None else key_names(scope, "scope")
    index_table = open_table(index, "index")
    event_table = index_table if events is index else open_table(events, "events")
    left = _Side(index_table, "index", index_date, person_names[0], scope_names[0])
    right = _Side(event_table, "events", event_date, person_names[1], scope_names[1])
    _need_observation(definition, observed_from, observed_until, right.days)
    if definition.same_day == "include" and row_id is None:
        _warn_of_twins(left, right)

    left.remove_nulls()
    right.remove_nulls()
    self_row = None if row_id is None else _remove_duplicates(left, right, row_id)
    left.remove_filtered(normal_filter(index_filter, "index_filter"), "index_filter")
    right.remove_filtered(definition.event_filter, "event_filter")
    observed = left.remove_unobserved(observed_from, observed_until)
    right.remove_unobserved(observed_from, observed_until)
    used = left.ledger.kept.copy()
    end = _window_end(definition, left.days)
    _remove_unfollowed(definition, observed, left.ledger, end)

    keys, limit = _encode_both(left, right)
    event_row, gap_days, count = _sweep(definition, left, right, self_row, keys, limit)
    return Links(
        index=index_table,
        scope=left.scope,
        index_days=left.days,
        person=keys[0],
        event_row=event_row,
        gap_days=gap_days,
        count=count,
        followed=left.ledger.kept,
        outcome=_outcomes(definition, observed, left.ledger.kept, used, gap_days, end),
        window_end=end,
        observed=observed,
        definition=definition,
        ledger=Ledger.frame(left.ledger, right.ledger),
        notes=_notes(left, right, keys, event_row, observed),
    )


class _Side:
    """One of the two tables: its columns, and which of its rows are left."""

    def __init__(
        self, table: Table, role: str, date: str, person: list[str], scope: list[str] | None
    ) -> None:
        self.table = table
        self.date = date
        self.days = table.days(date)
        self.person = person
        self.scope = scope
        self.ledger = Ledger(role, table.n_rows)

    @property
    def key(self) -> list[str]:
        """The columns of the whole key, the area before the person."""
        return [*(self.scope or []), *self.person]

    def remove_nulls(self) -> None:
        for names, what in ((self.person, "person"), (self.scope or [], "scope")):
            for name in names:
                null = self.table.key(name).is_null()
                self.ledger.remove("null", f"{name} is missing ({what})", null)
        self.ledger.remove("null", f"{self.date} is missing", self.days == NULL_DAY)

    def remove_filtered(self, normal: dict[str, tuple[Any, ...]] | None, step: str) -> None:
        if normal is not None:
            mask = self.table.mask(table_filter(normal))
            self.ledger.remove(step, f"not: {filter_in_words(normal)}", ~mask)

    def remove_unobserved(self, observed_from: object, observed_until: object) -> Observation:
        observed = observation_of(self.table, self.scope, observed_from, observed_until)
        for outside in (observed.before(self.days), observed.after(self.days)):
            if outside is not None:
                self.ledger.remove("observed", f"{self.date} is {outside[1]}", outside[0])
        return observed


def _warn_of_twins(index: _Side, events: _Side) -> None:
    """A row that stands in two tables is not known to be one, and on its own day matches itself."""
    if index.date == events.date and not index.table.same(events.table):
        warnings.warn(
            f"both tables are dated by {index.date!r} and the same day counts: a row that stands "
            "in both matches itself; give row_id, or pass the same table twice",
            UserWarning,
            stacklevel=3,
        )


def _need_observation(
    definition: Definition, observed_from: object, observed_until: object, event_days: Days
) -> None:
    """Ask for the date that decides who was followed; it is never taken from the data."""
    forward = definition.direction == "forward"
    if (
        definition.followup == "ignored"
        or (observed_until if forward else observed_from) is not None
    ):
        return
    span = observed_span(event_days)
    if forward:
        what, meaning = "observed_until", "the last day that is in the data"
        proposal = "" if span is None else f'; months look full up to observed_until="{span[1]}"'
    else:
        what, meaning = "observed_from", "the first day that is in the data"
        proposal = "" if span is None else f'; months look full from observed_from="{span[0]}"'
    raise RuleError(
        f"give {what}, {meaning}{proposal}, to be checked against how the table was made "
        f'(or followup="ignored")'
    )


def _remove_duplicates(index: _Side, events: _Side, row_id: object) -> Days:
    """Leave out repeated rows, and find for each index row the event row that it is; -1: none."""
    names = key_names(row_id, "row_id")
    alone = index.table.same(events.table) and names[0] == names[1]
    tables = (
        [(index.table, names[0])] if alone else [(index.table, names[0]), (events.table, names[1])]
    )
    codes, _ = encode(tables)
    index_code, event_code = codes[0], codes[-1]
    for side, code, columns in ((index, index_code, names[0]), (events, event_code, names[1])):
        repeated = code != _NULL_KEY
        present = np.flatnonzero(side.ledger.kept & repeated)
        repeated[present[np.unique(code[present], return_index=True)[1]]] = False
        side.ledger.remove("duplicates", f"{' and '.join(columns)} repeats (row_id)", repeated)
    row = np.full(len(index_code), -1, np.int64)
    present = np.flatnonzero(events.ledger.kept & (event_code != _NULL_KEY))
    if len(present) > 0:
        by_code = present[np.argsort(event_code[present], kind="stable")]
        place = np.searchsorted(event_code[by_code], index_code)
        place[place == len(by_code)] = 0
        same = (event_code[by_code[place]] == index_code) & (index_code != _NULL_KEY)
        row[same] = by_code[place[same]]
    if alone:
        # Without an id a row of the one table is still itself.
        row = np.where(index_code == _NULL_KEY, np.arange(len(row)), row)
    return row


def _window_end(definition: Definition, days: Days) -> Days:
    """The far end of each window: the last admissible day forward, the first backward."""
    end = np.empty((2, len(days)), np.int64)
    _core.window_bounds(definition.core_window(), days, end[0], end[1])
    first, last = end
    return last if definition.direction == "forward" else first


def _remove_unfollowed(
    definition: Definition, observed: Observation, ledger: Ledger, end: Days
) -> None:
    """Complete follow-up is decided by dates alone, never by whether an event was seen."""
    if definition.followup != "complete":
        return
    edge = observed.edge(definition.direction)
    words = observed.edge_in_words(definition.direction)
    if definition.direction == "forward":
        # The day at the window's full length must have been observed, whichever end it has.
        last = end + (1 if definition.window_end == "exclusive" else 0)
        ledger.remove("follow-up", f"the window ends after {words}", last > edge)
    else:
        ledger.remove("look-back", f"the window begins before {words}", end < edge)


def _encode_both(index: _Side, events: _Side) -> tuple[list[Codes], int]:
    """Codes of the whole key for both tables; once where both are the same columns."""
    if index.table.same(events.table) and index.key == events.key:
        code, limit = codes_of(index.table, index.key)
        return [code, code], limit
    return encode([(index.table, index.key), (events.table, events.key)])


def _sweep(
    definition: Definition,
    index: _Side,
    events: _Side,
    self_row: Days | None,
    keys: list[Codes],
    limit: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    n_index, n_events = len(keys[0]), len(keys[1])
    same_table = self_row is None and index.table.same(events.table)
    parts = _core.order(
        keys[0], index.days, index.ledger.kept, keys[1], events.days, events.ledger.kept, limit
    )
    event_row = np.empty(n_index, np.int64)
    gap_days = np.empty(n_index, np.int32)
    count = np.empty(n_index, np.int64)
    _core.link(
        parts,
        definition.core_window(),
        definition.ties == "last row",
        same_table,
        self_row,
        events.days if same_table or self_row is not None else None,
        None,
        None,
        n_events,
        event_row,
        gap_days,
        count,
    )
    return event_row, gap_days, count


def _notes(
    index: _Side,
    events: _Side,
    keys: list[Codes],
    event_row: npt.NDArray[np.int64],
    observed: Observation,
) -> list[str]:
    """What looks wrong though every rule was kept."""
    notes = []
    rows = [np.flatnonzero(side.ledger.kept) for side in (index, events)]
    if len(rows[0]) and len(rows[1]) and (event_row < 0).all():
        common = np.intersect1d(keys[0][rows[0]], keys[1][rows[1]])
        if len(common) == 0:
            notes.append("No key of the index occurs in the events: are the ids written alike?")
    if len(rows[1]) and isinstance(observed.last, int):
        latest = int(events.days[rows[1]].max())
        if observed.last - latest > LONG_SILENCE:
            notes.append(
                f"The last event is of {iso(latest)}, long before observed_until="
                f"{iso(observed.last)}: was anything recorded until then?"
            )
    return notes


def _outcomes(
    definition: Definition,
    observed: Observation,
    followed: Mask,
    used: Mask,
    gap_days: npt.NDArray[np.int32],
    end: Days,
) -> npt.NDArray[np.int8]:
    outcome = np.full(len(gap_days), Outcome.EXCLUDED, np.int8)
    outcome[used] = Outcome.NOT_FOLLOWED
    outcome[followed] = Outcome.NONE
    if definition.followup == "observed":
        edge = observed.edge(definition.direction)
        cut = end > edge if definition.direction == "forward" else end < edge
        outcome[followed & cut] = Outcome.CENSORED
    outcome[gap_days >= 0] = Outcome.LINKED
    return outcome
