"""Curves of a release: at steps that hold enough events, and only where their counts are shown."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.disclosure.counts import rounded
from rereferral.errors import DataError
from rereferral.rules import Rule

__all__ = ["Curves", "coarser", "is_by_points", "is_curve", "totals_of"]

Ints: TypeAlias = npt.NDArray[np.int64]

Points: TypeAlias = dict[tuple[str, ...], list[tuple[int, int]]]
"""Of each group the rows that are told, and the days at which they are."""

_COLUMNS = ("day", "at_risk", "events", "risk")
_NUMBERS = (*_COLUMNS, "censored", "std_error", "lower", "upper")
_RISKS = ("risk", "std_error", "lower", "upper")
_NEAR = 1e-9
_QUARTER = 365.25 / 4  # days between the points of an area's curve
_WEEK = 7.0  # of one of several areas together


def is_curve(table: pd.DataFrame) -> bool:
    """Whether a table is of curves, as `Links.curve` gives them."""
    return set(_COLUMNS) <= set(table.columns)


def is_by_points(table: pd.DataFrame) -> bool:
    """Whether curves are told at some points alone, as `coarser` makes them."""
    return "censored" not in table


def _groups(table: pd.DataFrame) -> list[str]:
    return [str(column) for column in table.columns if column not in _NUMBERS]


def _by_group(table: pd.DataFrame) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    by = _groups(table)
    if not by:
        yield (), table
        return
    for key, rows in table.groupby(by, sort=False, observed=True, dropna=False):
        yield tuple(map(str, key)), rows


def totals_of(table: pd.DataFrame, name: str, names: tuple[str, str]) -> pd.DataFrame:
    """The counts that a table of curves publishes: by group how many there were, and had the event.

    Parameters
    ----------
    table : DataFrame
        Of curves.
    name : str
        What it is called, for messages.
    names : (str, str)
        What the other tables of the release call those who had the event, and all.

    Raises
    ------
    DataError
        A curve does not begin at its group's first day, or its numbers at risk do not add up.
    """
    linked, n = names
    lines = []
    for key, rows in _by_group(table):
        days = rows["day"].to_numpy(np.int64)
        at_risk, events = (rows[c].to_numpy(np.int64) for c in ("at_risk", "events"))
        gone = events + (rows["censored"].to_numpy(np.int64) if "censored" in rows else 0)
        if len(days) and ((np.diff(days) <= 0).any() or (np.diff(at_risk) != -gone[:-1]).any()):
            raise DataError(
                f'table "{name}": the curve of {", ".join(key) or "all"} does not add up'
            )
        lines.append(
            {
                **dict(zip(_groups(table), key, strict=True)),
                n: int(at_risk[0]) if len(at_risk) else 0,
                linked: int(events.sum()),
            }
        )
    frame = pd.DataFrame(lines, columns=[*_groups(table), n, linked])
    whole = frame[n].to_numpy(float)
    frame["rate"] = np.divide(
        frame[linked], whole, out=np.full(len(whole), math.nan), where=whole > 0
    )
    return frame


@dataclasses.dataclass(frozen=True)
class Curves:
    """The curves of one table, and what of them may be told.

    Attributes
    ----------
    table : DataFrame
        By day, as `Links.curve` gives them.
    total : bool
        Whether they are of several areas together.
    hidden : collection of tuples
        Groups of which a count is hidden: they have no curve.
    ends : bool
        Whether only their ends may be told, since windows of the same persons stand beside them.
    """

    table: pd.DataFrame
    total: bool
    hidden: Collection[tuple[str, ...]]
    ends: bool


def coarser(
    curves: Mapping[str, Curves], rule: Rule
) -> dict[str, tuple[pd.DataFrame, list[tuple[str, ...]]]]:
    """Curves at points between which enough events lie.

    A point stands at every third month, in curves of several areas together every week, and is
    left out until more events lie between it and the one before than a small count has. Counts
    are those between two points. Where curves of parts stand beside that of a whole, and nothing is
    rounded, the whole has no other points than all of them: else one part would follow from the
    others. At risk are those after the point before; null where few were censored since the last
    number. In rounded curves risks are rounded as their counts are.

    Parameters
    ----------
    curves : mapping of str to Curves
        All of a release, by table.
    rule : Rule
        Says what is small, and rounds.

    Returns
    -------
    dict of str to (DataFrame, list of tuples)
        By table the curves, and the groups that have none.
    """
    exact = {name for name in curves if rule.base(curves[name].total) == 1}
    enough = {name: max(rule.small[1] + 1, rule.base(mine.total)) for name, mine in curves.items()}
    points: dict[str, Points] = {}
    for name in sorted(curves, key=lambda name: -len(_groups(curves[name].table))):
        mine = curves[name]
        points[name] = {}
        for key, rows in _by_group(mine.table):
            n = int(rows["at_risk"].iloc[0]) if len(rows) else 0
            none = name not in exact and rounded(n, rule.base(mine.total)) == 0
            if key in mine.hidden or none:
                continue
            steps = _steps(rows, _WEEK if mine.total else _QUARTER)
            for other in (found for found in points if found != name and {found, name} <= exact):
                both = mine, curves[other]
                steps = _shared(steps, rows, key, both, points[other], enough[name])
            points[name][key] = _points(rows, [] if mine.ends else steps, enough[name])
    _share_crossing(curves, points, exact, enough)
    made = {}
    for name, mine in curves.items():
        told = [
            _at_points(rows, points[name][key], rule, rule.base(mine.total))
            for key, rows in _by_group(mine.table)
            if key in points[name]
        ]
        table = pd.concat(told, ignore_index=True) if told else mine.table.iloc[:0]
        left_out = [key for key, _ in _by_group(mine.table) if key not in points[name]]
        made[name] = table.reset_index(drop=True), left_out
    several = [name for name in exact if len(made[name][0])]
    if len(several) > 1 and any(made[name][0]["at_risk"].isna().any() for name in several):
        for name in several:
            _forget_at_risk(made[name][0])
    return made


def _forget_at_risk(curve: pd.DataFrame) -> None:
    """Leave the first number at risk alone: of the others one curve would tell another's."""
    first = curve["day"].eq(0)
    curve["at_risk"] = curve["at_risk"].astype("Int64").where(first)


