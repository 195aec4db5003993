"""Published definitions of "came back", each with its source and what of it is not verified.

A preset asks for the columns that its measure needs (``planned``, ``enrolled_from``); its words
list them. On a table that has them it is used as it is. ``replace(veto=None)`` leaves a rule out,
and the result is then no longer the published measure. What no rule can say is left to the caller
and stands in the notes: which rows are index events (``index_filter``) and which spells are one
(``merge_spells``).
"""

from __future__ import annotations

from rereferral.definition import Definition
from rereferral.rule_values import Eligible, Exit, birthday

__all__ = [
    "ACTION_FOR_CHILDREN",
    "BERKELEY",
    "CFSR_RECURRENCE",
    "CFSR_REENTRY",
    "CMS_READMISSION",
    "DFE",
    "GOLDACRE",
    "HEDIS_PCR",
    "MOJ_REOFFENDING",
    "NHS_READMISSION",
    "WELSH_FOI",
]

_CLOSURE_TO_REFERRAL = {"index_date": "closure_date", "event_date": "referral_date"}
_REFERRAL_TO_REFERRAL = {"index_date": "referral_date", "event_date": "referral_date"}
_BORN = "date_of_birth"

# ------------------------------------------------------------------ children's services, UK

DFE = Definition(
    name="DfE re-referral",
    source=(
        "Department for Education, Characteristics of children in need, England: a child referred "
        "within 12 months of a previous referral"
    ),
    notes=(
        "Index and outcome are referrals of the same child in the same authority. Not verified: "
        "calendar months or 365 days, and whether a second referral on one day counts."
    ),
    direction="backward",
    window="12 months",
    episodes=_REFERRAL_TO_REFERRAL,
)

ACTION_FOR_CHILDREN = Definition(
    name="Action for Children 2022",
    source="Action for Children, Too little, too late, February 2022",
    notes=(
        "The index event is a closure after assessment, below the threshold and without early "
        "help; the outcome a referral. Where early help is told by a table of its own, leave out "
        "the closures that it follows from. Not verified: the questionnaire was not published, so "
        "the anchor date, the same day and the treatment of incomplete follow-up are our reading."
    ),
    direction="forward",
    window="12 months",
    episodes={**_CLOSURE_TO_REFERRAL, "index_filter": {"reason_for_closure": ["RC8"]}},
)

WELSH_FOI = Definition(
    name="Welsh FOI 2025",
    source="Freedom of Information answer of Pembrokeshire, disclosure 3030669, 2025",
    notes=(
        "Children whose case was closed after assessment; the twelve months run from the initial "
        "referral, and the outcome is a Section 47 enquiry or a new assessment after the closure. "
        "A table of episodes holds no Section 47 enquiries: give events that do. Not verified: one "
        "index event for each child and financial year, the same day, and which closures the "
        "answer counts."
    ),
    direction="forward",
    window="12 months",
    after="closure_date",
    select="first",
    per="financial_year",
    episodes={
        "index_date": "referral_date",
        "event_date": "assessment_date",
        "index_filter": {"reason_for_closure": ["RC8", "RC9"]},
    },
)

GOLDACRE = Definition(
    name="Goldacre and others 2025",
    source="Goldacre and others 2025, Children and Youth Services Review 169, 108113",
    notes=(
        "The index event is the closure of any episode, the outcome the next referral; the "
        "published risks are read off at 12 months and at 6 years. Not verified: the treatment of "
        "the same day, and that observation ends at the 18th birthday."
    ),
    direction="forward",
    window=None,
    followup="observed",
    eligible=Eligible(age_at_index={_BORN: ("<", 18)}),
    exits={"age 18": Exit(birthday(_BORN, 18), "censor")},
    episodes=_CLOSURE_TO_REFERRAL,
)

# ------------------------------------------------------------------ children's services, USA

CFSR_RECURRENCE = Definition(
    name="CFSR recurrence of maltreatment",
    source=(
        "Children's Bureau, Child and Family Services Reviews, round 3, statewide data indicator "
        "(79 FR 61241); as the California Child Welfare Indicators Project computes it, report S2"
    ),
    notes=(
        "Index and outcome are reports of maltreatment, substantiated or indicated: give "
        'index_filter={"substantiated": 1}. A report within 14 days of the first is not counted. '
        "reporting_year is the federal fiscal year, October to September. Not verified: that the "
        "14 days run from the first report alone, that a report on the 14th day is not counted, "
        "and calendar months."
    ),
    window="12 months",
    min_gap="15 days",
    event_filter={"substantiated": 1},
    eligible=Eligible(age_at_index={_BORN: ("<", 18)}),
    select="first",
    per="reporting_year",
    episodes=_REFERRAL_TO_REFERRAL,
)

CFSR_REENTRY = Definition(
    name="CFSR re-entry to foster care",
    source=(
        "Children's Bureau, Child and Family Services Reviews, round 3, statewide data indicator "
        "(79 FR 61241); as the California Child Welfare Indicators Project computes it, report P4"
    ),
    notes=(
        "The index event is leaving care within 12 months of entry_date, after 8 days or more, to "
        "reunification, a relative or guardianship: give index_filter for the kind of exit, "
        "without adoption. The outcome is a new entry. reporting_year is that of the entry, "
        "October to September. Not verified: the same day, and that a child's first exit that "
        "qualifies is counted rather than the exit of the child's first entry. Round 4 counts "
        "all exits of a year."
    ),
    window="12 months",
    eligible=Eligible(
        age_at_index={_BORN: ("<", 18)}, length={"entry_date": (">=", 8, "<=", "12 months")}
    ),
    select="first",
    per="reporting_year",
    episodes=_CLOSURE_TO_REFERRAL,
)

