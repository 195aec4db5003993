"""Pictures of the time to an event: steps and points, and the numbers below them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import rereferral as rr
from legible import assert_legible
from plot_cases import durations, protected, several, texts
from rereferral import plots
from rereferral.errors import DataError, RuleError


@pytest.fixture(autouse=True)
def close() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.mark.parametrize("width", [7.5, 4.0])
def test_curves_with_the_numbers_at_risk(width: float) -> None:
    duration, event, year = durations()
    table = rr.curve(duration, event, by={"year": year})
    ax = plots.curve(table, width=width, simulated=True, source="Source: somewhere.")
    assert_legible(ax)
    for line, (label, rows) in zip(ax.lines, table.groupby("year", sort=False), strict=True):
        assert line.get_label() == label
        assert line.get_xdata().tolist() == rows["day"].tolist()
        assert line.get_ydata().tolist() == rows["risk"].tolist()
        mine = duration[year == label]
        for mark in ax.get_xticks():
            # Who stays up to that day, counted slowly.
            assert f"{sum(one >= int(mark) for one in mine):,}" in texts(ax)
    assert {"SIMULATED", "Source: somewhere.", "Months"} <= set(texts(ax))


def test_curves_of_competing_causes_and_of_days() -> None:
    cause = ["re-referral", "death", None, None]
    ax = plots.curve(rr.curve([5, 8, 8, 10], [True, True, False, False], cause=cause))
    assert sorted(line.get_label() for line in ax.lines) == ["death", "re-referral"]
    assert ax.get_xlabel() == "Days"


def by_points(days: list[int], numbers: list[Any], events: list[int]) -> pd.DataFrame:
    """A curve as `rr.protect` gives it: each row tells what lies between it and the one before."""
    risk = np.cumsum(events) / numbers[0]
    table = pd.DataFrame({"day": days, "at_risk": numbers, "events": events, "risk": risk})
    table["at_risk"] = table["at_risk"].astype("Int64")
    return table.assign(lower=risk * 0.9, upper=risk * 1.1)


def numbers_below(ax: Any) -> dict[int, str]:
    """By day, the numbers that stand below a picture of one curve."""
    return {
        int(text.xy[0]): text.get_text()
        for text in ax.texts
        if text.xycoords == ("data", "axes fraction")
    }


QUARTERS = [0, 91, 182, 273, 365, 366]


@pytest.mark.parametrize("width", [7.5, 4.0])
def test_a_curve_told_by_points_is_a_straight_line_between_them(width: float) -> None:
    table = by_points(QUARTERS, [900, 900, 820, 770, 730, 250], [0, 80, 50, 40, 30, 0])
    ax = plots.curve(table, width=width)
    assert_legible(ax)
    (line,) = ax.lines
    assert line.get_drawstyle() == "default"
    assert line.get_xdata().tolist() == QUARTERS
    assert line.get_marker() == "o"
    band = ax.collections[0].get_paths()[0].vertices
    middle = band[(band[:, 0] > 0) & (band[:, 0] < 91)]
    assert len(middle) == 0  # a step would have corners between two points
    assert "lines between them are straight" in " ".join(" ".join(texts(ax)).split())


def test_numbers_at_risk_of_points_are_those_after_them() -> None:
    table = by_points(QUARTERS, [900, 900, 820, 770, 730, 250], [0, 80, 50, 40, 30, 0])
    shown = {0: "900", 91: "820", 182: "770", 273: "730", 365: "250"}
    assert numbers_below(plots.curve(table)) == shown
    # Nobody knows how many there are after the last point.
    assert numbers_below(plots.curve(table.iloc[:-1])) == {
        day: text for day, text in shown.items() if day < 365
    }


def test_numbers_at_risk_that_are_hidden_or_of_another_day_are_not_shown() -> None:
    table = by_points(QUARTERS, [900, 900, None, 770, 730, 250], [0, 80, 50, 40, 30, 0])
    assert numbers_below(plots.curve(table)) == {0: "900", 182: "770", 273: "730", 365: "250"}
    # A week before a mark is near it, a month is not.
    table = by_points([0, 56, 154, 357, 366], [900, 900, 820, 770, 700], [0, 80, 50, 60, 9])
    assert numbers_below(plots.curve(table)) == {0: "900", 56: "820"}


def test_the_protected_curve_of_a_report_is_drawn() -> None:
    table = protected(several(), rr.rules.DFE).tables["curve"]
    ax = plots.curve(table)
    assert_legible(ax)
    groups = list(table.groupby("financial_year", sort=False, observed=True))
    for line, (_, rows) in zip(ax.lines, groups, strict=True):
        assert line.get_xdata().tolist() == rows["day"].tolist()


def test_a_group_that_nobody_was_followed_in_has_no_curve() -> None:
    duration, event, year = durations()
    table = rr.curve(duration, event, by={"year": year})
    table.loc[table["year"] == "2019-20", ["risk", "lower", "upper"]] = np.nan
    assert len(plots.curve(table).lines) == 1
    with pytest.raises(DataError, match="nobody was followed"):
        plots.curve(table[table["risk"].isna()])
    with pytest.raises(DataError, match='no column "at_risk"'):
        plots.curve(table.drop(columns="at_risk"))


def test_more_curves_than_can_be_told_apart_are_refused() -> None:
    with pytest.raises(RuleError, match="9 curves by area cannot be told apart"):
        plots.curve(rr.curve(range(1, 10), [True] * 9, by={"area": [*"abcdefghi"]}))
