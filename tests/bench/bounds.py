"""What holds each job where it is, by its name; printed where the aim is not reached.

The time by function, which is measured with every run, is printed beside it. A text says what that
shows, what the limit is, and what was tried to get nearer to it.
"""

from __future__ import annotations

LINK = (
    "Of the processor's time a quarter deals the rows, a third fills buckets and searches them, a "
    "twelfth takes the answers to their rows, a fifteenth finds the ranges of ids and days; the "
    "system clearing new memory, for the words of both sides and the answers, takes from an eighth "
    "to a third, and more on a first call. Tried: keeping the memory of the words for the next "
    "call, which gained nothing; larger and smaller parts and chunks; looking at four events or "
    "eight at a time."
)

CSV = (
    "A quarter is the system copying the file out of its cache, which no reader does without; a "
    "sixth finds the fields, a tenth reads dates, a fifth texts and categories, a tenth writes the "
    "table. Tried: a mapped file, which saves little and may kill the process; writing around the "
    "cache, which is slower."
)

QUOTED = (
    "A quarter finds the fields inside of the quotes, a fifth is the system copying the file, a "
    "tenth reads dates, a sixth texts and categories, a tenth writes the table."
)

COHORTS = (
    "Reading the file is more than a third, coding the ids a fifth, ordering them an eighth, "
    "the search a tenth, groups and counts a tenth."
)

BOUNDS = {
    "link": LINK,
    "windows": LINK,
    "prepared": LINK,
    "text": (
        "Order by key columns is three fifths: packing, dealing and numbering the keys, and the "
        "first touch of 20 bytes a row; the search is a quarter. Codes by row in between took half "
        "as long again; a key, a day and a row need more than 64 bits, so keys must be numbered."
    ),
    "curve": "Counting by group and day is three fifths, risks and standard errors are a quarter.",
    "csv": CSV,
    "csv-all": CSV,
    "csv-quoted": QUOTED,
    "cohorts": COHORTS,
}
