"""A release: the tables of one publication, safe together, and what was done to them."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from rereferral.disclosure.attack import Attack, Released, attack_release
from rereferral.disclosure.spreadsheet import to_csv
from rereferral.errors import RuleError
from rereferral.folders import check_folder, replacing
from rereferral.rules import Rule

__all__ = ["Release", "in_words"]

_RESULT = "release"
_LOG, _RULE = "log", "rule"
_TAKEN = {
    _LOG: "what was done to the tables",
    _RULE: "the rule",
}


def in_words(n_counts: int, log: pd.DataFrame) -> str:
    """How many of some counts were hidden, and why, by the log of a release."""
    times = log["done"].value_counts()
    parts = [
        (int(times.get(done, 0)), what)
        for done, what in (
            ("small", "hidden because small"),
            ("zeroed", "shown as 0, be it small or 0 itself"),
            ("beside", "hidden so that no small one can be found"),
        )
    ]
    said = [
        f"{number:,} {'is' if number == 1 else 'are'} {what}" for number, what in parts if number
    ]
    if not said:
        return f"Of {n_counts:,} counts none had to be hidden."
    also = int(times.get("with its counts", 0))
    figures = (
        "1 figure computed from them is"
        if also == 1
        else f"{also:,} figures computed from them are"
    )
    return f"Of {n_counts:,} counts {', '.join(said)}{f'; {figures} hidden too' if also else ''}."


class Release:
    """Tables that may be published together. Made by `rereferral.protect`.

    Attributes
    ----------
    tables : dict of str to DataFrame
        As they were given, but counts are Int64, null where they are hidden, rounded where the
        rule rounds; what was computed from hidden counts is null too, and percentages are rounded.
    published : dict of str to DataFrame
        The same for print: text, with the rule's symbol where something is hidden.
    log : DataFrame
        What was done: ``table``, ``row`` (its groups), ``column``, ``done``, ``why``. It may be
        published: the attack knows it.
    rule : Rule
        By which.
    notes : list of str
        What must stand beside the tables.
    """

    def __init__(
        self,
        tables: Mapping[str, pd.DataFrame],
        published: Mapping[str, pd.DataFrame],
        log: pd.DataFrame,
        rule: Rule,
        released: Released,
        n_counts: int,
    ) -> None:
        self.tables = dict(tables)
        self.published = dict(published)
        self.log = log
        self.rule = rule
        self._released = released
        self._n_counts = n_counts
        self._attack: Attack | None = None
        self.notes = [f"Protected by the rule {rule}.", self.words()]

    def attack(self) -> Attack:
        """Try to find the small counts from what is published, the log, and earlier releases.

        Returns
        -------
        Attack
            With the least and the most that each could be, each from an integer programme.
        """
        if self._attack is None:
            self._attack = attack_release(self._released, self.rule)
        return self._attack

    def words(self) -> str:
        """How many counts were hidden, and why."""
        return in_words(self._n_counts, self.log)

    def save(self, folder: str | os.PathLike[str]) -> pathlib.Path:
        """Write the tables as published, the log and the rule into a new or an empty folder.

        Text that a spreadsheet would run as a formula begins with an apostrophe. All files are
        written, or none.

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        RuleError
            The folder holds something or cannot be made, or the name of a table cannot be that of a
            file: ``log`` and ``rule`` are taken.
        OSError
            It cannot be written.
        """
        target = pathlib.Path(os.path.expanduser(folder))
        if target.is_dir() and any(target.iterdir()):
            raise RuleError(f"{os.fspath(folder)} is not an empty folder; give the release its own")
        place = check_folder(target, _RESULT)
        tables = {**_named(self.published), _LOG: self.log}
        facts: dict[str, Any] = {"rule": asdict(self.rule), "notes": self.notes}
        text = json.dumps(facts, ensure_ascii=False, indent=2)
        with replacing(place, os.fspath(folder), _RESULT) as new:
            for name, table in tables.items():
                (new / f"{name}.csv").write_text(to_csv(table), "utf-8", newline="\n")
            (new / f"{_RULE}.json").write_text(text + "\n", "utf-8", newline="\n")
        return target

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.tables))
        return "\n".join([f"Release of {names}", *self.notes])

    def _repr_html_(self) -> str:
        from html import escape

        parts = [f"<p>{escape(note)}</p>" for note in self.notes]
        for name, table in self.published.items():
            shown: str = table.head(20).to_html(index=False, border=0)
            parts.append(f"<p><strong>{escape(str(name))}</strong></p>{shown}")
            if len(table) > 20:
                parts.append(f"<p>and {len(table) - 20:,} more rows</p>")
        return "".join(parts)


def _named(tables: Mapping[Any, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables by the names of their files; RuleError where a name can be none, or not another."""
    named: dict[str, pd.DataFrame] = {}
    seen: dict[str, Any] = {}
    for name, table in tables.items():
        text = str(name)
        known = isinstance(name, (str, int)) and text.strip(" .")
        if not known or pathlib.PurePath(text).name != text or "\0" in text:
            raise RuleError(f"the table {name!r} has no name that a file could have")
        # Some disks take names that differ in case alone for one.
        folded = text.casefold()
        if folded in _TAKEN:
            raise RuleError(
                f'a table cannot be saved as "{text}": that file is for {_TAKEN[folded]}; give the '
                "table another name"
            )
        if folded in seen:
            raise RuleError(f"the tables {seen[folded]!r} and {name!r} would be one file")
        seen[folded] = name
        named[text] = table
    return named
