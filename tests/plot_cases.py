"""What pictures are drawn of, and what stands in them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import rereferral as rr


def texts(ax: Any) -> list[str]:
    return [
        text.get_text() for text in ax.get_figure().findobj(match=lambda o: hasattr(o, "get_text"))
    ]


@lru_cache(maxsize=1)
def several() -> rr.Report:
    places = ["Hartlepool", "Middlesbrough", "Camden"]
    episodes = rr.simulate(authorities=places, seed=1).episodes
    return rr.missed_opportunities(episodes, years=range(2016, 2021), observed_until="2021-03-31")


def protected(report: rr.Report, rule: rr.rules.Rule) -> rr.Report:
    pytest.importorskip("scipy")
    return report.protect(rule)


def durations() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    duration = rng.integers(1, 400, 600)
    return duration, rng.random(600) < 0.4, rng.choice(["2018-19", "2019-20"], 600)
