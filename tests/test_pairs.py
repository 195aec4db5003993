"""`rr.pairs`: all matches, which must be those that `rr.link` counts and chooses from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import rereferral as rr


def days(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[s]")


CLOSED = pd.DataFrame(
    {
        "child": ["a", "b", "a", "c"],
        "closed": days("2018-01-31", "2018-05-05", "2018-03-01", "2020-06-01"),
    },
    index=["w", "x", "y", "z"],
)
REFERRED = pd.DataFrame(
    {
        "child": ["a", "a", "b", "a", "c", "a"],
        "on": days(
            *("2018-03-01", "2018-06-30", "2019-05-06", "2018-03-01", "2020-07-01", "2018-01-31")
        ),
        "confirmed": days(
            *("2018-09-01", "2021-01-01", "2019-06-06", "2018-04-01", "2020-07-01", "2018-03-01")
        ),
        "planned": [1, 0, 0, 1, 0, 0],
    }
)
ASKED = {
    "person": "child",
    "index_date": "closed",
    "event_date": "on",
    "observed_from": "2017-01-01",
    "observed_until": "2020-12-31",
}


def listed(pairs: rr.Pairs) -> list[list[tuple[int, int]]]:
    """(event row, gap) of each index row."""
    together = list(zip(pairs.event_row.tolist(), pairs.gap_days.tolist(), strict=True))
    return [together[i:j] for i, j in zip(pairs.offsets[:-1], pairs.offsets[1:], strict=True)]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, [[(0, 29), (3, 29), (1, 150)], [], [(1, 121)], []]),
        (
            {"same_day": "include"},
            [[(5, 0), (0, 29), (3, 29), (1, 150)], [], [(0, 0), (3, 0), (1, 121)], []],
        ),
        ({"min_gap": "29 days"}, [[(0, 29), (3, 29), (1, 150)], [], [(1, 121)], []]),
        ({"min_gap": "30 days"}, [[(1, 150)], [], [(1, 121)], []]),
        ({"min_gap": "30 days", "within_gap": "stop"}, [[], [], [(1, 121)], []]),
        # The row of January moves to 1 March, from where the next is 121 days away.
        ({"min_gap": "30 days", "within_gap": "absorb"}, [[(1, 121)], [], [(1, 121)], []]),
        ({"direction": "backward"}, [[], [], [(5, 29)], []]),
        (
            {"direction": "backward", "same_day": "include"},
            [[(5, 0)], [], [(0, 0), (3, 0), (5, 29)], []],
        ),
        ({"window": "29 days"}, [[(0, 29), (3, 29)], [], [], []]),
        ({"window": None, "followup": "observed"}, None),
        ({"claim": "latest index"}, [[(0, 29), (3, 29)], [], [(1, 121)], []]),
        ({"confirm": ("confirmed", "0 days")}, [[(0, 29), (3, 29)], [], [], []]),
        ({"veto": ({"planned": 1}, "skip")}, [[(1, 150)], [], [(1, 121)], []]),
        ({"veto": ({"planned": 1}, "no event")}, [[], [], [(1, 121)], []]),
        ({"veto": ({"planned": 1}, "drop")}, [[], [], [(1, 121)], []]),
        ({"select": "first"}, [[(0, 29), (3, 29), (1, 150)], [], [], []]),
    ],
)
def test_pairs_worked_by_hand(rules, expected):
    if expected is None:
        expected = [[(0, 29), (3, 29), (1, 150)], [(2, 366)], [(1, 121)], [(4, 30)]]
    pairs = rr.pairs(CLOSED, REFERRED, **ASKED, **rules)
    assert listed(pairs) == expected
    assert len(pairs) == sum(map(len, expected))
    links = rr.link(CLOSED, REFERRED, **ASKED, **rules)
    assert pairs.followed.tolist() == links.followed.tolist()
    assert pairs.ledger.equals(links.ledger)


def test_pairs_as_tables():
    pairs = rr.pairs(CLOSED, REFERRED, **ASKED)
    table = pairs.to_pandas()
    assert table.index.tolist() == ["w", "w", "w", "y"]
    assert table["index_row"].tolist() == [0, 0, 0, 2]
    assert table["event_row"].tolist() == [0, 3, 1, 1]
    assert (
        table["event_date"].tolist() == REFERRED["on"].iloc[table["event_row"].to_numpy()].tolist()
    )
    assert len(CLOSED.join(table, how="inner")) == len(pairs)
    arrow = pa.table(pairs)
    assert arrow.column_names == ["index_row", "event_row", "event_date", "gap_days"]
    assert arrow["gap_days"].to_pylist() == [29, 29, 150, 121]
    of_dict = rr.pairs({name: CLOSED[name].to_numpy() for name in CLOSED}, REFERRED, **ASKED)
    assert of_dict.to_pandas().index.tolist() == [0, 0, 0, 2]
    for text in (repr(pairs), pairs._repr_html_()):
        assert "4 pairs of 2 of 3 index events, of 4 rows given" in text
    with pytest.raises(ValueError, match="read-only"):
        pairs.offsets[0] = 1


def test_the_ledger_is_a_copy():
    pairs = rr.pairs(CLOSED, REFERRED, **ASKED)
    ledger = pairs.ledger
    ledger["remaining"] = 99
    assert pairs.ledger.loc[0, "remaining"] == 4


def test_exits_bound_the_pairs():
    exits = {"moved": rr.Exit("moved", "no event")}
    moving = CLOSED.assign(moved=days("2018-03-01", "2018-06-01", "2018-06-29", "2020-06-02"))
    assert listed(rr.pairs(moving, REFERRED, **ASKED, exits=exits)) == [
        [(0, 29), (3, 29)],
        [],
        [],
        [],
    ]


def test_nothing_to_pair():
    nothing = rr.pairs(CLOSED.iloc[:0], REFERRED, **ASKED)
    assert nothing.offsets.tolist() == [0]
    assert len(nothing) == 0
    assert nothing.to_pandas().empty
    assert len(rr.pairs(CLOSED, REFERRED.iloc[:0], **ASKED).to_pandas()) == 0


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"take": "last"}, "take='last' chooses one"),
        ({"take": 2}, "take=2 chooses one"),
        ({"ties": "last row"}, "ties='last row' chooses one"),
        ({"window": ["6 months", "12 months"]}, "give the longest"),
        ({"windows": "6 months"}, "did you mean 'window'"),
    ],
)
def test_what_chooses_is_refused(rules, said):
    with pytest.raises(rr.RuleError, match=said):
        rr.pairs(CLOSED, REFERRED, **ASKED, **rules)


RULES = [
    {},
    {"same_day": "include", "window": "1 month"},
    {"direction": "backward"},
    {"min_gap": 3, "within_gap": "stop"},
    {"min_gap": 3, "within_gap": "absorb"},
    {"veto": ({"kind": "x"}, "drop")},
    {"veto": ({"kind": "x"}, "drop"), "claim": "latest index"},
    {"claim": "latest index", "min_gap": 2},
    {"confirm": ("confirmed", 10), "window": 20},
    {"after": "after"},
    {"followup": "observed", "window": None},
    {"select": "last", "per": "half_year", "washout": 20},
]


@pytest.mark.parametrize("rules", RULES, ids=str)
def test_pairs_agree_with_links(rules):
    random = np.random.default_rng(7)

    def table(n: int) -> dict[str, np.ndarray]:
        first = np.datetime64("2018-01-01")
        date = first + random.integers(0, 400, n)
        return {
            "child": random.integers(0, 25, n),
            "date": date,
            "kind": random.choice(["x", "y"], n),
            "confirmed": date + random.integers(0, 40, n),
            "after": date + random.integers(-5, 30, n),
        }

    index, events = table(300), table(400)
    asked = {
        **{"person": "child", "index_date": "date", "event_date": "date"},
        **{"observed_from": "2017-12-01", "observed_until": "2019-12-31"},
    }
    if rules.get("same_day") == "include":
        events = index
    pairs, links = (
        make(index, events, **asked, **({"window": 60} | rules)) for make in (rr.pairs, rr.link)
    )
    assert np.count_nonzero(links.count > 1) > 5
    row = pairs.index_row
    of_days = pd.DataFrame({"row": row, "gap": pairs.gap_days})
    count = of_days.drop_duplicates().groupby("row").size()
    assert np.array_equal(links.count, count.reindex(range(300), fill_value=0))
    first = of_days.drop_duplicates("row").set_index("row")["gap"]
    assert np.array_equal(links.gap_days, first.reindex(range(300), fill_value=-1))
    begins = pairs.offsets[:-1][links.count > 0]
    assert np.array_equal(links.event_row[links.count > 0], pairs.event_row[begins])
    assert np.array_equal(index["child"][row], events["child"][pairs.event_row])
    assert len(set(zip(row.tolist(), pairs.event_row.tolist(), strict=True))) == len(pairs)
    assert pairs.ledger.equals(links.ledger)
