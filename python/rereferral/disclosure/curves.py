"""Curves of a release: at steps that hold enough events, and only where their counts are shown."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd

from rereferral.errors import DataError
from rereferral.rules import Rule

__all__ = ["coarser", "is_by_points", "is_curve", "totals_of"]

_COLUMNS = ("day", "at_risk", "events", "risk")
_NUMBERS = (*_COLUMNS, "censored", "std_error", "lower", "upper")
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


def coarser(
    table: pd.DataFrame, rule: Rule, total: bool, hidden: Collection[tuple[str, ...]]
) -> tuple[pd.DataFrame, list[tuple[str, ...]]]:
    """Curves at points between which enough events lie.

    A point stands at every third month, in curves of several areas together every week, and is
    left out until more events lie between it and the one before than a small count has. Counts
    are those between two points.

    Parameters
    ----------
    table : DataFrame
        Of curves, by day.
    rule : Rule
        Says what is small, and rounds.
    total : bool
        Whether curves are of several areas together.
    hidden : collection of tuples
        Groups of which a count is hidden: they have no curve.

    Returns
    -------
    curves : DataFrame
        With the columns of `table`.
    left_out : list of tuples
        The groups that have none.
    """
    parts, left_out = [], []
    for key, rows in _by_group(table):
        if key in hidden:
            left_out.append(key)
        else:
            parts.append(_coarse(rows, rule, total))
    curves = pd.concat(parts, ignore_index=True) if parts else table.iloc[:0]
    return curves.reset_index(drop=True), left_out


def _coarse(rows: pd.DataFrame, rule: Rule, total: bool) -> pd.DataFrame:
    base = rule.base(total)
    enough = max(rule.small[1] + 1, base)
    day = rows["day"].to_numpy(np.int64)
    events = rows["events"].to_numpy(np.int64)
    points = _points(day, events, _WEEK if total else _QUARTER, enough)
    places = [row for row, _ in points]
    found = rows.iloc[places].copy()
    found["day"] = [shown for _, shown in points]
    before = np.concatenate([[0], np.add.accumulate(events)])
    starts = [0, *(place + 1 for place in places[:-1])]
    between = np.array([before[b + 1] - before[a] for a, b in zip(starts, places, strict=True)])
    at_risk = rows["at_risk"].to_numpy(np.int64)[starts]
    found["at_risk"] = (2 * at_risk + base) // (2 * base) * base
    found["events"] = (2 * between + base) // (2 * base) * base
    if "censored" in found:
        # What is censored between two points would name single rows: only the last one keeps it.
        found = found.drop(columns="censored")
    scale = 10 ** (rule.decimals + 2)
    for column in ("risk", "std_error", "lower", "upper"):
        if column in found:
            found[column] = np.floor(found[column].to_numpy(float) * scale + 0.5) / scale
    return found


def _points(
    day: np.ndarray[tuple[int], np.dtype[np.int64]],
    events: np.ndarray[tuple[int], np.dtype[np.int64]],
    step: float,
    enough: int,
) -> list[tuple[int, int]]:
    """Rows that stay, each with the day at which it is shown.

    The first where nothing happens on it, ends of steps with enough events since the last one and
    enough or none to come, and the last. A step's end is no event's day, which would be somebody's.
    """
    if not len(day):
        return []
    total = np.concatenate([[0], np.add.accumulate(events)])
    kept = [(0, int(day[0]))] if events[0] == 0 else []
    since = 0
    for k in range(1, int(day[-1] / step) + 1):
        end = math.floor(step * k)
        row = int(np.searchsorted(day, end, "right")) - 1
        to_come = total[-1] - total[row + 1]
        if total[row + 1] - since >= enough and (to_come == 0 or to_come >= enough):
            kept.append((row, end))
            since = int(total[row + 1])
    if not kept or kept[-1][0] < len(day) - 1:
        kept.append((len(day) - 1, int(day[-1])))
    return kept
