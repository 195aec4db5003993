"""Linkages worked by hand: plain rows, asked of the reference or of `rr.link`."""

from __future__ import annotations

import pandas as pd

from clothes import Case, day, dress_plainly, table_of
from comparing import (
    estimate_faults,
    plain,
    plain_reference,
    run_link,
    run_pairs,
    run_pairs_reference,
    run_reference,
)
from reference import Linked

DATES = {
    "closed",
    "seen",
    "born",
    "left",
    "moved",
    "released",
    "entered",
    "confirmed",
    "start",
    "when",
}
ARGUMENTS = ["person", "index_date", "event_date", "scope", "row_id", "index_filter"]


def in_days(value):
    """A day of ISO text, also within a row, an area's dict or a list of them."""
    if isinstance(value, dict):
        return {key: in_days(each) for key, each in value.items()}
    return day(value) if isinstance(value, str) and value[:2] in ("19", "20") else value


def rows(date: str, *lines) -> list[dict]:
    """Rows from (child, day) or (child, day, more columns); a day is a number, ISO text or None."""
    found = []
    for child, when, *more in lines:
        row = {"child": child, date: when, **(more[0] if more else {})}
        found.append({name: in_days(v) if name in DATES else v for name, v in row.items()})
    return found


def families_of(table: list[dict]) -> dict[str, str]:
    families = {}
    for name in table[0] if table else []:
        whole = any(isinstance(row[name], int) for row in table)
        families[name] = "day" if name in DATES else "whole" if whole else "text"
    return families


def frame(table: list[dict]) -> pd.DataFrame:
    return table_of(table, families_of(table))


def case_of(index: list[dict], events: list[dict], **given) -> Case:
    """The case of two tables, arguments and rules; the key and the dates go without saying."""
    arguments = {"person": "child", "index_date": "closed", "event_date": "seen"}
    for name in ("observed_until", "observed_from"):
        if name in given:
            arguments[name] = in_days(given.pop(name))
    arguments |= {name: given.pop(name) for name in ARGUMENTS if name in given}
    families = families_of(index), families_of(events)
    case = Case(index, events, families, arguments, given, same_table=index is events)
    return dress_plainly(case)


def answer(engine: str, index: list[dict], events: list[dict], **given):
    """What one engine finds; the plain answers of both look the same.

    Of several windows a list of answers. What `rr.link` estimates is compared on the way.
    """
    case = case_of(index, events, **given)
    links = run_link(case) if engine == "rr.link" else None
    expected = run_reference(case)
    if links is None:
        if isinstance(expected, list):
            return [everything(linked) for linked in expected]
        return everything(expected)
    if isinstance(expected, list):
        return [found(links[linked.window], linked, case) for linked in expected]
    return found(links, expected, case)


def everything(linked: Linked) -> dict:
    removed: dict[str, int] = {}
    for table, step, number, _ in linked.ledger:
        if table == "index" and number:
            removed[step] = removed.get(step, 0) + number
    return {**plain_reference(linked), "removed": removed, "arm": linked.arm}


def found(links, linked: Linked, case: Case) -> dict:
    assert estimate_faults(links, linked, case) == []
    lines = links.ledger
    lines = lines[(lines["table"] == "index") & (lines["removed"] > 0)]
    removed = lines.groupby("step", sort=False)["removed"].sum().to_dict()
    answers = {**plain(links), "removed": removed, "arm": [None] * len(links)}
    if linked.rules.mediator is not None:
        arms = links.to_pandas()["arm"]
        answers["arm"] = [None if pd.isna(arm) else arm for arm in arms]
    return answers


def pairs(engine: str, index: list[dict], events: list[dict], **given) -> dict[str, list]:
    case = case_of(index, events, **given)
    if engine == "reference":
        return run_pairs_reference(case)
    answers = run_pairs(case)
    return {name: getattr(answers, name).tolist() for name in ("offsets", "event_row", "gap_days")}
