"""Fixtures of more than one room."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("by_hand")


@pytest.fixture(params=["reference", "rr.link"])
def engine(request) -> str:
    """Who answers an example worked by hand."""
    return request.param
