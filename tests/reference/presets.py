"""The published definitions as their descriptions read, in the words of the rules.

Each has the description's index event, window, gap, exclusions and outcome beside the rules that
say the same. What the index table holds (closed below the threshold, substantiated, leaving for
home) is the user's filter and not the definition's. Column names are those of the package.
"""

from __future__ import annotations

from dataclasses import dataclass

from .rules import Birthday, Eligible, Exit

ADULT = {"date_of_birth": (">=", 18)}
CHILD = {"date_of_birth": ("<", 18)}
ENROLMENT_ENDS = {"end of enrolment": Exit("disenrolled_on", "exclude")}


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
    # Closed after assessment, each child once a year; up to 12 months after the first referral
    # itself, and after its own closure: a section 47 enquiry or a new assessment.
    "WELSH_FOI": Preset(
        {
            "window": "12 months",
            "after": "closure_date",
            "select": "first",
            "per": "financial_year",
        },
        dates=("referral_date", "assessment_date"),
        scope=True,
    ),
    # Every closed episode of a child, Kaplan-Meier from the closure to the next referral, as long
    # as it is a child.
    "GOLDACRE": Preset(
        {
            "window": None,
            "followup": "observed",
            "eligible": Eligible(age_at_index=CHILD),
            "exits": {"age 18": Exit(Birthday("date_of_birth", 18), "censor")},
        },
        dates=("closure_date", "referral_date"),
        scope=True,
    ),
    # The child's first substantiated report of the year, under 18; another one in 12 months; one
    # within 14 days is not counted, so that the 15th day is the first.
    "CFSR_RECURRENCE": Preset(
        {
            "window": "12 months",
            "min_gap": 15,
            "event_filter": {"substantiated": 1},
            "select": "first",
            "per": "reporting_year",
            "eligible": Eligible(age_at_index=CHILD),
        },
        dates=("referral_date", "referral_date"),
    ),
    # Entered care and left it within 12 months, the child once a year; a stay of less than 8 days
    # and an age of 18 or more at leaving are left out; a new entry up to 12 months after leaving.
    "CFSR_REENTRY": Preset(
        {
            "window": "12 months",
            "select": "first",
            "per": "reporting_year",
            "eligible": Eligible(
                age_at_index=CHILD, length={"entry_date": (">=", 8, "<=", "12 months")}
            ),
        },
        dates=("closure_date", "referral_date"),
    ),
    # The first allegation of a half-year; 6, 12, 18 and 24 months at once. Referrals within a day
    # of each other are one, whether or not they were merged before.
    "BERKELEY": Preset(
        {
            "window": ["6 months", "12 months", "18 months", "24 months"],
            "min_gap": 2,
            "select": "first",
            "per": "half_year",
        },
        dates=("referral_date", "referral_date"),
    ),
    # A spell, transfers merged before; an emergency admission 0 to 29 days after the last previous
    # discharge: not after the one before that, nor after an admission of another kind.
    "NHS_READMISSION": Preset(
        {
            "window": "29 days",
            "same_day": "include",
            "claim": "latest index",
            "veto": ({"emergency": 0}, "no event"),
        },
        dates=("closure_date", "referral_date"),
    ),
    # A stay of an adult, enrolled for a year before and 30 days after it; stays less than 2 days
    # apart are one; 30 days; same-day stays and deaths are left out; a first readmission that is
    # planned takes the index stay out.
    "HEDIS_PCR": Preset(
        {
            "window": "30 days",
            "min_gap": 2,
            "eligible": Eligible(
                age_at_index=ADULT,
                length={"admission_date": (">=", 1)},
                history=("enrolled_from", 365),
            ),
            "exits": ENROLMENT_ENDS,
            "veto": ({"planned": 1}, "drop"),
        },
        dates=("closure_date", "admission_date"),
    ),
    # An admission at 65 or older, with 12 months enrolled before it and 30 days after; a first
    # readmission that is planned ends the search as no event.
    "CMS_READMISSION": Preset(
        {
            "window": "30 days",
            "eligible": Eligible(
                age_at_index={"date_of_birth": (">=", 65)},
                history=("enrolled_from", "12 months"),
            ),
            "exits": ENROLMENT_ENDS,
            "veto": ({"planned": 1}, "no event"),
        },
        dates=("closure_date", "admission_date"),
    ),
    # A person's first caution or release in the cohort; a proven offence within 1 year, the
    # conviction inside it or in 6 more months; a breach is no offence.
    "MOJ_REOFFENDING": Preset(
        {
            "window": "1 year",
            "select": "first",
            "per": "cohort",
            "event_filter": {"breach": 0},
            "confirm": ("conviction_date", "6 months"),
        },
        dates=("closure_date", "referral_date"),
    ),
}
