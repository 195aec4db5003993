"""The benchmark on a thousand rows: engines agree, and what is kept can be read again."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.bench import data, linkage, one, picture, printing, runner
from tests.bench.catalogue import JOBS

ROWS = 1_000
PEERS = ("numpy", "pandas", "polars streaming", "DuckDB")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("bench")


@pytest.mark.parametrize("name", JOBS)
def test_engines_agree(name, root):
    job = JOBS[name]
    folder = data.folder_of(root, job.data, ROWS)
    results = []
    for engine, chosen in job.engines.items():
        if (engine in PEERS or chosen.ours) and not chosen.missing():
            found = one.loaded(chosen, folder, threads=2)
            results.append((engine, {"answer": job.answer(found.work(), folder)}))
    assert len(results) >= 2
    answer = runner.check_alike(name, results)
    assert all(number > 0 for key, number in answer.items() if not key.endswith("null"))


def test_a_wrong_answer_is_found():
    answers = [("a", {"answer": {"linked": 3, "gaps": 10}}), ("b", {"answer": {"linked": 3}})]
    assert runner.check_alike("link", answers) == answers[0][1]["answer"]
    answers.append(("c", {"answer": {"linked": 3, "gaps": 9}}))
    with pytest.raises(RuntimeError, match="differ"):
        runner.check_alike("link", answers)


def test_an_answer_knows_which_row_has_which_gap():
    gap = np.array([5, 2_147_483_647, 9], np.int32)
    assert linkage.answer(gap) != linkage.answer(gap[::-1])
    row = np.array([2, 0])
    assert linkage.answer(linkage.Found(row, gap[row])) == linkage.answer(gap)


def test_ids_of_children_are_distinct():
    for rows in (ROWS, 1_000_000):
        children = np.arange(data.children_of(rows), dtype=np.int32)
        assert len(np.unique(data.ids(children, rows))) == len(children)
        texts = data.person_texts(len(children) // 2 + 1)
        assert len(np.unique(texts)) == len(texts)
        # Two children share a text, in different authorities.
        assert (data.authority_of(children)[:-1:2] != data.authority_of(children)[1::2]).all()


def test_what_is_kept_can_be_read_again(root, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runner, "SMALL_ROWS", ROWS)
    found = runner.measure("presorted", ROWS, 1, [1], root, ["rereferral", "searchsorted"])
    kept = json.loads(json.dumps(found))
    assert kept == found
    assert kept["summary"]["reached"] in ("aim", "least", "no")
    printing.job("presorted", kept)
    printing.overview({"presorted": kept})
    assert "least 2 times, aim 4 times" in capsys.readouterr().out
    machine = {"processor": "one", "processors": 1}
    picture.draw({"machine": machine, "jobs": {"presorted": kept}}, tmp_path / "bench.png")
    assert (tmp_path / "bench.png").stat().st_size > 10_000
