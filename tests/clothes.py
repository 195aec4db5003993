"""A linkage in plain values, and dressed as the tables that users hold.

A `Case` is what the reference reads. `dress` turns it into arrays, data frames or Arrow tables,
with keys and dates of any kind that can hold the values.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

NS_DAYS = 106_750  # datetime64[ns] reaches this many days from 1970
ISO_DAYS = (-719_162, 2_932_896)  # the years 1 to 9999, which datetime.date and ISO text can hold
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def day(text: str) -> int:
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


@dataclass
class Case:
    """A linkage in plain values; `families` says what each column holds.

    A `preset` is asked by its name in the package, and its rules are the reference's alone.
    """

    index_rows: list[dict]
    event_rows: list[dict]
    families: tuple[dict[str, str], dict[str, str]]
    arguments: dict[str, Any]
    rules: dict[str, Any]
    by: str | None = None
    same_table: bool = False
    pairs: bool = False
    preset: str | None = None
    index: Any = field(default=None, repr=False)
    events: Any = field(default=None, repr=False)
    looks: dict[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------- clothes


def days_array(values: list, unit: str) -> np.ndarray:
    missing = np.datetime64("NaT")
    plain = [missing if v is None else np.datetime64(v, "D") for v in values]
    return np.array(plain, dtype="datetime64[D]").astype(f"datetime64[{unit}]")


def units(values: list) -> list[str]:
    near = all(v is None or abs(v) < NS_DAYS for v in values)
    return ["s", "ms", "us", "ns"] if near else ["s", "ms", "us"]


def holds(dtype: str, values: list) -> bool:
    limits = np.iinfo(dtype)
    return all(v is None or limits.min <= v <= limits.max for v in values)


def categorical(values: list, dtype) -> pd.Categorical:
    """With categories that no row uses, not in the order of the values."""
    used = sorted({v for v in values if v is not None}, reverse=True)
    unused = ["unused", "a"] if dtype is object else [77]
    categories = [v for v in unused if v not in used] + used
    codes = [-1 if v is None else categories.index(v) for v in values]
    return pd.Categorical.from_codes(codes, categories=pd.Index(categories, dtype=dtype))


def nullable(values: list, dtype: str) -> pd.arrays.IntegerArray:
    """Pandas' own constructor goes through floats where values lie on both sides of 2**63."""
    present = np.array([v is not None for v in values], dtype=bool)
    data = np.array([v or 0 for v in values], dtype=dtype)
    return pd.arrays.IntegerArray(data, ~present)


def garments(values: list, family: str, container: str) -> dict[str, Any]:
    """Ways to hold the values of a family in a container: name -> a function that builds it."""
    gaps = any(v is None for v in values)
    found: dict[str, Any] = {}
    if family in ("whole", "number", "day"):
        for dtype in INTEGERS:
            if not holds(dtype, values):
                continue
            if container == "arrow":
                found[f"arrow {dtype}"] = lambda d=dtype: pa.array(values, getattr(pa, d)())
            elif not gaps:
                found[dtype] = lambda d=dtype: np.array(values, d)
            if container == "pandas":
                found["nullable " + dtype] = lambda d=dtype: nullable(values, d)
        if container == "pandas" and family == "whole" and holds("int64", values):
            found["category of int"] = lambda: categorical(values, np.int64)
    if family in ("date", "day"):
        for unit in units(values):
            if container == "arrow":
                found[f"arrow timestamp {unit}"] = lambda u=unit: pa.array(days_array(values, u))
            else:
                found[f"datetime64[{unit}]"] = lambda u=unit: days_array(values, u)
        if container == "arrow":
            found["arrow date32"] = lambda: pa.array(values, pa.int32()).cast(pa.date32())
        if container == "dict":
            found["datetime64[D]"] = lambda: days_array(values, "D")
    if family == "text":
        plain = all(v is None or v.isascii() for v in values)
        if container == "arrow":
            found["arrow string"] = lambda: pa.array(values, pa.string())
            found["arrow large_string"] = lambda: pa.array(values, pa.large_string())
            found["arrow string_view"] = lambda: pa.array(values, pa.string_view())
            found["arrow dictionary"] = lambda: pa.array(values, pa.string()).dictionary_encode()
        else:
            found["object"] = lambda: np.array([*values, None], dtype=object)[:-1]
        if container == "dict" and not gaps:
            found["numpy U"] = lambda: np.array([*values, "a"], dtype=np.str_)[:-1]
            if plain:
                found["numpy S"] = lambda: np.array([*values, "a"], dtype=np.bytes_)[:-1]
        if container == "pandas":
            nan = [np.nan if v is None else v for v in values]
            found["object with NaN"] = lambda: np.array([*nan, None], dtype=object)[:-1]
            found["string[python]"] = lambda: pd.array(values, dtype="string[python]")
            found["string[pyarrow]"] = lambda: pd.array(values, dtype="string[pyarrow]")
            found["category"] = lambda: categorical(values, object)
            arrow_text = pd.ArrowDtype(pa.string())
            found["ArrowDtype string"] = lambda: pd.array(values, dtype=arrow_text)
    return found


