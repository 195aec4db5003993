"""`rereferral.compare`: several definitions of "came back" on the same rows, side by side."""

from __future__ import annotations

import dataclasses
import html
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.conditions import conditions_in_words, normal_conditions
from rereferral.definition import Definition
from rereferral.errors import RereferralError, RuleError
from rereferral.linking import link
from rereferral.links import Links
from rereferral.rounding import percent
from rereferral.spans import OPEN, Span, parse_span
from rereferral.tables import Table, open_table
from rereferral.windowed import WindowedLinks
from rereferral.wording import rules_in_words

__all__ = ["Comparison", "compare"]

_READING = ("index_date", "event_date", "index_filter")
_SILENT = ("name", "source", "notes", "episodes")
_NEITHER, _FIRST, _SECOND, _BOTH = range(4)


class _Asked(NamedTuple):
    """One definition, and how it reads the two tables."""

    definition: Definition
    reading: dict[str, Any]


class _Row(NamedTuple):
    """One row of the comparison: a definition at one window."""

    name: str
    definition: str
    window: str
    reading: dict[str, Any]
    links: Links


def compare(
    definitions: Iterable[Any],
    index: Any,
    events: Any = None,
    *,
    person: Any,
    scope: Any = None,
    index_date: str | None = None,
    event_date: str | None = None,
    index_filter: Any = None,
    observed_from: Any = None,
    observed_until: Any = None,
    row_id: Any = None,
    ids: str = "own",
    by: Any = None,
    horizon: Any = "12 months",
    levels: Sequence[float] = (0.95,),
) -> Comparison:
    """Compute several definitions on the same tables, and count whom they disagree about.

    Parameters
    ----------
    definitions : list of Definition, or of (Definition, dict)
        Each reads the tables as its own field `episodes` says: which column dates the index event,
        which the outcome event, which rows are index events. A dict beside it with ``index_date``,
        ``event_date`` or ``index_filter`` says otherwise for that definition (``index_filter`` of
        None: every row), the arguments of the same names for all.
    index, events : DataFrame, Arrow table, dict of arrays, or Table
        As in :func:`rereferral.link`. Without `events` the index is both: a table of episodes.
    person, scope, observed_from, observed_until, row_id, ids
        As in :func:`rereferral.link`; those that one definition needs are given to all.
    index_date, event_date, index_filter
        How every definition reads the tables, whatever its field `episodes` says.
    by : str, list of str, array, or dict of arrays, optional
        As in :meth:`rereferral.Links.rates`: a row for each group.
    horizon : span, default "12 months"
        A window without end has no rate of its own. It ends here: a Kaplan-Meier curve is read off
        at the horizon, and the column `window` says so.
    levels : sequence of float
        Levels of the limits.

    Returns
    -------
    Comparison
        The table of rates, who changes side between each two, and the links of each.

    Raises
    ------
    RuleError
        If there is no definition, a definition is none, or nothing says how it reads the tables.
    RereferralError
        What a definition meets in the tables: the message begins with its name. A preset that asks
        for a column that is not there is used with that rule left out by ``replace``.

    Notes
    -----
    Definitions that share a name are told apart by the rules in which they differ from the first
    of them. One with several windows has a row for each.

    Examples
    --------
    >>> import numpy as np, rereferral as rr
    >>> days = np.array(["2018-03-01", "2019-03-01", "2020-03-01"], dtype="datetime64[D]")
    >>> referrals = {"child_id": [1, 1, 1], "referral_date": days}
    >>> dfe = rr.definitions.DFE
    >>> found = rr.compare([dfe, dfe.replace(window="365 days")], referrals, person="child_id",
    ...                    observed_from="2015-01-01")
    >>> found.names
    ['DfE re-referral', 'DfE re-referral (window 365 days)']
    >>> found.table["linked"].tolist()
    [2, 1]
    >>> found.changes.to_numpy().tolist()
    [[0, 1], [1, 0]]
    """
    asked = _asked(definitions, index_date, event_date, index_filter)
    end = parse_span(horizon, "horizon")
    if end == OPEN:
        raise RuleError('horizon must have an end; write "12 months"')
    index_table = open_table(index, "index")
    event_table = index_table if events is None or events is index else open_table(events, "events")
    rows: list[_Row] = []
    tables: list[pd.DataFrame] = []
    for name, (definition, reading) in zip(_names(asked), asked, strict=True):
        definite, was_open = _with_end(definition, end)
        try:
            links = link(
                index_table,
                event_table,
                person=person,
                scope=scope,
                observed_from=observed_from,
                observed_until=observed_until,
                row_id=row_id,
                ids=ids,
                definition=definite,
                **reading,
            )
            for window, one in _by_window(links):
                label = f"{name}, {window}" if definite.several else name
                told = f"any time, read at {window}" if window in was_open else window
                row = _Row(label, name, told, reading, one)
                tables.append(_rates_of(row, by, levels))
                rows.append(row)
        except RereferralError as error:
            error.args = (f"{name}: {error}",)
            raise
    return Comparison(rows, pd.concat(tables, ignore_index=True), index_table)


