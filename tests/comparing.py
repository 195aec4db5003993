"""Both answers to a case, and what differs between them."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pandas as pd

import rereferral as rr
from clothes import Case, table_of
from reference import (
    Birthday,
    Linked,
    RefusedError,
    curve_reference,
    link_reference,
    pairs_reference,
    parse_span,
    rates_at_event,
    rates_reference,
)

# ---------------------------------------------------------------- the reference's answer


def run_reference(case: Case) -> Linked | list[Linked]:
    return link_reference(
        case.index_rows,
        case.event_rows,
        same_table=case.same_table,
        **case.arguments,
        **case.rules,
    )


def run_pairs_reference(case: Case) -> dict[str, list]:
    return pairs_reference(
        case.index_rows,
        case.event_rows,
        same_table=case.same_table,
        **case.arguments,
        **case.rules,
    )


# ---------------------------------------------------------------- the package's


def in_the_package(case: Case) -> dict:
    """The rules with the package's own exits, eligibility and mediator."""
    rules = dict(case.rules)
    if rules.get("exits") is not None:
        rules["exits"] = {
            name: rr.Exit(
                rr.birthday(leaving.when.column, leaving.when.age)
                if isinstance(leaving.when, Birthday)
                else leaving.when,
                leaving.treatment,
            )
            for name, leaving in rules["exits"].items()
        }
    if rules.get("eligible") is not None:
        said = {name: value for name, value in vars(rules["eligible"]).items() if value}
        rules["eligible"] = rr.Eligible(**said)
    mediator = rules.get("mediator")
    if mediator is not None:
        families = {**case.families[0], mediator.date: "day"}
        rows = mediator.table
        columns = rows[0] if rows else dict.fromkeys([*keys_of_index(case), mediator.date])
        more = {} if mediator.guard == "landmark" else {"guard": mediator.guard}
        rules["mediator"] = rr.Mediator(
            table_of(rows, {name: families[name] for name in columns}),
            mediator.date,
            within=mediator.within,
            index_filter=mediator.index_filter,
            **more,
        )
    return rules


def keys_of_index(case: Case) -> list[str]:
    names = []
    for key in (case.arguments["person"], case.arguments.get("scope")):
        own = key[0] if isinstance(key, tuple) else key
        names += [] if own is None else [own] if isinstance(own, str) else own
    return names


def in_arguments(case: Case) -> tuple[dict, dict]:
    """The arguments and the rules in the clothes of the case."""
    arguments = dict(case.arguments)
    for name in ("observed_until", "observed_from"):
        if arguments.get(name) is not None:
            arguments[name] = case.looks[name]
    if case.preset is not None:
        return {**arguments, "definition": getattr(rr.definitions, case.preset)}, {}
    rules = in_the_package(case)
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
    return arguments, rules


