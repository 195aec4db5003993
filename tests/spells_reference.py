"""Merged spells by their meaning, slowly: rows that are near one another, directly or by others."""

from __future__ import annotations

from typing import Any, NamedTuple

from reference import add_span, parse_span


class Merged(NamedTuple):
    """One merged spell; days are whole numbers, None for an open end."""

    rows: list[int]
    start: int
    end: int | None
    row: int


def merged_reference(
    rows: list[dict[str, Any]],
    key: list[str],
    start: str,
    end: str | None,
    gap: int | str,
    representative: Any,
) -> list[Merged]:
    """The merged spells in the order of their first rows."""
    span = parse_span(gap)

    def ends(row: dict[str, Any]) -> int | None:
        return row[start] if end is None else row[end]

    def one(early: dict[str, Any], late: dict[str, Any]) -> bool:
        same = all(early[name] == late[name] for name in key)
        if not same or early[start] > late[start]:
            return False
        return ends(early) is None or late[start] <= add_span(ends(early), span)

    left = [
        number
        for number, row in enumerate(rows)
        if all(row[name] is not None for name in [*key, start])
        and (ends(row) is None or ends(row) >= row[start])
    ]
    found = []
    while left:
        spell, grown = {left[0]}, True
        while grown:
            near = {
                b for b in left for a in spell if one(rows[a], rows[b]) or one(rows[b], rows[a])
            }
            grown = not near <= spell
            spell |= near
        left = [number for number in left if number not in spell]
        last = [ends(rows[number]) for number in spell]
        found.append(
            Merged(
                sorted(spell),
                min(rows[number][start] for number in spell),
                None if None in last else max(last),
                chosen(rows, sorted(spell), start, representative),
            )
        )
    return found


def chosen(rows: list[dict[str, Any]], spell: list[int], start: str, representative: Any) -> int:
    if representative == "last":
        return max(spell, key=lambda number: (rows[number][start], number))
    order = {} if representative == "first" else representative

    def place(number: int) -> tuple[Any, ...]:
        ranks = [
            values.index(rows[number][name]) if rows[number][name] in values else len(values)
            for name, values in order.items()
        ]
        return (*ranks, rows[number][start], number)

    return min(spell, key=place)
