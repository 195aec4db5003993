"""What holds each job where it is, by its name; printed where the aim is not reached.

The time by function, which is measured with every run, is printed beside it. A text says what that
shows, what the limit is, and what was tried to get nearer to it.
"""

from __future__ import annotations

LINK = (
    "Two fifths of the time deals the rows, two fifths fill buckets, search them and take the "
    "answers to their rows, an eighth finds the ranges of ids and days at the speed at which "
    "memory is read. Tried: larger and smaller parts, chunks and buckets; fetching buckets ahead; "
    "wider vectors for packing; one table of all events in place of parts. None of these gained. "
    "Memory that is kept for the next call gained a fifth; a first call pays for it."
)

CSV = (
    "A third is the system copying the file out of its cache, which no reader does without; a "
    "twelfth finds the fields, a tenth reads dates, a fifth texts and categories, a twelfth "
    "writes the table. Tried: a mapped file, which saves little and may kill the process; writing "
    "past the caches and dates by wider vectors, which gained a twentieth each and are kept; tiles "
    "of records, which lost."
)

QUOTED = (
    "A quarter finds the fields inside of the quotes, a quarter is the system copying the file, a "
    "tenth reads dates, a fifth texts and categories, a tenth writes the table."
)

COHORTS = (
    "Reading the file is two fifths, and a third of that the system copying it; ordering the ids "
    "is two fifths, the search a tenth; marks, ranges of days and groups are 0.025 s together. "
    "Tried: packing keys once for both sides, listing the rows in use, marks of several steps in "
    "one pass and groups without codes by row, which are kept and gained a third together; smaller "
    "chunks, and events left out whose key no index row has, which lost."
)

BOUNDS = {
    "link": LINK,
    "windows": LINK,
    "prepared": LINK,
    "text": (
        "Order by key columns is two thirds: dealing the packed keys a third of it, numbering "
        "them a quarter, packing a sixth, the first touch of 12 bytes a row the rest; the search "
        "is a quarter. A key, a day and a row need more than 64 bits, so keys must be numbered. "
        "Tried: codes by row in between, which take half as long again; other sizes of parts and "
        "chunks; tables of numbers that grow, which cost a tenth of the order."
    ),
    "curve": "Counting by group and day is three fifths, risks and standard errors are a quarter.",
    "csv": CSV,
    "csv-all": CSV,
    "csv-quoted": QUOTED,
    "cohorts": COHORTS,
}
