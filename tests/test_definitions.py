"""Each published definition on a few dates worked by hand, at the days where its rules turn."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from rereferral import definitions as published
from rereferral.cli import main

NAMES = published.__all__


def frame(rows: list[dict]) -> pd.DataFrame:
    """Rows with dates as text; what is missing in a row is null."""
    table = pd.DataFrame(rows)
    for name in table:
        texts = table[name].dropna()
        if len(texts) and texts.map(lambda text: isinstance(text, str) and text[4:5] == "-").all():
            table[name] = pd.to_datetime(table[name]).astype("datetime64[s]")
    return table


def outcomes(definition: rr.Definition, index: list[dict], events: list[dict], **given) -> list:
    """The outcome of each index row; each row is a person of its own unless it names one."""
    table, found = frame(index), frame(events)
    if "observed_from" not in given:
        given.setdefault("observed_until", "2030-12-31")
    links = rr.link(
        table,
        found,
        person="who",
        index_date="on",
        event_date="at",
        definition=definition,
        **given,
    )
    names = np.array(links.outcome_names)
    return names[links.outcome].tolist()


def each(dates: list, **columns) -> list[dict]:
    """A row for each date, of persons 0, 1, 2 ..."""
    return [{"who": who, "at": date, **columns} for who, date in enumerate(dates)]


def same(date: str, times: int, **columns) -> list[dict]:
    """Persons 0, 1, 2 ... with the same index date."""
    return [{"who": who, "on": date, **columns} for who in range(times)]


# ---------------------------------------------------------------- children's services, UK


def test_dfe_looks_back_twelve_calendar_months():
    # 2019-03-01 is twelve months before; 2019-02-28 a day more; the day itself is no earlier one.
    events = each(["2019-03-01", "2019-02-28", "2020-03-01", "2020-02-29"])
    found = outcomes(published.DFE, same("2020-03-01", 4), events, observed_from="2018-01-01")
    assert found == ["linked", "none", "none", "linked"]


def test_dfe_counts_only_whose_whole_look_back_was_observed():
    # No day of February 2019 plus twelve months reaches 29 February 2020; the 28th has itself.
    index = [
        {"who": who, "on": f"2020-{day}"} for who, day in enumerate(["03-01", "02-29", "02-28"])
    ]
    events = each(["2019-12-01"] * 3)
    found = outcomes(published.DFE, index, events, observed_from="2019-03-01")
    assert found == ["linked", "linked", "not followed"]


def test_action_for_children_looks_forward_twelve_calendar_months():
    events = each(["2020-02-28", "2020-02-29", "2019-02-28", "2019-03-01"])
    found = outcomes(published.ACTION_FOR_CHILDREN, same("2019-02-28", 4), events)
    assert found == ["linked", "none", "none", "linked"]
    last = outcomes(
        published.ACTION_FOR_CHILDREN, same("2019-02-28", 1), events, observed_until="2020-02-27"
    )
    assert last == ["not followed"]


def test_the_welsh_answer_counts_from_the_referral_but_only_after_the_closure():
    # Referred 1 May 2019, closed 1 August: from 2 August to 1 May of the next year.
    events = each(["2019-07-01", "2019-08-01", "2019-08-02", "2020-05-01", "2020-05-02"])
    index = same("2019-05-01", 5, closure_date="2019-08-01")
    found = outcomes(published.WELSH_FOI, index, events)
    assert found == ["none", "none", "linked", "linked", "none"]


def test_the_welsh_answer_counts_a_child_once_a_financial_year():
    index = [
        {"who": 0, "on": "2019-04-01", "closure_date": "2019-05-01"},
        {"who": 0, "on": "2020-03-31", "closure_date": "2020-04-30"},
        {"who": 0, "on": "2020-04-01", "closure_date": "2020-05-01"},
    ]
    events = [{"who": 0, "at": "2020-06-01"}]
    # The first looks to 1 April 2020 only; the second is the same year's; the third is linked.
    assert outcomes(published.WELSH_FOI, index, events) == ["none", "excluded", "linked"]


def test_goldacre_follows_everybody_until_the_day_before_the_18th_birthday():
    born = "2001-06-15"
    index = [
        {"who": 0, "on": "2019-06-01", "date_of_birth": born},
        {"who": 1, "on": "2019-06-01", "date_of_birth": born},
        {"who": 2, "on": "2019-06-15", "date_of_birth": born},
        {"who": 3, "on": "2019-06-01", "date_of_birth": "2010-01-01"},
        {"who": 4, "on": "2019-06-01", "date_of_birth": "2010-01-01"},
        {"who": 5, "on": "2019-06-01"},
    ]
    events = each(["2019-06-14", "2019-06-15", "2019-06-20", "2026-01-01", None, "2019-07-01"])
    found = outcomes(published.GOLDACRE, index, events, observed_until="2026-01-01")
    assert found == ["linked", "age 18", "excluded", "linked", "censored", "excluded"]


def test_goldacres_risk_is_that_of_those_still_at_risk():
    # Of four, one returns on day 10, one turns 18 on day 20, one returns on day 30: by then two
    # are at risk, so the risk is 1 - 3/4 * 1/2.
    index = same("2019-01-01", 4, date_of_birth="2010-01-01")
    index[1]["date_of_birth"] = "2001-01-21"
    events = each(["2019-01-11", None, "2019-01-31", None])
    links = rr.link(
        frame(index),
        frame(events),
        person="who",
        index_date="on",
        event_date="at",
        definition=published.GOLDACRE.replace(window="12 months"),
        observed_until="2021-01-01",
    )
    assert links.rates()["rate"].tolist() == pytest.approx([1 - 3 / 4 * 1 / 2], abs=1e-15)


# ---------------------------------------------------------------- children's services, USA


def test_cfsr_recurrence_passes_over_fourteen_days():
    index = same("2018-10-01", 6, date_of_birth="2010-01-01", reporting_year=2019)
    dates = ["2018-10-15", "2018-10-16", "2019-10-01", "2019-10-02", "2018-12-01", "2018-10-10"]
    events = each(dates, substantiated=1)
    events[4]["substantiated"] = 0
    events.append({"who": 5, "at": "2019-01-01", "substantiated": 1})
    found = outcomes(published.CFSR_RECURRENCE, index, events)
    assert found == ["none", "linked", "linked", "none", "none", "linked"]


def test_cfsr_recurrence_takes_the_first_report_of_a_minor_in_a_year():
    index = [
        {"who": 0, "on": "2018-11-01", "date_of_birth": "2010-01-01", "reporting_year": 2019},
        {"who": 0, "on": "2018-12-01", "date_of_birth": "2010-01-01", "reporting_year": 2019},
        {"who": 0, "on": "2019-11-02", "date_of_birth": "2010-01-01", "reporting_year": 2020},
        {"who": 1, "on": "2018-11-01", "date_of_birth": "2000-11-02", "reporting_year": 2019},
        {"who": 2, "on": "2018-11-01", "date_of_birth": "2000-11-01", "reporting_year": 2019},
    ]
    events = each(["2019-11-02", "2018-12-01", "2018-12-01"], substantiated=1)
    found = outcomes(published.CFSR_RECURRENCE, index, events)
    # The first of 2019 looks to 1 November 2019; the event is a day late.
    assert found == ["none", "excluded", "none", "linked", "excluded"]


def test_cfsr_reentry_asks_for_eight_days_to_twelve_months_in_care():
    entered = ["2018-12-25", "2018-12-24", "2018-01-01", "2017-12-31", None]
    index = [
        {"who": who, "on": "2019-01-01", "entry_date": entry, "date_of_birth": "2010-01-01"}
        for who, entry in enumerate(entered)
    ]
    for row in index:
        row["reporting_year"] = 2019
    events = each(["2019-02-01"] * 5)
    found = outcomes(published.CFSR_REENTRY, index, events)
    assert found == ["excluded", "linked", "linked", "excluded", "excluded"]


def test_cfsr_reentry_counts_to_the_same_day_a_year_on():
    index = same(
        "2019-01-01", 3, entry_date="2018-06-01", date_of_birth="2010-01-01", reporting_year=2018
    )
    index[2]["date_of_birth"] = "2001-01-01"
    events = each(["2020-01-01", "2020-01-02", "2019-02-01"])
    assert outcomes(published.CFSR_REENTRY, index, events) == ["linked", "none", "excluded"]


def test_berkeley_reads_four_windows_from_the_first_allegation_of_a_half_year():
    index = [
        {"who": 0, "on": "2018-01-31"},
        {"who": 0, "on": "2018-06-30"},
        {"who": 0, "on": "2018-07-01"},
        {"who": 1, "on": "2018-01-31"},
        {"who": 2, "on": "2018-01-31"},
    ]
    events = [
        {"who": 0, "at": "2018-07-31"},  # six months after 31 January; 30 days after 1 July
        {"who": 1, "at": "2018-02-01"},  # the day after: the same referral
        {"who": 1, "at": "2019-07-31"},  # eighteen months
        {"who": 2, "at": "2020-02-01"},  # a day too late for all
    ]
    links = rr.link(
        frame(index),
        frame(events),
        person="who",
        index_date="on",
        event_date="at",
        definition=published.BERKELEY,
        observed_until="2020-12-31",
    )
    assert links.rates()[["window", "n", "linked"]].to_numpy().tolist() == [
        ["6 months", 4, 2],
        ["12 months", 4, 2],
        ["18 months", 4, 3],
        ["2 years", 4, 3],
    ]
    assert links["6 months"].followed.tolist() == [True, False, True, True, True]


# ---------------------------------------------------------------- hospitals


def test_nhs_readmission_is_day_0_to_day_29():
    events = each(["2019-01-01", "2019-01-30", "2019-01-31", "2018-12-31"], emergency=1)
    found = outcomes(published.NHS_READMISSION, same("2019-01-01", 4), events)
    assert found == ["linked", "linked", "none", "none"]


def test_nhs_readmission_belongs_to_the_last_discharge_before_it():
    stays = frame(
        [
            {"who": 0, "in": "2019-01-01", "out": "2019-01-03", "emergency": 1},
            {"who": 0, "in": "2019-01-08", "out": "2019-01-09", "emergency": 0},
            {"who": 0, "in": "2019-01-20", "out": "2019-01-20", "emergency": 1},
            {"who": 0, "in": "2019-01-25", "out": "2019-01-26", "emergency": 1},
        ]
    )
    links = rr.link(
        stays,
        stays,
        person="who",
        index_date="out",
        event_date="in",
        definition=published.NHS_READMISSION,
        observed_until="2019-12-31",
    )
    # The planned stay of the 8th ends the search of the first discharge; the discharge of a single
    # day is linked to the next stay, not to its own admission.
    assert links.event_row.tolist() == [-1, 2, 3, -1]
    assert links.followed.all()


def test_nhs_readmission_counts_for_one_discharge_alone():
    discharges = [{"who": 0, "on": "2019-01-01"}, {"who": 0, "on": "2019-01-05"}]
    events = [{"who": 0, "at": "2019-01-04", "emergency": 1}]
    events.append({"who": 0, "at": "2019-01-10", "emergency": 1})
    assert outcomes(published.NHS_READMISSION, discharges, events) == ["linked", "linked"]
    assert outcomes(published.NHS_READMISSION, discharges, events[1:]) == ["none", "linked"]


def hospital(times: int, **columns) -> list[dict]:
    given = {
        "admission_date": "2018-12-20",
        "date_of_birth": "1950-01-01",
        "enrolled_from": "2015-01-01",
        "disenrolled_on": None,
    }
    rows = same("2019-01-01", times, **{**given, **columns})
    rows.append({**rows[0], "who": 99, "disenrolled_on": "2025-01-01"})  # the column holds dates
    return rows


def test_hedis_counts_unplanned_stays_from_day_2_to_day_30():
    events = each(["2019-01-02", "2019-01-03", "2019-01-31", "2019-02-01"], planned=0)
    found = outcomes(published.HEDIS_PCR, hospital(4), events)
    assert found == ["none", "linked", "linked", "none", "none"]


def planned_first() -> list[dict]:
    """Person 0: planned, then not. 1: not, then planned. 2: planned and not on one day. 3: planned
    on day 31 alone.
    """
    return [
        {"who": 0, "at": "2019-01-10", "planned": 1},
        {"who": 0, "at": "2019-01-12", "planned": 0},
        {"who": 1, "at": "2019-01-10", "planned": 0},
        {"who": 1, "at": "2019-01-12", "planned": 1},
        {"who": 2, "at": "2019-01-10", "planned": 1},
        {"who": 2, "at": "2019-01-10", "planned": 0},
        {"who": 3, "at": "2019-02-01", "planned": 1},
    ]


def test_hedis_drops_a_stay_whose_first_readmission_is_planned():
    found = outcomes(published.HEDIS_PCR, hospital(4), planned_first())
    assert found == ["excluded", "linked", "linked", "none", "none"]


def test_cms_ends_the_search_at_a_planned_first_readmission():
    found = outcomes(published.CMS_READMISSION, hospital(4), planned_first())
    assert found == ["none", "linked", "linked", "none", "none"]


@pytest.mark.parametrize(
    ("name", "columns", "outcome"),
    [
        ("HEDIS_PCR", {"admission_date": "2019-01-01"}, "excluded"),
        ("HEDIS_PCR", {"admission_date": "2018-12-31"}, "linked"),
        ("HEDIS_PCR", {"date_of_birth": "2001-01-01"}, "linked"),
        ("HEDIS_PCR", {"date_of_birth": "2001-01-02"}, "excluded"),
        ("HEDIS_PCR", {"enrolled_from": "2018-01-01"}, "linked"),
        ("HEDIS_PCR", {"enrolled_from": "2018-01-02"}, "excluded"),
        ("HEDIS_PCR", {"disenrolled_on": "2019-01-31"}, "excluded"),
        ("HEDIS_PCR", {"disenrolled_on": "2019-02-01"}, "linked"),
        ("CMS_READMISSION", {"date_of_birth": "1954-01-01"}, "linked"),
        ("CMS_READMISSION", {"date_of_birth": "1954-01-02"}, "excluded"),
        ("CMS_READMISSION", {"enrolled_from": "2018-01-01"}, "linked"),
        ("CMS_READMISSION", {"enrolled_from": "2018-01-02"}, "excluded"),
        ("CMS_READMISSION", {"disenrolled_on": "2019-01-31"}, "excluded"),
        ("CMS_READMISSION", {"disenrolled_on": "2019-02-01"}, "linked"),
    ],
)
def test_who_is_eligible_in_a_hospital_measure(name, columns, outcome):
    events = each(["2019-01-15"], planned=0)
    found = outcomes(getattr(published, name), hospital(1, **columns), events)
    assert found[0] == outcome


def test_cms_counts_from_day_1_to_day_30():
    events = each(["2019-01-01", "2019-01-02", "2019-01-31", "2019-02-01"], planned=0)
    found = outcomes(published.CMS_READMISSION, hospital(4), events)
    assert found == ["none", "linked", "linked", "none", "none"]


# ---------------------------------------------------------------- justice


def test_moj_asks_for_a_conviction_within_six_more_months():
    index = same("2018-03-31", 6, cohort="2017/18")
    events = [
        {"who": 0, "at": "2019-03-31", "conviction_date": "2019-09-30", "breach": 0},
        {"who": 1, "at": "2019-03-31", "conviction_date": "2019-10-01", "breach": 0},
        {"who": 2, "at": "2019-04-01", "conviction_date": "2019-05-01", "breach": 0},
        {"who": 3, "at": "2018-05-01", "conviction_date": None, "breach": 0},
        {"who": 4, "at": "2018-05-01", "conviction_date": "2018-06-01", "breach": 1},
        {"who": 5, "at": "2018-05-01", "conviction_date": "2020-01-01", "breach": 0},
        {"who": 5, "at": "2018-06-01", "conviction_date": "2018-07-01", "breach": 0},
    ]
    found = outcomes(published.MOJ_REOFFENDING, index, events)
    assert found == ["linked", "none", "none", "none", "none", "linked"]


def test_moj_follows_the_first_of_a_cohort_for_eighteen_months():
    index = [
        {"who": 0, "on": "2018-03-31", "cohort": "2017/18"},
        {"who": 0, "on": "2018-01-01", "cohort": "2017/18"},
        {"who": 0, "on": "2018-04-01", "cohort": "2018/19"},
    ]
    events = [{"who": 0, "at": "2018-03-01", "conviction_date": "2018-03-02", "breach": 0}]
    found = outcomes(published.MOJ_REOFFENDING, index, events, observed_until="2019-09-30")
    assert found == ["excluded", "linked", "not followed"]


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_says_its_source_and_what_is_not_verified(name):
    definition = getattr(published, name)
    assert definition.name
    assert definition.source
    assert "Not verified" in definition.notes
    assert set(definition.episodes) >= {"index_date", "event_date"}


def test_presets_have_names_of_their_own():
    assert len({getattr(published, name).name for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_goes_to_json_and_back(name):
    definition = getattr(published, name)
    text = definition.to_json()
    assert rr.Definition.from_json(text) == definition
    assert json.loads(text)["episodes"]["index_date"] == definition.episodes["index_date"]


def columns_in_words(definition: rr.Definition) -> list[str]:
    found = re.search(r"Columns it needs: (.*?)\.", str(definition))
    if found is None:
        return []
    return [name for name in re.findall(r"\w+", found[1]) if name not in WORDS_BETWEEN]


WORDS_BETWEEN = {"and", "in", "the", "index", "events", "table"}


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_runs_on_the_columns_that_its_words_list_and_on_no_fewer(name):
    definition = getattr(published, name)
    asked = columns_in_words(definition)
    day = pd.Series(["2019-01-01"]).astype("datetime64[s]")
    is_date = re.compile("_(date|on|from|birth)$")
    columns = {column: day if is_date.search(column) else pd.Series([0]) for column in asked}
    table = pd.DataFrame({"who": [1], "on": day, "at": day, **columns})

    def link(table):
        return rr.link(
            table,
            table,
            person="who",
            index_date="on",
            event_date="at",
            definition=definition,
            observed_from="2010-01-01",
            observed_until="2025-01-01",
        )

    assert len(link(table)) == 1
    for column in asked:
        with pytest.raises(rr.RereferralError, match=column):
            link(table.drop(columns=column))


# ---------------------------------------------------------------- words

RULES = [
    ({"window": "28 days"}, "within 28 days after it"),
    ({"window": ["6 months", 30]}, "within 6 months or 30 days after it"),
    ({"window": "limit"}, "within the number of days in limit"),
    ({"window": None, "followup": "observed"}, "at any time after it"),
    ({"window_end": "exclusive"}, "neither the same day nor the last day of that time counts"),
    ({"direction": "backward"}, "before it"),
    ({"same_day": "include"}, "the same day too"),
    ({"same_day": "include", "window_end": "exclusive"}, "the same day counts, the last day"),
    ({"take": "last"}, "the farthest of several"),
    ({"take": 2}, "a 2nd day with an outcome event"),
    ({"min_gap": "3 days"}, "less than 3 days away does not count: the search goes on"),
    ({"min_gap": "3 days", "within_gap": "stop"}, "ends the search, without an event"),
    ({"min_gap": "3 days", "within_gap": "absorb"}, "moves the starting day to itself"),
    ({"after": "closed"}, "Only events after the index event's closed count."),
    ({"followup": "ignored"}, "is ignored; the rate is the raw proportion"),
    ({"followup": "observed"}, "the Kaplan-Meier risk at the window's end"),
    ({"event_filter": {"kind": ["a", "b"]}}, "Only events where kind is a or b count."),
    ({"veto": ({"planned": 1}, "drop")}, "the index event is left out"),
    ({"veto": ({"planned": 1}, "no event")}, "the index event has no event"),
    ({"veto": ({"planned": 1}, "skip")}, "the search goes on behind it"),
    ({"confirm": ("sentenced", "6 months")}, "a sentenced on or before the window's end plus 6"),
    ({"claim": "latest index"}, "belongs to the latest counted index event before it alone"),
    ({"select": "first"}, "Of a person's index events only the first is counted."),
    ({"select": "last", "per": "year"}, "in one calendar year only the last is counted"),
    ({"select": "first", "per": "term"}, "with the same term only the first is counted"),
    ({"washout": "12 months"}, "had another eligible one in the 12 months before it"),
    ({"washout": "12 months", "rolling": True}, "had another counted one in the 12 months"),
    ({"window": [30, 60], "cohort": "each"}, "Each window has a cohort of its own."),
    (
        {"eligible": rr.Eligible(age_at_index={"born": (">=", 10, "<", 18)})},
        "at least 10 and under",
    ),
    (
        {"eligible": rr.Eligible(age_at_event={"born": 3})},
        "Only outcome events at an age of exactly",
    ),
    ({"eligible": rr.Eligible(length={"start": (">=", 8)})}, "at least 8 days after start"),
    ({"eligible": rr.Eligible(history="12 months")}, "12 months of observed data before"),
    ({"eligible": rr.Eligible(history=("joined", "1 year"))}, "at least 12 months after joined"),
    ({"exits": {"death": rr.Exit("died", "compete")}}, "by death (the date in died): it ends the"),
    ({"exits": {"death": rr.Exit("died", "exclude")}}, "has it in its window is left out"),
    ({"exits": {"move": rr.Exit("left", "no event")}}, "stays in the denominator"),
    (
        {"exits": {"age": rr.Exit(rr.birthday("born", 18), "censor")}},
        "the day the person turns 18, by born): observation ends there",
    ),
]


@pytest.mark.parametrize(("rules", "words"), RULES)
def test_every_rule_is_said_and_goes_to_json_and_back(rules, words):
    definition = rr.Definition(**rules)
    assert words in str(definition)
    assert words not in str(rr.Definition())
    assert rr.Definition.from_json(definition.to_json()) == definition


def test_no_rule_goes_without_words():
    said = {name for rules, _ in RULES for name in rules}
    silent = {"name", "source", "notes", "episodes", "ties", "mediator"}
    assert said | silent == set(rr.Definition.__dataclass_fields__)


def test_a_mediator_is_said():
    table = pd.DataFrame({"who": [1], "started": pd.to_datetime(["2019-01-01"])})
    mediator = rr.Mediator(table, "started", within=("0 days", "30 days"))
    words = str(rr.Definition(mediator=mediator))
    assert "mediated if started lies from the day itself to 30 days after it" in words
    assert "the landmark, 30 days after the index event" in words


# ---------------------------------------------------------------- the command


def test_the_command_prints_every_preset_within_the_width(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    assert main(["definitions"]) == 0
    page = capsys.readouterr().out
    assert max(map(len, page.splitlines())) <= 72
    flat = re.sub(r"\s+", " ", page)
    for name in NAMES:
        definition = getattr(published, name)
        assert f"{name}: {definition.name}" in flat
        about, mark, unverified = definition.notes.partition("Not verified")
        assert about in flat
        assert mark + unverified in flat
        assert definition.source in flat


def test_the_command_prints_json_that_is_read_back(capsys):
    assert main(["definitions", "--json", "dfe", "HEDIS_PCR"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert list(plain) == ["DFE", "HEDIS_PCR"]
    for name, rules in plain.items():
        assert rr.Definition.from_json(json.dumps(rules)) == getattr(published, name)


def test_the_command_proposes_a_name(capsys):
    assert main(["definitions", "GOLDACER"]) == 2
    assert "did you mean GOLDACRE?" in capsys.readouterr().err


def test_the_page_is_made_by_the_module_too():
    done = subprocess.run(
        [sys.executable, "-m", "rereferral", "definitions", "DFE"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "within 12 months before it" in " ".join(done.stdout.split())
