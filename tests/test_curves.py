"""`rr.curve`: R's answers, the estimators as their definitions read, and what is refused."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rereferral as rr
from rereferral.curves import curve_table
from rereferral.groups import Groups
from shared_data import exact_csv, shared
from stats_reference import (
    binomial_error,
    competing_risks,
    jackknife,
    kaplan_meier,
    loglog,
    loglog_of,
    t_inside,
)

Z = NormalDist().inv_cdf(0.975)
COLUMNS = ["day", "at_risk", "events", "censored", "risk", "std_error", "lower", "upper"]
TOLERANCE = 1e-10


def statistics(file: str) -> pd.DataFrame:
    return exact_csv(shared("statistics", file))


def compare_with_r(found: pd.DataFrame, r: pd.DataFrame) -> None:
    assert found.day.tolist() == r.time.tolist()
    assert found.at_risk.tolist() == r.n_risk.tolist()
    assert found.events.tolist() == r.n_event.tolist()
    assert found.censored.tolist() == r.n_censor.tolist()
    np.testing.assert_allclose(found.risk, 1 - r.surv, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(found.std_error, r.std_err, rtol=0, atol=TOLERANCE)


def compare_limits_with_r(found: pd.DataFrame, r: pd.DataFrame, kind: str) -> None:
    """Ours are log-log; R's other kinds follow from the same survival and standard error."""
    survival, error = 1 - found.risk, found.std_error
    if kind == "loglog":
        lower, upper = 1 - found.upper, 1 - found.lower
    elif kind == "log":
        lower, upper = (survival * np.exp(sign * Z * error / survival) for sign in (-1, 1))
    else:
        lower, upper = survival - Z * error, survival + Z * error
    np.testing.assert_allclose(lower, r.lower, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(np.minimum(upper, 1), r.upper, rtol=0, atol=TOLERANCE)


# ---------------------------------------------------------------- R survival


@pytest.mark.parametrize("kind", ["loglog", "log", "plain"])
def test_rossi(kind):
    rossi = statistics("rossi.csv")
    r = statistics(f"km_rossi_{kind}.csv")
    found = rr.curve(rossi.week, rossi.arrest)
    assert list(found.columns) == COLUMNS
    assert found.iloc[0].tolist() == [0, 432, 0, 0, 0, 0, 0, 0]
    compare_with_r(found.iloc[1:], r)
    compare_limits_with_r(found.iloc[1:], r, kind)
    last = found.iloc[-1]
    assert round(1 - last.risk, 6) == 0.736111
    assert round(last.std_error, 7) == 0.0212051


def test_rossi_by_group():
    rossi = statistics("rossi.csv")
    r = statistics("km_rossi_by_fin.csv")
    found = rr.curve(rossi.week, rossi.arrest, by=rossi.fin)
    assert list(found.columns) == ["fin", *COLUMNS]
    assert found.fin.unique().tolist() == ["no", "yes"]
    for fin, table in found.groupby("fin"):
        assert table.day.iloc[0] == 0
        compare_with_r(table.iloc[1:], r[r.strata == f"fin={fin}"])
        compare_limits_with_r(table.iloc[1:], r[r.strata == f"fin={fin}"], "log")


# ---------------------------------------------------------------- the definition

ROWS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 3, 5, 8, 365, 366, 40_000]), st.booleans(), st.integers(0, 3)
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(ROWS)
def test_the_definition(rows):
    found = rr.curve(
        np.array([day for day, _, _ in rows], np.int64),
        np.array([event for _, event, _ in rows], np.bool_),
        by=np.array([group for _, _, group in rows], np.int64),
    )
    at = 0
    for group in sorted({group for _, _, group in rows}):
        mine = [(day, event) for day, event, other in rows if other == group]
        for day, at_risk, events, censored, risk, greenwood in kaplan_meier(mine):
            line = found.iloc[at]
            at += 1
            assert line.tolist()[:5] == [group, day, at_risk, events, censored]
            assert line.risk == pytest.approx(float(risk), abs=1e-14)
            error = math.nan if greenwood is None else float(1 - risk) * math.sqrt(greenwood)
            assert line.std_error == pytest.approx(error, abs=1e-14, nan_ok=True)
            lower, upper = loglog(risk, greenwood, Z)
            assert line.lower == pytest.approx(lower, abs=1e-12, nan_ok=True)
            assert line.upper == pytest.approx(upper, abs=1e-12, nan_ok=True)
    assert at == len(found)


