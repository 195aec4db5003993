"""Linkage over a text id of twelve characters that holds within an authority.

The authority is a category for every engine. The id comes as Arrow text, as fixed width, as a
category and as Python objects; peers get the form that they are fastest with.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from tests.bench import forms
from tests.bench.data import Array
from tests.bench.engines import Engine, Job, Loaded, Script, ours
from tests.bench.first_match import WINDOW, Found, answer, asked, nearest


def arrow_text(fixed: Array) -> Any:
    """Fixed width bytes as Arrow text, which has no padding here: every id has twelve bytes."""
    import pyarrow as pa

    width, n = fixed.dtype.itemsize, len(fixed)
    offsets = np.arange(0, (n + 1) * width, width, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(fixed)]
    return pa.Array.from_buffers(pa.string(), n, buffers)


def authorities(folder: pathlib.Path) -> list[str]:
    """The codes that the category names."""
    return list(np.load(folder / "authorities.npy").astype("U9"))


def side_of(folder: pathlib.Path, side: str) -> tuple[Array, Array, Array]:
    """Text, number of the authority, day."""
    text, authority, day = (
        np.load(folder / f"{side}_{name}.npy") for name in ("text", "authority", "day")
    )
    return text, authority, day


def authority_category(folder: pathlib.Path, codes: Array) -> pd.Categorical:
    """The authority as pandas has it."""
    return pd.Categorical.from_codes(codes, categories=authorities(folder))


# -------------------------------------------------------------------------------------- ours


def arrow_form(folder: pathlib.Path, side: str) -> Any:
    """An Arrow table: text, dictionary, date32."""
    import pyarrow as pa

    text, authority, day = side_of(folder, side)
    category = pa.DictionaryArray.from_arrays(pa.array(authority), authorities(folder))
    dates = pa.array(day).cast(pa.date32())
    return pa.table({"child": arrow_text(text), "authority": category, "date": dates})


def fixed_form(folder: pathlib.Path, side: str) -> dict[str, Any]:
    """Numpy arrays: ``S12`` and datetime64."""
    text, authority, day = side_of(folder, side)
    date = day.astype("datetime64[D]")
    return {"child": text, "authority": authority_category(folder, authority), "date": date}


def frame_with(child: Callable[[pathlib.Path, str], Any]) -> Callable[[pathlib.Path, str], Any]:
    """A DataFrame with the id as `child` makes it."""

    def form(folder: pathlib.Path, side: str) -> pd.DataFrame:
        _, authority, day = side_of(folder, side)
        columns = {
            "child": child(folder, side),
            "authority": authority_category(folder, authority),
            "date": day.astype("datetime64[D]").astype(forms.PANDAS_DATE),
        }
        return pd.DataFrame(columns, copy=False)

    return form


def child_string(folder: pathlib.Path, side: str) -> Any:
    """As `rereferral.read_csv` gives it: a string column that Arrow holds."""
    import pyarrow as pa

    return pd.array(arrow_text(side_of(folder, side)[0]).cast(pa.large_string()), "string[pyarrow]")


def child_category(folder: pathlib.Path, side: str) -> pd.Categorical:
    """A category of half as many ids as there are children."""
    codes = np.load(folder / f"{side}_person.npy")
    texts = np.load(folder / "texts.npy").astype("U12").astype(object)
    return pd.Categorical.from_codes(codes, categories=texts)


def child_objects(folder: pathlib.Path, side: str) -> Array:
    """A Python string a row."""
    return arrow_text(side_of(folder, side)[0]).to_numpy(zero_copy_only=False)


def weight(table: Any) -> int:
    """Bytes of the columns of a table of any form."""
    if isinstance(table, pd.DataFrame):
        return forms.frame_bytes(table)
    if isinstance(table, dict):
        return sum(column.nbytes for column in table.values())
    return int(table.nbytes)


def ours_on(form: Callable[[pathlib.Path, str], Any]) -> Engine:
    """`rereferral.link`, the authority as scope."""

    def load(folder: pathlib.Path, threads: int) -> Loaded:
        import rereferral as rr

        events, index = (form(folder, side) for side in forms.SIDES)

        def work() -> Array:
            links = rr.link(index, events, scope="authority", **asked())
            _ = links.event_row
            return links.gap_days

        return Loaded(work, weight(events) + weight(index))

    return ours(load)


# ------------------------------------------------------------------------------------- peers

PAIRS_SQL = (
    "FROM idx i JOIN ref r ON r.child = i.child AND r.authority = i.authority "
    f"AND r.d > i.d AND r.d <= i.d + {WINDOW} "
)


def duckdb_join(grouped: bool) -> Any:
    """The authority as an ENUM, which is joined as a number."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        import duckdb
        import pyarrow as pa

        base = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
        names = ", ".join(f"'{name}'" for name in authorities(folder))
        base.execute(f"CREATE TYPE area AS ENUM ({names})")
        for name, side in (("ref", "event"), ("idx", "index")):
            text, authority, day = side_of(folder, side)
            category = pa.DictionaryArray.from_arrays(pa.array(authority), authorities(folder))
            columns = {"row": pa.array(np.arange(len(day), dtype=np.int32))}
            columns |= {"child": arrow_text(text), "authority": category.cast(pa.string())}
            base.register("given", pa.table(columns | {"d": pa.array(day)}))
            base.execute(
                f"CREATE TABLE {name} AS "
                "SELECT row, child, CAST(authority AS area) AS authority, d FROM given"
            )
            base.unregister("given")
        n = len(day)
        gap = "min(r.d - i.d) AS gap" if grouped else "r.d - i.d AS gap"
        query = f"SELECT i.row AS row, {gap} {PAIRS_SQL}" + ("GROUP BY i.row" if grouped else "")

        def work() -> Found | Array:
            found = base.execute(query).fetchnumpy()
            if grouped:
                return Found(found["row"], found["gap"])
            return nearest(n, found["row"], found["gap"])

        return work

    return load


