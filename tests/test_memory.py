"""What a link holds at its peak: little more than its columns and what it gives."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

EVENTS = 3_000_000
MOST = 2.5

SCRIPT = """
import re, sys
import numpy as np, rereferral as rr

def read(name, rows=-1):
    folder, days = sys.argv[1:]
    on = np.fromfile(f"{folder}/{name}_on", days, rows)
    return {"child": np.fromfile(f"{folder}/{name}_child", np.int64, rows), "on": on}

def link(index, events):
    return rr.link(index, events, person="child", index_date="on", event_date="on",
                   observed_until="2022-01-31")

def memory(line):
    return int(re.search(rf"{line}:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024

rr.set_num_threads(2)
link(read("index", 1000), read("events", 1000)).rates()
before = memory("VmRSS")
index, events = read("index"), read("events")
held = sum(column.nbytes for table in (index, events) for column in table.values())
links = link(index, events)
print((memory("VmHWM") - before) / held, int(links.followed.sum()), int((links.gap_days > 0).sum()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("days", ["datetime64[us]", "int32"])
def test_a_link_takes_at_most_two_and_a_half_times_its_columns(days, tmp_path):
    random = np.random.default_rng(4)
    for name, rows in (("events", EVENTS), ("index", EVENTS // 2)):
        on = random.integers(16_000, 19_000, rows)
        on = on if days == "int32" else on.view("M8[D]")
        random.integers(0, EVENTS // 3, rows).tofile(tmp_path / f"{name}_child")
        on.astype(days).tofile(tmp_path / f"{name}_on")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), days]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ratio, followed, linked = done.stdout.split()
    assert 0 < int(linked) < int(followed) < EVENTS // 2
    assert float(ratio) <= MOST


COMPOSITE = """
import re, sys
import numpy as np, rereferral as rr

def read(rows=-1):
    kinds = {"area": np.int64, "child": np.int64, "on": "datetime64[ns]"}
    return {name: np.fromfile(f"{sys.argv[1]}/{name}", kind, rows) for name, kind in kinds.items()}

def link(table):
    return rr.link(table, table, person="child", scope="area", index_date="on", event_date="on",
                   observed_until="2022-01-31")

def memory(line):
    return int(re.search(rf"{line}:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024

rr.set_num_threads(2)
link(read(1000)).rates()
before = memory("VmRSS")
table = read()
held = sum(column.nbytes for column in table.values())
links = link(table)
print((memory("VmHWM") - before) / held, int((links.gap_days > 0).sum()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_table_linked_with_itself_by_two_keys_takes_no_more(tmp_path):
    random = np.random.default_rng(4)
    child = random.integers(0, EVENTS // 3, EVENTS)
    child.tofile(tmp_path / "child")
    (child % 150).tofile(tmp_path / "area")
    on = random.integers(16_000, 19_000, EVENTS).view("M8[D]")
    on.astype("datetime64[ns]").tofile(tmp_path / "on")
    command = [sys.executable, "-c", COMPOSITE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ratio, linked = done.stdout.split()
    assert int(linked) > EVENTS // 10
    assert float(ratio) <= MOST
