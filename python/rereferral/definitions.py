"""Published definitions of "came back", each with its source and what of it is not verified."""

from __future__ import annotations

from rereferral.definition import Definition

__all__ = ["ACTION_FOR_CHILDREN", "DFE", "GOLDACRE"]

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
)

ACTION_FOR_CHILDREN = Definition(
    name="Action for Children 2022",
    source="Action for Children, Too little, too late, February 2022",
    notes=(
        "The index event is a closure after assessment, below the threshold and without early "
        "help; the outcome a referral. Not verified: the questionnaire was not published, so the "
        "anchor date, the same day and the treatment of incomplete follow-up are our reading."
    ),
    direction="forward",
    window="12 months",
)

GOLDACRE = Definition(
    name="Goldacre and others 2025",
    source="Goldacre and others 2025, Children and Youth Services Review 169, 108113",
    notes=(
        "The index event is the closure of any episode, the outcome the next referral; the "
        "published risks are read off at 12 months and at 6 years. Not verified: the treatment of "
        "the same day."
    ),
    direction="forward",
    window=None,
    followup="observed",
)
