"""The nearest event of the same key: answers that R's survival and pandas have published."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from shared_data import shared

# ---------------------------------------------------------------- survival::neardate


@pytest.mark.parametrize(
    ("direction", "answer"),
    [("forward", "first_on_or_after_row"), ("backward", "last_on_or_before_row")],
)
def test_survival_neardate(direction, answer):
    index = pd.read_csv(shared("next_event", "neardate_index.csv"), parse_dates=["date"])
    events = pd.read_csv(shared("next_event", "neardate_events.csv"), parse_dates=["date"])
    events = events.rename(columns={"date": "event_date"})
    links = rr.link(
        index,
        events,
        **{"person": "id", "index_date": "date", "event_date": "event_date", "window": None},
        **{"direction": direction, "same_day": "include", "followup": "ignored"},
    )
    found = [events["row"][row] if row >= 0 else 0 for row in links.event_row]
    assert found == index[answer].fillna(0).astype(int).tolist()
    gap = (index["date"] - events["event_date"].reindex(links.event_row).to_numpy()).abs()
    assert gap.dt.days.fillna(-1).astype(int).tolist() == links.gap_days.tolist()


# ---------------------------------------------------------------- pandas.merge_asof


def read(name: str) -> pd.DataFrame:
    """One of pandas' tables, its times as whole milliseconds of the half hour."""
    table = pd.read_csv(shared("next_event", "pandas_merge_asof", name))
    time = pd.to_datetime(table["time"], format="%Y%m%d %H:%M:%S.%f")
    since = time - pd.Timestamp("2016-05-25 13:30:00")
    assert (since % pd.Timedelta("1ms") == pd.Timedelta(0)).all()
    table["time"] = since // pd.Timedelta("1ms")
    return table


def last_quote(trades: pd.DataFrame, quotes: pd.DataFrame, **rules) -> pd.DataFrame:
    """The bid and ask of the last quote before each trade; of a moment's quotes the last row."""
    links = rr.link(
        trades,
        quotes.rename(columns={"time": "quoted"}),
        **{"person": "ticker", "index_date": "time", "event_date": "quoted"},
        **{"direction": "backward", "ties": "last row", "followup": "ignored", **rules},
    )
    found = quotes[["bid", "ask"]].reindex(links.event_row)
    return pd.concat([trades, found.set_axis(trades.index)], axis=1)


# pandas' tolerance of a day is longer than the second that the tables span.
@pytest.mark.parametrize(
    ("answer", "trades", "quotes", "rules"),
    [
        ("asof.csv", "trades.csv", "quotes.csv", {"same_day": "include", "window": None}),
        ("asof2.csv", "trades2.csv", "quotes2.csv", {"same_day": "include", "window": None}),
        ("tolerance.csv", "trades.csv", "quotes.csv", {"same_day": "include", "window": 1000}),
        ("allow_exact_matches.csv", "trades.csv", "quotes.csv", {"window": None}),
        ("allow_exact_matches_and_tolerance.csv", "trades.csv", "quotes.csv", {"window": 100}),
    ],
)
def test_pandas_merge_asof(answer, trades, quotes, rules):
    found = last_quote(read(trades), read(quotes), **rules)
    pd.testing.assert_frame_equal(found, read(answer)[found.columns])


@pytest.mark.parametrize(
    ("tolerance", "exact"), [(0, True), *[(n, e) for n in (1, 2, 5, 10, 37) for e in (True, False)]]
)
@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_pandas_merge_asof_of_today(tolerance, exact, direction):
    trades, quotes = read("trades2.csv"), read("quotes2.csv")
    expected = pd.merge_asof(
        trades.rename_axis("trade").reset_index(),
        quotes.rename_axis("quote").reset_index()[["time", "ticker", "quote"]],
        **{"on": "time", "by": "ticker", "direction": direction},
        **{"tolerance": tolerance, "allow_exact_matches": exact},
    )
    links = rr.link(
        trades,
        quotes.rename(columns={"time": "quoted"}),
        **{"person": "ticker", "index_date": "time", "event_date": "quoted"},
        **{"direction": direction, "window": tolerance, "followup": "ignored"},
        **{"same_day": "include" if exact else "exclude"},
        ties="last row" if direction == "backward" else "first row",
    )
    assert links.event_row.tolist() == expected["quote"].fillna(-1).astype(np.int64).tolist()
