from typing import Any

import numpy as np
import numpy.typing as npt

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

# tally and curve
def tally(
    group: npt.NDArray[np.int32] | None,
    use: npt.NDArray[np.bool_] | None,
    hit: npt.NDArray[np.bool_],
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
    event: npt.NDArray[np.bool_],
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
    events: npt.NDArray[np.int64],
    censored: npt.NDArray[np.int64],
    at_risk: npt.NDArray[np.int64],
    risk: npt.NDArray[np.float64],
    std_error: npt.NDArray[np.float64],
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


# csv: columns are (values, valid, offsets, data), or with their kind in front to be written
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
    /,
) -> tuple[list[Any], list[Any], int, int, int, int]: ...
def csv_write(fd: int, names: Any, columns: list[Any], n_rows: int, progress: Any, /) -> None: ...
