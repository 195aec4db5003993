"""The SIMULATED England, a few authorities of it: what must hold whatever was drawn."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from rereferral import published
from rereferral.cli import main
from rereferral.simulate import simulation as simulation_module
from rereferral.simulate.draws import outcome_limits, scale_odds
from rereferral.simulate.inputs import read_inputs, read_multipliers
from rereferral.simulate.parameters import CALIBRATIONS

PLACES = ["Camden", "Isle of Wight", "Medway"]
FILES = ["authorities.csv", "early_help.csv", "episodes.csv", "manifest.json"]


@pytest.fixture(scope="module", params=["official", "report"])
def england(request):
    return rr.simulate(request.param, authorities=PLACES, seed=7)


@pytest.fixture(scope="module")
def by_child(england):
    """Episodes of each child in turn, with the child's next referral."""
    table = england.episodes.sort_values(["child_id", "referral_date"], kind="stable")
    same = table["child_id"].eq(table["child_id"].shift(-1)).fillna(False).to_numpy(bool)
    table["next"] = table["referral_date"].shift(-1).where(same)
    return table


# ---------------------------------------------------------------- the same bytes


def test_same_seed_same_files(tmp_path):
    for folder in ("once", "again"):
        rr.simulate(years=[2020], authorities=PLACES, seed=3).save(tmp_path / folder)
    for name in FILES:
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_another_seed_another_table():
    one, two = (
        rr.simulate(years=[2020], authorities=PLACES, seed=s).episodes["referral_date"].to_numpy()
        for s in (3, 4)
    )
    assert not np.array_equal(one, two)


# ---------------------------------------------------------------- rows


def test_columns(england):
    assert list(england.episodes) == [
        "authority",
        "child_id",
        "referral_date",
        "referral_source",
        "referral_nfa",
        "assessment_date",
        "closure_date",
        "reason_for_closure",
        "date_of_birth",
        "date_of_death",
    ]
    assert list(england.early_help) == ["authority", "child_id", "start_date"]


def test_ids_say_simulated(england):
    for table in (england.episodes, england.early_help):
        assert table["child_id"].str.fullmatch(r"SIM\d{8}").all()


def test_child_belongs_to_one_authority_and_was_born_once(england):
    children = england.episodes.groupby("child_id")
    for column in ("authority", "date_of_birth"):
        assert (children[column].nunique() == 1).all()


def test_dates_are_in_order(england):
    rows = england.episodes
    until = pd.Timestamp(england.observed_until)
    assert (rows["date_of_birth"] <= rows["referral_date"]).all()
    assert rows["referral_date"].max() <= until
    for earlier, later in (
        ("referral_date", "assessment_date"),
        ("referral_date", "closure_date"),
        ("assessment_date", "closure_date"),
    ):
        known = rows[earlier].notna() & rows[later].notna()
        assert (rows[earlier] <= rows[later])[known].all()
        assert rows[later].max() <= until


def test_rows_come_by_authority_and_referral_date(england):
    rows = england.episodes
    order = np.lexsort([rows["referral_date"], rows["authority"].astype(str)])
    assert (order == np.arange(len(rows))).all()


def test_reason_goes_with_closure(england):
    rows = england.episodes
    assert (rows["reason_for_closure"].isna() == rows["closure_date"].isna()).all()
    below = rows["reason_for_closure"].isin(["RC8", "RC9"])
    assert rows["assessment_date"][below].notna().all()


def test_no_further_action_has_no_assessment(england):
    rows = england.episodes[england.episodes["referral_nfa"]]
    assert len(rows) > 1000
    assert rows["assessment_date"].isna().all()
    assert (rows["reason_for_closure"].dropna() == "RC7").all()


def test_no_referral_while_a_case_is_open(by_child):
    returned = by_child["next"].notna()
    assert returned.sum() > 5000
    assert (by_child["next"] > by_child["closure_date"])[returned].all()


