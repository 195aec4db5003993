"""Truth values as tables hold them: what `read_csv` takes for them, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from rereferral.tables import open_table

TRUE_FALSE_NULL: dict[str, Any] = {
    "bool": pd.array([True, False, None], "boolean"),
    "objects": np.array([True, False, None], object),
    "whole": pd.array([1, 0, None], "Int8"),
    "doubles": np.array([1.0, 0.0, np.nan]),
    "digits": ["1", "0", None],
    "words": ["TRUE", "False", ""],
    "categories": pd.Categorical(["true", "0", None], ["0", "true", "unused"]),
    "categories of numbers": pd.Categorical([1, 0, None]),
}


@pytest.mark.parametrize("values", TRUE_FALSE_NULL.values(), ids=TRUE_FALSE_NULL)
def test_null_is_not_true(values: Any) -> None:
    assert open_table({"a": values}, "t").truths("a").tolist() == [True, False, False]


@pytest.mark.parametrize("values", [[], [None, None], [np.nan]], ids=repr)
def test_nothing_is_true_of_nothing(values: list[Any]) -> None:
    assert open_table({"a": values}, "t").truths("a").tolist() == [False] * len(values)


@pytest.mark.parametrize(
    ("values", "value"),
    [
        (["1", "0", "Y"], "'Y'"),
        (["1", "0", " 1"], "' 1'"),
        (["1", "0", "ı"], "'ı'"),
        ([1, 0, 2], "2"),
        ([1.0, 0.0, 0.5], "0.5"),
        (pd.Categorical(["1", "0", "yes"]), "'yes'"),
    ],
)
def test_what_is_neither(values: Any, value: str) -> None:
    with pytest.raises(rr.DataError) as caught:
        open_table({"a": values}, "t").truths("a")
    assert str(caught.value) == (
        f"t: column 'a', row 2: {value} is none of 0, 1, true, false; map the values to True and "
        "False"
    )
    assert (caught.value.row, caught.value.column) == (2, "a")


def test_dates_are_no_truth_values() -> None:
    with pytest.raises(rr.DataError, match="column 'a': it holds dates, not truth values"):
        open_table({"a": np.array(["2020-01-01"], "M8[D]")}, "t").truths("a")


def test_a_report_on_referrals_without_further_action_as_text() -> None:
    episodes = rr.simulate(authorities=["E06000001"], seed=1).episodes
    assert episodes["referral_nfa"].any()
    given: dict[str, Any] = {"years": [2019], "observed_until": "2021-03-31"}
    expected = rr.missed_opportunities(episodes, **given).tables["reconciliation"]
    text = episodes.assign(referral_nfa=episodes["referral_nfa"].map({True: "1", False: "0"}))
    found = rr.missed_opportunities(text, **given).tables["reconciliation"]
    pd.testing.assert_frame_equal(found, expected)
    row = int(episodes["referral_nfa"].to_numpy().argmax())
    text.loc[row, "referral_nfa"] = "Y"
    with pytest.raises(rr.DataError, match=f"'referral_nfa', row {row}: 'Y' is none of 0, 1, tr"):
        rr.missed_opportunities(text, **given)
