"""An estimate on disk, where the answers that it is made of may be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rereferral.disclosure.spreadsheet import to_csv
from rereferral.errors import RuleError
from rereferral.folders import UNPROTECTED, PathLike, hash_input, replace_folder
from rereferral.rules import Rule

__all__ = ["RESULT", "check_answers", "write"]

RESULT = "estimate"
"""What it is called where a folder is asked for."""


def check_answers(answers: pd.DataFrame, rule: Rule) -> None:
    """Refuse answers that nobody may find: an estimate, beside the others, can tell them.

    Parameters
    ----------
    answers : DataFrame
        By authority (and year) the column that is totalled and, where there is one, what it is a
        part of; NaN: no answer.
    rule : Rule
        Says what is small.

    Raises
    ------
    RuleError
        A count, or what it leaves of the one it is a part of, is small.
    """
    low, high = rule.small
    named = {str(name): column for name, column in answers.items()}
    if len(named) == 2:
        (part, some), (whole, all_of_them) = named.items()
        named[f"{whole} less {part}"] = all_of_them - some
    small = {name: np.flatnonzero(column.between(low, high)) for name, column in named.items()}
    number = sum(map(len, small.values()))
    if not number:
        return
    name, rows = next((name, rows) for name, rows in small.items() if len(rows))
    where = " in ".join(map(str, np.atleast_1d(answers.index[int(rows[0])])))
    others = {1: "", 2: ", and so is 1 other"}.get(number, f", and so are {number - 1:,} others")
    raise RuleError(
        f"{name} of {where} is from {low} to {high}{others}. By the rule {rule.name} nobody may "
        "find such a count, and an estimate beside the other answers can tell it: give it as "
        f"{rule.symbol}, no answer, or save with rule None (--rule none)"
    )


def write(
    folder: PathLike,
    tables: Mapping[str, pd.DataFrame],
    facts: Mapping[str, Any],
    inputs: Iterable[PathLike],
    rule: Rule | None,
) -> Path:
    """Write the tables of an estimate and its manifest; see `Estimate.save`."""
    mark = UNPROTECTED if rule is None else ""
    files = {f"{mark}{name}.csv": to_csv(table).encode("utf-8") for name, table in tables.items()}
    known = {
        **facts,
        "inputs": [asdict(hash_input(path)) for path in inputs],
        "rule": None if rule is None else asdict(rule),
    }
    return replace_folder(folder, RESULT, known, files)
