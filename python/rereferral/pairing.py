"""`rereferral.pairs`: every outcome event of each index event, not only the one that is chosen."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.definition import Definition
from rereferral.errors import RuleError
from rereferral.linking import Task, open_task

__all__ = ["Pairs", "pairs"]


class Pairs:
    """All matches of a linkage. Made by `rereferral.pairs`.

    The pairs of index row i are ``offsets[i]`` to ``offsets[i + 1]``, the nearest day first, the
    events of a day in the order of their table. A row has pairs exactly where the `count` of
    :func:`rereferral.link` is above 0.

    Attributes
    ----------
    offsets : numpy.ndarray of int64, shape (n_index + 1,)
        Where the pairs of each index row begin, and where the last end.
    event_row : numpy.ndarray of int64, shape (n_pairs,)
        Position of the outcome event in the events table.
    gap_days : numpy.ndarray of int32, shape (n_pairs,)
        Days between the two (from the anchor, where a rule moved it); never negative.
    followed : numpy.ndarray of bool, shape (n_index,)
        Whether the index event is in the cohort. Rows that are not have no pairs.
    definition : Definition
        The rules that were applied.
    ledger : pandas.DataFrame
        ``table``, ``step``, ``reason``, ``removed``, ``remaining``, as that of `Links`.
    """

    def __init__(self, task: Task) -> None:
        found = task.pairs()
        self.offsets, self.event_row, self.gap_days = found.offsets, found.event_row, found.gap_days
        self.followed = found.followed
        self.definition = task.definition
        self._ledger = found.ledger
        self._notes = task.notes
        self._labels = task.index.table.labels
        self._event_dates = task.events.dates
        for array in (self.offsets, self.event_row, self.gap_days, self.followed):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.event_row)

    @property
    def ledger(self) -> pd.DataFrame:
        """Who was left out, and why: a copy for the caller."""
        return self._ledger.copy()

    @property
    def index_row(self) -> npt.NDArray[np.int64]:
        """Position of the index event of each pair in the index table, int64."""
        rows: npt.NDArray[np.int64] = _core.empty(len(self), 64)
        _core.pairs_rows(self.offsets, rows)
        return rows

    @property
    def event_date(self) -> npt.NDArray[np.datetime64]:
        """The day of the outcome event of each pair, ``datetime64[D]``."""
        return self._event_dates.days[self.event_row].view("datetime64[D]")

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "index_row": self.index_row,
            "event_row": self.event_row,
            "event_date": self.event_date,
            "gap_days": self.gap_days,
        }

    def to_pandas(self) -> pd.DataFrame:
        """The pairs as a table, one a row, each with the label of its index event.

        Returns
        -------
        pandas.DataFrame
            ``index_row``, ``event_row`` (int64), ``event_date`` (datetime64), ``gap_days`` (int32).
            The labels are those of an index table that is a DataFrame, so that
            ``index.join(pairs.to_pandas(), how="inner")`` has a row for each pair; otherwise
            `index_row`.
        """
        columns = self._columns()
        columns["event_date"] = columns["event_date"].astype("datetime64[s]")
        rows = columns["index_row"]
        return pd.DataFrame(columns, index=rows if self._labels is None else self._labels[rows])

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The columns of `to_pandas`, without the index's labels, for any reader of Arrow."""
        from rereferral.arrow import export_stream

        return export_stream(self._columns(), requested_schema)

    def _headline(self) -> str:
        having = int(np.count_nonzero(np.diff(self.offsets)))
        n = int(np.count_nonzero(self.followed))
        return (
            f"{len(self):,} pairs of {having:,} of {n:,} index events, "
            f"of {len(self.followed):,} rows given"
        )

    def __repr__(self) -> str:
        return "\n".join([f"Pairs: {self._headline()}", str(self.definition), *self._notes])

    def _repr_html_(self) -> str:
        counts = dict.fromkeys(("removed", "remaining"), "{:,}".format)
        ledger: str = self._ledger.to_html(index=False, border=0, formatters=counts)
        told = "".join(f"<p><strong>{html.escape(note)}</strong></p>" for note in self._notes)
        rules = html.escape(str(self.definition))
        return f"<p><strong>{self._headline()}</strong></p>{told}<p>{rules}</p>{ledger}"


def pairs(
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
) -> Pairs:
    """Find, for each index event, all outcome events of the same person in the window.

    The index events that are counted are those of :func:`rereferral.link` with the same arguments.

    Parameters
    ----------
    index, events : DataFrame, Arrow table, dict of arrays, or Table
        Index events and outcome events, one a row.
    person, scope, index_date, event_date, index_filter
        As of :func:`rereferral.link`.
    observed_until, observed_from, row_id, ids
        As of :func:`rereferral.link`.
    definition : Definition, optional
        The rules; by default ``Definition()``.
    **rules
        Rules that replace those of the definition. Rules that choose one event, `take` and `ties`,
        are refused, and so are several windows.

    Returns
    -------
    Pairs
        Offsets by index row, and event row and gap of each pair.

    Raises
    ------
    RuleError, DataError
        As :func:`rereferral.link`; and for a rule that chooses one of several events.

    Examples
    --------
    >>> import numpy as np, rereferral as rr
    >>> closed = {"child": [1, 2], "closed": np.array(["2019-01-31", "2019-03-01"],
    ...                                               dtype="datetime64[D]")}
    >>> referred = {"child": [1, 2, 1], "on": np.array(["2019-03-31", "2020-03-02", "2019-02-10"],
    ...                                                dtype="datetime64[D]")}
    >>> pairs = rr.pairs(closed, referred, person="child", index_date="closed", event_date="on",
    ...                  observed_until="2021-03-31")
    >>> pairs.offsets, pairs.event_row, pairs.gap_days
    (array([0, 2, 2]), array([2, 0]), array([10, 59], dtype=int32))
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
    _refuse_choices(task.definition)
    return Pairs(task)


def _refuse_choices(definition: Definition) -> None:
    """Refuse what chooses one event of several."""
    for rule, unused in (("take", "first"), ("ties", "first row")):
        value = getattr(definition, rule)
        if value != unused:
            raise RuleError(
                f"pairs are all events, and {rule}={value!r} chooses one; "
                f"leave {rule} out, or use rr.link"
            )
    if definition.several:
        raise RuleError(
            "pairs know one window, of which a shorter one can be read off gap_days; "
            "give the longest"
        )
