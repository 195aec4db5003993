"""What each figure shows, in words, for those who do not see it: computed from the same tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rereferral.disclosure.curves import is_by_points
from rereferral.report.exclusions import steps_of
from rereferral.report.regions import by_region
from rereferral.report.words import NONE, count, is_missing, of, rate, share

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "all_of",
    "authorities",
    "days_told",
    "exclusions",
    "flow",
    "rate_by_year",
    "regions",
    "risk_by",
    "time_to_rereferral",
    "why_not",
]

_ALL_YEARS = "all years"


def _joined(parts: list[str]) -> str:
    if not parts:
        return "no year"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def flow(data: pd.DataFrame) -> str:
    """The chain, of the table ``chain``."""
    row = data.iloc[0]
    below, kept = row["below_threshold"], row["not_stepped_down"]
    followed, again = row["followed"], row["rereferred"]
    share_kept = share(kept, below, row["share_not_stepped_down"])
    text = (
        f"Flow diagram, {row['label']}. {count(row['assessed'])} assessed; "
        f"{count(below)} ({of(below, row['assessed'])}) below the "
        f"threshold and closed. Of these {count(kept)} ({share_kept}) not "
        f"stepped down to early help and {count(row['stepped_down'])} stepped down. Of those not "
        f"stepped down {count(followed)} followed for 12 months, of which {count(again)} "
        f"({share(again, followed, row['rate'])}) re-referred"
    )
    return f"{text}; {count(kept - followed)} not followed." if kept != followed else f"{text}."


def rate_by_year(data: pd.DataFrame, published: float | None = 0.25) -> str:
    """The rate by year, of the table ``chain_by_year``."""
    parts = [f"{row['financial_year']} {_with_limits(row)}" for row in data.to_dict("records")]
    text = f"Points with limits. Re-referred within 12 months by year of closure: {_joined(parts)}."
    return text if published is None else f"{text} Published: {100 * published:.0f} %."


def _with_limits(row: Any) -> str:
    if is_missing(row["rate"]):
        return f"{NONE} ({why_not(row)})"
    return (
        f"{share(row['rereferred'], row['followed'], row['rate'])} (95 % limits "
        f"{rate(row['lower_95'])} to {rate(row['upper_95'])})"
    )


def why_not(row: Any) -> str:
    """Why a row of the chain has no rate."""
    followed = row["followed"]
    return "no closure followed" if not is_missing(followed) and followed == 0 else "not shown"


def authorities(data: pd.DataFrame) -> str:
    """The authorities, of the table ``chain_by_authority``."""
    counted = data[["followed", "rereferred"]].dropna()
    followed, again = int(counted["followed"].sum()), int(counted["rereferred"].sum())
    rows = data[data["rate"].notna()].sort_values(["rate", "authority"], kind="stable")
    number = f"{count(len(data))} authorit{'y' if len(data) == 1 else 'ies'}"
    text = (
        f"Rates of {number} with their limits, by region. {all_of(data)} {of(again, followed)} "
        f"({count(again)} of {count(followed)})."
    )
    if not len(rows):
        return (
            f"{text} No rate is shown."
            if len(counted) < len(data)
            else (f"{text} No closure was followed.")
        )
    overall = again / followed
    if len(rows) > 1:
        low, high = rows.iloc[0], rows.iloc[-1]
        text += f" Lowest: {_named(low)}. Highest: {_named(high)}."
        above = int((rows["lower_99_8"] > overall).sum())
        below = int((rows["upper_99_8"] < overall).sum())
        text += (
            f" The 99.8 % limits of {count(above)} lie above, of {count(below)} below the rate of "
            "all together."
        )
    return text


def all_of(data: pd.DataFrame) -> str:
    """What the authorities of the table ``chain_by_authority`` are called together."""
    hidden = int(data[["followed", "rereferred"]].isna().any(axis=1).sum())
    return f"All but {count(hidden)} not shown, together" if hidden else "All together"


def _named(row: Any) -> str:
    name = row["authority"] if is_missing(row["authority_name"]) else row["authority_name"]
    return (
        f"{name} {share(row['rereferred'], row['followed'], row['rate'])} "
        f"({count(row['rereferred'])} of {count(row['followed'])})"
    )


def regions(data: pd.DataFrame) -> str:
    """The authorities by region, of the table ``chain_by_authority``."""
    parts = []
    for region, group in by_region(data, "region"):
        rows = group[group["rate"].notna()].sort_values(["rate", "authority"], kind="stable")
        number = f"{count(len(group))} authorit{'y' if len(group) == 1 else 'ies'}"
        if not len(rows):
            parts.append(f"{region}: {number}, no rate")
        elif len(rows) == 1:
            parts.append(f"{region}: {number}, {_named(rows.iloc[0])}")
        else:
            parts.append(
                f"{region}: {number}, lowest {_named(rows.iloc[0])}, highest "
                f"{_named(rows.iloc[-1])}, in the middle {rate(rows['rate'].median())}"
            )
    return f"Points for authorities, a panel for each region. {'; '.join(parts)}."


def exclusions(data: pd.DataFrame) -> str:
    """Who was left out, of the table ``ledger``."""
    parts = []
    for name, rows in steps_of(data):
        left = "; ".join(f"{count(row['removed'])}: {row['reason']}" for row in rows[1:])
        parts.append(
            f"{name}: {count(rows[0]['remaining'])} rows given. Left out, in this order: "
            f"{left or 'none'}. {count(rows[-1]['remaining'])} rows remain."
        )
    return f"Flow diagram of rows left out. {' '.join(parts)}"


def risk_by(group: pd.DataFrame, day: float) -> float:
    """The risk of a curve at a day: that of the last row not after it."""
    upto = group[group["day"] <= day]
    return float(upto["risk"].iloc[-1]) if len(upto) else float("nan")


def days_told(curves: list[pd.DataFrame], wanted: tuple[int, ...]) -> list[int]:
    """The days nearest to some at which all curves are known.

    A curve by day is known at all of them; one that is told at some points alone at these.
    """
    last = max((int(curve["day"].max()) for curve in curves if len(curve)), default=0)
    if any(not is_by_points(curve) for curve in curves):
        return [day for day in wanted if day <= last] or [last]
    points = set.intersection(*(set(curve["day"].astype(int)) for curve in curves)) - {0}
    found = [max((point for point in points if point <= day), default=0) for day in wanted]
    return sorted(set(found) - {0}) or [last]


def time_to_rereferral(data: pd.DataFrame) -> str:
    """The curves, of the table ``curve``."""
    groups = dict(list(data.groupby("financial_year", sort=False, observed=True)))
    whole = groups.get(_ALL_YEARS)
    text = "Curves that rise from 0."
    if whole is not None and whole["risk"].notna().any():
        parts = [
            f"{rate(risk_by(whole, day))} within {day} days"
            for day in days_told([whole], (30, 91, 182, 365))
        ]
        text += f" Re-referred, all years together: {_joined(parts)}."
    ends = [
        f"{label} {rate(group['risk'].iloc[-1])}"
        for label, group in groups.items()
        if label != _ALL_YEARS and len(group)
    ]
    return f"{text} At the end by year of closure: {_joined(ends)}." if ends else text
