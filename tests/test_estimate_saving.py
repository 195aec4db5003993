"""What may be written of an estimate: nothing that is made of answers which nobody may find."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

import rereferral as rr
from rereferral.cli import main

FRAME = pd.DataFrame({"authority": list("abcdef"), "children": [300, 200, 500, 400, 100, 600]})
TABLES = {"estimates.csv", "sensitivity.csv", "tipping.csv", "bounds.csv", "missing.csv"}


def estimate(came_back: list[object], closed: list[object] | None = None) -> rr.Estimate:
    table = {"authority": list("abc"), "came_back": came_back, "closed": closed or [40, 30, 60]}
    return rr.estimate_total(
        pd.DataFrame(table), FRAME, count="came_back", of="closed", scale="children"
    )


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_answers_that_may_be_told(tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text("whatever they were read from\n")
    found = estimate([10, 0, "c"])
    folder = found.save(tmp_path / "out", [tmp_path / "answers.csv"])
    assert files(folder) == {*TABLES, "manifest.json"}
    table = pd.read_csv(folder / "estimates.csv")
    assert table["estimate"].tolist() == pytest.approx(found.table["estimate"].tolist(), rel=1e-12)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["rule"]["small"] == [1, 5]
    assert manifest["condition"] == "if the answering authorities were a random sample"
    digest = hashlib.sha256((tmp_path / "answers.csv").read_bytes()).hexdigest()
    assert manifest["inputs"] == [{"name": "answers.csv", "bytes": 29, "sha256": digest}]


def test_answers_stand_by_authority() -> None:
    answers = estimate([10, "c", None], [40, 30, "x"]).answers
    assert answers.index.tolist() == ["a", "b"]
    assert answers.loc["a"].tolist() == [10, 40]
    assert answers["came_back"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("came_back", "closed", "rule", "small"),
    [
        ([10, 1, 20], None, rr.rules.DFE, "came_back of b is from 1 to 5. By the rule DfE"),
        ([10, 5, 20], None, rr.rules.DFE, "came_back of b is from 1 to 5. By"),
        ([10, 6, 20], None, rr.rules.DFE, None),
        ([10, 0, 20], None, rr.rules.DFE, None),
        ([40, 0, 20], None, rr.rules.DFE, None),
        ([4, 3, 2], None, rr.rules.DFE, "of a is from 1 to 5, and so are 2 others"),
        ([10, 25, 20], None, rr.rules.DFE, "closed less came_back of b is from 1 to 5. By"),
        ([10, 24, 20], None, rr.rules.DFE, None),
        ([0, 0, 0], [3, 30, 60], rr.rules.DFE, "closed of a is from 1 to 5, and so is 1 other"),
        ([11, 10, 20], None, rr.rules.CCWIP, "from 1 to 10. By the rule CCWIP .* as M, no answer"),
        ([11, 11, 20], None, rr.rules.CCWIP, None),
    ],
)
def test_answers_that_nobody_may_find(
    tmp_path: Path,
    came_back: list[object],
    closed: list[object] | None,
    rule: rr.rules.Rule,
    small: str | None,
) -> None:
    found = estimate(came_back, closed)
    if small is None:
        assert found.save(tmp_path / "out", rule=rule).is_dir()
    else:
        with pytest.raises(rr.RuleError, match=small):
            found.save(tmp_path / "out", rule=rule)
        assert not (tmp_path / "out").exists()


def test_on_request_with_a_warning_in_every_name(tmp_path: Path) -> None:
    folder = estimate([10, 3, 20]).save(tmp_path / "out", rule=None)
    assert files(folder) == {f"UNPROTECTED-{name}" for name in TABLES} | {"manifest.json"}
    # It gives way to the next, and leaves nothing behind.
    assert files(estimate([10, 0, 20]).save(tmp_path / "out")) == {*TABLES, "manifest.json"}


def test_a_folder_of_something_else_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(rr.RuleError, match=r"holds mine\.txt, and no estimate was made there"):
        estimate([10, 0, 20]).save(tmp_path)
    assert files(tmp_path) == {"mine.txt"}


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    returns, out = tmp_path / "returns.csv", tmp_path / "out"
    returns.write_text(
        "authority,financial_year,not_stepped_down\n"
        "E06000001,2019-20,120\nE06000002,2019-20,4\nE06000003,2019-20,200\n"
    )
    assert main(["estimate", str(returns), "--out", str(out)]) == 2
    assert "not_stepped_down of E06000002 in 2019-20 is from 1 to 5" in capsys.readouterr().err
    assert main(["estimate", str(returns), "--out", str(out), "--rule", "none"]) == 0
    assert "UNPROTECTED-estimates.csv" in files(out)
    assert main(["estimate", str(returns)]) == 0
