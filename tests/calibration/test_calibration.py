"""The simulated England at full scale, three seeds, beside the published figures."""

from __future__ import annotations

import time

import numpy as np
import pytest
from measure import Measured

import rereferral as rr
from rereferral import published

YEARS = range(2016, 2021)
SEEDS = (1, 2, 3)


@pytest.fixture(
    scope="module",
    params=[(c, s) for c in ("official", "report") for s in SEEDS],
    ids=lambda p: f"{p[0]}-{p[1]}",
)
def england(request):
    calibration, seed = request.param
    simulation = rr.simulate(calibration, seed=seed)
    measured = Measured(simulation.episodes, simulation.observed_until)
    measured.calibration = calibration
    return measured


def below_threshold(england):
    years = np.isin(england.closure_year, YEARS)
    return years & england.reason("RC8", "RC9")


def test_referrals_of_each_year(england):
    official = published.official_series()["referrals"]
    for year in range(2013, 2022):
        assert (england.year == year).sum() == pytest.approx(official[year], rel=0.01), year


def test_look_back_rate(england):
    official = published.official_series()["re_referrals_percent"]
    back = england.looked_back()
    pooled = np.isin(england.year, YEARS)
    assert 100 * back[pooled].mean() == pytest.approx(22.3, abs=0.3)
    for year in YEARS:
        assert 100 * back[england.year == year].mean() == pytest.approx(official[year], abs=1), year


def test_look_back_rate_by_authority(england):
    n, rate = england.by_authority(england.looked_back(), england.year == 2020)
    rate = 100 * rate[n >= 200]
    assert 6 <= rate.min() <= 12
    assert 19.5 <= np.median(rate) <= 22
    assert 31 <= rate.max() <= 40


def test_after_any_closure(england):
    closures = np.isin(england.closure_year, YEARS)
    assert 100 * england.kaplan_meier(closures, 365) == pytest.approx(32, abs=1.5)


def test_after_any_closure_in_six_years(england):
    closures = np.isin(england.closure_year, range(2014, 2020))
    assert 100 * england.kaplan_meier(closures, 2191) == pytest.approx(58, abs=1.5)


def test_after_below_threshold_not_stepped_down(england):
    index = below_threshold(england) & england.reason("RC8")
    assert england.complete()[index].all()
    assert 100 * england.returned()[index].mean() == pytest.approx(25, abs=1)


def test_not_stepped_down(england):
    left = england.reason("RC8")[below_threshold(england)]
    assert 100 * left.mean() == pytest.approx(85, abs=1)


def test_below_threshold_closures(england):
    published_number = {"official": 182_000, "report": 296_000}[england.calibration]
    assert below_threshold(england).sum() / 5 == pytest.approx(published_number, rel=0.02)


def test_headline(england):
    # The official column is 908,130 x 0.85 and 25 % of that.
    closures, not_stepped_down, re_referred = {
        "official": (908_130, 771_911, 193_000),
        "report": (1_482_000, 1_260_000, 320_000),
    }[england.calibration]
    index = below_threshold(england)
    left = index & england.reason("RC8")
    returned = left & england.returned()
    assert index.sum() == pytest.approx(closures, rel=0.03)
    assert left.sum() == pytest.approx(not_stepped_down, rel=0.03)
    assert returned.sum() == pytest.approx(re_referred, rel=0.05)


def test_open_cases(england):
    day = int(np.datetime64("2020-03-31").astype(np.int64))
    later = ~england.closed | (england.closure > day)
    assert ((england.referral <= day) & later).sum() == pytest.approx(407_000, rel=0.03)


def test_speed(tmp_path):
    start = time.process_time()
    simulation = rr.simulate("report", seed=1)
    rows = len(simulation.episodes)
    assert rows / (time.process_time() - start) >= 500_000
    start = time.process_time()
    simulation.save(tmp_path)
    assert rows / (time.process_time() - start) >= 300_000


def test_link_counts_the_same():
    """The package and the measurement, which shares no code with it, on six million rows."""
    simulation = rr.simulate("report", seed=1)
    episodes = simulation.episodes
    measured = Measured(episodes, simulation.observed_until)
    key = {"person": "child_id", "scope": "authority", "event_date": "referral_date"}

    left = rr.link(
        episodes,
        episodes,
        index_filter={"reason_for_closure": ["RC8"]},
        index_date="closure_date",
        window="12 months",
        observed_until=simulation.observed_until,
        **key,
    )
    counted = measured.reason("RC8") & measured.complete()
    np.testing.assert_array_equal(left.followed, counted)
    np.testing.assert_array_equal(left.gap_days[counted] >= 0, measured.returned()[counted])

    back = rr.link(
        episodes,
        episodes,
        index_date="referral_date",
        definition=rr.definitions.DFE,
        observed_from=simulation.observed_from,
        **key,
    )
    counted = measured.year > 2013  # the first year's look-back is not in the table
    counted &= measured.year < 2022
    np.testing.assert_array_equal(back.followed, counted)
    np.testing.assert_array_equal(back.gap_days[counted] >= 0, measured.looked_back()[counted])
