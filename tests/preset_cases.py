"""Random tables on which the published definitions are asked, dense in their boundary days."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from clothes import Case, dress_plainly
from linking_cases import ANCHORS
from reference import PRESETS, add_months, add_span, parse_span

STEPS = {
    "DFE": ["12 months", "12 months", "365 days"],
    "ACTION_FOR_CHILDREN": ["12 months", 1],
    "WELSH_FOI": ["12 months", 30],
    "GOLDACRE": [30, "12 months", "72 months"],
    "CFSR_RECURRENCE": ["12 months", 14, 15],
    "CFSR_REENTRY": ["12 months", 7, 1],
    "BERKELEY": ["6 months", "12 months", "18 months", "24 months", 1, 2],
    "NHS_READMISSION": [0, 29, 30, 2],
    "HEDIS_PCR": [30, 2, 1],
    "CMS_READMISSION": [30, 2],
    "MOJ_REOFFENDING": ["12 months", 30],
}
LENGTHS = {
    "CFSR_REENTRY": [7, 8, 30, "12 months"],
    "HEDIS_PCR": [0, 1, 3, 5],
}  # last but one: usual
AGES = {"HEDIS_PCR": 18, "CMS_READMISSION": 65}  # at least; elsewhere under 18
USUAL = {"planned": 0, "emergency": 1, "substantiated": 1, "breach": 0}
EVENT_DATES = ["referral_date", "admission_date", "entry_date", "assessment_date"]


def shifted(day: int, span, sign: int = 1) -> int:
    """A day some span away; the months of a span behind a day are those before it."""
    number, unit = parse_span(span)
    return add_span(day, (sign * number, unit))


class Chain:
    """Rows one after another, each from the beginning or the end of one before it, a span away."""

    def __init__(self, draw, name: str, anchor: int):
        self.draw, self.name = draw, name
        self.days = [anchor]
        self.off = st.sampled_from([0, 0, 1, -1])
        self.often = st.sampled_from([True, True, True, True, True, False])

    def one(self, *values):
        return self.draw(st.sampled_from(values))

    def row(self) -> dict[str, Any]:
        """A stay from an admission to a discharge, an episode from a referral to a closure.

        One of its dates is at a boundary, the others lie far on the usual side.
        """
        one, name = self.one, self.name
        tight = one("event", "event", "length", "birth", "enrolled", "disenrolled", "conviction")
        off = self.draw(self.off)
        begin = shifted(one(*self.days), one(*STEPS[name])) + (off if tight == "event" else 0)
        usual = LENGTHS.get(name, [1, 5, 30])
        length = one(*([0, *usual] if tight == "length" else usual[-2:-1]))
        end = shifted(begin, length)
        self.days += [begin, end]
        years = AGES.get(name, 18)
        born = add_months(end, -12 * years) + (off if tight == "birth" else 900)
        if tight != "birth" and name in AGES:
            born -= 1_800
        enrolled = shifted(end, one("12 months", 365), -1) + off
        convicted = shifted(one(*self.days), one("18 months", "12 months")) + off
        row = dict.fromkeys(EVENT_DATES, begin) | {
            "closure_date": end,
            "assessment_date": begin + one(0, 1, 7),
            "date_of_birth": born if self.draw(self.often) else None,
            "enrolled_from": enrolled if tight == "enrolled" else end - 800,
            "disenrolled_on": end + 30 + off if tight == "disenrolled" else None,
            "conviction_date": convicted if tight == "conviction" else begin + 20,
            "cohort": one("2019", "2019", "2019", "2020", None),
            "reporting_year": one("2019", "2019", "2019", "2020", None),
            "child_id": one("a", "a", "a", "b"),
            "authority": one("E1", "E1", "E1", "E2"),
            "score": one(0, 1),
        }
        row |= {
            flag: usual if self.draw(self.often) else 1 - usual for flag, usual in USUAL.items()
        }
        if not self.draw(self.often):
            row[one("closure_date", "referral_date", "conviction_date", "enrolled_from")] = None
        return row


@st.composite
def preset_cases(draw, name: str) -> Case:
    """A table asked by a published definition, its rows one of its spans apart."""
    preset = PRESETS[name]
    anchor = draw(st.sampled_from([day for day in ANCHORS if abs(day) < 100_000]))
    chain = Chain(draw, name, anchor)
    rows = [chain.row() for _ in range(draw(st.integers(2, 6)))]
    kinds = dict.fromkeys(["child_id", "authority", "cohort", "reporting_year"], "text")
    kinds |= dict.fromkeys([*USUAL, "score"], "whole")
    families = {column: kinds.get(column, "day") for column in rows[0]}
    arguments: dict[str, Any] = {"person": "child_id"}
    arguments |= dict(zip(["index_date", "event_date"], preset.dates, strict=True))
    if preset.scope:
        arguments["scope"] = "authority"
    edge, sign = "observed_until", 1
    if preset.rules.get("direction") == "backward":
        edge, sign = "observed_from", -1
    ends = [parse_span(step) for step in STEPS[name]]
    ends = st.sampled_from([*ends, (18, "months")] if name == "MOJ_REOFFENDING" else ends)
    close = st.builds(
        lambda day, end, off: add_span(day, (sign * end[0], end[1])) + off,
        *(st.sampled_from([row[preset.dates[0]] or anchor for row in rows]), ends, chain.off),
    )
    far = st.just(anchor + sign * 9_000)
    days = st.one_of(close, far, far)
    by_area = st.fixed_dictionaries({"E1": days, "E2": days})
    arguments[edge] = draw(st.one_of(days, days, days, by_area))
    case = Case(
        *(rows, rows, (families, families), arguments, preset.rules),
        **{"by": draw(st.sampled_from([None, "score"])), "same_table": True, "preset": name},
    )
    return dress_plainly(case)
