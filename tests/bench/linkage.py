"""The jobs of linkage over int64 ids: tables in no order and in order, one prepared, five windows,
heavy repeaters, all pairs.
"""

from __future__ import annotations

import pathlib
from typing import Any, NamedTuple

import numpy as np
from tests.bench import forms
from tests.bench.data import Array
from tests.bench.engines import Answer, Engine, Job, Loaded, Script, ours
from tests.bench.first_match import (
    ASOF_SQL,
    GAP_SQL,
    NO_EVENT,
    PAIRS_SQL,
    WINDOW,
    Found,
    answer,
    asked,
    duckdb_pairs,
    duckdb_query,
    int64_engines,
    numpy_packed,
    numpy_sorted,
    packed,
    polars_asof,
    polars_frames,
    polars_join,
    probe,
    with_tables,
)

WINDOWS = [91, 182, 273, 365, 548]
WIDEST = max(WINDOWS)

# -------------------------------------------------------------------------------- prepared


def lacks_prepare() -> str:
    """Whether the package can keep a table for later."""
    import rereferral as rr

    return "" if hasattr(rr, "prepare") else "there is no rereferral.prepare"


def prepared(folder: pathlib.Path, threads: int) -> Loaded:
    """The events are prepared and linked once; the second link counts."""
    import rereferral as rr

    events, index, another = (
        forms.pandas_frame(folder, side) for side in ("event", "index", "another")
    )
    rules = asked()
    kept = rr.prepare(events, person=rules["person"], event_date=rules["event_date"])
    rr.link(index, kept, **rules)

    def work() -> Array:
        links = rr.link(another, kept, **rules)
        _ = links.event_row
        return links.gap_days

    return Loaded(work, forms.frame_bytes(events, another))


def unprepared(folder: pathlib.Path, threads: int) -> Loaded:
    """The second set of index events linked as if it were the first."""
    import rereferral as rr

    events, another = (forms.pandas_frame(folder, side) for side in ("event", "another"))

    def work() -> Array:
        links = rr.link(another, events, **asked())
        _ = links.event_row
        return links.gap_days

    return Loaded(work, forms.frame_bytes(events, another))


def again(load: Any) -> Any:
    """DuckDB and polars keep nothing between queries: what they do once is done before."""

    def load_again(folder: pathlib.Path, threads: int) -> Any:
        work = load(folder, threads)
        work()
        return work

    return load_again


def numpy_again(folder: pathlib.Path, threads: int) -> Any:
    """The keys of the events are packed and sorted before; those of the index events are not."""
    keys = np.sort(packed(forms.arrays(folder, "event")))
    another = forms.arrays(folder, "another")

    def work() -> Array:
        wanted = packed(another)
        order = np.argsort(wanted)
        gap = np.empty(len(wanted), np.int32)
        gap[order] = probe(keys, wanted[order])
        return gap

    return work


# ---------------------------------------------------------------------------- five windows


def five_gaps(gap: Array) -> list[Array]:
    """The first event of a window is that of the widest, if it is near enough."""
    return [np.where(gap <= window, gap, np.int32(NO_EVENT)) for window in WINDOWS]


def windows_answer(result: list[Array], folder: pathlib.Path) -> Answer:
    """The answer of each window, by its days."""
    return {
        f"{name}, {window} days": number
        for window, gap in zip(WINDOWS, result, strict=True)
        for name, number in answer(gap).items()
    }


def ours_windows(folder: pathlib.Path, threads: int) -> Loaded:
    """One link of all windows; the gaps of each."""
    import rereferral as rr

    events, index = (forms.pandas_frame(folder, side) for side in forms.SIDES)

    def work() -> list[Array]:
        links = rr.link(index, events, **asked(WINDOWS))
        return [links[window].gap_days for window in WINDOWS]

    return Loaded(work, forms.frame_bytes(events, index))


def then_five(load: Any) -> Any:
    """A peer's gaps in the widest window, and the other windows from them."""

    def load_five(folder: pathlib.Path, threads: int) -> Any:
        widest = load(folder, threads)
        n = len(np.load(folder / "index_day.npy", mmap_mode="r"))

        def work() -> list[Array]:
            found = widest()
            if not isinstance(found, Found):
                return five_gaps(found)
            gap = np.full(n, NO_EVENT, np.int32)
            gap[found.row] = found.gap
            return five_gaps(gap)

        return work

    return load_five


def numpy_windows(folder: pathlib.Path, threads: int) -> Any:
    """As for one window, with the widest."""
    events, index = (forms.arrays(folder, side) for side in forms.SIDES)

    def work() -> list[Array]:
        wanted = packed(index)
        order = np.argsort(wanted)
        gap = np.empty(len(wanted), np.int32)
        gap[order] = probe(np.sort(packed(events)), wanted[order], WIDEST)
        return five_gaps(gap)

    return work


# -------------------------------------------------------------------------------- all pairs


class AllPairs(NamedTuple):
    """Row of the index event, row of the event and gap of each pair, in any order."""

    index_row: Array
    event_row: Array
    gap: Array


def pairs_answer(result: AllPairs, folder: pathlib.Path) -> Answer:
    """How many pairs, and sums that know which rows are paired."""
    index_row, event_row, gap = (np.asarray(column).astype(np.uint64) for column in result)
    return {
        "pairs": len(gap),
        "gaps": int(gap.sum()),
        "placed": int((index_row * event_row).sum(dtype=np.uint64)),
    }