def _share_crossing(
    curves: Mapping[str, Curves],
    points: Mapping[str, Points],
    exact: Collection[str],
    enough: Mapping[str, int],
) -> None:
    """Where tables of curves cross, as by area and by year, give all of both the same points."""
    for one, other in itertools.combinations(sorted(exact), 2):
        by = [set(_groups(curves[name].table)) for name in (one, other)]
        if by[0] <= by[1] or by[1] <= by[0]:
            continue
        every = [points[name][key] for name in (one, other) for key in points[name]]
        told = set.intersection(*({day for _, day in found} for found in every)) if every else set()
        complete = all(
            key in points[name] for name in (one, other) for key, _ in _by_group(curves[name].table)
        )
        for name in (one, other):
            for key, rows in _by_group(curves[name].table):
                if key in points[name]:
                    steps = sorted(told) if complete else []
                    points[name][key] = _points(rows, steps, enough[name])


def _steps(rows: pd.DataFrame, step: float) -> list[int]:
    """The days at which a curve may have points."""
    last = int(rows["day"].iloc[-1]) if len(rows) else 0
    return [math.floor(step * k) for k in range(1, int(last / step) + 1)]


def _shared(
    steps: Sequence[int],
    rows: pd.DataFrame,
    key: tuple[str, ...],
    both: tuple[Curves, Curves],
    points: Points,
    enough: int,
) -> list[int]:
    """Those days at which every part of a curve has a point too, all that is not shown as one."""
    mine, finer = both
    by, wider = _groups(mine.table), _groups(finer.table)
    if not set(by) < set(wider):
        return list(steps)
    within = {
        part: found
        for part, found in _by_group(finer.table)
        if all(part[wider.index(column)] == member for column, member in zip(by, key, strict=True))
    }
    shown = [(part, found) for part, found in within.items() if part in points]
    if not shown:
        return list(steps)
    rest = dict(zip(rows["day"].tolist(), rows["events"].tolist(), strict=True))
    for _, found in shown:
        for day, events in zip(found["day"].tolist(), found["events"].tolist(), strict=True):
            rest[day] = rest.get(day, 0) - events
    ends = set.intersection(*({day for _, day in points[part]} for part, _ in shown))
    if any(rest.values()):
        days = sorted(rest)
        hidden = pd.DataFrame({"day": days, "events": [max(rest[day], 0) for day in days]})
        ends &= {end for _, end in _points(hidden, _steps(hidden, _QUARTER), enough)}
    return sorted(ends)


