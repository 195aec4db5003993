"""The chain from assessment to re-referral: which episodes stand where, and who was left out."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.days import NULL_DAY, Days, financial_year, iso, observed_span
from rereferral.definition import Definition
from rereferral.definitions import ACTION_FOR_CHILDREN
from rereferral.errors import RuleError
from rereferral.keys import Codes, codes_of
from rereferral.ledger import Ledger
from rereferral.lineage import joined_areas
from rereferral.linking import link
from rereferral.spans import Span, parse_span
from rereferral.tables import Table
from rereferral.years import year_labels

__all__ = [
    "NOT_STEPPED_DOWN",
    "STEPPED_DOWN",
    "Chain",
    "Closures",
    "build_chain",
    "labels_of",
]

Mask = npt.NDArray[np.bool_]

BELOW_THRESHOLD = ["RC8", "RC9"]
STEP = "step_of_the_chain"
STEPS = ("left out", "not assessed", "above the threshold", "stepped down", "not stepped down")
LEFT_OUT, NOT_ASSESSED, ABOVE, STEPPED_DOWN, NOT_STEPPED_DOWN = range(len(STEPS))


@dataclasses.dataclass(frozen=True, eq=False)
class Chain:
    """Where each episode of a table stands.

    Attributes
    ----------
    table : Table
        The episodes, and whether each counts (`episode_counts`): one row per child and referral
        day.
    step : numpy.ndarray of int8
        Positions in `STEPS`.
    closed : numpy.ndarray of bool
        Closures of a child at risk, in any year: another episode of the child is not open.
    referral_year : pandas.Categorical
        The financial year of referral.
    years : list of str
        The financial years in which a closure stands on a step, in order.
    ledger : pandas.DataFrame
        From the rows given to the index events counted.
    """

    table: Table
    step: npt.NDArray[np.int8]
    closed: Mask
    referral_year: pd.Categorical
    years: list[str]
    ledger: pd.DataFrame

    def referred_in_years(self) -> Mask:
        """The referrals of the reported years."""
        return _among(self.referral_year, self.years)


@dataclasses.dataclass(frozen=True, eq=False)
class Closures:
    """The closures that stand on a step of the chain, and what followed them.

    A report counts them a dozen times. So they are taken out of the table once: half as many rows,
    and what the linkage of the whole table held can go.

    Attributes
    ----------
    row : numpy.ndarray of int64
        Their rows in the table.
    step : numpy.ndarray of int8
        Positions in `STEPS`.
    year : pandas.Categorical
        The financial year of closure.
    day : numpy.ndarray of int64
        The day of closure.
    person, area : numpy.ndarray of uint32
        Codes of (authority, child), and of the authority.
    followed : numpy.ndarray of bool
        Below the threshold, stepped down or not, and followed for the whole window.
    gap_days : numpy.ndarray of int32
        Days to the re-referral; -1 for none.
    event_row : numpy.ndarray of int64
        The row of the re-referral; -1 for none.
    definition : Definition
        The rules of the re-referral.
    """

    row: npt.NDArray[np.int64]
    step: npt.NDArray[np.int8]
    year: pd.Categorical
    day: Days
    person: Codes
    area: Codes
    followed: Mask
    gap_days: npt.NDArray[np.int32]
    event_row: npt.NDArray[np.int64]
    definition: Definition

    def __len__(self) -> int:
        return len(self.row)

    @cached_property
    def counted(self) -> npt.NDArray[np.int64]:
        """Positions of those that the rate is of: not stepped down, and followed."""
        return np.flatnonzero(self.followed & (self.step == NOT_STEPPED_DOWN))


def build_chain(
    table: Table,
    early_help: Table | None,
    years: list[int] | None,
    observed: tuple[int | None, int],
    within: tuple[str, str],
) -> tuple[Chain, Closures]:
    """Put every episode of a table on its step of the chain and link it to the next referral.

    Parameters
    ----------
    table : Table
        Episodes.
    early_help : Table or None
        Starts of early help: `authority`, `child_id`, `start_date`.
    years : list of int or None
        Financial years of closure, by the year they end in; None: those that the data covers.
    observed : (int or None, int)
        The first day that is in the data, where it is known, and the last.
    within : (str, str)
        The days, from the closure, in which a start of early help is a step down.
    """
    # As in link, an area whose code alone changed goes on with the same ids.
    table = joined_areas(table, ["authority"], "own").table
    observed_until = observed[1]
    ledger = Ledger("episodes", table.n_rows)
    for name in ("authority", "child_id"):
        ledger.remove("null", f"{name} is missing", table.key(name).is_null())
    referral = table.days("referral_date")
    ledger.remove("null", "referral_date is missing", referral == NULL_DAY)
    ledger.remove(
        "observed", f"referral_date is after {iso(observed_until)}", referral > observed_until
    )
    person, limit = codes_of(table, ["authority", "child_id"])
    area, _ = codes_of(table, ["authority"])  # now, so that every link of the table knows them
    closure = table.days("closure_date")
    parts = _order(person, closure, referral, ledger.kept, limit)
    repeated = _repeated(parts, person, referral, closure, ledger.kept)
    ledger.remove(
        "duplicates",
        "the episode comes again (child and referral_date repeat); "
        "the row with the latest closure stays",
        repeated,
    )
    if repeated.any():
        parts = _order(person, closure, referral, ledger.kept, limit)
    episodes = ledger.kept.copy()

    ledger.remove("closure", f"not closed by {iso(observed_until)}", _open(closure, observed_until))
    ledger.remove("closure", "closure_date is before referral_date", closure < referral)
    still_open = _others_open(parts, table, referral, closure)
    del parts
    ledger.remove(
        "at risk", "another episode of the child is open at the end of the day", still_open
    )
    closed = ledger.kept.copy()

    year = financial_year(closure)
    if years is not None:
        chosen = year_labels(years)
    else:
        chosen = _covered_years(referral[episodes], closure[closed], observed)
    in_years = _among(year, chosen)
    spoken = f"{chosen[0]} to {chosen[-1]}" if len(chosen) > 1 else chosen[0]
    ledger.remove("years", f"closed in another financial year than {spoken}", ~in_years)

    step = np.zeros(table.n_rows, np.int8)
    step[ledger.kept] = NOT_ASSESSED
    below = table.mask({"reason_for_closure": BELOW_THRESHOLD})
    assessment = table.days("assessment_date")
    assessed = assessment != NULL_DAY
    reasons = " or ".join(BELOW_THRESHOLD)
    ledger.remove(
        "assessed", f"closed as {reasons}, but assessment_date is missing", below & ~assessed
    )
    ledger.remove("assessed", "closed otherwise, and assessment_date is missing", ~assessed)
    ledger.remove("assessed", "assessment_date is after closure_date", assessment > closure)
    step[ledger.kept] = ABOVE
    ledger.remove("below threshold", f"reason_for_closure is not {reasons}", ~below)
    step[ledger.kept] = NOT_STEPPED_DOWN
    stepped_down = table.mask({"reason_for_closure": "RC9"})
    ledger.remove("stepped down", "reason_for_closure is RC9", stepped_down)
    if early_help is not None:
        helped = _helped(table, early_help, step == NOT_STEPPED_DOWN, within)
        most, least = (_days_before(day).length for day in within)
        reason = f"early help began in the {most} to {least} days before the closure"
        ledger.remove("stepped down", reason, helped)
        stepped_down |= helped
    step[(step == NOT_STEPPED_DOWN) & stepped_down] = STEPPED_DOWN

    table = table.with_columns(
        {STEP: pd.Categorical.from_codes(step, categories=list(STEPS)), "episode_counts": episodes}
    )
    links = link(
        table,
        table,
        person="child_id",
        scope="authority",
        index_date="closure_date",
        event_date="referral_date",
        index_filter={STEP: [STEPS[STEPPED_DOWN], STEPS[NOT_STEPPED_DOWN]]},
        event_filter=None if episodes.all() else {"episode_counts": True},
        observed_until=observed_until,
        definition=ACTION_FOR_CHILDREN,
    )
    ledger.remove("follow-up", f"the 12 months end after {iso(observed_until)}", ~links.followed)
    row = np.flatnonzero(step != LEFT_OUT)
    closures = Closures(
        row=row,
        step=step[row],
        year=year[row],
        day=closure[row],
        person=person[row],
        area=area[row],
        followed=links.followed[row],
        gap_days=links.gap_days[row],
        event_row=links.event_row[row],
        definition=links.definition,
    )
    del links
    referral_year = financial_year(referral)
    found = labels_of(closures.year)
    return Chain(table, step, closed, referral_year, found, Ledger.frame(ledger)), closures


def labels_of(year: pd.Categorical) -> list[str]:
    """The financial years that occur, in order."""
    seen = np.zeros(len(year.categories) + 1, np.bool_)  # the last is for null, which is -1
    seen[year.codes] = True
    return [str(label) for label in year.categories[seen[:-1]]]


def _among(year: pd.Categorical, labels: list[str]) -> Mask:
    """The rows of some financial years."""
    found: Mask = np.append(np.isin(year.categories, labels), False)[year.codes]
    return found


def _order(person: Codes, closure: Days, referral: Days, use: Mask, limit: int) -> object:
    """Closures against spells from the referral on, as `open_spells` wants them."""
    return _core.order(person, closure, use, person, referral, use, limit)


def _repeated(parts: object, person: Codes, referral: Days, closure: Days, kept: Mask) -> Mask:
    """Rows of an episode that another row tells better: an open case returns every year."""
    shared = np.empty(len(person), np.bool_)
    _core.shared_days(parts, shared)
    repeated = np.zeros(len(person), np.bool_)
    rows = np.flatnonzero(shared & kept)
    # By child, day and closure, an open case first; of each episode the last stays.
    order = rows[np.lexsort((rows, closure[rows], referral[rows], person[rows]))]
    same = (person[order][1:] == person[order][:-1]) & (referral[order][1:] == referral[order][:-1])
    repeated[order[:-1][same]] = True
    return repeated


def _open(closure: Days, until: int) -> Mask:
    still_open: Mask = (closure == NULL_DAY) | (closure > until)
    return still_open


def _others_open(parts: object, table: Table, referral: Days, closure: Days) -> Mask:
    """Whether another episode of the child is open at the end of the closure day.

    A referral without further action that was never closed is over on its own day.
    """
    end = closure
    if table.has("referral_nfa"):
        never_closed = table.truths("referral_nfa") & (closure == NULL_DAY)
        if never_closed.any():
            end = np.where(never_closed, referral, closure)
    still_open = np.empty(len(end), np.bool_)
    _core.open_spells(parts, end, still_open)
    return still_open


def _covered_years(referral: Days, closure: Days, observed: tuple[int | None, int]) -> list[str]:
    """The labels of the financial years that the data covers, with twelve months after them.

    The data begins where it is said to, or with the first full month of referrals; a year counts
    whole, and the last is one in which an episode was closed.
    """
    since, until = observed
    span = observed_span(referral)
    if span is None or len(closure) == 0:
        raise RuleError("no episode was closed; there is nothing to report")
    first_day = np.datetime64(span[0] if since is None else iso(since), "D")
    last_day = np.datetime64(iso(until), "D")
    year = int(first_day.astype("datetime64[Y]").astype(np.int64)) + 1970
    first_year = year + (1 if first_day <= np.datetime64(f"{year}-04-01") else 2)
    last_year = int(financial_year(closure).categories[-1][:4]) + 1
    while np.datetime64(f"{last_year + 1}-03-31") > last_day:
        last_year -= 1
    if first_year > last_year:
        raise RuleError(
            f"from {first_day} to {last_day} there is no whole financial year of closures with "
            "twelve months after it; give years"
        )
    return year_labels(list(range(first_year, last_year + 1)))


def _helped(table: Table, early_help: Table, index: Mask, within: tuple[str, str]) -> Mask:
    """Which of the index rows had early help begin in the days up to the closure."""
    earliest, latest = (_days_before(day) for day in within)
    if latest.length > earliest.length:
        raise RuleError(f"early_help_within={within!r} ends before it begins")
    marked = table.with_columns({"is_index": index})
    links = link(
        marked,
        early_help,
        person="child_id",
        scope="authority",
        index_date="closure_date",
        event_date="start_date",
        index_filter={"is_index": True},
        direction="backward",
        window=earliest,
        same_day="include",
        min_gap=latest,
        followup="ignored",
    )
    return links.gap_days >= 0


def _days_before(text: Any) -> Span:
    """``"-30 days"`` as the span of 30 days before."""
    if not isinstance(text, str):
        raise RuleError(f'early_help_within: {text!r} is not text such as "-30 days"')
    stripped = text.strip()
    span = parse_span(stripped.lstrip("-"), "early_help_within")
    if span.length and not stripped.startswith("-"):
        raise RuleError(
            f"early_help_within may not end after the closure ({text!r}): whoever comes back "
            "before help begins could then never have been helped"
        )
    if span.unit != "days":
        raise RuleError(f"early_help_within={text!r} must be in days")
    return span
