"""The inputs of the benchmarks: made once, the same on every machine, kept as files.

Every engine of a job loads the same files, before it is timed. A data set is a folder, named by
kind and rows; ``event_`` files are the outcome events, ``index_`` files the index events.
"""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

VERSION = 1  # of what is made here; another number makes everything anew
SEED = 20160401
FIRST_DAY, END_DAY = 16_000, 19_000  # days since 1970-01-01: October 2013 to January 2022
AUTHORITIES = 152
GROUPS, LAST_DAY = 3_060, 365
REPEATER_SHARE = 100  # one row in so many is of the one child with very many

#: Columns of the CSV files, in their order.
CSV_COLUMNS = [
    "authority",
    "child_id",
    "referral_date",
    "referral_source",
    "referral_nfa",
    "assessment_date",
    "closure_date",
    "reason_for_closure",
]


def children_of(rows: int) -> int:
    """So many children have `rows` referrals: 2.9 each."""
    return max(rows * 35 // 100, 1)


def ids(child: Array, rows: int) -> Array:
    """Unsorted int64 ids of children numbered from 0, spread over ten times as many."""
    prime = 2_147_483_647
    span = 10 * children_of(rows)
    # Multiplying by a number that has no factor in common with the span keeps ids distinct.
    step = next(n for n in range(prime % span, span * 2) if np.gcd(n, span) == 1)
    return (child.astype(np.int64) * step + 7) % span


def draw(rows: int, seed: int = SEED) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Children and days of `rows` events, of half as many index events, and of as many others."""
    random = np.random.default_rng(seed)
    children = children_of(rows)
    found: list[Array] = []
    for n in (rows, rows // 2, rows // 2):
        found.append(random.integers(0, children, n, dtype=np.int32))
        found.append(random.integers(FIRST_DAY, END_DAY, n, dtype=np.int32))
    return tuple(found)  # type: ignore[return-value]


def authority_codes() -> Array:
    """Codes of nine characters, as ``S9``."""
    return np.array([f"E{6 + n % 4:02d}{n:06d}" for n in range(AUTHORITIES)], "S9")


def authority_of(child: Array) -> Array:
    """Number of a child's authority; two children with one text id live in different ones."""
    return ((child // 2 * 31 + child % 2 * 57) % AUTHORITIES).astype(np.int16)


def person_texts(n: int) -> Array:
    """`n` distinct ids of twelve characters, a letter and eleven digits, as ``S12``."""
    number = (np.arange(n, dtype=np.int64) * 48_271 * 65_537 + 1_234_567) % 99_999_999_977
    text = np.empty((n, 12), np.uint8)
    for column in range(11, 0, -1):
        text[:, column] = 48 + number % 10
        number //= 10
    text[:, 0] = 65 + np.arange(n) % 26
    return text.view("S12").ravel()


def make_link(folder: pathlib.Path, rows: int) -> None:
    """Int64 ids and days; ``another_`` is a second set of index events."""
    sides = iter(draw(rows))
    for side in ("event", "index", "another"):
        np.save(folder / f"{side}_child.npy", ids(next(sides), rows))
        np.save(folder / f"{side}_day.npy", next(sides))


def make_sorted(folder: pathlib.Path, rows: int) -> None:
    """The same rows, each table in order of child and day."""
    sides = iter(draw(rows))
    for side in ("event", "index"):
        child, day = ids(next(sides), rows), next(sides)
        key = np.sort(child << 15 | day)
        np.save(folder / f"{side}_child.npy", key >> 15)
        np.save(folder / f"{side}_day.npy", (key & 32_767).astype(np.int32))


def make_repeaters(folder: pathlib.Path, rows: int) -> None:
    """One child with a hundredth of all rows, spread over both tables."""
    sides = iter(draw(rows))
    for side in ("event", "index"):
        child, day = next(sides), next(sides)
        child[::REPEATER_SHARE] = 0
        np.save(folder / f"{side}_child.npy", ids(child, rows))
        np.save(folder / f"{side}_day.npy", day)


def make_text(folder: pathlib.Path, rows: int) -> None:
    """A text id, of which each stands for two children in two authorities; and the authority."""
    sides = iter(draw(rows))
    texts = person_texts(children_of(rows) // 2 + 1)
    np.save(folder / "texts.npy", texts)
    np.save(folder / "authorities.npy", authority_codes())
    for side in ("event", "index"):
        child = next(sides)
        np.save(folder / f"{side}_person.npy", child // 2)
        np.save(folder / f"{side}_text.npy", texts[child // 2])
        np.save(folder / f"{side}_authority.npy", authority_of(child))
        np.save(folder / f"{side}_day.npy", next(sides))


def make_curve(folder: pathlib.Path, rows: int) -> None:
    """Group, day of the event or of the end of observation, and whether it was the event."""
    random = np.random.default_rng(1)
    event = random.random(rows) < 0.25
    day = np.where(event, random.integers(1, LAST_DAY + 1, rows), LAST_DAY).astype(np.int32)
    early = ~event & (random.random(rows) < 0.3)
    day[early] = random.integers(0, LAST_DAY + 1, int(early.sum()))
    np.save(folder / "group.npy", random.integers(0, GROUPS, rows, dtype=np.int32))
    np.save(folder / "day.npy", day)
    np.save(folder / "event.npy", event)


def make_csv(folder: pathlib.Path, rows: int) -> None:
    """Episodes in a plain file, and in one with a quote around every field that is not empty."""
    import pyarrow as pa
    import pyarrow.csv

    random = np.random.default_rng(SEED)
    children = children_of(rows)
    texts = pa.array(person_texts(children // 2 + 1).astype("U12"), pa.string())
    sources = ["1A", "1B", "1C", "1D", "2A", "2B", "3A", "3B", "3C", "3D", "4", "5A", "5B", "5C"]
    reasons = [f"RC{n}" for n in range(1, 10)]

    def dates(days: Array, missing: Array) -> Any:
        return pa.array(days.astype(np.int32), mask=missing).cast(pa.date32()).cast(pa.string())

    schema = pa.schema([(name, pa.string()) for name in CSV_COLUMNS])
    writers = []
    for name, quote, style in (("plain", "", "none"), ("quoted", '"', "all_valid")):
        file = pa.OSFile(str(folder / f"{name}.csv"), "wb")
        file.write((",".join(f"{quote}{name}{quote}" for name in CSV_COLUMNS) + "\n").encode())
        # The writer would put quotes around the header of either.
        options = pa.csv.WriteOptions(include_header=False, quoting_style=style)
        writers.append((pa.csv.CSVWriter(file, schema, write_options=options), file))
    for begin in range(0, rows, 1_000_000):
        n = min(1_000_000, rows - begin)
        child = random.integers(0, children, n, dtype=np.int32)
        referred = random.integers(FIRST_DAY, END_DAY - 200, n)
        nfa = random.random(n) < 0.08
        assessed = referred + random.integers(1, 46, n)
        closed = assessed + random.integers(0, 150, n)
        open_still = random.random(n) < 0.04
        authority = authority_of(child)
        table = pa.table(
            [
                pa.array(authority_codes().astype("U9")).take(pa.array(authority)),
                texts.take(pa.array(child // 2)),
                dates(referred, np.zeros(n, bool)),
                pa.array(sources).take(pa.array(random.integers(0, len(sources), n))),
                pa.array(["0", "1"]).take(pa.array(nfa.astype(np.int8))),
                dates(assessed, nfa),
                dates(closed, open_still),
                pa.array(reasons).take(
                    pa.array(random.integers(0, len(reasons), n), mask=open_still)
                ),
            ],
            schema=schema,
        )
        for writer, _ in writers:
            writer.write(table)
    for writer, file in writers:
        writer.close()
        file.close()


KINDS: dict[str, Callable[[pathlib.Path, int], None]] = {
    "link": make_link,
    "sorted": make_sorted,
    "repeaters": make_repeaters,
    "text": make_text,
    "curve": make_curve,
    "csv": make_csv,
}


def folder_of(root: pathlib.Path, kind: str, rows: int) -> pathlib.Path:
    """The folder of a data set, made if it is not there."""
    folder = root / f"{kind}-{rows}-v{VERSION}"
    if not folder.is_dir():
        print(f"making {folder.name}", flush=True)
        unfinished = folder.with_name(folder.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        KINDS[kind](unfinished, rows)
        unfinished.rename(folder)
    return folder
