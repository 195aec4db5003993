"""The attack finds what naive tables give away, and nothing that they do not."""

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from rereferral.errors import DataError

EXACT = rr.rules.Rule("exact totals")


def found(attack, column=None):
    """What was found: (row, column) to (least, most)."""
    rows = attack.table[attack.table["found"]]
    return {
        (row.row, row.column): (row.least, row.most)
        for row in rows.itertuples()
        if column is None or row.column == column
    }


def areas(**columns):
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"authority": [f"A{k}" for k in range(n)], **columns})


def test_two_hidden_counts_that_leave_two_are_each_one():
    naive = {
        "authorities": areas(n=["100", "c", "c"]),
        "all": pd.DataFrame({"n": [102]}),
    }
    assert found(rr.attack(naive, EXACT)) == {("A1", "n"): (1, 1), ("A2", "n"): (1, 1)}


def test_two_hidden_counts_that_leave_six_could_be_many():
    naive = {
        "authorities": areas(n=["100", "c", "c"]),
        "all": pd.DataFrame({"n": [106]}),
    }
    attack = rr.attack(naive, EXACT)
    assert attack.passed
    assert attack.table[["least", "most"]].values.tolist() == [[1, 5], [1, 5]]


@pytest.mark.parametrize(("rate", "count"), [("0.004", 4), ("0.3%", None)])
def test_a_percentage_at_one_decimal_names_its_count(rate, count):
    naive = {"t": areas(n=["1000", "2000"], linked=["c", "700"], rate=[rate, "0.350"])}
    attack = rr.attack(naive, EXACT)
    if count is None:  # what is no number tells nothing
        assert attack.passed
    else:
        assert found(attack) == {("A0", "linked"): (count, count)}


def test_a_lower_limit_at_one_decimal_names_its_count():
    lower, _ = rr.wilson(3, 400)
    naive = {"t": areas(n=["400", "500"], linked=["c", "170"], lower_95=[f"{lower:.3f}", "0.298"])}
    consistent = [x for x in range(1, 6) if f"{rr.wilson(x, 400)[0]:.3f}" == f"{lower:.3f}"]
    assert consistent == [3]
    assert found(rr.attack(naive, EXACT)) == {("A0", "linked"): (3, 3)}


def test_stepped_down_is_what_is_below_without_the_others():
    naive = {
        "chain": areas(
            below_threshold=["50", "80"], stepped_down=["c", "12"], not_stepped_down=["47", "68"]
        )
    }
    assert found(rr.attack(naive, EXACT)) == {("A0", "stepped_down"): (3, 3)}


def test_a_complement_that_is_small_is_found_though_no_column_has_it():
    naive = {"t": areas(n=["40", "80"], linked=["38", "30"])}
    assert found(rr.attack(naive, EXACT)) == {("A0", "not_linked"): (2, 2)}


def test_a_year_is_found_from_the_total_of_five():
    years = [f"20{k}-{k + 1}" for k in range(15, 20)]
    naive = {
        "by_year": pd.DataFrame({"financial_year": years, "n": ["20", "31", "c", "27", "40"]}),
        "all": pd.DataFrame({"n": [122]}),
    }
    assert found(rr.attack(naive, EXACT, area=None)) == {("2017-18", "n"): (4, 4)}


def test_inner_london_is_found_from_london():
    naive = {
        "regions": pd.DataFrame(
            {"region": ["London", "Inner London", "Outer London"], "n": ["90", "c", "88"]}
        )
    }
    parts = {"region": {"London": ["Inner London", "Outer London"]}}
    assert found(rr.attack(naive, EXACT, parts=parts)) == {("Inner London", "n"): (2, 2)}
    assert rr.attack(naive, EXACT).passed  # who does not know where London's parts are


def test_the_last_point_of_a_curve_names_its_count():
    # The share that came back by the window's end is linked / n, to as many digits as it is drawn.
    naive = {"t": areas(n=["311", "290"], linked=["c", "80"], rate=["0.01286", "0.27586"])}
    assert found(rr.attack(naive, EXACT)) == {("A0", "linked"): (4, 4)}


def test_a_median_gap_of_half_a_day_leaves_two_values():
    naive = {"t": areas(n=["311", "290"], linked=["c", "80"], median_gap=["61.5", "70"])}
    attack = rr.attack(naive, EXACT)
    assert found(attack) == {("A0", "linked"): (2, 4)}
    whole = naive["t"].assign(median_gap=["61", "70"])
    assert rr.attack({"t": whole}, EXACT).passed