@settings(deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit(rows, random):
    def run(given):
        day, event, group = zip(*given, strict=True) if given else ([], [], [])
        table = rr.curve(
            np.array(day, np.int64), np.array(event, np.bool_), by=np.array(group, int)
        )
        return [table[name].to_numpy().tobytes() for name in table.columns]

    shuffled = random.sample(rows, len(rows))
    assert run(rows) == run(shuffled)


@settings(deadline=None)
@given(ROWS)
def test_groups_add_up_to_the_whole(rows):
    day, event, group = np.array([*rows, (7, False, 0)], np.int64).T
    parts = rr.curve(day, event, by=group).groupby("day")[["events", "censored"]].sum()
    whole = rr.curve(day, event).set_index("day")[["events", "censored"]]
    pd.testing.assert_frame_equal(parts, whole)


@settings(deadline=None)
@given(days=st.lists(st.integers(0, 400), min_size=1, max_size=80), end=st.integers(400, 500))
def test_without_censoring_before_the_end_the_risk_is_the_quotient_itself(days, end):
    n = len(days) + 7
    found = rr.curve([*days, *[end + 1] * 7], [1] * len(days) + [0] * 7)
    for line in found.itertuples():
        assert line.risk == sum(day <= line.day for day in days) / n


def test_unused_rows_and_groups_without_rows():
    groups = Groups(np.array([0, 2, 2, 0], np.int32), pd.DataFrame({"area": ["a", "b", "c"]}))
    found = curve_table(
        groups,
        np.array([4, 5, -1, 6]),
        np.array([True, False, True, True]),
        np.array([1, 1, 0, 1]) == 1,
    )
    assert found.area.tolist() == ["a", "a", "a", "b", "c", "c"]
    assert found.day.tolist() == [0, 4, 6, 0, 0, 5]
    assert found.at_risk.tolist() == [2, 2, 1, 0, 1, 1]
    assert found.risk.tolist()[:3] == [0, 0.5, 1]
    assert found.iloc[2][["std_error", "lower", "upper"]].isna().all()
    assert found.iloc[3][["risk", "std_error", "lower", "upper"]].isna().all()
    assert found.iloc[5][["risk", "lower", "upper"]].tolist() == [0, 0, 0]


# ---------------------------------------------------------------- competing causes

# (day, cause, cluster); cause 0: censored
COMPETING = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 3, 7, 400]), st.integers(0, 3), st.integers(0, 4)),
    min_size=1,
    max_size=12,
)
NAMES = ["re-referral", "death", "move"]


def competing(rows, **options):
    day, cause, _ = np.array(rows).T
    names = [NAMES[code - 1] if code else None for code in cause]
    return rr.curve(day, cause > 0, cause=pd.Categorical(names, NAMES, ordered=True), **options)


def line_of(found, day, cause):
    return found[(found.day == day) & (found.cause == cause)].iloc[0]


@settings(max_examples=150, deadline=None)
@given(COMPETING, st.booleans())
def test_competing_causes(rows, by_cluster):
    clusters = [row[2] for row in rows] if by_cluster else list(range(len(rows)))
    pairs = [row[:2] for row in rows]
    present = sorted({cause for _, cause in pairs} - {0})
    found = competing(rows, cluster=clusters if by_cluster else None)
    expected = competing_risks(pairs, [1] * len(rows), 3)
    errors = jackknife(lambda weights: competing_risks(pairs, weights, 3), clusters)
    days = sorted({0, *(day for day, _ in pairs)})
    assert found.day.tolist() == days * max(1, len(present))
    for day in days:
        for cause in present:
            line = line_of(found, day, NAMES[cause - 1])
            assert line.at_risk == sum(other >= day for other, _ in pairs)
            assert line.events == pairs.count((day, cause))
            assert line.censored == pairs.count((day, 0))
            risk = float(expected[day, cause])
            assert line.risk == pytest.approx(risk, abs=1e-14)
            if risk == 0:
                assert (line.lower, line.upper) == (0, 0)
            if risk == 1:
                assert line[["std_error", "lower", "upper"]].isna().all()
            elif by_cluster and len(set(clusters)) == 1:
                assert math.isnan(line.std_error)
            else:
                variance = errors[day, cause] ** 2
                assert line.std_error**2 == pytest.approx(variance, rel=1e-10, abs=1e-15)
                if risk > 0:
                    limits = loglog_of(1 - risk, line.std_error / (1 - risk), Z)
                    assert (line.lower, line.upper) == pytest.approx(limits, abs=1e-12)