def polars_join(engine: str, grouped: bool = True) -> Any:
    """The authority as an Enum."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        import polars as pl

        areas = pl.Series(authorities(folder), dtype=pl.Enum(authorities(folder)))

        def frame(side: str, day_name: str) -> Any:
            text, authority, day = side_of(folder, side)
            columns = {
                "child": pl.from_arrow(arrow_text(text)),
                "authority": areas.gather(authority.astype(np.uint32)),
                day_name: day,
            }
            return pl.DataFrame({"row": np.arange(len(day), dtype=np.int32)} | columns)

        ref, idx = frame("event", "rd").drop("row"), frame("index", "d")
        gap = (pl.col.rd - pl.col.d).alias("gap")
        inside = (pl.col.rd > pl.col.d) & (pl.col.rd <= pl.col.d + WINDOW)

        def work() -> Found | Array:
            both = idx.lazy().join(ref.lazy(), on=["child", "authority"]).filter(inside)
            pairs = both.select("row", gap)
            query = pairs.group_by("row").agg(pl.col.gap.min()) if grouped else pairs
            found = query.collect(engine=engine)
            row, gaps = found["row"].to_numpy(), found["gap"].to_numpy()
            return Found(row, gaps) if grouped else nearest(len(idx), row, gaps)

        return work

    return load


def pandas_merge(child: Callable[[pathlib.Path, str], Any]) -> Any:
    """Merge on both columns, filter, minimum by row."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        def frame(side: str, day_name: str) -> pd.DataFrame:
            _, authority, day = side_of(folder, side)
            columns = {"child": child(folder, side), "authority": authority, day_name: day}
            return pd.DataFrame(columns, copy=False)

        ref, idx = frame("event", "rd"), frame("index", "d")
        idx["row"] = np.arange(len(idx), dtype=np.int32)

        def work() -> Array:
            pairs = idx.merge(ref, on=["child", "authority"], sort=False)
            gap = (pairs["rd"] - pairs["d"]).to_numpy()
            keep = (gap > 0) & (gap <= WINDOW)
            return nearest(len(idx), pairs["row"].to_numpy()[keep], gap[keep])

        return work

    return load


def pyarrow_join(folder: pathlib.Path, threads: int) -> Any:
    """Acero's hash join; the authority as its number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def table(side: str, day_name: str) -> Any:
        text, authority, day = side_of(folder, side)
        return pa.table({"child": arrow_text(text), "authority": authority, day_name: day})

    ref, idx = table("event", "rd"), table("index", "d")
    idx = idx.append_column("row", pa.array(np.arange(len(idx), dtype=np.int32)))

    def work() -> Found:
        pairs = idx.join(ref, keys=["child", "authority"], join_type="inner")
        gap = pc.subtract(pairs["rd"], pairs["d"])
        pairs = pa.table({"row": pairs["row"], "gap": gap}).filter(
            pc.and_(pc.greater(gap, 0), pc.less_equal(gap, WINDOW))
        )
        found = pairs.group_by("row").aggregate([("gap", "min")])
        return Found(found["row"].to_numpy(), found["gap_min"].to_numpy())

    return work


JOBS = {
    "text": Job(
        "link {half} index events to {rows} events, text ids of 12 characters in an authority",
        "text",
        {
            "rereferral, Arrow": ours_on(arrow_form),
            "rereferral, fixed width": ours_on(fixed_form),
            "rereferral, pandas string": ours_on(frame_with(child_string)),
            "rereferral, category": ours_on(frame_with(child_category)),
            "rereferral, objects": ours_on(frame_with(child_objects)),
            "DuckDB": Engine(duckdb_join(grouped=True), "duckdb"),
            "DuckDB joins, numpy reduces": Engine(duckdb_join(grouped=False), "duckdb"),
            "polars lazy": Engine(polars_join("in-memory"), "polars"),
            "polars streaming": Engine(polars_join("streaming"), "polars"),
            "polars joins, numpy reduces": Engine(polars_join("streaming", False), "polars"),
            "pyarrow": Engine(pyarrow_join, "pyarrow"),
            "pandas, category": Engine(pandas_merge(child_category), "pandas", threads=False),
            "pandas, string": Engine(pandas_merge(child_string), "pandas", threads=False),
            "data.table": Script(),
        },
        answer,
        lambda rows: rows // 2 * 12,
        least=4,
        aim=10,
    ),
}
