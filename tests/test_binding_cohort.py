"""The boundary of washout and selection: a small case of each, and arrays that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from rereferral import RereferralError, _core

#                first of January, of February, of February, of August, and another person's
DAYS = np.array([0, 31, 31, 212, 31], dtype=np.int64)
KEYS = np.array([7, 7, 7, 7, 3], dtype=np.uint32)
HALF_YEAR = ("months", 6)


def ordered(use=None):
    return _core.order(KEYS, DAYS, use, KEYS[:0], DAYS[:0], None, 8)


def washout(**changed):
    washed = np.ones(5, np.bool_)
    arguments = {
        "parts": ordered(),
        "span": HALF_YEAR,
        "kept": None,
        "rolling": False,
        "washed": washed,
    }
    _core.washout(*(arguments | changed).values())
    return washed.tolist()


def select(**changed):
    chosen = np.ones(5, np.bool_)
    arguments = {
        "parts": ordered(),
        "kept": None,
        "period": None,
        "last": False,
        "chosen": chosen,
    }
    _core.select(*(arguments | changed).values())
    return chosen.tolist()


def test_a_row_is_washed_out_by_an_earlier_day_within_the_span():
    assert washout() == [False, True, True, True, False]


def test_rolling_a_row_that_is_washed_out_washes_out_nobody():
    assert washout(rolling=True) == [False, True, True, False, False]


def test_a_row_out_of_the_cohort_washes_out_others_unless_rolling():
    kept = np.array([False, True, True, True, True])
    assert washout(kept=kept) == [False, True, True, True, False]
    assert washout(kept=kept, rolling=True) == [False, False, False, True, False]


def test_a_row_that_is_not_eligible_washes_out_nobody():
    eligible = np.array([False, True, True, True, True])
    assert washout(parts=ordered(eligible)) == [False, False, False, True, False]


def test_one_row_a_person_is_selected():
    assert select() == [True, False, False, False, True]
    assert select(last=True) == [False, False, False, True, True]
    assert select(kept=np.array([False, True, True, False, False])) == [False, True] + [False] * 3


def test_one_row_a_person_and_period_is_selected():
    period = np.array([1, 0, 0, 1, 1], dtype=np.int32)
    assert select(period=period) == [True, True, False, False, True]
    assert select(period=period, last=True) == [False, False, True, True, True]


@pytest.mark.parametrize(
    ("call", "changed", "said"),
    [
        (washout, {"parts": object()}, "PyCapsule"),
        (washout, {"span": ("days", -1)}, "must be from 0"),
        (washout, {"span": 30}, "a span is a tuple"),
        (washout, {"kept": np.ones(4, bool)}, "kept must have 5"),
        (washout, {"kept": np.ones(5, np.uint8)}, "kept must have dtype"),
        (washout, {"washed": np.ones(4, bool)}, "have 5 and 0 rows, not 4"),
        (select, {"parts": None}, "PyCapsule"),
        (select, {"kept": np.ones(6, bool)}, "kept must have 5"),
        (select, {"period": np.ones(4, np.int32)}, "period must have 5"),
        (select, {"period": np.ones(5, np.int64)}, "period must have dtype"),
        (select, {"chosen": np.ones(6, bool)}, "have 5 and 0 rows, not 6"),
        (select, {"chosen": np.ones(5, np.int8)}, "chosen must have dtype"),
    ],
)
def test_what_does_not_fit_is_refused(call, changed, said):
    with pytest.raises((TypeError, ValueError), match=said):
        call(**changed)


def test_a_negative_period_is_named_by_row():
    with pytest.raises(RereferralError, match="must not be negative") as refused:
        select(period=np.array([0, 0, -1, 0, 0], dtype=np.int32))
    assert refused.value.row == 2
