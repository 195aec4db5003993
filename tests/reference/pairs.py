"""Every match of every counted index row."""

from __future__ import annotations

from .linkage import link_reference
from .rules import RefusedError


def pairs_reference(index_rows: list[dict], event_rows: list[dict], **arguments) -> dict:
    """`offsets`, `event_row` and `gap_days` of all matches, by the arguments of `link_reference`.

    A row has pairs exactly where its `count` is above 0. What chooses among them is refused.
    """
    if (
        arguments.get("take", "first") != "first"
        or arguments.get("ties", "first row") != "first row"
    ):
        raise RefusedError("nothing is chosen among pairs")
    if isinstance(arguments.get("window"), list):
        raise RefusedError("pairs have one window")
    linked = link_reference(index_rows, event_rows, **arguments)
    offsets = [0]
    for matches in linked.pairs:
        offsets.append(offsets[-1] + len(matches))
    flat = [match for matches in linked.pairs for match in matches]
    return {
        "offsets": offsets,
        "event_row": [row for row, _ in flat],
        "gap_days": [gap for _, gap in flat],
    }
