"""The first event within a window: the fastest idiom of each engine, over int64 ids.

Each function loads one kind of input and gives the work, which codes the ids and finds the gaps;
`window` is in days, strict at the index day, inclusive at the end.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from tests.bench import forms
from tests.bench.data import Array
from tests.bench.engines import Answer, Engine, Loaded, Script, ours

WINDOW = 365
NO_EVENT = np.iinfo(np.int32).max
DAY_BITS = 15  # days of this century fit, and so does a window after them


class Found(NamedTuple):
    """Gaps of the index rows that have one, in any order."""

    row: Array
    gap: Array


def answer(result: Found | Array, folder: pathlib.Path | None = None) -> Answer:
    """How many were linked, the sum of the gaps, and a sum that knows which row has which."""
    if isinstance(result, Found):
        row, gap = np.asarray(result.row), np.asarray(result.gap)
    else:
        row = np.flatnonzero((result >= 0) & (result != NO_EVENT))
        gap = result[row]
    gap = gap.astype(np.int64)
    placed = (row.astype(np.uint64) * gap.astype(np.uint64)).sum(dtype=np.uint64)
    return {"linked": len(gap), "gaps": int(gap.sum()), "placed": int(placed)}


def asked(window: Any = WINDOW) -> dict[str, Any]:
    """Arguments of `rereferral.link` that all these jobs have."""
    return {
        "person": "child",
        "index_date": "date",
        "event_date": "date",
        "window": window,
        "followup": "ignored",
    }


# ------------------------------------------------------------------------------------- ours


def with_tables(table_of: Callable[[pathlib.Path, str], Any], rows: bool = True) -> Any:
    """`rereferral.link` on tables of a form: gaps, and event rows unless told otherwise."""

    def load(folder: pathlib.Path, threads: int) -> Loaded:
        import rereferral as rr

        events, index = (table_of(folder, side) for side in forms.SIDES)

        def work() -> Array:
            links = rr.link(index, events, **asked())
            if rows:
                _ = links.event_row
            return links.gap_days

        weigh = getattr(events, "nbytes", None)
        total = forms.frame_bytes(events, index) if weigh is None else weigh + index.nbytes
        return Loaded(work, total)

    return load


# ------------------------------------------------------------------------------------- peers

PAIRS_SQL = "FROM idx i JOIN ref r ON r.child = i.child AND r.d > i.d AND r.d <= i.d + {window} "
GAP_SQL = f"SELECT i.row AS row, min(r.d - i.d) AS gap {PAIRS_SQL} GROUP BY i.row"
ASOF_SQL = (
    "SELECT i.row AS row, r.d - i.d AS gap "
    "FROM idx i ASOF JOIN ref r ON r.child = i.child AND r.d > i.d WHERE r.d <= i.d + {window}"
)


def nearest(n: int, row: Array, gap: Array) -> Array:
    """The least gap of each row, of pairs in any order."""
    best = np.full(n, NO_EVENT, np.int32)
    np.minimum.at(best, row, gap)
    return best


def database(folder: pathlib.Path, threads: int, side: str = "index") -> Any:
    """Both tables as DuckDB's own."""
    events, index = forms.arrays(folder, "event"), forms.arrays(folder, side)
    return forms.duckdb_tables(threads, {"ref": events, "idx": forms.with_rows(index)})


def duckdb_query(sql: str, side: str = "index", window: int = WINDOW) -> Any:
    """A query that gives row and gap."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        base, query = database(folder, threads, side), sql.format(window=window)

        def work() -> Found:
            found = base.execute(query).fetchnumpy()
            return Found(found["row"], found["gap"])

        return work

    return load


def duckdb_pairs(side: str = "index", window: int = WINDOW) -> Any:
    """DuckDB joins, numpy takes the least: its grouping costs more."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        base = database(folder, threads, side)
        query = "SELECT i.row AS row, r.d - i.d AS gap " + PAIRS_SQL.format(window=window)
        (n,) = base.execute("SELECT count(*) FROM idx").fetchone()

        def work() -> Array:
            found = base.execute(query).fetchnumpy()
            return nearest(n, found["row"], found["gap"])

        return work

    return load


def polars_frames(folder: pathlib.Path, side: str = "index") -> Any:
    """Both tables."""
    import polars as pl

    events, index = forms.arrays(folder, "event"), forms.arrays(folder, side)
    ref = pl.DataFrame({"child": events["child"], "rd": events["d"]})
    return ref, pl.DataFrame(forms.with_rows(index))


