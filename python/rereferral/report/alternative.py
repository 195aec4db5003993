"""What each figure shows, in words, for those who do not see it: computed from the same tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rereferral.report.exclusions import steps_of
from rereferral.report.regions import by_region
from rereferral.report.words import count, is_missing, of, rate

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "authorities",
    "exclusions",
    "flow",
    "rate_by_year",
    "regions",
    "time_to_rereferral",
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
    text = (
        f"Flow diagram, {row['label']}. {count(row['assessed'])} assessed; "
        f"{count(below)} ({of(below, row['assessed'])}) below the "
        f"threshold and closed. Of these {count(kept)} ({of(kept, below)}) not "
        f"stepped down to early help and {count(row['stepped_down'])} stepped down. Of those not "
        f"stepped down {count(followed)} followed for 12 months, of which {count(again)} "
        f"({of(again, followed)}) re-referred"
    )
    return f"{text}; {count(kept - followed)} not followed." if kept != followed else f"{text}."


def rate_by_year(data: pd.DataFrame, published: float | None = 0.25) -> str:
    """The rate by year, of the table ``chain_by_year``."""
    parts = [
        f"{row['financial_year']} {of(row['rereferred'], row['followed'])}"
        + (
            " (no closure followed)"
            if is_missing(row["rate"])
            else f" (95 % limits {rate(row['lower_95'])} to {rate(row['upper_95'])})"
        )
        for row in data.to_dict("records")
    ]
    text = f"Points with limits. Re-referred within 12 months by year of closure: {_joined(parts)}."
    return text if published is None else f"{text} Published: {100 * published:.0f} %."


def authorities(data: pd.DataFrame) -> str:
    """The authorities, of the table ``chain_by_authority``."""
    followed, again = int(data["followed"].sum()), int(data["rereferred"].sum())
    rows = data[data["rate"].notna()].sort_values(["rate", "authority"], kind="stable")
    number = f"{count(len(data))} authorit{'y' if len(data) == 1 else 'ies'}"
    text = (
        f"Rates of {number} with their limits, by region. All together {of(again, followed)} "
        f"({count(again)} of {count(followed)})."
    )
    if not len(rows):
        return f"{text} No closure was followed."
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


def _named(row: Any) -> str:
    name = row["authority"] if is_missing(row["authority_name"]) else row["authority_name"]
    return (
        f"{name} {of(row['rereferred'], row['followed'])} "
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


def time_to_rereferral(data: pd.DataFrame) -> str:
    """The curves, of the table ``curve``."""
    groups = dict(list(data.groupby("financial_year", sort=False, observed=True)))
    whole = groups.get(_ALL_YEARS)
    text = "Curves that rise from 0."
    if whole is not None and whole["risk"].notna().any():
        parts = [
            f"{rate(risk_by(whole, day))} within {day} days"
            for day in (30, 91, 182, 365)
            if day <= whole["day"].max()
        ]
        if parts:
            text += f" Re-referred, all years together: {_joined(parts)}."
    ends = [
        f"{label} {rate(group['risk'].iloc[-1])}"
        for label, group in groups.items()
        if label != _ALL_YEARS and len(group)
    ]
    return f"{text} At the end by year of closure: {_joined(ends)}." if ends else text
