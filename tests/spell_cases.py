"""Random tables of spells, and what `rr.merge_spells` says of them otherwise than the reference."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from hypothesis import strategies as st

import rereferral as rr
from clothes import dress_table
from linking_cases import ANCHORS, POOLS, rows_of
from reference import add_span, parse_span
from rereferral.tables import open_table
from spells_reference import merged_reference


class SpellCase(NamedTuple):
    """A table, its rows in plain values, and the arguments beside it."""

    table: Any
    rows: list[dict[str, Any]]
    arguments: dict[str, Any]


GAPS = [0, 1, 2, 30, "1 day", "1 month", "2 months", "12 months", "1 year"]
REPRESENTATIVES = [
    "first",
    "last",
    {"kind": ["x", "y"]},
    {"kind": ["y"]},
    {"score": [2, 0, 1]},
    {"kind": ["y", "x"], "score": [1]},
]


@st.composite
def spell_cases(draw) -> SpellCase:
    """A small table of spells dense in ties and boundary days, its rows, and the arguments."""
    gap = draw(st.sampled_from(GAPS))
    anchor = draw(st.sampled_from(ANCHORS))
    length = add_span(anchor, parse_span(gap)) - anchor
    steps = st.sampled_from([0, 1, 2, 5, length - 1, length, length + 1, 2 * length, -length])
    few = draw(st.lists(steps.map(anchor.__add__), min_size=2, max_size=6, unique=True))
    nulls = draw(st.booleans())
    date = st.sampled_from([*few, None] if nulls else few)
    family = draw(st.sampled_from(["whole", "text", "date"]))
    keys = draw(st.sampled_from(POOLS[family]))
    columns = {
        "child": st.sampled_from([*keys[:1] * 3, *keys, *([None] if nulls else [])]),
        "area": st.sampled_from(["E1", "E1", "E2"]),
        "in": date,
        "out": st.one_of(date, date, st.none()),
        "kind": st.sampled_from(["x", "x", "y", None]),
        "score": st.integers(0, 3),
    }
    rows = draw(rows_of(columns, 12))
    for row in rows:  # most ends after their starts, so that few rows are left out
        if None not in (row["in"], row["out"]) and draw(st.integers(0, 3)) > 0:
            row["in"], row["out"] = sorted((row["in"], row["out"]))
    families = {"child": family, "area": "text", "in": "day", "out": "day"}
    table = dress_table(draw, rows, {**families, "kind": "text", "score": "whole"}, {})
    arguments = {
        "person": "child",
        "scope": draw(st.sampled_from([None, "area"])),
        "start": "in",
        "end": draw(st.sampled_from(["out", "out", "out", None])),
        "gap": gap,
        "representative": draw(st.sampled_from(REPRESENTATIVES)),
    }
    return SpellCase(table, rows, arguments)


def key_of(arguments: dict[str, Any]) -> list[str]:
    return [name for name in (arguments["scope"], arguments["person"]) if name is not None]


def plain_days(frame: pd.DataFrame, name: str) -> list[int | None]:
    found = open_table(frame, "spells").days(name).tolist()
    return [None if day == np.iinfo(np.int64).min else day for day in found]


def spell_faults(case: SpellCase) -> list[str]:
    """What differs from the reference; empty where they agree."""
    table, rows, arguments = case
    spells = rr.merge_spells(table, **arguments)
    expected = merged_reference(
        rows, key_of(arguments), *(arguments[n] for n in ("start", "end", "gap", "representative"))
    )
    carried = [rows[each.row] for each in expected]
    last = "last_in" if arguments["end"] is None else "out"
    kinds = spells.table["kind"].astype(object)
    left_out = np.count_nonzero(spells.spell_of_row < 0)
    pairs = {
        "rows": (
            [spells.rows_of(i).tolist() for i in range(len(spells))],
            [each.rows for each in expected],
        ),
        "representative": (spells.representative_row.tolist(), [each.row for each in expected]),
        "parts": (spells.table["parts"].tolist(), [len(each.rows) for each in expected]),
        "start": (plain_days(spells.table, "in"), [each.start for each in expected]),
        "end": (plain_days(spells.table, last), [each.end for each in expected]),
        "score": (spells.table["score"].tolist(), [row["score"] for row in carried]),
        "kind": (kinds.where(kinds.notna(), None).tolist(), [row["kind"] for row in carried]),
        "ledger's end": (spells.ledger["remaining"].iloc[-1], len(expected)),
        "left out": (spells.ledger["removed"].iloc[:-1].sum(), left_out),
    }
    return [f"{name}: {got} not {wanted}" for name, (got, wanted) in pairs.items() if got != wanted]