def test_no_referral_from_the_18th_birthday_on(england):
    birth = england.episodes["date_of_birth"]
    # DateOffset puts a 29 February on 28 February; those born then turn 18 on 1 March.
    leap = (birth.dt.month == 2) & (birth.dt.day == 29)
    adult = birth + pd.DateOffset(years=18) + pd.to_timedelta(leap.astype(int), unit="D")
    assert (england.episodes["referral_date"] < adult).all()


def test_no_return_after_the_last_reasons(by_child):
    last = by_child["reason_for_closure"].isin(["RC1", "RC2", "RC5", "RC6"])
    assert last.sum() > 500
    assert by_child["next"][last].isna().all()


def test_death_is_the_day_of_closure_on_every_row_of_the_child(england):
    rows = england.episodes
    died = rows[rows["reason_for_closure"] == "RC2"].set_index("child_id")["closure_date"]
    assert len(died) > 10
    expected = rows["child_id"].map(died)
    assert expected.equals(rows["date_of_death"])


# ---------------------------------------------------------------- span and volumes


def test_span_is_history_years_and_follow_up(england):
    assert (england.observed_from, england.observed_until) == ("2012-04-01", "2021-03-31")
    assert england.years == range(2016, 2021)


def test_history_stops_where_the_series_begins():
    early = rr.simulate(years=[2014], authorities="Camden")
    assert (early.observed_from, early.observed_until) == ("2012-04-01", "2015-03-31")


def test_cases_open_on_the_first_day_are_in_the_table(england):
    rows = england.episodes
    first = pd.Timestamp(england.observed_from)
    old = rows[rows["referral_date"] < first]
    assert len(old) > 100
    assert ((old["closure_date"] >= first) | old["closure_date"].isna()).all()


def test_referrals_follow_the_published_volumes(england):
    year = england.episodes["referral_date"].dt.to_period("Q-MAR").dt.qyear
    got = england.episodes.groupby([year, "authority"], observed=True).size()
    series = published.authority_series().set_index(["year", "authority"])["referrals"]
    for code in ("E09000007", "E06000046"):
        for y in range(2013, 2022):
            assert got[y, code] == pytest.approx(series[y, code], rel=0.005, abs=4), (y, code)
    # Medway fell from 7,361 to 3,080: more children return in 2015 than there is room for, and
    # the surplus is taken off 2016.
    medway = "E06000035"
    assert got[2015, medway] > series[2015, medway] + 20
    both = series[2015, medway] + series[2016, medway]
    assert got[2015, medway] + got[2016, medway] == pytest.approx(both, abs=10)


def test_an_abolished_authority_goes_on_in_its_successors():
    place = rr.simulate(years=[2023], authorities=["Cumbria"])
    referred = place.episodes["referral_date"]
    last = (referred >= "2023-04-01") & (referred <= "2024-03-31")
    series = published.authority_series().set_index(["year", "authority"])["referrals"]
    heirs = series[2024, "E06000063"] + series[2024, "E06000064"]
    assert last.sum() == pytest.approx(heirs, rel=0.03)


def test_codes_and_names_name_the_same_authorities():
    by_name = rr.simulate(years=[2020], authorities=["medway", "Camden", "Medway"], seed=1)
    by_code = rr.simulate(years=[2020], authorities=["E09000007", "E06000035"], seed=1)
    pd.testing.assert_frame_equal(by_name.episodes, by_code.episodes)
    assert list(by_code.authorities["authority_name"]) == ["Medway", "Camden"]


def test_authorities_say_simulated(england):
    assert (england.authorities["status"] == "SIMULATED").all()
    assert set(england.authorities["authority_name"]) == set(PLACES)


# ---------------------------------------------------------------- stepping down


def test_step_down_by_the_table_alone_changes_the_reason_and_nothing_else():
    by_reason = rr.simulate(authorities=PLACES, seed=5)
    by_table = rr.simulate(authorities=PLACES, seed=5, step_down="early help")
    assert "RC9" not in by_table.episodes["reason_for_closure"].cat.categories
    told = by_reason.episodes.assign(
        reason_for_closure=by_reason.episodes["reason_for_closure"].astype(object)
    )
    told["reason_for_closure"] = told["reason_for_closure"].replace("RC9", "RC8")
    silent = by_table.episodes.assign(
        reason_for_closure=by_table.episodes["reason_for_closure"].astype(object)
    )
    pd.testing.assert_frame_equal(told, silent)
    pd.testing.assert_frame_equal(by_reason.early_help, by_table.early_help)


