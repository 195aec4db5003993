"""The whole of an analysis: a CSV of episodes to a table of cohorts.

Closures for two reasons, followed for twelve calendar months to the next referral of the child in
the same authority, counted by authority and financial year. Closures whose twelve months end after
the last day of the data are left out.
"""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pandas as pd
from tests.bench.csv_files import FOUR, file_of, polars_types, pyarrow_read
from tests.bench.data import CSV_COLUMNS
from tests.bench.engines import Answer, Engine, Job, Loaded, Script, ours

COLUMNS = [*FOUR, "reason_for_closure"]
REASONS = ["RC8", "RC9"]
UNTIL = "2021-06-30"


def answer(result: Any, folder: pathlib.Path) -> Answer:
    """Groups, both sums, and a sum that knows which group has which."""
    keys = [result["authority"].astype(str).to_numpy(), result["year"].to_numpy()]
    order = np.lexsort(keys[::-1])
    n, linked = (result[name].to_numpy().astype(np.int64)[order] for name in ("n", "linked"))
    place = np.arange(1, len(n) + 1)
    return {
        "groups": len(n),
        "n": int(n.sum()),
        "linked": int(linked.sum()),
        "placed": int((place * (n * 3 + linked)).sum()),
    }


def table(authority: Any, year: Any, n: Any, linked: Any) -> pd.DataFrame:
    """The table of cohorts; `year` is the one in which the financial year begins."""
    return pd.DataFrame({"authority": authority, "year": year, "n": n, "linked": linked})


def ours_cohorts(cluster: str | None) -> Any:
    """`read_csv`, `link`, `rates`: limits are part of the table, with or without clusters."""

    def load(folder: pathlib.Path, threads: int) -> Loaded:
        import rereferral as rr

        path = file_of(folder, "plain")

        def work() -> pd.DataFrame:
            episodes = rr.read_csv(path, columns=COLUMNS)
            links = rr.link(
                episodes,
                episodes,
                index_filter={"reason_for_closure": REASONS},
                person="child_id",
                scope="authority",
                index_date="closure_date",
                event_date="referral_date",
                window="12 months",
                observed_until=UNTIL,
            )
            rates = links.rates(by=["authority", "financial_year"], cluster=cluster)
            rates = rates[rates["n"] > 0]
            year = rates["financial_year"].astype(str).str[:4].astype(int)
            return table(rates["authority"], year, rates["n"], rates["linked"])

        return Loaded(work, path.stat().st_size)

    return ours(load)


LINK_SQL = f"""
WITH i AS (
    SELECT row_number() OVER () AS row, authority, child_id, closure_date AS d
    FROM {{source}} WHERE reason_for_closure IN ('RC8', 'RC9')
        AND closure_date + INTERVAL 12 MONTH <= DATE '{UNTIL}'
), found AS (
    SELECT DISTINCT i.row FROM i JOIN {{source}} r
    ON r.child_id = i.child_id AND r.authority = i.authority
        AND r.referral_date > i.d AND r.referral_date <= i.d + INTERVAL 12 MONTH
)
SELECT authority, year(d) - (month(d) < 4)::INT AS year, count(*) AS n, count(found.row) AS linked
FROM i LEFT JOIN found USING (row) GROUP BY ALL
"""

SEMI_SQL = f"""
WITH i AS (
    SELECT authority, child_id, closure_date AS d
    FROM {{source}} WHERE reason_for_closure IN ('RC8', 'RC9')
        AND closure_date + INTERVAL 12 MONTH <= DATE '{UNTIL}'
), flagged AS (
    SELECT authority, d, 0 AS linked, 1 AS n FROM i
    UNION ALL
    SELECT i.authority, i.d, 1 AS linked, 0 AS n FROM i SEMI JOIN {{source}} r
    ON r.child_id = i.child_id AND r.authority = i.authority
        AND r.referral_date > i.d AND r.referral_date <= i.d + INTERVAL 12 MONTH
)
SELECT authority, year(d) - (month(d) < 4)::INT AS year, sum(n) AS n, sum(linked) AS linked
FROM flagged GROUP BY ALL
"""


def duckdb_cohorts(sql: str) -> Any:
    """Into a table, which is then joined with itself."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        import duckdb

        path = file_of(folder, "plain")
        base = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
        kinds = {c: "DATE" if c.endswith("_date") else "VARCHAR" for c in CSV_COLUMNS}
        listed = ", ".join(f"'{column}': '{kind}'" for column, kind in kinds.items())
        read = (
            f"SELECT {', '.join(COLUMNS)} FROM read_csv('{path}', auto_detect=false, header=true, "
            f"delim=',', quote='\"', escape='\"', nullstr='', columns={{{listed}}})"
        )

        def work() -> Any:
            base.execute(f"CREATE OR REPLACE TABLE episodes AS {read}")
            return base.execute(sql.format(source="episodes")).df()

        return work

    return load


def duckdb_on_arrow(sql: str) -> Any:
    """DuckDB joins what pyarrow has read, where it lies."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        import duckdb

        read = pyarrow_read("plain", COLUMNS, category=False)(folder, threads)
        base = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})

        def work() -> Any:
            base.register("episodes", read())
            return base.execute(sql.format(source="episodes")).df()

        return work

    return load


