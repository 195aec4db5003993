"""What tables tell together that none of them tells alone: each way was once open."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import rereferral as rr

LINK = {
    "index_filter": {"reason_for_closure": ["RC8", "RC9"]},
    "person": "child_id",
    "scope": "authority",
    "index_date": "closure_date",
    "event_date": "referral_date",
    "observed_until": "2021-03-31",
}


def table(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns)


def hidden(release: rr.Release, name: str, column: str) -> list[bool]:
    return release.tables[name][column].isna().tolist()


def rates(window: object = "12 months", authority: str = "Hartlepool", **rules: object) -> rr.Links:
    episodes = rr.simulate(authorities=[authority], seed=1).episodes
    return rr.link(episodes, episodes, **LINK, window=window, **rules)


# ---------------------------------------------------------------- sums


def test_two_tables_of_the_same_persons_have_equal_sums() -> None:
    """90 by year and 45 + 42 + c by sex: no table has the 90, and yet c would be 3."""
    release = rr.protect(
        {
            "by_year": table(authority=["A"] * 3, year=["1", "2", "3"], n=[20, 30, 40]),
            "by_sex": table(authority=["A"] * 3, sex=["F", "M", "X"], n=[45, 42, 3]),
        }
    )
    lost = hidden(release, "by_sex", "n")
    assert lost[2]
    assert sum(lost) > 1 or any(hidden(release, "by_year", "n"))


def test_one_row_that_does_not_add_up_says_nothing_of_the_others() -> None:
    release = rr.protect(
        {
            "fine": table(authority=list("AABB"), year=["1", "2"] * 2, n=[3, 40, 50, 60]),
            "all": table(authority=["A", "B"], n=[43, 109]),
        }
    )
    assert hidden(release, "fine", "n")[:2] == [True, True] or hidden(release, "all", "n")[0]
    assert release.published["all"]["n"].iloc[1] == "109"
    assert any('n of "fine" to "all"' in note for note in release.notes)


def test_a_revised_count_elsewhere_does_not_open_an_earlier_release() -> None:
    """A was 3, 20, 31 of 54, with 3 and 20 hidden; now B is revised, and A stays as it was."""
    rows = {"authority": list("AAABBB"), "year": ["1", "2", "3"] * 2}
    first = rr.protect(
        {
            "fine": table(**rows, n=[3, 20, 31, 50, 60, 70]),
            "all": table(authority=["A", "B"], n=[54, 180]),
        }
    )
    before = [a or b for a, b in zip(hidden(first, "fine", "n"), [False] * 6, strict=True)]
    again = rr.protect({"fine": table(**rows, n=[3, 20, 31, 50, 60, 71])}, earlier=first)
    assert hidden(again, "fine", "n")[:3] == before[:3]


def test_a_ledger_is_taken_line_by_line() -> None:
    ledger = table(
        table=["index"] * 3,
        step=["given", "null", "observed"],
        reason=["given", "id is missing", "too late"],
        removed=[0, 3, 60],
        remaining=[1000, 997, 937],
    )
    release = rr.protect({"ledger": ledger}, area=None)
    assert hidden(release, "ledger", "removed") == [False, True, False]
    assert any(hidden(release, "ledger", "remaining"))


@pytest.mark.parametrize("what", ["rates", "curve"])
def test_a_ledger_ends_with_the_denominator(what: str) -> None:
    """612 at its end less 609 of one area are 3 of the other."""
    episodes = rr.simulate(authorities=["Rutland", "City of London"], seed=1).episodes
    late = episodes["closure_date"] >= "2019-04-01"
    episodes = episodes[(episodes["authority"] != "E09000001") | late]
    links = rr.link(episodes, episodes, **LINK, window="12 months")
    areas = links.rates(by="authority") if what == "rates" else links.curve(by="authority")
    assert links.rates(by="authority")["n"].between(1, 5).any()
    release = rr.protect({"ledger": links.ledger, "areas": areas}, area=None)
    ledger, areas = release.tables["ledger"], release.tables["areas"]
    end = ledger.loc[ledger["table"] == "index", "remaining"].iloc[-1]
    assert pd.isna(end) or (areas["n"].isna().all() if what == "rates" else areas.empty)


def test_children_who_did_not_return_are_a_count_too() -> None:
    release = rr.protect(
        {
            "children": table(
                authority=["A"],
                closures=[40],
                children=[22],
                rereferred_closures=[30],
                rereferrals=[25],
                rereferred_children=[20],
            )
        }
    )
    assert hidden(release, "children", "children")[0] or hidden(
        release, "children", "rereferred_children"
    )


def test_a_report_tells_the_same_of_rows_without_an_id_everywhere() -> None:
    episodes = rr.simulate(authorities=["Hartlepool"], seed=1).episodes
    episodes.loc[episodes.index[100:103], "child_id"] = None
    report = rr.missed_opportunities(episodes, years=range(2016, 2021), observed_until="2021-03-31")
    ledger = report.tables["ledger"]
    left = ledger.loc[ledger["step"] == "observed", "remaining"].iloc[-1]
    assert report.tables["completeness"]["referrals"].sum() == left == len(episodes) - 3
    shown = report.protect().shown
    assert len(episodes) not in shown["ledger"]["remaining"].tolist()
    assert len(episodes) not in shown["completeness"]["referrals"].tolist()


# ---------------------------------------------------------------- windows


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_no_two_windows_leave_a_small_count(order: list[int]) -> None:
    """Between 20 and 24 lie 4, also where the 22 between them is hidden."""
    given = table(window=["3 months", "6 months", "12 months"], n=[100] * 3, linked=[20, 22, 24])
    release = rr.protect({"windows": given.iloc[order].assign(authority="A")})
    assert sum(hidden(release, "windows", "linked")) >= 2


def test_windows_of_one_cohort_have_one_denominator() -> None:
    """14 of 16 and two hidden denominators: 2 were not linked."""
    given = table(
        authority=["A"] * 3,
        window=["3 months", "6 months", "12 months"],
        n=[16, 16, 16],
        linked=[14, 14, 15],
    )
    release = rr.protect({"windows": given})
    n, linked = (hidden(release, "windows", column) for column in ("n", "linked"))
    assert all(n) or all(linked)


def test_who_was_not_followed_for_longer_may_be_found() -> None:
    given = table(
        authority=["A"] * 2, window=["6 months", "12 months"], n=[100, 97], linked=[20, 40]
    )
    assert not any(hidden(rr.protect({"windows": given}), "windows", "n"))


@pytest.mark.parametrize("windows", ["one table", "two tables"])
def test_a_window_in_a_table_of_its_own_is_the_same_count(windows: str) -> None:
    six, twelve = (
        table(authority=["A", "B"], n=[100, 90], linked=linked) for linked in ([20, 30], [23, 40])
    )
    tables = {"six": six, "twelve": twelve}
    if windows == "one table":
        both = [six.assign(window="6 months"), twelve.assign(window="12 months")]
        tables = {"windows": pd.concat(both, ignore_index=True), "twelve": twelve}
    release = rr.protect(tables)
    shown = {
        (name, label): value
        for name, published in release.published.items()
        for label, value in zip(
            published.get("window", pd.Series([name] * len(published))), published["linked"],
            strict=True,
        )
        if published["authority"].iloc[0] == "A" and value in ("20", "23")
    }  # fmt: skip
    assert len(set(shown.values())) < 2


# ---------------------------------------------------------------- what goes with counts


@pytest.mark.parametrize("rule", [rr.rules.DFE, rr.rules.OPENSAFELY])
def test_how_limits_were_made_goes_with_the_counts(rule: rr.rules.Rule) -> None:
    """Only of three rows or more is it said that a deff below 1 was not used."""
    given = table(
        authority=["A"] * 3,
        year=["1", "2", "3"],
        n=[3, 4, 60],
        linked=[1, 1, 20],
        method=["Wilson, deff of person clusters below 1 not used"] * 3,
    )
    release = rr.protect({"rates": given}, rule)
    lost = release.tables["rates"]["method"].isna().tolist()
    assert lost == [True, True, False]
    assert "Wilson" not in release.published["rates"]["method"].iloc[0]


def test_a_risk_is_no_quotient_of_the_counts_beside_it() -> None:
    """Kaplan-Meier's 0.5 of 100 and 40 contradicts nothing."""
    given = table(authority=["A", "B"], n=[100, 90], linked=[40, 30], rate=[0.5, 0.4])
    release = rr.protect({"areas": given, "all": table(n=[190], linked=[70], rate=[0.45])})
    assert release.attack().passed
    assert release.published["areas"]["rate"].tolist() == ["0.500", "0.400"]


