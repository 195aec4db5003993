"""The boundary of the linkage: arrays that are not what the core asks for are refused by name."""

from __future__ import annotations

import numpy as np
import pytest

import rereferral as rr
from rereferral import DataError, RereferralError, _core
from rereferral.matching import CoreRule

WINDOW = (False, ("days", 365), ("days", 0), False, False)
DAYS = np.arange(5, dtype=np.int64)
KEYS = np.arange(5, dtype=np.uint32)


def ordered():
    return _core.order(KEYS, DAYS, None, KEYS, DAYS, None, 5)


OUTPUTS = {
    "event_row": np.empty(5, np.int64),
    "gap_days": np.empty(5, np.int32),
    "count": np.empty(5, np.int64),
    "vetoed": np.empty(5, np.bool_),
}
PLAIN = CoreRule(WINDOW, False, False, False, 1, False, False)


def link(**changed):
    """`_core.link` with some of its arguments, or of the parts of the rule, changed."""
    of_rule = {name: changed.pop(name) for name in CoreRule._fields if name in changed}
    if "event_vetoed" in changed:
        of_rule["vetoed"] = changed.pop("event_vetoed")
    arguments = {"parts": ordered(), "rule": tuple(PLAIN._replace(**of_rule))}
    arguments |= {"n_index": 5, "n_events": 5}
    return _core.link(*(arguments | OUTPUTS | changed).values())


def swapped(array):
    return array.astype(array.dtype.newbyteorder(">"))


MALFORMED = {
    "a list": lambda array: array.tolist(),
    "another dtype": lambda array: array.astype(np.float64),
    "two dimensions": lambda array: array.reshape(-1, 1),
    "strided": lambda array: np.repeat(array, 2)[::2],
    "foreign byte order": swapped,
    "None": lambda array: None,
}


@pytest.mark.parametrize("how", MALFORMED)
@pytest.mark.parametrize("place", [0, 1, 3, 4])
def test_order_refuses_malformed_columns(place, how):
    arguments = [KEYS, DAYS, None, KEYS, DAYS, None, 5]
    arguments[place] = MALFORMED[how](arguments[place])
    name = ["index_key", "index_day", "", "event_key", "event_day"][place]
    with pytest.raises((TypeError, ValueError), match=name):
        _core.order(*arguments)


@pytest.mark.parametrize("place", [1, 2, 4, 5])
def test_order_refuses_columns_of_another_length(place):
    arguments = [KEYS, DAYS, np.ones(5, bool), KEYS, DAYS, np.ones(5, bool), 5]
    arguments[place] = arguments[place][:4].copy()
    with pytest.raises(ValueError, match="must have 5 elements, not 4"):
        _core.order(*arguments)


@pytest.mark.parametrize("name", ["event_row", "gap_days"])
@pytest.mark.parametrize("how", sorted(set(MALFORMED) - {"None"}))
def test_link_refuses_malformed_outputs(name, how):
    with pytest.raises((TypeError, ValueError), match=name):
        link(**{name: MALFORMED[how](OUTPUTS[name])})


