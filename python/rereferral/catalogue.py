"""The published definitions as a page of text, for a reader who does not program."""

from __future__ import annotations

import difflib
import json
import shutil
import textwrap
from collections.abc import Sequence

from rereferral import definitions
from rereferral.definition import Definition
from rereferral.errors import RuleError
from rereferral.wording import rules_in_words

__all__ = ["as_json", "choose", "in_words"]

_WIDEST = 100
_HEAD = (
    'Published definitions of "came back". An index event starts the follow-up: a closed case, a '
    "discharge, a release. An outcome event is what is looked for: a referral, a readmission, an "
    "offence. An index event is linked if its outcome was found; the rate is the linked of those "
    "counted."
)


def choose(names: Sequence[str]) -> dict[str, Definition]:
    """The definitions of these names, or all of them.

    Raises
    ------
    RuleError
        If there is no such definition, naming the closest.
    """
    known = definitions.__all__
    chosen = {}
    for name in names or known:
        if name.upper() not in known:
            close = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise RuleError(f"there is no definition {name!r}; {hint}")
        chosen[name.upper()] = getattr(definitions, name.upper())
    return chosen


def as_json(chosen: dict[str, Definition]) -> str:
    """One object, from the name of each definition to its rules."""
    plain = {name: definition.to_dict() for name, definition in chosen.items()}
    return json.dumps(plain, ensure_ascii=False, indent=2)


def in_words(chosen: dict[str, Definition], width: int | None = None) -> str:
    """What each definition is about, its rules, what of it is not verified, and its source.

    Parameters
    ----------
    chosen : dict of Definition
        By the name of the preset.
    width : int, optional
        Columns of the page; those of the terminal by default, and at most 100.
    """
    columns = min(shutil.get_terminal_size().columns if width is None else width, _WIDEST)
    parts = [textwrap.fill(_HEAD, columns)]
    for name, definition in chosen.items():
        title = f"{name}: {definition.name}"
        about, mark, unverified = definition.notes.partition("Not verified")
        lines = [title, "-" * min(len(title), columns), _item("", about, columns)]
        lines += [_item("* ", sentence, columns) for sentence in rules_in_words(definition)]
        lines.append(_item("", f"{mark}{unverified}", columns))
        lines.append(_item("", f"Source: {definition.source}.", columns))
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _item(mark: str, text: str, columns: int) -> str:
    return textwrap.fill(
        text,
        max(columns, 20),
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )
