"""The published definitions as their descriptions read, in the words of the rules.

Each has the description's index event, window, gap, exclusions and outcome beside the rules that
say the same. What the index and outcome tables hold (closed below the threshold, substantiated,
emergency) is the user's filter and not the definition's. Column names are those of the package.
"""

from __future__ import annotations

from dataclasses import dataclass

from .rules import Eligible


@dataclass(frozen=True)
class Preset:
    """`rules` as the reference takes them; `dates` are the index's and the outcome's columns."""

    rules: dict
    dates: tuple[str, str]
    scope: bool = False


PRESETS = {
    # Every referral of the year, the second of a pair; a referral of the same child, in the same
    # authority, in the 12 months before it.
    "DFE": Preset(
        {"direction": "backward", "window": "12 months"},
        dates=("referral_date", "referral_date"),
        scope=True,
    ),
    # Closed below the threshold, without early help; a referral up to 12 months after closure.
    "ACTION_FOR_CHILDREN": Preset(
        {"window": "12 months"}, dates=("closure_date", "referral_date"), scope=True
    ),
    # Closed after assessment, each child once; up to 12 months after the first referral itself,
    # and after its own closure: a section 47 enquiry or a new assessment.
    "WELSH_FOI": Preset(
        {"window": "12 months", "after": "closure_date", "select": "first"},
        dates=("referral_date", "assessment_date"),
        scope=True,
    ),
    # Every closed episode, Kaplan-Meier from the closure to the next referral.
    "GOLDACRE": Preset(
        {"window": None, "followup": "observed"}, dates=("closure_date", "referral_date")
    ),
    # The child's first substantiated report of the year, under 18; 12 months; a second report
    # within 14 days is not counted.
    "CFSR_RECURRENCE": Preset(
        {
            "window": "12 months",
            "min_gap": "15 days",
            "select": "first",
            "per": "year",
            "eligible": Eligible(age_at_index={"date_of_birth": ("<", 18)}),
        },
        dates=("referral_date", "referral_date"),
    ),
    # Entered care and left it within 12 months; a stay of less than 8 days and an age of 18 or
    # more at leaving are left out; a new removal up to 12 months after leaving.
    "CFSR_REENTRY": Preset(
        {
            "window": "12 months",
            "eligible": Eligible(
                age_at_index={"date_of_birth": ("<", 18)},
                length={"start_date": (">=", 8, "<=", "12 months")},
            ),
        },
        dates=("closure_date", "start_date"),
    ),
    # The first allegation of a half-year; 6, 12, 18 and 24 months at once. Referrals within a day
    # of each other are merged before.
    "BERKELEY": Preset(
        {
            "window": ["6 months", "12 months", "18 months", "24 months"],
            "select": "first",
            "per": "half_year",
        },
        dates=("referral_date", "referral_date"),
    ),
    # A spell, transfers merged before; an emergency admission 0 to 29 days after the last previous
    # discharge.
    "NHS_READMISSION": Preset(
        {"window": "29 days", "same_day": "include", "claim": "latest index"},
        dates=("discharge_date", "admission_date"),
    ),
    # A stay, stays less than 2 days apart merged before; 30 days; same-day stays and deaths are
    # left out; a first readmission that is planned takes the index stay out.
    "HEDIS_PCR": Preset(
        {
            "window": "30 days",
            "eligible": Eligible(length={"admission_date": (">=", 1)}),
            "veto": ({"planned": 1}, "drop"),
        },
        dates=("discharge_date", "admission_date"),
    ),
    # An admission with 12 months enrolled before it; 30 days from the discharge; a first
    # readmission that is planned ends the search as no event.
    "CMS_READMISSION": Preset(
        {
            "window": "30 days",
            "eligible": Eligible(history=("enrolled_from", "12 months")),
            "veto": ({"planned": 1}, "no event"),
        },
        dates=("discharge_date", "admission_date"),
    ),
    # A person's first caution or release in the cohort; a proven offence within 1 year, the
    # conviction inside it or in 6 more months.
    "MOJ_REOFFENDING": Preset(
        {"window": "1 year", "select": "first", "confirm": ("conviction_date", "6 months")},
        dates=("release_date", "offence_date"),
    ),
}
