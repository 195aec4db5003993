"""The inputs of linkage in the form that each engine is fastest with."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pandas as pd
from tests.bench.data import Array

SIDES = ("event", "index")

#: What ``pandas.read_csv`` makes of a date.
PANDAS_DATE = "datetime64[us]" if int(pd.__version__.split(".")[0]) >= 3 else "datetime64[ns]"


def arrays(folder: pathlib.Path, side: str) -> dict[str, Array]:
    """Int64 ids and int32 days of one side."""
    return {
        "child": np.load(folder / f"{side}_child.npy"),
        "d": np.load(folder / f"{side}_day.npy"),
    }


def n_bytes(*tables: dict[str, Array]) -> int:
    """What the columns weigh."""
    return sum(column.nbytes for table in tables for column in table.values())


def pandas_frame(folder: pathlib.Path, side: str) -> pd.DataFrame:
    """As an analyst has it: int64 ids and datetime64."""
    given = arrays(folder, side)
    date = given["d"].astype("datetime64[D]").astype(PANDAS_DATE)
    return pd.DataFrame({"child": given["child"], "date": date}, copy=False)


def frame_bytes(*frames: pd.DataFrame) -> int:
    """What the columns of DataFrames weigh."""
    return int(sum(frame.memory_usage(index=False).sum() for frame in frames))


def arrow_table(folder: pathlib.Path, side: str) -> Any:
    """Int64 ids and date32."""
    import pyarrow as pa

    given = arrays(folder, side)
    return pa.table({"child": given["child"], "date": pa.array(given["d"]).cast(pa.date32())})


def with_rows(table: dict[str, Array]) -> dict[str, Array]:
    """Rows numbered, for engines that have no order of their own."""
    return {"row": np.arange(len(table["d"]), dtype=np.int32), **table}


def duckdb_tables(threads: int, tables: dict[str, Any]) -> Any:
    """A database in memory that holds the tables as its own."""
    import duckdb

    database = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
    for name, table in tables.items():
        database.register("given", table)
        database.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
        database.unregister("given")
    return database
