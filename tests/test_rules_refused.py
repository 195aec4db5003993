"""Rules that contradict one another are refused in one sentence that says what to change."""

from __future__ import annotations

import numpy as np
import pytest

import rereferral as rr

DAYS = np.array(["2018-01-31", "2018-06-30"], "datetime64[D]")
TABLE = {"child": [1, 1], "area": ["x", "y"], "on": DAYS, "text": ["a", "b"], "days": [30, -1]}
ASKED = {"person": "child", "index_date": "on", "event_date": "on"}
ASKED |= {"observed_from": "2010-01-01", "observed_until": "2020-12-31"}
ADULT = rr.birthday("on", 18)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"window": 0, "window_end": "exclusive", "same_day": "include"}, "holds no day; give a l"),
        ({"window": None}, 'give a window, or followup="observed"'),
        ({"window": ["6 months", None]}, "never followed completely"),
        ({"window": ["12 months", "1 year"]}, "names '1 year' twice"),
        ({"window": "12 mnths"}, "is not a span"),
        ({"window": "no such"}, "is not a span, and the index has no such column"),
        ({"window": "text"}, "'text': a column of windows holds whole days, not text"),
        ({"window": "on"}, "a column of windows holds whole days, not dates"),
        ({"window": "days"}, r"'days', row 1: -1 is not a whole number of days from 0"),
        ({"select": "last"}, 'give per, or select="first"'),
        ({"per": "financial_year"}, 'needs select="first" or select="last"'),
        ({"select": "first", "per": "fortnight"}, "is no column of the index, and not"),
        ({"within_gap": "absorb"}, "give min_gap"),
        ({"within_gap": "stop", "min_gap": 0}, "give min_gap"),
        ({"within_gap": "stop", "min_gap": 400}, "make the window longer or the gap shorter"),
        ({"rolling": True}, "needs a washout"),
        ({"cohort": "each"}, "needs several windows"),
        ({"take": 2.5}, "take=2.5 is not a choice"),
        ({"take": 10**20}, "is not a choice"),
        ({"washout": None, "rolling": "yes"}, "must be True or False"),
        ({"after": 3}, "after=3 is not the name of a column"),
        (
            {"direction": "backward", "claim": "latest index"},
            "claim looks forward; write direction",
        ),
        ({"direction": "backward", "confirm": ("on", 3)}, "confirm looks forward"),
        ({"direction": "backward", "exits": {"adult": rr.Exit(ADULT, "censor")}}, "exits looks f"),
        ({"confirm": ("on", 3), "followup": "observed"}, 'followup must be "complete"'),
        ({"confirm": ("on", 3), "within_gap": "absorb", "min_gap": 3}, 'write within_gap="skip"'),
        ({"confirm": "on"}, r'must be a pair such as \("conviction_date", "6 months"\)'),
        (
            {"exits": {"adult": rr.Exit(ADULT, "compete")}, "followup": "ignored"},
            "need a time",
        ),
        ({"exits": rr.Exit(ADULT, "censor")}, "exits must be a dict"),
        ({"exits": {"adult": "censor"}}, "must be an exit such as"),
        ({"veto": {"text": "a"}}, "veto must be a pair"),
        ({"veto": ({"text": "a"}, "ignore")}, "'ignore' is not a choice"),
        ({"eligible": {"age": 3}}, "eligible: .*'age'"),
        ({"eligible": "adults"}, r"must be an rr.Eligible\(...\)"),
        ({"mediator": TABLE}, r"must be an rr.Mediator\(...\)"),
        ({"washout": "12 months", "direction": "forward", "washot": 1}, "did you mean 'washout'"),
    ],
)
def test_a_contradiction_is_refused(rules, said):
    with pytest.raises((rr.RuleError, rr.DataError), match=said) as refused:
        rr.link(TABLE, TABLE, **ASKED, **rules)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "rules",
    [
        {"veto": ({"planed": 1}, "drop")},
        {"event_filter": {"planed": 1}},
        {"exits": {"death": rr.Exit("planed", "censor")}},
        {"confirm": ("planed", "6 months")},
        {"after": "planed"},
        {"eligible": rr.Eligible(length={"planed": (">=", 8)})},
        {"eligible": rr.Eligible(history=("planed", "12 months"))},
    ],
    ids=str,
)
def test_a_column_that_is_not_there_is_named(rules):
    table = TABLE | {"planned": DAYS}
    with pytest.raises(rr.DataError, match="no column 'planed'; did you mean 'planned'"):
        rr.link(table, dict(table), **ASKED, **rules)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: rr.Exit("died", "leave"), "an exit cannot 'leave'; write one of 'exclude'"),
        (lambda: rr.Exit(3, "censor"), "give the name of a column, or rr.birthday"),
        (lambda: rr.birthday("born", 18.5), "age=18.5 is not a whole number of years"),
        (lambda: rr.birthday(None, 18), "is not the name of a column of dates of birth"),
        (lambda: rr.Eligible(), "Eligible asks nothing"),
        (lambda: rr.Eligible(age_at_index={"born": ("<", "18")}), "compared with whole years"),
        (lambda: rr.Eligible(length={"start": ("<", None)}), "compared with days or a span"),
        (lambda: rr.Eligible(history=("start",)), "is no span"),
        (lambda: rr.Mediator(), "needs a table and a date, or an index_filter"),
        (lambda: rr.Mediator(TABLE), "a table and the column of its date, or neither"),
        (lambda: rr.Mediator(TABLE, "on", within="30 days"), "must be a pair of spans"),
        (lambda: rr.Mediator(TABLE, "on", within=(30, -30)), "ends before it begins"),
        (lambda: rr.Mediator(TABLE, "on", guard="none"), "is not a choice; write 'landmark'"),
    ],
)
def test_a_value_of_a_rule_is_refused(make, said):
    with pytest.raises(rr.RuleError, match=said):
        make()


def test_a_scope_without_a_date_is_refused():
    with pytest.raises(rr.RuleError, match="observed_from has no date for 'y'"):
        rr.link(
            TABLE,
            TABLE,
            **(ASKED | {"observed_from": {"x": "2010-01-01"}}),
            scope="area",
            washout="12 months",
        )


@pytest.mark.parametrize(
    "rules",
    [
        {"washout": "12 months"},
        {"direction": "backward"},
        {"eligible": rr.Eligible(history="1 year")},
    ],
)
def test_looking_back_asks_for_the_first_day_in_the_data(rules):
    asked = {name: value for name, value in ASKED.items() if name != "observed_from"}
    with pytest.raises(rr.RuleError, match=r'observed_from, .*observed_from="2018-01-01"'):
        rr.link(TABLE, TABLE, **asked, **rules)


def test_a_definition_with_a_mediator_is_a_value_but_not_json():
    help_given = rr.Mediator(TABLE, "on", within=("-30 days", "2 weeks"))
    one = rr.Definition(mediator=help_given)
    assert one == rr.Definition(mediator=rr.Mediator(TABLE, "on", within=(-30, 14)))
    assert one != rr.Definition(mediator=rr.Mediator(dict(TABLE), "on", within=(-30, 14)))
    assert hash(one) == hash(rr.Definition(mediator=help_given))
    with pytest.raises(rr.RuleError, match="holds a table and cannot be written"):
        one.to_json()


@pytest.mark.parametrize("name", ["linked", "none", "censored", "not followed", "excluded"])
def test_an_exit_has_a_name_of_its_own(name):
    with pytest.raises(rr.RuleError, match="is the name of another outcome; call it otherwise"):
        rr.Definition(exits={name: rr.Exit("on", "compete")})