@settings(deadline=None)
@given(COMPETING)
def test_causes_add_up_to_any_cause(rows):
    day, cause, _ = np.array(rows).T
    whole = rr.curve(day, cause > 0)
    found = competing(rows).groupby("day")[["events", "risk"]].sum()
    assert found.events.tolist() == whole.events.tolist()
    np.testing.assert_allclose(found.risk, whole.risk, rtol=0, atol=1e-14)


@settings(deadline=None)
@given(ROWS)
def test_one_cause_is_kaplan_meier(rows):
    day, event, group = np.array([*rows, (7, True, 0)], np.int64).T
    plain = rr.curve(day, event, by=group)
    named = rr.curve(day, event, by=group, cause=np.where(event == 1, "event", None))
    assert list(named.columns) == ["by", "cause", *COLUMNS]
    assert (named.cause == "event").all()
    pd.testing.assert_frame_equal(named.drop(columns="cause"), plain, check_exact=True)
    codes = curve_table(None, day, event.astype(np.int8), cause_names=["event", "never"])
    codes = codes[codes.cause == "event"].reset_index(drop=True)
    whole = rr.curve(day, event)
    assert codes.risk.tolist() == whole.risk.tolist()
    np.testing.assert_allclose(codes.std_error**2, whole.std_error**2, rtol=1e-10, atol=1e-15)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 2)), min_size=1, max_size=60))
def test_with_complete_follow_up_it_matters_not_whether_the_others_compete(rows):
    """Those who left otherwise stay in the denominator; either way it is the plain quotient."""
    n, end = len(rows), 365
    cause = np.array([cause for _, cause in rows], np.int8)
    day = np.array([day if cause else end for day, cause in rows])
    compete = curve_table(None, day, cause, cause_names=["event", "exit"])
    stay = curve_table(None, np.where(cause == 1, day, end), cause == 1)
    for line in compete[compete.cause == "event"].itertuples():
        x = int(((cause == 1) & (day <= line.day)).sum())
        assert line.risk == x / n
        assert stay.risk[stay.day <= line.day].iloc[-1] == line.risk
        if x < n:
            assert line.std_error == pytest.approx(binomial_error(x, n), rel=1e-12, abs=1e-15)


def test_names_of_causes():
    day, event = [1, 2, 3, 4], [True, True, False, True]
    by_text = rr.curve(day, event, cause=["move", "death", None, "move"])
    assert by_text.cause.cat.categories.tolist() == ["death", "move"]
    assert by_text.cause.tolist() == ["death"] * 5 + ["move"] * 5
    assert by_text.events.tolist() == [0, 0, 1, 0, 0, 0, 1, 0, 0, 1]
    by_code = rr.curve(day, event, cause=pd.array([7, 3, None, 7], dtype="Int64"), by=[0, 0, 1, 1])
    assert list(by_code.columns) == ["by", "cause", *COLUMNS]
    assert by_code.cause.cat.categories.tolist() == [3, 7]
    assert by_code.by.tolist() == [0] * 6 + [1] * 6
    nothing = rr.curve([3, 4], [False, False], cause=[None, None])
    assert nothing.cause.isna().all()
    assert nothing.at_risk.tolist() == [2, 2, 1]
    assert nothing.risk.tolist() == [0, 0, 0]
    numbered = curve_table(None, np.array([1, 2]), np.array([2, 0], np.int8))
    assert numbered.cause.tolist() == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("cause", "row", "said"),
    [
        (["a", None, None], 1, "the value is missing, but there was an event"),
        (["a", "b", "a"], 2, "there was no event, so it must be missing"),
        ([None, None, None], 0, "the value is missing, but there was an event"),
    ],
)
def test_causes_that_are_refused(cause, row, said):
    with pytest.raises(rr.DataError, match=said) as caught:
        rr.curve([1, 2, 3], [True, True, False], cause=cause)
    assert (caught.value.column, caught.value.row) == ("cause", row)


def test_more_causes_than_a_code_can_name():
    day = np.arange(128)
    assert rr.curve(day[:127], day[:127] >= 0, cause=day[:127]).cause.nunique() == 127
    with pytest.raises(rr.DataError, match="it has 128 values; at most 127 are taken"):
        rr.curve(day, day >= 0, cause=day)