def _at_points(
    rows: pd.DataFrame, points: Sequence[tuple[int, int]], rule: Rule, base: int
) -> pd.DataFrame:
    """The rows of a curve at some points, with what lies between them."""
    events, at_risk = (rows[column].to_numpy(np.int64) for column in ("events", "at_risk"))
    found = rows.iloc[[row for row, _ in points]].copy()
    found["day"] = [shown for _, shown in points]
    so_far = np.concatenate([[0], np.add.accumulate(events)])
    ends = [row + 1 for row, _ in points]
    starts = [0, *ends[:-1]]
    gone = [int(at_risk[0] - at_risk[start] - so_far[start]) for start in starts]
    # What is censored between two points would name single rows.
    found = found.drop(columns="censored", errors="ignore")
    if base == 1:
        found["events"] = np.diff(so_far[ends], prepend=0)
        found["at_risk"] = _where_few_left(at_risk[starts], gone, rule.small[1] + 1)
    else:
        # Each sum is rounded once, and alone: counts between points are their differences.
        sums = np.array([rounded(int(number), base) for number in so_far], np.int64)
        found["events"] = np.diff(sums[ends], prepend=0)
        left = [rounded(number, base) for number in gone]
        found["at_risk"] = np.maximum(rounded(int(at_risk[0]), base) - sums[starts] - left, 0)
        # Many risks of one exact number would tell it.
        found = found.drop(columns="std_error", errors="ignore")
        _round_risks(found, rows, base)
    scale = 10 ** (rule.decimals + 2)
    for column in _RISKS:
        if column in found:
            found[column] = np.floor(found[column].to_numpy(float) * scale + 0.5) / scale
    return found


def _where_few_left(at_risk: Ints, gone: Sequence[int], enough: int) -> Any:
    """Numbers at risk, null where few were censored since the last one that is told."""
    told: list[int | None] = []
    before = 0
    for number, censored in zip(at_risk.tolist(), gone, strict=True):
        few = 0 < censored - before < enough
        before = before if few else censored
        told.append(None if few else number)
    return pd.array(told, "Int64") if None in told else at_risk


def _round_risks(found: pd.DataFrame, rows: pd.DataFrame, base: int) -> None:
    """Risks as rounded counts of a rounded number, and limits as far from them as whole steps.

    Steps are those of the rounding, and limits go up to the next: so they tell next to nothing of
    the exact counts, and are never narrower. The last risk is the share beside the counts, where
    all were followed.
    """
    n, linked = int(rows["at_risk"].iloc[0]), int(rows["events"].sum())
    step = base / rounded(n, base)
    exact = found["risk"].to_numpy(float)
    risk = np.minimum(np.floor(exact * n / base + 0.5) * step, 1.0)
    if abs(float(rows["risk"].iloc[-1]) - linked / n) < _NEAR:
        risk[-1] = linked / n
    for column, sign in (("lower", -1), ("upper", 1)):
        if column in found:
            width = np.abs(found[column].to_numpy(float) - exact)
            found[column] = np.clip(risk + sign * np.ceil(width / step - _NEAR) * step, 0.0, 1.0)
    found["risk"] = risk


def _points(rows: pd.DataFrame, steps: Sequence[int], enough: int) -> list[tuple[int, int]]:
    """Rows that stay, each with the day at which it is shown.

    The first where nothing happens on it, ends of steps with enough events since the last one and
    enough or none to come, and the last unless nothing came after the end of a step. A step's end
    is no event's day, which would be somebody's.
    """
    day, events = (rows[column].to_numpy(np.int64) for column in ("day", "events"))
    if not len(day):
        return []
    total = np.concatenate([[0], np.add.accumulate(events)])
    kept = [(0, int(day[0]))] if events[0] == 0 else []
    since = 0
    for end in steps:
        row = int(np.searchsorted(day, end, "right")) - 1
        to_come = total[-1] - total[row + 1]
        if total[row + 1] - since >= enough and (to_come == 0 or to_come >= enough):
            kept.append((row, end))
            since = int(total[row + 1])
    more = not since or since < total[-1]
    if more and (not kept or kept[-1][0] < len(day) - 1):
        kept.append((len(day) - 1, int(day[-1])))
    return kept