def test_early_help_starts_in_the_30_days_up_to_its_closure(england):
    rows = england.episodes
    stepped = rows[rows["reason_for_closure"] == "RC9"]
    helped = england.early_help.merge(stepped, on=["authority", "child_id"])
    days = (helped["closure_date"] - helped["start_date"]).dt.days
    within = days.between(0, 30) & (helped["start_date"] >= helped["referral_date"])
    assert within.sum() == len(england.early_help) == len(stepped)
    assert set(days[within]) == set(range(31))


# ---------------------------------------------------------------- mergers

CHANGING = ["Bournemouth", "Poole", "Dorset", "Buckinghamshire", "Cumbria", "Camden"]


@pytest.fixture(scope="module", params=[range(2016, 2021), range(2022, 2024)])
def merged(request):
    """The same England twice: under the codes of the day, and under those of 2019."""
    arguments = {"years": request.param, "authorities": CHANGING, "seed": 5}
    return rr.simulate(**arguments, mergers=True), rr.simulate(**arguments)


def happened(england):
    table = rr.crosswalk()
    table = table[table["predecessor"].isin(england.authorities["authority"])]
    return table[(table["effective_date"] <= england.observed_until) & (table["kind"] != "part")]


def test_mergers_change_nothing_but_codes_and_ids(merged):
    for table in ("episodes", "early_help"):
        one, other = (getattr(england, table) for england in merged)
        keys = ["authority", "child_id"]
        pd.testing.assert_frame_equal(one.drop(columns=keys), other.drop(columns=keys))


def sets(table: pd.DataFrame, by: str, of: str) -> dict:
    return {name: set(values) for name, values in table.groupby(by)[of]}


def test_a_row_carries_the_code_of_its_day(merged):
    changes = happened(merged[0])
    assert len(changes) >= 4
    began = changes.groupby("predecessor")["effective_date"].first()
    heirs = sets(changes, "predecessor", "successor")
    for table, date in (("episodes", "referral_date"), ("early_help", "start_date")):
        now, then = (getattr(england, table) for england in merged)
        code, old = now["authority"].astype(str), then["authority"].astype(str)
        later = now[date] >= old.map(began)
        assert later.any()
        assert (code == old)[~later].all()
        met = pd.DataFrame({"old": old, "new": code})[later].drop_duplicates()
        assert sets(met, "old", "new") == heirs


def test_a_child_of_a_split_authority_belongs_to_one_successor(merged):
    now, then = (england.episodes for england in merged)
    changed = now["authority"].astype(str) != then["authority"].astype(str)
    assert (now[changed].groupby(then["child_id"])["authority"].nunique() == 1).all()
    successors = now["authority"][changed & (then["authority"] == "E10000006")].value_counts()
    if merged[0].years[-1] == 2023:
        # Published: 2,375 and 1,386 referrals in the first year.
        share = successors["E06000063"] / (successors["E06000063"] + successors["E06000064"])
        assert share == pytest.approx(2375 / 3761, abs=0.03)
    else:
        assert successors.sum() == 0


def test_an_id_is_one_child_within_an_authority_and_some_collide_across(merged):
    now, then = (england.episodes for england in merged)
    child = then["child_id"]
    ids = pd.DataFrame({"code": now["authority"], "id": now["child_id"], "child": child})
    assert (ids.groupby(["code", "id"], observed=True)["child"].nunique() == 1).all()
    shared = ids.groupby("id")["child"].nunique()
    assert shared.max() == 2
    assert (shared == 2).sum() == merged[0].manifest["colliding_ids"] > 20
    met = ids[ids["id"].isin(shared.index[shared == 2]) & (ids["id"] != ids["child"])]
    assert set(met["code"].astype(str)) == {"E06000029"}
    assert met["child"].nunique() == round(0.01 * child[now["authority"] == "E06000029"].nunique())


