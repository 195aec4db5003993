"""The month rule on boundary days: the package's last day of a window against the calendar's."""

from __future__ import annotations

import numpy as np
import pytest

import rereferral as rr
from clothes import day
from reference import CYCLE, add_months, civil
from rereferral.day_columns import DayColumn
from rereferral.days import NULL_DAY, birthday, by_day, financial_year
from rereferral.grouping import groups_of, levels_by_day

MONTHS = [1, 2, 3, 6, 11, 12, 13, 18, 24, 36, 48, 60, 120, 1200]


def boundary_days() -> list[int]:
    """Month ends and starts, and all of February's end, in years that differ in kind."""
    years = [1600, 1699, 1700, 1896, 1900, 1904, 1968, 1969, 1970, 1999, 2000, 2015, 2016, 2017]
    years += [2019, 2020, 2021, 2096, 2099, 2100, 2104]
    found = []
    for year in years:
        for month in range(1, 13):
            first = day(f"{year}-{month:02}-01")
            found += [first - 4, first - 3, first - 2, first - 1, first, first + 1]
    return found


def linked(starts, ends, window, direction="forward", window_end="inclusive"):
    """Whether each pair of days is inside, every pair a person of its own."""
    people = np.arange(len(starts))
    early = {"person": people, "early": np.asarray(starts, "datetime64[D]")}
    late = {"person": people, "late": np.asarray(ends, "datetime64[D]")}
    names = {"index_date": "early", "event_date": "late"}
    tables = [early, late]
    if direction == "backward":
        names = {"index_date": "late", "event_date": "early"}
        tables.reverse()
    links = rr.link(
        *tables,
        **{"person": "person", "window": window, "direction": direction, "same_day": "include"},
        **{"followup": "ignored", "window_end": window_end, **names},
    )
    return links.gap_days >= 0


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("months", MONTHS)
def test_the_last_day_of_a_window_of_months(months, direction):
    starts = np.array(boundary_days())
    ends = np.array([add_months(start, months) for start in starts.tolist()])
    window = f"{months} months"
    assert linked(starts, ends, window, direction).all()
    assert not linked(starts, ends + 1, window, direction).any()
    assert linked(starts, ends - 1, window, direction, "exclusive").all()
    assert not linked(starts, ends, window, direction, "exclusive").any()


@pytest.mark.parametrize("months", [1, 12])
def test_every_day_of_four_hundred_years(months):
    starts = np.arange(day("1799-12-31"), day("1799-12-31") + CYCLE)
    ends = np.array([add_months(start, months) for start in starts.tolist()])
    assert linked(starts, ends, f"{months} months").all()
    assert not linked(starts, ends + 1, f"{months} months").any()


@pytest.mark.parametrize("years", [1, 2, 4, 18])
def test_a_year_is_twelve_months(years):
    starts = np.array(boundary_days())
    ends = np.array([add_months(start, 12 * years) for start in starts.tolist()])
    assert linked(starts, ends, f"{years} years").all()
    assert not linked(starts, ends + 1, f"{years} years").any()


@pytest.mark.parametrize("cycles", [-20, -5, -1, 1, 10, 20])
def test_the_calendar_repeats_after_four_hundred_years(cycles):
    starts = np.array(boundary_days())
    ends = np.array([add_months(start, 13) for start in starts.tolist()])
    far = cycles * CYCLE
    assert linked(starts + far, ends + far, "13 months").all()
    assert not linked(starts + far, ends + far + 1, "13 months").any()


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2016-02-29", 12, "2017-02-28"),
        ("2016-02-29", 48, "2020-02-29"),
        ("2015-02-28", 12, "2016-02-28"),
        ("2019-01-31", 1, "2019-02-28"),
        ("2020-01-30", 1, "2020-02-29"),
        ("2019-12-31", 2, "2020-02-29"),
        ("1999-12-31", 1, "2000-01-31"),
        ("1900-01-31", 1, "1900-02-28"),
        ("2000-01-31", 1, "2000-02-29"),
        ("1969-12-31", 6, "1970-06-30"),
    ],
)
def test_months_worked_by_hand(start, months, end):
    assert add_months(day(start), months) == day(end)
    assert linked([day(start)], [day(end)], f"{months} months").all()
    assert not linked([day(start)], [day(end) + 1], f"{months} months").any()


def test_the_reference_calendar_is_numpys():
    days = np.array([d + far for d in boundary_days() for far in (-10 * CYCLE, 0, 10 * CYCLE)])
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(int)
    for each, month in zip(days.tolist(), months.tolist(), strict=True):
        assert civil(each)[:2] == (1970 + month // 12, month % 12 + 1)


def test_birthdays_by_the_calendar():
    born = [
        value
        for value in range(day("1995-12-28"), day("2009-03-05"))
        if (civil(value)[1], civil(value)[2]) in {(2, 28), (2, 29), (3, 1), (12, 31), (6, 15)}
    ]
    for age in (1, 4, 18):
        found = birthday(np.array([*born, NULL_DAY]), age)
        assert found[-1] == NULL_DAY
        for start, end in zip(born, found, strict=False):
            year, month, dom = civil(start)
            leap = (year + age) % 4 == 0 and ((year + age) % 100 or (year + age) % 400 == 0)
            if (month, dom) == (2, 29) and not leap:
                month, dom = 3, 1
            assert civil(int(end)) == (year + age, month, dom)


@pytest.mark.parametrize("spread", [3_000, 2_000_000])
@pytest.mark.parametrize("missing", [False, True])
def test_each_day_is_looked_up_wherever_it_stands(spread, missing):
    random = np.random.default_rng(11)
    days = random.integers(-spread, spread, 150_000)  # more rows than are looked up at a time
    if missing:
        days[random.random(len(days)) < 0.1] = NULL_DAY
    null = days == NULL_DAY
    assert (by_day(days, lambda day: 2 * day) == np.where(null, NULL_DAY, 2 * days)).all()
    dates = days.view("M8[D]")
    year = dates.astype("M8[Y]") - (
        dates.astype("M8[M]") < dates.astype("M8[Y]") + np.timedelta64(3, "M")
    )
    found = financial_year(days)
    assert (found.isna() == null).all()
    begins = np.array([int(label.rpartition("-")[0]) for label in found.categories])
    assert (begins[found.codes] == year.astype(np.int64) + 1970)[~null].all()
    seconds = np.where(null, NULL_DAY, days * 86_400)
    for column in (DayColumn(days, 1), DayColumn(seconds, 86_400)):
        groups = groups_of({"year": levels_by_day(column, financial_year)}, len(days))
        assert (groups.frame["year"].array.take(groups.codes) == found)[~null].all()
        assert (groups.frame["year"].isna().to_numpy()[groups.codes] == null).all()


def test_no_day_has_no_answer():
    nothing = np.full(3, NULL_DAY)
    assert (by_day(nothing, lambda day: day) == NULL_DAY).all()
    assert len(by_day(nothing[:0], lambda day: day)) == 0
    assert financial_year(nothing).isna().all()
    groups = groups_of({"year": levels_by_day(DayColumn(nothing, 1), financial_year)}, 3)
    assert groups.frame["year"].isna().tolist() == [True]
