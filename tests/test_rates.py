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
from rereferral.area_limits import t_quantile
from rereferral.groups import Groups
from rereferral.rates import rate_table, risk_table
from shared_data import exact_csv, shared
from stats_reference import (
    cluster_deff,
    competing_risks,
    jackknife,
    kaplan_meier,
    largest_deff,
    loglog,
    loglog_of,
    t_inside,
)

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


def test_events_do_not_make_a_risk_known():
    """Nobody in the first group was followed to the end, though there was nobody left to follow."""
    groups = groups_of([0, 0, 1, 1, 2, 2], 3)
    duration = np.array([4, 9, 4, 9, 4, 9])
    cause = np.array([1, 2, 1, 0, 1, 0], np.int8)
    full = np.array([False, False, False, False, False, True])
    found = risk_table(groups, duration, cause, full)
    assert found.rate.isna().tolist() == [True, True, False]
    assert found.rate[2] == 0.5
    assert found.method.tolist() == [
        "none: nobody was followed to the window's end",
        "none: nobody was followed to the window's end",
        "Aalen-Johansen, log-log, index events taken as independent",
    ]


# (group, person, window, observed, day of the end or 0, cause of it)
COMPETING = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(0, 4),
        st.sampled_from([8, 9]),
        st.integers(0, 12),
        st.integers(0, 12),
        st.integers(1, 3),
    ),
    max_size=14,
)


@settings(max_examples=150, deadline=None)
@given(COMPETING, st.booleans())
def test_competing_causes(rows, by_person):
    duration, cause, full = [], [], []
    for _, _, window, last, day, why in rows:
        end = min(window, last)
        cause.append(why if 0 < day <= end else 0)
        duration.append(day if cause[-1] else end)
        full.append(last >= window)
    person = np.array([row[1] for row in rows], np.uint32)
    found = risk_table(
        groups_of([row[0] for row in rows], 2),
        np.array(duration, np.int64),
        np.array(cause, np.int8),
        np.array(full, np.bool_),
        cluster=person if by_person else None,
        cause_names=["event", "death", "move"],
    )
    longest = max(duration, default=0)
    for group, line in enumerate(found.itertuples()):
        mine = [i for i, row in enumerate(rows) if row[0] == group]
        clock = [(longest if full[i] and not cause[i] else duration[i], cause[i]) for i in mine]
        assert (line.n, line.linked) == (len(mine), sum(code == 1 for _, code in clock))
        if not any(full[i] for i in mine):
            assert math.isnan(line.rate)
            assert math.isnan(line.deff)
            continue
        days = max(day for day, _ in clock)
        risk = float(competing_risks(clock, [1] * len(mine), 3)[days, 1])
        assert line.rate == pytest.approx(risk, abs=1e-14)
        each, by_key = (
            jackknife(lambda weights, clock=clock: competing_risks(clock, weights, 3), keys)[
                days, 1
            ]
            for keys in (range(len(mine)), [rows[i][1] for i in mine])
        )
        persons = len({rows[i][1] for i in mine})
        method, deff = "Aalen-Johansen, log-log, person clusters", 1.0
        if not by_person:
            method = "Aalen-Johansen, log-log, index events taken as independent"
        elif persons == len(mine):
            method = "Aalen-Johansen, log-log"
        elif each > 0 and persons == 1:
            method, deff = f"{method}, largest deff", len(mine)
        elif each > 0:
            deff = (by_key / each) ** 2
            if deff < 1:
                method = "Aalen-Johansen, log-log, deff of person clusters below 1 not used"
        if each > 0 and by_person:
            assert line.deff == pytest.approx(deff, rel=1e-9, abs=1e-9)
        if abs(deff - 1) > 1e-9 and each > 0:
            assert line.method == method
        if 0 < risk < 1:
            error = each * math.sqrt(max(deff, 1))
            limits = loglog_of(1 - risk, error / (1 - risk), Z["95"])
            assert (line.lower_95, line.upper_95) == pytest.approx(limits, abs=1e-9)
        elif risk == 0:
            assert (line.lower_95, line.upper_95) == (0, 0)


@settings(deadline=None)
@given(COMPETING)
def test_with_complete_follow_up_those_who_compete_stay(rows):
    cause = np.array([why if 0 < day <= window else 0 for *_, window, _, day, why in rows], np.int8)
    duration = np.array(
        [
            day if why else row[2]
            for row, day, why in zip(rows, (row[4] for row in rows), cause, strict=True)
        ],
        np.int64,
    )
    full = np.ones(len(rows), np.bool_)
    groups = groups_of([row[0] for row in rows], 2)
    compete = risk_table(groups, duration, cause, full, cause_names=["event", "death", "move"])
    stay = risk_table(groups, duration, cause == 1, full)
    plain = rate_table(groups, cause == 1, None)
    for found in (compete, stay):
        pd.testing.assert_frame_equal(
            found[["n", "linked", "rate"]], plain[["n", "linked", "rate"]], check_exact=True
        )
    np.testing.assert_allclose(compete.lower_95, stay.lower_95, rtol=0, atol=1e-9)
    np.testing.assert_allclose(compete.upper_95, stay.upper_95, rtol=0, atol=1e-9)


def test_persons_twice_alike():
    duration, cause = np.array([3, 5, 9, 9, 7, 9]), np.array([1, 2, 0, 0, 1, 0], np.int8)
    full = np.array([True, True, True, True, True, False])
    once = risk_table(None, duration, cause, full)
    twice = risk_table(
        None,
        np.tile(duration, 2),
        np.tile(cause, 2),
        np.tile(full, 2),
        cluster=np.tile(np.arange(6, dtype=np.uint32), 2),
    )
    assert twice.n[0] == 2 * once.n[0]
    assert twice.deff[0] == pytest.approx(2)
    assert twice.method[0] == "Aalen-Johansen, log-log, person clusters"
    assert twice.loc[0, LIMITS].tolist() == pytest.approx(once.loc[0, LIMITS].tolist())


def test_areas_of_a_risk():
    """Where everybody was followed to the end, the areas say what they say of a proportion."""
    random = np.random.default_rng(3)
    scope = np.concatenate([np.arange(15), random.integers(0, 15, 300)]).astype(np.uint32)
    event = random.random(len(scope)) < random.random(15)[scope]
    duration = np.where(event, random.integers(0, 365, len(scope)), 365)
    full = np.ones(len(scope), np.bool_)
    risk = risk_table(None, duration, event, full, scope=scope)
    rate = rate_table(None, event, full, None, scope)
    assert list(risk.columns) == list(rate.columns)
    names = ["rate", "lower_scope_95", "upper_scope_95"]
    np.testing.assert_allclose(risk[names], rate[names], rtol=1e-12)
    lost = risk_table(None, duration, event, full & (duration > 200), scope=scope)
    assert lost.lower_scope_95.notna().all()
    nine = risk_table(None, duration, event, full, scope=scope % 9)
    assert "lower_scope_95" not in nine
