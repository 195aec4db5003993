"""What rules cost: named combinations of them beside the plain link, on the same rows.

Runs of all combinations are interleaved in one process, so that what disturbs the machine disturbs
all alike; a ratio is the median of a combination's times over the median of the plain link's. The
columns that only a rule needs are part of the tables from the start; making the data is not timed.
``python -m tests.bench.rules ROWS RUNS`` is one process.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from tests.bench.data import draw, ids
from tests.bench.printing import table
from tests.bench.runner import in_process

FIVE = ["3 months", "6 months", "9 months", "12 months", "18 months"]

#: The most that a combination may take, in times of the plain link.
COSTLY, SEVERAL = 2.0, 1.3


def combinations() -> dict[str, dict[str, Any]]:
    """The rules by what they are called; the first is the plain link."""
    import rereferral as rr

    adult = rr.birthday("born", 18)
    return {
        "plain: 12 months, complete": {},
        "backward": {"direction": "backward"},
        "observed, age censors": {
            "followup": "observed",
            "exits": {"age 18": rr.Exit(adult, "censor")},
        },
        "death competes, age is no event": {
            "exits": {"death": rr.Exit("died", "compete"), "age 18": rr.Exit(adult, "no event")}
        },
        "age at most 17, exits exclude": {
            "eligible": rr.Eligible(age_at_index={"born": ("<", 18)}),
            "exits": {"death": rr.Exit("died", "exclude")},
        },
        "first of a financial year": {"select": "first", "per": "financial_year"},
        "washout": {"washout": "12 months"},
        "rolling washout, gaps skipped": {
            "washout": "6 months",
            "rolling": True,
            "min_gap": 14,
        },
        "gaps stop, last event": {"min_gap": 14, "within_gap": "stop", "take": "last"},
        "gaps absorb": {"min_gap": 14, "within_gap": "absorb"},
        "veto ends the search": {"veto": ({"kind": 1}, "no event")},
        "confirmed in six months": {"confirm": ("confirmed", "6 months")},
        "latest index, a window by row": {"claim": "latest index", "window": "reach"},
        "five windows": {"window": FIVE},
    }


def tables(rows: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Index and events of the job ``link``, with columns for the rules."""
    child, day, index_child, index_day, _, _ = draw(rows)
    child, index_child = ids(child, rows), ids(index_child, rows)
    day, index_day = day.astype(np.int64), index_day.astype(np.int64)
    random = np.random.default_rng(20210331)
    n_index = len(index_child)
    died = index_day + random.integers(1, 900, n_index)
    died[random.random(n_index) > 0.01] = np.iinfo(np.int64).min
    index = {
        "child": index_child,
        "day": index_day,
        "born": index_day - random.integers(0, 20 * 365, n_index),
        "died": died,
        "reach": random.integers(30, 366, n_index),
    }
    events = {
        "child": child,
        "day": day,
        "kind": random.integers(0, 3, rows),
        "confirmed": day + random.integers(0, 300, rows),
    }
    for side, names in ((index, ("day", "born", "died")), (events, ("day", "confirmed"))):
        side.update({name: side[name].view("datetime64[D]") for name in names})
    return index, events


def one_process(rows: int, runs: int) -> dict[str, Any]:
    """Seconds of every combination, the runs interleaved."""
    import rereferral as rr

    index, events = tables(rows)
    asked = {
        "person": "child",
        "index_date": "day",
        "event_date": "day",
        "observed_from": str(events["day"].min()),
        "observed_until": str(events["day"].max()),
    }
    seconds: dict[str, list[float]] = {name: [] for name in combinations()}
    linked: dict[str, int] = {}
    for _ in range(runs + 1):
        for name, rules in combinations().items():
            begin = time.perf_counter()
            links = rr.link(index, events, **asked, **rules)
            # The gaps of every window are part of the answer; event rows are found when asked for.
            several = isinstance(rules.get("window"), list)
            gaps = [links[window].gap_days for window in FIVE] if several else [links.gap_days]
            seconds[name].append(time.perf_counter() - begin)
            linked[name] = sum(int((gap >= 0).sum()) for gap in gaps)
            del links, gaps
    # The first round warms up.
    return {"seconds": {name: times[1:] for name, times in seconds.items()}, "linked": linked}


def run(runs: int, rows: int) -> dict[str, Any]:
    """All combinations; print and return the ratios."""
    print(f"\nrules: {rows:,} referrals, {rows // 2:,} index events, int64 ids")
    found = in_process("tests.bench.rules", str(rows), runs)
    seconds = {name: float(np.median(times)) for name, times in found["seconds"].items()}
    plain = next(iter(seconds))
    lines = [("rules", "median s", "to plain", "at most", "linked")]
    for name, median in seconds.items():
        most = "" if name == plain else f"{SEVERAL if 'five' in name else COSTLY:.1f} x"
        ratio = f"{median / seconds[plain]:.2f} x"
        lines.append((name, f"{median:.2f}", ratio, most, f"{found['linked'][name]:,}"))
    table(lines)
    return found


if __name__ == "__main__":
    print(json.dumps(one_process(int(sys.argv[1]), int(sys.argv[2]))))
