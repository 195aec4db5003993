from typing import Any

import numpy as np
import numpy.typing as npt

# settings
def get_threads() -> int: ...
def set_threads(n: int, /) -> None: ...

# link
def add_spans(day: Any, span: Any, end: Any, /) -> None: ...
def window_bounds(window: Any, day: Any, first: Any, last: Any, /) -> None: ...
def encode(tables: Any, codes: Any, /) -> int: ...
def key_book(columns: Any, codes: Any, /) -> tuple[int, object | None]: ...
def look_up(book: object, columns: Any, codes: Any, /) -> None: ...
def order_keys(
    tables: Any, index_day: Any, index_use: Any, event_day: Any, event_use: Any, /
) -> object: ...
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
def prepare(event_key: Any, event_day: Any, event_use: Any, limit: int, /) -> object: ...
def order_onto(index_key: Any, index_day: Any, index_use: Any, prepared: object, /) -> object: ...
def open_spells(parts: object, spell_end: Any, open: Any, /) -> None: ...
def shared_days(parts: object, shared: Any, /) -> None: ...

# sweep: rule is the tuple that linking.CoreRule makes
def link(
    parts: object,
    rule: Any,
    n_index: int,
    n_events: int,
    event_row: Any,
    gap_days: Any,
    count: Any,
    vetoed: Any,
    /,
) -> None: ...
def narrow(
    windows: tuple[Any, ...], anchor: Any, found: Any, gap_days: tuple[Any, ...], /
) -> None: ...
def absorb(parts: object, rule: Any, n_events: int, anchor: Any, /) -> None: ...
def pairs_count(parts: object, rule: Any, n_events: int, offsets: Any, /) -> None: ...
def pairs_fill(
    parts: object, rule: Any, n_events: int, offsets: Any, event_row: Any, gap_days: Any, /
) -> None: ...
def pairs_rows(offsets: Any, index_row: Any, /) -> None: ...
def mean_cells(rows: Any, cell_group: Any, cell_day: Any, events: Any, censored: Any, /) -> int: ...
def mean_clusters(
    rows: Any,
    cell_group: Any,
    cell_day: Any,
    events: Any,
    censored: Any,
    clusters: Any,
    std_error: Any,
    /,
) -> None: ...

# cohort
def washout(parts: object, span: Any, kept: Any, rolling: bool, washed: Any, /) -> None: ...
def select(parts: object, kept: Any, period: Any, last: bool, chosen: Any, /) -> None: ...

# merged spells
def merge_spells(parts: object, end: Any, gap: Any, spell: Any, /) -> int: ...
def describe_spells(
    start: Any,
    end: Any,
    rank: Any,
    last: bool,
    spell: Any,
    row: Any,
    start_row: Any,
    end_row: Any,
    n_parts: Any,
    /,
) -> None: ...

# tally and curve
def tally(
    group: npt.NDArray[np.int32] | None,
    use: npt.NDArray[np.bool_] | None,
    hit: npt.NDArray[np.bool_],
    n: npt.NDArray[np.int64],
    linked: npt.NDArray[np.int64],
    /,
) -> None: ...
def codes_seen(
    codes: npt.NDArray[np.int32],
    use: npt.NDArray[np.bool_] | None,
    seen: npt.NDArray[np.bool_],
    /,
) -> None: ...
def codes_map(
    codes: npt.NDArray[np.int32],
    to: npt.NDArray[np.int32],
    null: int,
    mapped: npt.NDArray[np.int32],
    /,
) -> None: ...
def codes_join(
    columns: list[tuple[Any, npt.NDArray[np.int32], int, int]],
    use: npt.NDArray[np.bool_] | None,
    joined: npt.NDArray[np.int32] | None,
    seen: npt.NDArray[np.bool_],
    /,
) -> None: ...
def codes_tally(
    columns: list[tuple[Any, npt.NDArray[np.int32], int, int]],
    use: npt.NDArray[np.bool_] | None,
    counted: npt.NDArray[np.bool_] | None,
    hit: npt.NDArray[np.bool_],
    seen: npt.NDArray[np.bool_],
    n: npt.NDArray[np.int64],
    linked: npt.NDArray[np.int64],
    /,
) -> None: ...
def tally_clusters(
    cluster: npt.NDArray[np.uint32],
    group: npt.NDArray[np.int32] | None,
    use: npt.NDArray[np.bool_] | None,
    hit: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.int64],
    n_squared: npt.NDArray[np.int64],
    n_linked: npt.NDArray[np.int64],
    linked_squared: npt.NDArray[np.int64],
    /,
) -> None: ...
def longest(duration: npt.NDArray[np.int32], use: npt.NDArray[np.bool_] | None, /) -> int: ...
def tally_days_room(n: int, n_groups: int, longest: int, /) -> int: ...
def tally_days(
    duration: npt.NDArray[np.int32],
    cause: npt.NDArray[np.int8],
    n_causes: int,
    group: npt.NDArray[np.int32] | None,
    use: npt.NDArray[np.bool_] | None,
    n_groups: int,
    longest: int,
    cell_group: npt.NDArray[np.int32],
    cell_day: npt.NDArray[np.int32],
    events: npt.NDArray[np.int64],
    censored: npt.NDArray[np.int64],
    /,
) -> int: ...
def curve(
    cell_group: npt.NDArray[np.int32],
    n_causes: int,
    events: npt.NDArray[np.int64],
    censored: npt.NDArray[np.int64],
    at_risk: npt.NDArray[np.int64],
    risk: npt.NDArray[np.float64],
    std_error: npt.NDArray[np.float64] | None,
    /,
) -> None: ...
def loglog_limits(
    risk: npt.NDArray[np.float64],
    std_error: npt.NDArray[np.float64],
    z: float,
    lower: npt.NDArray[np.float64],
    upper: npt.NDArray[np.float64],
    /,
) -> None: ...
def log_limits(
    mean: npt.NDArray[np.float64],
    std_error: npt.NDArray[np.float64],
    z: float,
    lower: npt.NDArray[np.float64],
    upper: npt.NDArray[np.float64],
    /,
) -> None: ...
def curve_clusters(
    duration: npt.NDArray[np.int32],
    cause: npt.NDArray[np.int8],
    n_causes: int,
    repeats: bool,
    cluster: npt.NDArray[np.uint32],
    group: npt.NDArray[np.int32] | None,
    use: npt.NDArray[np.bool_] | None,
    cell_group: npt.NDArray[np.int32],
    cell_day: npt.NDArray[np.int32],
    events: npt.NDArray[np.int64],
    censored: npt.NDArray[np.int64],
    clusters: npt.NDArray[np.int64],
    std_error: npt.NDArray[np.float64],
    /,
) -> None: ...
def event_items(
    duration: npt.NDArray[np.int32],
    terminal: npt.NDArray[np.bool_],
    offsets: npt.NDArray[np.int64],
    days: npt.NDArray[np.int32],
    cluster: npt.NDArray[np.uint32] | None,
    group: npt.NDArray[np.int32] | None,
    use: npt.NDArray[np.bool_] | None,
    n_groups: int,
    item_group: npt.NDArray[np.int32],
    item_day: npt.NDArray[np.int32],
    item_cause: npt.NDArray[np.int8],
    item_cluster: npt.NDArray[np.uint32],
    /,
) -> int: ...
def mean_count(
    cell_group: npt.NDArray[np.int32],
    events: npt.NDArray[np.int64],
    censored: npt.NDArray[np.int64],
    at_risk: npt.NDArray[np.int64],
    mean: npt.NDArray[np.float64],
    /,
) -> None: ...

