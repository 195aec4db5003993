from typing import Any


# link
def add_spans(day: Any, span: Any, end: Any, /) -> None: ...
def window_bounds(window: Any, day: Any, first: Any, last: Any, /) -> None: ...
def encode(tables: Any, codes: Any, /) -> int: ...
def order(
    index_key: Any,
    index_day: Any,
    index_use: Any,
    event_key: Any,
    event_day: Any,
    event_use: Any,
    limit: int,
    /,
) -> object: ...
def link(
    parts: object,
    window: Any,
    last_row: bool,
    same_table: bool,
    self_row: Any,
    event_day: Any,
    lower: Any,
    upper: Any,
    n_events: int,
    event_row: Any,
    gap_days: Any,
    count: Any,
    /,
) -> None: ...
def open_spells(parts: object, spell_end: Any, open: Any, /) -> None: ...
def shared_days(parts: object, shared: Any, /) -> None: ...
