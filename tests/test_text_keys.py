"""Text keys in every form: one answer, whoever holds the text, on any number of threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import rereferral as rr
from rereferral.errors import DataError
from rereferral.key_columns import FixedText
from rereferral.tables import open_table
from rereferral.text import Text

ROWS = 120_000  # of the events: enough for several parts and runs of rows
AREAS = [f"E0{n:07d}" for n in range(40)]


def texts_of(person: np.ndarray) -> np.ndarray:
    """A letter and eleven digits."""
    digits = np.char.zfill((person * 48_271 * 65_537 % 99_999_999_977).astype("U11"), 11)
    return np.char.add(np.array(list("PQRS"))[person % 4], digits)


def side(rows: int, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    person = random.integers(0, ROWS // 3, rows)
    person[random.random(rows) < 0.05] = 3  # one with very many rows
    return {
        "child": texts_of(person),
        "authority": person // 2 % len(AREAS),
        "date": random.integers(16_000, 18_000, rows).astype("datetime64[D]"),
        "missing": random.random(rows) < 0.02,
    }


SIDES = side(ROWS // 2, 1), side(ROWS, 2)


def objects(child: np.ndarray, missing: np.ndarray) -> np.ndarray:
    return np.where(missing, None, child.astype(object))


def blank(child: np.ndarray, missing: np.ndarray) -> np.ndarray:
    return np.where(missing, " ", child)


FORMS = {
    "arrow": lambda child, missing: pa.array(child, mask=missing),
    "chunks": lambda child, missing: pa.chunked_array(
        [pa.array(child[i : i + 50_000], mask=missing[i : i + 50_000]) for i in (0, 50_000)]
        + [pa.array(child[100_000:], mask=missing[100_000:])]
    ),
    "views": lambda child, missing: pa.array(objects(child, missing).tolist(), pa.string_view()),
    "dictionary": lambda child, missing: pa.array(child, mask=missing).dictionary_encode(),
    "S": lambda child, missing: blank(child, missing).astype("S12"),
    "U": lambda child, missing: blank(child, missing).astype("U14"),
    "category": lambda child, missing: pd.Categorical(objects(child, missing)),
    "objects": objects,
}


def table(given: dict[str, np.ndarray], form: str) -> dict[str, object]:
    return {
        "child": FORMS[form](given["child"], given["missing"]),
        "authority": pd.Categorical.from_codes(given["authority"], categories=AREAS),
        "date": given["date"],
    }


def asked(**more) -> dict[str, object]:
    return {
        "person": "child",
        "scope": "authority",
        "index_date": "date",
        "window": 365,
        "followup": "ignored",
        **more,
    }


@pytest.fixture(scope="module")
def expected() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By pandas: every pair, then the least gap of each index row."""
    index, events = (
        pd.DataFrame(
            {
                "child": objects(given["child"], given["missing"]),
                "authority": given["authority"],
                "date": given["date"],
                "row": np.arange(len(given["date"])),
            }
        ).dropna()
        for given in SIDES
    )
    pairs = index.merge(events, on=["child", "authority"], suffixes=("", "_event"))
    pairs["gap"] = (pairs["date_event"] - pairs["date"]).dt.days
    pairs = pairs[(pairs["gap"] > 0) & (pairs["gap"] <= 365)]
    first = pairs.sort_values(["gap", "row_event"]).groupby("row").first()
    gap_days = np.full(len(SIDES[0]["date"]), -1, np.int32)
    event_row = np.full(len(gap_days), -1, np.int64)
    gap_days[first.index], event_row[first.index] = first["gap"], first["row_event"]
    days = pairs.groupby("row")["gap"].nunique()
    count = np.zeros(len(gap_days), np.int64)
    count[days.index] = days
    return gap_days, event_row, count


def check(links: rr.Links, expected: tuple[np.ndarray, ...]) -> None:
    for own, other in zip((links.gap_days, links.event_row, links.count), expected, strict=True):
        assert np.array_equal(own, other)


@pytest.mark.parametrize("of_events", FORMS)
@pytest.mark.parametrize("of_index", ["arrow", "S", "category"])
def test_every_form_gives_the_same_links(of_index, of_events, expected):
    index, events = table(SIDES[0], of_index), table(SIDES[1], of_events)
    check(rr.link(index, events, event_date="date", **asked()), expected)


