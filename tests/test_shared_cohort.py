"""Several windows share a cohort: of the longest they must say what it says alone."""

from __future__ import annotations

import numpy as np
import pytest

import rereferral as rr


@pytest.mark.parametrize("claim", ["every", "latest index"])
@pytest.mark.parametrize("action", ["drop", "no event"])
@pytest.mark.parametrize(
    "rules",
    [{}, {"take": "last"}, {"take": 2}, {"confirm": ("confirmed", 3)}, {"min_gap": 4}],
    ids=str,
)
def test_the_longest_window_is_as_if_alone(rules, action, claim):
    random = np.random.default_rng(1)

    def table(n: int) -> dict[str, np.ndarray]:
        date = np.datetime64("2018-01-01") + random.integers(0, 300, n)
        return {
            "child": random.integers(0, 20, n),
            "date": date,
            "kind": random.choice(["x", "y"], n),
            "confirmed": date + random.integers(0, 30, n),
        }

    asked = {
        **{"person": "child", "index_date": "date", "event_date": "date"},
        **{"observed_until": "2019-12-31", "veto": ({"kind": "x"}, action), "claim": claim},
    }
    index, events = table(300), table(500)
    shared = rr.link(index, events, window=[20, 60], **asked, **rules)
    alone = rr.link(index, events, window=60, **asked, **rules)
    for name in ("event_row", "gap_days", "count", "followed", "outcome"):
        assert np.array_equal(getattr(shared["60 days"], name), getattr(alone, name)), name
    # Nobody who left because of a veto has an event in the shorter window.
    shorter = shared["20 days"]
    assert not shorter.count[~shorter.followed].any()
    assert (shorter.event_row[~shorter.followed] == -1).all()