def test_what_was_shown_as_0_before_is_still_a_secret() -> None:
    """6 and 7 stood as 0; their sum, 13 shown as 15, would leave them two values each."""
    fine = table(authority=list("AABB"), year=["1", "2"] * 2, n=[6, 7, 40, 50])
    first = rr.protect({"fine": fine}, rr.rules.OPENSAFELY)
    later = {"areas": table(authority=["A", "B"], n=[13, 90])}
    again = rr.protect(later, rr.rules.OPENSAFELY, earlier=first)
    assert hidden(again, "areas", "n")[0]


# ---------------------------------------------------------------- curves


def between(curve: pd.DataFrame) -> dict[object, dict[int, int]]:
    """By group the events up to each point."""
    return {
        key: dict(zip(rows["day"].tolist(), rows["events"].cumsum().tolist(), strict=True))
        for key, rows in curve.groupby("financial_year", sort=False)
    }


@pytest.mark.parametrize("seed", [2, 8])
def test_the_curve_of_all_years_leaves_none_of_them(seed: int) -> None:
    """One authority, nothing is rounded: the whole has no point that a part has not."""
    episodes = rr.simulate(authorities=["Hartlepool"], seed=seed).episodes
    report = rr.missed_opportunities(episodes, years=range(2016, 2021), observed_until="2021-03-31")
    told = between(report.protect().tables["curve"])
    whole = told.pop("all years")
    if told:
        assert set(whole) <= set.intersection(*(set(points) for points in told.values()))
        for days in zip(sorted(whole), sorted(whole)[1:], strict=False):
            for points in told.values():
                lies = points[days[1]] - points[days[0]]
                assert lies == 0 or lies > 5


