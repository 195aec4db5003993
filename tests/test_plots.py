"""Pictures show what the tables hold, and say what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import rereferral as rr
from rereferral import plots, published
from rereferral.estimate import england
from rereferral.report.style import BLUE, ORANGE, to_png


@pytest.fixture(autouse=True)
def close() -> Iterator[None]:
    yield
    plt.close("all")


FRAME = england([2020])
ASK = {"by": "authority_name", "count": "re_referrals", "of": "referrals"}


def texts(ax: Any) -> list[str]:
    return [
        text.get_text() for text in ax.get_figure().findobj(match=lambda o: hasattr(o, "get_text"))
    ]


def points(ax: Any) -> dict[str, np.ndarray]:
    """By colour, where a picture has its points."""
    found: dict[str, np.ndarray] = {}
    for one in ax.collections:
        if len(one.get_offsets()) and len(one.get_facecolors()):
            colour = to_hex(one.get_facecolors()[0])
            found[colour] = np.asarray(one.get_offsets())
    return found


@pytest.mark.parametrize("dispersion", ["additive", "none"])
def test_a_funnel(dispersion: str) -> None:
    found = rr.funnel(FRAME, dispersion=dispersion, **ASK)
    ax = plots.funnel(found, source="Source: somewhere.", simulated=True)
    drawn = points(ax)
    assert sum(map(len, drawn.values())) == len(found.table)
    counts = found.counts().iloc[-1]
    assert len(drawn[ORANGE.lower()]) == counts["below"] + counts["above"]
    lines = [line for line in ax.lines if len(line.get_xdata()) > 10]
    assert len(lines) == (8 if dispersion == "additive" else 4)
    for line in lines:
        assert np.isfinite(line.get_ydata()).all()
    assert {"SIMULATED", "Source: somewhere."} <= set(texts(ax))
    widest = found.table.loc[found.table["referrals"].idxmax()]
    last = [line.get_ydata()[-1] for line in lines]
    assert min(last) == pytest.approx(
        widest["lower_99_8_spread" if dispersion == "additive" else "lower_99_8"], abs=1e-3
    )


def test_a_league_table() -> None:
    found = rr.league(FRAME[FRAME["region"] == "London"], **ASK)
    ax = plots.league(found)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(
        found.table["authority_name"]
    )
    assert points(ax)[BLUE.lower()][:, 0].tolist() == found.table["rate"].tolist()
    assert set(found.table["place"]) <= set(texts(ax))


def test_a_trend() -> None:
    table = published.official_series().loc[2016:2022].reset_index()
    table["financial_year"] = [f"{year - 1}-{year % 100:02d}" for year in table["year"]]
    found = rr.trend(table, count="re_referrals", of="referrals")
    ax = plots.trend(found, title="Re-referrals")
    hollow = [line for line in ax.lines if to_hex(line.get_markerfacecolor()) == "#ffffff"]
    assert [line.get_xdata().tolist() for line in hollow] == [[5]]
    assert "22.7 %" in texts(ax)
    assert any("Covid-19" in text for text in texts(ax))


def test_estimates() -> None:
    some = FRAME.iloc[::3].dropna(subset=["not_in_need"])
    found = rr.estimate_total(
        some, FRAME, count="not_in_need", scale=["referrals", "children"], within="size"
    )
    ax = plots.estimates(found, published=194_190)
    table = found.sensitivity()
    assert len(ax.get_yticks()) == len(table)
    assert ax.lines[-1].get_xdata()[0] == 194_190
    assert ax.lines[0].get_xdata().tolist() == table["estimate"].tolist()
    assert any("if the answering authorities were a random sample" in text for text in texts(ax))


def test_pictures_are_drawn_where_they_are_asked_for() -> None:
    figure = Figure(figsize=(8, 8))
    some = FRAME[FRAME["region"] == "North East"]
    upper, lower = figure.subplots(2)
    assert plots.funnel(rr.funnel(some, **ASK), ax=upper) is upper
    assert plots.league(rr.league(some, **ASK), ax=lower) is lower
    assert to_png(figure, "a", "b") == to_png(figure, "a", "b")


def test_a_picture_of_its_own_is_one_that_notebooks_show() -> None:
    before = plt.rcParams.copy()
    ax = plots.funnel(rr.funnel(FRAME, **ASK))
    assert plt.get_fignums() == [ax.figure.number]
    assert plt.rcParams == before