def test_one_that_merges_alone_has_nobody_to_collide_with():
    england = rr.simulate(authorities="Poole", seed=5, mergers=True)
    assert england.manifest["colliding_ids"] == 0
    assert set(england.episodes["authority"]) == {"E06000029", "E06000058"}
    assert england.authorities["authority_name"].tolist() == [
        "Poole",
        "Bournemouth, Christchurch and Poole",
    ]


def test_without_mergers_nothing_says_so(england):
    assert not {"mergers", "colliding_ids"} & set(england.manifest)
    assert "mergers" not in repr(england)


# ---------------------------------------------------------------- what is put in


def test_inputs_add_up_to_the_official_series():
    inputs = read_inputs()
    official = published.official_series().loc[inputs.years]
    assert (inputs.referrals.sum(axis=1) == official["referrals"].to_numpy()).all()
    assert (inputs.referrals > 0).all()


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_outcomes_add_up_to_the_official_series_times_the_factor(calibration):
    inputs, parameters = read_inputs(), CALIBRATIONS[calibration]
    official = published.official_series().loc[inputs.years]
    nfa, not_stepped_down, below = (outcome_limits(inputs, parameters) * inputs.referrals).sum(2)
    factor = parameters.below_threshold_factor
    np.testing.assert_allclose(nfa, official["no_further_action"].to_numpy(float), rtol=1e-9)
    expected = official["not_in_need"].to_numpy(float) * factor
    np.testing.assert_allclose(below - nfa, expected, rtol=1e-9)
    np.testing.assert_allclose(not_stepped_down - nfa, 0.85 * expected, rtol=1e-9)


def test_multipliers_have_mean_one():
    inputs = read_inputs()
    weight = inputs.referrals[inputs.years == 2020][0]
    for calibration in CALIBRATIONS:
        mean = np.average(read_multipliers(calibration), weights=weight)
        assert mean == pytest.approx(1, abs=1e-3)


def test_scaled_odds_reach_the_total_and_stay_shares():
    share, weight = np.array([0.0, 0.2, 0.9, 1.0]), np.array([10.0, 20.0, 30.0, 40.0])
    scaled = scale_odds(share, weight, 85.0)
    assert (scaled * weight).sum() == pytest.approx(85)
    assert scaled[0] == 0
    assert scaled[3] == 1
    assert ((scaled >= share) & (scaled <= 1)).all()


# ---------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"calibration": "Official"}, "calibration: 'Official' is not one of official, report"),
        ({"years": []}, "years: name at least one"),
        ({"years": [2016, 2018]}, "years: 2016, 2018 have gaps"),
        ({"years": [2012]}, "years: 2012 is outside 2013 to 2023"),
        ({"years": [2024]}, "years: 2024 is outside 2013 to 2023"),
        ({"years": ["2020"]}, "years: '2020' is not a whole number"),
        ({"years": 2020}, "years: 2020 is no sequence of years"),
        ({"seed": -1}, "seed: -1 is not a whole number of 0 or more"),
        ({"seed": 1.5}, "seed: 1.5 is not a whole number of 0 or more"),
        ({"step_down": "rc9"}, "step_down: 'rc9' is not one of RC9, early help"),
        ({"mergers": 1}, "mergers: 1 is not True or False"),
        ({"authorities": []}, "authorities: name at least one"),
        ({"authorities": ["Camden", "Camdem"]}, "authorities: 'Camdem' is no code or name"),
        ({"authorities": [7]}, "authorities: 7 is no code or name"),
        ({"authorities": 7}, "authorities: 7 is no list of codes or names"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(rr.RuleError) as caught:
        rr.simulate(**arguments)
    assert str(caught.value).startswith(message)


def test_progress_goes_to_the_end():
    seen = []
    rr.simulate(
        years=[2014], authorities="Camden", progress=lambda done, total: seen.append((done, total))
    )
    done = [d for d, _ in seen]
    assert done == sorted(done)
    assert seen[-1][0] == seen[-1][1]


# ---------------------------------------------------------------- files


def test_files_read_back(tmp_path):
    place = rr.simulate(years=[2014], authorities="Medway", seed=2)
    place.save(tmp_path)
    read = rr.read_csv(tmp_path / "episodes.csv")
    for column in place.episodes:
        pd.testing.assert_series_equal(
            read[column].astype(object), place.episodes[column].astype(object), check_dtype=False
        )
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest == json.loads(json.dumps(place.manifest))
    assert manifest["status"].startswith("SIMULATED")
    assert manifest["seed"] == 2
    assert manifest["versions"]["numpy"] == np.__version__
    assert manifest["rows"]["episodes"] == len(read)


def test_an_earlier_simulation_is_replaced_and_other_files_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    rr.simulate(years=[2014], authorities="Camden").save(tmp_path)
    rr.simulate(years=[2014], authorities="Medway").save(tmp_path)
    assert "E06000035" in (tmp_path / "episodes.csv").read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*FILES, "notes.txt"])


