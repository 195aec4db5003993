"""Several windows: one `Links` for each, and their tables one below the other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import rereferral as rr


def days(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[D]")


CLOSED = pd.DataFrame(
    {
        "child": [1, 2, 3, 4],
        "area": ["x", "x", "y", "y"],
        "closed": days("2018-01-01", "2018-01-01", "2018-01-01", "2020-06-30"),
    },
    index=[7, 8, 9, 10],
)
REFERRED = {
    "child": [1, 1, 2, 4],
    "on": days("2018-01-20", "2018-05-01", "2018-12-31", "2020-07-01"),
}
ASKED = {"person": "child", "index_date": "closed", "event_date": "on"}
ASKED |= {"observed_until": "2020-12-31", "window": ["12 months", 30, "6 months"]}


@pytest.fixture
def links() -> rr.Links:
    return rr.link(CLOSED, REFERRED, **ASKED)


def test_a_window_is_found_however_it_is_written(links):
    assert links["12 months"] is links["1 year"]
    assert links[30] is links["30 days"]
    assert [len(links[window]) for window in links] == [4, 4, 4]
    with pytest.raises(rr.RuleError, match="no window of 90 days; there are 12 months, 30 days, 6"):
        links["90 days"]


def test_one_cohort_and_a_span_for_each(links):
    assert links["12 months"].gap_days.tolist() == [19, 364, -1, -1]
    assert links["30 days"].gap_days.tolist() == [19, -1, -1, -1]
    assert links["6 months"].event_row.tolist() == [0, -1, -1, -1]
    assert links["12 months"].count.tolist() == [2, 1, 0, 0]
    assert links["30 days"].count.tolist() == [1, 0, 0, 0]
    for window in links:
        assert links[window].followed.tolist() == [True, True, True, False]
        assert links[window].event_date[0] == np.datetime64("2018-01-20")


def test_each_window_may_have_its_own_cohort():
    links = rr.link(CLOSED, REFERRED, **ASKED, cohort="each")
    assert links["30 days"].followed.tolist() == [True] * 4
    assert links["30 days"].gap_days.tolist() == [19, -1, -1, 1]
    alone = rr.link(CLOSED, REFERRED, **(ASKED | {"window": "6 months"}))
    pd.testing.assert_frame_equal(links["6 months"].to_pandas(), alone.to_pandas())
    pd.testing.assert_frame_equal(links["6 months"].ledger, alone.ledger)


def test_tables_stand_below_one_another(links):
    for name in ("rates", "curve", "mean_count"):
        table = getattr(links, name)(by="area")
        assert list(table.columns[:2]) == ["window", "area"]
        assert list(table["window"].unique()) == ["12 months", "30 days", "6 months"]
        for window in links:
            mine = table[table["window"] == window].drop(columns="window").reset_index(drop=True)
            pd.testing.assert_frame_equal(mine, getattr(links[window], name)(by="area"))
    assert list(links.ledger.columns[:2]) == ["window", "table"]
    whole = links.to_pandas()
    assert whole.index.tolist() == [7, 8, 9, 10] * 3
    assert whole["window"].astype(str).tolist()[::4] == ["12 months", "30 days", "6 months"]


@pytest.mark.parametrize(
    "name", ["gap_days", "event_row", "event_date", "count", "followed", "outcome", "outcome_names"]
)
def test_an_array_of_several_windows_is_refused(links, name):
    with pytest.raises(rr.RuleError, match=rf"write links\['12 months'\]\.{name}"):
        getattr(links, name)


def test_what_it_looks_like_names_every_window(links):
    for shown in (repr(links), links._repr_html_()):
        assert "12 months: 2 of 3 index events linked" in shown
        assert "30 days: 1 of 3" in shown


def test_an_open_window_beside_others():
    links = rr.link(
        CLOSED, REFERRED, **(ASKED | {"window": [None, "6 months"]}), followup="observed"
    )
    assert links.windows == ("any time", "6 months")
    assert links[None].gap_days.tolist() == [19, 364, -1, 1]
    assert links["any time"] is links[None]
    assert links["6 months"].gap_days.tolist() == [19, -1, -1, 1]
