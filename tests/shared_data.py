"""The one place that knows where the shared test data lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent


def shared(*parts: str) -> Path:
    """Path in the shared data folder; skips the test, saying why, where the folder is missing."""
    given = os.environ.get("REREFERRAL_SHARED_DATA")
    folder = Path(given) if given else HERE.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}")
    return folder.joinpath(*parts)
