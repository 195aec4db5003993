"""The one place that knows where the shared test data lie."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

HERE = Path(__file__).resolve().parent.parent


def shared(*parts: str) -> Path:
    """Path in the shared data folder; skips the test, saying why, where the folder is missing."""
    given = os.environ.get("REREFERRAL_SHARED_DATA")
    folder = Path(given) if given else HERE.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}")
    return folder.joinpath(*parts)


def exact_csv(path: Path) -> pd.DataFrame:
    """A CSV file of published answers, every digit of it: pandas' usual reader is off in the last.

    A column of which every value is a number or empty becomes float64.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    for name in table.columns:
        try:
            table[name] = [float(value or "nan") for value in table[name]]
        except ValueError:
            continue
    return table
