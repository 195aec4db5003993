"""Both answers to a case, and what differs between them."""

from __future__ import annotations

import numpy as np
import pandas as pd

import rereferral as rr
from clothes import Case
from reference import Linked, RefusedError, link_reference, rates_reference


def run_reference(case: Case) -> Linked:
    return link_reference(
        case.index_rows,
        case.event_rows,
        same_table=case.same_table,
        **case.arguments,
        **case.rules,
    )


def run_link(case: Case):
    arguments = dict(case.arguments)
    for name in ("observed_until", "observed_from"):
        if arguments.get(name) is not None:
            arguments[name] = case.looks[name]
    rules = case.rules
    if case.looks["rules"] != "keywords":
        definition = rr.Definition(**rules)
        rules = {}
        if case.looks["rules"] == "JSON":
            definition = rr.Definition.from_json(definition.to_json())
        if case.looks["rules"] == "replaced":
            rules = {"ties": definition.ties}
            other = {"first row": "last row", "last row": "first row"}
            definition = definition.replace(ties=other[definition.ties])
        arguments["definition"] = definition
    return rr.link(case.index, case.events, **arguments, **rules)


def plain_days(dates) -> list[int | None]:
    whole = np.asarray(dates).astype("datetime64[D]")
    return [None if np.isnat(v) else int(v.astype(np.int64)) for v in whole]


def plain(links) -> dict[str, list]:
    """The arrays of `Links` as lists."""
    names = list(links.outcome_names)
    return {
        "event_row": links.event_row.tolist(),
        "gap_days": links.gap_days.tolist(),
        "event_date": plain_days(links.event_date),
        "count": links.count.tolist(),
        "followed": links.followed.tolist(),
        "outcome": [names[code] for code in links.outcome],
    }


STEPS_IN_ORDER = {
    "index": ["given", "null", "duplicates", "index_filter", "observed", "look-back", "follow-up"],
    "events": ["given", "null", "duplicates", "event_filter", "observed"],
}


def removed_by_step(lines) -> dict[tuple[str, str], int]:
    """(table, step) -> rows removed, of lines (table, step, removed)."""
    removed: dict[tuple[str, str], int] = {}
    for table, step, number in lines:
        removed[table, step] = removed.get((table, step), 0) + int(number)
    return removed


def ledger_faults(links, case: Case) -> list[str]:
    """Whether each table's lines add up from the rows given to the rows counted."""
    faults = []
    frame = links.ledger
    if list(frame.columns) != ["table", "step", "reason", "removed", "remaining"]:
        faults.append(f"ledger columns {list(frame.columns)}")
    for table, given in (("index", len(case.index_rows)), ("events", len(case.event_rows))):
        lines = frame[frame["table"] == table]
        first = lines.iloc[0]
        if (first["step"], first["removed"], first["remaining"]) != ("given", 0, given):
            faults.append(f"first line of {table}: {first.to_dict()}")
        order = [STEPS_IN_ORDER[table].index(step) for step in lines["step"]]
        if order != sorted(order):
            faults.append(f"steps of {table}: {lines['step'].tolist()}")
        if (lines["removed"] < 0).any():
            faults.append(f"{table} grows")
        if not (lines["remaining"] == given - lines["removed"].cumsum()).all():
            faults.append(f"{table} does not add up")
        if table == "index" and lines["remaining"].iloc[-1] != links.followed.sum():
            faults.append("the index rows that remain are not those followed")
    return faults


def rate_faults(links, linked: Linked, by: str | None, rows: list[dict]) -> list[str]:
    """Compare `rates` with the reference's, group by group."""
    table = links.rates(by=by)
    expected = rates_reference(linked, None if by is None else [row[by] for row in rows])
    found = {}
    for position, line in enumerate(table.to_dict("records")):
        key = "all" if by is None else line[by]
        rate = None if pd.isna(line["rate"]) else line["rate"]
        found[key if key not in found else position] = (line["n"], line["linked"], rate)
    if set(found) != set(expected):
        return [f"groups of rates: {sorted(found)} not {sorted(expected)}"]
    faults = []
    for key, (n, hits, rate) in expected.items():
        got = found[key]
        same = (got[2] is None) if rate is None else got[2] is not None and near(got[2], rate)
        if got[:2] != (n, hits) or not same:
            faults.append(f"rates of {key}: {got} not {(n, hits, rate and float(rate))}")
    return faults


def near(a, b) -> bool:
    return abs(float(a) - float(b)) < 1e-12


def disagreements(case: Case) -> list[str]:
    """What `rr.link` says otherwise than the reference; empty where they agree."""
    try:
        linked = run_reference(case)
    except RefusedError as refusal:
        try:
            run_link(case)
        except rr.RuleError:
            return []
        except rr.RereferralError as error:
            return [f"refused, but not for the rules: {type(error).__name__}: {error}"]
        return [f"not refused: {refusal}"]
    try:
        links = run_link(case)
    except rr.RereferralError as error:
        return [f"refused: {type(error).__name__}: {error}"]
    found = plain(links)
    faults = []
    for name, values in found.items():
        expected = getattr(linked, name)
        if values != expected:
            faults.append(f"{name}: {values} not {expected}")
    frame = links.ledger
    got = removed_by_step(zip(frame["table"], frame["step"], frame["removed"], strict=True))
    wanted = removed_by_step(line[:3] for line in linked.ledger)
    if got != wanted:
        faults.append(f"ledger: {got} not {wanted}")
    faults += ledger_faults(links, case)
    faults += rate_faults(links, linked, case.by, case.index_rows)
    return faults
