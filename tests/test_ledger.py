"""The ledger adds up whatever the rules, and two of them can be compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import rereferral as rr

EPISODES = rr.simulate(authorities=["Rutland"], seed=3).episodes
ASKED = {"person": "child_id", "scope": "authority"}
ASKED |= {"index_date": "closure_date", "event_date": "referral_date"}
ASKED |= {"observed_from": "2013-04-01", "observed_until": "2021-03-31"}
ADULT = rr.birthday("date_of_birth", 18)
RULES = {
    "plain": {},
    "washout and first": {"washout": "6 months", "select": "first", "per": "financial_year"},
    "eligible": {
        "eligible": rr.Eligible(
            age_at_index={"date_of_birth": ("<", 10)},
            length={"referral_date": (">=", 5)},
            history="12 months",
        )
    },
    "exits": {"exits": {"adult": rr.Exit(ADULT, "exclude")}},
    "veto": {"veto": ({"referral_nfa": 1}, "drop"), "after": "assessment_date"},
}


def link(**rules):
    return rr.link(EPISODES, EPISODES, **ASKED, **rules)


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_it_adds_up_to_the_rows_that_are_counted(rules):
    links = link(**rules)
    for table, rows, left in (
        ("index", len(EPISODES), int(links.followed.sum())),
        ("events", len(EPISODES), None),
    ):
        lines = links.ledger[links.ledger["table"] == table]
        assert lines["remaining"].iloc[0] == rows
        assert (lines["remaining"].diff().iloc[1:] == -lines["removed"].iloc[1:]).all()
        assert left is None or lines["remaining"].iloc[-1] == left
    assert (links.ledger["removed"].groupby(links.ledger["step"]).sum() > 0).sum() > 1


def test_every_rule_that_leaves_out_has_its_step():
    steps = {name: set(link(**rules).ledger["step"]) for name, rules in RULES.items()}
    assert {"washout", "select", "look-back"} <= steps["washout and first"]
    assert {"eligible", "look-back"} <= steps["eligible"]
    assert "exits" in steps["exits"]
    assert "veto" in steps["veto"]
    assert steps["plain"] == {"given", "null", "observed", "follow-up"}


# ---------------------------------------------------------------- two of them


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_the_differences_add_up(rules):
    plain, other = link(), link(**rules)
    table = rr.compare_ledgers(plain, other)
    for side in ("index", "events"):
        lines = table[table["table"] == side]
        ends = [
            ledger[ledger["table"] == side]["remaining"].iloc[-1]
            for ledger in (plain.ledger, other.ledger)
        ]
        assert lines["difference"].sum() == ends[0] - ends[1]
    for suffix, ledger in (("first", plain.ledger), ("second", other.ledger)):
        mine = table[table[f"removed_{suffix}"].notna()]
        assert mine["reason"].tolist() == ledger["reason"].tolist()
        assert mine[f"remaining_{suffix}"].tolist() == ledger["remaining"].tolist()


def test_lines_of_one_alone_stand_where_they_stood():
    table = rr.compare_ledgers(link(), link(washout="6 months"), ("all", "washed"))
    washout = table[table["step"] == "washout"].iloc[0]
    assert pd.isna(washout["removed_all"])
    assert washout["difference"] == washout["removed_washed"] > 0
    steps = table[table["table"] == "index"]["step"].tolist()
    assert steps.index("follow-up") < steps.index("washout")


def test_a_ledger_itself_may_be_given():
    one, two = link(), link(window="6 months")
    pd.testing.assert_frame_equal(
        rr.compare_ledgers(one.ledger, two.ledger), rr.compare_ledgers(one, two)
    )


@pytest.mark.parametrize(
    ("given", "names", "said"),
    [
        (link(window=["6 months", "12 months"]), ("a", "b"), "no one ledger"),
        (np.arange(3), ("a", "b"), "ndarray has no one ledger"),
        (link(), ("a", "a"), "names must differ"),
    ],
    ids=["several windows", "an array", "one name"],
)
def test_what_is_no_ledger_is_refused(given, names, said):
    with pytest.raises(rr.RuleError, match=said):
        rr.compare_ledgers(link(), given, names)
