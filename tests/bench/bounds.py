"""What holds each job where it is, by its name; printed where the aim is not reached.

The time by function, which is measured with every run, is printed beside it. A text says what that
shows, what the limit is, and what was tried to get nearer to it.
"""

from __future__ import annotations

TOUCH = (
    "Half of the time or more is the first touch of new memory, which the time by function counts "
    "where it happens; the words of both sides and the answers are what is touched."
)

CSV = (
    "A third is the system clearing pages and copying the file, a fifth reads dates, an eighth "
    "looks up categories."
)

BOUNDS = {
    "link": TOUCH,
    "windows": TOUCH,
    "prepared": TOUCH,
    "text": "Half is bringing the text in and coding it, and the authority is read twice.",
    "curve": "Counting by group and day is three fifths, risks and standard errors are a quarter.",
    "csv": CSV,
    "csv-all": CSV,
    "csv-quoted": CSV,
}