def test_link_refuses_an_output_that_cannot_be_written():
    fixed = np.empty(5, np.int64)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="count must be writeable"):
        link(count=fixed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"parts": object()}, "PyCapsule"),
        ({"n_events": 6}, "have 5 and 5 rows, not 5 and 6"),
        ({"n_index": 4}, "must have 4 elements"),
        ({"event_row": np.empty(6, np.int64)}, "event_row must have 5 elements, not 6"),
        ({"same_table": True}, "need the days of the events"),
        ({"self_row": np.full(5, 5), "event_day": DAYS}, "names no row of the events"),
        ({"self_row": np.full(5, -2), "event_day": DAYS}, "names no row of the events"),
        ({"self_row": np.zeros(4, np.int64), "event_day": DAYS}, "self_row must have 5"),
        ({"event_day": DAYS[:3].copy()}, "event_day must have 5"),
        ({"index_day": DAYS[:3].copy()}, "index_day must have 5"),
        ({"event_day": (DAYS, 0)}, "per_day must be 1 or more"),
        ({"event_day": (DAYS, 1, 0)}, "two or four parts"),
        ({"lower": DAYS[:3].copy()}, "lower must have 5"),
        ({"use": np.ones(4, bool)}, "use must have 5"),
        ({"apart": np.ones(4, bool)}, "apart must have 5"),
        ({"anchor": DAYS[:3].copy()}, "anchor must have 5"),
        ({"anchor": DAYS + 10_000_001}, "an anchor is out of range"),
        ({"confirm_by": DAYS[:3].copy()}, "confirm_by must have 5"),
        ({"event_vetoed": np.ones(4, bool)}, "vetoed must have 5"),
        ({"confirmed": DAYS[:3].copy()}, "confirmed must have 5"),
        ({"take": -1}, "take must not be negative"),
        ({"claim_latest": True, "window": (True, *WINDOW[1:])}, "claims look forward"),
        ({"rule": 3}, "a rule is a tuple"),
        ({"rule": (WINDOW,)}, "eighteen parts"),
        ({"window": (False, ("days", -1), ("days", 0), False, False)}, "must be from 0"),
        ({"window": (False, ("weeks", 1), ("days", 0), False, False)}, "unknown unit"),
        ({"window": (False, ("days", 1))}, "five parts"),
        ({"window": (False, ("open", 0), ("open", 0), False, False)}, "must have an end"),
        ({"window": "12 months"}, "a window is a tuple"),
    ],
)
def test_link_refuses_what_does_not_fit(changed, said):
    with pytest.raises((TypeError, ValueError), match=said):
        link(**changed)


@pytest.mark.parametrize(
    ("offsets", "event_row", "said"),
    [
        (np.zeros(0, np.int64), np.empty(0, np.int64), "the last offset"),
        (np.zeros(6, np.int64), np.empty(1, np.int64), "the last offset"),
        (np.array([0, 0, 1, 1, 1, 1]), np.empty(1, np.int64), "not those of these arguments"),
    ],
)
def test_pairs_refuse_offsets_that_are_not_theirs(offsets, event_row, said):
    gap_days = np.empty(len(event_row), np.int32)
    keys = np.zeros(5, np.uint32)
    parts = _core.order(keys, DAYS, None, keys, DAYS, None, 1)
    with pytest.raises(ValueError, match=said):
        _core.pairs_fill(parts, tuple(PLAIN), 5, offsets, event_row, gap_days)
    with pytest.raises(ValueError, match="one element more"):
        _core.pairs_count(parts, tuple(PLAIN), 5, np.empty(0, np.int64))


@pytest.mark.parametrize(
    ("offsets", "said"),
    [
        ([], "the last offset"),
        ([0, 1], "the last offset"),
        ([0, 3, 2], "not those"),
        ([1, 2], "not"),
    ],
)
def test_rows_of_pairs_refuse_offsets_that_are_not_theirs(offsets, said):
    with pytest.raises(ValueError, match=said):
        _core.pairs_rows(np.array(offsets, np.int64), np.empty(2, np.int64))


def test_a_day_out_of_range_is_named_by_row():
    far = DAYS.copy()
    far[3] = 10_000_001
    with pytest.raises(DataError) as refused:
        _core.order(KEYS, DAYS, None, KEYS, far, None, 5)
    assert (refused.value.row, refused.value.column) == (3, 1)
    with pytest.raises(DataError) as refused:
        _core.add_spans(far, ("days", 1), np.empty(5, np.int64))
    assert refused.value.row == 3


