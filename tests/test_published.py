"""Package data beside the published files that they were taken from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rereferral import published
from rereferral.simulate.inputs import read_inputs
from shared_data import shared

COUNTS = {
    "Referrals": "referrals",
    "Re_referrals": "re_referrals",
    "No_Further_Action": "no_further_action",
    "Not_in_Need": "not_in_need",
}


def dfe(name: str, level: str) -> pd.DataFrame:
    table = pd.read_csv(shared("dfe_cin_2024", name), na_values=["c", "x", "u", "z"])
    return table[table["geographic_level"] == level]


@pytest.fixture(scope="module")
def referrals():
    name = "c1_children_in_need_referrals_and_rereferrals_2013_to_2024.csv"
    return pd.read_csv(shared("dfe_cin_2024", name), na_values=["c", "x", "u"])


def test_five_years_add_up_to_the_known_sums():
    five = published.official_series().loc[2016:2020].sum()
    assert five["referrals"] == 3_217_130
    assert five["re_referrals"] == 717_930
    assert five["no_further_action"] == 282_540
    assert five["not_in_need"] == 908_130


def test_national_series_is_the_published_one(referrals):
    england = referrals[referrals["geographic_level"] == "National"].set_index("time_period")
    held = published.official_series().loc[2013:2024]
    for theirs, ours in {
        **COUNTS,
        "Re_referrals_percent": "re_referrals_percent",
        "Not_in_Need_percent": "not_in_need_percent",
        "Referrals_child": "children_referred",
        "Re_referrals_child": "children_re_referred",
    }.items():
        assert (england[theirs].sort_index().to_numpy() == held[ours].to_numpy(float)).all(), ours


def test_assessments_and_children_are_the_published_ones():
    held = published.official_series()
    series = dfe("a1_cin_assessments_episodes_referrals_2013_to_2024.csv", "National")
    done = series[series["category_type"] == "Assessments completed in the year"]
    done = done[done["time_period"] >= 2015]
    done = dict(zip(done["time_period"], done["number"].astype(int), strict=True))
    assert held["assessments_completed"].loc[2015:2024].to_dict() == done
    people = dfe("ons_mid-year_population_estimates_2012_to_2023.csv", "National")
    # The financial year is set beside the middle of the calendar year in which it begins.
    children = {
        y + 1: n for y, n in zip(people.time_period, people.population_estimate, strict=True)
    }
    assert held["children_aged_0_17"].loc[2013:2024].to_dict() == children


@pytest.mark.parametrize(
    ("level", "key", "held"),
    [
        ("Regional", "region_code", published.regional_series),
        ("Local authority", "new_la_code", published.authority_series),
    ],
)
def test_regions_and_authorities_are_the_published_ones(referrals, level, key, held):
    theirs = referrals[referrals["geographic_level"] == level]
    theirs = (
        theirs[~theirs["region_name"].isin(["Inner London", "Outer London"])]
        if level == ("Regional")
        else theirs
    )
    theirs = theirs.set_index(["time_period", key])[list(COUNTS)].sort_index()
    ours = held().rename(columns={"authority": key}).set_index(["year", key])
    ours = ours[list(COUNTS.values())].sort_index()
    assert list(theirs.index) == list(ours.index)
    np.testing.assert_array_equal(
        theirs.to_numpy(float), ours.astype("Float64").to_numpy(float, na_value=np.nan)
    )


def test_sizes_of_authorities_are_the_published_ones():
    ours = published.authority_sizes().set_index(["year", "authority"]).astype("Float64")
    for name, column, held, shift in (
        (
            "c2_children_in_need_assessments_duration_2014_to_2024.csv",
            *("Assessments_completed", "assessments", 0),
        ),
        (
            "ons_mid-year_population_estimates_2012_to_2023.csv",
            *("population_estimate", "children", 1),
        ),
    ):
        theirs = dfe(name, "Local authority")
        keys = [theirs["time_period"] + shift, theirs["new_la_code"]]
        theirs = theirs.set_index(keys)[column].astype(float)
        found = ours[held].to_numpy(float, na_value=np.nan)
        there = ours.index.isin(theirs.index)
        assert np.isnan(found[~there]).all()
        assert there.sum() == len(theirs)
        np.testing.assert_array_equal(found[there], theirs.loc[ours.index[there]].to_numpy())


def test_authorities_are_those_of_2019(referrals):
    theirs = referrals[
        (referrals["geographic_level"] == "Local authority") & (referrals["time_period"] == 2019)
    ].sort_values("new_la_code")
    ours = published.authorities()
    assert len(ours) == 152
    assert list(ours["authority"]) == list(theirs["new_la_code"])
    assert list(ours["authority_name"]) == list(theirs["la_name"])
    region = theirs["region_name"].replace({"Inner London": "London", "Outer London": "London"})
    assert list(ours["region"]) == list(region)
    assert ours["region_code"].nunique() == 9


def test_later_authorities_are_those_whose_codes_came_after_2019(referrals):
    theirs = referrals[referrals["geographic_level"] == "Local authority"]
    theirs = theirs[~theirs["new_la_code"].isin(published.authorities()["authority"])]
    first = theirs.astype({"time_period": int}).groupby("new_la_code")["time_period"].min()
    ours = published.later_authorities().astype({"first_year": int}).set_index("authority")
    assert ours["first_year"].to_dict() == first.to_dict()
    for column, name in (("authority_name", "la_name"), ("region", "region_name")):
        assert ours[column].to_dict() == theirs.groupby("new_la_code")[name].last().to_dict()


def test_months_and_sources_are_the_published_ones():
    inputs = read_inputs()
    for name, shares in (
        ("c6_children_in_need_referrals_by_month_2013_to_2024.csv", inputs.month_share),
        ("c5_children_in_need_referrals_by_source_2014_to_2024.csv", inputs.source_share),
    ):
        theirs = dfe(name, "National").sort_values("time_period")
        counts = theirs[theirs.columns[12:]].to_numpy(float)
        expected = counts / counts.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(shares[-len(expected) :], expected)


def test_reasons_are_the_published_ones():
    theirs = dfe("b6_children_in_need_reason_for_closure_2013_to_2024.csv", "National")
    five = theirs[theirs["time_period"].between(2016, 2020)]
    counts = {c[:3]: five[c].sum() for c in five if c.startswith("RC") and "percent" not in c}
    known = sum(counts.values())
    assert read_inputs().reason_share == {
        code: pytest.approx(n / known) for code, n in counts.items()
    }


def test_figures_agree_with_their_own_arithmetic():
    figures = published.figures()["too_little_too_late"]
    value = {k: v["value"] for k, v in figures.items() if isinstance(v, dict)}
    assert value["re_referred"] / 5 == value["re_referred_a_year"]
    assert value["not_stepped_down"] / value["not_stepped_down_rate"] == pytest.approx(
        value["below_threshold"], abs=500
    )
