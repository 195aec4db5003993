"""Rules of disclosure control by name, and what is no rule."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import rereferral as rr
from rereferral.rules import checked

NO_RULES = ["dfee", "none", "", 3, ("dfe",), rr.rules.Rule, None]
MESSAGE = r"is no rule; give rereferral\.rules\.DFE, \.OPENSAFELY, \.CCWIP or a Rule of your own"


@pytest.fixture(scope="module")
def report() -> rr.Report:
    """Two closures, one of them stepped down."""
    closed = pd.to_datetime(["2016-06-01", "2016-06-02"])
    rows = pd.DataFrame(
        {
            "authority": "E08000035",
            "child_id": ["a", "b"],
            "referral_date": closed - pd.Timedelta(days=60),
            "assessment_date": closed - pd.Timedelta(days=30),
            "closure_date": closed,
            "reason_for_closure": ["RC8", "RC9"],
        }
    )
    return rr.missed_opportunities(rows, years=[2017], observed_until="2018-06-30")


def estimate() -> rr.Estimate:
    sample = pd.DataFrame({"authority": list("abc"), "closed": [40, 30, 60]})
    frame = pd.DataFrame({"authority": list("abcd"), "children": [300, 200, 500, 400]})
    return rr.estimate_total(sample, frame, count="closed", scale="children")


@pytest.mark.parametrize("name", ["DFE", "OPENSAFELY", "CCWIP"])
def test_a_rule_or_its_name_in_any_case(name: str) -> None:
    rule = getattr(rr.rules, name)
    for given in (rule, name, name.lower(), name.title(), rule.name):
        assert checked(given) is rule


def test_a_rule_of_ones_own_is_taken_as_it_is() -> None:
    ours = rr.rules.Rule("ours")
    assert checked(ours) is ours


@pytest.mark.parametrize("given", NO_RULES, ids=repr)
def test_what_is_no_rule(given: object) -> None:
    with pytest.raises(rr.RuleError, match=MESSAGE) as caught:
        checked(given)
    assert str(caught.value).startswith(f"rule={given!r} is")


@pytest.mark.parametrize("given", NO_RULES[:4], ids=repr)
def test_nothing_is_saved_by_what_is_no_rule(
    report: rr.Report, tmp_path: Path, given: object
) -> None:
    with pytest.raises(rr.RuleError, match=MESSAGE):
        report.save(tmp_path / "report", rule=given)
    with pytest.raises(rr.RuleError, match=MESSAGE):
        estimate().save(tmp_path / "estimate", rule=given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", [None, 3])
def test_a_report_is_not_protected_by_what_is_no_rule(report: rr.Report, given: object) -> None:
    with pytest.raises(rr.RuleError, match=MESSAGE):
        report.protect(given)


def test_a_report_is_protected_by_the_name_of_a_rule(report: rr.Report) -> None:
    release = report.protect("CCWip").release
    assert release is not None
    assert release.rule is rr.rules.CCWIP


def test_an_estimate_is_saved_by_the_name_of_a_rule(tmp_path: Path) -> None:
    folder = estimate().save(tmp_path / "out", rule="ccwip")
    assert json.loads((folder / "manifest.json").read_text())["rule"]["name"] == "CCWIP"