def test_lifelines():
    """Aalen-Johansen where no two events share a day: lifelines moves those that do."""
    import lifelines

    random = np.random.default_rng(4)
    day = random.permutation(np.arange(1, 401))[:300]
    cause = random.integers(0, 3, 300).astype(np.int8)
    found = curve_table(None, day, cause, cause_names=["event", "exit"])
    for code, name in ((1, "event"), (2, "exit")):
        theirs = lifelines.AalenJohansenFitter().fit(day, cause, event_of_interest=code)
        mine = found[found.cause == name].set_index("day").risk
        theirs = theirs.cumulative_density_.iloc[:, 0]
        np.testing.assert_allclose(mine[theirs.index], theirs, rtol=0, atol=TOLERANCE)
    theirs = lifelines.KaplanMeierFitter().fit(day, cause > 0)
    mine = rr.curve(day, cause > 0).set_index("day")
    assert mine.index.tolist() == theirs.survival_function_.index.tolist()
    survival = theirs.survival_function_.iloc[:, 0]
    np.testing.assert_allclose(1 - mine.risk, survival, rtol=0, atol=TOLERANCE)
    limits = theirs.confidence_interval_survival_function_.iloc[1:-1]
    np.testing.assert_allclose(mine.lower[1:-1], 1 - limits.iloc[:, 1], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(mine.upper[1:-1], 1 - limits.iloc[:, 0], rtol=0, atol=TOLERANCE)


# ---------------------------------------------------------------- clusters


@settings(max_examples=150, deadline=None)
@given(ROWS.filter(len))
def test_every_row_a_cluster(rows):
    day, event, group = np.array(rows, np.int64).T
    plain = rr.curve(day, event, by=group)
    each = rr.curve(day, event, by=group, cluster=np.arange(len(rows)))
    single = plain.groupby("by").at_risk.transform("max") == 1
    assert each.std_error[single].isna().all()
    np.testing.assert_allclose(
        each.std_error[~single] ** 2, plain.std_error[~single] ** 2, rtol=1e-10, atol=1e-15
    )
    others = [name for name in plain.columns if name not in ("std_error", "lower", "upper")]
    pd.testing.assert_frame_equal(each[others], plain[others], check_exact=True)


@settings(max_examples=150, deadline=None)
@given(COMPETING.filter(lambda rows: len(rows) > 1), st.integers(2, 3))
def test_rows_that_are_given_again_add_nothing(rows, times):
    plain = competing(rows)
    again = competing(rows * times, cluster=list(range(len(rows))) * times)
    np.testing.assert_allclose(again.risk, plain.risk, rtol=0, atol=1e-14)
    np.testing.assert_allclose(again.std_error**2, plain.std_error**2, rtol=1e-10, atol=1e-15)


@settings(deadline=None)
@given(COMPETING, st.randoms(use_true_random=False))
def test_order_and_names_of_clusters_change_no_bit(rows, random):
    names = random.sample(["a", "b", "c", "d", "e"], 5)

    def run(given, name):
        table = competing(
            given,
            by=[day == 7 for day, _, _ in given],
            cluster=[name[cluster] for _, _, cluster in given],
        )
        return [table[column].to_numpy().tobytes() for column in COLUMNS]

    assert run(rows, [0, 1, 2, 3, 4]) == run(random.sample(rows, len(rows)), names)


@pytest.mark.parametrize("scale", [1, 1000])
def test_clusters_at_large(scale):
    """A table with the survival near 0 at its end, and one cluster with many rows."""
    random = np.random.default_rng(8)
    n = 60
    pairs = [(int(day), int(cause)) for day, cause in random.integers(0, (40, 3), (n, 2))]
    clusters = np.where(random.random(n) < 0.4, 0, random.integers(0, 15, n))
    errors = jackknife(lambda weights: competing_risks(pairs, weights, 2), clusters.tolist())
    day, cause = np.array(pairs * scale).T
    key = np.tile(clusters, scale)  # the same clusters, a thousand times as large
    found = curve_table(
        None, day, cause.astype(np.int8), cause_names=["a", "b"], cluster=key.astype(np.uint32)
    )
    for line in found.itertuples():
        variance = errors[line.day, 1 if line.cause == "a" else 2] ** 2
        assert line.std_error**2 == pytest.approx(variance, rel=1e-10, abs=1e-15)


def test_areas_as_clusters():
    random = np.random.default_rng(5)
    rows = [(int(day), int(cause)) for day, cause in random.integers(0, (9, 3), (40, 2))]
    scope = [*range(12), *random.integers(0, 12, 28).tolist()]
    areas = [f"E{area:02}" for area in scope]
    day, cause = np.array(rows).T
    found = rr.curve(day, cause > 0, cause=np.where(cause > 0, cause, np.nan), scope=areas)
    assert list(found.columns) == ["cause", *COLUMNS, "lower_scope_95", "upper_scope_95"]
    errors = jackknife(lambda weights: competing_risks(rows, weights, 2), scope)
    checked = 0
    for line in found.itertuples():
        if line.risk in (0, 1):
            assert math.isnan(line.lower_scope_95)
            assert math.isnan(line.upper_scope_95)
            continue
        error = errors[line.day, line.cause] * math.sqrt(12 / 11)
        if line.lower_scope_95 > 0 and line.upper_scope_95 < 1:
            t = (line.upper_scope_95 - line.risk) / error
            assert t_inside(t, 11) == pytest.approx(0.95, abs=1e-8)
            assert line.risk - line.lower_scope_95 == pytest.approx(t * error)
            checked += 1
    assert checked > 4
    plain = rr.curve(day, cause > 0, cause=np.where(cause > 0, cause, np.nan))
    pd.testing.assert_frame_equal(found[plain.columns], plain)
    nine = rr.curve(day, cause > 0, scope=[area % 9 for area in scope])
    assert list(nine.columns) == COLUMNS
    some = rr.curve(day, cause > 0, by=[area < 2 for area in scope], scope=areas)
    assert some.lower_scope_95[some.by].isna().all()


def test_keys_of_clusters():
    day, event = [1, 2, 3, 4], [True, True, False, True]
    one = rr.curve(day, event, cluster=["a1", "a2", "a1", "b1"])
    for keys in (
        [["a", "a", "a", "b"], [1, 2, 1, 1]],
        pd.DataFrame({"area": ["a", "a", "a", "b"], "id": [1, 2, 1, 1]}, index=[9, 8, 7, 6]),
        pd.Series([11, 12, 11, 21], index=[9, 8, 7, 6]),
    ):
        pd.testing.assert_frame_equal(rr.curve(day, event, cluster=keys), one, check_exact=True)


@pytest.mark.parametrize("name", ["cluster", "scope"])
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("person", "='person' names a column; give its values"),
        (["a", None, "b"], "row 1: the value is missing"),
        (["a", " ", "b"], "row 1: the value is missing"),
        ([1.0, 1.5, 2.0], r"row 1: 1\.5 is"),
        ([1, 2], "2 rows"),
        ([], "names no column"),
    ],
)
def test_clusters_that_are_refused(name, keys, said):
    with pytest.raises(rr.RereferralError, match=said):
        rr.curve([1, 2, 3], [True, True, True], **{name: keys})