BERKELEY = Definition(
    name="Berkeley recurrence of allegations",
    source="California Child Welfare Indicators Project, University of California at Berkeley",
    notes=(
        "Index and outcome are allegations: merge referrals within 1 day before, keeping the most "
        'serious, with rr.merge_spells(..., gap="1 day"); min_gap passes over those that were not '
        'merged. By disposition: rates(by=..., at="event"), or an event_filter. Where the outcome '
        'must be disposed by the end: confirm=("disposition_date", 0). Not verified against the '
        "project's own page: all of it, and whether the windows share one cohort."
    ),
    window=["6 months", "12 months", "18 months", "24 months"],
    min_gap="2 days",
    select="first",
    per="half_year",
    episodes=_REFERRAL_TO_REFERRAL,
)

# ------------------------------------------------------------------ hospitals

NHS_READMISSION = Definition(
    name="NHS emergency readmission",
    source=(
        "NHS Digital, Compendium, indicator I02040: emergency readmissions within 30 days of "
        "discharge from hospital, specification version 3"
    ),
    notes=(
        "Index events are discharges, outcome events admissions of any kind: emergency is 1 for an "
        "emergency and 0 for any other. An admission belongs to the last discharge before it: not "
        "to an earlier one, nor to one that another kind of admission followed first. Merge the "
        "spells of one continuous stay before, with rr.merge_spells; leave out cancer and "
        "obstetrics with index_filter. The published figure is standardised. Not verified: how "
        "stays are joined where a transfer takes more than a day, and the exclusions of outcome "
        "events."
    ),
    window="29 days",
    same_day="include",
    claim="latest index",
    veto=({"emergency": 0}, "no event"),
    episodes=_CLOSURE_TO_REFERRAL,
)

HEDIS_PCR = Definition(
    name="HEDIS all-cause readmission",
    source=(
        "National Committee for Quality Assurance, HEDIS, Plan All-Cause Readmissions; read in "
        "health plans' summaries of it"
    ),
    notes=(
        "Index events are stays, dated by discharge from 1 January to 1 December; outcome events "
        "admissions. Stays less than 2 days apart are one: merge them before with "
        'rr.merge_spells(..., gap="1 day"). Left out by admission_date are stays of a single day; '
        "leave out deaths in the stay and pregnancy with index_filter. disenrolled_on is the first "
        "day without enrolment after the discharge. The published figure is observed over "
        "expected. Not verified: that a planned first readmission takes the index stay out, and in "
        "which years' specifications; and the ages, which differ by plan."
    ),
    window="30 days",
    min_gap="2 days",
    veto=({"planned": 1}, "drop"),
    eligible=Eligible(
        age_at_index={_BORN: (">=", 18)},
        length={"admission_date": (">=", 1)},
        history=("enrolled_from", "365 days"),
    ),
    exits={"end of enrolment": Exit("disenrolled_on", "exclude")},
    episodes=_CLOSURE_TO_REFERRAL,
)

CMS_READMISSION = Definition(
    name="CMS hospital-wide readmission",
    source=(
        "Centers for Medicare and Medicaid Services, Hospital-Wide All-Cause Unplanned Readmission "
        "Measure, CBE 3656"
    ),
    notes=(
        "Index events are discharges alive, outcome events admissions to acute care; merge "
        "transfers before, and leave out cancer, psychiatry, rehabilitation and discharges against "
        "advice with index_filter. disenrolled_on is the first day without enrolment after the "
        "discharge. The published figure is standardised for risk. Not verified: the 12 months of "
        "enrolment before, that a planned first readmission ends the search, and the same day."
    ),
    window="30 days",
    veto=({"planned": 1}, "no event"),
    eligible=Eligible(age_at_index={_BORN: (">=", 65)}, history=("enrolled_from", "12 months")),
    exits={"end of enrolment": Exit("disenrolled_on", "exclude")},
    episodes=_CLOSURE_TO_REFERRAL,
)

# ------------------------------------------------------------------ justice

MOJ_REOFFENDING = Definition(
    name="MoJ proven reoffending",
    source=(
        "Ministry of Justice, Proven re-offending statistics quarterly bulletin, England and "
        "Wales, 25 July 2013"
    ),
    notes=(
        "The index event is the first caution, conviction or release of the person in the cohort "
        "(the column cohort names its period); the outcome an offence, dated by when it was "
        "committed, with a conviction or caution on conviction_date in the year or the six months "
        "after it. breach is 1 for a breach of an order and 0 for any other offence. Not verified: "
        "the same day, and the months as calendar months. Cohorts have been of three months since "
        "2017, of a year before."
    ),
    window="12 months",
    confirm=("conviction_date", "6 months"),
    event_filter={"breach": 0},
    select="first",
    per="cohort",
    episodes=_CLOSURE_TO_REFERRAL,
)
