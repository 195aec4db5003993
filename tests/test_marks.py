"""The rows that conditions leave, against numpy: any column, interval and number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.threads_helper import on_threads, threads

from rereferral import _core
from rereferral.day_columns import DayColumn
from rereferral.ledger import Ledger
from rereferral.marks import MOST_INTERVALS, Within, marked, unmarked

BLOCK, TASK = 1024, 1 << 18
# Around the widths of vectors, and around the ends of blocks and of tasks.
LENGTHS = [0, 1, 7, 8, 15, 16, 31, 32, 33, 65, BLOCK - 1, BLOCK, BLOCK + 1, TASK - 1, TASK]
LENGTHS += [TASK + 1, TASK + BLOCK + 33, 3 * TASK + 5]
KINDS = ["i1", "i2", "i4", "i8", "?"]


def expected(conditions, before, n):
    """The same with numpy: the marks, and how many there are after each condition."""
    left = np.ones(n, np.bool_) if before is None else before.copy()
    counts = []
    for numbers, among in conditions:
        met = np.zeros(n, np.bool_)
        if isinstance(among, tuple):
            for low, high in among:
                met |= np.array([low <= int(x) <= high for x in numbers], np.bool_)
        else:
            inside = (numbers >= 0) & (numbers < len(among))
            met[inside] = among[numbers[inside]]
        left &= met
        counts.append(int(left.sum()))
    return left.tolist(), counts


def found(conditions, before, n):
    every = [np.full(n, True) for _ in conditions]
    counts = _core.rows_left(tuple(conditions), n, before, tuple(every))
    last = every[-1].tolist()
    assert [int(left.sum()) for left in every] == counts
    # Who asks for the last alone gets the same.
    only = np.full(n, True)
    places = (*[None] * (len(every) - 1), only)
    assert _core.rows_left(tuple(conditions), n, before, places) == counts
    assert only.tolist() == last
    return last, counts


def ends(kind):
    """Numbers at which something may go wrong: the ends of a type, of others, and small ones."""
    low, high = (0, 1) if kind == "?" else (np.iinfo(kind).min, np.iinfo(kind).max)
    return st.one_of(
        st.sampled_from([low, low + 1, high - 1, high, 0, 1]), st.integers(-4, 4)
    ).filter(lambda x: low <= x <= high)


limits = st.one_of(
    st.integers(-5, 5),
    st.sampled_from(
        [
            sign * 2**bits + more
            for sign in (-1, 1)
            for bits in (7, 15, 31, 63)
            for more in (-1, 0, 1)
        ]
    ).filter(lambda x: -(2**63) <= x < 2**63),
)


@st.composite
def any_conditions(draw):
    n = draw(st.integers(0, 70))
    conditions = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(KINDS))
        numbers = np.array(draw(st.lists(ends(kind), min_size=n, max_size=n)), kind)
        if kind != "?" and draw(st.integers(0, 3)) == 0:
            among = np.array(draw(st.lists(st.booleans(), max_size=5)), np.bool_)
        else:
            among = tuple(draw(st.lists(st.tuples(limits, limits), max_size=MOST_INTERVALS)))
        conditions.append((numbers, among))
    marks = st.lists(st.booleans(), min_size=n, max_size=n).map(lambda x: np.array(x, np.bool_))
    return conditions, draw(st.none() | marks), n


@settings(deadline=None)
@given(any_conditions())
def test_what_is_left_is_what_numpy_leaves(asked):
    assert found(*asked) == expected(*asked)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", LENGTHS)
def test_every_row_is_asked_on_any_number_of_threads(kind, n):
    random = np.random.default_rng(n)
    high = 2 if kind == "?" else 10
    numbers = random.integers(0, high, n).astype(kind)
    other = random.integers(-3, 3, n).astype("i2")
    before = random.random(n) < 0.7
    conditions = ((numbers, ((1, 1), (4, 7))), (other, ((-2, 1),)), (numbers, ((0, 5),)))
    met = [(numbers == 1) | ((numbers >= 4) & (numbers <= 7)), (other >= -2) & (other <= 1)]
    met.append(numbers <= 5)
    for marks in (None, before):
        left, counts = np.ones(n, np.bool_) if marks is None else marks, []
        for one in met:
            left = left & one
            counts.append(int(left.sum()))

        def asked(marks=marks) -> tuple[list[int], bytes]:
            out = np.full(n, True)
            return _core.rows_left(conditions, n, marks, (None, None, out)), out.tobytes()

        assert on_threads(asked) == [(counts, left.tobytes())] * 3


def test_arguments_that_do_not_fit():
    numbers, left = np.zeros(3, np.int64), np.empty(3, np.bool_)
    too_many = ((0, 0),) * (MOST_INTERVALS + 1)
    for condition, what in (
        ((numbers[:2], ()), "numbers must have 3 elements"),
        ((np.zeros(6, np.int64)[::2], ()), "contiguous"),
        ((numbers, too_many), "up to 8 intervals"),
    ):
        with pytest.raises(ValueError, match=what):
            _core.rows_left((condition,), 3, None, (left,))
    for condition in (
        (numbers.astype(float), ()),
        (numbers.astype("u1"), ()),
        (numbers, np.zeros(2)),
        (numbers, [(0, 0)]),
        (numbers, (0, 0)),
        [numbers, ()],
    ):
        with pytest.raises(TypeError):
            _core.rows_left((condition,), 3, None, (left,))
    with pytest.raises(ValueError, match="before must have 3 elements"):
        _core.rows_left(((numbers, ()),), 3, np.zeros(2, np.bool_), (left,))
    with pytest.raises(ValueError, match="left must have 3 elements"):
        _core.rows_left(((numbers, ()),), 3, None, (left[:2],))
    with pytest.raises(ValueError, match="a place for each"):
        _core.rows_left(((numbers, ()),), 3, None, ())
    with pytest.raises(ValueError, match="at least one condition"):
        _core.rows_left((), 3, None, ())


# ---------------------------------------------------------------- days


def column(days, form):
    """Days, None for a missing one, in one of the forms of a column."""
    if form == "int32":
        lowest = np.iinfo(np.int32).min
        return DayColumn(np.array([lowest if d is None else d for d in days], np.int32), 1)
    per_day = {"days": 1, "seconds": 86_400, "picoseconds": 86_400 * 10**12}[form]
    lowest = np.iinfo(np.int64).min
    ticks = [lowest if d is None else d * per_day for d in days]
    return DayColumn(np.array(ticks, np.int64), per_day)


@pytest.mark.parametrize("form", ["days", "seconds", "picoseconds", "int32"])
@given(st.data())
@settings(deadline=None)
def test_days_lie_within_their_bounds(form, data):
    far = 106 if form == "picoseconds" else 10_000_000  # 64 bits hold so many
    day = st.one_of(st.integers(-3, 3), st.sampled_from([-far, far]))
    days = data.draw(st.lists(st.none() | day, max_size=40))
    bound = st.none() | day | st.sampled_from([-20_000_000, 20_000_000])
    first, last = data.draw(bound), data.draw(bound)
    low, high = -(10**9) if first is None else first, 10**9 if last is None else last
    inside = [d is not None and low <= d <= high for d in days]
    dates = column(days, form)
    assert ledger_of(len(days), dates.within(first, last)).tolist() == inside
    null = dates.null()
    assert ([False] * len(days) if null is None else null.tolist()) == [d is None for d in days]


def ledger_of(n, *rows):
    ledger = Ledger("index", n)
    ledger.keep("step", "reason", *rows)
    return ledger.kept


# ---------------------------------------------------------------- ledger


def test_steps_that_waited_have_the_lines_of_steps_at_once():
    random = np.random.default_rng(4)
    n = 2_000
    masks = [random.random(n) < share for share in (0.9, 1.1, 0.5, 0.7)]
    at_once, waited = Ledger("index", n), Ledger("index", n)
    for k, mask in enumerate(masks):
        at_once.remove("a", str(k), ~mask)
        _ = at_once.left
        waited.keep("a", str(k), marked(mask))
    at_once.keep("a", "both", marked(masks[0]), unmarked(masks[3]))
    waited.keep("a", "both", marked(masks[0]), unmarked(masks[3]))
    assert Ledger.frame(waited).equals(Ledger.frame(at_once))
    assert (waited.kept == at_once.kept).all()
    left = masks[0] & masks[2] & masks[3]
    assert Ledger.frame(waited)["remaining"].tolist()[-2:] == [left.sum(), 0]


def test_a_step_that_leaves_out_nobody_keeps_the_mask():
    ledger = Ledger("index", 3)
    assert ledger.left is None
    ledger.keep("a", "nobody", marked(np.ones(3, np.bool_)))
    assert ledger.left is None
    ledger.remove("a", "one", np.array([True, False, False]))
    left = ledger.left
    ledger.remove("a", "the same", np.array([True, False, False]))
    assert ledger.left is left
    with pytest.raises(ValueError, match="read-only"):
        left[0] = True
    ledger.remove("a", "another", np.array([False, True, False]))
    assert ledger.kept.tolist() == [False, False, True]
    assert left.tolist() == [False, True, True]


def test_the_rows_at_a_point_are_those_of_who_asked_then():
    random = np.random.default_rng(5)
    n = 3_000
    masks = [random.random(n) < share for share in (0.9, 1.1, 0.5)]
    ledger, asked = Ledger("index", n), Ledger("index", n)
    points, then = [ledger.here()], [asked.left]
    for mask in masks:
        for one in (ledger, asked):
            one.keep("a", "step", marked(mask))
        points.append(ledger.here())
        then.append(asked.left)
    assert ledger.kept.tolist() == asked.kept.tolist()
    assert points[0].left is None
    assert points[1].left is points[2].left  # nobody was left out between them
    assert points[3].left is ledger.left
    for point, left in zip(points[1:], then[1:], strict=True):
        assert point.left.tolist() == left.tolist()


def test_a_copy_goes_on_apart():
    ledger = Ledger("index", 3)
    ledger.remove("a", "one", np.array([True, False, False]))
    other = ledger.copy()
    other.remove("b", "another", np.array([False, True, False]))
    assert (ledger.remaining, other.remaining) == (2, 1)
    assert len(Ledger.frame(ledger)) == 2


def test_steps_wait_for_who_asks_again_if_they_are_stopped():
    ledger = Ledger("index", 3)
    ledger.keep("a", "of another length", Within(np.zeros(2, np.int64), ()))
    for _ in range(2):
        with pytest.raises(ValueError, match="must have 3 elements"):
            _ = ledger.left


def test_one_thread_and_many_leave_the_same_of_a_table():
    days = np.random.default_rng(1).integers(0, 900, 700_000)

    def lines():
        ledger = Ledger("index", len(days))
        dates = DayColumn(days, 1)
        ledger.keep("a", "early", dates.within(first=10))
        ledger.keep("a", "late", dates.within(last=500))
        return ledger.kept.tobytes(), Ledger.frame(ledger)["remaining"].tolist()

    with threads(1):
        alone = lines()
    assert alone[1][-1] == ((days >= 10) & (days <= 500)).sum()
    assert on_threads(lines) == [alone] * 3
