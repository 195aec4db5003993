"""`Links`: what was found for each index event, and the figures that follow from it."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.cohort import Chosen
from rereferral.completeness import Lookback
from rereferral.curves import curve_table
from rereferral.day_columns import DayColumn
from rereferral.days import NULL_DAY, financial_year
from rereferral.definition import Definition
from rereferral.errors import RuleError
from rereferral.exits import FirstExit
from rereferral.grouping import levels_by_day
from rereferral.keys import Codes, codes_of
from rereferral.ledger import rows_of
from rereferral.marks import mask_of, not_negative
from rereferral.matching import Again, Found
from rereferral.mean_counts import mean_count_swept
from rereferral.mediation import Arms
from rereferral.observation import Observation
from rereferral.outcomes import Outcomes, outcome_names
from rereferral.rates import rate_table, ratio_table, risk_table
from rereferral.rounding import percent
from rereferral.sides import Mask, Side
from rereferral.spans import Span, parse_span
from rereferral.tables import Groups, Table
from rereferral.warning import warn
from rereferral.windows import Reach

__all__ = ["Links"]


class Links:
    """The outcome of every index event, in the index's own row order. Made by `rereferral.link`.

    Attributes
    ----------
    gap_days : numpy.ndarray of int32
        Days between the two (from the anchor, where a rule moved it); -1 for none, never negative
        otherwise.
    outcome_names : tuple of str
        ``linked``, ``none``, ``censored``, the exits that do not exclude, ``not followed``,
        ``excluded``.
    definition : Definition
        The rules that were applied.
    reading : str
        Which columns date the events, and the filter of the index, in words.
    ledger : pandas.DataFrame
        ``table``, ``step``, ``reason``, ``removed``, ``remaining``: from the rows given to the rows
        counted.
    """

    def __init__(
        self,
        *,
        index: Side,
        events: Side,
        found: Found,
        left: Mask | None,
        chosen: Chosen,
        reach: Reach,
        observed: Observation,
        definition: Definition,
        ledger: pd.DataFrame,
        notes: Callable[[], list[str]],
        again: Again,
        find_exit: Callable[[], FirstExit | None],
        lookbacks: dict[str, Callable[[], Lookback]],
        arms: Arms | None,
    ) -> None:
        self._index = index.table
        self._scope = index.scope
        self._index_dates = index.dates
        self._events = events
        self._reach = reach
        self._chosen = chosen
        self._found = found
        self.gap_days = found.gap_days
        self._left = left
        self.definition = definition
        self.outcome_names = outcome_names(definition)
        self._observed = observed
        where = f", where {index.filtered}" if index.filtered else ""
        self.reading = (
            f"Index events are dated by {index.date}{where}; outcome events by {events.date}."
        )
        self._ledger = ledger
        self._note = notes
        self._again = again
        self._find_exit = find_exit
        self._find_lookbacks = lookbacks
        self._arms = arms
        for array in (found.event_row, found.gap_days):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.gap_days)

    @property
    def ledger(self) -> pd.DataFrame:
        """Who was left out, and why: a copy for the caller."""
        return self._ledger.copy()

    @cached_property
    def followed(self) -> Mask:
        """Whether the index event is in the denominator, bool. Rows that are not have no event."""
        return rows_of(self._left, len(self))

    @property
    def _linked(self) -> Mask:
        """Whether there is an outcome event."""
        return mask_of(not_negative(self.gap_days))

    @cached_property
    def _outcomes(self) -> Outcomes:
        return Outcomes(
            self.definition,
            self._reach,
            self._find_exit,
            self._observed,
            self.gap_days,
            self.followed,
            self._chosen.unfollowed,
        )

    @cached_property
    def event_row(self) -> npt.NDArray[np.int64]:
        """Position of the outcome event in the events table, int64; -1 for none."""
        row = self._found.event_row
        if self._found.narrowed:
            row = np.where(self.gap_days >= 0, row, -1)
            row.flags.writeable = False
        return row

    @cached_property
    def count(self) -> npt.NDArray[np.int64]:
        """Days with an outcome event in the window, int64; counted when first asked for."""
        days = self._again.days()
        days.flags.writeable = False
        return days

    @property
    def arm(self) -> pd.Categorical:
        """The arm of each index event: ``mediated``, ``not mediated`` or ``before landmark``;
        missing for one that is not counted. The last are not in the denominator.
        """
        return self._need_arms().categorical

    def _need_arms(self) -> Arms:
        if self._arms is None:
            raise RuleError("these links have no mediator; give mediator=rr.Mediator(...)")
        return self._arms

    @cached_property
    def _notes(self) -> list[str]:
        """What looks wrong though every rule was kept."""
        return self._note()

    @cached_property
    def _lookbacks(self) -> dict[str, Lookback]:
        """By rule that looks back, whose look-back the data does not hold; worked out once."""
        return {rule: find() for rule, find in self._find_lookbacks.items()}

    @cached_property
    def _short_lookbacks(self) -> list[str]:
        """A sentence for each area whose look-back the data does not hold, where that matters."""
        if self.definition.followup == "ignored":
            return []
        return [line for back in self._lookbacks.values() for line in back.warnings]

    def _warn_of_short_lookbacks(self) -> None:
        """Say, with a rate, that it rests on less than the look-back."""
        for line in self._short_lookbacks:
            warn(line)

    @property
    def completeness(self) -> pd.DataFrame:
        """Whose look-back the data does not hold, by area; worked out when first asked for.

        Returns
        -------
        pandas.DataFrame
            ``looks_back``, the rule that does: the backward ``window``, the ``washout``. Then one
            row for each area that has index events in the denominator: the scope columns, ``n``,
            ``too_short`` (those that look back to before ``proposed_from``), and
            ``proposed_from``, the first day on which the area's data looks complete, by the rule
            of `rereferral.completeness`. Without rows where nothing looks back.
        """
        if not self._lookbacks:
            return pd.DataFrame(columns=["looks_back", "n", "too_short", "proposed_from"])
        frames = [back.table for back in self._lookbacks.values()]
        rules = np.repeat(list(self._lookbacks), [len(frame) for frame in frames])
        together = pd.concat(frames, ignore_index=True)
        together.insert(0, "looks_back", rules)
        return together

    @property
    def outcome(self) -> npt.NDArray[np.int8]:
        """Positions in `outcome_names`, int8."""
        return self._outcomes.codes

    @property
    def event_date(self) -> npt.NDArray[np.datetime64]:
        """The day of the outcome event, ``datetime64[D]``; NaT for none."""
        sign = 1 if self._reach.forward else -1
        day = self._reach.anchor + sign * self.gap_days.astype(np.int64)
        day[self.gap_days < 0] = NULL_DAY
        return day.view("datetime64[D]")

    def __getitem__(self, window: object) -> Links:
        """The links of a window, which is the only one there is."""
        if isinstance(self.definition.window, Span):
            span = parse_span(window, "window")
            if span == self.definition.window:
                return self
            raise RuleError(f"these links have the window {self.definition.window}, not {span}")
        raise RuleError(f"these links have the windows of {self.definition.window!r}")

    def _columns(self) -> dict[str, Any]:
        """The columns of both tables that leave; where there is no event three are missing."""
        none = self.gap_days < 0
        columns = {
            "event_row": pd.arrays.IntegerArray(self.event_row.copy(), none),
            "event_date": self.event_date,
            "gap_days": pd.arrays.IntegerArray(self.gap_days.copy(), none.copy()),
            "count": self.count,
            "followed": self.followed,
            "outcome": pd.Categorical.from_codes(
                self.outcome.astype(np.int8), categories=list(self.outcome_names)
            ),
        }
        if self._arms is not None:
            columns["arm"] = self._arms.categorical
        return columns

    def to_pandas(self) -> pd.DataFrame:
        """The links as a table that joins the index: one row an index event, with its labels.

        Returns
        -------
        pandas.DataFrame
            ``event_row`` (Int64), ``event_date`` (datetime64), ``gap_days`` (Int32), ``count``
            (int64), ``followed`` (bool), ``outcome`` (category), and with a mediator ``arm``
            (category). Where there is no event the first three are missing, not -1, so that a mean
            of the gaps is one.
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
            from the index date (1 April to 31 March, labelled ``2019-20``), and ``"arm"`` is
            that of a mediator, unless the table has such a column.
        at : {"index", "event"}
            Groups belong to the index event. With ``"event"``, `linked` is counted in the group of
            the outcome event (columns of the events table, periods of its date), `n` in that of the
            index event; the rate is then a ratio of two counts and has no limits.
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
            ``followup="observed"``, and with exits that censor or compete, the rate is the
            Kaplan-Meier or Aalen-Johansen risk at the window's end, null where nobody was followed
            that long.

        Raises
        ------
        RuleError, DataError
            If an argument is not one of these, or a column is not there.

        Warns
        -----
        UserWarning
            Where a rate rests on less than the look-back: the data of an area begins too late for
            some of its index events. `completeness` has the numbers.
        """
        if at not in ("index", "event"):
            raise RuleError(f'at={at!r} is not a choice; write "index" or "event"')
        person = self._cluster(cluster)
        self._warn_of_short_lookbacks()
        if isinstance(levels, (int, float)):
            levels = (levels,)
        if at == "event":
            return self._rates_at_event(by, levels)
        return self._rates(self._groups(by), person, levels, self._scope_codes(by))

    def arms(
        self, cluster: str | None = "person", levels: Sequence[float] = (0.95, 0.998)
    ) -> pd.DataFrame:
        """The arms of the mediator beside one another.

        Parameters
        ----------
        cluster, levels
            As in `rates`.

        Returns
        -------
        pandas.DataFrame, three rows
            ``arm`` and the columns of `rates`. Index events that returned or left before the
            landmark are no part of the risk: ``before landmark`` has their number in ``n``, in
            ``linked`` how many of them had returned, and no rate.

        Raises
        ------
        RuleError
            If there is no mediator.

        Examples
        --------
        >>> import numpy as np, rereferral as rr
        >>> def table(name, *days):
        ...     return {"child": list(range(len(days))), name: np.array(days, "datetime64[D]")}
        >>> closed = table("closed", "2019-01-01", "2019-01-01", "2019-01-01")
        >>> helped = table("start", "2019-01-31", "2019-02-01")
        >>> referred = table("on", "2019-06-01", "2019-03-01", "2019-01-31")
        >>> help = rr.Mediator(helped, "start", within=("-30 days", "30 days"))
        >>> links = rr.link(closed, referred, person="child", index_date="closed", event_date="on",
        ...                 observed_until="2021-03-31", mediator=help, window="90 days")
        >>> links.arms()[["arm", "n", "linked", "rate"]]
                       arm  n  linked  rate
        0         mediated  1       0   0.0
        1     not mediated  1       1   1.0
        2  before landmark  1       1   NaN
        """
        arms = self._need_arms()
        if isinstance(levels, (int, float)):
            levels = (levels,)
        risks = self._rates(arms.groups, self._cluster(cluster), levels, self._scope_codes())
        return arms.with_early(risks)

    def _rates(
        self,
        groups: Groups | None,
        person: Codes | None,
        levels: Sequence[float],
        scope: Codes | None,
    ) -> pd.DataFrame:
        if self.definition.estimator != "proportion":
            ends = self._outcomes.ends()
            risks = risk_table(
                groups,
                *ends,
                use=self.followed,
                cluster=person,
                scope=scope,
                levels=levels,
                cause_names=self._outcomes.competing,
            )
            if self._reach.open:
                unknown = risks["rate"].isna() & (risks["n"] > 0)
                why = "none: the window has no end; see curve(), or give a window"
                risks["method"] = risks["method"].mask(unknown, why)
            return risks
        return rate_table(
            groups,
            self._linked,
            self.followed,
            cluster=person,
            scope=scope,
            levels=levels,
        )

    def curve(self, by: Any = None, cluster: str | None = None) -> pd.DataFrame:
        """Time from the index event to the outcome event, by group.

        Kaplan-Meier, or Aalen-Johansen where exits compete. Index events without an event are
        censored at the end of the window, or of the observation where that comes first.

        Parameters
        ----------
        by : str, list of str, array, or dict of arrays, optional
            As in `rates`.
        cluster : {None, "person"}
            None takes index events as independent; ``"person"`` gives limits that hold where
            persons repeat.

        Returns
        -------
        pandas.DataFrame
            Group columns, ``day``, ``at_risk``, ``events``, ``censored``, ``risk``, ``std_error``,
            ``lower``, ``upper``: day 0 and every day with an event or a censoring. Where exits
            compete also ``cause``: ``linked`` and each of those exits. Where a group spans ten
            areas or more and `cluster` is given, also ``lower_scope_95`` and ``upper_scope_95``.

        Raises
        ------
        RuleError
            If the window has no end and follow-up is ignored: nobody would ever leave the risk set.
        """
        person = self._cluster(cluster)
        self._need_an_end("a curve")
        duration, cause, _ = self._outcomes.ends()
        return curve_table(
            self._groups(by),
            duration,
            cause,
            use=self.followed,
            cause_names=self._outcomes.competing,
            cluster=person,
            scope=None if person is None else self._scope_codes(by),
        )

    def mean_count(self, by: Any = None, cluster: str | None = "person") -> pd.DataFrame:
        """How many days with an outcome event an index event has had, on average, by each day.

        Every event in the window counts, not the first alone. Exits that compete are terminal
        (Ghosh-Lin); without them it is Nelson and Aalen's mean cumulative count.

        Parameters
        ----------
        by, cluster
            As in `rates`.

        Returns
        -------
        pandas.DataFrame
            Group columns, ``day``, ``at_risk``, ``events``, ``terminal``, ``censored``, ``mean``,
            ``std_error``, ``lower``, ``upper``; see :func:`rereferral.mean_count`.

        Raises
        ------
        RuleError
            As `curve`.
        """
        person = self._cluster(cluster)
        self._need_an_end("a mean count")
        duration, cause, _ = self._outcomes.ends_without_event()
        return mean_count_swept(
            self._groups(by),
            duration,
            cause > 1,
            self._again.sweep(),
            int(self.count.sum()),
            use=self.followed,
            cluster=person,
        )

    def _cluster(self, cluster: object) -> Codes | None:
        if cluster not in ("person", None):
            raise RuleError(f'cluster={cluster!r} is not a choice; write "person" or None')
        return None if cluster is None else self._again.matching.person

    def _need_an_end(self, what: str) -> None:
        if self.definition.followup == "ignored" and self._reach.open:
            raise RuleError(
                f"{what} needs an end of observation; give a window, "
                'or followup="observed" and observed_until'
            )

    def _rates_at_event(self, by: Any, levels: Sequence[float]) -> pd.DataFrame:
        if self.definition.estimator != "proportion":
            raise RuleError(
                f'at="event" counts events and index events apart; a {self.definition.estimator} '
                'risk is no such count; write at="index"'
            )
        counted = self.followed & self._linked
        of_events = None
        if by is not None:
            derived = _derived(by, self._events.table, self._events.dates)
            of_events = self._events.table.groups(by, derived, ["financial_year"])
        row = self.event_row[counted]
        return ratio_table(self._groups(by), self.followed, of_events, row, levels)

    def _groups(self, by: Any) -> Groups | None:
        if by is None:
            return None
        derived = _derived(by, self._index, self._index_dates)
        known = self._chosen.or_unfollowed(self._left)
        if self._arms is not None and not self._index.has("arm") and _asks(by, "arm"):
            derived["arm"] = self._arms.categorical
            in_arm = self._arms.codes >= 0
            known = in_arm if known is None else known & in_arm
        derivable = ["financial_year", *([] if self._arms is None else ["arm"])]
        # Only groups with a row that passed the filters; not those of other closures or open cases.
        return self._index.groups(by, derived, derivable, known)

    def _scope_codes(self, by: Any = None) -> Codes | None:
        """The area of each row; None where there is none, or where each group lies in one."""
        if self._scope is None or all(_asks(by, name) for name in self._scope):
            return None
        return codes_of(self._index, self._scope)[0]

    # ------------------------------------------------------------------ other forms

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The columns of `to_pandas`, without the index's labels, for any reader of Arrow."""
        from rereferral.arrow import export_stream

        return export_stream(self._columns(), requested_schema)

    def in_short(self) -> tuple[str, list[str]]:
        """How many were linked of how many, and what must be said beside it."""
        linked, n = int(np.count_nonzero(self._linked)), int(np.count_nonzero(self.followed))
        followup = self.definition.followup
        share = ""
        risk = self.definition.estimator != "proportion"
        if n and not risk:
            share = f" ({percent(linked, n)} %)"
        notes = list(self._notes)
        notes += self._short_lookbacks
        if risk:
            notes.insert(
                0, "The share is no rate: not all were at risk to the end. See rates() or curve()."
            )
        if followup == "ignored":
            notes.insert(0, "Follow-up was IGNORED: late index events had less time to be linked.")
        return f"{linked:,} of {n:,} index events linked{share}, of {len(self):,} rows given", notes

    def __repr__(self) -> str:
        headline, notes = self.in_short()
        return "\n".join([f"Links: {headline}", str(self.definition), self.reading, *notes])

    def _repr_html_(self) -> str:
        headline, notes = self.in_short()
        counts = dict.fromkeys(("removed", "remaining"), "{:,}".format)
        told = "".join(f"<p><strong>{html.escape(note)}</strong></p>" for note in notes)
        ledger: str = self._ledger.to_html(index=False, border=0, formatters=counts)
        rules = html.escape(f"{self.definition} {self.reading}")
        return f"<p><strong>{headline}</strong></p>{told}<p>{rules}</p>{ledger}"


def _asks(by: Any, wanted: str) -> bool:
    """Whether `by` names a column."""
    asked = by if isinstance(by, (list, tuple)) else [by]
    return any(isinstance(name, str) and name == wanted for name in asked)


def _derived(by: Any, table: Table, dates: DayColumn) -> dict[str, Any]:
    """Columns that `by` may name though the table has none: the financial year of its date."""
    if table.has("financial_year") or not _asks(by, "financial_year"):
        return {}
    levels = table.once(("financial_year", id(dates)), lambda: levels_by_day(dates, financial_year))
    return {"financial_year": levels}