@pytest.mark.parametrize(
    ("tables", "codes", "said"),
    [
        ((), (), "one array of codes for each table"),
        ((([1, 2],),), (KEYS.copy(),), "a tuple of three or four"),
        (((("ints", DAYS, None),), ()), (KEYS.copy(), KEYS.copy()), "same number of key columns"),
        (((("ints", DAYS.astype(np.int16), None),),), (KEYS.copy(),), "ints must have dtype"),
        (((("text", DAYS, None),),), (KEYS.copy(),), "unknown kind"),
        (((("ints", DAYS, np.ones(4, bool)),),), (KEYS.copy(),), "valid must have 5"),
        (((("ints", DAYS, None),),), (KEYS[:3].copy(),), "codes must have 5"),
        (
            ((("text", DAYS, np.zeros(3, np.uint8), None),),),
            (KEYS[:4].copy(),),
            "not in order or leave the data",
        ),
        (
            ((("text", DAYS[::-1].copy(), np.zeros(9, np.uint8), None),),),
            (KEYS[:4].copy(),),
            "not in order or leave the data",
        ),
    ],
)
def test_encode_refuses_what_does_not_fit(tables, codes, said):
    with pytest.raises((TypeError, ValueError), match=said):
        _core.encode(tables, codes)


def test_spells_of_another_length_are_refused():
    with pytest.raises(RereferralError, match="have 5 and 5 rows, not 5 and 4"):
        _core.open_spells(ordered(), DAYS[:4].copy(), np.empty(5, bool))
    with pytest.raises(RereferralError, match="have 5 and 5 rows, not 5 and 6"):
        _core.shared_days(ordered(), np.empty(6, bool))


@pytest.mark.parametrize("per_day", [1, 86_400, 86_400_000_000_000])
def test_days_are_read_off_ticks_of_any_unit(per_day):
    """A column that was checked goes to the core as it is held; the answer is that of its days."""
    random = np.random.default_rng(1)
    keys = random.integers(0, 300, 2000).astype(np.uint32)
    days = random.integers(-400, 400, 2000)
    days[random.random(2000) < 0.1] = np.iinfo(np.int64).min
    known = days[days > -1000]
    said = (len(days) - len(known), int(known.min()), int(known.max()))
    held = [((np.where(days < -1000, days, days * per_day)), per_day)]
    if per_day == 1:
        narrow = np.where(days < -1000, np.iinfo(np.int32).min, days).astype(np.int32)
        held += [(narrow, 1), narrow]
    for column in held:
        if isinstance(column, tuple):
            assert _core.days_range(*column) == said
        found = []
        for given in (days, column):
            parts = _core.order(keys, given, None, keys[::-1].copy(), given, None, 300)
            gap_days = np.empty(2000, np.int32)
            _core.link(parts, tuple(PLAIN), 2000, 2000, None, gap_days, None, None)
            found.append(gap_days)
        assert (found[0] >= 0).any()
        assert found[0].tolist() == found[1].tolist()


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.bool_), (32, np.int32), (64, np.int64)])
def test_memory_of_an_array_that_went_is_an_array_again(bits, dtype):
    n = (128 << 20) // bits
    kept = _core.empty(n, bits)
    assert (kept.dtype, kept.shape, kept.flags.writeable) == (dtype, (n,), True)
    kept[:] = 1
    for _ in range(3):
        another = _core.empty(n, bits)
        another[:] = 0
        del another
    assert (kept == 1).all()
    assert len(_core.empty(0, bits)) == 0


@pytest.mark.parametrize("arguments", [(-1, 64), (5, 16)])
def test_arrays_that_cannot_be_are_refused(arguments):
    with pytest.raises(ValueError, match="32 or 64 bits"):
        _core.empty(*arguments)


def test_a_link_in_the_memory_of_another_is_as_the_first():
    random = np.random.default_rng(7)
    n = 1_200_000
    index, events = (
        {"child": random.integers(0, 400_000, n), "on": random.integers(16_000, 19_000, n)}
        for _ in range(2)
    )

    def found(children, window):
        links = rr.link(
            {name: column[: n - 5] for name, column in index.items()} | {"child": children},
            events,
            person="child",
            index_date="on",
            event_date="on",
            observed_until=int(events["on"].max()),
            window=window,
        )
        return links.event_row.copy(), links.gap_days.copy()

    first = found(index["child"][: n - 5], "12 months")
    found(index["child"][5:], "3000 days")
    for one, again in zip(first, found(index["child"][: n - 5], "12 months"), strict=True):
        np.testing.assert_array_equal(one, again)
