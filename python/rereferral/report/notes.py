"""The sentences that must stand beside a report's figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import pandas as pd

from rereferral.report.words import count, is_missing
from rereferral.years import year_labels

__all__ = ["EXACT", "LOG", "Doubts", "notes_of"]

EXACT = "Not for publication: every count is exact, small ones too."
"""The first words on a report that is not protected."""

LOG = "disclosure_log"
"""The table of a protected report that says what was done."""

_NAMED = 5  # reasons that a sentence names


@dataclasses.dataclass(frozen=True)
class Doubts:
    """What is known of a report's rows that its tables do not say.

    Attributes
    ----------
    compared : str
        With what the official series of the report is compared.
    unknown_reasons : dict of str to int
        Reasons for closure that are no codes, and how often each occurs.
    silence : str
        What looks wrong in the days of the rows; "" for nothing.
    wanted : list of int or None
        The years that were asked for.
    """

    compared: str
    unknown_reasons: Mapping[str, int]
    silence: str
    wanted: Sequence[int] | None


def notes_of(
    tables: Mapping[str, pd.DataFrame],
    doubts: Doubts,
    simulated: bool,
    protected: Sequence[str],
) -> list[str]:
    """The notes of a report.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Of the report; what is hidden in them no note tells.
    doubts : Doubts
        What they do not say.
    simulated : bool
        Whether the children are simulated.
    protected : sequence of str
        How small counts were hidden; empty: they were not.
    """
    notes = []
    if simulated:
        notes.append(
            "SIMULATED: no child in this table exists. Volumes, the share stepped down and the "
            "rates of return were put in; that they come out again shows that the counting is "
            "right, not that the published figures are."
        )
    if not protected:
        notes.append(f"{EXACT} Reports are saved with small counts hidden, unless rule=None.")
    notes += protected
    notes.append("Counts are closures and referrals. A child can have several.")
    notes.append(doubts.compared)
    notes += _of_years(tables["chain_by_year"], doubts.wanted)
    if doubts.unknown_reasons:
        shown = ", ".join(
            f"{reason!r}" + (f" ({n:,})" if not protected else "")
            for reason, n in list(doubts.unknown_reasons.items())[:_NAMED]
        )
        notes.append(
            "Some reasons for closure are no code of RC1 to RC9 and count as above the "
            f"threshold: {shown}."
        )
    if doubts.silence:
        notes.append(doubts.silence)
    return notes


def _of_years(by_year: pd.DataFrame, wanted: Sequence[int] | None) -> list[str]:
    """Years that were asked for and hold nothing, and years not followed to their end."""
    notes = []
    missing = set(year_labels(wanted or [])) - set(by_year["financial_year"])
    if missing:
        notes.append(f"No assessed closure in {', '.join(sorted(missing))}.")
    hidden = by_year[["followed", "not_stepped_down"]].isna().any(axis=1)
    short = by_year[~hidden & (by_year["followed"] < by_year["not_stepped_down"]).fillna(False)]
    if len(short):
        left = (short["not_stepped_down"] - short["followed"]).sum()
        number = "" if is_missing(left) else f"{count(left)} closures of "
        years = ", ".join(short["financial_year"].astype(str))
        notes.append(
            f"{number}{years} were not followed for 12 months: re-referrals a year count only "
            "those that were."
        )
    return notes
