"""Days, months, ages and periods of the calendar."""

from __future__ import annotations

import calendar
import datetime

CYCLE = 146_097  # days in 400 years of the Gregorian calendar, which then repeats itself
START = datetime.date(2000, 1, 1)
START_DAY = (START - datetime.date(1970, 1, 1)).days

Span = tuple[int, str]  # a number, and "days" or "months"


def civil(day: int) -> tuple[int, int, int]:
    """Year, month and day of the month, for any year."""
    cycles, rest = divmod(day - START_DAY, CYCLE)
    date = START + datetime.timedelta(days=rest)
    return date.year + 400 * cycles, date.month, date.day


def day_of(year: int, month: int, day: int) -> int:
    cycles, rest = divmod(year - START.year, 400)
    date = datetime.date(START.year + rest, month, day)
    return START_DAY + (date - START).days + CYCLE * cycles


def month_length(year: int, month: int) -> int:
    return calendar.monthrange(START.year + (year - START.year) % 400, month)[1]


def add_months(day: int, months: int) -> int:
    """The same day of the month, or the month's last."""
    year, month, of_month = civil(day)
    year, month = divmod(year * 12 + (month - 1) + months, 12)
    month += 1
    return day_of(year, month, min(of_month, month_length(year, month)))


def is_span(text: str) -> bool:
    """Whether a text is a span, and not the name of a column."""
    number, _, unit = text.partition(" ")
    return number.lstrip("-").isdigit() and unit.rstrip("s") in ("day", "week", "month", "year")


def parse_span(span: int | str | None) -> Span | None:
    """`12` or `"12 days"`, `"3 months"`, `"1 year"`; None is an open window."""
    if span is None:
        return None
    if isinstance(span, int):
        return span, "days"
    number, unit = span.split()
    size, unit = {
        "day": (1, "days"),
        "week": (7, "days"),
        "month": (1, "months"),
        "year": (12, "months"),
    }[unit.rstrip("s")]
    return int(number) * size, unit


def add_span(day: int, span: Span) -> int:
    number, unit = span
    return day + number if unit == "days" else add_months(day, number)


def first_day_within(span: Span, day: int) -> int:
    """The earliest day from which the span reaches `day`."""
    number, unit = span
    first = day - number * {"days": 1, "months": 31}[unit] - 1
    while add_span(first, span) < day:
        first += 1
    return first


def birthday(born: int, age: int) -> int:
    """The day on which someone comes to an age; 29 February comes on 1 March in other years."""
    year, month, of_month = civil(born)
    if (month, of_month) == (2, 29) and month_length(year + age, 2) == 28:
        return day_of(year + age, 3, 1)
    return day_of(year + age, month, of_month)


def age_on(born: int, day: int) -> int:
    """Completed years."""
    age = civil(day)[0] - civil(born)[0] + 1
    while birthday(born, age) > day:
        age -= 1
    return age


def period_of(day: int, kind: str) -> tuple:
    """The financial year (from 1 April), the calendar year or its half that a day lies in."""
    year, month, _ = civil(day)
    return {
        "financial_year": (year if month >= 4 else year - 1,),
        "year": (year,),
        "half_year": (year, month <= 6),
    }[kind]
