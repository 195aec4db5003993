"""Whether a picture is given what it draws."""

from __future__ import annotations

from typing import Any

from rereferral.errors import RuleError

__all__ = ["check_made_by"]


def check_made_by(found: Any, kind: type, picture: str, maker: str) -> None:
    """Refuse what a picture cannot draw, and name what makes what it can.

    Parameters
    ----------
    found : object
        What the picture is given.
    kind : type
        What it draws.
    picture, maker : str
        The names of the two functions.

    Raises
    ------
    RuleError
        `found` is something else.
    """
    if not isinstance(found, kind):
        given = type(found).__name__
        article = "an" if given[0] in "AEIOUaeiou" else "a"
        raise RuleError(f"{picture} draws what rereferral.{maker} gives, not {article} {given}")
