"""An authority becomes another: what links, and what is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import rereferral as rr

PLACES = ["Bournemouth", "Poole", "Dorset", "Buckinghamshire", "Camden"]


@pytest.fixture(scope="module")
def merged():
    """The same England under the codes of the day, and under those of 2019."""
    arguments = {"years": range(2018, 2021), "authorities": PLACES, "seed": 1}
    return rr.simulate(**arguments, mergers=True), rr.simulate(**arguments)


def linked(england, **rules) -> rr.Links:
    return rr.link(
        england.episodes,
        england.episodes,
        person="child_id",
        scope="authority",
        index_date="referral_date",
        event_date="referral_date",
        definition=rr.definitions.DFE,
        observed_from=england.observed_from,
        **rules,
    )


def test_own_ids_find_no_link_that_is_not_true(merged):
    now, then = linked(merged[0]), linked(merged[1])
    found = now.event_row >= 0
    assert (now.event_row[found] == then.event_row[found]).all()
    lost = (then.event_row >= 0) & ~found
    first_years = merged[0].episodes["authority"].isin(["E06000058", "E06000059"])
    assert lost.sum() > 500
    assert first_years[lost].all()


def test_ids_carried_over_find_the_true_links_but_those_of_ids_that_collide(merged):
    now, then = linked(merged[0], ids="carried over"), linked(merged[1])
    rows, truth = merged[0].episodes, merged[1].episodes
    of_two = truth.groupby(rows["child_id"])["child_id"].nunique()
    collides = rows["child_id"].isin(of_two.index[of_two > 1])
    renamed = truth["child_id"].isin(truth["child_id"][collides])
    same = ~(collides | renamed).to_numpy()
    assert 0 < (~same).sum() < 0.01 * len(rows)
    np.testing.assert_array_equal(now.event_row[same], then.event_row[same])
    assert (now.event_row[~same] != then.event_row[~same]).any()


def test_a_merger_halves_the_rate_and_says_so(merged):
    own, carried = linked(merged[0]), linked(merged[0], ids="carried over")

    def rate(links):
        rates = links.rates(by=["authority", "financial_year"])
        return rates.set_index(["authority", "financial_year"])["rate"]["E06000059", "2019-20"]

    with pytest.warns(UserWarning, match="rests on less than the look-back") as told:
        halved = rate(own)
    assert {str(one.message).partition(" look back")[0][-9:] for one in told} == {
        "E06000058",
        "E06000059",
    }
    assert {one.filename for one in told} == {__file__}
    rates = [halved, rate(carried)]
    assert 0.3 < rates[0] / rates[1] < 0.65
    assert "index events of E06000059 look back beyond 2019-04-01" in repr(own)
    assert "E06000060 and E10000002 are one area (recode of 2020-04-01)." in repr(own)
    assert "look back beyond" not in repr(carried)
    short = own.completeness.set_index("authority")["too_short"]
    assert (short > 0).to_dict() == {
        code: code in ("E06000058", "E06000059") for code in short.index
    }
    assert (carried.completeness["too_short"] == 0).all()


def test_a_date_for_each_area_goes_by_the_codes_as_given(merged):
    england = merged[0]
    codes = england.authorities["authority"]
    dates = dict.fromkeys(codes, "2014-04-01") | {"E06000060": "2020-07-01"}
    links = rr.link(
        england.episodes,
        england.episodes,
        person="child_id",
        scope="authority",
        index_date="referral_date",
        event_date="referral_date",
        definition=rr.definitions.DFE,
        observed_from=dates,
    )
    rows = england.episodes
    early = (rows["authority"] == "E06000060") & (rows["referral_date"] < "2020-07-01")
    assert early.sum() > 100
    assert not links.followed[early].any()


@pytest.mark.parametrize("scope", [None, ["authority", "child_id"]])
def test_ids_carried_over_need_a_scope_of_codes(scope):
    table = pd.DataFrame({"authority": ["E10000023"], "child_id": ["1"], "on": [0]})
    with pytest.raises(rr.RuleError, match="joins areas by their ONS codes"):
        rr.link(
            table,
            table,
            person="child_id",
            scope=scope,
            index_date="on",
            event_date="on",
            observed_until=1000,
            ids="carried over",
        )


def test_forward_has_nothing_to_look_back_to(merged):
    links = linked(merged[0], direction="forward", observed_until=merged[0].observed_until)
    assert len(links.completeness) == 0


def test_a_washout_looks_back_into_the_index(merged):
    rows = merged[0].episodes
    links = linked(
        merged[0],
        direction="forward",
        observed_until=merged[0].observed_until,
        washout="6 months",
        index_filter={"referral_nfa": False},
    )
    table = links.completeness.set_index("authority")
    assert set(table["looks_back"]) == {"washout"}
    early = rows["authority"].eq("E06000059") & (rows["referral_date"] < "2019-10-01")
    assert table.loc["E06000059", "too_short"] == (early & links.followed).sum() > 500
    assert table.loc["E09000007", "too_short"] == 0


def test_several_windows_have_a_table_each(merged):
    several = linked(merged[0], window=["6 months", "12 months"])
    table = several.completeness
    assert table["window"].unique().tolist() == ["6 months", "12 months"]
    short = table[table["authority"] == "E06000059"].set_index("window")["too_short"]
    assert 0 < short["6 months"] < short["12 months"]