def test_beside_windows_an_exact_curve_has_its_ends_alone() -> None:
    """23 within 100 days and 20 up to day 91 are 3 in between."""
    links = rates(["100 days", "365 days"])
    by = ["authority"]
    release = rr.protect({"windows": links.rates(by=by), "curve": links["365 days"].curve(by=by)})
    assert release.tables["curve"]["day"].tolist() == [0, 365]
    assert "ends alone" in release.log["done"].tolist()
    alone = rr.protect({"curve": links["365 days"].curve(by=by)})
    assert len(alone.tables["curve"]) > 2


def test_few_who_left_are_not_told_by_the_numbers_at_risk() -> None:
    """Two died in the first quarter: 93 at risk, 20 returned, and 71 would be left."""
    curve = table(
        authority=["A"] * 5,
        day=[0, 30, 61, 120, 365],
        at_risk=[93, 93, 73, 71, 61],
        events=[0, 20, 0, 10, 10],
        censored=[0, 0, 2, 0, 51],
        risk=[0, 0.21, 0.21, 0.32, 0.43],
        lower=[0, 0.1, 0.1, 0.2, 0.3],
        upper=[0, 0.3, 0.3, 0.4, 0.5],
    )
    told = rr.protect({"curve": curve}).tables["curve"]
    assert told["at_risk"].iloc[0] == 93
    assert 71 not in told["at_risk"].dropna().tolist()


def test_a_curve_ends_with_its_last_event() -> None:
    """Day 366 would tell the few who had a leap year and did not come back."""
    curve = table(
        authority=["A"] * 4,
        day=[0, 60, 300, 366],
        at_risk=[40, 40, 30, 4],
        events=[0, 10, 20, 0],
        censored=[0, 0, 6, 4],
        risk=[0, 0.25, 0.75, 0.75],
    )
    told = rr.protect({"curve": curve}).tables["curve"]
    assert not told["at_risk"].between(1, 5).any()
    assert told["risk"].iloc[-1] == 0.75


def test_risks_of_rounded_counts_are_rounded_alike() -> None:
    """Many risks with three decimals of one exact number would tell it."""
    links = rates()
    curve = links.curve()
    told = rr.protect({"curve": curve}).tables["curve"]
    n = float(told["at_risk"].iloc[0])
    assert n % 10 == 0
    inner = told.iloc[:-1]
    steps = inner["risk"] * n / 10
    assert np.abs(steps - steps.round()).max() < 0.001 * n / 10
    assert told["risk"].iloc[-1] == pytest.approx(curve["risk"].iloc[-1], abs=0.0005)
    assert "std_error" not in told
    assert (told["lower"] <= told["risk"]).all()
    assert (told["risk"] <= told["upper"]).all()


