"""Every job by name, in the order in which they are reported."""

from __future__ import annotations

from tests.bench import cohorts, csv_files, kaplan_meier, linkage, text_keys
from tests.bench.engines import Job

JOBS: dict[str, Job] = {
    "link": linkage.JOBS["link"],
    **text_keys.JOBS,
    "prepared": linkage.JOBS["prepared"],
    "presorted": linkage.JOBS["presorted"],
    "windows": linkage.JOBS["windows"],
    **kaplan_meier.JOBS,
    **csv_files.JOBS,
    **cohorts.JOBS,
    "repeaters": linkage.JOBS["repeaters"],
    "pairs": linkage.JOBS["pairs"],
}