# marks: conditions are (numbers, intervals) or (numbers, among)
def rows_left(
    conditions: tuple[tuple[Any, Any], ...],
    n: int,
    before: npt.NDArray[np.bool_] | None,
    left: tuple[npt.NDArray[np.bool_] | None, ...],
    /,
) -> list[int]: ...

# text
def text_check(offsets: Any, data: Any, valid: Any, /) -> int: ...
def text_fixed_check(characters: Any, width: int, valid: Any, present: Any, /) -> int | None: ...
def text_present(offsets: Any, data: Any, valid: Any, present: Any, /) -> int: ...
def text_isin(
    offsets: Any,
    data: Any,
    valid: Any,
    value_offsets: Any,
    value_data: Any,
    value_valid: Any,
    found: Any,
    /,
) -> None: ...
def text_equal(
    offsets: Any,
    data: Any,
    valid: Any,
    other_offsets: Any,
    other_data: Any,
    other_valid: Any,
    same: Any,
    /,
) -> None: ...
def text_compare(offsets: Any, data: Any, valid: Any, value: str, order: Any, /) -> None: ...
def text_codes(offsets: Any, data: Any, valid: Any, codes: Any, /) -> int: ...
def text_order(offsets: Any, data: Any, valid: Any, order: Any, /) -> None: ...
def first_rows(codes: Any, rows: Any, /) -> None: ...
def text_take(
    offsets: Any, data: Any, valid: Any, rows: Any, out_offsets: Any, out_valid: Any, /
) -> npt.NDArray[np.uint8]: ...
def text_from_ucs4(characters: Any, width: int, offsets: Any, /) -> npt.NDArray[np.uint8]: ...
def text_from_bytes(characters: Any, width: int, offsets: Any, /) -> npt.NDArray[np.uint8]: ...
def text_from_views(
    views: Any, valid: Any, buffers: list[Any], offsets: Any, /
) -> npt.NDArray[np.uint8]: ...
def text_from_objects(objects: Any, valid: Any, offsets: Any, /) -> npt.NDArray[np.uint8]: ...
def text_to_objects(offsets: Any, data: Any, valid: Any, objects: Any, /) -> None: ...

# columns
def days_from_ticks(ticks: Any, per_day: int, days: Any, /) -> None: ...
def empty(n: int, bits: int, /) -> Any: ...
def number_range(numbers: Any, valid: Any, /) -> tuple[int, int, int]: ...
def days_range(ticks: Any, per_day: int, /) -> tuple[int, int, int]: ...
def whole_from_double(numbers: Any, values: Any, valid: Any, /) -> int: ...
def object_kinds(
    objects: Any, date: type, datetime: type, na: object, nat: object, kinds: Any, /
) -> None: ...
def integers_from_objects(objects: Any, valid: Any, values: Any, /) -> bool: ...
def days_from_objects(objects: Any, kinds: Any, days: Any, /) -> None: ...

# arrow
def arrow_import_array(schema: object, array: object, /) -> tuple[Any, list[Any]]: ...
def arrow_import_stream(stream: object, /) -> tuple[Any, list[Any]]: ...
def arrow_export_array(field: tuple[Any, ...], /) -> tuple[object, object]: ...
def arrow_export_stream(field: tuple[Any, ...], /) -> object: ...

# csv: columns are (values, valid, offsets, data, visible), or to be written (kind, values, valid,
# offsets, data)
def csv_header(source: int | bytes, encoding: int, block_size: int, /) -> Any: ...
def csv_read(
    source: int | bytes,
    kinds: Any,
    date_format: str,
    encoding: int,
    has_header: bool,
    collect: bool,
    block_size: int,
    progress: Any,
    path: int = 0,
    in_seconds: bool = False,
    /,
) -> tuple[list[Any], list[Any], int, int, int, int]: ...
def csv_write(fd: int, names: Any, columns: list[Any], n_rows: int, progress: Any, /) -> None: ...
