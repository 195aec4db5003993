"""Counts and curves are the same bytes on any number of threads, and the sums are right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.threads_helper import on_threads, threads

from rereferral import _core
from rereferral.curves import cells_of, clustered, core_causes, curve_table
from rereferral.groups import Groups
from rereferral.rates import rate_table

ROWS = 600_000  # more than four tasks of rows


def rows(n_groups: int, longest: int, seed: int = 7) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    # One group and one day have most of the rows: counters overflow, and parts differ in size.
    group = np.where(random.random(ROWS) < 0.4, n_groups // 2, random.integers(0, n_groups, ROWS))
    day = np.where(random.random(ROWS) < 0.4, longest, random.integers(0, longest + 1, ROWS))
    return {
        "group": group.astype(np.int32),
        "day": day.astype(np.int32),
        "cause": random.integers(0, 3, ROWS).astype(np.int8),
        "use": random.random(ROWS) < 0.9,
        "person": random.integers(0, ROWS // 2, ROWS, dtype=np.uint32),
        "area": random.integers(0, 40, ROWS, dtype=np.uint32),
    }


def groups_of(codes: np.ndarray, n_groups: int) -> Groups:
    return Groups(codes, pd.DataFrame({"group": np.arange(n_groups)}))


def assert_same_bytes(frames: list[pd.DataFrame]) -> None:
    for other in frames[1:]:
        for name in frames[0]:
            first, second = frames[0][name].to_numpy(), other[name].to_numpy()
            if first.dtype == object:
                assert list(first) == list(second), name
            else:
                assert first.tobytes() == second.tobytes(), name


@pytest.mark.parametrize("used", [True, False])
def test_rates_are_the_same_bytes(used):
    of = rows(300, 50)
    use = of["use"] if used else None
    frames = on_threads(
        lambda: rate_table(
            groups_of(of["group"], 300), of["cause"] == 1, use, of["person"], of["area"]
        )
    )
    assert_same_bytes(frames)
    counted = of["use"] if used else np.ones(ROWS, bool)
    expected = np.bincount(of["group"][counted], minlength=300)
    assert (frames[0]["n"] == expected).all()


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("causes", [None, ["event", "exit"]])
@pytest.mark.parametrize("longest", [50, 20_000])
def test_curves_are_the_same_bytes(grouped, causes, longest):
    """With few days the rows are counted, with many they are put in order."""
    of = rows(300, longest)
    cause = of["cause"] if causes else of["cause"] == 1
    groups = groups_of(of["group"], 300) if grouped else None
    assert_same_bytes(
        on_threads(lambda: curve_table(groups, of["day"], cause, of["use"], causes, of["person"]))
    )


@pytest.mark.parametrize("threads_used", [1, 2, 7])
@pytest.mark.parametrize("longest", [50, 20_000])
def test_cells_are_those_of_bincount(threads_used, longest):
    of = rows(30, longest)
    days = longest + 1
    key = (of["group"].astype(np.int64) * days + of["day"])[of["use"]]
    cause = of["cause"][of["use"]]
    expected = [np.bincount(key[cause == k], minlength=30 * days) for k in range(3)]
    there = sum(expected) > 0
    there[::days] = True
    with threads(threads_used):
        cells = cells_of(of["group"], 30, of["day"], of["cause"], 2, of["use"])
    place = np.flatnonzero(there)
    assert (cells.group == place // days).all()
    assert (cells.day == place % days).all()
    assert (cells.censored == expected[0][place]).all()
    assert (cells.events == np.stack([expected[1][place], expected[2][place]], axis=1)).all()


def test_cluster_sums_are_those_of_pandas():
    of = rows(30, 50)
    hit = of["cause"] == 1
    frame = pd.DataFrame({"g": of["group"], "c": of["area"], "x": hit.astype(np.int64)})
    found = frame.groupby(["g", "c"])["x"].agg(["size", "sum"])
    n, x = found["size"], found["sum"]
    expected = pd.DataFrame({"m": n * 0 + 1, "nn": n * n, "nx": n * x, "xx": x * x})
    expected = expected.groupby("g").sum()
    sums = [np.empty(30, np.int64) for _ in range(4)]
    _core.tally_clusters(of["area"], of["group"], None, hit, *sums)
    assert (np.stack(sums, axis=1) == expected.to_numpy()).all()


def test_each_row_a_cluster_gives_the_error_without_clusters():
    of = rows(30, 50)
    event = core_causes(of["cause"] == 1)
    cells = cells_of(of["group"], 30, of["day"], event, 1, None)
    found = curve_table(groups_of(of["group"], 30), of["day"], of["cause"] == 1)
    own = np.arange(ROWS, dtype=np.uint32)
    clusters, errors = clustered(cells, of["group"], 30, of["day"], event, None, own)
    assert (clusters == np.bincount(of["group"], minlength=30)).all()
    known = found["std_error"].notna().to_numpy()
    np.testing.assert_allclose(errors[known, 0], found["std_error"][known], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("wrong", ["group", "day", "cause"])
def test_the_first_wrong_row_is_named_on_any_number_of_threads(wrong):
    of = rows(30, 50)
    for row in (ROWS - 1, 400_000, 150_001):
        of[wrong][row] = 99
    use = np.ones(ROWS, bool)
    use[150_001] = False

    room = _core.tally_days_room(ROWS, 30, 50)
    out = [np.empty(room, np.int32) for _ in range(2)]
    out += [np.empty(2 * room, np.int64), np.empty(room, np.int64)]

    def failing() -> int:
        with pytest.raises(ValueError, match=r"group code|longer|among the causes") as caught:
            _core.tally_days(of["day"], of["cause"], 2, of["group"], use, 30, 50, *out)
        return caught.value.row

    assert on_threads(failing) == [400_000] * 3


def test_codes_are_seen_and_mapped():
    codes = np.array([3, 0, 3, 1], np.int32)
    seen = np.empty(5, np.bool_)
    _core.codes_seen(codes, np.array([True, True, True, False]), seen)
    assert seen.tolist() == [True, False, False, True, False]
    mapped = np.empty(3, np.int32)
    _core.codes_map(np.array([1, -1, 0], np.int32), np.array([7, 8], np.int32), -5, mapped)
    assert mapped.tolist() == [8, -5, 7]
    with pytest.raises(ValueError, match="group code") as caught:
        _core.codes_map(np.array([1, 2, 0], np.int32), np.array([7, 8], np.int32), -5, mapped)
    assert caught.value.row == 1


@pytest.mark.parametrize("kind", ["i1", "i2", "i4"])
def test_columns_are_joined(kind):
    random = np.random.default_rng(11)
    left = random.integers(-1, 5, ROWS).astype(kind)
    right = random.integers(-1, 90, ROWS).astype("i1")
    to = random.permutation(5).astype(np.int32)
    identity = np.arange(90, dtype=np.int32)
    use = (left != 3) & (right != 7)
    columns = [(left, to, 5, 6), (right, identity, 90, 91)]
    expected = np.append(to, 5)[left] * 91 + np.where(right < 0, 90, right)
    there = np.zeros(6 * 91, np.bool_)
    there[expected[use]] = True
    expected = np.where(use, expected, 0)

    def joined() -> tuple[bytes, bytes]:
        codes, seen = np.empty(ROWS, np.int32), np.empty(6 * 91, np.bool_)
        _core.codes_join(columns, use, codes, seen)
        return codes.tobytes(), seen.tobytes()

    assert on_threads(joined) == [(expected.astype(np.int32).tobytes(), there.tobytes())] * 3

    left[[300_000, 500_000]] = 5, -2  # no such codes

    def failing(use: np.ndarray | None) -> int:
        seen = np.empty(6 * 91, np.bool_)
        with pytest.raises(ValueError, match="group code") as caught:
            _core.codes_join(columns, use, None, seen)
        return caught.value.row

    assert on_threads(lambda: failing(None)) == [300_000] * 3
    assert on_threads(lambda: failing(np.arange(ROWS) > 300_000)) == [500_000] * 3


def test_columns_that_cannot_be_joined():
    codes, to = np.array([0, -1], np.int32), np.array([0], np.int32)
    with pytest.raises(ValueError, match="group code") as caught:  # a null has no number
        _core.codes_join([(codes, to, -1, 1)], None, None, np.empty(1, np.bool_))
    assert caught.value.row == 1
    for column, groups in (((codes, to, 2, 2), 2), ((codes, to, 1, 2), 3), ((codes, to, -1, 0), 0)):
        with pytest.raises(ValueError, match=r"out of range|the product"):
            _core.codes_join([column], None, None, np.empty(groups, np.bool_))
    many = (codes, to, 1, 1 << 16)
    with pytest.raises(ValueError, match="out of range"):
        _core.codes_join([many, many], None, None, np.empty(1, np.bool_))


@pytest.mark.parametrize(("kind", "per_day"), [("i8", 1), ("i8", 86_400), ("i4", 1)])
def test_days_are_joined(kind, per_day):
    days = np.random.default_rng(3).integers(-40, 60, ROWS)
    null = days == 59
    ticks = np.where(null, np.iinfo(kind).min, days * per_day).astype(kind)
    to = (np.arange(99) // 30).astype(np.int32)
    column = (ticks, per_day, -40, 58), to, 4, 5
    expected = np.where(null, 4, (days + 40) // 30).astype(np.int32)

    def joined() -> tuple[bytes, bool]:
        codes, seen = np.empty(ROWS, np.int32), np.empty(5, np.bool_)
        _core.codes_join([column], None, codes, seen)
        return codes.tobytes(), seen.all()

    assert on_threads(joined) == [(expected.tobytes(), True)] * 3
    wrong_ticks = [-41 * per_day, 59 * per_day, np.iinfo(kind).max]
    for wrong in [*wrong_ticks, 1] if per_day > 1 else wrong_ticks:
        ticks[[250_000, 400_000]] = wrong
        with pytest.raises(ValueError, match="group code") as caught:
            _core.codes_join([column], None, None, np.empty(5, np.bool_))
        assert caught.value.row == 250_000


def test_days_that_cannot_be_joined():
    days, to = np.array([0, 1]), np.zeros(2, np.int32)
    far = np.iinfo(np.int64).max // 86_400
    for column in (
        (days, 1),
        (days, 0, 0, 1),
        (days, 86_400, far, far),
        (days, 86_400, -far - 1, 0),
    ):
        with pytest.raises(ValueError, match="out of range"):
            _core.codes_join([(column, to, 0, 1)], None, None, np.empty(1, np.bool_))


@pytest.mark.parametrize("share_used", [None, 0.02, 0.2, 0.98])
@pytest.mark.parametrize("all_count", [True, False])
def test_joined_columns_are_tallied(share_used, all_count):
    random = np.random.default_rng(5)
    codes = random.integers(-1, 150, ROWS).astype("i2")
    days = random.integers(0, 900, ROWS)
    rank, year = random.permutation(150).astype(np.int32), (np.arange(900) // 300).astype(np.int32)
    columns = [(codes, rank, 150, 151), ((days * 86_400, 86_400, 0, 899), year, -1, 3)]
    used, counted, hit = (random.random(ROWS) < share for share in (share_used or 2, 0.9, 0.3))
    used &= (codes != 7) | (share_used is None)  # numbers that no row in use has
    counted |= all_count
    number = np.append(rank, 150)[codes] * 3 + year[days]
    expected = [
        np.bincount(number[rows], minlength=453)
        for rows in (used, used & counted, used & counted & hit)
    ]

    # Flags are set by any byte but 0.
    use = None if share_used is None else np.where(used, 4, 0).astype("u1").view("?")
    count = None if all_count else np.where(counted, 255, 0).astype("u1").view("?")

    def tallied() -> list[bytes]:
        seen, n, linked = np.empty(453, "?"), np.empty(453, "i8"), np.empty(453, "i8")
        _core.codes_tally(columns, use, count, hit, seen, n, linked)
        return [array.tobytes() for array in (seen, n, linked)]

    wanted = [(expected[0] > 0).tobytes(), expected[1].tobytes(), expected[2].tobytes()]
    assert on_threads(tallied) == [wanted] * 3
