"""One child with very many rows: what is quadratic would take minutes here, or gigabytes."""

from __future__ import annotations

import numpy as np
import pytest
from tests.threads_helper import on_threads

import rereferral as rr
from rereferral import free_memory

N = 100_000
FIRST = np.datetime64("1980-01-01")
LAST = FIRST + (N - 1)


def a_row_a_day(n: int = N, **columns: object) -> dict[str, object]:
    """Child 7 on n days in a row, in no order, and two others."""
    place = np.random.default_rng(5).permutation(n)
    others = np.array([0, 400])
    on = FIRST + np.concatenate([place, others])
    return {
        "child": np.array([7] * n + [8, 8]),
        "on": on,
        "day": (on - FIRST).astype(int),
    } | columns


def linked(table: dict[str, object], **rules: object) -> rr.Links:
    asked = {"person": "child", "index_date": "on", "event_date": "on", "followup": "ignored"}
    return rr.link(table, table, **(asked | {"observed_until": LAST} | rules))


def gaps_by_day(links: rr.Links, table: dict[str, object]) -> np.ndarray:
    gaps = np.empty(N, np.int64)
    gaps[table["day"][:N]] = links.gap_days[:N]
    return gaps


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("after", [None, "after"])
def test_absorption_of_every_day(direction, after):
    table = a_row_a_day()
    table["after"] = np.full(N + 2, FIRST + 50_000)
    rules = {"window": "100 days", "min_gap": "2 days", "within_gap": "absorb"}
    links = linked(table, direction=direction, after=after, **rules)
    # The last day, or the first that counts, takes in all others; nothing is left to be found but
    # by those before the first that counts, where it is not near.
    to_first = 50_001 - np.arange(N)
    finds = (direction == "forward") & (after is not None) & (to_first >= 2) & (to_first <= 100)
    assert (gaps_by_day(links, table) == np.where(finds, to_first, -1)).all()
    assert (links.gap_days[N:] == -1).all()


def test_absorption_stops_where_a_gap_is_wide():
    table = a_row_a_day()
    gone = (table["day"] % 1000 >= 900) & (table["child"] == 7)
    table = {name: column[~gone] for name, column in table.items()}
    links = linked(table, window="200 days", min_gap="50 days", within_gap="absorb")
    heavy, day = table["child"] == 7, table["day"]
    expected = np.where(heavy & (day < N - 1000), 101, -1)
    assert (links.gap_days == expected).all()


@pytest.mark.parametrize("take", ["first", 3, "last"])
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_vetoed_days_without_an_end_of_the_window(take, direction):
    table = a_row_a_day()
    table["planned"] = (table["day"] < N - 5).astype(int)
    rules = {"veto": ({"planned": 1}, "skip"), "window": None, "take": take}
    gaps = gaps_by_day(linked(table, direction=direction, **rules), table)
    day, free = np.arange(N), np.arange(N - 5, N)
    forward = direction == "forward"
    reached = (free > day[:, None]) if forward else (free < day[:, None])
    away = np.sort(np.where(reached, np.abs(free - day[:, None]), N))
    n = reached.sum(axis=1)
    nth = {"first": np.zeros(N, int), 3: np.full(N, 2), "last": n - 1}[take]
    found = away[day, np.clip(nth, 0, 4)]
    assert (gaps == np.where((n > nth) & (n > 0), found, -1)).all()


def test_a_vetoed_day_that_comes_first():
    table = a_row_a_day()
    table["planned"] = (table["day"] % 2).astype(int)
    links = linked(table, veto=({"planned": 1}, "no event"), window=None)
    gaps = gaps_by_day(links, table)
    day = np.arange(N)
    assert (gaps == np.where((day % 2 == 1) & (day < N - 1), 1, -1)).all()


def test_few_events_confirmed_in_time():
    table = a_row_a_day()
    late = table["day"] % 50_000 != 49_999
    table["proven"] = table["on"] + np.where(late, 10 * N, 0)
    links = linked(table, confirm=("proven", "1 month"), window="100000 days")
    day = np.arange(N)
    assert (
        gaps_by_day(links, table)
        == np.where(day < N - 1, 49_999 - day % 50_000, -1) + np.where((day == 49_999), 50_000, 0)
    ).all()
    assert links.count[:N].max() == 2


@pytest.mark.parametrize("vetoed", [N, N - 1])
def test_all_rows_on_one_day(vetoed):
    table = a_row_a_day()
    table["on"] = np.full(N + 2, FIRST)
    table["planned"] = (np.arange(N + 2) < vetoed).astype(int)
    links = linked(table, same_day="include", veto=({"planned": 1}, "skip"), window=None)
    found = links.event_row[:N]
    assert (found[:-1] == (-1 if vetoed == N else N - 1)).all()
    assert found[-1] == -1


@pytest.mark.parametrize(("cluster", "n"), [("person", 20_000), (None, 4_000)])
def test_the_mean_count_meets_every_event(cluster, n):
    """Each row meets an event on every later day: 200 million, 8 GB if items were kept."""
    table = {name: column[:n] for name, column in a_row_a_day(n).items()}
    links = linked(table, window=None, followup="observed", observed_until=FIRST + (n - 1))
    frames = on_threads(lambda: links.mean_count(cluster=cluster))
    assert (frames[0]["mean"].to_numpy().round(9) == np.arange(n)).all()
    assert (frames[0]["events"].to_numpy()[1:] == np.arange(n - 1, 0, -1)).all()
    assert frames[0]["std_error"].isna().all() == (cluster == "person")
    for other in frames[1:]:
        assert all(
            frames[0][name].to_numpy().tobytes() == other[name].to_numpy().tobytes()
            for name in frames[0]
        )


@pytest.mark.parametrize(
    "rules",
    [
        *({}, {"direction": "backward"}, {"min_gap": 20}, {"after": "after"}),
        *({"same_day": "include"}, {"same_day": "include", "direction": "backward"}),
        {"same_day": "include", "veto": ({"kind": 1}, "skip")},
    ],
    ids=str,
)
def test_events_counted_together_are_those_of_the_pairs(rules):
    random = np.random.default_rng(3)
    day = random.integers(0, 2500, 2000)
    table = {"child": np.full(2000, 7), "on": FIRST + day, "kind": random.integers(0, 3, 2000)}
    table["after"] = FIRST + random.integers(0, 2500, 2000)
    asked = {"person": "child", "index_date": "on", "event_date": "on", "window": "1000 days"}
    pairs = rr.pairs(table, table, followup="ignored", **asked, **rules)
    row = np.repeat(np.arange(2000), np.diff(pairs.offsets))
    # Events of one day are one.
    once = np.unique(np.column_stack([row, pairs.gap_days]), axis=0)[:, 1]
    found = linked(table, window="1000 days", **rules).mean_count()
    assert len(once) > 200_000
    events = np.bincount(found["day"], weights=found["events"], minlength=1001)
    assert events.tolist() == np.bincount(once, minlength=1001).tolist()


def test_pairs_that_do_not_fit_are_refused(monkeypatch):
    table = a_row_a_day()
    monkeypatch.setattr(free_memory, "_free", lambda: 50 * 10**9)
    with pytest.raises(MemoryError, match=r"4,999,950,0\d\d pairs take 60.0 GB, and 50.0 GB"):
        rr.pairs(
            *(table, table),
            person="child",
            index_date="on",
            event_date="on",
            window=None,
            followup="ignored",
        )