# ---------------------------------------------------------------- groups


@pytest.mark.parametrize(
    ("by", "names", "groups"),
    [
        (["b", None, "a"], ["by"], [["a"], ["b"], [None]]),
        (np.array([2.0, np.nan, 1.0]), ["by"], [[1.0], [2.0], [None]]),
        ([["b", None, "a"], [1, 1, 1]], ["by", "by_2"], [["a", 1], ["b", 1], [None, 1]]),
        ({"x": [1, 2, 1], "y": ["p", "p", "q"]}, ["x", "y"], [[1, "p"], [1, "q"], [2, "p"]]),
        (pd.DataFrame({"x": [1, 2, 1]}, index=[7, 8, 9]), ["x"], [[1], [2]]),
        (pd.Series([1, 2, 1], name="area", index=[7, 8, 9]), ["area"], [[1], [2]]),
        (
            pd.Series(pd.to_datetime(["2020-01-02", None, "2019-01-02"]), name="start"),
            ["start"],
            [[pd.Timestamp("2019-01-02")], [pd.Timestamp("2020-01-02")], [None]],
        ),
    ],
)
def test_keys(by, names, groups):
    found = rr.curve([1, 2, 3], [True, True, True], by=by)
    assert list(found.columns) == names + COLUMNS
    keys = found.loc[found.day == 0, names]
    rows = [
        [None if pd.isna(value) else value for value in row] for row in keys.to_numpy().tolist()
    ]
    assert rows == groups
    assert found.at_risk[found.day == 0].sum() == 3


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("area", "by='area' names a column; give its values"),
        ([1, 2], "2 values"),
        ({"day": [1, 2, 3]}, "a key is named 'day'"),
        ([], "by names no column"),
        ({}, "by names no column"),
        ([np.array([1, 2, 3]), "event"], "by mixes arrays and single values"),
        (pd.DataFrame([[1, 2], [1, 2], [1, 2]], columns=["x", "x"]), "'x' is given twice"),
        ([1, "a", 2], "row 1: 'a' is text"),
    ],
)
def test_keys_that_are_refused(by, said):
    with pytest.raises(rr.RereferralError, match=said):
        rr.curve([1, 2, 3], [True, True, True], by=by)


