"""The bar: drawn on a terminal and taken away at the end, nothing in a pipe."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import rereferral as rr
from rereferral.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal() -> None:
    out = Terminal()
    with progress_bar("Reading", out) as bar:
        assert bar is not None
        bar(0, 200)
        bar(1, 200)  # too soon after the one before
        bar(200, 200)
    drawn = out.getvalue().split("\r")[1:]
    assert drawn[:-1] == [f"Reading [{'.' * 30}]   0%", f"Reading [{'#' * 30}] 100%"]
    assert drawn[-1] == "\x1b[K"


def test_the_bar_goes_when_the_work_fails() -> None:
    out = Terminal()

    def work() -> None:
        with progress_bar("Reading", out) as bar:
            assert bar is not None
            bar(1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert out.getvalue().endswith("\r\x1b[K")


def test_an_unknown_whole() -> None:
    out = Terminal()
    with progress_bar("Reading", out) as bar:
        assert bar is not None
        bar(5, 0)
    assert "  0%" in out.getvalue()


def test_nothing_in_a_pipe(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "table.csv"
    path.write_text("child_id\n1\n")
    rr.read_csv(path, progress=True)
    assert capfd.readouterr() == ("", "")