@pytest.mark.parametrize("of_events", ["arrow", "S", "category", "objects"])
def test_prepared_events_look_any_form_up(of_events, expected):
    prepared = rr.prepare(
        table(SIDES[1], of_events), person="child", scope="authority", event_date="date"
    )
    for of_index in FORMS:
        check(rr.link(table(SIDES[0], of_index), prepared, **asked()), expected)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_so_it_is_on_any_number_of_threads(threads, expected):
    was = rr.get_num_threads()
    rr.set_num_threads(threads)
    try:
        index, events = table(SIDES[0], "U"), table(SIDES[1], "arrow")
        check(rr.link(index, events, event_date="date", **asked()), expected)
        prepared = rr.prepare(events, person="child", scope="authority", event_date="date")
        check(rr.link(index, prepared, **asked()), expected)
    finally:
        rr.set_num_threads(was)


def test_who_is_in_no_book_finds_nothing():
    known = {"child": np.array(["A1", "B2"], "S2"), "area": ["x", "y"], "date": [10, 20]}
    prepared = rr.prepare(known, person="child", scope="area", event_date="date")
    index = {
        "child": ["A1", "B2", "A1", "an id of another length", "\u00c41", None, "B2"],
        "area": pd.Categorical(["x", "y", "z", "x", "x", "x", None]),
        "date": [9] * 7,
    }

    def gaps(index: dict[str, Any]) -> Any:
        keys = {"person": "child", "scope": "area", "index_date": "date"}
        return rr.link(index, prepared, **keys, window=365, followup="ignored").gap_days

    assert gaps(index).tolist() == [1, 11, -1, -1, -1, -1, -1]
    with pytest.raises(DataError, match="a key cannot be compared"):
        gaps({**index, "child": range(7)})


def test_a_column_without_a_value_is_of_no_kind():
    asked = {"person": "child", "index_date": "date", "followup": "ignored"}
    none, some = {"child": [None], "date": [1]}, {"child": [2**40], "date": [2]}
    for index, events in ((none, some), (some, none)):
        prepared = rr.prepare(events, person="child", event_date="date")
        assert rr.link(index, prepared, **asked).gap_days.tolist() == [-1]


def test_unsigned_ids_beyond_int64_are_no_negative_ids():
    asked = {"person": "child", "index_date": "date", "followup": "ignored"}
    high, low = np.array([2**64 - 1, 5], np.uint64), np.array([-1, 5], np.int64)
    for index, events in ((high, low), (low, high)):
        prepared = rr.prepare({"child": events, "date": [9, 9]}, person="child", event_date="date")
        links = rr.link({"child": index, "date": [1, 1]}, prepared, **asked)
        assert links.gap_days.tolist() == [-1, 8]


@pytest.mark.parametrize(
    "values",
    [
        np.array(["a", "", " b", " \t", "c\0d"], "U5"),
        np.array([b"a", b"", b" b", b" \t", b"c\0d"], "S5"),
    ],
)
def test_text_of_a_fixed_width_is_read_where_it_lies(values):
    key = open_table({"x": values}, "events").key("x")
    assert isinstance(key, FixedText)
    assert np.shares_memory(key.characters, values)
    assert list(key) == ["a", None, " b", None, "c\0d"]
    assert open_table({"x": values}, "events").n_blank("x") == 2


@pytest.mark.parametrize(
    "values",
    [
        np.array(["a", "\u00e9"]),
        np.array(["a", "x" * 17]),
        np.array(["a", "-", "b", "-"])[::2],
        np.array(["a", "b"], ">U1"),
        np.ma.masked_array(["a", "b"], [False, True]),
    ],
)
def test_other_text_of_a_fixed_width_is_brought_into_offsets(values):
    key = open_table({"x": values}, "events").key("x")
    assert isinstance(key, Text)
    assert list(key) == [None if value is np.ma.masked else str(value) for value in values]


def test_one_row_a_side():
    """No bit is needed for a row or a day."""
    child = {"child": ["P00000000001"], "authority": ["E08000012"]}
    day = np.array(["2019-03-01"], "datetime64[D]")
    links = rr.link(
        {**child, "closed": day},
        {**child, "referred": day},
        person=["child", "authority"],
        index_date="closed",
        event_date="referred",
        same_day="include",
        followup="ignored",
    )
    assert links.gap_days.tolist() == [0]
    assert links.event_row.tolist() == [0]