# ---------------------------------------------------------------- what is taken, what is refused


@pytest.mark.parametrize(
    "duration",
    [
        [5, 8, 8],
        np.array([5, 8, 8], np.uint8),
        np.array([5, 8, 8], ">i8"),
        np.array([5.0, 8.0, 8.0], np.float32),
        np.array([5, 0, 8, 0, 8, 0])[::2],
        pd.Series([5, 8, 8], dtype="Int16"),
        pd.Series([5, 8, 8], dtype="Float64"),
        pd.Series([5, 8, 8], index=["x", "y", "z"]),
    ],
)
@pytest.mark.parametrize(
    "event",
    [
        [True, False, True],
        [1, 0, 1],
        np.array([1.0, 0.0, 1.0]),
        pd.Series([True, False, True], dtype="boolean"),
    ],
)
def test_kinds(duration, event):
    found = rr.curve(duration, event)
    assert found.day.tolist() == [0, 5, 8]
    assert found.events.tolist() == [0, 1, 1]
    assert found.censored.tolist() == [0, 0, 1]
    assert [str(kind) for kind in found.dtypes] == ["int64"] * 4 + ["float64"] * 4


@pytest.mark.parametrize(
    ("duration", "event", "column", "row", "said"),
    [
        ([1, -2], [1, 0], "duration", 1, "row 1: -2 is negative"),
        ([1, math.nan], [1, 0], "duration", 1, "row 1: the value is missing"),
        ([1, None], [1, 0], "duration", 1, "row 1: the value is missing"),
        (pd.array([1, None], dtype="Int64"), [1, 0], "duration", 1, "row 1: the value is missing"),
        ([None, None], [1, 0], "duration", 0, "row 0: the value is missing"),
        ([1.5, 2], [1, 0], "duration", 0, "row 0: 1.5 is not a whole number of days"),
        ([1, math.inf], [1, 0], "duration", 1, "row 1: inf is too large"),
        ([1, 2**31], [1, 0], "duration", 1, "row 1: 2147483648 is too large"),
        (["1", "2"], [1, 0], "duration", None, "must hold whole days, not text"),
        ([True, False], [1, 0], "duration", None, "must hold whole days, not truth values"),
        ([1, 2], [1, 2], "event", 1, "row 1: 2 is neither 0 nor 1"),
        ([1, 2], [True, None], "event", 1, "row 1: the value is missing"),
        ([1, 2], [math.nan, 1], "event", 0, "row 0: the value is missing"),
        ([1, 2], ["y", "n"], "event", None, "must hold true or false, or 1 or 0, not text"),
    ],
)
def test_values_that_are_refused(duration, event, column, row, said):
    with pytest.raises(rr.DataError) as caught:
        rr.curve(duration, event)
    assert said in str(caught.value)
    assert repr(column) in str(caught.value)
    assert (caught.value.column, caught.value.row) == (column, row)


def test_a_timedelta_says_what_to_do():
    with pytest.raises(rr.DataError, match=r"give days, as in `\.dt\.days`"):
        rr.curve(pd.to_timedelta([1, 2], unit="D"), [1, 0])


def test_lengths_that_differ_are_refused():
    with pytest.raises(rr.DataError, match="'event' has 2 rows, but 'duration' has 3"):
        rr.curve([1, 2, 3], [1, 0])


def test_nobody():
    found = rr.curve([], [])
    assert found[["day", "at_risk", "events", "censored"]].to_numpy().tolist() == [[0, 0, 0, 0]]
    assert found[["risk", "std_error", "lower", "upper"]].isna().all(axis=None)
    assert rr.curve([], [], by=np.zeros(0)).empty


def test_what_is_given_is_read_only_and_stays():
    duration, event, by = np.array([3, 4]), np.array([True, False]), np.array([1, 0])
    for array in (duration, event, by):
        array.flags.writeable = False
    rr.curve(duration, event, by=by)
    assert duration.tolist() == [3, 4]