CONTAINERS = ["pandas", "dict", "arrow"]


def dress_table(draw, rows: list[dict], families: dict[str, str], looks: dict) -> Any:
    """The rows as a table of a drawn kind; every column in a drawn kind that can hold it."""
    values = {name: [row[name] for row in rows] for name in families}
    options = {
        container: {name: garments(values[name], families[name], container) for name in families}
        for container in CONTAINERS
    }
    able = [container for container in CONTAINERS if all(options[container].values())]
    container = draw(st.sampled_from(able))
    looks["container"] = container
    columns = {}
    for name, ways in options[container].items():
        looks[name] = draw(st.sampled_from(sorted(ways)))
        columns[name] = ways[looks[name]]()
    if container == "dict":
        looks["layout"] = draw(st.sampled_from(["plain", "strided", "foreign", "read only"]))
        return {name: lay_out(column, looks["layout"]) for name, column in columns.items()}
    if container == "arrow":
        looks["layout"] = draw(st.sampled_from(["plain", "sliced", "chunked", "polars"]))
        return lay_out_arrow(pa.table(columns), looks["layout"])
    labels = draw(st.sampled_from(["range", "zeros", "reversed"]))
    index = {"range": range(len(rows)), "zeros": [0] * len(rows)}
    return pd.DataFrame(columns, index=index.get(labels, range(len(rows), 0, -1)))


def lay_out(column: np.ndarray, layout: str) -> np.ndarray:
    """The same values, differently in memory."""
    if layout == "strided":
        return np.repeat(column, 3)[1::3]
    if layout == "foreign" and column.dtype.kind in "iuM":
        return column.astype(column.dtype.newbyteorder())
    if layout == "read only":
        column.flags.writeable = False
    return column


def lay_out_arrow(table: pa.Table, layout: str):
    """The same rows behind others that are cut off, in two chunks, or as polars has them."""
    some = min(3, len(table))
    if layout == "sliced":
        return pa.concat_tables([table.slice(0, some), table]).combine_chunks().slice(some)
    if layout == "chunked":
        return pa.concat_tables([table.slice(0, some), table.slice(some)])
    return pl.from_arrow(table) if layout == "polars" else table


def dress_day(draw, value: int | None):
    """A day as users write one."""
    if value is None:
        return None
    ways = [np.datetime64(value, "D")]
    if ISO_DAYS[0] <= value <= ISO_DAYS[1]:
        date = datetime.date(1970, 1, 1) + datetime.timedelta(days=value)
        ways += [date, date.isoformat()]
    if abs(value) < NS_DAYS:
        ways.append(pd.Timestamp(value, unit="D"))
    return draw(st.sampled_from(ways))


def dress(draw, case: Case) -> Case:
    left, right = case.families
    case.looks = {"index": {}, "events": {}}
    case.index = dress_table(draw, case.index_rows, left, case.looks["index"])
    case.events = case.index
    if not case.same_table:
        case.events = dress_table(draw, case.event_rows, right, case.looks["events"])
    for name in ("observed_until", "observed_from"):
        limit = case.arguments.get(name)
        if isinstance(limit, dict):
            case.looks[name] = {key: dress_day(draw, value) for key, value in limit.items()}
        else:
            case.looks[name] = dress_day(draw, limit)
    case.looks["rules"] = draw(st.sampled_from(["keywords", "definition", "replaced", "JSON"]))
    return case


def table_of(rows: list[dict], families: dict[str, str]) -> pd.DataFrame:
    """A data frame, each column in a usual kind that can hold it."""
    columns = {}
    for name, family in families.items():
        ways = garments([row[name] for row in rows], family, "pandas")
        usual = [name for name in ("nullable int64", "object", "datetime64[s]") if name in ways]
        columns[name] = ways[usual[-1] if usual else min(ways)]()
    return pd.DataFrame(columns, index=range(len(rows)))


def dress_plainly(case: Case) -> Case:
    """Two data frames, and the edges of observation as numpy days."""
    case.index = table_of(case.index_rows, case.families[0])
    case.events = case.index
    if not case.same_table:
        case.events = table_of(case.event_rows, case.families[1])
    case.looks = {"rules": "keywords"}
    for name in ("observed_until", "observed_from"):
        limit = case.arguments.get(name)
        if isinstance(limit, dict):
            case.looks[name] = {key: np.datetime64(value, "D") for key, value in limit.items()}
        else:
            case.looks[name] = None if limit is None else np.datetime64(limit, "D")
    return case
