"""What the README shows is what the package does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import rereferral as rr
from rereferral.definition import Definition

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n+```text\n(.*?)```", README, re.DOTALL)


def test_there_is_an_example():
    assert EXAMPLES


@pytest.mark.parametrize(("code", "output"), EXAMPLES)
def test_an_example_prints_what_stands_below_it(code, output, tmp_path):
    wide = "import pandas as pd\npd.set_option('display.width', 100)\n"
    done = subprocess.run(
        [sys.executable, "-c", wide + code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip() == output.rstrip()


def test_every_file_that_is_named_exists():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_every_rule_is_in_the_table():
    rules = [name for name in Definition.__dataclass_fields__ if name not in INFORMATION]
    missing = [name for name in rules if f"`{name}`" not in README]
    assert not missing


INFORMATION = ("name", "source", "notes")


def test_every_public_name_is_mentioned():
    missing = [name for name in rr.__all__ if f"{name}" not in README]
    assert not missing
