"""A protected release shows what it may, hides what it must, and withstands the attack."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from tests.attack_on_england import england, naive
from tests.reference.releases import values_of

import rereferral as rr
from rereferral.errors import DataError, RuleError

EXACT = rr.rules.Rule("exact totals")


def areas(**columns):
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"authority": [f"A{k}" for k in range(n)], **columns})


def hidden(release, table):
    """(row, column) of the counts that are hidden."""
    shown = release.tables[table]
    return {
        (row, column)
        for column in ("n", "linked")
        if column in shown
        for row in np.flatnonzero(shown[column].isna())
    }


def test_small_counts_are_hidden_with_their_rates_and_zero_is_shown():
    links = areas(n=[40, 38, 55], linked=[12, 3, 0], rate=[12 / 40, 3 / 38, 0.0])
    release = rr.protect({"t": links}, EXACT)
    assert release.published["t"].to_dict("list") == {
        "authority": ["A0", "A1", "A2"],
        "n": ["40", "38", "55"],
        "linked": ["12", "c", "0"],
        "rate": ["0.300", "c", "0.000"],
    }
    assert release.tables["t"]["linked"].isna().tolist() == [False, True, False]
    assert release.tables["t"]["rate"].isna().tolist() == [False, True, False]


def test_a_small_complement_hides_a_count_that_is_large():
    release = rr.protect({"t": areas(n=[40, 80], linked=[38, 30])}, EXACT)
    assert len(hidden(release, "t")) == 1
    assert {row for row, _ in hidden(release, "t")} == {0}
    assert release.attack().passed


def test_a_year_hides_another_one_where_the_total_is_shown():
    years = ["2015-16", "2016-17", "2017-18", "2018-19"]
    tables = {
        "by_year": pd.DataFrame({"financial_year": years, "n": [20, 31, 4, 27]}),
        "all": pd.DataFrame({"n": [82]}),
    }
    release = rr.protect(tables, EXACT, area=None)
    assert release.log["done"].tolist().count("beside") == 1
    assert release.attack().passed


def test_parts_of_a_region_are_known_to_add_up():
    regions = pd.DataFrame(
        {"region": ["London", "Inner London", "Outer London", "North"], "n": [90, 3, 87, 50]}
    )
    parts = {"region": {"London": ["Inner London", "Outer London"]}}
    release = rr.protect({"r": regions}, EXACT, parts=parts)
    assert release.published["r"]["n"].tolist()[1] == "c"
    assert (release.published["r"]["n"] == "c").sum() == 2
    assert release.published["r"]["n"].tolist()[3] == "50"


def test_an_earlier_release_is_not_undone_and_its_small_year_not_found():
    then = {"t": areas(financial_year=["2016 to 2019"] * 2, n=[118, 204])}
    now = {"t": areas(financial_year=["2016 to 2020"] * 2, n=[121, 260])}
    keys = {"t": ["authority", "financial_year"]}
    parts = {"financial_year": {"2016 to 2020": ["2016 to 2019", "2020"]}}
    first = rr.protect(then, EXACT, by=keys, parts={"financial_year": {}})
    alone = rr.protect(now, EXACT, by=keys, parts={"financial_year": {}})
    assert (alone.published["t"]["n"] == "c").sum() == 0
    second = rr.protect(now, EXACT, by=keys, parts=parts, earlier=first)
    assert second.published["t"]["n"].tolist() == ["c", "260"]
    assert second.attack().passed


def test_what_was_hidden_before_stays_hidden():
    then = {"authorities": areas(n=[100, 3, 50])}
    now = {"all": pd.DataFrame({"n": [153]})}
    first = rr.protect(then, EXACT)
    second = rr.protect(now, EXACT, earlier=first)
    assert second.published["all"]["n"].tolist() == ["c"]


def test_what_was_published_before_cannot_be_taken_back():
    then = {"t": areas(n=[40, 80])}
    now = {"t": areas(linked=[38, 30])}
    first = rr.protect(then, EXACT)
    both = rr.protect(now, EXACT, earlier=first)
    assert both.attack().passed
    full = rr.protect({"t": areas(n=[40, 80], linked=[34, 30])}, EXACT)
    with pytest.raises(RuleError, match="protected by the rule exact totals"):
        rr.protect(now, rr.rules.CCWIP, earlier=full)


def test_windows_hide_what_lies_between():
    windows = pd.DataFrame(
        {
            "authority": ["A", "A", "B", "B"],
            "window": ["6 months", "12 months"] * 2,
            "n": [100, 100, 80, 80],
            "linked": [30, 32, 20, 40],
        }
    )
    release = rr.protect({"t": windows}, EXACT)
    assert len(hidden(release, "t")) == 1
    assert release.attack().passed


def test_totals_are_rounded_and_their_rates_come_from_exact_counts():
    total = pd.DataFrame({"n": [1234], "linked": [309], "rate": [309 / 1234]})
    release = rr.protect({"all": total}, rr.rules.DFE)
    assert release.published["all"].iloc[0].tolist() == ["1230", "310", "0.250"]
    assert pytest.approx(0.2504, abs=5e-5) == 309 / 1234


@pytest.mark.parametrize("count", [1, 4, 0])
def test_what_rounds_to_zero_is_marked_and_zero_is_not(count):
    release = rr.protect({"all": pd.DataFrame({"n": [count]})}, rr.rules.DFE)
    assert release.published["all"]["n"].tolist() == ["low" if count else "0"]


def test_half_up():
    release = rr.protect(
        {
            "all": pd.DataFrame({"n": [1235, 1244, 1245]}, index=[0, 1, 2]).assign(
                region=["a", "b", "c"]
            )
        },
        rr.rules.DFE,
    )
    assert release.published["all"]["n"].tolist() == ["1240", "1240", "1250"]
    rates = areas(n=[2000, 400], linked=[325, 65], rate=[0.1625, 0.1625])
    shown = rr.protect({"t": rates}, EXACT).published["t"]["rate"].tolist()
    assert shown == ["0.163", "0.163"]


def test_opensafely_shows_small_counts_as_zero_and_computes_rates_from_what_it_shows():
    rates = areas(n=[203, 58], linked=[52, 7], rate=[52 / 203, 7 / 58])
    release = rr.protect({"t": rates}, rr.rules.OPENSAFELY)
    shown = release.published["t"]
    assert shown["n"].tolist() == ["205", "60"]
    assert shown["linked"].tolist() == ["50", "0"]
    assert shown["rate"].tolist() == ["0.244", "c"]  # 50 / 205
    assert "1 is shown as 0, be it small or 0 itself" in release.words()


def test_by_a_rule_that_shows_zeros_nothing_tells_a_small_count_from_none():
    told = []
    for linked in (0, 1, 7):
        rates = areas(n=[203, 58], linked=[52, linked], rate=[52 / 203, linked / 58])
        release = rr.protect({"t": rates}, rr.rules.OPENSAFELY)
        told.append((release.published["t"].to_csv(), release.log.to_csv(), release.words()))
    # Nor does a rate where there is nobody, which would be no number.
    for n in (0, 7):
        rates = areas(n=[203, n], linked=[52, 0], rate=[52 / 203, 0.0 if n else float("nan")])
        release = rr.protect({"t": rates}, rr.rules.OPENSAFELY)
        told.append((release.published["t"].to_csv(), release.log.to_csv(), release.words()))
    assert told[0] == told[1] == told[2]
    assert told[3] == told[4]


def test_the_log_does_not_tell_which_counts_needed_no_rounding():
    one, other = (
        rr.protect({"t": pd.DataFrame({"year": [2019, 2020], "n": counts})})
        for counts in ([120, 130], [117, 134])
    )
    assert one.published["t"].to_csv() == other.published["t"].to_csv()
    assert one.log.to_csv() == other.log.to_csv()


def test_limits_of_rounded_rows_come_from_what_is_shown():
    n, linked = 1234, 309
    lower, upper = rr.wilson(linked, n)
    table = pd.DataFrame(
        {
            "n": [n],
            "linked": [linked],
            "rate": [linked / n],
            "lower_95": [lower],
            "upper_95": [upper],
            "method": ["Wilson"],
        }
    )
    shown = rr.protect({"all": table}, rr.rules.DFE).published["all"].iloc[0]
    again = rr.wilson(0.250 * 1230, 1230)
    assert [shown["lower_95"], shown["upper_95"]] == [f"{limit:.3f}" for limit in again]


def test_a_median_goes_with_the_count_that_it_is_of():
    table = areas(n=[311, 290], linked=[4, 80], median_gap=[61.5, 70.0])
    shown = rr.protect({"t": table}, EXACT).published["t"]
    assert shown["median_gap"].tolist() == ["c", "70"]


def test_equations_of_the_caller_are_kept():
    table = areas(n=[40, 90], girls=[17, 41], boys=[20, 44], not_stated=[3, 5])
    equation = "n = girls + boys + not_stated"
    without = rr.protect({"t": table}, EXACT)
    assert (without.published["t"] == "c").to_numpy().sum() == 2
    release = rr.protect({"t": table}, EXACT, equations=[equation])
    assert (release.published["t"] == "c").to_numpy().sum() == 4
    with pytest.raises(DataError, match='table "t", row 1: "n = girls'):
        rr.protect({"t": table.assign(boys=[20, 45])}, EXACT, equations=[equation])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (areas(n=[40, -1], linked=[3, 0]), r'column "n", row 1: -1 is not a count'),
        (areas(n=[40, 8], linked=[3, 9]), r'row 1: "n = linked \+ not_linked" does not hold'),
        (areas(n=[40, 8]).assign(authority="A"), "a second row of the same groups"),
    ],
    ids=["negative", "numerator above denominator", "row twice"],
)
def test_bad_tables_are_refused_by_name(table, said):
    with pytest.raises(DataError, match=said):
        rr.protect({"t": table})


def test_counts_stored_as_floats_are_counts():
    table = areas(n=[40.0, 3.0, np.nan], referred=[12, 30, 7])
    shown = rr.protect({"t": table}, EXACT).published["t"]
    assert shown["n"].tolist() == ["40", "c", ""]


def test_a_release_without_areas_says_how_its_counts_were_taken():
    table = areas(n=[44, 13]).rename(columns={"authority": "council"})
    release = rr.protect({"t": table}, rr.rules.DFE)
    assert release.published["t"]["n"].tolist() == ["40", "10"]
    assert 'No table has the column "authority"' in repr(release)
    named = rr.protect({"t": table}, rr.rules.DFE, area="council")
    assert named.published["t"]["n"].tolist() == ["44", "13"]
    assert "No table" not in repr(named)


def test_an_area_may_be_a_number():
    table = pd.DataFrame({"authority": [1, 2, 3], "n": [40, 3, 50]})
    assert rr.protect({"t": table}, EXACT).published["t"].to_numpy().tolist() == [
        [1, "40"],
        [2, "c"],
        [3, "50"],
    ]


@pytest.mark.parametrize(
    ("table", "arguments", "said"),
    [
        (areas(n=["40", "3"]), {}, 'column "n": numbers as text'),
        (areas(mean_gap=[40.5, 3.1]), {}, 'column "mean_gap": numbers with no count beside'),
        (areas(n=[40, 3]), {"by": {"u": []}}, 'by names the table "u"'),
        (areas(n=[40, 3]), {"counts": {"t": ["m"]}}, 'has no column "m"'),
    ],
)
def test_what_could_slip_through_is_refused(table, arguments, said):
    with pytest.raises(DataError, match=said):
        rr.protect({"t": table}, EXACT, **arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"small": (0, 5)}, "small="),
        ({"values": 1}, "values=1"),
        ({"values": 6}, "no more than 5"),
        ({"zeroed": True}, "zeroed needs"),
        ({"decimals": 9}, "decimals=9"),
        ({"symbol": " "}, "symbol"),
        ({"round_totals": 0}, "round_totals=0"),
    ],
)
def test_rules_that_make_no_sense_are_refused(arguments, said):
    with pytest.raises(RuleError, match=said):
        rr.rules.Rule("ours", **arguments)


def test_nothing_given_is_changed_and_the_same_comes_out_again():
    tables = {"t": areas(n=[40, 38, 55, 60], linked=[12, 3, 53, 31])}
    before = pickle.dumps(tables)
    one, two = rr.protect(tables, EXACT), rr.protect(tables, EXACT)
    assert pickle.dumps(tables) == before
    pd.testing.assert_frame_equal(one.published["t"], two.published["t"])
    pd.testing.assert_frame_equal(one.log, two.log)


def test_save_writes_symbols_log_and_rule_and_runs_no_formula(tmp_path):
    table = areas(n=[40, 38], linked=[12, 3]).assign(authority=["=1+1", "B"])
    folder = rr.protect({"t": table}, EXACT).save(tmp_path / "release")
    assert (folder / "t.csv").read_text() == "authority,n,linked\n'=1+1,40,12\nB,38,c\n"
    assert "small" in (folder / "log.csv").read_text()
    assert json.loads((folder / "rule.json").read_text())["rule"]["name"] == "exact totals"
    with pytest.raises(RuleError, match="not an empty folder"):
        rr.protect({"t": table}, EXACT).save(tmp_path / "release")


def test_the_published_text_and_the_log_withstand_the_attack_of_anyone():
    table = areas(n=[40, 38, 55, 61], linked=[12, 3, 21, 30])
    tables = {"t": table, "all": table[["n", "linked"]].sum().to_frame().T}
    release = rr.protect(tables, EXACT)
    assert "beside" in release.log["done"].tolist()
    anyone = rr.attack(release.published, EXACT, log=release.log)
    assert anyone.passed
    assert set(anyone.table["column"]) == {"linked"}
    small = release.attack().table
    assert anyone.table[["least", "most"]].values.tolist() == (
        small[small["column"] == "linked"][["least", "most"]].values.tolist()
    )


def _curves(gaps_by_area, n):
    parts = []
    for area, gaps in gaps_by_area.items():
        gap = np.array([*gaps, *[365] * (n - len(gaps))], np.int32)
        curve = rr.curve(gap, np.arange(n) < len(gaps))
        parts.append(curve.assign(authority=area))
    return pd.concat(parts, ignore_index=True)


GAPS = {
    "A": [*range(5, 45, 5), *range(100, 170, 10), 200, 300],  # 8, 7, 1 and 1 by quarters
    "B": [30, 60, 90],
    "C": [],
}


def test_curves_have_more_events_between_points_than_a_small_count():
    release = rr.protect({"curve": _curves(GAPS, 60)}, EXACT)
    curve = release.tables["curve"]
    assert set(curve["authority"]) == {"A", "C"}
    mine = curve[curve["authority"] == "A"]
    assert mine["day"].tolist() == [0, 91, 365]  # 8 by day 91; of 7, 1 and 1 none alone
    assert mine["events"].tolist() == [0, 8, 9]
    assert mine["at_risk"].tolist() == [60, 60, 52]
    assert mine["risk"].iloc[-1] == round(17 / 60, 3)
    assert "B" in release.log["row"].tolist()


def test_a_curve_goes_with_the_counts_of_its_group_in_another_table():
    curve = _curves({"A": GAPS["A"], "C": list(range(10, 90, 10))}, 60)
    tables = {
        "curve": curve,
        "rates": pd.DataFrame(
            {"authority": ["A", "C", "D"], "n": [60, 60, 30], "linked": [17, 8, 3]}
        ),
        "all": pd.DataFrame({"n": [150], "linked": [28]}),
    }
    release = rr.protect(tables, EXACT)
    shown = release.tables["rates"].set_index("authority")["linked"]
    assert release.attack().passed
    for area in ("A", "C"):
        assert (area in set(release.tables["curve"]["authority"])) == bool(shown.notna()[area])
    assert release.tables["rates"]["linked"].isna().sum() >= 1


def test_curves_of_several_areas_come_by_the_week_and_rounded():
    rng = np.random.default_rng(5)
    gap = np.minimum(rng.geometric(0.004, 4_003), 365).astype(np.int32)
    release = rr.protect({"curve": rr.curve(gap, gap < 365)}, rr.rules.DFE)
    curve = release.tables["curve"]
    assert len(curve) > 40
    assert (curve[["at_risk", "events"]] % 10 == 0).to_numpy().all()
    assert (curve["events"][curve["events"] > 0] >= 10).all()
    assert (curve["day"].iloc[1:-1] % 7 == 0).all()
    exact = rr.curve(gap, gap < 365)
    assert curve["risk"].iloc[-1] == pytest.approx(exact["risk"].iloc[-1], abs=0.0005)


def test_curves_are_refused_where_small_counts_are_shown_as_zero():
    with pytest.raises(
        RuleError, match='table "curve": curves are not safe by the rule OpenSAFELY'
    ):
        rr.protect({"curve": _curves(GAPS, 60)}, rr.rules.OPENSAFELY)


def test_a_curve_that_does_not_add_up_is_refused():
    curve = _curves({"A": GAPS["A"]}, 60)
    curve.loc[3, "at_risk"] += 1
    with pytest.raises(DataError, match='table "curve": the curve of A does not add up'):
        rr.protect({"curve": curve})


def test_a_small_simulated_england_gives_way_where_it_is_naive_and_holds_where_protected():
    _, tables = england(3, ["E06000053", "E09000001", "E06000017", "E06000036", "E08000001"])
    rule = rr.rules.DFE
    before = rr.attack(naive(tables, rule), rr.rules.Rule("naive"))
    release = rr.protect(tables, rule)
    after = release.attack()
    assert before.table["found"].any()
    assert after.passed
    assert len(after.table) > 10
    shown = set(release.tables["curves"]["authority"].astype(str))
    whole = release.tables["returns_by_authority_and_window"].set_index("authority")
    assert shown == set(whole.index.astype(str)) - set(
        release.log["row"][(release.log["table"] == "curves")]
    )


def _random(seed):
    rng = np.random.default_rng(seed)
    n_areas = int(rng.integers(2, 4))
    n = rng.integers(0, 13, n_areas)
    linked = np.array([int(rng.integers(0, most + 1)) for most in n])
    tables = {"areas": areas(n=n, linked=linked)}
    if rng.random() < 0.8:
        tables["all"] = pd.DataFrame({"n": [n.sum()], "linked": [linked.sum()]})
    return tables


def _near(release, table, row, column, value):
    """What a count could be by its cell alone, as far as it is tried: the log says why it is."""
    log = release.log
    mine = (log["table"] == table) & (log["row"] == row) & (log["column"] == column)
    done = log["done"][mine].tolist()
    if done == ["small"]:
        return range(1, 6)
    return range(max(6, value - 4), value + 5) if done == ["beside"] else [value]


@pytest.mark.parametrize("seed", range(80))
def test_each_small_count_could_be_three_values_when_all_are_tried(seed):
    """The reference tries all whole numbers about the true ones; the attack must not know more."""
    tables = _random(seed)
    release = rr.protect(tables, EXACT)
    truth = {
        (row.authority, column): getattr(row, column)
        for row in tables["areas"].itertuples()
        for column in ("n", "linked")
    }
    cells = {key: _near(release, "areas", *key, value) for key, value in truth.items()}
    totals = {
        column: _near(release, "all", "all", column, int(tables["all"][column].iloc[0]))
        for column in ("n", "linked")
        if "all" in tables
    }
    names = list(tables["areas"]["authority"])

    def holds(choice):
        return all(choice[name, "linked"] <= choice[name, "n"] for name in names) and all(
            sum(choice[name, column] for name in names) in allowed
            for column, allowed in totals.items()
        )

    found = values_of(cells, holds)
    told = {
        (line.row, line.column): line
        for line in release.attack().table.itertuples()
        if line.table == "areas"
    }
    for key, value in truth.items():
        if 1 <= value <= 5:
            assert len(found[key]) >= 3
            assert told[key].least <= min(found[key])
            assert told[key].most >= max(found[key])
            assert not told[key].found
    for name in names:
        if 1 <= truth[name, "n"] - truth[name, "linked"] <= 5:
            left = {n - x for n, x in found[name, "n", "linked"]}
            assert len(left) >= 3
