"""Dates that are text: the message gives a format that reads them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from rereferral.tables import open_table


def message(values: list[str | None]) -> str:
    with pytest.raises(rr.DataError) as caught:
        open_table({"on": values}, "t").days("on")
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "format"),
    [
        (["2006-05-08", "2006-05-31"], "%Y-%m-%d"),
        (["20060508", "20060531"], "%Y%m%d"),
        (["08/05/2006", "31/05/2006"], "%d/%m/%Y"),
        (["8/5/2006", "31/5/2006"], "%d/%m/%Y"),
        (["08/05/2006", "05/31/2006"], "%m/%d/%Y"),
        (["08.05.2006", "31.05.2006"], "%d.%m.%Y"),
        (["08-05-06", "31-05-06"], "%d-%m-%y"),
        (["08 May 2006", "31 May 2006"], "%d %b %Y"),
        (["08-April-2006", "31-May-2006"], "%d-%B-%Y"),
        (["2006-05-08 00:00:00", "2006-05-31 00:00:00"], "%Y-%m-%d %H:%M:%S"),
        (["08/05/2006 00:00", "31/05/2006 00:00"], "%d/%m/%Y %H:%M"),
        ([None, "", "08/05/2006", "31/05/2006"], "%d/%m/%Y"),
    ],
)
def test_the_format_that_is_named_reads_the_dates(values: list[str | None], format: str) -> None:
    found = re.search(r'; use pandas\.to_datetime\(column, format="(.*)"\)$', message(values))
    assert found is not None
    assert found[1] == format
    read = pd.to_datetime(pd.Series(values), format=found[1])
    days = open_table({"on": read}, "t").days("on")
    last = "2006-05-31"
    assert days[-1] == np.datetime64(last).astype(int)


def test_where_day_and_month_could_change_places() -> None:
    assert message(["08/05/2006"]) == (
        "t: column 'on', row 0: '08/05/2006' is text, not a date; use "
        'pandas.to_datetime(column, format="%d/%m/%Y"), if the day comes first'
    )


def test_one_that_is_written_otherwise_does_not_hide_the_format() -> None:
    assert 'format="%d/%m/%Y")' in message(["31/05/2006", "not known"])


@pytest.mark.parametrize("values", [["not known"], ["38/05/2006"], ["2006121"], ["", " "]])
def test_what_no_format_reads(values: list[str | None]) -> None:
    assert "use pandas.to_datetime(column, format=...), with the format in which" in message(values)


def test_the_row_is_the_first_with_something_in_it() -> None:
    assert "row 2: '31/05/2006' is text" in message([None, "", "31/05/2006"])