# ---------------------------------------------------------------- what is refused or read


AREAS = {"authority": list("ABC"), "n": [1200, 900, 800]}


@pytest.mark.parametrize(
    ("given", "arguments", "message"),
    [
        ({**AREAS, "linked": ["300", "4", "c"]}, {}, "row 2: 'c' among numbers as text"),
        ({**AREAS, "linked": ["1,300", "4", "<5"]}, {}, "row 2: '<5' among numbers as text"),
        ({**AREAS, "linked": [300, 4, 12.5]}, {}, 'column "linked", row 2: 12.5 is not a count'),
        (AREAS, {"equations": ["Total = girls + boys"]}, '"Total = girls .* fits no table'),
        (AREAS, {"parts": {"authority": {"England": ["D"]}}}, 'parts names "England"'),
        (AREAS, {"area": "LA"}, 'area names the column "LA", which no table has'),
        (
            {**AREAS, "n": [1200, 900, np.inf]},
            {"counts": {"t": ["n"]}},
            "row 2: inf is not a count",
        ),
    ],
)
def test_what_would_not_be_looked_after_is_refused(
    given: dict[str, list[object]], arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(rr.RereferralError, match=message):
        rr.protect({"t": table(**given)}, **arguments)


def test_what_is_no_set_of_tables_or_releases_is_refused() -> None:
    with pytest.raises(rr.RuleError, match="tables is a DataFrame; give them by name"):
        rr.protect(table(**AREAS))
    with pytest.raises(rr.RuleError, match="earlier has a str"):
        rr.protect({"t": table(**AREAS)}, earlier=["before"])
    twice = table(**AREAS)
    twice.columns = ["authority", "authority"]
    with pytest.raises(rr.DataError, match='has two columns "authority"'):
        rr.protect({"t": twice})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (2019, 2019.0),
        ("2019-20", "2019-20 "),
        (pd.Timestamp("2019-04-01"), "2019-04-01"),
    ],
)
def test_groups_that_say_the_same_are_the_same(one: object, other: object) -> None:
    release = rr.protect(
        {
            "areas": table(authority=["A", "B"], year=[one, one], n=[3, 30]),
            "all": table(year=[other], n=[33]),
        },
        area=None,
    )
    assert hidden(release, "areas", "n")[1] or hidden(release, "all", "n")[0]


def test_what_groupby_puts_into_the_index_is_a_group() -> None:
    counted = table(authority=list("AAB"), n=[1, 2, 30]).groupby("authority").sum()
    release = rr.protect({"areas": counted})
    assert release.tables["areas"]["authority"].tolist() == ["A", "B"]


def test_rules_are_taken_by_name() -> None:
    tables = {"t": table(authority=["A", "B"], n=[9, 90])}
    assert hidden(rr.protect(tables, "ccwip"), "t", "n") == [True, False]
    with pytest.raises(rr.RuleError, match="'census' is no rule"):
        rr.protect(tables, "census")
    with pytest.raises(rr.RuleError, match="None is no rule"):
        rr.attack(tables, None)


@pytest.mark.parametrize("symbol", ["*", "<5", ".."])
def test_an_attack_knows_which_symbols_it_does_not_know(symbol: str) -> None:
    tables = {
        "areas": table(authority=list("ABC"), n=[symbol, "40", "50"]),
        "all": table(n=[93]),
    }
    with pytest.raises(rr.DataError, match=r"row 0: .* is neither a number nor the symbol"):
        rr.attack(tables, area=None)
    own = rr.rules.Rule("own", symbol=symbol)
    assert rr.attack(tables, own, area=None).table["least"].tolist() == [3]


# ---------------------------------------------------------------- what stands in several tables


YEARS = ["1", "1", "2", "2"]
BY_SEX = {"sex": list("fmfm"), "year": YEARS, "n": [40, 50, 60, 45]}
BY_AREA = {"authority": list("ABAB"), "year": YEARS, "n": [30, 60, 102, 3]}


@pytest.mark.parametrize(
    "third",
    [
        {"year": ["1", "3"], "n": [90, 77]},
        {"year": ["1", "2"], "n": [90, None]},
        {"year": ["1", "2"], "n": [90, 99]},
    ],
)
def test_a_third_table_does_not_hide_that_two_have_equal_sums(
    third: dict[str, list[object]],
) -> None:
    """102 and c beside 60 and 45."""
    tables = {"sexes": table(**BY_SEX), "areas": table(**BY_AREA), "years": table(**third)}
    release = rr.protect(tables, rr.rules.CCWIP)
    assert sum(hidden(release, "areas", "n")) > 1 or any(hidden(release, "sexes", "n"))


