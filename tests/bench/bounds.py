"""What holds each job where it is, by its name; printed where the aim is not reached.

The time by function, which is measured with every run, is printed beside it. A text says what that
shows, what the limit is, and what was tried to get nearer to it.
"""

from __future__ import annotations

CSV = "One thread reads, and libcsv takes byte after byte and hands over each field by a call."

BOUNDS = {
    "text": "One thread does all of it. The codes of the text ids are two thirds.",
    "curve": "One thread does all of it. Counting by group and day is three quarters, risks and "
    "standard errors are one.",
    "csv": CSV,
    "csv-all": CSV,
    "csv-quoted": CSV,
    "cohorts": "One thread does all of it. Half is reading the file, a quarter the codes of the "
    "text ids, an eighth the labels of the financial years.",
}
