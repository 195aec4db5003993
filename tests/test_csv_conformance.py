"""The reader against the published answers of csv-spectrum and csv-test-data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rereferral import CSVError
from rereferral.reading import read_records
from shared_data import shared

SPECTRUM = 11  # files that SOURCES.md promises, so that none is missed
ANSWERED = 18
REFUSED = 7


def files(*parts: str) -> list[Path]:
    return sorted(shared("csv_conformance", *parts).iterdir())


def as_records(answer: list[dict[str, str]], header: list[str]) -> list[list[str]]:
    assert all(list(record) == header for record in answer)
    return [list(record.values()) for record in answer]


def test_csv_spectrum() -> None:
    answers = files("csv-spectrum", "json")
    assert len(answers) == SPECTRUM
    for path in answers:
        answer = json.loads(path.read_text(encoding="utf-8"))
        header = list(answer[0])
        source = shared("csv_conformance", "csv-spectrum", "csvs", f"{path.stem}.csv")
        assert read_records(source, header=header) == as_records(answer, header), path.stem


def test_csv_test_data() -> None:
    answers = files("csv-test-data", "json")
    assert len(answers) == ANSWERED
    for path in answers:
        answer = json.loads(path.read_text(encoding="utf-8"))
        source = shared("csv_conformance", "csv-test-data", "csv", f"{path.stem}.csv")
        if path.stem.startswith("header-"):
            header = ["foo", "bar", "baz"]
            assert read_records(source, header=header) == as_records(answer, header), path.stem
        else:
            assert read_records(source) == answer, path.stem


def test_csv_test_data_refused() -> None:
    bad = [path for path in files("csv-test-data", "csv") if path.stem.startswith("bad-")]
    assert len(bad) == REFUSED
    for path in bad:
        header = ["foo", "bar", "baz"] if path.stem.startswith("bad-header-") else None
        with pytest.raises(CSVError) as caught:
            read_records(path, header=header)
        assert str(path) in str(caught.value)
