"""`rr.estimate_total` against R's survey package, by hand, and against what must hold of it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from shared_data import exact_csv, shared

YEARS = ["2017-18", "2018-19", "2019-20"]


def frame(n: int = 24, seed: int = 1) -> pd.DataFrame:
    """Authorities of very different size in three regions."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "authority": [f"E{number:08d}" for number in range(n)],
            "region": np.array(["North", "Middle", "South"], object)[np.arange(n) % 3],
            "referrals": random.integers(200, 9_000, n),
            "children": random.integers(2_000, 90_000, n),
        }
    )


def answers(of: pd.DataFrame, n: int = 12, seed: int = 2) -> pd.DataFrame:
    """Closures, and how many came back, from the first authorities."""
    random = np.random.default_rng(seed)
    some = of.iloc[:n]
    closed = random.binomial(some["referrals"], 0.3)
    return pd.DataFrame(
        {
            "authority": some["authority"],
            "closed": closed,
            "back": random.binomial(closed, random.uniform(0.1, 0.4, n)),
        }
    )


def only(table: pd.DataFrame, **cells: object) -> pd.Series:
    """The one row with these cells."""
    for column, cell in cells.items():
        table = table[table[column] == cell]
    assert len(table) == 1
    return table.iloc[0]


# ---------------------------------------------------------------- R's survey package


@pytest.mark.parametrize("step", [4, 8])
def test_r_survey_gives_the_same(step: int) -> None:
    sample = exact_csv(shared("statistics", f"dfe_sample_2023_every{step}.csv"))
    expected = exact_csv(shared("statistics", "survey_dfe_scaleup_expected_2023.csv"))
    expected = expected[expected["step"] == step].set_index("var")
    # Of the others only their number and the sum of their sizes matter.
    total = expected["ratio_total"].iloc[0] / expected["ratio"].iloc[0]
    n, whole = len(sample), 152
    rest = np.full(whole - n, (total - sample["pop"].sum()) / (whole - n))
    everybody = pd.DataFrame(
        {
            "new_la_code": [*sample["new_la_code"], *(f"other {i}" for i in range(whole - n))],
            "pop": [*sample["pop"], *rest],
        }
    )
    for name in ("referral_count", "rereferral_count", "not_in_need_count"):
        found = rr.estimate_total(
            *(sample, everybody),
            **{"count": name, "scale": "pop", "area": "new_la_code"},
            limits="linearised",
            fpc=True,
        ).table
        expansion, ratio = (only(found, estimator=kind) for kind in ("expansion", "ratio"))
        row = expected.loc[name]
        assert expansion["estimate"] == pytest.approx(row["expansion_total"], rel=1e-9)
        assert expansion["std_error"] == pytest.approx(row["expansion_se"], rel=1e-9)
        assert ratio["estimate"] == pytest.approx(row["ratio_total"], rel=1e-9)
        assert ratio["std_error"] == pytest.approx(row["ratio_total_se"], rel=1e-9)
    rate = only(
        rr.estimate_total(
            *(sample, everybody),
            **{"count": "rereferral_count", "of": "referral_count"},
            **{"scale": "pop", "area": "new_la_code", "limits": "linearised", "fpc": True},
        ).table,
        quantity="rereferral_count / referral_count",
        estimator="ratio",
    )
    row = expected.loc["rereferral/referral %"]
    assert rate["estimate"] * 100 == pytest.approx(row["ratio"], rel=1e-9)
    assert rate["std_error"] * 100 == pytest.approx(row["ratio_se"], rel=1e-9)


# ---------------------------------------------------------------- by hand


def test_the_jackknife_leaves_each_authority_out() -> None:
    whole, sample = frame(), answers(frame())
    ask = {"count": "back", "of": "closed", "scale": "referrals"}
    found = rr.estimate_total(sample, whole, **ask).main.set_index("quantity")
    without = [
        rr.estimate_total(sample.drop(index=row), whole, **ask).main.set_index("quantity")
        for row in sample.index
    ]
    n = len(sample)
    for quantity, row in found.iterrows():
        others = np.array([one.loc[quantity, "estimate"] for one in without])
        squares = ((others - row["estimate"]) ** 2).sum() * (n - 1) / n
        assert row["std_error"] == pytest.approx(math.sqrt(squares), rel=1e-12)
        assert row["df"] == n - 1


