"""Kaplan-Meier for thousands of groups, arrays in and out, beside the fastest idioms.

The idiom of numpy gives the risk alone; ours gives the numbers at risk and standard errors too.
"""

from __future__ import annotations

import pathlib
from typing import Any, NamedTuple

import numpy as np
from tests.bench.data import GROUPS, LAST_DAY, Array
from tests.bench.engines import Answer, Engine, Job, Loaded, ours

DAYS = LAST_DAY + 1


class Risk(NamedTuple):
    """Risk by group and day, and the number at risk: full tables, or the cells that are not 0."""

    risk: Array
    at_risk: Array
    group: Array | None = None


def answer(result: Risk, folder: pathlib.Path) -> Answer:
    """Risk at the end of each group, and at each cell where somebody left, in billionths."""
    if result.group is None:
        leave = result.at_risk - np.pad(result.at_risk, ((0, 0), (0, 1)))[:, 1:]
        group, day = np.nonzero((leave > 0) | (np.arange(DAYS) == 0))
        risk, at_risk = result.risk[group, day], result.at_risk[group, day]
    else:
        group, risk, at_risk = result.group, result.risk, result.at_risk
    there = at_risk > 0  # a group without rows has a cell of some and none of others
    group, risk, at_risk = group[there], risk[there], at_risk[there]
    last = np.flatnonzero(np.diff(np.append(group, GROUPS)))
    return {
        "cells": len(risk),
        "at risk": int(at_risk.sum()),
        "risk at the end": round(float(risk[last].sum()) * 1e6),
        "risk": round(float(risk.sum()) * 1e3),
    }


def columns(folder: pathlib.Path) -> tuple[Array, Array, Array]:
    """Group and day (int32), and whether it was the event."""
    group, day, event = (np.load(folder / f"{name}.npy") for name in ("group", "day", "event"))
    return group, day, event


def arrays_out(folder: pathlib.Path, threads: int) -> Loaded:
    """The core's tally and curve, as `rereferral.curve` calls them."""
    from rereferral.curves import cells_of, core_causes, risks

    group, day, event = columns(folder)

    def work() -> Risk:
        cells = cells_of(group, GROUPS, day, core_causes(event), 1, None)
        found = risks(cells)
        return Risk(found.risk[:, 0], found.at_risk, cells.group)

    return Loaded(work, group.nbytes + day.nbytes + event.nbytes)


def table_out(folder: pathlib.Path, threads: int) -> Loaded:
    """`rereferral.curve`: codes of the groups, limits and a DataFrame too."""
    import rereferral as rr

    group, day, event = columns(folder)

    def work() -> Risk:
        table = rr.curve(day, event, by={"area": group})
        return Risk(*(table[name].to_numpy() for name in ("risk", "at_risk", "area")))

    return Loaded(work, group.nbytes + day.nbytes + event.nbytes)


def risk_of(left: Array, events: Array) -> Risk:
    """From who left and who had the event, by group and day."""
    at_risk = left[:, ::-1].cumsum(axis=1)[:, ::-1]
    return Risk(1 - np.cumprod(1 - events / np.maximum(at_risk, 1), axis=1), at_risk)


def bincounts(folder: pathlib.Path, threads: int) -> Any:
    """Two bincounts, a reversed cumulative sum, a cumulative product; int64 throughout."""
    group, day, event = columns(folder)
    group, day = group.astype(np.int64), day.astype(np.int64)

    def work() -> Risk:
        key = group * DAYS + day
        left = np.bincount(key, minlength=GROUPS * DAYS).reshape(GROUPS, DAYS)
        events = np.bincount(key[event], minlength=GROUPS * DAYS).reshape(GROUPS, DAYS)
        return risk_of(left, events)

    return work


def one_bincount(folder: pathlib.Path, threads: int) -> Any:
    """One bincount, of keys in which the event is the last bit."""
    group, day, event = columns(folder)
    group, day, event = group.astype(np.int64), day.astype(np.int64), event.astype(np.int64)

    def work() -> Risk:
        key = (group * DAYS + day) * 2 + event
        both = np.bincount(key, minlength=GROUPS * DAYS * 2).reshape(GROUPS, DAYS, 2)
        return risk_of(both.sum(axis=2), both[:, :, 1])

    return work


def duckdb_group(folder: pathlib.Path, threads: int) -> Any:
    """DuckDB counts, numpy does the rest."""
    from tests.bench import forms

    group, day, event = columns(folder)
    base = forms.duckdb_tables(threads, {"t": {"g": group, "d": day, "e": event}})
    query = f"SELECT g * {DAYS} + d AS cell, count(*) AS n, count_if(e) AS e FROM t GROUP BY g, d"

    def work() -> Risk:
        found = base.execute(query).fetchnumpy()
        left, events = np.zeros((2, GROUPS * DAYS), np.int64)
        left[found["cell"]], events[found["cell"]] = found["n"], found["e"]
        return risk_of(left.reshape(GROUPS, DAYS), events.reshape(GROUPS, DAYS))

    return work


def polars_group(folder: pathlib.Path, threads: int) -> Any:
    """Polars counts, numpy does the rest."""
    import polars as pl

    group, day, event = columns(folder)
    frame = pl.DataFrame({"cell": group * DAYS + day, "e": event}).lazy()

    def work() -> Risk:
        counts = frame.group_by("cell").agg(pl.len().alias("n"), pl.col.e.sum())
        found = counts.collect(engine="streaming")
        left, events = np.zeros((2, GROUPS * DAYS), np.int64)
        cell = found["cell"].to_numpy()
        left[cell], events[cell] = found["n"].to_numpy(), found["e"].to_numpy()
        return risk_of(left.reshape(GROUPS, DAYS), events.reshape(GROUPS, DAYS))

    return work


JOBS = {
    "curve": Job(
        "Kaplan-Meier, {groups:,} groups, {rows} rows, arrays out",
        "curve",
        {
            "rereferral": ours(arrays_out),
            "rereferral.curve, a table": ours(table_out),
            "numpy bincount": Engine(bincounts, "numpy", threads=False),
            "numpy, one bincount": Engine(one_bincount, "numpy", threads=False),
            "DuckDB": Engine(duckdb_group, "duckdb"),
            "polars streaming": Engine(polars_group, "polars"),
        },
        answer,
        lambda rows: GROUPS * DAYS * 8,
        least=2,
        aim=5,
        share=0.4,
    ),
}