def polars_cohorts(engine: str, read: str = "") -> Any:
    """One lazy query, or one on columns that polars or pyarrow read before it."""

    def load(folder: pathlib.Path, threads: int) -> Any:
        import polars as pl

        path, schema = file_of(folder, "plain"), polars_types(category=False)
        from_arrow = pyarrow_read("plain", COLUMNS, category=False)(folder, threads)
        until = pl.lit(UNTIL).str.to_date()

        def work() -> Any:
            if read == "pyarrow":
                episodes = pl.from_arrow(from_arrow()).lazy()
            else:
                episodes = pl.scan_csv(path, schema=schema).select(COLUMNS)
            if read == "polars":
                episodes = episodes.collect(engine=engine).lazy()
            index = (
                episodes.filter(pl.col.reason_for_closure.is_in(REASONS))
                .select("authority", "child_id", d="closure_date")
                .with_columns(end=pl.col.d.dt.offset_by("12mo"))
                .filter(pl.col.end <= until)
                .with_row_index("row")
            )
            events = episodes.select("authority", "child_id", "referral_date")
            found = (
                index.join(events, on=["child_id", "authority"])
                .filter((pl.col.referral_date > pl.col.d) & (pl.col.referral_date <= pl.col.end))
                .select("row")
                .unique()
                .with_columns(linked=pl.lit(1, pl.Int64))
            )
            year = pl.col.d.dt.year() - (pl.col.d.dt.month() < 4).cast(pl.Int32)
            return (
                index.join(found, on="row", how="left")
                .group_by("authority", year.alias("year"))
                .agg(n=pl.len(), linked=pl.col.linked.sum())
                .collect(engine=engine)
                .to_pandas()
            )

        return work

    return load


def pandas_cohorts(folder: pathlib.Path, threads: int) -> Any:
    """Pyarrow reads, which is faster than what pandas has; pandas merges."""
    read = pyarrow_read("plain", COLUMNS, category=True)(folder, threads)

    def work() -> pd.DataFrame:
        episodes = read().to_pandas(date_as_object=False)
        wanted = episodes["reason_for_closure"].isin(REASONS)
        index = episodes.loc[wanted, ["authority", "child_id", "closure_date"]]
        index = index.assign(end=index["closure_date"] + pd.DateOffset(months=12))
        index = index[index["end"] <= UNTIL].reset_index(drop=True)
        index["row"] = index.index
        events = episodes[["authority", "child_id", "referral_date"]]
        pairs = index.merge(events, on=["child_id", "authority"], sort=False)
        inside = pairs["referral_date"].gt(pairs["closure_date"])
        inside &= pairs["referral_date"].le(pairs["end"])
        linked = np.zeros(len(index), np.int64)
        linked[pairs["row"].to_numpy()[inside.to_numpy()]] = 1
        date = index["closure_date"].dt
        index = index.assign(year=date.year - (date.month < 4), linked=linked)
        groups = index.groupby(["authority", "year"], observed=True)["linked"]
        return groups.agg(n="size", linked="sum").reset_index()

    return work


JOBS = {
    "cohorts": Job(
        "CSV of {rows} rows to the table of cohorts: read, filter, link, group",
        "csv",
        {
            "rereferral": ours_cohorts(None),
            "rereferral, persons as clusters": ours_cohorts("person"),
            "DuckDB": Engine(duckdb_cohorts(LINK_SQL), "duckdb"),
            "DuckDB semi-join": Engine(duckdb_cohorts(SEMI_SQL), "duckdb"),
            "polars streaming": Engine(polars_cohorts("streaming"), "polars"),
            "polars, read first": Engine(polars_cohorts("streaming", "polars"), "polars"),
            "polars lazy": Engine(polars_cohorts("in-memory"), "polars"),
            "pyarrow reads, polars links": Engine(polars_cohorts("streaming", "pyarrow"), "polars"),
            "pyarrow reads, DuckDB links": Engine(duckdb_on_arrow(SEMI_SQL), "duckdb"),
            "pyarrow reads, pandas links": Engine(pandas_cohorts, "pandas"),
            "data.table": Script(),
        },
        answer,
        least=6,
        aim=12,
    ),
}