def windows(names: list[str], linked: list[int], **groups: list[str]) -> pd.DataFrame:
    return table(**groups, window=names, n=[100] * len(names), linked=linked)


@pytest.mark.parametrize(
    "tables",
    [
        {
            "one": windows(["3 months", "12 months"], [20, 60], authority=["A"] * 2),
            "two": windows(["6 months", "12 months"], [22, 60], authority=["A"] * 2),
        },
        {
            "one": windows(["3 months", "12 months"], [20, 60], authority=["A"] * 2),
            "two": table(authority=["A"], n=[100], linked=[22]),
        },
        {
            "one": windows(["6 months"], [20], authority=["A"]),
            "two": windows(["12 months"], [22], authority=["A"]),
        },
        {
            "one": windows(["3 months", "12 months"], [20, 60], authority=["A"] * 2),
            "two": table(authority=["A"] * 2, year=["1", "2"], n=[60, 40], linked=[10, 12]),
        },
        {
            "one": table(authority=["A"] * 2, sex=["f", "m"], n=[60, 40], linked=[10, 10]),
            "two": table(authority=["A"] * 2, year=["1", "2"], n=[60, 40], linked=[10, 12]),
        },
    ],
)
def test_windows_of_several_tables_leave_no_small_count(tables: dict[str, pd.DataFrame]) -> None:
    """20 within one and 22 within the other."""
    release = rr.protect(tables, "dfe")
    assert any(hidden(release, "one", "linked")) or any(hidden(release, "two", "linked"))


def test_a_window_and_other_groups_share_their_denominator() -> None:
    sexes = table(window=["6 months", "12 months"] * 2, sex=list("ffmm"), n=[60, 60, 40, 40])
    release = rr.protect({"sexes": sexes, "areas": table(authority=["A", "B"], n=[95, 5])}, "ccwip")
    assert hidden(release, "areas", "n") == [True, True] or any(hidden(release, "sexes", "n"))


def test_what_a_total_leaves_beside_the_years_is_a_count() -> None:
    years = table(authority=["A"] * 2, year=["1", "2"], n=[50, 47], linked=[14, 15])
    release = rr.protect({"all": table(authority=["A"], n=[100], linked=[30]), "years": years})
    for column in ("n", "linked"):
        assert any(hidden(release, "all", column) + hidden(release, "years", column))


def test_the_region_of_an_area_is_known_from_any_table() -> None:
    areas = {"authority": list("AABBCC"), "year": ["1", "2"] * 3, "n": [40, 50, 3, 70, 15, 14]}
    regions = {"region": ["R", "R", "S", "S"], "year": ["1", "2"] * 2, "n": [43, 120, 15, 14]}
    both = {"region": ["R", "R", "S"], "authority": list("ABC"), "n": [90, 73, 29]}
    given = {"areas": areas, "regions": regions, "both": both}
    release = rr.protect({name: table(**columns) for name, columns in given.items()}, "ccwip")
    # 43 - 40 in the first year.
    assert hidden(release, "areas", "n")[0] or hidden(release, "regions", "n")[0]


@pytest.mark.parametrize("name", ["Total", "England", "all years"])
def test_a_row_that_is_the_total_of_the_others(name: str) -> None:
    given = table(authority=["A", "B", "C", name], n=[40, 3, 50, 93], linked=[20, 2, 25, 47])
    assert sum(hidden(rr.protect({"t": given}), "t", "n")) > 1
    naive = given.astype({"n": str}).replace({"n": {"3": "c"}}).drop(columns="linked")
    assert rr.attack({"t": naive}).table["least"].tolist() == [3]


@pytest.mark.parametrize("text", ["3.0%", "3.0 %", "3.0"])
def test_percentages_as_text_are_refused(text: str) -> None:
    given = table(authority=["A", "B"], n=[100, 60], linked=[3, 20], share=[text, "33.3"])
    with pytest.raises(rr.DataError, match='column "share": numbers as text'):
        rr.protect({"t": given})