@contextmanager
def quietly():
    """Without what is said of a mediator's guard and of data that begins late."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(favours the mediator|history).*")
        yield


@quietly()
def run_link(case: Case):
    arguments, rules = in_arguments(case)
    return rr.link(case.index, case.events, **arguments, **rules)


@quietly()
def run_pairs(case: Case):
    arguments, rules = in_arguments(case)
    return rr.pairs(case.index, case.events, **arguments, **rules)


# ---------------------------------------------------------------- arrays


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


ARRAYS = ["event_row", "gap_days", "event_date", "count", "followed", "outcome"]


def plain_reference(linked: Linked) -> dict[str, list]:
    return {name: getattr(linked, name) for name in ARRAYS}


def array_faults(links, linked: Linked) -> list[str]:
    faults = []
    expected = plain_reference(linked)
    for name, values in plain(links).items():
        if values != expected[name]:
            faults.append(f"{name}: {values} not {expected[name]}")
    if list(links.outcome_names) != linked.outcome_names:
        faults.append(f"outcome names: {list(links.outcome_names)} not {linked.outcome_names}")
    return faults


# ---------------------------------------------------------------- the ledger

STEPS_IN_ORDER = {
    "index": [
        *("given", "null", "duplicates", "index_filter", "eligible", "observed", "look-back"),
        *("follow-up", "washout", "select", "mediator", "exits", "veto"),
    ],
    "events": ["given", "null", "duplicates", "event_filter", "eligible", "observed"],
    "mediator": ["given", "null", "observed"],
}


def by_step(lines) -> list[tuple[str, str, int, int]]:
    """(table, step, removed, remaining), of one line after another; those of one step are one."""
    steps: list[tuple[str, str, int, int]] = []
    for table, step, removed, remaining in lines:
        before = 0
        if steps and steps[-1][:2] == (table, step):
            before = steps.pop()[2]
        steps.append((table, step, before + int(removed), int(remaining)))
    return sorted(steps, key=lambda line: line[0])


def ledger_faults(frame: pd.DataFrame, linked: Linked, case: Case) -> list[str]:
    """Whether the lines are the reference's, and add up from the rows given to those counted."""
    faults = []
    if list(frame.columns) != ["table", "step", "reason", "removed", "remaining"]:
        faults.append(f"ledger columns {list(frame.columns)}")
    names = ["table", "step", "removed", "remaining"]
    got = by_step(frame[names].itertuples(index=False, name=None))
    wanted = by_step(linked.ledger)
    if got != wanted:
        faults.append(f"ledger: {got} not {wanted}")
    tables = {"index": len(case.index_rows), "events": len(case.event_rows)}
    if linked.rules.mediator is not None:
        tables["mediator"] = len(linked.rules.mediator.table)
    for table, given in tables.items():
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
        if table == "index" and lines["remaining"].iloc[-1] != sum(linked.followed):
            faults.append("the index rows that remain are not those followed")
    return faults


# ---------------------------------------------------------------- rates and curves


def near(a, b) -> bool:
    """Equal numbers; None and NaN are equal to each other."""
    if a is None or b is None or pd.isna(a) or pd.isna(b):
        return (a is None or pd.isna(a)) and (b is None or pd.isna(b))
    return abs(float(a) - float(b)) < 1e-12


def lines_by_group(table: pd.DataFrame, by: str | None) -> list[tuple]:
    """(group, line) of a table; without groups all lines are of "all"."""
    return [("all" if by is None else line[by], line) for line in table.to_dict("records")]


def rate_faults(table: pd.DataFrame, expected: dict, by: str | None) -> list[str]:
    """Compare a table of rates with the reference's, group by group."""
    found = {}
    for position, (key, line) in enumerate(lines_by_group(table, by)):
        found[key if key not in found else position] = (line["n"], line["linked"], line["rate"])
    if set(found) != set(expected):
        return [f"groups of rates: {sorted(found)} not {sorted(expected)}"]
    return [
        f"rates of {key}: {found[key]} not {(n, hits, rate and float(rate))}"
        for key, (n, hits, rate) in expected.items()
        if found[key][:2] != (n, hits) or not near(found[key][2], rate)
    ]


def curve_faults(table: pd.DataFrame, expected: dict, by: str | None) -> list[str]:
    """Compare a curve with the reference's: every group, day and cause, in this order."""
    found: dict = {}
    for key, line in lines_by_group(table, by):
        cause = line.get("cause", "linked")
        numbers = [line[name] for name in ("day", "at_risk", "events", "censored")]
        found.setdefault((key, cause), []).append((*numbers, line["risk"]))
    wanted: dict = {}
    for key, lines in expected.items():
        for line in lines:
            for cause, events in line.events.items():
                risk = line.risk[cause] if line.at_risk or line.day else None
                numbers = (line.day, line.at_risk, events, line.censored)
                wanted.setdefault((key, cause), []).append((*numbers, risk))
    if set(found) != set(wanted):
        return [f"groups of the curve: {sorted(found)} not {sorted(wanted)}"]
    faults = []
    for key, lines in wanted.items():
        same = len(lines) == len(found[key]) and all(
            got[:4] == line[:4] and near(got[4], line[4])
            for got, line in zip(found[key], lines, strict=True)
        )
        if not same:
            shown = [(*line[:4], line[4] if line[4] is None else float(line[4])) for line in lines]
            faults.append(f"curve of {key}: {found[key]} not {shown}")
    return faults


