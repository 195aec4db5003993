"""The chain of the report: a table small enough to count by hand, and a slow second way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import rereferral as rr

UNTIL = "2021-03-31"


def episodes(*rows: tuple[str, str, str | None, str | None, str | None]) -> pd.DataFrame:
    """Rows of child, referral, assessment, closure and reason, all in one authority."""
    table = pd.DataFrame(
        rows,
        columns=[
            "child_id",
            "referral_date",
            "assessment_date",
            "closure_date",
            "reason_for_closure",
        ],
    )
    table.insert(0, "authority", "E06000001")
    for name in ("referral_date", "assessment_date", "closure_date"):
        table[name] = pd.to_datetime(table[name])
    return table


BY_HAND = episodes(
    # closed below the threshold, back within twelve months, then in need for good
    ("a", "2018-01-10", "2018-02-01", "2018-02-10", "RC8"),
    ("a", "2018-05-01", "2018-06-01", "2019-01-01", "RC7"),
    # closed below the threshold, back on the last day of twelve months
    ("b", "2018-01-10", "2018-02-01", "2018-02-28", "RC8"),
    ("b", "2019-02-28", None, "2019-03-01", None),
    # back one day too late
    ("c", "2018-01-10", "2018-02-01", "2018-02-28", "RC8"),
    ("c", "2019-03-01", None, "2019-03-02", None),
    # stepped down
    ("d", "2018-01-10", "2018-02-01", "2018-02-28", "RC9"),
    # not assessed, though the reason says so
    ("e", "2018-01-10", None, "2018-02-28", "RC8"),
    # closed before the referral
    ("f", "2018-01-10", "2018-01-10", "2018-01-09", "RC8"),
    # another episode is open on the day of closure, so this child has not left
    ("g", "2018-01-10", "2018-02-01", "2018-02-28", "RC8"),
    ("g", "2018-02-20", "2018-03-20", "2018-06-30", "RC7"),
    # an open case that comes again, closed, in the next return: one episode
    ("h", "2018-01-10", None, None, None),
    ("h", "2018-01-10", "2018-02-01", "2018-02-28", "RC8"),
    # followed for less than twelve months
    ("i", "2020-03-01", "2020-03-20", "2020-04-01", "RC8"),
    # the same child id in need only, and a child still open
    ("j", "2018-01-10", "2018-02-01", "2018-12-31", "RC3"),
    ("k", "2020-10-10", None, None, None),
)


def report_by_hand(**options: object) -> rr.Report:
    asked: dict[str, object] = {"years": [2018, 2019, 2020, 2021], "observed_until": UNTIL}
    return rr.missed_opportunities(BY_HAND, **(asked | options))


def test_the_chain_by_hand():
    chain = report_by_hand().tables["chain"].iloc[0]
    # a, b, c, d, h, i below the threshold; a's and g's second episodes and j above it
    assert chain["below_threshold"] == 6
    assert chain["stepped_down"] == 1
    assert chain["not_stepped_down"] == 5
    assert chain["assessed"] == 9
    assert chain["followed"] == 4
    assert chain["rereferred"] == 2


def test_the_ledger_by_hand():
    ledger = report_by_hand().tables["ledger"]
    removed = ledger.groupby("step", sort=False)["removed"].sum()
    assert removed["duplicates"] == 1  # h
    assert removed["closure"] == 2  # k is open, f closes before it begins
    assert removed["at risk"] == 1  # g
    assert removed["follow-up"] == 1  # i
    given = ledger["remaining"].iloc[0]
    assert given == len(BY_HAND)
    assert given - ledger["removed"].sum() == ledger["remaining"].iloc[-1] == 4


def test_years_apart_by_hand():
    by_year = report_by_hand().tables["chain_by_year"].set_index("financial_year")
    assert by_year.loc["2017-18", "rereferred"] == 2
    assert by_year.loc["2017-18", "followed"] == 4
    assert by_year.loc["2020-21", "not_stepped_down"] == 1
    assert by_year.loc["2020-21", "followed"] == 0
    assert np.isnan(by_year.loc["2020-21", "rate"])


def test_early_help_up_to_the_closure_is_a_step_down():
    helped = pd.DataFrame(
        {
            "authority": "E06000001",
            "child_id": ["a", "b", "c", "h"],
            # on the day, thirty days before, thirty-one days before, one day after
            "start_date": pd.to_datetime(["2018-02-10", "2018-01-29", "2018-01-28", "2018-03-01"]),
        }
    )
    chain = report_by_hand(early_help=helped).tables["chain"].iloc[0]
    assert chain["stepped_down"] == 1 + 2
    wider = report_by_hand(early_help=helped, early_help_within=("-31 days", "0 days"))
    assert wider.tables["chain"].iloc[0]["stepped_down"] == 1 + 3
    earlier = report_by_hand(early_help=helped, early_help_within=("-31 days", "-30 days"))
    assert earlier.tables["chain"].iloc[0]["stepped_down"] == 1 + 2


def test_a_landmark_after_the_closure_is_refused():
    helped = BY_HAND.rename(columns={"referral_date": "start_date"})
    with pytest.raises(rr.RuleError, match="may not end after the closure"):
        report_by_hand(early_help=helped, early_help_within=("-30 days", "14 days"))


def test_a_referral_without_action_and_end_is_over_on_its_day():
    table = episodes(
        ("a", "2018-01-05", None, None, None),
        ("a", "2018-01-10", "2018-02-01", "2018-02-10", "RC8"),
    )
    assert rr_chain(table)["not_stepped_down"] == 0
    table["referral_nfa"] = [True, False]
    assert rr_chain(table)["not_stepped_down"] == 1


def rr_chain(table: pd.DataFrame) -> pd.Series:
    report = rr.missed_opportunities(table, years=[2018], observed_until=UNTIL)
    return report.tables["chain"].iloc[0]


def test_an_assessment_after_the_closure_is_left_out_and_counted():
    table = episodes(
        ("a", "2018-04-01", "2018-09-01", "2018-05-01", "RC8"),
        ("b", "2018-04-01", "2018-05-01", "2018-05-01", "RC8"),
    )
    report = rr.missed_opportunities(table, years=[2019], observed_until=UNTIL)
    assert report.tables["chain"].iloc[0]["assessed"] == 1
    ledger = report.tables["ledger"].set_index("reason")["removed"]
    assert ledger["assessment_date is after closure_date"] == 1


def test_reasons_that_are_no_codes_are_named_or_refused():
    table = episodes(
        ("a", "2018-04-01", "2018-04-02", "2018-05-01", "RC8"),
        ("b", "2018-04-01", "2018-04-02", "2018-05-01", "rc8"),
    )
    notes = rr.missed_opportunities(table, years=[2019], observed_until=UNTIL).notes
    assert any("'rc8' (1)" in note for note in notes)
    with pytest.raises(rr.DataError, match=r"holds none of RC1 to RC9, but 'closed'"):
        rr.missed_opportunities(
            table.assign(reason_for_closure="closed"), years=[2019], observed_until=UNTIL
        )


def test_years_that_hold_nothing_or_are_cut_short_are_named():
    notes = report_by_hand(years=[2018, 2021, 2030]).notes
    assert any("No assessed closure in 2029-30" in note for note in notes)
    assert any("1 closures of 2020-21 were not followed" in note for note in notes)
    late = rr.missed_opportunities(BY_HAND, years=[2018], observed_until="2035-03-31").notes
    assert any("The last referral is of 2020-10-10" in note for note in late)


def test_the_first_day_decides_the_first_year():
    table = episodes(
        ("a", "2018-04-01", "2018-05-01", "2018-06-01", "RC8"),
        ("b", "2019-04-01", "2019-05-01", "2019-06-01", "RC8"),
    )
    report = rr.missed_opportunities(table, observed_from="2018-04-01", observed_until=UNTIL)
    assert list(report.tables["chain_by_year"]["financial_year"]) == ["2018-19", "2019-20"]
    later = rr.missed_opportunities(table, observed_from="2018-04-02", observed_until=UNTIL)
    assert list(later.tables["chain_by_year"]["financial_year"]) == ["2019-20"]
    with pytest.raises(rr.RuleError, match="no whole financial year"):
        rr.missed_opportunities(table, observed_from="2020-04-02", observed_until=UNTIL)


@pytest.mark.parametrize(
    ("ids", "is_simulated"),
    [
        (["SIM1", "SIM2"], True),
        (["SIM1", "b"], False),
        (["a", "SIM2"], False),
        (["S", "SIM"], False),
    ],
)
def test_simulated_is_told_by_all_the_ids(ids, is_simulated):
    table = episodes(
        (ids[0], "2018-04-01", "2018-04-02", "2018-05-01", "RC8"),
        (ids[1], "2018-04-01", "2018-04-02", "2018-05-01", "RC8"),
    )
    report = rr.missed_opportunities(table, years=[2019], observed_until=UNTIL)
    assert report.simulated is is_simulated


def test_an_authority_that_came_after_2019_has_its_name_and_region():
    report = rr.missed_opportunities(
        BY_HAND.assign(authority="E06000063"), years=[2018], observed_until=UNTIL
    )
    line = report.tables["chain_by_authority"].iloc[0]
    assert (line["authority_name"], line["region"]) == ("Cumberland", "North West")


def test_an_authority_whose_code_alone_changed_goes_on():
    """Buckinghamshire on 1 April 2020: the same children, cases and history under another code."""
    reports = []
    for mergers in (True, False):
        england = rr.simulate(years=[2020], authorities="Buckinghamshire", seed=2, mergers=mergers)
        reports.append(
            rr.missed_opportunities(
                england.episodes,
                years=[2020, 2021],
                observed_from=england.observed_from,
                observed_until=england.observed_until,
            )
        )
    codes = [report.tables["completeness"]["authority"].tolist() for report in reports]
    assert codes == [["E06000060", "E10000002"], ["E10000002"]]
    for table in ("chain", "children"):
        pd.testing.assert_frame_equal(*(report.tables[table] for report in reports))
    assert reports[0].tables["completeness"]["lookback_short"].tolist() == [0, 0]
    assert reports[0].tables["completeness"]["first_full_month"].nunique() == 1


def test_authorities_may_be_numbers():
    report = rr.missed_opportunities(
        BY_HAND.assign(authority=805), years=[2018], observed_until=UNTIL
    )
    assert report.tables["chain_by_authority"]["authority_name"].tolist() == ["805"]


def test_other_names_of_columns():
    other = BY_HAND.rename(columns={"child_id": "PersonRef"})
    report = rr.missed_opportunities(
        other,
        years=[2018, 2019, 2020, 2021],
        observed_until=UNTIL,
        columns={"child_id": "PersonRef"},
    )
    pd.testing.assert_frame_equal(report.tables["chain"], report_by_hand().tables["chain"])


def test_a_missing_column_is_named():
    with pytest.raises(rr.DataError, match="episodes has no column 'closure_date'"):
        rr.missed_opportunities(
            BY_HAND.drop(columns="closure_date"), years=[2018], observed_until=UNTIL
        )


def test_nothing_is_changed():
    before = BY_HAND.copy(deep=True)
    report_by_hand()
    pd.testing.assert_frame_equal(BY_HAND, before)


# ---------------------------------------------------------------- a second way


@pytest.fixture(scope="module")
def simulated() -> pd.DataFrame:
    """Two simulated authorities, made less tidy: cases overlap, return, and lack their dates."""
    table = rr.simulate(authorities=["E06000001", "E06000017"], seed=3).episodes
    random = np.random.default_rng(5)
    extra = table.sample(600, random_state=1)
    moved = extra["referral_date"] + pd.to_timedelta(random.integers(-40, 40, len(extra)), unit="D")
    extra = extra.assign(referral_date=moved.astype(table["referral_date"].dtype))
    again = table.sample(300, random_state=2)
    again.loc[:, ["closure_date", "reason_for_closure"]] = pd.NaT, None
    table = pd.concat([table, extra, again], ignore_index=True)
    unassessed = random.random(len(table)) < 0.01
    table.loc[unassessed, "assessment_date"] = pd.NaT
    return table.sample(frac=1, random_state=4, ignore_index=True)


def slow_chain(table: pd.DataFrame, years: range, until: str) -> dict[str, int]:
    """The same chain with pandas, by its words: one row an episode, the last closure stays."""
    last = pd.Timestamp(until)
    table = table[table["referral_date"] <= last]
    key = ["authority", "child_id"]
    table = table.sort_values("closure_date", kind="stable", na_position="first")
    table = table.drop_duplicates([*key, "referral_date"], keep="last")
    table = table.assign(row=np.arange(len(table)))
    closed = table[
        (table["closure_date"] <= last) & (table["closure_date"] >= table["referral_date"])
    ]
    pairs = closed[[*key, "row", "closure_date"]].merge(
        table[[*key, "row", "referral_date", "closure_date", "referral_nfa"]],
        on=key,
        suffixes=("", "_other"),
    )
    ends = pairs["closure_date_other"].where(
        ~(pairs["closure_date_other"].isna() & (pairs["referral_nfa"] == True)),  # noqa: E712
        pairs["referral_date"],
    )
    is_open = (
        (pairs["row"] != pairs["row_other"])
        & (pairs["referral_date"] <= pairs["closure_date"])
        & (ends.isna() | (ends > pairs["closure_date"]))
    )
    closed = closed[~closed["row"].isin(pairs.loc[is_open, "row"])]
    begin, end = f"{years[0] - 1}-04-01", f"{years[-1]}-03-31"
    closed = closed[closed["closure_date"].between(begin, end)]
    assessed = closed[closed["assessment_date"].notna()]
    below = assessed[assessed["reason_for_closure"].isin(["RC8", "RC9"])]
    index = below[below["reason_for_closure"] == "RC8"]
    limit = index["closure_date"] + pd.DateOffset(months=12)
    index = index.assign(limit=limit)[limit <= last]
    events = index[[*key, "row", "closure_date", "limit"]].merge(
        table[[*key, "referral_date", "row"]], on=key, suffixes=("", "_event")
    )
    events = events[
        (events["referral_date"] > events["closure_date"])
        & (events["referral_date"] <= events["limit"])
    ]
    first = events.sort_values("referral_date").drop_duplicates("row")
    return {
        "assessed": len(assessed),
        "below_threshold": len(below),
        "not_stepped_down": int((below["reason_for_closure"] == "RC8").sum()),
        "followed": len(index),
        "rereferred": len(first),
        "children": len(index.drop_duplicates(key)),
        "rereferrals": first["row_event"].nunique(),
    }


def test_the_chain_against_pandas(simulated):
    years = range(2016, 2021)
    until = "2020-12-31"
    want = slow_chain(simulated, years, until)
    report = rr.missed_opportunities(simulated, years=years, observed_until=until)
    chain = report.tables["chain"].iloc[0]
    people = report.tables["children"].iloc[-1]
    for name in ("assessed", "below_threshold", "not_stepped_down", "followed", "rereferred"):
        assert chain[name] == want[name], name
    assert people["children"] == want["children"]
    assert people["rereferrals"] == want["rereferrals"]


def test_the_tables_add_up(simulated):
    tables = rr.missed_opportunities(
        simulated, years=range(2016, 2021), observed_until=UNTIL, observed_from="2013-04-01"
    ).tables
    in_all = tables["chain"].iloc[0]
    for name in ("chain_by_year", "chain_by_region", "chain_by_authority"):
        for column in ("assessed", "below_threshold", "stepped_down", "followed", "rereferred"):
            assert tables[name][column].sum() == in_all[column], (name, column)
    assert in_all["below_threshold"] == in_all["stepped_down"] + in_all["not_stepped_down"]
    assert tables["ledger"]["remaining"].iloc[-1] == in_all["followed"]
    assert tables["children"].iloc[-1]["closures"] == in_all["followed"]
    arms = tables["arms"].set_index("arm")
    assert arms.loc["not stepped down", "linked"] == in_all["rereferred"]


def test_the_three_rates_are_those_of_their_definitions(simulated):
    since, until = "2014-04-01", UNTIL
    report = rr.missed_opportunities(
        simulated, years=range(2016, 2021), observed_until=until, observed_from=since
    )
    rates = report.tables["three_rates"].set_index("name")["rate"]
    tidy = simulated.sort_values("closure_date", kind="stable", na_position="first")
    tidy = tidy.drop_duplicates(["authority", "child_id", "referral_date"], keep="last")
    links = rr.link(
        tidy,
        tidy,
        person="child_id",
        scope="authority",
        index_date="referral_date",
        event_date="referral_date",
        observed_from=since,
        definition=rr.definitions.DFE,
    )
    by_year = links.rates(by="financial_year")
    wanted = by_year[by_year["financial_year"].between("2015-16", "2019-20")]
    assert rates["DfE re-referral"] == wanted["linked"].sum() / wanted["n"].sum()
    assert rates["Action for Children 2022"] == report.tables["chain"].iloc[0]["rate"]
    twelve = rates["Goldacre and others 2025, 12 months"]
    assert rates["DfE re-referral"] < twelve < rates["Goldacre and others 2025, 6 years"]


def test_without_a_first_day_there_is_no_look_back():
    rates = report_by_hand().tables["three_rates"].set_index("name")
    assert np.isnan(rates.loc["DfE re-referral", "rate"])
    assert "observed_from" in rates.loc["DfE re-referral", "note"]


def test_years_by_default_are_those_with_twelve_months_after_them(simulated):
    report = rr.missed_opportunities(simulated, observed_until=UNTIL)
    years = list(report.tables["chain_by_year"]["financial_year"])
    assert years[-1] == "2019-20"
    assert (report.tables["chain_by_year"]["followed"] > 0).all()


def test_a_short_history_is_told_at_the_line_of_the_user(simulated):
    later = simulated[simulated["referral_date"] >= "2015-10-01"]
    with pytest.warns(UserWarning, match="rests on less than the look-back") as told:
        rr.missed_opportunities(
            later,
            years=range(2016, 2021),
            observed_until="2021-03-31",
            observed_from="2012-04-01",
        )
    assert {one.filename for one in told} == {__file__}