def test_groups_are_estimated_each_for_itself() -> None:
    whole, sample = frame(), answers(frame())
    ask = {"count": "closed", "scale": "referrals", "limits": ["linearised", "jackknife"]}
    found = rr.estimate_total(sample, whole, within="region", **ask).table
    for kind in ("linearised", "jackknife"):
        total, variance = 0.0, 0.0
        for _, region in whole.groupby("region"):
            some = sample[sample["authority"].isin(region["authority"])]
            one = only(rr.estimate_total(some, region, **ask).table, estimator="ratio", limits=kind)
            total, variance = total + one["estimate"], variance + one["std_error"] ** 2
        row = only(found, within="region", limits=kind)
        assert row["estimate"] == pytest.approx(total, rel=1e-12)
        assert row["std_error"] == pytest.approx(math.sqrt(variance), rel=1e-12)
        assert row["df"] == len(sample) - 3


def test_thirds_by_size() -> None:
    whole, sample = frame(), answers(frame())
    rank = whole["referrals"].rank(ascending=False, method="first") - 1
    whole["third"] = (rank * 3 // len(whole)).astype(str)
    ask = {"count": "closed", "scale": ["referrals", "children"]}
    found = rr.estimate_total(sample, whole, within=["size", "third"], **ask).table
    for scale in ("referrals", "children"):
        by_size, by_hand = (only(found, within=name, scaled_by=scale) for name in ("size", "third"))
        for column in ("estimate", "std_error", "df"):
            assert by_size[column] == pytest.approx(by_hand[column], rel=1e-12)


def test_the_other_areas_at_the_extremes() -> None:
    whole, sample = frame(), answers(frame())
    sizes = whole["referrals"]
    whole["top"], whole["bottom"] = sizes // 5, sizes
    whole.loc[3, "top"] = 0
    ask = {"scale": "referrals", "published": ("top", "bottom")}
    found = rr.estimate_total(sample, whole, count="back", of="closed", **ask).bounds
    rates = sample["back"] / sizes.iloc[:12]
    others, known = sizes.iloc[12:].sum(), sample["back"].sum()
    closed = sample["closed"].sum() / sizes.iloc[:12].sum() * others
    most = (whole["top"] / whole["bottom"]).max()
    expected = [known + others * rates.min(), known + others * rates.max(), known]
    assert found["estimate"].to_numpy() == pytest.approx([*expected, known + closed * most])
    assert found["of"].iloc[:2].tolist() == [
        sample["authority"].iloc[rates.argmin()],
        sample["authority"].iloc[rates.argmax()],
    ]
    # Without a part and a whole, a published rate says nothing of the count.
    assert len(rr.estimate_total(sample, whole, count="closed", **ask).bounds) == 2


def test_those_who_answered_beside_all() -> None:
    whole, sample = frame(6), answers(frame(6), 2)
    whole["again"] = [1, 2, 3, 4, np.nan, 6]
    whole["all"] = [10, 10, 10, 10, 10, 20]
    found = rr.estimate_total(
        sample, whole, count="closed", scale="referrals", published=("again", "all")
    ).responders
    assert found is not None
    assert found["who"].tolist() == ["answered", "did not answer", "all"]
    assert found["areas"].tolist() == [2, 3, 5]
    assert found["rate"].to_numpy() == pytest.approx([3 / 20, 13 / 40, 16 / 60])
    assert found["share"].to_numpy() == pytest.approx([20 / 60, 40 / 60, 1])


# ---------------------------------------------------------------- what must hold


def test_how_far_an_estimate_is_off_is_the_correlation_with_answering() -> None:
    """The identity of the tipping point, on a population of which all is known."""
    whole = frame(30)
    closed = np.random.default_rng(5).integers(10, 900, 30)
    asked = np.arange(30) % 3 == 0
    sample = pd.DataFrame({"authority": whole["authority"], "closed": closed})[asked]
    found = rr.estimate_total(
        sample, whole, count="closed", scale="authorities", against=float(closed.sum())
    )
    row = found.tipping.iloc[-1]
    true = np.corrcoef(asked, closed)[0, 1]
    # The spread is that of those who answered, in place of that of all.
    spread = closed[asked].std(ddof=1) * math.sqrt(29 / 30)
    assert row["rho"] * spread == pytest.approx(true * closed.std(), rel=1e-9)
    assert row["chances"] == pytest.approx(row["rho"] * math.sqrt(29))


def test_a_year_three_times_is_three_times_as_much_and_no_surer() -> None:
    whole, sample = frame(), answers(frame())
    ask = {"count": "closed", "scale": "referrals", "limits": ["linearised", "jackknife"]}
    one = rr.estimate_total(sample, whole, **ask).main.iloc[0]
    three = rr.estimate_total(
        pd.concat([sample.assign(year=year) for year in YEARS]),
        pd.concat([whole.assign(year=year) for year in YEARS]),
        **ask,
        year="year",
    )
    for column in ("estimate", "std_error"):
        assert three.main.iloc[0][column] == pytest.approx(3 * one[column], rel=1e-12)
        assert three.by_year is not None
        assert three.by_year[column].to_numpy() == pytest.approx([one[column]] * 3, rel=1e-12)


def test_who_leaves_a_year_out_is_missing_in_that_year_alone() -> None:
    whole = pd.concat([frame(seed=seed).assign(year=year) for seed, year in enumerate(YEARS)])
    sample = pd.concat(
        [answers(frame(seed=seed), seed=seed).assign(year=year) for seed, year in enumerate(YEARS)]
    )
    sample = sample.reset_index(drop=True).astype({"closed": object})
    sample.loc[[3, 20], "closed"] = ["c", "[x]"]
    sample.loc[5, "closed"] = ""
    ask = {"count": "closed", "scale": "referrals"}
    found = rr.estimate_total(sample, whole, **ask, year="year")
    expected = 0.0
    for year in YEARS:
        of_year = sample[(sample["year"] == year) & ~sample["closed"].isin(["c", "[x]", ""])]
        sizes = whole[whole["year"] == year].set_index("authority")["referrals"]
        rate = of_year["closed"].sum() / sizes.loc[of_year["authority"]].sum()
        expected += rate * sizes.sum()
    assert found.main["estimate"].iloc[0] == pytest.approx(expected, rel=1e-12)
    assert found.main["answered"].iloc[0] == 12
    assert found.missing["symbol"].tolist() == ["c", "", "x"]
    assert found.missing["year"].tolist() == [YEARS[0], YEARS[0], YEARS[1]]
    assert found.by_year is not None
    assert found.by_year["answered"].tolist() == [10, 11, 12]


def test_authorities_that_were_not_there_are_not_scaled_to() -> None:
    """Two of them became one: each year has its own number of authorities."""
    years = {"2018-19": frame(), "2019-20": frame().iloc[:18]}
    whole = pd.concat([table.assign(year=year) for year, table in years.items()])
    sample = pd.concat([answers(frame()).assign(year=year) for year in years])
    ask = {"count": "closed", "scale": "authorities", "fpc": True}
    found = rr.estimate_total(sample, whole, year="year", **ask)
    mean = answers(frame())["closed"].mean()
    assert found.main["estimate"].iloc[0] == pytest.approx((24 + 18) * mean)
    assert found.by_year is not None
    assert found.by_year["areas"].tolist() == [24, 18]
    assert found.by_year["estimate"].to_numpy() == pytest.approx([24 * mean, 18 * mean])
    for row, table in enumerate(years.values()):
        alone = rr.estimate_total(answers(frame()), table, **ask).main.iloc[0]
        assert found.by_year["std_error"].iloc[row] == pytest.approx(alone["std_error"])


def test_a_rate_is_of_those_who_answered_both() -> None:
    whole, sample = frame(), answers(frame())
    sample = sample.astype({"back": float})
    sample.loc[2, "back"] = np.nan
    found = rr.estimate_total(sample, whole, count="back", of="closed", scale="referrals").main
    both = sample.drop(index=2)
    row = only(found, quantity="back / closed")
    assert row["estimate"] == pytest.approx(both["back"].sum() / both["closed"].sum(), rel=1e-12)
    assert row["answered"] == 11
    assert only(found, quantity="closed")["answered"] == 12


@pytest.mark.parametrize("kind", ["linearised", "jackknife", "bootstrap"])
def test_the_finite_population_correction(kind: str) -> None:
    whole, sample = frame(), answers(frame())
    ask = {"count": "closed", "scale": "authorities", "limits": kind, "replicates": 40_000}
    plain = rr.estimate_total(sample, whole, **ask).main.iloc[0]
    less = rr.estimate_total(sample, whole, **ask, fpc=True).main.iloc[0]
    near = 0.02 if kind == "bootstrap" else 1e-12
    assert less["std_error"] / plain["std_error"] == pytest.approx(math.sqrt(0.5), rel=near)
    everybody = rr.estimate_total(answers(whole, 24), whole, **ask, fpc=True).main.iloc[0]
    assert everybody["estimate"] == answers(whole, 24)["closed"].sum()
    assert everybody["std_error"] == pytest.approx(0, abs=1e-6)


def test_the_bootstrap_agrees_with_the_formula() -> None:
    whole, sample = frame(150), answers(frame(150), 100)
    ask = {"count": "closed", "scale": "authorities", "replicates": 20_000}
    kinds = ["linearised", "bootstrap", "bootstrap-t"]
    found = rr.estimate_total(sample, whole, **ask, limits=kinds).table.set_index("limits")
    assert found.loc["bootstrap", "std_error"] == pytest.approx(
        found.loc["linearised", "std_error"], rel=0.02
    )
    for limit in ("lower", "upper"):
        off = found.loc["bootstrap-t", limit] - found.loc["linearised", limit]
        assert abs(off) < 0.35 * found.loc["linearised", "std_error"]
    again = rr.estimate_total(sample, whole, **ask, limits=kinds).table.set_index("limits")
    pd.testing.assert_frame_equal(found, again)
    other = rr.estimate_total(sample, whole, **ask, limits=kinds, seed=1).table.set_index("limits")
    assert (other.loc["bootstrap", "std_error"] != found.loc["bootstrap", "std_error"]).all()


def test_the_order_of_rows_does_not_matter() -> None:
    whole, sample = frame(), answers(frame())
    ask = {"count": "back", "of": "closed", "scale": ["referrals", "children"], "within": "region"}
    found = rr.estimate_total(sample, whole, **ask)
    again = rr.estimate_total(sample.iloc[::-1], whole.iloc[::-1], **ask)
    pd.testing.assert_frame_equal(found.table, again.table, rtol=1e-9)
    assert whole.equals(frame())


def test_every_limit_says_what_it_rests_on() -> None:
    whole, sample = frame(), answers(frame())
    found = rr.estimate_total(sample, whole, count="back", of="closed", scale="referrals")
    condition = "if the answering authorities were a random sample"
    assert (found.table["condition"] == condition).all()
    for line in repr(found).splitlines()[:3]:
        assert condition in line
    assert found._repr_html_().count(condition) == 3
    assert condition in found.in_words()


def test_a_group_in_which_nobody_answered_has_no_estimate() -> None:
    whole, sample = frame(), answers(frame())
    sample = sample[sample["authority"].map(whole.set_index("authority")["region"]) != "South"]
    found = rr.estimate_total(sample, whole, count="closed", scale="referrals", within="region")
    row = only(found.table, within="region")
    assert math.isnan(row["estimate"])
    assert row["note"] == "nobody of South answered"
    assert np.isfinite(found.main["lower"]).all()


def test_one_answer_has_no_limits() -> None:
    whole, sample = frame(), answers(frame(), 1)
    row = rr.estimate_total(sample, whole, count="closed", scale="referrals").main.iloc[0]
    assert row["estimate"] > 0
    assert math.isnan(row["lower"])
    assert row["note"] == "too few answers for limits"


# ---------------------------------------------------------------- bad input


def changed(table: pd.DataFrame, column: str, value: object, row: int = 3) -> pd.DataFrame:
    table = table.astype({column: object})
    table.loc[row, column] = value
    return table


@pytest.mark.parametrize(
    ("sample", "whole", "message"),
    [
        ({"authority": "E09999999"}, {}, "not in the frame: E09999999"),
        ({"authority": None}, {}, 'sample: column "authority" is empty in row 3'),
        ({"authority": "E00000001"}, {}, "sample: E00000001 stands there twice"),
        ({"closed": -1}, {}, "sample: closed of E00000003 is -1"),
        ({"closed": 1.5}, {}, "sample: closed of E00000003 is 1.5, no whole number"),
        ({"closed": "1 000"}, {}, "E00000003: '1 000' is neither a number nor one of the symbols"),
        ({"closed": "*"}, {}, "'\\*' is neither a number"),
        ({"closed": True}, {}, "True is neither a number"),
        ({"closed": np.inf}, {}, "E00000003: an infinite number"),
        ({"closed": 7, "back": 8}, {}, "back of E00000003 is 8, above its closed of 7"),
        ({}, {"referrals": 0}, "frame: referrals of E00000003 is 0; sizes are above 0"),
        ({}, {"referrals": "c"}, "frame: referrals of E00000003 is 'c'; sizes"),
        ({}, {"referrals": None}, "frame: referrals of E00000003 is missing; sizes"),
        ({}, {"referrals": -4}, "frame: referrals of E00000003 is -4"),
        ({}, {"region": None}, "frame: region of E00000003 is empty"),
        ({}, {"authority": "E00000001"}, "frame: E00000001 stands there twice"),
    ],
)
def test_what_is_refused(sample: dict[str, object], whole: dict[str, object], message: str) -> None:
    tables = [answers(frame()), frame()]
    for at, cells in enumerate((sample, whole)):
        for column, value in cells.items():
            tables[at] = changed(tables[at], column, value)
    with pytest.raises(rr.DataError, match=message):
        rr.estimate_total(*tables, count="back", of="closed", scale="referrals", within="region")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limits": "wald"}, "limits='wald' is none of linearised"),
        ({"level": 95}, "level=95 is not between 0 and 1"),
        ({"scale": []}, "scale=\\[\\] names no columns"),
        ({"replicates": 10}, "replicates=10 are too few"),
        ({"count": "shut"}, 'sample has no column "shut"; it has authority, closed, back'),
        ({"scale": "people"}, 'frame has no column "people"'),
        ({"year": "year"}, 'sample has no column "year"'),
    ],
)
def test_arguments_that_are_refused(arguments: dict[str, object], message: str) -> None:
    ask: dict[str, object] = {"count": "closed", "scale": "referrals", **arguments}
    with pytest.raises((rr.RuleError, rr.DataError), match=message):
        rr.estimate_total(answers(frame()), frame(), **ask)  # type: ignore[arg-type]


