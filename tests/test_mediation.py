"""A mediator: arms worked by hand on boundary days, against a slow reading of the rule, and where
nothing has any effect.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import rereferral as rr

DAY = np.datetime64("2019-01-01")
ASKED = {
    **{"person": "child", "index_date": "closed", "event_date": "on"},
    **{"observed_from": "2018-01-01", "observed_until": "2021-03-31"},
}
MEDIATED, NOT, BEFORE = "mediated", "not mediated", "before landmark"


def table(name: str, offsets: list[int | None], start: np.datetime64 = DAY) -> pd.DataFrame:
    """Child i has a row `offsets[i]` days after the start, or none."""
    some = [(child, start + days) for child, days in enumerate(offsets) if days is not None]
    dates = np.array([date for _, date in some], "datetime64[s]")
    return pd.DataFrame({"child": [child for child, _ in some], name: dates})


def closures(n: int, start: np.datetime64 = DAY) -> pd.DataFrame:
    return table("closed", [0] * n, start)


def arms_of(links: rr.Links) -> list[str | None]:
    return [None if arm is np.nan else arm for arm in links.arm.tolist()]


# ------------------------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        (("-30 days", "0 days"), [NOT, MEDIATED, MEDIATED, MEDIATED, NOT, NOT, NOT, NOT]),
        (("-30 days", "30 days"), [NOT, *[MEDIATED] * 5, NOT, NOT]),
        (("-30 days", "-1 days"), [NOT, MEDIATED, MEDIATED, NOT, NOT, NOT, NOT, NOT]),
        (("0 days", "0 days"), [NOT, NOT, NOT, MEDIATED, NOT, NOT, NOT, NOT]),
        (("1 day", "30 days"), [NOT, NOT, NOT, NOT, MEDIATED, MEDIATED, NOT, NOT]),
    ],
)
def test_a_start_counts_on_both_end_days(within, expected):
    starts = table("start", [-31, -30, -1, 0, 1, 30, 31, None])
    mediator = rr.Mediator(starts, "start", within=within)
    links = rr.link(closures(8), table("on", []), **ASKED, mediator=mediator)
    assert arms_of(links) == expected


def test_months_are_added_to_the_earlier_date():
    last_of_march = np.datetime64("2019-03-31")
    starts = table("start", [-31, -30, 30, 31], last_of_march)  # 28 Feb, 1 Mar, 30 Apr, 1 May
    mediator = rr.Mediator(starts, "start", within=("-1 month", "1 month"))
    links = rr.link(closures(4, last_of_march), table("on", []), **ASKED, mediator=mediator)
    assert arms_of(links) == [NOT, MEDIATED, MEDIATED, NOT]
    before = rr.Mediator(starts, "start", within=("-2 months", "-1 month"))
    links = rr.link(closures(4, last_of_march), table("on", []), **ASKED, mediator=before)
    assert arms_of(links) == [MEDIATED, NOT, NOT, NOT]


@pytest.mark.parametrize("same_day", ["exclude", "include"])
def test_risk_runs_from_the_landmark(same_day):
    # 31 January is the landmark, and 12 months from there end on 31 January 2020.
    returns = table("on", [0, 1, 30, 31, 395, 396, None])
    mediator = rr.Mediator(table("start", [5]), "start", within=("-30 days", "30 days"))
    links = rr.link(closures(7), returns, **ASKED, mediator=mediator, same_day=same_day)
    first = BEFORE if same_day == "include" else MEDIATED
    assert arms_of(links) == [first, BEFORE, BEFORE, NOT, NOT, NOT, NOT]
    assert links.gap_days.tolist() == [-1, -1, -1, 1, 365, -1, -1]
    assert links.count.tolist() == [0, 0, 0, 1, 1, 0, 0]
    assert links.event_row.tolist()[3:5] == [3, 4]
    assert links.event_date.tolist()[4] == returns["on"][4].date()
    assert links.followed.tolist() == [first != BEFORE, False, False, True, True, True, True]
    early = 3 if same_day == "include" else 2
    line = links.ledger.query("step == 'mediator'")
    assert line["removed"].tolist() == [early]
    assert line["remaining"].tolist() == [7 - early]
    names = [links.outcome_names[code] for code in links.outcome]
    assert names[1:] == ["excluded", "excluded", "linked", "linked", "none", "none"]


def test_the_table_of_arms_and_groups_by_arm():
    returns = table("on", [40, None, 30, None, 31, None])
    starts = table("start", [0, 30, None, 31, None, None])
    mediator = rr.Mediator(starts, "start", within=("-30 days", "30 days"))
    index = closures(6).assign(area=["x", "y", "x", "x", "y", "x"])
    links = rr.link(index, returns, **ASKED, mediator=mediator)
    arms = links.arms()
    assert arms["arm"].tolist() == [MEDIATED, NOT, BEFORE]
    assert arms["n"].tolist() == [2, 3, 1]
    assert arms["linked"].tolist() == [1, 1, 1]
    assert arms["rate"].tolist()[:2] == [1 / 2, 1 / 3]
    assert np.isnan(arms["rate"][2])
    assert np.isnan(arms["upper_95"][2])
    assert arms["lower_95"][1] == pytest.approx(rr.wilson(1, 3)[0])
    assert arms["method"][2] == "none: returned or left before the landmark"
    by_arm = links.rates(by="arm")
    pd.testing.assert_frame_equal(by_arm, arms.iloc[:2], check_categorical=False)
    both = links.rates(by=["area", "arm"])[["area", "arm", "n", "linked"]].values.tolist()
    assert both == [
        ["x", MEDIATED, 1, 1],
        ["x", NOT, 2, 0],
        ["y", MEDIATED, 1, 0],
        ["y", NOT, 1, 1],
    ]
    curve = links.curve(by=["financial_year", "arm"])
    assert curve["financial_year"].unique().tolist() == ["2018-19"]
    mediated = curve[curve["arm"] == MEDIATED]
    assert mediated["day"].tolist() == [0, 10, 365]
    assert mediated["risk"].tolist() == [0.0, 0.5, 0.5]
    assert links.to_pandas()["arm"].tolist() == links.arm.tolist()
    assert pa.table(links)["arm"].to_pylist() == arms_of(links)
    assert "1 index events returned or left before the landmark" in repr(links)


def test_an_arm_that_nobody_is_in_stays_in_the_table():
    mediator = rr.Mediator(table("start", []), "start")
    arms = rr.link(closures(2), table("on", [3]), **ASKED, mediator=mediator).arms()
    assert arms["n"].tolist() == [0, 2, 0]
    assert arms["linked"].tolist() == [0, 1, 0]
    assert arms["rate"].isna().tolist() == [True, False, True]


def test_a_column_of_the_index_that_is_called_arm_is_grouped_by():
    index = closures(2).assign(arm=["p", "q"])
    mediator = rr.Mediator(table("start", [0]), "start")
    links = rr.link(index, table("on", []), **ASKED, mediator=mediator)
    assert links.rates(by="arm")["arm"].tolist() == ["p", "q"]


def test_rows_that_say_so_themselves_are_mediated():
    index = closures(3).assign(reason=["RC9", "RC8", "RC8"])
    referred = {"reason": "RC9"}
    mediator = rr.Mediator(table("start", [None, 0]), "start", index_filter=referred)
    assert arms_of(rr.link(index, table("on", []), **ASKED, mediator=mediator)) == [
        MEDIATED,
        MEDIATED,
        NOT,
    ]
    alone = rr.Mediator(index_filter=referred)
    assert arms_of(rr.link(index, table("on", []), **ASKED, mediator=alone)) == [MEDIATED, NOT, NOT]


def test_an_exit_up_to_the_landmark_is_before_it():
    left = table("left", [-1, 0, 1, 30, 31, 395, 396])["left"]
    index = closures(7).assign(left=left)
    mediator = rr.Mediator(table("start", [None] * 6 + [0]), "start", within=("0 days", "30 days"))
    asked = {**ASKED, "mediator": mediator}
    returns = table("on", [100, 100, None, 20, 100, None, None])
    for treatment in ("no event", "exclude", "compete"):
        exits = {"left": rr.Exit("left", treatment)}
        links = rr.link(index, returns, **asked, exits=exits)
        # An exit on the index day or before does not matter, one after the landmark as ever.
        out = [None, None] if treatment == "exclude" else [NOT, NOT]
        assert arms_of(links) == [NOT, NOT, BEFORE, BEFORE, *out, MEDIATED]
        assert links.arms()["linked"][2] == 1
        assert links.gap_days.tolist() == [70, 70, -1, -1, -1, -1, -1]
    assert [links.outcome_names[code] for code in links.outcome][4:] == ["left", "left", "none"]
    ages = {"age": rr.Exit(rr.birthday("born", 1), "censor")}
    born = table("born", [0, 1, 30, 31], np.datetime64("2018-01-01"))["born"]
    returns = table("on", [100, 100, 100, 100])
    links = rr.link(closures(4).assign(born=born), returns, **asked, exits=ages)
    # On the birthday a person is no longer eligible: 1 February leaves no day after 31 January.
    assert arms_of(links) == [NOT, BEFORE, BEFORE, NOT]
    assert links.gap_days.tolist() == [70, -1, -1, -1]


def test_follow_up_begins_at_the_landmark():
    # 31 March 2021 less 12 months less 30 days is 1 March 2020.
    index = table("closed", [0, 1], np.datetime64("2020-03-01"))
    mediator = rr.Mediator(table("start", []), "start", within=("0 days", "30 days"))
    links = rr.link(index, table("on", []), **ASKED, mediator=mediator)
    assert links.followed.tolist() == [True, False]
    assert arms_of(links) == [NOT, None]
    observed = {**ASKED, "observed_until": "2020-03-31", "followup": "observed"}
    links = rr.link(index, table("on", []), **observed, mediator=mediator)
    assert links.followed.tolist() == [True, False]
    line = links.ledger.query("step == 'follow-up'")
    assert line["reason"].tolist() == ["the landmark comes after 2020-03-31"]
    assert links.curve()["day"].tolist() == [0]


def test_groups_without_anyone_followed_are_not_an_arm():
    index = pd.concat([closures(1), table("closed", [0], np.datetime64("2020-12-01"))])
    mediator = rr.Mediator(table("start", []), "start")
    links = rr.link(index.reset_index(drop=True), table("on", []), **ASKED, mediator=mediator)
    assert links.rates(by=["financial_year", "arm"])["n"].tolist() == [1]


def test_the_mediators_table_has_lines_of_its_own():
    starts = pd.DataFrame(
        {
            "area": ["x", "x", None, "x", "y", "x"],
            "child": ["a", None, "a", "a", "a", "b"],
            "start": np.array(
                ["2019-01-01", "2019-01-01", "2019-01-01", "NaT", "2021-04-01", "2017-12-31"],
                "datetime64[s]",
            ),
        }
    )
    index = pd.DataFrame(
        {
            "area": ["x", "y", "x"],
            "child": ["a", "a", "b"],
            "closed": np.array(["2019-01-01", "2021-03-30", "2018-01-05"], "datetime64[s]"),
        }
    )
    events = pd.DataFrame({"area": ["x"], "child": ["z"], "on": index["closed"][:1]})
    asked = {**ASKED, "scope": "area", "followup": "ignored"}
    links = rr.link(index, events, **asked, mediator=rr.Mediator(starts, "start"))
    lines = links.ledger.query("table == 'mediator'")
    assert lines[["reason", "removed", "remaining"]].values.tolist() == [
        ["rows given", 0, 6],
        ["child is missing (person)", 1, 5],
        ["area is missing (scope)", 1, 4],
        ["start is missing", 1, 3],
        ["start is before 2018-01-01", 1, 2],
        ["start is after 2021-03-31", 1, 1],
    ]
    assert arms_of(links) == [MEDIATED, NOT, NOT]
    assert "For 1 index events the days in which a start counts begin before" in repr(links)


def test_several_windows_share_the_arms():
    returns = table("on", [10, 40, 200, None])
    mediator = rr.Mediator(table("start", [None, 3, 9]), "start", within=("0 days", "30 days"))
    links = rr.link(
        closures(4), returns, **ASKED, mediator=mediator, window=["1 month", "12 months"]
    )
    for window, linked in (("1 month", [1, 0, 1]), ("12 months", [2, 0, 1])):
        assert arms_of(links[window]) == [BEFORE, MEDIATED, MEDIATED, NOT]
        assert links[window].arms()["linked"].tolist() == linked
    assert links.arms()["window"].tolist() == ["1 month"] * 3 + ["12 months"] * 3
    with pytest.raises(rr.RuleError, match="arm is that of one window"):
        links.arm  # noqa: B018
    table_of = rr.landmarks(
        *(closures(4), returns),
        **{**ASKED, "mediator": mediator, "days": [0, 30], "window": ["1 month", "12 months"]},
    )
    assert table_of["window"].tolist() == (["1 month"] * 3 + ["12 months"] * 3) * 2
    assert table_of["difference"].notna().tolist() == [False] * 6 + [True, False, False] * 2


def test_confirmation_hangs_on_the_landmark():
    returns = table("on", [20, 20, 60, 60]).assign(
        confirmed=table("c", [60, 61, 60, 61])["c"],  # 30 days after the landmark: 2 March
    )
    mediator = rr.Mediator(table("start", []), "start", within=("0 days", "30 days"))
    links = rr.link(
        closures(4),
        returns,
        **ASKED,
        mediator=mediator,
        window="30 days",
        confirm=("confirmed", "0 days"),
    )
    assert arms_of(links) == [BEFORE, NOT, NOT, NOT]
    assert links.gap_days.tolist() == [-1, -1, 30, -1]


def test_a_vetoed_event_before_the_landmark_is_none():
    returns = pd.concat([table("on", [10, 10]), table("on", [None, 20])]).reset_index(drop=True)
    returns["planned"] = [1, 1, 0]
    mediator = rr.Mediator(table("start", []), "start", within=("0 days", "30 days"))
    for action in ("drop", "no event", "skip"):
        veto = ({"planned": 1}, action)
        links = rr.link(closures(2), returns, **ASKED, mediator=mediator, veto=veto)
        assert arms_of(links) == [NOT, BEFORE]


def test_pairs_run_from_the_landmark_too():
    returns = pd.concat([table("on", [31, 20]), table("on", [60])]).reset_index(drop=True)
    mediator = rr.Mediator(table("start", []), "start", within=("0 days", "30 days"))
    pairs = rr.pairs(closures(2), returns, **ASKED, mediator=mediator)
    assert pairs.gap_days.tolist() == [1, 30]
    assert pairs.offsets.tolist() == [0, 2, 2]
    assert "mediator" in pairs.ledger["step"].tolist()


# ------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("within", "rules", "said"),
    [
        (30, {"min_gap": 3}, "leave min_gap out"),
        (30, {"min_gap": 3, "within_gap": "absorb"}, "leave min_gap out"),
        (30, {"claim": "latest index"}, 'write claim="every"'),
        (0, {"direction": "backward"}, "mediator looks forward"),
    ],
)
def test_rules_that_contradict_a_landmark_are_refused(within, rules, said):
    mediator = rr.Mediator(table("start", []), "start", within=(0, within))
    with pytest.raises(rr.RuleError, match=said):
        rr.Definition(mediator=mediator, **rules)


def test_a_landmark_on_the_index_day_contradicts_nothing():
    mediator = rr.Mediator(table("start", [0]), "start")
    links = rr.link(
        *(closures(2), table("on", [2, 9])),
        **{**ASKED, "mediator": mediator, "min_gap": 3, "within_gap": "absorb"},
    )
    assert links.gap_days.tolist() == [-1, 9]
    assert arms_of(links) == [MEDIATED, NOT]


def test_errors_name_the_mediators_table():
    starts = table("start", [0])
    with pytest.raises(rr.DataError, match="mediator has no column 'begin'"):
        rr.link(
            closures(1),
            starts,
            **{**ASKED, "event_date": "start"},
            mediator=rr.Mediator(starts, "begin"),
        )
    other = rr.Mediator(starts.rename(columns={"child": "id"}), "start")
    with pytest.raises(rr.DataError, match="mediator has no column 'child'"):
        rr.link(closures(1), table("on", []), **ASKED, mediator=other)
    areas = {**ASKED, "scope": "child", "observed_until": "until"}
    until = np.array(["2021-03-31"], "datetime64[s]")
    with pytest.raises(rr.RuleError, match="the mediator's table has no such column"):
        rr.link(
            *(closures(1).assign(until=until), table("on", [3]).assign(until=until)),
            **{**areas, "mediator": rr.Mediator(starts, "start")},
        )
    with pytest.raises(rr.RuleError, match="no mediator"):
        rr.link(closures(1), table("on", []), **ASKED).arms()


def test_the_guard_that_is_the_bias_warns_and_takes_one_window():
    returns = table("on", [20, 20, 20, None])
    starts = table("start", [19, 20, 21, 21])
    biased = rr.Mediator(starts, "start", within=(0, 30), guard="exclude later starts")
    with pytest.warns(UserWarning, match="favours the mediator") as warned:
        links = rr.link(closures(4), returns, **ASKED, mediator=biased)
    assert warned[0].filename == __file__
    assert arms_of(links) == [MEDIATED, MEDIATED, NOT, MEDIATED]
    assert links.gap_days.tolist() == [20, 20, 20, -1]
    assert "mediator" not in links.ledger["step"].tolist()
    with pytest.raises(rr.RuleError, match="give one window"):
        rr.Definition(mediator=biased, window=["1 month", "2 months"])
    with pytest.raises(rr.RuleError, match="has no landmark"):
        rr.landmarks(closures(4), returns, **ASKED, mediator=biased)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ([14, 14], "twice"),
        ([], "names no landmark"),
        ([-1], "-1 is not a whole number"),
        (["14 days"], "'14 days' is not a whole number"),
        ([True], "True is not a whole number"),
        ([0, 5], "later than the landmark of 0 days"),
    ],
)
def test_landmarks_are_days(days, said):
    mediator = rr.Mediator(table("start", [3]), "start", within=("1 day", "30 days"))
    with pytest.raises(rr.RuleError, match=said):
        rr.landmarks(closures(2), table("on", []), **ASKED, mediator=mediator, days=days)


# ------------------------------------------------------------------------------ slowly


def slowly(index, events, starts, within, rules):
    """Arm, gap and whether it is followed, of each index row, in plain loops."""
    found = []
    for i, row in enumerate(index):
        day = row["closed"]
        landmark = day + max(within[1], 0)
        same_day = rules["same_day"] == "include"
        seen = [
            event["on"]
            for j, event in enumerate(events)
            if event["child"] == row["child"] and not (events is index and i == j)
        ]
        end = landmark + rules["window"]
        if end > rules["until"]:
            found.append((None, -1))
            continue
        early = [on for on in seen if day < on <= landmark or (same_day and on == day)]
        if within[1] > 0 and (early or day < row["left"] <= landmark):
            found.append((BEFORE, -1))
            continue
        helped = any(
            start["child"] == row["child"] and within[0] <= start["start"] - day <= within[1]
            for start in starts
        )
        last = row["left"] if landmark < row["left"] <= end else end
        later = [on - landmark for on in seen if landmark < on <= last]
        if same_day and within[1] <= 0:
            later += [0 for on in seen if on == day]
        found.append((MEDIATED if helped else NOT, min(later, default=-1)))
    return found


@pytest.mark.parametrize("same_day", ["exclude", "include"])
@pytest.mark.parametrize("within", [(-5, 0), (-9, -2), (-5, 6), (0, 12), (3, 8)], ids=str)
def test_arms_agree_with_a_slow_reading_of_the_rule(within, same_day):
    random = np.random.default_rng(11)
    rules = {"same_day": same_day, "window": 20, "until": 190}

    def rows(n, **names):
        return [
            {
                "child": int(random.integers(0, 40)),
                **{name: int(random.integers(0, last)) for name, last in names.items()},
            }
            for _ in range(n)
        ]

    def as_table(some):
        columns = {name: np.array([row[name] for row in some]) for name in some[0]}
        return {
            name: values if name == "child" else values.view("datetime64[D]")
            for name, values in columns.items()
        }

    index = rows(250, closed=190, on=190, left=190)
    events, starts = rows(150, on=190), rows(200, start=190)
    for outcome in (events, index):
        given = as_table(index)
        links = rr.link(
            given,
            given if outcome is index else as_table(outcome),
            person="child",
            index_date="closed",
            event_date="on",
            observed_until=np.datetime64(190, "D"),
            window="20 days",
            same_day=same_day,
            exits={"left": rr.Exit("left", "no event")},
            mediator=rr.Mediator(as_table(starts), "start", within=within),
        )
        wanted = slowly(index, outcome, starts, within, rules)
        assert list(zip(arms_of(links), links.gap_days.tolist(), strict=True)) == wanted
        assert len({arm for arm, _ in wanted}) == (4 if within[1] > 0 else 3)


# ------------------------------------------------------------- where nothing has an effect


@pytest.fixture(scope="module")
def without_effect() -> dict[str, object]:
    """Closures of 60,000 children; half get help, at a time and for reasons of nobody's."""
    random = np.random.default_rng(20220214)
    n = 60_000
    child = np.arange(n)
    closed = np.datetime64("2017-04-01") + random.integers(0, 730, n)
    # Gaps of a Weibull distribution with a frailty of the child: many return soon, most never do.
    frailty = random.gamma(0.8, 1 / 0.8, n)
    wait = np.ceil(365 * (random.exponential(size=n) / (0.6 * frailty)) ** (1 / 0.64))
    returned = wait < 2000
    helped = random.random(n) < 0.5
    start = closed + random.integers(-30, 121, n)
    return {
        "index": {"child": child, "closed": closed},
        "events": {"child": child[returned], "on": (closed + wait.astype(int))[returned]},
        "mediator": rr.Mediator({"child": child[helped], "start": start[helped]}, "start"),
    }