def estimate_faults(links, linked: Linked, case: Case) -> list[str]:
    by, rows = case.by, case.index_rows
    groups = None if by is None else [row[by] for row in rows]
    faults = rate_faults(links.rates(by=by), rates_reference(linked, groups), by)
    try:
        expected = curve_reference(linked, groups)
    except RefusedError:
        return faults + not_refused("curve", lambda: links.curve(by=by))
    faults += curve_faults(links.curve(by=by), expected, by)
    if by is not None:

        def ask():
            return links.rates(by=by, at="event")

        try:
            at_event = rates_at_event(linked, groups, [row[by] for row in case.event_rows])
        except RefusedError:
            return faults + not_refused("rates at the event", ask)
        faults += [f"at the event: {fault}" for fault in rate_faults(ask(), at_event, by)]
    return faults


def not_refused(what: str, ask) -> list[str]:
    try:
        ask()
    except rr.RuleError:
        return []
    return [f"{what}: not refused"]


# ---------------------------------------------------------------- several windows


def window_text(window) -> str:
    """How a table names a window."""
    span = parse_span(window)
    if span is None:
        return "any time"
    number, unit = span
    if unit == "months" and number > 12 and number % 12 == 0:
        return f"{number // 12} years"
    return f"{number} {unit[:-1] if number == 1 else unit}"


def part_of(table: pd.DataFrame, name: str, window) -> pd.DataFrame:
    if table.columns[0] != "window":
        raise AssertionError(f"the first column of {name} is {table.columns[0]}, not window")
    return table[table["window"] == window_text(window)].drop(columns="window")


def several_faults(links, answers: list[Linked], case: Case) -> list[str]:
    faults = []
    by = case.by
    groups = None if by is None else [row[by] for row in case.index_rows]
    for name in ARRAYS:
        faults += not_refused(f"{name} of several windows", lambda name=name: getattr(links, name))
    for linked in answers:
        window = linked.window
        own = one_window_faults(links[window_text(window)], linked, case)
        rates = part_of(links.rates(by=by), "rates", window)
        own += rate_faults(rates, rates_reference(linked, groups), by)
        curve = part_of(links.curve(by=by), "curve", window)
        own += curve_faults(curve, curve_reference(linked, groups), by)
        own += ledger_faults(part_of(links.ledger, "ledger", window), linked, case)
        faults += [f"window {window}: {fault}" for fault in own]
    return faults


def one_window_faults(links, linked: Linked, case: Case) -> list[str]:
    faults = array_faults(links, linked)
    faults += ledger_faults(links.ledger, linked, case)
    faults += estimate_faults(links, linked, case)
    if linked.rules.mediator is not None and not faults:
        arms = [None if pd.isna(arm) else arm for arm in links.to_pandas()["arm"]]
        if arms != linked.arm:
            faults.append(f"arms: {arms} not {linked.arm}")
    return faults


def pair_faults(case: Case, links) -> list[str]:
    """All matches against the reference's, and against what `rr.link` counted."""
    try:
        expected = run_pairs_reference(case)
    except RefusedError:
        return not_refused("pairs", lambda: run_pairs(case))
    try:
        pairs = run_pairs(case)
    except rr.RereferralError as error:
        return [f"pairs refused: {type(error).__name__}: {error}"]
    found = {name: getattr(pairs, name).tolist() for name in expected}
    days = [
        len(set(pairs.gap_days[start:end].tolist()))
        for start, end in pairwise(pairs.offsets.tolist())
    ]
    found |= {"days": days, "followed": pairs.followed.tolist()}
    found["ledger"] = pairs.ledger.to_dict("records")
    expected |= {"days": links.count.tolist(), "followed": links.followed.tolist()}
    expected["ledger"] = links.ledger.to_dict("records")
    return [
        f"pairs, {name}: {values} not {expected[name]}"
        for name, values in found.items()
        if values != expected[name]
    ]


# ---------------------------------------------------------------- everything


@quietly()
def disagreements(case: Case) -> list[str]:
    """What `rr.link` says otherwise than the reference; empty where they agree."""
    try:
        answers = run_reference(case)
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
    if isinstance(answers, list):
        faults = several_faults(links, answers, case)
    else:
        faults = one_window_faults(links, answers, case)
    return faults + (pair_faults(case, links) if case.pairs else [])
