"""`rereferral.prepare`: outcome events made ready once, to be linked with any index."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from rereferral import _core
from rereferral.errors import RuleError
from rereferral.keys import Book, CoreKey, key_names
from rereferral.sides import Mask, Side
from rereferral.tables import Table, open_table

__all__ = ["Prepared", "prepare"]


class Prepared:
    """Outcome events that are ready to be linked. Made by `rereferral.prepare`.

    Attributes
    ----------
    table : Table
        The events.
    person, scope : list of str
        Columns of the key; `scope` may be None.
    event_date : str
        The column that dates the events.
    """

    def __init__(
        self, table: Table, person: list[str], scope: list[str] | None, event_date: str
    ) -> None:
        self.table = table
        self.person = person
        self.scope = scope
        self.event_date = event_date
        side = Side(table, "events", event_date, person, scope)
        side.remove_nulls()
        self._n = side.ledger.remaining
        self._last: tuple[bytes, object] | None = None
        self._whole = (_digest(side.ledger.left), self._put_in_order(side))

    def __len__(self) -> int:
        return self.table.n_rows

    def __repr__(self) -> str:
        key = " and ".join([*self.person, *(self.scope or [])])
        return (
            f"Prepared: {len(self):,} outcome events, of which {self._n:,} with a person and a date"
            f"\n{key} tell the person, {self.event_date} the date"
        )

    def read(self, person: Any, scope: Any, event_date: str | None) -> tuple[Any, Any, str]:
        """The columns of a linkage that names, by `person`, `scope` and `event_date`, those of the
        index, and of the events none or the same as they were prepared for.

        Raises
        ------
        RuleError
            If it says something else of the events than they were prepared for.
        """
        if event_date is not None and event_date != self.event_date:
            raise RuleError(
                f"the events were prepared with event_date={self.event_date!r}, "
                f"not {event_date!r}; leave it out or prepare them again"
            )
        if (scope is None) != (self.scope is None):
            raise RuleError(
                f"the events were prepared with scope={self.scope!r}, not {scope!r}; "
                "give the same or prepare them again"
            )
        names: list[Any] = []
        for given, own, what in ((person, self.person, "person"), (scope, self.scope, "scope")):
            if given is None or own is None:
                names.append(None)
                continue
            of_index, of_events = key_names(given, what)
            if isinstance(given, tuple) and of_events != own:
                raise RuleError(
                    f"the events were prepared with {what}={own!r}, not {of_events!r}; "
                    f"name the columns of the index alone or prepare them again"
                )
            if len(of_index) != len(own):
                raise RuleError(
                    f"{what} has {len(of_index)} columns in the index and {len(own)} in the events"
                )
            names.append((of_index, own))
        return names[0], names[1], self.event_date

    def keys(self, index: Side, events: Side) -> tuple[list[CoreKey], int]:
        """The keys of an `index` and of the `events` for the core, and a limit of their codes."""
        book = self._book(events)
        if index.table.same(events.table) and index.key == events.key:
            return [book.keys, book.keys], book.limit
        return [book.look_up(index.table, index.key), book.keys], book.limit

    def _book(self, events: Side) -> Book:
        """The keys of the events and their codes; kept beside their columns."""
        found: Book = events.table.once(
            ("book", *events.key), lambda: Book(events.table, events.key)
        )
        return found

    def parts(self, events: Side) -> object:
        """The events that are left, in order: made when they were prepared, or for the linkage
        before this one, or now.
        """
        digest = _digest(events.ledger.left)
        if events.table.variants == self.table.variants:
            for known in (self._whole, self._last):
                if known is not None and known[0] == digest:
                    return known[1]
        parts = self._put_in_order(events)
        if events.table.variants == self.table.variants:
            self._last = (digest, parts)
        return parts

    def _put_in_order(self, events: Side) -> object:
        book = self._book(events)
        return _core.prepare(book.keys, events.dates.for_core, events.ledger.left, book.limit)


def prepare(events: Any, *, person: Any, event_date: str, scope: Any = None) -> Prepared:
    """Make outcome events ready to be linked with one index after another.

    Keys are coded and events put in order once; `link` and `pairs` take the result in place of the
    events, with any index and any rules. What a linkage leaves out of the events (by
    ``event_filter`` or the observed time) is put in order again, and kept for the next one.

    Parameters
    ----------
    events : DataFrame, Arrow table, dict of arrays, or Table
        Outcome events, one a row. It is read here and not changed; changes made to it later may or
        may not be seen.
    person, scope : str or list of str
        The columns of the events that tell the person, and the area within which it is one.
    event_date : str
        The column of the events that dates them.

    Returns
    -------
    Prepared

    Raises
    ------
    DataError
        As `link`, for the events.
    RuleError
        If a key is none, or ``event_date`` is no name.

    Examples
    --------
    >>> import numpy as np, rereferral as rr
    >>> day = np.array(["2019-01-10", "2019-06-01"], "datetime64[D]")
    >>> referred = rr.prepare({"child": [1, 2], "on": day}, person="child", event_date="on")
    >>> for closed in ("2018-12-01", "2019-05-01"):
    ...     closures = {"child": [1, 2], "closed": np.array([closed] * 2, "datetime64[D]")}
    ...     links = rr.link(closures, referred, person="child", index_date="closed",
    ...                     observed_until="2021-03-31")
    ...     print(closed, links.gap_days)
    2018-12-01 [ 40 182]
    2019-05-01 [-1 31]
    """
    if not isinstance(event_date, str):
        raise RuleError(f"event_date={event_date!r} is not the name of a column")
    names = []
    for given, what in ((person, "person"), (scope, "scope")):
        if isinstance(given, tuple):
            raise RuleError(f"{what}={given!r}: only columns of the events are named here")
        names.append(None if given is None else key_names(given, what)[1])
    if names[0] is None:
        raise RuleError("person=None is not a key; name the columns that tell the person")
    return Prepared(open_table(events, "events"), names[0], names[1], event_date)


def _digest(left: Mask | None) -> bytes:
    """What tells the rows that are left from others."""
    return b"" if left is None else hashlib.blake2b(np.packbits(left).tobytes()).digest()