def test_a_landmark_finds_no_effect_where_there_is_none(without_effect):
    asked = {**ASKED, "observed_from": None}
    found = rr.landmarks(**without_effect, **asked)
    assert found["landmark"].unique().tolist() == [0, 14, 30, 90]
    mediated = found[found["arm"] == MEDIATED]
    assert (mediated["difference_lower_95"] < 0).all()
    assert (mediated["difference_upper_95"] > 0).all()
    # Not for want of children: an effect of two points would have been seen.
    assert (mediated["difference_upper_95"] - mediated["difference_lower_95"] < 0.04).all()
    everyone = found.groupby("landmark")["n"].sum()
    assert everyone.nunique() == 1
    early = found[found["arm"] == BEFORE].set_index("landmark")
    assert early["n"].is_monotonic_increasing
    assert (early["n"] == early["linked"]).all()


def test_the_other_guard_finds_an_effect_where_there_is_none(without_effect):
    mediator = without_effect["mediator"]
    biased = rr.Mediator(
        mediator.table, "start", within=("-30 days", "90 days"), guard="exclude later starts"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        arms = rr.link(**{**without_effect, "mediator": biased}, **{**ASKED, "observed_from": None})
    table = arms.arms()
    assert table["upper_99_8"][0] < table["lower_99_8"][1] - 0.03


@pytest.fixture(scope="module")
def simulated() -> dict[str, object]:
    """Closures of the simulation, and help at random days of random children, of no effect."""
    made = rr.simulate(authorities=["E08000025", "E08000035"], seed=3)
    random = np.random.default_rng(4)
    children = made.episodes[["authority", "child_id"]].drop_duplicates()
    starts = children.sample(4 * len(children), replace=True, random_state=5)
    days = np.datetime64("2015-01-01") + random.integers(0, 2300, len(starts))
    return {
        **{"index": made.episodes, "events": made.episodes},
        **{"person": "child_id", "scope": "authority"},
        **{"index_date": "closure_date", "event_date": "referral_date"},
        **{"index_filter": {"reason_for_closure": "RC8"}, "observed_until": "2021-03-31"},
        "mediator": rr.Mediator(starts.assign(start=days.astype("datetime64[s]")), "start"),
    }


def test_the_simulated_children_show_no_effect_either(simulated):
    found = rr.landmarks(**simulated, days=[0, 14, 30, 90])
    mediated = found[found["arm"] == MEDIATED]
    assert (mediated["n"] > 1500).all()
    assert (mediated["difference_lower_95"] < 0).all()
    assert (mediated["difference_upper_95"] > 0).all()
    asked = {**simulated, "window": "90 days"}
    biased = rr.Mediator(
        simulated["mediator"].table, "start", within=(-30, 90), guard="exclude later starts"
    )
    with pytest.warns(UserWarning, match="favours the mediator"):
        arms = rr.link(**{**asked, "mediator": biased}).arms()
    assert arms["upper_99_8"][0] < arms["lower_99_8"][1] - 0.03


def test_the_difference_is_newcombes():
    """Newcombe (1998), table II: 56/70 less 48/80 by method 10, without continuity correction."""
    index = closures(150)
    starts = table("start", [0] * 70)
    returns = table("on", [5] * 56 + [None] * 14 + [5] * 48)
    found = rr.landmarks(
        index, returns, mediator=rr.Mediator(starts, "start"), days=[0], levels=0.95, **ASKED
    )
    assert found["difference"][0] == pytest.approx(0.2)
    assert round(found["difference_lower_95"][0], 4) == 0.0524
    assert round(found["difference_upper_95"][0], 4) == 0.3339
    assert found["difference_method"].tolist()[1:] == ["none", "none"]


def test_risks_of_observed_follow_up_are_compared_too():
    index = closures(40)
    starts = table("start", [0] * 20)
    returns = table("on", [*range(3, 9), *[None] * 14, *range(2, 13)])
    asked = {**ASKED, "observed_until": "2019-12-31", "followup": "observed"}
    found = rr.landmarks(index, returns, mediator=rr.Mediator(starts, "start"), days=[0], **asked)
    assert found["rate"].isna().all()
    shorter = rr.landmarks(
        index, returns, mediator=rr.Mediator(starts, "start"), days=[0], window="90 days", **asked
    )
    assert shorter["difference"][0] == pytest.approx(6 / 20 - 11 / 20)
    assert shorter["difference_lower_95"][0] < -0.25 < shorter["difference_upper_95"][0]
