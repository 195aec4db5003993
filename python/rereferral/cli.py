"""The command `rereferral`: one subcommand, one pair of functions (its arguments, its run)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TypeAlias

import rereferral
from rereferral.arguments import year_range
from rereferral.errors import RereferralError
from rereferral.warning import in_one_line

__all__ = ["main"]

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_FAILED = 2
_INTERRUPTED = 130


def _add_simulate(commands: _Commands) -> None:
    parser = commands.add_parser(
        "simulate",
        help="write a SIMULATED England: episodes, early help, authorities",
        description="Write a SIMULATED England into a folder: episodes.csv, early_help.csv, "
        "authorities.csv and manifest.json.",
    )
    parser.add_argument(
        "--calibration",
        choices=("official", "report"),
        default="official",
        help="below-threshold closures as many as published (official, the default) or as "
        "'Too little, too late' implies (report)",
    )
    parser.add_argument(
        "--years",
        type=year_range,
        default=range(2016, 2021),
        metavar="FIRST-LAST",
        help="reported financial years, by the year they end in (default 2016-2020)",
    )
    parser.add_argument(
        "--authority",
        action="append",
        metavar="CODE",
        help="code or name of an authority of 2019; may be repeated (default: all 152)",
    )
    parser.add_argument("--seed", type=int, default=0, help="0 or more (default 0)")
    parser.add_argument(
        "--step-down",
        choices=("RC9", "early help"),
        default="RC9",
        help="told by the closure reason RC9 (the default) or by the early help table alone",
    )
    parser.add_argument(
        "--mergers",
        action="store_true",
        help="authorities change their codes, as Bournemouth and Poole did in 2019",
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="made if it is missing")
    parser.set_defaults(run=_simulate)


def _simulate(arguments: argparse.Namespace) -> int:
    from rereferral.simulate import check_folder, simulate

    check_folder(arguments.out)
    simulation = simulate(
        arguments.calibration,
        years=arguments.years,
        authorities=arguments.authority,
        seed=arguments.seed,
        step_down=arguments.step_down,
        mergers=arguments.mergers,
        progress=True,
    )
    folder = simulation.save(arguments.out, progress=True)
    print(f"{folder}: {simulation!r}")
    return 0


def _add_report(commands: _Commands) -> None:
    from rereferral.report import command

    parser = commands.add_parser(
        "report",
        help="the chain of 'Too little, too late' from a CSV file of episodes",
        description="Count, of the children assessed, found below the threshold and closed, how "
        "many were stepped down to early help, and of the others how many were referred again "
        "within 12 months. Writes a page, figures, tables and a manifest.",
    )
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)


def _add_estimate(commands: _Commands) -> None:
    from rereferral.estimate import command

    parser = commands.add_parser(
        "estimate",
        help="England from the answers of some authorities",
        description="Estimate the totals of all authorities from the returns of some, with limits "
        "that hold if those who answered were a random sample, and what says how far they may not "
        "have been.",
    )
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)


def _add_figures(commands: _Commands) -> None:
    from rereferral.verdicts import command

    parser = commands.add_parser(
        "figures",
        help="every published figure beside ours, with a verdict and its reason",
        description="Hold every figure of 'Too little, too late', of the official series and of "
        "spending against what can be counted or computed: published, ours, kind, verdict and one "
        "sentence. What is not given leaves lines that cannot be tested, and they say so.",
    )
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)


def _add_definitions(commands: _Commands) -> None:
    parser = commands.add_parser(
        "definitions",
        help="print the published definitions of 'came back' in words",
        description="Print the published definitions of 'came back' in words: what is counted, by "
        "which rules, where that was published and what of it could not be verified.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="only these, such as DFE GOLDACRE (default: all)",
    )
    parser.add_argument("--json", action="store_true", help="print them as JSON")
    parser.set_defaults(run=_definitions)


def _definitions(arguments: argparse.Namespace) -> int:
    from rereferral import catalogue

    chosen = catalogue.choose(arguments.names)
    print(catalogue.as_json(chosen) if arguments.json else catalogue.in_words(chosen))
    return 0


# In the order of the help. Each adds a parser whose default `run` does the work.
_COMMANDS: tuple[Callable[[_Commands], None], ...] = (
    _add_simulate,
    _add_report,
    _add_estimate,
    _add_figures,
    _add_definitions,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and give its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the command's name; those of the process by default.

    Returns
    -------
    int
        0 when done, 2 when it failed (the reason is on standard error), 130 after Ctrl-C. Wrong
        arguments end the process with status 2, as `argparse` does.
    """
    parser = argparse.ArgumentParser(
        prog="rereferral", description="Did a new referral follow? Exactly, over large tables."
    )
    parser.add_argument("--version", action="version", version=rereferral.__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in _COMMANDS:
        add(commands)
    arguments = parser.parse_args(argv)
    try:
        with in_one_line():
            status: int = arguments.run(arguments)
    except KeyboardInterrupt:
        print("rereferral: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except (RereferralError, OSError) as error:
        print(f"rereferral: {error}", file=sys.stderr)
        return _FAILED
    return status
