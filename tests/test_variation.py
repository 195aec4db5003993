"""Funnels, places and trends: against published answers, by hand, and what must hold of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import rereferral as rr
from rereferral import published
from rereferral.variation.dispersion import SCALES, measure, winsorised
from rereferral.variation.funnel import binomial_limits
from shared_data import exact_csv, shared


def authorities(year: int = 2020) -> pd.DataFrame:
    table = published.authority_series()
    return table[table["year"] == year]


def official(**rules: object) -> rr.Funnel:
    return rr.funnel(authorities(), by="authority", count="re_referrals", of="referrals", **rules)


def outside(found: rr.Funnel, level: float, limits: str = "chance alone") -> int:
    counts = found.counts().set_index(["limits", "level"]).loc[(limits, level)]
    return int(counts["below"] + counts["above"])


# ---------------------------------------------------------------- published answers


def test_the_limits_of_phe() -> None:
    given = exact_csv(shared("statistics", "testdata_funnel_prop_inputs.csv"))
    expected = exact_csv(shared("statistics", "testdata_funnel_prop_outputs.csv"))
    found = rr.funnel(
        given, by="Area", count="numerator", of="denominator", limits="wilson", dispersion="none"
    )
    assert found.lines.reference * 100 == pytest.approx(expected["Baseline"].iloc[0], abs=5e-7)
    limits = found.lines.at(expected["Population"])
    for ours, theirs in {
        "lower_95": "Lower2s0025limit",
        "upper_95": "Upper2s0025limit",
        "lower_99_8": "Lower3s0001limit",
        "upper_99_8": "Upper3s0001limit",
    }.items():
        # The file has six decimals.
        assert limits[ours].to_numpy() * 100 == pytest.approx(expected[theirs], abs=5.001e-7)


def test_the_verdicts_of_phe() -> None:
    given = exact_csv(shared("statistics", "testdata_funnel_prop_inputs.csv"))
    found = rr.funnel(
        given, by="Area", count="numerator", of="denominator", limits="wilson", dispersion="none"
    )
    words = {
        "": "Not significant",
        "above the 95 % limits": "High (0.025)",
        "above the 99.8 % limits": "High (0.001)",
        "below the 95 % limits": "Low (0.025)",
        "below the 99.8 % limits": "Low (0.001)",
    }
    assert found.table["outside"].map(words).tolist() == given["significance"].tolist()


def test_the_authorities_of_2020() -> None:
    found = official(limits="wilson")
    assert len(found.table) == 148
    assert outside(found, 0.998) == 107
    assert round(found.lines.spread.phi) == 47
    assert outside(found, 0.998, "chance and ordinary differences") < 10
    assert any("107 of 148 areas lie outside the 99.8 % limits" in line for line in found.words())
    assert len(found.missing) == 3


# ---------------------------------------------------------------- funnels


def test_multiplicative_limits_are_refused_where_phi_is_large() -> None:
    with pytest.raises(rr.RuleError, match=r"phi is 46\.9: above 10"):
        official(dispersion="multiplicative")


def test_multiplicative_limits() -> None:
    random = np.random.default_rng(3)
    n = random.integers(50, 4_000, 80)
    rate = np.clip(random.normal(0.25, 0.02, 80), 0.01, 0.99)
    table = {"area": np.arange(80), "n": n, "linked": random.binomial(n, rate)}
    ask = {"by": "area", "limits": "wilson"}
    wide = rr.funnel(table, dispersion="multiplicative", **ask)
    phi, p = wide.lines.spread.phi, wide.lines.reference
    assert 1 < phi < 10
    half = 1.959963984540054 * np.sqrt(phi * p * (1 - p) / n)
    assert wide.table["lower_95_spread"].to_numpy() == pytest.approx(np.clip(p - half, 0, 1))
    assert outside(wide, 0.95, "chance and ordinary differences") < outside(wide, 0.95)


@pytest.mark.parametrize("scale", ["logit", "arcsine"])
def test_spread_is_what_was_put_in(scale: str) -> None:
    """Areas that differ by a known amount, without chance: the moments must find it."""
    random = np.random.default_rng(7)
    areas, tau = 4_000, 0.05
    there = SCALES[scale]
    middle = there.middle(0.3)
    n = random.integers(300, 3_000, areas).astype(float)
    place = middle + random.normal(0, tau, areas) + random.normal(0, there.chance(0.3, n))
    found = measure(there.back(place), n, 0.3, there, 0.0)
    assert found.tau == pytest.approx(tau, rel=0.05)
    flat = middle + random.normal(0, there.chance(0.3, n))
    plain = measure(there.back(flat), n, 0.3, there, 0.0)
    assert plain.phi == pytest.approx(1, abs=0.1)
    assert plain.tau < 0.01


@pytest.mark.parametrize("scale", ["logit", "arcsine"])
def test_tau_by_hand(scale: str) -> None:
    found = official(scale=scale)
    rate, n = found.table["rate"].to_numpy(), found.table["referrals"].to_numpy(float)
    p = found.lines.reference
    if scale == "logit":
        y, middle, s = (
            np.log(rate / (1 - rate)),
            math.log(p / (1 - p)),
            1 / np.sqrt(n * p * (1 - p)),
        )
    else:
        y, middle, s = np.arcsin(np.sqrt(rate)), math.asin(math.sqrt(p)), 0.5 / np.sqrt(n)
    z = np.sort((y - middle) / s)
    low, high = np.quantile(z, 0.1), np.quantile(z, 0.9)
    q = sum(min(max(one, low), high) ** 2 for one in z)
    w = s**-2
    tau2 = (q - (len(z) - 1)) / (w.sum() - (w**2).sum() / w.sum())
    assert found.lines.spread.tau == pytest.approx(math.sqrt(tau2), rel=1e-12)
    half = 3.090232306167813 * np.sqrt(s**2 + tau2)
    back = (lambda x: 1 / (1 + np.exp(-x))) if scale == "logit" else (lambda x: np.sin(x) ** 2)
    assert found.table["upper_99_8_spread"].to_numpy() == pytest.approx(back(middle + half))
    assert found.table["lower_99_8_spread"].to_numpy() == pytest.approx(back(middle - half))


def test_winsorised_values_are_moved_to_the_next() -> None:
    assert winsorised(np.array([0.0, 1, 2, 3, 100]), 0.25).tolist() == [1, 1, 2, 3, 3]
    assert winsorised(np.array([0.0, 1, 100]), 0).tolist() == [0, 1, 100]


@pytest.mark.parametrize("p", [0.02, 0.25, 0.9])
def test_exact_limits_hold_as_much_as_they_say(p: float) -> None:
    """As little lies beyond an exact limit as beyond the whole numbers on both its sides."""
    n = np.arange(1, 400, dtype=float)
    low, high = binomial_limits(p, n, 0.95)
    assert (low <= p).all()
    assert (p <= high).all()
    inside = (low > 0) & (high < 1) & (high > p)
    below, above = np.floor(low * n)[inside], np.ceil(high * n)[inside]
    some = n[inside]
    assert (stats.binom.cdf(below - 1, some, p) < 0.025).all()
    assert (stats.binom.cdf(below + 1, some, p) >= 0.025).all()
    assert (stats.binom.sf(above, some, p) < 0.025).all()
    assert (stats.binom.sf(above - 2, some, p) >= 0.025).all()


def test_exact_and_wilson_limits_come_together() -> None:
    sizes = np.array([1e3, 1e5])
    exact, wilson = (official(limits=kind).lines.chance(sizes) for kind in ("exact", "wilson"))
    for name, limit in exact.items():
        off = abs(limit - wilson[name])
        assert off[0] < 2e-3
        assert off[1] < 2e-5


def test_what_links_give_is_taken_as_it_is() -> None:
    random = np.random.default_rng(1)
    day = np.datetime64("2016-04-01") + random.integers(0, 1_500, 4_000)
    table = pd.DataFrame(
        {
            "child": random.integers(0, 1_500, 4_000),
            "area": np.array(list("ABCD"))[random.integers(0, 4, 4_000)],
            "day": day,
        }
    )
    links = rr.link(
        *(table, table),
        **{"person": "child", "scope": "area", "index_date": "day", "event_date": "day"},
        observed_until="2020-12-31",
    )
    rates = links.rates(by=["area"])
    found = rr.funnel(rates, by="area")
    assert found.lines.reference == rates["linked"].sum() / rates["n"].sum()
    assert found.table["n"].tolist() == rates["n"].tolist()
    assert rr.league(rates, by="area").table["n"].sum() == rates["n"].sum()
    years = rr.trend(links.rates(by="financial_year"))
    assert years["rate"].dropna().between(0, 1).all()


# ---------------------------------------------------------------- places


def test_places_hold_all_that_may_be() -> None:
    """Every order of true rates within the limits gives each area a place in its range."""
    table = {
        "area": list("abcdef"),
        "n": [90, 400, 900, 60, 3_000, 25],
        "linked": [30, 90, 310, 9, 600, 8],
    }
    found = rr.league(table, by="area")
    rows = found.table
    random = np.random.default_rng(2)
    true = random.uniform(rows["lower"], rows["upper"], (4_000, 6))
    place = 1 + (true[:, None, :] > true[:, :, None]).sum(2)
    assert (place >= rows["first"].to_numpy()).all()
    assert (place <= rows["last"].to_numpy()).all()
    for area, row in rows.iterrows():
        for own, other, expected in (("upper", "lower", "first"), ("lower", "upper", "last")):
            rates = rows[other].to_numpy(copy=True)
            rates[area] = row[own]
            assert 1 + (rates > rates[area]).sum() == row[expected]


def test_places_hold_together_as_often_as_they_say() -> None:
    random = np.random.default_rng(4)
    n = random.integers(100, 2_000, 20)
    rate = np.linspace(0.15, 0.35, 20)
    true = 20 - np.arange(20)
    held = 0
    for _ in range(400):
        table = {"area": np.arange(20), "n": n, "linked": random.binomial(n, rate)}
        rows = rr.league(table, by="area").table.sort_values("area")
        held += bool(((rows["first"] <= true) & (true <= rows["last"])).all())
    assert held / 400 >= 0.95


def test_areas_that_cannot_be_told_apart_have_no_place() -> None:
    table = {"area": ["a", "b", "c"], "n": [10, 12, 11], "linked": [3, 4, "c"]}
    found = rr.league(table, by="area")
    assert found.table["place"].tolist() == ["1 to 2", "1 to 2"]
    assert "0 have a place of their own" in repr(found)
    assert found.missing["reason"].tolist() == ["linked is suppressed (c)"]
    assert "1 areas have no rate" in repr(found)


def test_the_official_table_tells_few_apart() -> None:
    found = rr.league(authorities(), by="authority", count="re_referrals", of="referrals")
    assert found.table["authority"].iloc[0] == "E06000046"  # Isle of Wight, 35.4 %
    assert found.table["rate"].iloc[0] == pytest.approx(0.354, abs=5e-4)
    assert (found.table["first"] < found.table["last"]).mean() > 0.9


# ---------------------------------------------------------------- trends


def test_the_official_trend() -> None:
    table = published.official_series().loc[2016:2022].reset_index()
    table["financial_year"] = [f"{year - 1}-{year % 100:02d}" for year in table["year"]]
    found = rr.trend(table.iloc[::-1], count="re_referrals", of="referrals")
    assert found["financial_year"].tolist() == table["financial_year"].tolist()
    assert (found["rate"] * 100).round(1).tolist() == [22.5, 21.9, 21.9, 22.6, 22.6, 22.7, 21.5]
    assert found["note"].tolist() == ["", "", "", "", "", "Covid-19", ""]
    assert found["change"].iloc[1:].to_numpy() == pytest.approx(np.diff(found["rate"]))
    assert (found["lower_99_8"] < found["lower_95"]).all()


def test_newcombe_limits_of_a_change() -> None:
    # The published example: 56/70 against 48/80, difference 0.2, limits 0.0524 and 0.3339.
    table = {"financial_year": ["2018-19", "2019-20"], "n": [80, 70], "linked": [48, 56]}
    row = rr.trend(table).iloc[1]
    assert row["change"] == pytest.approx(0.2)
    assert row["change_lower"] == pytest.approx(0.0524, abs=5e-5)
    assert row["change_upper"] == pytest.approx(0.3339, abs=5e-5)


def test_a_year_without_a_rate_stays() -> None:
    table = {"year": [2018, 2019, 2020], "n": [80, "x", 90], "linked": [20, 10, 30]}
    found = rr.trend(table, by="year", covid=[2020])
    assert found["note"].tolist() == ["", "n is not available (x)", "Covid-19"]
    assert found["rate"].isna().tolist() == [False, True, False]
    assert found["change"].isna().all()


@pytest.mark.parametrize("covid", ["2020-21", 2021, np.int64(2021), ["2020-21"], [2021]])
def test_a_single_year_is_marked_however_it_is_given(covid: Any) -> None:
    table = {"financial_year": ["2019-20", "2020-21"], "n": [80, 90], "linked": [20, 30]}
    found = rr.trend(table, covid=covid)
    assert found["note"].tolist() == ["", "Covid-19"]


def test_changes_are_those_between_neighbouring_years() -> None:
    names = ["1998-99", "1999-00", "2001-02", "2002-03", "2006-07"]
    table = {"financial_year": names, "n": [80] * 5, "linked": [20, 22, 24, 26, 28]}
    found = rr.trend(table)
    assert found["change"].isna().tolist() == [True, False, True, False, True]
    assert found["change_lower"].isna().tolist() == [True, False, True, False, True]
    assert found["note"].tolist() == [
        *("", "", "2000-01 is missing", "", "2003-04 to 2005-06 are missing")
    ]
    found = rr.trend({"year": [2018, 2020], "n": [8, 8], "linked": [2, 3]}, by="year", covid=2020)
    assert found["note"].tolist() == ["", "Covid-19; 2019 is missing"]


def test_labels_that_are_no_years_follow_each_other() -> None:
    table = {"when": ["2019 first half", "2020-21"], "n": [80, 90], "linked": [20, 30]}
    found = rr.trend(table, by="when", covid=())
    assert found["change"].notna().tolist() == [False, True]
    assert found["note"].tolist() == ["", ""]


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"linked": -1}, "linked of B is -1"),
        ({"linked": 50}, "linked of B is 50, above its n of 40"),
        ({"linked": "~5"}, "B: '~5' is neither a number nor one of the symbols"),
        ({"area": "A"}, "A stands in the table twice"),
    ],
)
@pytest.mark.parametrize("ask", [rr.funnel, rr.league, rr.trend])
def test_rows_that_are_refused(ask: object, change: dict[str, object], message: str) -> None:
    table = pd.DataFrame({"area": ["A", "B"], "n": [30, 40], "linked": [10, 10]}, dtype=object)
    for column, value in change.items():
        table.loc[1, column] = value
    with pytest.raises(rr.DataError, match=message):
        ask(table, by="area")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"limits": "normal"}, "limits='normal' is none of exact, wilson"),
        ({"dispersion": "yes"}, "dispersion='yes' is none of"),
        ({"scale": "log"}, "scale='log' is none of logit, arcsine"),
        ({"winsorise": 0.5}, "winsorise=0.5 is not from 0 to below 0.5"),
        ({"reference": 1.0}, "a reference of 1 has no limits"),
        ({"levels": [95]}, "a confidence level lies between 0 and 1"),
        ({"by": []}, "by names no columns"),
    ],
)
def test_rules_that_are_refused(rules: dict[str, object], message: str) -> None:
    table = {"area": ["A", "B"], "n": [30, 40], "linked": [10, 10]}
    with pytest.raises(rr.RuleError, match=message):
        rr.funnel(table, **{"by": "area", **rules})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"linked": [0.2586, 0.3]}, "linked of A is 0.2586, no whole number; give counts"),
        ({"n": [30, 40.5]}, "n of B is 40.5, no whole number"),
    ],
)
def test_places_need_whole_counts(change: dict[str, list[float]], message: str) -> None:
    table = {"area": ["A", "B"], "n": [30, 40], "linked": [10, 10]}
    with pytest.raises(rr.DataError, match=message):
        rr.league(table | change, by="area")


def test_exact_limits_need_whole_counts() -> None:
    table = {"area": ["A", "B"], "n": [30, 40], "linked": [10.5, 10]}
    with pytest.raises(rr.RuleError, match="exact limits are those of whole counts"):
        rr.funnel(table, by="area")