def polars_join(
    engine: str, side: str = "index", window: int = WINDOW, grouped: bool = True
) -> Any:
    """Join, filter, and group, or leave the grouping to numpy."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        import polars as pl

        ref, idx = polars_frames(folder, side)
        gap = (pl.col.rd - pl.col.d).alias("gap")
        inside = (pl.col.rd > pl.col.d) & (pl.col.rd <= pl.col.d + window)

        def eager() -> Any:
            pairs = idx.join(ref, on="child").filter(inside).select("row", gap)
            return pairs.group_by("row").agg(pl.col.gap.min()) if grouped else pairs

        def lazy() -> Any:
            pairs = idx.lazy().join(ref.lazy(), on="child").filter(inside).select("row", gap)
            found = pairs.group_by("row").agg(pl.col.gap.min()) if grouped else pairs
            return found.collect(engine=engine)

        def work() -> Found | Array:
            found = eager() if engine == "eager" else lazy()
            row, gaps = found["row"].to_numpy(), found["gap"].to_numpy()
            return Found(row, gaps) if grouped else nearest(len(idx), row, gaps)

        return work

    return load


def polars_asof(folder: pathlib.Path, threads: int) -> Any:
    """The as-of join, on tables that are in order of the day within each child."""
    ref, idx = polars_frames(folder)

    def work() -> Found:
        found = idx.join_asof(
            ref,
            left_on="d",
            right_on="rd",
            by="child",
            strategy="forward",
            allow_exact_matches=False,
            tolerance=WINDOW,
            check_sortedness=False,
        ).drop_nulls("rd")
        return Found(found["row"].to_numpy(), (found["rd"] - found["d"]).to_numpy())

    return work


def pandas_merge(folder: pathlib.Path, threads: int) -> Any:
    """Merge, filter, minimum by row."""
    import pandas as pd

    events, index = (forms.arrays(folder, side) for side in forms.SIDES)
    ref = pd.DataFrame({"child": events["child"], "rd": events["d"]})
    idx = pd.DataFrame(forms.with_rows(index))

    def work() -> Array:
        pairs = idx.merge(ref, on="child", sort=False)
        gap = (pairs["rd"] - pairs["d"]).to_numpy()
        keep = (gap > 0) & (gap <= WINDOW)
        return nearest(len(idx), pairs["row"].to_numpy()[keep], gap[keep])

    return work


def pyarrow_join(folder: pathlib.Path, threads: int) -> Any:
    """Acero's hash join, then filter and group."""
    import pyarrow as pa
    import pyarrow.compute as pc

    events, index = (forms.arrays(folder, side) for side in forms.SIDES)
    ref = pa.table({"child": events["child"], "rd": events["d"]})
    idx = pa.table(forms.with_rows(index))

    def work() -> Found:
        pairs = idx.join(ref, keys="child", join_type="inner")
        gap = pc.subtract(pairs["rd"], pairs["d"])
        pairs = pa.table({"row": pairs["row"], "gap": gap}).filter(
            pc.and_(pc.greater(gap, 0), pc.less_equal(gap, WINDOW))
        )
        found = pairs.group_by("row").aggregate([("gap", "min")])
        return Found(found["row"].to_numpy(), found["gap_min"].to_numpy())

    return work


def packed(table: dict[str, Array]) -> Array:
    """Child and day in one number, in whose order rows of a child lie together."""
    return table["child"] << DAY_BITS | table["d"]


def probe(keys: Array, wanted: Array, window: int = WINDOW) -> Array:
    """Gaps to the first key of the same child after each wanted one; both are in order."""
    after = np.searchsorted(keys, wanted, side="right")
    gap = np.append(keys, np.iinfo(np.int64).max)[after] - wanted
    # The next child is further away than any day of the same one.
    return np.where(gap <= window, gap, NO_EVENT).astype(np.int32)


def numpy_sorted(folder: pathlib.Path, threads: int) -> Any:
    """On tables that are in order already."""
    events, index = (forms.arrays(folder, side) for side in forms.SIDES)
    return lambda: probe(packed(events), packed(index))


def numpy_packed(folder: pathlib.Path, threads: int) -> Any:
    """Sort the packed keys of both, search one in the other, back to the rows' order."""
    events, index = (forms.arrays(folder, side) for side in forms.SIDES)

    def work() -> Array:
        wanted = packed(index)
        order = np.argsort(wanted)
        gap = np.empty(len(wanted), np.int32)
        gap[order] = probe(np.sort(packed(events)), wanted[order])
        return gap

    return work


def int64_engines() -> dict[str, Engine | Script]:
    """Everybody, on tables in no order."""
    return {
        "rereferral": ours(with_tables(forms.pandas_frame)),
        "rereferral, gaps alone": ours(with_tables(forms.pandas_frame, rows=False)),
        "rereferral, Arrow date32": ours(with_tables(forms.arrow_table)),
        "DuckDB": Engine(duckdb_query(GAP_SQL), "duckdb"),
        "DuckDB joins, numpy reduces": Engine(duckdb_pairs(), "duckdb"),
        "DuckDB as-of": Engine(duckdb_query(ASOF_SQL), "duckdb"),
        "polars eager": Engine(polars_join("eager"), "polars"),
        "polars lazy": Engine(polars_join("in-memory"), "polars"),
        "polars streaming": Engine(polars_join("streaming"), "polars"),
        "polars joins, numpy reduces": Engine(polars_join("streaming", grouped=False), "polars"),
        "pyarrow": Engine(pyarrow_join, "pyarrow"),
        "numpy": Engine(numpy_packed, "numpy", threads=False),
        "pandas": Engine(pandas_merge, "pandas", threads=False),
        "data.table": Script(),
    }
