"""What stands beside the published figures, and what may be said of them."""

from __future__ import annotations

import pytest

import report_by_hand as by_hand
from rereferral import published
from rereferral.report.official import claims, headline
from rereferral.verdicts.ranges import AGREES, NOT_BORNE_OUT, UNTESTED

TOTALS = [1, 3, 4]  # lines of the headline with published counts of England


def tables(areas, years=5, *, rate=None):
    """Tables by hand under the codes of real authorities; `rate`: its limits, areas as clusters."""
    made = by_hand.report(areas, years, 400).tables
    made["chain_by_authority"]["authority"] = list(published.authorities()["authority"][:areas])
    if rate is not None:
        made["chain"]["lower_scope_95"], made["chain"]["upper_scope_95"] = rate
    return made


def verdicts(found):
    return list(claims(found, simulated=False)["verdict"][:2])


def test_a_part_of_england_is_not_held_against_england():
    part = tables(149)
    assert verdicts(part) == [UNTESTED] * 2
    assert claims(part, simulated=False)["sentence"][:2].str.contains("a part of it").all()
    head = headline(part, simulated=False)
    assert list(head["published"][TOTALS]) == ["England only"] * 3
    assert head["published_value"][TOTALS].isna().all()
    assert list(head["published"][[0, 2]]) == ["85 %", "25 %"]
    assert not claims(part, simulated=False)["ours"][2:].str.contains("here").any()


def test_codes_that_nobody_knows_are_no_england():
    unknown = by_hand.report(152, 5, 400).tables
    assert verdicts(unknown) == [UNTESTED] * 2


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ((0.2549, 0.27), AGREES),  # reaches into what rounds to 25 %
        ((0.2551, 0.27), NOT_BORNE_OUT),
        ((0.255, 0.27), NOT_BORNE_OUT),  # 25.5 rounds to 26
        ((0.20, 0.245), AGREES),
        ((0.20, 0.2449), NOT_BORNE_OUT),
    ],
)
def test_a_rate_agrees_if_its_limits_reach_the_published_one(limits, verdict):
    assert verdicts(tables(150, rate=limits))[1] == verdict


def test_limits_of_areas_that_are_not_known_are_not_used():
    found = tables(150, rate=(float("nan"), float("nan")))
    found["chain"]["lower_95"], found["chain"]["upper_95"] = 0.30, 0.31
    assert verdicts(found)[1] == NOT_BORNE_OUT


def test_england_shows_its_own_counts_beside_official_ones():
    found = tables(152)
    chain = found["chain"].iloc[0]
    ours = list(claims(found, simulated=False)["ours"])
    assert ours[2] == f"{int(chain['below_threshold']):,} here; 908,130 official"
    assert ours[3].startswith(f"{int(chain['not_stepped_down']):,} here; ")


def test_other_years_are_not_held_against_published_totals():
    found = tables(152, 4)
    assert not claims(found, simulated=False)["ours"][2:].str.contains("here").any()
    notes = headline(found, simulated=False)["note"]
    assert notes[TOTALS].str.endswith("; published for 2015-16 to 2019-20").all()


def test_nobody_below_the_threshold_gives_no_verdict():
    rows = by_hand.authority_rows(150, 1, 9)
    rows[by_hand.COUNTS[1:]] = 0
    found = by_hand.report(counts=rows).tables
    found["chain_by_authority"]["authority"] = list(published.authorities()["authority"][:150])
    assert verdicts(found) == [UNTESTED] * 2
    assert headline(found, simulated=False)["ours"][[0, 2]].isna().all()


def test_one_year_is_one_year():
    notes = headline(tables(2, 1), simulated=False)["note"]
    assert notes[1] == "closures in 1 year, not children"
