"""Three "12-month re-referral rates" that are not the same number, from the same table."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import published
from rereferral.days import NULL_DAY, birthday
from rereferral.definitions import ACTION_FOR_CHILDREN, DFE, GOLDACRE
from rereferral.linking import link
from rereferral.report.chain import NOT_STEPPED_DOWN, STEPS, Chain
from rereferral.rounding import percent
from rereferral.years import year_labels

__all__ = ["LookBack", "look_back", "three_rates"]

_KEYS: dict[str, Any] = {"person": "child_id", "scope": "authority"}
_YEAR = 365
_SIX_YEARS = 2191


@dataclasses.dataclass(frozen=True, eq=False)
class LookBack:
    """What looking back from every referral of the years found: the official definition.

    Attributes
    ----------
    rates : pandas.DataFrame
        One row, as `Links.rates` has it.
    rereferred : numpy.ndarray of bool
        By row of the table, whether it is a re-referral.
    counted : numpy.ndarray of bool
        By row of the table, whether it is in the denominator of the rate.
    """

    rates: pd.DataFrame
    rereferred: npt.NDArray[np.bool_]
    counted: npt.NDArray[np.bool_]


def look_back(chain: Chain, observed_from: int) -> LookBack:
    """Look back twelve months from every referral of the years."""
    table = chain.table
    wanted = chain.referred_in_years() & table.mask({"episode_counts": True})
    links = link(
        table.with_columns({"is_index": wanted}),
        table,
        **_KEYS,
        index_date="referral_date",
        event_date="referral_date",
        index_filter={"is_index": True},
        event_filter={"episode_counts": True},
        observed_from=observed_from,
        definition=DFE,
    )
    return LookBack(links.rates(), links.gap_days >= 0, links.followed)


def three_rates(
    chain: Chain,
    looked_back: LookBack | None,
    arms: pd.DataFrame,
    observed: tuple[int | None, int],
) -> pd.DataFrame:
    """The official look-back rate, the risk after any closure, and the rate of the report.

    Parameters
    ----------
    chain : Chain
        Of `build_chain`.
    looked_back : LookBack or None
        With the first rate; None where the first observed day is not given.
    arms : pandas.DataFrame
        The table with the third rate.
    observed : (int or None, int)
        The first and the last observed day.
    """
    lines = [
        _lookback_line(looked_back, [int(label[:4]) + 1 for label in chain.years]),
        *_any_closure_lines(chain, observed),
        _report_line(arms),
    ]
    return pd.DataFrame(lines)


def _lookback_line(looked_back: LookBack | None, years: list[int]) -> dict[str, Any]:
    published_rate, of_years = _official_rate(years)
    line: dict[str, Any] = {
        "name": DFE.name,
        "looks": "back",
        "from": "every referral of the years",
        "to": "a referral of the same child in the 12 months before",
        "published": published_rate,
    }
    if looked_back is None:
        return {
            **line,
            **_nothing(),
            "note": "Not computed: a look-back needs observed_from, the first day in the data. "
            f"{of_years}",
        }
    note = (
        "The index event is the referral that came back, and the time is from referral to "
        "referral: the length of the first episode comes before the gap, which makes this rate "
        f"lower than one from closures. {of_years}"
    )
    return {**line, **_of_rates(looked_back.rates), "note": note}


def _official_rate(years: list[int]) -> tuple[str, str]:
    """England's published rate over the years, and a sentence that says so."""
    series = published.official_series()
    known = series.reindex(years)[["re_referrals", "referrals"]]
    if known.isna().any(axis=None) or len(known) == 0:
        return "–", "England's rate of these years was not published."
    rate = percent(int(known["re_referrals"].sum()), int(known["referrals"].sum()))
    labels = year_labels(years)
    span = labels[0] if len(labels) == 1 else f"{labels[0]} to {labels[-1]}"
    return f"{rate} %", f"Published is England's rate of {span}."


def _any_closure_lines(chain: Chain, observed: tuple[int | None, int]) -> list[dict[str, Any]]:
    curve, aged = _any_closure_curve(chain, observed)
    lines = []
    for day, span, value in ((_YEAR, "12 months", "32 %"), (_SIX_YEARS, "6 years", "58 %")):
        line: dict[str, Any] = {
            "name": f"{GOLDACRE.name}, {span}",
            "looks": "forward",
            "from": "closure of any episode",
            "to": f"the next referral, within {span}",
            "published": value,
        }
        if curve["day"].max() < day:
            note = f"Not computed: nobody was followed for {span}."
            lines.append({**line, **_nothing(), "note": note})
            continue
        at = curve[curve["day"] <= day]
        last = at.iloc[-1]
        found = {
            "n": int(curve["at_risk"].iloc[0]),
            "linked": int(at["events"].sum()),
            "rate": last["risk"],
            "lower_95": last["lower"],
            "upper_95": last["upper"],
            "method": "Kaplan-Meier, log-log, index events taken as independent",
        }
        ends = ", and at the 18th birthday" if aged else "; ages are not known, so nobody ages out"
        note = f"Every closure, whatever its reason, censored where observation ends{ends}."
        lines.append({**line, **found, "note": note})
    return lines


def _any_closure_curve(chain: Chain, observed: tuple[int | None, int]) -> tuple[pd.DataFrame, bool]:
    """The curve after any closure, and whether it knows who turned 18."""
    since, until = observed
    table = chain.table
    closure = table.days("closure_date")
    index = chain.closed if since is None else chain.closed & (closure >= since)
    # Who is eligible is told here: a closure without a date of birth stays in.
    definition = GOLDACRE.replace(eligible=None)
    aged = table.has("date_of_birth")
    if aged:
        born = table.days("date_of_birth")
        known = born != NULL_DAY
        minor = np.ones(table.n_rows, np.bool_)
        minor[known] = closure[known] < birthday(born[known], 18)
        index = index & minor
    else:
        definition = definition.replace(exits=None)
    links = link(
        table.with_columns({"is_index": index}),
        table,
        **_KEYS,
        index_date="closure_date",
        event_date="referral_date",
        index_filter={"is_index": True},
        event_filter={"episode_counts": True},
        observed_until=until,
        definition=definition,
    )
    return links.curve(), aged


def _report_line(arms: pd.DataFrame) -> dict[str, Any]:
    mine = arms[arms["arm"] == STEPS[NOT_STEPPED_DOWN]]
    return {
        "name": ACTION_FOR_CHILDREN.name,
        "looks": "forward",
        "from": "closed after assessment, below the threshold, no early help",
        "to": "a referral within 12 months",
        "published": "25 %",
        **(_of_rates(mine) if len(mine) else _nothing()),
        "note": "Only closures with all twelve months observed.",
    }


def _of_rates(rates: pd.DataFrame) -> dict[str, Any]:
    return {
        name: rates[name].iloc[0]
        for name in ("n", "linked", "rate", "lower_95", "upper_95", "method")
    }


def _nothing() -> dict[str, Any]:
    numbers = dict.fromkeys(("rate", "lower_95", "upper_95"), np.nan)
    return {"n": 0, "linked": 0, **numbers, "method": "none"}