@dataclasses.dataclass(eq=False, repr=False)
class Comparison:
    """Several definitions on the same rows. Made by :func:`rereferral.compare`.

    A row of the index table is the same episode for every definition, though each may date it by
    another of its days. Who was not followed to the window's end counts, in these comparisons, by
    what was seen.
    """

    _rows: list[_Row] = dataclasses.field(repr=False)
    _table: pd.DataFrame = dataclasses.field(repr=False)
    _index: Table = dataclasses.field(repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """The rates, one row a definition (and window, and group): ``definition``, ``window``,
        ``looks`` (forward or back), ``index_date``, ``event_date``, ``index_filter`` in words, and
        the columns of :meth:`rereferral.Links.rates`: ``n`` (the denominator), ``linked`` (the
        numerator), ``rate``, limits, ``deff``, ``method``. A copy for the caller.
        """
        return self._table.copy()

    def to_pandas(self) -> pd.DataFrame:
        """The same as `table`."""
        return self.table

    @property
    def names(self) -> list[str]:
        """The names of the rows: of a definition with several windows, one each."""
        return [row.name for row in self._rows]

    @property
    def links(self) -> dict[str, Links]:
        """The links of each, by name."""
        return {row.name: row.links for row in self._rows}

    @property
    def definitions(self) -> dict[str, Definition]:
        """The rules that were applied, by name; a window without end ends at the horizon."""
        return {row.name: row.links.definition for row in self._rows}

    @property
    def changes(self) -> pd.DataFrame:
        """Index events that change side between each two: counted by both, linked by only one.

        A square table of int64, its rows and columns the names; 0 on the diagonal.
        """
        square = np.zeros((len(self._rows),) * 2, np.int64)
        for (at, one), (beside, other) in itertools.combinations(enumerate(self._rows), 2):
            by_one_only = (one.links.gap_days >= 0) != (other.links.gap_days >= 0)
            changed = np.count_nonzero(by_one_only & _counted_by_both(one, other))
            square[at, beside] = square[beside, at] = changed
        return pd.DataFrame(square, self.names, self.names)

    @property
    def overlaps(self) -> pd.DataFrame:
        """How each two agree, in full: one row a pair.

        ``first``, ``second``; of the index events that both count ``linked_by_both``,
        ``linked_by_first``, ``linked_by_second``, ``linked_by_neither``; and ``counted_by_first``,
        ``counted_by_second``, those that only one of them counts.
        """
        lines = []
        for one, other in itertools.combinations(self._rows, 2):
            shared = _counted_by_both(one, other)
            linked = np.bincount(_side(one, other, linked=True)[shared], minlength=4)
            counted = np.bincount(_side(one, other, linked=False), minlength=4)
            lines.append(
                {
                    "first": one.name,
                    "second": other.name,
                    "counted_by_both": int(counted[_BOTH]),
                    "linked_by_both": int(linked[_BOTH]),
                    "linked_by_first": int(linked[_FIRST]),
                    "linked_by_second": int(linked[_SECOND]),
                    "linked_by_neither": int(linked[_NEITHER]),
                    "counted_by_first": int(counted[_FIRST]),
                    "counted_by_second": int(counted[_SECOND]),
                }
            )
        return pd.DataFrame(lines)

    def between(self, first: str, second: str, *, uncounted: bool = False) -> pd.DataFrame:
        """The index events that change side between two definitions, to be looked at.

        Parameters
        ----------
        first, second : str
            Names, as in `names`.
        uncounted : bool, default False
            Also those that only one of them counts.

        Returns
        -------
        pandas.DataFrame
            One row an index event, with the labels of the index table, so that
            ``episodes.join(found, how="right")`` shows them: ``row`` (int64, its position),
            ``differs`` (category: linked, or counted, by which of the two), and for each of the two
            ``outcome``, ``event_row``, ``event_date``, ``gap_days`` with the suffixes ``_first``
            and ``_second``.

        Raises
        ------
        RuleError
            If a name is not one of `names`.
        """
        one, other = self._row(first), self._row(second)
        linked = _side(one, other, linked=True)
        counted = _side(one, other, linked=False)
        code = np.zeros(len(linked), np.int8)
        shared = counted == _BOTH
        code[shared & (linked == _FIRST)] = 1
        code[shared & (linked == _SECOND)] = 2
        if uncounted:
            code[counted == _FIRST] = 3
            code[counted == _SECOND] = 4
        row = np.flatnonzero(code)
        kinds = [f"{verb} by {name}" for verb in ("linked", "counted") for name in (first, second)]
        columns: dict[str, Any] = {
            "row": row,
            "differs": pd.Categorical.from_codes(code[row] - 1, categories=kinds),
        }
        for place, which in (("first", one), ("second", other)):
            links = which.links
            none = links.gap_days[row] < 0
            names = list(links.outcome_names)
            columns |= {
                f"outcome_{place}": pd.Categorical.from_codes(links.outcome[row], categories=names),
                f"event_row_{place}": pd.arrays.IntegerArray(links.event_row[row], none),
                f"event_date_{place}": links.event_date[row].astype("datetime64[s]"),
                f"gap_days_{place}": pd.arrays.IntegerArray(links.gap_days[row], none.copy()),
            }
        labels = self._index.labels
        return pd.DataFrame(columns, index=None if labels is None else labels[row])

    def _row(self, name: str) -> _Row:
        for row in self._rows:
            if row.name == name:
                return row
        raise RuleError(f"there is no {name!r} here; there are {', '.join(self.names)}")

    def _shown(self) -> pd.DataFrame:
        """The columns of the table that fit on a page, as text."""
        names = list(self._table)
        groups = names[names.index("index_filter") + 1 : names.index("n")]
        shown = self._table[["definition", "window", "looks", *groups, "n", "linked"]].copy()
        for name in ("n", "linked"):
            shown[name] = [f"{count:,}" for count in self._table[name]]
        shown["rate"] = [_rate(row) for row in self._table.to_dict("records")]
        for name in names:
            if name.startswith(("lower_", "upper_")) and "scope" not in name:
                shown[name] = [_percentage(limit) for limit in self._table[name]]
        return shown.assign(method=self._table["method"])

    def __repr__(self) -> str:
        table = self._shown().to_string(index=False)
        return f"Comparison of {len(self._rows)} rates from the same rows\n{table}"

    def _repr_html_(self) -> str:
        rates = self._shown().to_html(index=False, border=0).replace(" %", "&nbsp;%")
        changes = self.changes.to_html(border=0, formatters=["{:,}".format] * len(self._rows))
        words = "".join(
            f"<li><strong>{html.escape(row.name)}</strong>: "
            f"{html.escape(' '.join(rules_in_words(row.links.definition)))}</li>"
            for row in self._rows
        )
        return (
            f"{rates}<p>Index events that both count and only one of them links:</p>{changes}"
            f"<details><summary>The rules in words</summary><ul>{words}</ul></details>"
        )


def _rate(row: dict[str, Any]) -> str:
    """A rate as a percentage: a proportion from its counts, a risk as it is."""
    if row["method"].startswith("Wilson"):
        return f"{percent(row['linked'], row['n'])} %"
    return _percentage(row["rate"])


def _percentage(share: float) -> str:
    return "none" if np.isnan(share) else f"{100 * share:.1f} %"


def _counted_by_both(one: _Row, other: _Row) -> npt.NDArray[np.bool_]:
    return np.asarray(one.links.followed & other.links.followed)


def _side(one: _Row, other: _Row, *, linked: bool) -> npt.NDArray[np.int8]:
    """For each index row: linked (or counted) by neither, the first, the second, or both."""

    def by(row: _Row) -> npt.NDArray[np.int8]:
        return (row.links.gap_days >= 0 if linked else row.links.followed).view(np.int8)

    return np.asarray(by(one) + 2 * by(other), np.int8)


def _asked(
    definitions: Iterable[Any], index_date: Any, event_date: Any, index_filter: Any
) -> list[_Asked]:
    """Each definition with the columns that it reads."""
    if isinstance(definitions, (Definition, str)):
        raise RuleError("definitions must be a list: compare([rr.definitions.DFE, ...], ...)")
    given = {"index_date": index_date, "event_date": event_date, "index_filter": index_filter}
    for_all = {name: value for name, value in given.items() if value is not None}
    asked = []
    for place, one in enumerate(definitions, start=1):
        own: Any = {}
        definition = one
        if isinstance(one, tuple) and len(one) == 2:
            definition, own = one
        if not isinstance(definition, Definition) or not isinstance(own, Mapping):
            raise RuleError(
                f"definition {place} is {one!r}; give a Definition such as rr.definitions.DFE, or "
                'a pair (rr.definitions.DFE, {"index_date": "referral_date"})'
            )
        unknown = [name for name in own if name not in _READING]
        if unknown:
            raise RuleError(
                f"definition {place}: {unknown[0]!r} is not one of {', '.join(_READING)}; rules "
                "are changed by replace(...)"
            )
        reading = {**dict(definition.episodes or {}), **for_all, **own}
        for date in ("index_date", "event_date"):
            if reading.get(date) is None:
                what = definition.name or f"definition {place}"
                raise RuleError(
                    f"{what} does not say its {date}: give {date}, the name of a column"
                )
        filtered = normal_conditions(reading.get("index_filter"), "index_filter")
        asked.append(_Asked(definition, {**reading, "index_filter": filtered}))
    if not asked:
        raise RuleError("there is no definition to compare")
    return asked


def _names(asked: list[_Asked]) -> list[str]:
    """A name for each; those that share one say how they differ from the first of them."""
    names: list[str] = []
    firsts: dict[str, _Asked] = {}
    for place, one in enumerate(asked, start=1):
        name = one.definition.name or "Definition"
        first = firsts.setdefault(name, one)
        if first is not one:
            name = f"{name} ({', '.join(_differences(first, one)) or 'again'})"
        names.append(f"{name} [{place}]" if name in names else name)
    return names


def _differences(first: _Asked, other: _Asked) -> list[str]:
    """The rules in which a definition differs from another of its name, in words."""
    found = []
    for field in dataclasses.fields(Definition):
        value = getattr(other.definition, field.name)
        if field.name in _SILENT or value == getattr(first.definition, field.name):
            continue
        found.append(f"{field.name} {_value(value)}")
    for name in _READING:
        value = other.reading.get(name)
        if value != first.reading.get(name):
            told = conditions_in_words(value) if isinstance(value, dict) else _value(value)
            found.append(f"{name} {told}")
    return found


def _value(value: Any) -> str:
    """The value of a rule, briefly."""
    if value is None or value == OPEN:
        return "none" if value is None else str(value)
    if isinstance(value, (str, int, Span)):
        return str(value)
    if isinstance(value, tuple) and all(isinstance(one, Span) for one in value):
        return " or ".join(map(str, value))
    if isinstance(value, dict):
        return " and ".join(value)
    return "otherwise"


def _with_end(definition: Definition, end: Span) -> tuple[Definition, set[str]]:
    """The definition with the horizon for a window without end, and the windows that it is."""
    if OPEN not in definition.windows:
        return definition, set()
    spans = [span for span in definition.windows if span != OPEN]
    if end in spans:
        return definition.replace(window=spans), set()
    ended = [end if span == OPEN else span for span in definition.windows]
    return definition.replace(window=ended if len(ended) > 1 else end), {str(end)}


def _by_window(links: Links) -> list[tuple[str, Links]]:
    if isinstance(links, WindowedLinks):
        return list(links.items())
    window = links.definition.window
    return [(f"days in {window}" if isinstance(window, str) else str(window), links)]


def _rates_of(row: _Row, by: Any, levels: Sequence[float]) -> pd.DataFrame:
    """The rates of a row below what it is."""
    rates = row.links.rates(by=by, levels=levels)
    conditions = row.reading["index_filter"]
    told = {
        "definition": row.name,
        "window": row.window,
        "looks": "forward" if row.links.definition.direction == "forward" else "back",
        "index_date": row.reading["index_date"],
        "event_date": row.reading["event_date"],
        "index_filter": "" if conditions is None else conditions_in_words(conditions),
    }
    clash = [name for name in rates if name in told]
    if clash:
        raise RuleError(f"by: {clash[0]!r} is a column of the comparison; call the group otherwise")
    for place, (name, value) in enumerate(told.items()):
        rates.insert(place, name, value)
    return rates