def test_nobody_answered() -> None:
    sample = answers(frame()).assign(closed="x")
    with pytest.raises(rr.DataError, match="nobody answered closed"):
        rr.estimate_total(sample, frame(), count="closed", scale="referrals")


# ---------------------------------------------------------------- in words


def test_answers_and_published_figures_that_are_missing_are_told_apart() -> None:
    whole = frame().assign(re_referrals=100.0, published_referrals=400.0)
    sample = answers(whole).astype({"closed": object})
    given = {"count": "closed", "scale": "children"}
    published = ("re_referrals", "published_referrals")
    assert "missing" not in rr.estimate_total(sample, whole, **given).in_words()
    whole.loc[:2, "re_referrals"] = np.nan
    said = rr.estimate_total(sample, whole, **given, published=published).in_words()
    assert said.endswith("\n\n3 published figures of the frame are missing.")
    assert "No answer" not in said
    sample.loc[:1, "closed"] = "c"
    whole.loc[1:, "re_referrals"] = 100.0
    said = rr.estimate_total(sample, whole, **given, published=published).in_words()
    assert said.endswith("\n\nNo answer in 2 cells.\n\n1 published figure of the frame is missing.")


def test_no_estimate_is_said_with_its_reason() -> None:
    whole = pd.concat([frame().assign(year=year) for year in YEARS])
    sample = answers(frame()).assign(year=YEARS[0])
    found = rr.estimate_total(sample, whole, count="closed", scale="children", year="year")
    assert repr(found).splitlines()[0] == (
        "closed: no estimate, because nobody answered for 2018-19; 12 of 24 answered, scaled by "
        "children"
    )
    assert "tipping" not in found.in_words()


def test_a_rate_of_nothing_is_no_estimate() -> None:
    sample = answers(frame()).assign(closed=0, back=0)
    found = rr.estimate_total(sample, frame(), count="back", of="closed", scale="children")
    assert "back / closed: no estimate, because closed is 0 in every answer;" in repr(found)
