"""Conditions on columns as people write them, in one form: to compare, to apply and to say."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from rereferral.errors import RuleError

__all__ = [
    "Conditions",
    "condition_in_words",
    "conditions_from_plain",
    "conditions_in_words",
    "normal_conditions",
    "plain_conditions",
    "table_filters",
]

_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")

#: ``{column: ("in", values)}``, ``{column: ("<", value)}``, ``{column: (">", low, "<", high)}``.
Conditions = dict[str, tuple[Any, ...]]


def normal_conditions(
    given: object, what: str, value: Callable[[Any, str, str], Any] | None = None
) -> Conditions | None:
    """Bring conditions into one form.

    Parameters
    ----------
    given : dict or None
        ``{"column": value}``, ``{"column": [values]}``, ``{"column": ("<", value)}`` or
        ``{"column": (">=", low, "<", high)}``.
    what : str
        The name of the rule, for messages.
    value : callable, optional
        What makes a value of the rule out of one that was given; by default text, numbers and dates
        are taken as they are. It gets the value, `what` and the column.

    Raises
    ------
    RuleError
        If it is none of these.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping) or not given:
        raise RuleError(f'{what} must be a dict such as {{"reason_for_closure": ["RC8", "RC9"]}}')
    read = _plain if value is None else value
    normal: Conditions = {}
    for column, condition in given.items():
        if not isinstance(column, str):
            raise RuleError(f"{what}: {column!r} is not the name of a column")
        if isinstance(condition, tuple):
            if len(condition) == 2 and condition[0] == "in":
                condition = list(condition[1])
            elif len(condition) not in (2, 4) or any(
                not isinstance(operator, str) or operator not in _COMPARISONS
                for operator in condition[::2]
            ):
                raise RuleError(
                    f"{what}: {column}={condition!r} is not a comparison; write "
                    f'("<", value) with one of {", ".join(_COMPARISONS)}, or a list of values'
                )
            else:
                pairs = zip(condition[::2], condition[1::2], strict=True)
                normal[column] = tuple(
                    part for sign, limit in pairs for part in (sign, read(limit, what, column))
                )
                continue
        if isinstance(condition, (list, set, frozenset)):
            values = list(condition) if isinstance(condition, list) else sorted(condition, key=repr)
        else:
            values = [condition]
        normal[column] = ("in", tuple(read(one, what, column) for one in values))
    return normal


def _plain(value: Any, what: str, column: str) -> Any:
    """A value of a filter as something that JSON can hold."""
    if isinstance(value, datetime.datetime) or hasattr(value, "item"):
        value = value.item() if hasattr(value, "item") else value.date()
    if isinstance(value, datetime.date):
        return value.isoformat()[:10]
    if value is None or not isinstance(value, (str, int, float, bool)):
        raise RuleError(f"{what}: {column} cannot be compared with {value!r}")
    return value


def table_filters(normal: Conditions) -> list[dict[str, Any]]:
    """The same for a table's ``mask``: filters that must all hold; a range takes two."""
    filters: list[dict[str, Any]] = []
    for column, condition in normal.items():
        if condition[0] == "in":
            filters.append({column: list(condition[1])})
        else:
            filters += [{column: condition[at : at + 2]} for at in range(0, len(condition), 2)]
    return filters


def condition_in_words(condition: tuple[Any, ...]) -> str:
    """Say one condition without its column: ``is RC8 or RC9``, ``>= 8 and < 20``."""
    if condition[0] == "in":
        return f"is {' or '.join(map(str, condition[1])) or 'one of no values'}"
    pairs = zip(condition[::2], condition[1::2], strict=True)
    return " and ".join(f"{sign} {limit}" for sign, limit in pairs)


def conditions_in_words(normal: Conditions) -> str:
    """Say conditions: ``reason_for_closure is RC8 or RC9``."""
    return " and ".join(
        f"{column} {condition_in_words(condition)}" for column, condition in normal.items()
    )


def plain_conditions(normal: Conditions | None) -> dict[str, Any] | None:
    """The same as JSON can hold it, to be read by `conditions_from_plain`."""
    if normal is None:
        return None
    return {column: _plain_condition(condition) for column, condition in normal.items()}


def _plain_condition(condition: tuple[Any, ...]) -> Any:
    if condition[0] == "in":
        return [_text(value) for value in condition[1]]
    if len(condition) == 2:
        return {condition[0]: _text(condition[1])}
    return [[condition[at], _text(condition[at + 1])] for at in range(0, len(condition), 2)]


def _text(value: Any) -> Any:
    """A span as its text; anything else as it is."""
    return str(value) if isinstance(value, tuple) else value


def conditions_from_plain(plain: Any) -> Any:
    """What `plain_conditions` wrote, in a form that `normal_conditions` takes."""
    if not isinstance(plain, Mapping):
        return plain
    return {column: _given_condition(condition) for column, condition in plain.items()}


def _given_condition(plain: Any) -> Any:
    if isinstance(plain, Mapping):
        return tuple(part for pair in plain.items() for part in pair)
    if isinstance(plain, list) and plain and isinstance(plain[0], list):
        return tuple(part for pair in plain for part in pair)
    return plain
