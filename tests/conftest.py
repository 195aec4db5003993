"""Fixtures of more than one room."""

from __future__ import annotations

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("by_hand")

# The suite judges a change, so it draws the same cases each time; `make properties` draws others.
settings.register_profile("same cases", derandomize=True, deadline=None)
settings.register_profile("new cases", derandomize=False, deadline=None)
settings.load_profile("same cases")


@pytest.fixture(params=["reference", "rr.link"])
def engine(request) -> str:
    """Who answers an example worked by hand."""
    return request.param
