"""CSV into typed columns: a plain file, four columns of it or all eight, and one all in quotes.

Dates become dates, the flag a bool, ids text. What has few values is a category of ours; a peer may
leave it text where that is faster. Files are in the page cache: they are read once before.
"""

from __future__ import annotations

import pathlib
import zlib
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tests.bench.data import CSV_COLUMNS
from tests.bench.engines import Answer, Engine, Job, Loaded, Script, ours

FOUR = ["authority", "child_id", "referral_date", "closure_date"]
DATES = {"referral_date", "assessment_date", "closure_date"}
FLAG = "referral_nfa"
CATEGORIES = {"authority", "referral_source", "reason_for_closure"}


def file_of(folder: pathlib.Path, name: str) -> pathlib.Path:
    """The file, which is in the page cache when this returns."""
    path = folder / f"{name}.csv"
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
    return path


def arrow_columns(result: Any) -> dict[str, Any]:
    """Columns of any engine as Arrow's."""
    import pyarrow as pa

    if isinstance(result, pa.Table):
        table = result
    elif isinstance(result, pd.DataFrame):
        table = pa.Table.from_pandas(result, preserve_index=False)
    else:
        table = result.to_arrow()
    return {name: table[name] for name in table.column_names}


def answer(result: Any, folder: pathlib.Path) -> Answer:
    """Rows, nulls of each column, sums of days, and a checksum of the ids in their order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: Answer = {}
    for name, column in sorted(arrow_columns(result).items()):
        found["rows"] = len(column)
        blank = column.null_count
        if name in DATES:
            days = column.cast(pa.timestamp("s")).cast(pa.int64())
            found[f"{name}, days"] = int(pc.sum(days).as_py()) // 86_400
        elif name == FLAG:
            found[f"{name}, sum"] = int(pc.sum(column.cast(pa.int8())).as_py())
        elif name in CATEGORIES:
            counts = pc.value_counts(column.cast(pa.string()).combine_chunks()).to_pylist()
            kept = {item["values"]: item["counts"] for item in counts if item["values"]}
            # A reader may take an empty field for an empty text.
            blank = len(column) - sum(kept.values())
            texts = "".join(f"{value}{kept[value]}" for value in sorted(kept))
            found[f"{name}, counts"] = zlib.crc32(texts.encode())
        else:
            total = 0
            for chunk in column.cast(pa.large_string()).chunks:
                offsets = np.frombuffer(chunk.buffers()[1], np.int64)
                begin, end = offsets[chunk.offset], offsets[chunk.offset + len(chunk)]
                total = zlib.crc32(memoryview(chunk.buffers()[2])[begin:end], total)
            found[f"{name}, checksum"] = total
        found[f"{name}, null"] = blank
    return found


# --------------------------------------------------------------------------------------- ours


def ours_frame(name: str, columns: list[str]) -> Any:
    """`rereferral.read_csv`: a DataFrame."""

    def load(folder: pathlib.Path, threads: int) -> Loaded:
        import rereferral as rr

        path = file_of(folder, name)
        return Loaded(lambda: rr.read_csv(path, columns=columns), path.stat().st_size)

    return ours(load)


def ours_columns(name: str, columns: list[str]) -> Any:
    """`rereferral.read_columns`: arrays, with no pandas in between."""

    def load(folder: pathlib.Path, threads: int) -> Loaded:
        import rereferral as rr

        path = file_of(folder, name)
        return Loaded(lambda: rr.read_columns(path, columns=columns), path.stat().st_size)

    return ours(load)


def columns_answer(result: Any, folder: pathlib.Path) -> Answer:
    """Columns become a table first."""
    from rereferral.frames import frame_of

    return answer(frame_of(result) if isinstance(result, dict) else result, folder)


# -------------------------------------------------------------------------------------- peers


class Rows(NamedTuple):
    """A table that DuckDB keeps."""

    base: Any

    def to_arrow(self) -> Any:
        """Its rows, after the time."""
        return self.base.table("t").to_arrow_table()


def duckdb_read(name: str, columns: list[str], enum: bool) -> Any:
    """Into a table of the database, types given."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        import duckdb

        path = file_of(folder, name)
        base = duckdb.connect(config={"threads": threads, "preserve_insertion_order": True})
        kinds = {}
        for column in CSV_COLUMNS:
            kinds[column] = "DATE" if column in DATES else "VARCHAR"
        kinds[FLAG] = "BOOLEAN"
        listed = ", ".join(f"'{column}': '{kind}'" for column, kind in kinds.items())
        source = (
            f"read_csv('{path}', auto_detect=false, header=true, delim=',', quote='\"', "
            f"escape='\"', nullstr='', columns={{{listed}}})"
        )
        wanted = columns
        if enum:
            distinct = f"SELECT DISTINCT authority FROM {source} ORDER BY 1"
            base.execute(f"CREATE TYPE area AS ENUM ({distinct})")
            wanted = ["CAST(authority AS area) AS authority", *columns[1:]]
        query = f"CREATE OR REPLACE TABLE t AS SELECT {', '.join(wanted)} FROM {source}"

        def work() -> Any:
            base.execute(query)
            return Rows(base)

        return work

    return load