def test_files_that_no_simulation_wrote_are_not_replaced(tmp_path):
    (tmp_path / "episodes.csv").write_text("real\n")
    with pytest.raises(rr.RuleError, match=r"episodes\.csv is there and no earlier simulation"):
        rr.simulate(years=[2014], authorities="Camden").save(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["episodes.csv"]


def test_a_failed_save_leaves_the_earlier_files(tmp_path, monkeypatch):
    rr.simulate(years=[2014], authorities="Camden").save(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    write_csv = simulation_module.write_csv

    def full(path, *rest):
        if path.name == "authorities.csv":
            raise OSError(28, "No space left on device", str(path))
        write_csv(path, *rest)

    monkeypatch.setattr(simulation_module, "write_csv", full)
    with pytest.raises(OSError, match="No space left"):
        rr.simulate(years=[2014], authorities="Medway").save(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


# ---------------------------------------------------------------- the command


def test_command_writes_the_tables_and_says_where(tmp_path, capsys):
    out = tmp_path / "new" / "data"
    place = ["--authority", "Camden", "--years", "2014", "--seed", "4"]
    assert main(["simulate", "--calibration", "report", *place, "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{out}: ")
    assert "SIMULATED" in said.out
    assert said.err == ""
    assert sorted(p.name for p in out.iterdir()) == FILES
    same = rr.simulate("report", years=[2014], authorities="Camden", seed=4)
    assert json.loads((out / "manifest.json").read_text()) == json.loads(json.dumps(same.manifest))


def test_command_takes_mergers(tmp_path, capsys):
    place = ["--authority", "Poole", "--years", "2019", "--mergers"]
    assert main(["simulate", *place, "--out", str(tmp_path)]) == 0
    assert "with mergers" in capsys.readouterr().out
    assert "E06000058" in (tmp_path / "episodes.csv").read_text()
    assert json.loads((tmp_path / "manifest.json").read_text())["mergers"] is True


def test_command_fails_with_a_reason_before_any_work(tmp_path, capsys, monkeypatch):
    (tmp_path / "manifest.json").write_text("{}")

    def never(*arguments, **rules):
        raise AssertionError("work was done")

    monkeypatch.setattr(simulation_module.model, "run", never)
    assert main(["simulate", "--out", str(tmp_path)]) == 2
    assert "manifest.json is there and no earlier simulation wrote it" in capsys.readouterr().err


@pytest.mark.parametrize("years", ["2020-2016", "2016-", "all"])
def test_command_refuses_years(years, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["simulate", "--years", years, "--out", "nowhere"])
    assert caught.value.code == 2
    assert f"'{years}' is not a year or a range such as 2016-2020" in capsys.readouterr().err


def test_package_runs_as_a_module():
    got = subprocess.run(
        [sys.executable, "-m", "rereferral", "--version"], capture_output=True, text=True
    )
    assert (got.returncode, got.stdout.strip()) == (0, rr.__version__)
