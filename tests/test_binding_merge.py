"""The boundary of merged spells: arrays that are not what the core asks for are refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from rereferral import RereferralError, _core

DAYS = np.arange(5, dtype=np.int64)
KEYS = np.arange(5, dtype=np.uint32)


def merge(**changed):
    arguments = {
        "parts": _core.order(KEYS, DAYS, None, KEYS[:0], DAYS[:0], None, 5),
        "end": DAYS,
        "gap": ("days", 1),
        "spell": np.empty(5, np.int64),
    }
    return _core.merge_spells(*(arguments | changed).values())


def describe(**changed):
    arguments = {
        "start": DAYS,
        "end": None,
        "rank": None,
        "last": False,
        "spell": DAYS,
        "row": np.empty(5, np.int64),
        "start_row": np.empty(5, np.int64),
        "end_row": np.empty(5, np.int64),
        "n_parts": np.empty(5, np.int64),
    }
    return _core.describe_spells(*(arguments | changed).values())


def test_each_is_taken_as_it_should_be():
    assert merge() == 5
    assert merge(end=None) == 5
    assert describe() is None


@pytest.mark.parametrize(
    ("call", "changed", "said"),
    [
        (merge, {"parts": DAYS}, "PyCapsule"),
        (merge, {"end": DAYS[:4].copy()}, "end must have 5"),
        (merge, {"end": DAYS.astype("datetime64[D]")}, "end must have dtype"),
        (merge, {"gap": 1}, "a span is a tuple"),
        (merge, {"gap": ("days", 10**7)}, "must be from 0"),
        (merge, {"spell": np.empty(6, np.int64)}, "must have 6|have 5 and 0 rows, not 6"),
        (merge, {"spell": None}, "spell"),
        (describe, {"start": DAYS[::2]}, "start must be contiguous"),
        (describe, {"end": DAYS[:4].copy()}, "end must have 5"),
        (describe, {"rank": DAYS}, "rank must have dtype"),
        (describe, {"rank": np.zeros(4, np.int32)}, "rank must have 5"),
        (describe, {"spell": DAYS[:4].copy()}, "spell must have 5"),
        (describe, {"start_row": np.empty(4, np.int64)}, "start_row must have 5"),
        (describe, {"end_row": np.empty(4, np.int64)}, "end_row must have 5"),
        (describe, {"n_parts": np.empty(4, np.int64)}, "n_parts must have 5"),
    ],
)
def test_what_does_not_fit_is_refused(call, changed, said):
    with pytest.raises((TypeError, ValueError), match=said):
        call(**changed)


def test_a_row_that_does_not_fit_is_named():
    with pytest.raises(RereferralError, match="not before it starts") as refused:
        merge(end=np.array([0, 1, 2, 2, 4]))
    assert refused.value.row == 3
    with pytest.raises(RereferralError, match="no spell of this number") as refused:
        describe(spell=np.array([0, 1, 5, 3, 4]))
    assert refused.value.row == 2