def test_yesterdays_release_gives_away_the_year_between():
    tables = {
        "yesterday": areas(financial_year=["2016 to 2019"] * 2, n=["118", "204"]),
        "today": areas(financial_year=["2016 to 2020"] * 2, n=["121", "260"]),
    }
    parts = {"financial_year": {"2016 to 2020": ["2016 to 2019", "2020"]}}
    by = {name: ["authority", "financial_year"] for name in tables}
    attack = rr.attack(
        {k: v.assign(n=v["n"].astype(int)) for k, v in tables.items()}, EXACT, parts=parts, by=by
    )
    assert found(attack) == {("A0, 2016 to 2020", "n of 2020"): (3, 3)}


def test_a_longer_window_gives_away_what_lies_between():
    naive = {
        "t": pd.DataFrame(
            {
                "authority": ["A", "A"],
                "window": ["6 months", "12 months"],
                "n": [100, 100],
                "linked": [30, 32],
            }
        )
    }
    assert found(rr.attack(naive, EXACT)) == {
        ("12 months", "linked between 6 months and 12 months"): (2, 2)
    }


def test_rounding_hides_what_exact_totals_give_away():
    exact = {"a": areas(n=["100", "c"]), "all": pd.DataFrame({"n": [103]})}
    rounds = {"a": areas(n=["100", "c"]), "all": pd.DataFrame({"n": [100]})}
    assert found(rr.attack(exact, EXACT)) == {("A1", "n"): (3, 3)}
    attack = rr.attack(rounds, rr.rules.DFE)
    assert attack.passed
    assert attack.table[["least", "most"]].values.tolist() == [[1, 4]]


def test_square_brackets_and_thousands_do_not_matter():
    naive = {"a": areas(n=["1,100", "[c]"]), "all": pd.DataFrame({"n": [1102]})}
    assert found(rr.attack(naive, EXACT)) == {("A1", "n"): (2, 2)}


def test_tables_that_cannot_add_up_are_named():
    naive = {"a": areas(n=["100", "c", "c"]), "all": pd.DataFrame({"n": [120]})}
    attack = rr.attack(naive, EXACT)
    assert attack.apart == [("all", "a", "n")]
    assert attack.words().endswith('Not taken to add up, since it cannot: n of "a" to "all".')


def test_what_is_published_may_contradict_itself():
    naive = {"a": areas(n=["10", "c"]), "all": pd.DataFrame({"n": [50]})}
    parts = {"authority": {"A0": ["A1"]}}
    with pytest.raises(DataError, match='"n" of authority A0 is not the sum of its parts'):
        rr.attack(naive, EXACT, parts=parts)


def test_a_cell_that_is_neither_a_number_nor_a_symbol_is_refused():
    naive = {"a": areas(n=["10", "c", "many"])}
    with pytest.raises(DataError, match=r'table "a", column "n", row 2.*many'):
        rr.attack(naive, EXACT)


def test_words_name_the_first_that_was_found():
    naive = {"a": areas(n=["100", "c"]), "all": pd.DataFrame({"n": [103]})}
    assert rr.attack(naive, EXACT).words() == (
        '1 small count was looked for, 1 found, such as n of A1 in table "a": it is 3.'
    )
    assert rr.attack({"a": areas(n=[10, 20])}, EXACT).words() == (
        "There is no small count to look for."
    )


def test_points_of_an_svg_name_their_count(tmp_path):
    """A figure that is drawn from a hidden row tells it to anyone who reads its path."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    n, linked = 650, 4
    figure = Figure()
    ax = figure.subplots()
    ax.set_axis_off()
    ax.set_position([0, 0, 1, 1])
    ax.set(xlim=(0, 365), ylim=(0, 0.02))
    (line,) = ax.plot([0, 100, 300, 365], np.array([0, 1, 3, linked]) / n)
    line.set_gid("curve")
    figure.savefig(tmp_path / "curve.svg")
    svg = (tmp_path / "curve.svg").read_text()
    path = svg.split('id="curve"')[1].split('d="')[1].split('"')[0]
    height = 72 * figure.get_size_inches()[1]
    last = float(path.replace("\n", " ").split()[-1])
    risk = (height - last) / height * 0.02
    naive = {"t": areas(n=[str(n), "700"], linked=["c", "90"], rate=[f"{risk:.4f}", "0.1286"])}
    assert found(rr.attack(naive, EXACT)) == {("A0", "linked"): (linked, linked)}
