"""Warnings on the command line: those of the package in one line, all others as they are."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable

import pytest

from rereferral import cli
from rereferral.warning import warn

LOOK_BACK = "3 of 9 look back beyond 2016-05-01."


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], int]:
    """Run a subcommand that does something."""

    def with_work(work: Callable[[], None]) -> int:
        def run(_: argparse.Namespace) -> int:
            work()
            return 0

        def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
            commands.add_parser("work").set_defaults(run=run)

        monkeypatch.setattr(cli, "_COMMANDS", (add,))
        return cli.main(["work"])

    return with_work


def warn_twice() -> None:
    warn(LOOK_BACK)
    warn("And 4 more.")


@pytest.mark.filterwarnings("default")
def test_a_warning_is_one_line(command, capsys):
    assert command(warn_twice) == 0
    assert capsys.readouterr().err == f"warning: {LOOK_BACK}\nwarning: And 4 more.\n"


@pytest.mark.filterwarnings("default", "ignore:3 of 9")
def test_what_is_not_to_be_shown_is_not(command, capsys):
    assert command(warn_twice) == 0
    assert capsys.readouterr().err == "warning: And 4 more.\n"


@pytest.mark.filterwarnings("default")
def test_warnings_of_others_are_shown_as_they_are(command):
    with pytest.warns(UserWarning, match="not ours"):
        assert command(lambda: warnings.warn("not ours", UserWarning, stacklevel=1)) == 0


def test_after_the_command_warnings_are_as_before(command):
    before = warnings.showwarning
    assert command(lambda: None) == 0
    assert warnings.showwarning is before
