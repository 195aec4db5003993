"""What authorities spend on early and on late intervention, from outturn as published."""

from rereferral.spending.changes import Changes, changes
from rereferral.spending.early_late import Spending, early_and_late
from rereferral.spending.lines import Lines, as_lines
from rereferral.spending.mapping import mapping, published
from rereferral.spending.ro3 import read_ro3
from rereferral.spending.section251 import read_outturn, read_s251

__all__ = [
    "Changes",
    "Lines",
    "Spending",
    "as_lines",
    "changes",
    "early_and_late",
    "mapping",
    "published",
    "read_outturn",
    "read_ro3",
    "read_s251",
]