def ours_pairs(folder: pathlib.Path, threads: int) -> Loaded:
    """`rereferral.pairs`, with the row of each index event as the peers have it."""
    import rereferral as rr

    events, index = (forms.pandas_frame(folder, side) for side in forms.SIDES)

    def work() -> AllPairs:
        found = rr.pairs(index, events, **asked())
        return AllPairs(found.index_row, found.event_row, found.gap_days)

    return Loaded(work, forms.frame_bytes(events, index))


def duckdb_all(folder: pathlib.Path, threads: int) -> Any:
    """The join alone; the database keeps no order of rows, so that both sides are numbered."""
    events, index = (forms.with_rows(forms.arrays(folder, side)) for side in forms.SIDES)
    base = forms.duckdb_tables(threads, {"ref": events, "idx": index})
    query = "SELECT i.row AS i, r.row AS r, r.d - i.d AS gap " + PAIRS_SQL.format(window=WINDOW)

    def work() -> AllPairs:
        found = base.execute(query).fetchnumpy()
        return AllPairs(found["i"], found["r"], found["gap"])

    return work


def polars_all(folder: pathlib.Path, threads: int) -> Any:
    """The join alone."""
    import polars as pl

    ref, idx = polars_frames(folder)
    ref = ref.with_columns(pl.Series("event", np.arange(len(ref), dtype=np.int32)))
    inside = (pl.col.rd > pl.col.d) & (pl.col.rd <= pl.col.d + WINDOW)

    def work() -> AllPairs:
        pairs = idx.lazy().join(ref.lazy(), on="child").filter(inside)
        found = pairs.select("row", "event", (pl.col.rd - pl.col.d).alias("gap")).collect(
            engine="streaming"
        )
        return AllPairs(*(found[name].to_numpy() for name in ("row", "event", "gap")))

    return work


# -------------------------------------------------------------------------------------- jobs


def gap_bytes(rows: int) -> int:
    """Gaps of the index events, int32."""
    return rows // 2 * 4


JOBS = {
    "link": Job(
        "link {half} index events to {rows} events, int64 ids in no order",
        "link",
        int64_engines(),
        answer,
        lambda rows: rows // 2 * 12,  # event rows too
        least=6,
        aim=12,
    ),
    "prepared": Job(
        "link {half} more index events to {rows} events that are prepared",
        "link",
        {
            "rereferral": ours(prepared, lacks_prepare),
            "rereferral, not prepared": ours(unprepared),
            "DuckDB": Engine(again(duckdb_query(GAP_SQL, "another")), "duckdb"),
            "DuckDB joins, numpy reduces": Engine(again(duckdb_pairs("another")), "duckdb"),
            "polars streaming": Engine(again(polars_join("streaming", "another")), "polars"),
            "polars joins, numpy reduces": Engine(
                again(polars_join("streaming", "another", grouped=False)), "polars"
            ),
            "numpy": Engine(numpy_again, "numpy", threads=False),
            "data.table": Script(),
        },
        answer,
        gap_bytes,
        least=8,
        aim=15,
    ),
    "presorted": Job(
        "link {half} index events to {rows} events, both in order of child and day",
        "sorted",
        {
            "rereferral": ours(with_tables(forms.pandas_frame)),
            "numpy searchsorted": Engine(numpy_sorted, "numpy", threads=False),
            "DuckDB": Engine(duckdb_query(GAP_SQL), "duckdb"),
            "DuckDB as-of": Engine(duckdb_query(ASOF_SQL), "duckdb"),
            "polars streaming": Engine(polars_join("streaming"), "polars"),
            "polars as-of": Engine(polars_asof, "polars"),
            "data.table": Script(),
        },
        answer,
        lambda rows: rows // 2 * 12,
        least=2,
        aim=4,
        against="numpy searchsorted",
    ),
    "windows": Job(
        "link {half} index events to {rows} events, the gaps of five windows",
        "link",
        {
            "rereferral": ours(ours_windows),
            "DuckDB": Engine(then_five(duckdb_query(GAP_SQL, window=WIDEST)), "duckdb"),
            "DuckDB joins, numpy reduces": Engine(then_five(duckdb_pairs(window=WIDEST)), "duckdb"),
            "polars streaming": Engine(
                then_five(polars_join("streaming", window=WIDEST)), "polars"
            ),
            "polars joins, numpy reduces": Engine(
                then_five(polars_join("streaming", window=WIDEST, grouped=False)), "polars"
            ),
            "numpy": Engine(numpy_windows, "numpy", threads=False),
            "data.table": Script(),
        },
        windows_answer,
        lambda rows: rows // 2 * 4 * len(WINDOWS),
        least=6,
        aim=12,
    ),
    "repeaters": Job(
        "link {half} index events to {rows} events, of which one child has a hundredth",
        "repeaters",
        {
            "rereferral": ours(with_tables(forms.pandas_frame)),
            "DuckDB as-of": Engine(duckdb_query(ASOF_SQL), "duckdb"),
            "numpy": Engine(numpy_packed, "numpy", threads=False),
            "data.table": Script(),
        },
        answer,
        lambda rows: rows // 2 * 12,
    ),
    "pairs": Job(
        "all pairs of {half} index events and {rows} events within a year",
        "link",
        {
            "rereferral": ours(ours_pairs),
            "DuckDB": Engine(duckdb_all, "duckdb"),
            "polars streaming": Engine(polars_all, "polars"),
        },
        pairs_answer,
        lambda rows: rows * 35 // 100 * 10,
    ),
}