def polars_types(category: bool) -> Any:
    """Types of the columns."""
    import polars as pl

    kinds = {column: pl.Date if column in DATES else pl.String for column in CSV_COLUMNS}
    if category:
        kinds |= dict.fromkeys(CATEGORIES, pl.Categorical)
    return kinds | {FLAG: pl.Int8}


def polars_scan(name: str, columns: list[str], engine: str, category: bool = False) -> Any:
    """A lazy scan that keeps what is wanted."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        import polars as pl

        path, schema = file_of(folder, name), polars_types(category)
        return lambda: pl.scan_csv(path, schema=schema).select(columns).collect(engine=engine)

    return load


def polars_read(name: str, columns: list[str]) -> Any:
    """The eager reader."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        import polars as pl

        path, schema = file_of(folder, name), polars_types(category=False)
        return lambda: pl.read_csv(path, columns=columns, schema_overrides=schema)

    return load


def pyarrow_read(name: str, columns: list[str], category: bool) -> Any:
    """The reader of Arrow, types given."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        import pyarrow as pa
        import pyarrow.csv

        pa.set_cpu_count(threads)
        path = file_of(folder, name)
        kinds = {column: pa.date32() if column in DATES else pa.string() for column in columns}
        if category:
            kinds |= {c: pa.dictionary(pa.int32(), pa.string()) for c in CATEGORIES & set(columns)}
        if FLAG in columns:
            kinds[FLAG] = pa.bool_()
        convert = pa.csv.ConvertOptions(
            column_types=kinds, include_columns=columns, strings_can_be_null=True
        )
        options = pa.csv.ReadOptions(use_threads=threads > 1, block_size=4 << 20)
        return lambda: pa.csv.read_csv(path, read_options=options, convert_options=convert)

    return load


def pandas_read(name: str, columns: list[str]) -> Any:
    """The C reader of pandas; dates are parsed after it, which is faster."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        path = file_of(folder, name)
        kinds = {c: "category" if c in CATEGORIES else "str" for c in columns if c not in DATES}
        if FLAG in columns:
            kinds[FLAG] = "int8"
        dates = [column for column in columns if column in DATES]

        def work() -> pd.DataFrame:
            table = pd.read_csv(path, usecols=columns, dtype=kinds)
            for column in dates:
                table[column] = pd.to_datetime(table[column], format="%Y-%m-%d", cache=True)
            return table[columns]

        return work

    return load


def job(what: str, name: str, columns: list[str], least: float, aim: float) -> Job:
    """A job on one of the files."""
    return Job(
        "CSV of {rows} rows x 8 columns, " + what,
        "csv",
        {
            "rereferral": ours_frame(name, columns),
            "rereferral.read_columns": ours_columns(name, columns),
            "polars scan": Engine(polars_scan(name, columns, "in-memory"), "polars"),
            "polars scan, streaming": Engine(polars_scan(name, columns, "streaming"), "polars"),
            "polars scan, categories": Engine(
                polars_scan(name, columns, "streaming", category=True), "polars"
            ),
            "polars read_csv": Engine(polars_read(name, columns), "polars"),
            "DuckDB": Engine(duckdb_read(name, columns, enum=False), "duckdb"),
            "DuckDB, authority an ENUM": Engine(duckdb_read(name, columns, enum=True), "duckdb"),
            "pyarrow": Engine(pyarrow_read(name, columns, category=False), "pyarrow"),
            "pyarrow, dictionaries": Engine(pyarrow_read(name, columns, category=True), "pyarrow"),
            "pandas": Engine(pandas_read(name, columns), "pandas", threads=False),
            "data.table": Script(),
        },
        columns_answer,
        lambda rows: rows * (12 + 8 + 4 + 16),
        least=least,
        aim=aim,
    )


JOBS = {
    "csv": job("four read into typed columns", "plain", FOUR, 4, 8),
    "csv-all": job("all eight read into typed columns", "plain", CSV_COLUMNS, 4, 8),
    "csv-quoted": job("every field quoted, four read", "quoted", FOUR, 2, 4),
}
