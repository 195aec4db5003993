"""The tables of the chain: how many stand on each step, by year, region and authority."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import published
from rereferral.keys import codes_of
from rereferral.rates import rate_table
from rereferral.report.chain import (
    ABOVE,
    LEFT_OUT,
    NOT_STEPPED_DOWN,
    STEP,
    STEPPED_DOWN,
    STEPS,
    Chain,
)
from rereferral.tables import Table, open_table

__all__ = ["arms", "chain_tables", "children", "curve", "places"]

ALL_YEARS = "all years"
_COUNTS = ["assessed", "below_threshold", "stepped_down", "not_stepped_down"]


def chain_tables(chain: Chain) -> dict[str, pd.DataFrame]:
    """The chain in all, by financial year of closure, by region and by authority."""
    rows = np.flatnonzero(chain.step != LEFT_OUT)
    place = places(chain.table)
    authority, region = place["authority"].array[rows], place["region"].array[rows]
    in_all = _with_rates(chain, rows, {})
    years = sorted(set(chain.year[chain.step >= ABOVE]))
    label = f"{years[0]} to {years[-1]}" if len(years) > 1 else "".join(years)
    in_all.insert(0, "label", [label])
    average = in_all.copy()
    average["label"] = "average a year"
    for column in [*_COUNTS, "followed", "rereferred"]:
        # Half up, in whole numbers: an average of counts is shown as a count.
        n_years = max(len(years), 1)
        average[column] = (2 * in_all[column] + n_years) // (2 * n_years)
    by_authority = _with_rates(chain, rows, {"authority": authority})
    names = place.drop_duplicates("authority").set_index("authority")
    for position, column in enumerate(["authority_name", "region"], start=1):
        by_authority.insert(
            position, column, names[column].reindex(by_authority["authority"]).to_numpy()
        )
    return {
        "chain": pd.concat([in_all, average], ignore_index=True),
        "chain_by_year": _with_rates(chain, rows, {"financial_year": chain.year[rows]}),
        "chain_by_region": _with_rates(chain, rows, {"region": region}),
        "chain_by_authority": by_authority,
    }


def _with_rates(chain: Chain, rows: npt.NDArray[np.int64], by: dict[str, Any]) -> pd.DataFrame:
    """Counts of the steps of each group beside the rate of those not stepped down.

    `rows` are those of the chain, and the columns of `by` have their length.
    """
    groups = open_table(by, "chain").groups(by) if by else None
    n_groups = 1 if groups is None else groups.n_groups
    step = chain.step[rows].astype(np.int64)
    cell = step if groups is None else groups.codes * np.int64(len(STEPS)) + step
    count = np.bincount(cell, minlength=n_groups * len(STEPS)).reshape(n_groups, len(STEPS))
    stepped_down, not_stepped_down = count[:, STEPPED_DOWN], count[:, NOT_STEPPED_DOWN]
    below = stepped_down + not_stepped_down
    assessed = count[:, ABOVE] + below
    share = np.full(n_groups, np.nan)
    np.divide(not_stepped_down, below, out=share, where=below > 0)
    rates = rate_table(
        groups,
        chain.links.gap_days[rows] >= 0,
        chain.links.followed[rows] & (step == NOT_STEPPED_DOWN),
        cluster=chain.person[rows],
        scope=codes_of(chain.table, ["authority"])[0][rows],
    )
    counts = {
        "assessed": assessed,
        "below_threshold": below,
        "stepped_down": stepped_down,
        "not_stepped_down": not_stepped_down,
        "share_not_stepped_down": share,
    }
    for place, (name, values) in enumerate(counts.items(), start=len(by)):
        rates.insert(place, name, values)
    rates = rates.rename(columns={"n": "followed", "linked": "rereferred"})
    return rates if groups is None else rates[assessed > 0].reset_index(drop=True)


def _step_column(chain: Chain) -> pd.Categorical:
    return pd.Categorical.from_codes(chain.step, categories=list(STEPS))


def arms(chain: Chain) -> pd.DataFrame:
    """The rates of both arms, which are fixed on the closure day: stepped down, and not."""
    rates = chain.links.rates(by={"arm": _step_column(chain)})
    return rates[rates["arm"].isin([STEPS[STEPPED_DOWN], STEPS[NOT_STEPPED_DOWN]])].reset_index(
        drop=True
    )


def places(table: Table) -> pd.DataFrame:
    """For each row its authority's code, name and region, as far as they are known.

    A code that is not known keeps its code as its name and has the region ``not known``.
    """
    found: pd.DataFrame = table.once("places", lambda: _look_up_places(table))
    return found


def _look_up_places(table: Table) -> pd.DataFrame:
    groups = table.groups("authority")
    codes = [None if pd.isna(code) else str(code) for code in groups.frame["authority"]]
    known = pd.concat([published.authorities(), published.later_authorities()])
    known = known.set_index("authority")
    names, regions = known["authority_name"].to_dict(), known["region"].to_dict()
    columns = {
        "authority": codes,
        "authority_name": [names.get(code, code) for code in codes],
        "region": [regions.get(code, "not known") for code in codes],
    }
    frame = {}
    for column, values in columns.items():
        distinct, labels = pd.factorize(np.array(values, dtype=object), sort=False)
        frame[column] = pd.Categorical.from_codes(distinct[groups.codes], categories=labels)
    return pd.DataFrame(frame)


def children(chain: Chain) -> pd.DataFrame:
    """Closures that were not stepped down and followed, beside distinct children and re-referrals.

    A re-referral that follows two closures of a child is one re-referral and two closures.
    """
    rows = np.flatnonzero(chain.links.followed & (chain.step == NOT_STEPPED_DOWN))
    person, event = chain.person[rows], chain.links.event_row[rows]
    label = np.asarray(chain.year.categories, dtype=object)[chain.year.codes[rows]]
    lines = []
    for year in [*sorted(set(label)), ALL_YEARS]:
        mine = np.ones(len(rows), np.bool_) if year == ALL_YEARS else label == year
        linked = mine & (event >= 0)
        lines.append(
            {
                "financial_year": year,
                "closures": int(mine.sum()),
                "children": _distinct(person[mine]),
                "rereferred_closures": int(linked.sum()),
                "rereferrals": _distinct(event[linked]),
                "rereferred_children": _distinct(person[linked]),
            }
        )
    return pd.DataFrame(lines)


def _distinct(numbers: npt.NDArray[Any]) -> int:
    """How many different numbers there are; they are codes or rows, so they are small."""
    seen = np.zeros(int(numbers.max()) + 1 if len(numbers) else 0, np.bool_)
    seen[numbers] = True
    return int(np.count_nonzero(seen))


def curve(chain: Chain) -> pd.DataFrame:
    """Time to re-referral of the closures that were not stepped down, by year and in all."""
    step = _step_column(chain)
    in_all = chain.links.curve(by={STEP: step})
    in_all.insert(0, "financial_year", ALL_YEARS)
    by_year = chain.links.curve(by={STEP: step, "financial_year": chain.year})
    both = pd.concat([by_year.astype({"financial_year": object}), in_all], ignore_index=True)
    mine = both[(both[STEP] == STEPS[NOT_STEPPED_DOWN]) & both["risk"].notna()]
    return mine.drop(columns=STEP).reset_index(drop=True)
