"""`Links`: what was found for each index event, and the figures that follow from it."""

from __future__ import annotations

import enum
import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.curves import curve_table
from rereferral.days import NULL_DAY, Days, financial_year
from rereferral.definition import Definition
from rereferral.errors import RuleError
from rereferral.keys import Codes, codes_of
from rereferral.observation import Observation
from rereferral.rates import rate_table, risk_table
from rereferral.rounding import percent
from rereferral.spans import OPEN
from rereferral.tables import Groups, Table

__all__ = ["Links", "Outcome"]


class Outcome(enum.IntEnum):
    """Codes of ``Links.outcome``, in the order of ``Links.outcome_names``."""

    LINKED = 0
    NONE = 1
    CENSORED = 2
    NOT_FOLLOWED = 3
    EXCLUDED = 4


class Links:
    """The outcome of every index event, in the index's own row order. Made by `rereferral.link`.

    Attributes
    ----------
    event_row : numpy.ndarray of int64
        Position of the outcome event in the events table; -1 for none.
    gap_days : numpy.ndarray of int32
        Days between the two; -1 for none, never negative otherwise.
    count : numpy.ndarray of int64
        Days with an outcome event in the window.
    followed : numpy.ndarray of bool
        Whether the index event is in the denominator. Rows that are not have no event.
    outcome : numpy.ndarray of int8
        Positions in `outcome_names`.
    outcome_names : tuple of str
        ``linked``, ``none``, ``censored``, ``not followed``, ``excluded``.
    definition : Definition
        The rules that were applied.
    ledger : pandas.DataFrame
        ``table``, ``step``, ``reason``, ``removed``, ``remaining``: from the rows given to the rows
        counted.
    """

    outcome_names = tuple(member.name.lower().replace("_", " ") for member in Outcome)

    def __init__(
        self,
        *,
        index: Table,
        scope: list[str] | None,
        index_days: Days,
        person: Codes,
        event_row: npt.NDArray[np.int64],
        gap_days: npt.NDArray[np.int32],
        count: npt.NDArray[np.int64],
        followed: npt.NDArray[np.bool_],
        outcome: npt.NDArray[np.int8],
        window_end: Days,
        observed: Observation,
        definition: Definition,
        ledger: pd.DataFrame,
        notes: list[str],
    ) -> None:
        self._index = index
        self._scope = scope
        self._index_days = index_days
        self._person = person
        self._window_end = window_end
        self._observed = observed
        self._year: pd.Categorical | None = None
        self.event_row = event_row
        self.gap_days = gap_days
        self.count = count
        self.followed = followed
        self.outcome = outcome
        self.definition = definition
        self._ledger = ledger
        self._notes = notes
        for array in (event_row, gap_days, count, followed, outcome):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.event_row)

    @property
    def ledger(self) -> pd.DataFrame:
        """Who was left out, and why: a copy for the caller."""
        return self._ledger.copy()

    @property
    def event_date(self) -> npt.NDArray[np.datetime64]:
        """The day of the outcome event, ``datetime64[D]``; NaT for none."""
        sign = 1 if self.definition.direction == "forward" else -1
        day = self._index_days + sign * self.gap_days.astype(np.int64)
        day[self.gap_days < 0] = NULL_DAY
        return day.view("datetime64[D]")

    def _columns(self) -> dict[str, Any]:
        """The columns of both tables that leave; where there is no event three are missing."""
        none = self.gap_days < 0
        return {
            "event_row": pd.arrays.IntegerArray(self.event_row.copy(), none),
            "event_date": self.event_date,
            "gap_days": pd.arrays.IntegerArray(self.gap_days.copy(), none.copy()),
            "count": self.count,
            "followed": self.followed,
            "outcome": pd.Categorical.from_codes(
                self.outcome.astype(np.int8), categories=list(self.outcome_names)
            ),
        }

    def to_pandas(self) -> pd.DataFrame:
        """The links as a table that joins the index: one row an index event, with its labels.

        Returns
        -------
        pandas.DataFrame
            ``event_row`` (Int64), ``event_date`` (datetime64), ``gap_days`` (Int32), ``count``
            (int64), ``followed`` (bool), ``outcome`` (category). Where there is no event the first
            three are missing, not -1, so that a mean of the gaps is one.
        """
        columns = self._columns()
        columns["event_date"] = columns["event_date"].astype("datetime64[s]")
        return pd.DataFrame(columns, index=self._index.labels)

    # ------------------------------------------------------------------ figures

    def rates(
        self,
        by: Any = None,
        at: str = "index",
        cluster: str | None = "person",
        levels: Sequence[float] = (0.95, 0.998),
    ) -> pd.DataFrame:
        """How many index events were counted and how many of them were linked, by group.

        Parameters
        ----------
        by : str, list of str, array, or dict of arrays, optional
            Columns of the index table, or arrays of its length. ``"financial_year"`` is derived
            from the index date (1 April to 31 March, labelled ``2019-20``) unless the table has
            such a column.
        at : {"index"}
            Groups belong to the index event.
        cluster : {"person", None}
            ``"person"`` widens the limits where persons repeat; None takes index events as
            independent.
        levels : sequence of float
            Levels of the limits; 0.95 gives ``lower_95`` and ``upper_95``.

        Returns
        -------
        pandas.DataFrame
            Group columns, ``n``, ``linked``, ``rate`` (0 to 1), limits, ``deff``, ``method``; where
            a group spans ten areas or more also ``lower_scope_95`` and ``upper_scope_95``. A group
            of which nobody was followed stays, with ``n`` 0 and a null rate. With
            ``followup="observed"`` the rate is the Kaplan-Meier risk at the window's end, null
            where nobody was followed that long, and its limits take index events as independent.

        Raises
        ------
        RuleError, DataError
            If an argument is not one of these, or a column is not there.
        """
        if at != "index":
            raise RuleError(f'at={at!r} is not a choice; write "index"')
        if cluster not in ("person", None):
            raise RuleError(f'cluster={cluster!r} is not a choice; write "person" or None')
        if isinstance(levels, (int, float)):
            levels = (levels,)
        groups = self._groups(by)
        if self.definition.followup == "observed":
            duration, event, full = self._durations()
            return risk_table(
                groups, duration, event, full, use=self.followed, cluster=None, levels=levels
            )
        return rate_table(
            groups,
            self.gap_days >= 0,
            self.followed,
            cluster=None if cluster is None else self._person,
            scope=self._scope_codes(),
            levels=levels,
        )

    def curve(self, by: Any = None, cluster: None = None) -> pd.DataFrame:
        """Time from the index event to the outcome event: Kaplan-Meier by group.

        Index events without an event are censored at the end of the window, or of the observation
        where that comes first.

        Parameters
        ----------
        by : str, list of str, array, or dict of arrays, optional
            As in `rates`.
        cluster : None
            Limits take index events as independent.

        Returns
        -------
        pandas.DataFrame
            Group columns, ``day``, ``at_risk``, ``events``, ``censored``, ``risk``, ``std_error``,
            ``lower``, ``upper``: day 0 and every day with an event or a censoring.

        Raises
        ------
        RuleError
            If the window has no end and follow-up is ignored: nobody would ever leave the risk set.
        """
        if cluster is not None:
            raise RuleError(f"cluster={cluster!r} is not a choice; write None")
        if self.definition.followup == "ignored" and self.definition.window == OPEN:
            raise RuleError(
                "a curve needs an end of observation; give a window, "
                'or followup="observed" and observed_until'
            )
        duration, event, _ = self._durations()
        return curve_table(self._groups(by), duration, event, use=self.followed)

    def _durations(
        self,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Days under observation, whether they ended in an event, and whether all were observed."""
        event = self.gap_days >= 0
        first, last = self._observed.first, self._observed.last
        end = self._window_end
        if self.definition.followup != "observed":
            first = last = None
        if self.definition.direction == "forward":
            observed_end = end if last is None else np.minimum(end, last)
            duration = observed_end - self._index_days
        else:
            observed_end = end if first is None else np.maximum(end, first)
            duration = self._index_days - observed_end
        full = observed_end == end
        duration[event] = self.gap_days[event]
        duration[~self.followed] = 0
        return duration, event, full

    def _groups(self, by: Any) -> Groups | None:
        if by is None:
            return None
        derived = {}
        asked = by if isinstance(by, (list, tuple)) else [by]
        if not self._index.has("financial_year") and any(
            isinstance(name, str) and name == "financial_year" for name in asked
        ):
            derived["financial_year"] = self._financial_year()
        groups = self._index.groups(by, derived=derived)
        # Only groups with a row that passed the filters; not those of other closures or open cases.
        present = np.zeros(groups.n_groups, np.bool_)
        present[groups.codes[self.outcome != Outcome.EXCLUDED]] = True
        if present.all():
            return groups
        closed_up = np.maximum(np.cumsum(present) - 1, 0).astype(np.int32)
        return Groups(closed_up[groups.codes], groups.frame[present].reset_index(drop=True))

    def _scope_codes(self) -> Codes | None:
        if self._scope is None:
            return None
        return codes_of(self._index, self._scope)[0]

    def _financial_year(self) -> pd.Categorical:
        """The financial year of the index date; worked out once."""
        if self._year is None:
            self._year = financial_year(self._index_days)
        return self._year

    # ------------------------------------------------------------------ other forms

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The columns of `to_pandas`, without the index's labels, for any reader of Arrow."""
        from rereferral.arrow import export_stream

        return export_stream(self._columns(), requested_schema)

    def _in_short(self) -> tuple[str, list[str]]:
        """How many were linked of how many, and what must be said beside it."""
        linked, n = int(np.count_nonzero(self.gap_days >= 0)), int(np.count_nonzero(self.followed))
        followup = self.definition.followup
        share = ""
        if n and followup != "observed":
            share = f" ({percent(linked, n)} %)"
        notes = list(self._notes)
        if followup == "observed":
            notes.insert(
                0, "The share is no rate: not all were followed to the end. See rates() or curve()."
            )
        if followup == "ignored":
            notes.insert(0, "Follow-up was IGNORED: late index events had less time to be linked.")
        return f"{linked:,} of {n:,} index events linked{share}, of {len(self):,} rows given", notes

    def __repr__(self) -> str:
        headline, notes = self._in_short()
        return "\n".join([f"Links: {headline}", str(self.definition), *notes])

    def _repr_html_(self) -> str:
        headline, notes = self._in_short()
        counts = dict.fromkeys(("removed", "remaining"), "{:,}".format)
        told = "".join(f"<p><strong>{html.escape(note)}</strong></p>" for note in notes)
        ledger: str = self._ledger.to_html(index=False, border=0, formatters=counts)
        rules = html.escape(str(self.definition))
        return f"<p><strong>{headline}</strong></p>{told}<p>{rules}</p>{ledger}"
