"""Random tables on which the published definitions are asked, dense in their boundary days."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from clothes import Case, dress_plainly
from linking_cases import ANCHORS
from reference import PRESETS, add_months, add_span, parse_span

DATES = [
    *("referral_date", "closure_date", "assessment_date", "start_date", "date_of_birth"),
    *("admission_date", "discharge_date", "enrolled_from", "release_date", "offence_date"),
    *("conviction_date",),
]
STEPS = {
    "DFE": ["12 months", "12 months", "365 days"],
    "ACTION_FOR_CHILDREN": ["12 months"],
    "WELSH_FOI": ["12 months", 30],
    "GOLDACRE": [30, "12 months", "72 months"],
    "CFSR_RECURRENCE": ["12 months", 14, 15],
    "CFSR_REENTRY": ["12 months", 7, 8],
    "BERKELEY": ["6 months", "12 months", "18 months", "24 months"],
    "NHS_READMISSION": [0, 29, 30, 2],
    "HEDIS_PCR": [0, 30, 2, 1],
    "CMS_READMISSION": [30, "12 months", 2],
    "MOJ_REOFFENDING": ["12 months", "18 months", "6 months"],
}


@st.composite
def preset_cases(draw, name: str) -> Case:
    """A table asked by a published definition, its days one or two of its spans apart."""
    preset = PRESETS[name]
    anchor = draw(st.sampled_from([day for day in ANCHORS if abs(day) < 100_000]))
    ends = [add_span(anchor, parse_span(step)) - anchor for step in STEPS[name]]
    jumps = st.sampled_from([*ends, 0, *[-end for end in ends]])
    near = st.sampled_from([0, 1, 0, -1])
    some = st.builds(lambda *steps: anchor + sum(steps), jumps, near, st.one_of(near, jumps))
    few = st.sampled_from(draw(st.lists(some, min_size=3, max_size=6, unique=True)))
    births = st.builds(lambda day, off: add_months(day, -12 * 18) + off, few, near)
    columns: dict[str, Any] = {date: st.one_of(few, few, few, few, st.none()) for date in DATES}
    columns |= dict.fromkeys(preset.dates, few)
    columns |= {
        "child_id": st.sampled_from(["a", "a", "a", "b"]),
        "authority": st.sampled_from(["E1", "E1", "E1", "E2"]),
        "planned": st.integers(0, 1),
        "score": st.integers(0, 1),
        "date_of_birth": st.one_of(births, births, births, st.none()),
    }
    rows = draw(st.lists(st.fixed_dictionaries(columns), min_size=2, max_size=8))
    families = {**dict.fromkeys(DATES, "day"), "child_id": "text", "authority": "text"}
    families |= {"planned": "whole", "score": "whole"}
    arguments: dict[str, Any] = {"person": "child_id"}
    arguments |= dict(zip(["index_date", "event_date"], preset.dates, strict=True))
    if preset.scope:
        arguments["scope"] = "authority"
    edge, sign = "observed_until", 1
    if preset.rules.get("direction") == "backward":
        edge, sign = "observed_from", -1
    close = st.builds(
        lambda day, end, off: day + sign * end + off, few, st.sampled_from(ends), near
    )
    days = st.one_of(close, st.just(anchor + sign * 9_000))
    arguments[edge] = draw(st.one_of(days, days, st.fixed_dictionaries({"E1": days, "E2": days})))
    case = Case(
        *(rows, rows, (families, families), arguments, preset.rules),
        **{"by": draw(st.sampled_from([None, "score"])), "same_table": True, "preset": name},
    )
    return dress_plainly(case)