def test_groups_of_numbers_may_be_named() -> None:
    given = table(authority=["A", "A"], cohort=[2018, 2019], n=[40, 50])
    assert rr.protect({"t": given}, by={"t": ["authority", "cohort"]}).attack().passed
    given = table(authority=["A", "A"], window=[180, 365], n=[40, 40], linked=[10, 20])
    assert rr.protect({"t": given}).attack().passed


# ---------------------------------------------------------------- curves of parts and wholes


DAYS = (50, 150, 250, 350)


def curves(by: list[str], events: dict[tuple[str, ...], tuple[int, ...]], n: int) -> pd.DataFrame:
    """Curves of groups of one size with events on four days, and everybody followed for a year."""
    rows = []
    for key, counts in events.items():
        size = n * (2 if len(by) < 2 else 1)
        left = size
        for day, count in zip((0, *DAYS, 365), (0, *counts, 0), strict=True):
            censored = left if day == 365 else 0
            said = dict(zip(by, key, strict=True))
            rows.append(
                {**said, "day": day, "at_risk": left, "events": count, "censored": censored}
            )
            left -= count + censored
            rows[-1]["risk"] = 1 - left / size if day < 365 else rows[-2]["risk"]
    return pd.DataFrame(rows)


CELLS = {
    ("A", "1"): (20, 20, 20, 20),
    ("A", "2"): (2, 20, 20, 20),
    ("B", "1"): (20, 20, 20, 20),
    ("B", "2"): (1, 20, 20, 20),
}


def summed(place: int) -> dict[tuple[str, ...], tuple[int, ...]]:
    found: dict[tuple[str, ...], tuple[int, ...]] = {}
    for key, counts in CELLS.items():
        before = found.get((key[place],), (0, 0, 0, 0))
        found[key[place],] = tuple(a + b for a, b in zip(before, counts, strict=True))
    return found


def test_curves_that_cross_have_the_same_points() -> None:
    """By area 22 + 21 up to day 91, by year 40 of the first: 3 would be of the second."""
    given = {
        "areas": curves(["authority"], summed(0), 200),
        "years": curves(["year"], summed(1), 200),
    }
    release = rr.protect(given, area=None)
    points = [
        set(rows["day"]) for name, by in (("areas", "authority"), ("years", "year"))
        for _, rows in release.tables[name].groupby(by)
    ]  # fmt: skip
    assert all(one == points[0] for one in points)
    assert 91 not in points[0]


def test_a_part_without_a_curve_is_a_part() -> None:
    """B is 21 up to day 91 and its first year 20: the second, which no table has, would be 1."""
    cells = {key: counts for key, counts in CELLS.items() if key != ("B", "2")}
    given = {
        "areas": curves(["authority"], summed(0), 200),
        "cells": curves(["authority", "year"], cells, 200),
    }
    told = rr.protect(given, area=None).tables["areas"]
    assert 91 not in told.loc[told["authority"] == "B", "day"].tolist()


def test_numbers_at_risk_of_a_whole_do_not_tell_those_of_a_part() -> None:
    def curve(groups: dict[str, int], censored: dict[str, int]) -> pd.DataFrame:
        rows = []
        for name, size in groups.items():
            left = size
            for day in (0, 50, 100, 150, 250, 350):
                events = 0 if day in (0, 100) else size // 10
                gone = censored[name] if day == 100 else 0
                rows.append((name, day, left, events, gone, 0.1 * (day // 100)))
                left -= events + gone
        columns = ["authority", "day", "at_risk", "events", "censored", "risk"]
        return pd.DataFrame(rows, columns=columns)

    parts = curve({"A": 200, "B": 200}, {"A": 20, "B": 3})
    whole = curve({"all": 400}, {"all": 23}).drop(columns="authority")
    release = rr.protect({"areas": parts, "all": whole}, area=None)
    for name in ("areas", "all"):
        told = release.tables[name]
        assert told.loc[told["day"] > 0, "at_risk"].isna().all()


def test_sums_of_a_rounded_curve_are_rounded_once() -> None:
    """Four intervals of 14, each shown as 10, would bound a sum of 56 that stands as 60."""
    curve = rates().curve()
    told = rr.protect({"curve": curve}).tables["curve"]
    exact = curve.set_index("day")["events"].cumsum()
    for day, so_far in zip(told["day"], told["events"].cumsum(), strict=True):
        true = exact[exact.index <= day].iloc[-1]
        assert so_far == (true + 5) // 10 * 10
