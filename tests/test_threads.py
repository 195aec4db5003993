"""How many threads the core may use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import rereferral as rr


@pytest.fixture
def setting():
    before = rr.get_num_threads()
    yield
    rr.set_num_threads(before)


def first_setting(**environment: str) -> subprocess.CompletedProcess[str]:
    code = "import rereferral as rr; print(rr.get_num_threads())"
    own = {key: value for key, value in os.environ.items() if key != "REREFERRAL_THREADS"}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=own | environment
    )


def test_what_is_set_is_said(setting):
    rr.set_num_threads(7)
    assert rr.get_num_threads() == 7


@pytest.mark.parametrize("n", [0, -1, 257, 2.0, "2", True, None])
def test_what_is_no_number_of_threads_is_refused(n):
    with pytest.raises(rr.RuleError, match="number of threads"):
        rr.set_num_threads(n)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="affinity is a matter of Linux")
def test_at_first_it_is_the_processors_that_may_be_used():
    assert first_setting().stdout.strip() == str(len(os.sched_getaffinity(0)))


def test_the_environment_sets_it():
    assert first_setting(REREFERRAL_THREADS="3").stdout.strip() == "3"


def test_a_wrong_environment_is_named():
    done = first_setting(REREFERRAL_THREADS="many")
    assert done.returncode != 0
    assert "REREFERRAL_THREADS='many' is not a number of threads" in done.stderr
