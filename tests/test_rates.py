"""Rates by group: clusters, areas and cut follow-up against the definitions."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rereferral as rr
from rereferral.groups import Groups
from rereferral.rates import rate_table, risk_table, t_quantile
from shared_data import exact_csv, shared
from stats_reference import cluster_deff, kaplan_meier, largest_deff, loglog, t_inside

LIMITS = ["lower_95", "upper_95", "lower_99_8", "upper_99_8"]
COLUMNS = ["n", "linked", "rate", *LIMITS, "deff", "method"]
WIDENED = "Wilson, n/deff, person clusters"
Z = {"95": NormalDist().inv_cdf(0.975), "99_8": NormalDist().inv_cdf(0.999)}

# (group, person, followed, hit)
ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 12), st.booleans(), st.booleans()), max_size=80
)


def groups_of(codes, n_groups=4):
    return Groups(
        np.array(codes, np.int32), pd.DataFrame({"area": [f"A{i}" for i in range(n_groups)]})
    )


def rates(rows, **options):
    columns = list(zip(*rows, strict=True)) if rows else [()] * 4
    return rate_table(
        groups_of(columns[0]),
        np.array(columns[3], np.bool_),
        np.array(columns[2], np.bool_),
        np.array(columns[1], np.uint32),
        **options,
    )


# ---------------------------------------------------------------- persons as clusters


@settings(max_examples=300, deadline=None)
@given(ROWS)
def test_the_definition(rows):
    found = rates(rows)
    assert list(found.columns) == ["area", *COLUMNS]
    for group, line in enumerate(found.itertuples()):
        mine = [(person, hit) for code, person, followed, hit in rows if code == group and followed]
        n, x = len(mine), sum(hit for _, hit in mine)
        assert (line.area, line.n, line.linked) == (f"A{group}", n, x)
        if n == 0:
            assert line.method == "none: n is 0"
            assert all(math.isnan(getattr(line, name)) for name in ["rate", "deff", *LIMITS])
            continue
        assert line.rate == x / n
        seen = cluster_deff(mine)
        if len({person for person, _ in mine}) == n:
            deff, method = 1.0, "Wilson"
        elif seen is None:
            deff, method = float(largest_deff(p for p, _ in mine)), f"{WIDENED}, largest deff"
        elif seen < 1:
            deff, method = float(seen), "Wilson, deff of person clusters below 1 not used"
        else:
            deff, method = float(seen), WIDENED
        assert line.deff == pytest.approx(deff, rel=1e-12, abs=1e-12)
        assert line.method == method or abs(deff - 1) < 1e-12
        for level, name in ((0.95, "95"), (0.998, "99_8")):
            limits = (getattr(line, f"lower_{name}"), getattr(line, f"upper_{name}"))
            size = n / max(deff, 1)
            expected = rr.wilson(min(x / n * size, size), size, level)
            assert limits == pytest.approx(expected, rel=1e-10, abs=1e-12)
            plain = rr.wilson(x, n, level)
            assert limits[0] <= plain[0] + 1e-15
            assert limits[1] >= plain[1] - 1e-15


@settings(deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit(rows, random):
    def run(given):
        table = rates(given).drop(columns=["area", "method"])
        return [table[name].to_numpy().tobytes() for name in table]

    assert run(rows) == run(random.sample(rows, len(rows)))


@settings(deadline=None)
@given(ROWS)
def test_groups_add_up_to_the_whole(rows):
    parts = rates(rows)[["n", "linked"]].sum()
    whole = rates([(0, *rest) for _, *rest in rows])[["n", "linked"]].iloc[0]
    assert parts.tolist() == whole.tolist()


@settings(deadline=None)
@given(ROWS)
def test_hits_and_misses_mirror_each_other(rows):
    found = rates(rows)
    mirror = rates([(group, person, followed, not hit) for group, person, followed, hit in rows])
    np.testing.assert_allclose(found.deff, mirror.deff, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.lower_95, 1 - mirror.upper_95, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rare", [True, False])
def test_a_rate_near_0_or_1_loses_no_digits(rare):
    n = 20_000
    person = np.arange(n, dtype=np.uint32) // 2
    hit = np.full(n, not rare)
    hit[[4, 5, 9]] = rare
    exact = cluster_deff(list(zip(person.tolist(), hit.tolist(), strict=True)))
    deff = rate_table(None, hit, None, person).deff[0]
    assert deff == pytest.approx(float(exact), rel=2e-15, abs=0)


def test_whole_persons_as_one_event():
    # 10 persons, each 4 times alike: 3 hits of 10, a standard error 10 / 9 times the binomial.
    person = np.repeat(np.arange(10, dtype=np.uint32), 4)
    found = rate_table(None, person < 3, None, person).iloc[0]
    assert found.rate == 0.3
    assert found.deff == pytest.approx(4 * 10 / 9)
    assert found.lower_95 == pytest.approx(rr.wilson(3 * 0.9, 9)[0])


def test_without_clusters_deff_is_null():
    found = rate_table(None, np.array([True, False, True]), None).iloc[0]
    assert math.isnan(found.deff)
    assert found.method == "Wilson"
    assert (found.lower_95, found.upper_95) == rr.wilson(2, 3)


def test_levels_name_their_columns():
    hit = np.array([True, False])
    found = rate_table(None, hit, None, levels=(0.9, 0.999, 0.955))
    assert list(found.columns)[3:9] == [
        *("lower_90", "upper_90", "lower_99_9", "upper_99_9", "lower_95_5", "upper_95_5")
    ]
    assert found.lower_99_9[0] == rr.wilson(1, 2, 0.999)[0]
    assert list(rate_table(None, hit, None, levels=()).columns) == [
        "n",
        "linked",
        "rate",
        "deff",
        "method",
    ]
    for levels in ((0.95, 0.95), (95,), (0,)):
        with pytest.raises(rr.RuleError):
            rate_table(None, hit, None, levels=levels)


def test_a_key_with_the_name_of_a_column_is_refused():
    groups = Groups(np.zeros(1, np.int32), pd.DataFrame({"rate": ["x"]}))
    with pytest.raises(rr.RuleError, match="a key is named 'rate'"):
        rate_table(groups, np.array([True]), None)


# ---------------------------------------------------------------- areas as clusters


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 30))
def test_areas(seed, areas):
    random = np.random.default_rng(seed)
    scope = np.concatenate([np.arange(areas), random.integers(0, areas, 400)]).astype(np.uint32)
    hit = random.random(len(scope)) < random.random(areas)[scope]
    found = rate_table(None, hit, None, None, scope).iloc[0]
    p = hit.mean()
    spread = sum((hit[scope == a].sum() - p * (scope == a).sum()) ** 2 for a in range(areas))
    error = math.sqrt(areas / (areas - 1) * spread) / len(hit)
    t = (found.upper_scope_95 - p) / error if found.upper_scope_95 < 1 else None
    if t is not None:
        assert t_inside(t, areas - 1) == pytest.approx(0.95, abs=1e-9)
    if found.lower_scope_95 > 0 and t is not None:
        assert p - found.lower_scope_95 == pytest.approx(found.upper_scope_95 - p)


def test_areas_need_to_be_ten():
    scope = np.arange(10, dtype=np.uint32).repeat(2)
    hit = np.arange(20) % 3 == 0
    names = ["lower_scope_95", "upper_scope_95"]
    found = rate_table(None, hit, None, None, scope)
    assert list(found.columns) == [*COLUMNS[:7], *names, *COLUMNS[7:]]
    assert found[names].notna().all(axis=None)
    nine = np.array([False] * 2 + [True] * 18)
    assert not set(names) & set(rate_table(None, hit, nine, None, scope).columns)
    both = rate_table(
        groups_of(np.repeat([0, 1], 20), 2),
        np.tile(hit, 2),
        np.append(nine, hit | ~hit),
        None,
        np.tile(scope, 2),
    )
    assert both[names].isna().all(axis=1).tolist() == [True, False]


def test_areas_say_nothing_where_the_rate_is_0_or_1():
    scope = np.arange(20, dtype=np.uint32)
    for hit in (np.zeros(20, np.bool_), np.ones(20, np.bool_)):
        found = rate_table(None, hit, None, None, scope)
        assert found[["lower_scope_95", "upper_scope_95"]].isna().all(axis=None)


def test_area_limits_stay_between_0_and_1():
    scope = np.arange(10, dtype=np.uint32).repeat(3)
    found = rate_table(None, scope == 4, None, None, scope).iloc[0]
    assert found.lower_scope_95 == 0
    assert 0.1 < found.upper_scope_95 < 1


@pytest.mark.parametrize("df", [1, 2, 3, 4, 9, 10, 151, 1000])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.998])
def test_student(df, level):
    t = t_quantile(df, level)
    if df > 2:
        assert t_inside(t, df) == pytest.approx(level, abs=1e-9)
    exact = {
        1: math.tan(math.pi * level / 2),
        2: level * math.sqrt(2 / (1 - level**2)),
    }
    if df in exact:
        assert t == pytest.approx(exact[df], rel=1e-12)


# ---------------------------------------------------------------- follow-up cut short

# (group, window, observed, event day or 0): the row is followed min(window, observed) days.
OBSERVED = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from([365, 366]), st.integers(0, 400), st.integers(0, 400)
    ),
    max_size=50,
)


def observed(rows):
    """Durations, events and whether followed to the end, as `Links` makes them."""
    duration, event, full = [], [], []
    for _, window, last, day in rows:
        end = min(window, last)
        event.append(0 < day <= end)
        duration.append(day if event[-1] else end)
        full.append(last >= window)
    return np.array(duration, np.int64), np.array(event, np.bool_), np.array(full, np.bool_)


@settings(max_examples=300, deadline=None)
@given(OBSERVED)
def test_risk_at_the_end_of_the_window(rows):
    duration, event, full = observed(rows)
    found = risk_table(groups_of([row[0] for row in rows], 3), duration, event, full)
    assert list(found.columns) == ["area", *COLUMNS]
    assert found.deff.isna().all()
    longest = max(duration, default=0)
    for group, line in enumerate(found.itertuples()):
        mine = [i for i, row in enumerate(rows) if row[0] == group]
        assert (line.n, line.linked) == (len(mine), event[mine].sum())
        if not full[mine].any():
            assert line.method == (
                "none: nobody was followed to the window's end" if mine else "none: n is 0"
            )
            assert all(math.isnan(getattr(line, name)) for name in ["rate", *LIMITS])
            continue
        assert line.method == "Kaplan-Meier, log-log, index events taken as independent"
        clock = [
            (longest if full[i] and not event[i] else int(duration[i]), bool(event[i]))
            for i in mine
        ]
        *_, risk, greenwood = kaplan_meier(clock)[-1]
        assert line.rate == pytest.approx(float(risk), abs=1e-14)
        for name, z in Z.items():
            limits = (getattr(line, f"lower_{name}"), getattr(line, f"upper_{name}"))
            assert limits == pytest.approx(loglog(risk, greenwood, z), abs=1e-12, nan_ok=True)


@settings(deadline=None)
@given(OBSERVED)
def test_followed_to_the_end_the_risk_is_the_proportion_itself(rows):
    rows = [(group, window, 400, day) for group, window, _, day in rows]
    duration, event, full = observed(rows)
    groups = groups_of([row[0] for row in rows], 3)
    risk = risk_table(groups, duration, event, full)
    rate = rate_table(groups, event, None)
    pd.testing.assert_frame_equal(
        risk[["n", "linked", "rate"]], rate[["n", "linked", "rate"]], check_exact=True
    )


def test_rossi():
    rossi = pd.read_csv(shared("statistics", "rossi.csv"))
    r = exact_csv(shared("statistics", "km_rossi_loglog.csv"))
    week, arrest = rossi.week.to_numpy(), rossi.arrest.to_numpy() == 1
    found = risk_table(None, week, arrest, np.ones(len(week), np.bool_)).iloc[0]
    assert found.linked == 114
    last = r.iloc[-1]
    assert found.rate == pytest.approx(1 - last.surv, abs=1e-12)
    assert found.lower_95 == pytest.approx(1 - last.upper, abs=1e-12)
    assert found.upper_95 == pytest.approx(1 - last.lower, abs=1e-12)


def test_rows_outside_the_cohort_do_not_count():
    duration = np.array([10, 365, 0, 200])
    event = np.array([True, False, True, False])
    full = np.array([True, True, True, True])
    use = np.array([True, True, False, False])
    found = risk_table(None, duration, event, full, use=use).iloc[0]
    assert (found.n, found.linked, found.rate) == (2, 1, 0.5)


def test_clusters_are_refused():
    one = np.array([True])
    with pytest.raises(rr.RuleError, match="know no clusters"):
        risk_table(None, np.array([3]), one, one, cluster=np.array([1], np.uint32))
