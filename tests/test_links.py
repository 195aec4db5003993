"""`Links`: its arrays, its tables, and the forms in which it leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import rereferral as rr


def days(*texts: str | None) -> np.ndarray:
    return np.array(["NaT" if text is None else text for text in texts], "datetime64[D]")


CLOSED = pd.DataFrame(
    {
        "child": ["a", "a", "b", "c", None, "d"],
        "area": ["x", "x", "x", "y", "y", "y"],
        "closed": days("2018-01-31", "2018-06-30", "2018-05-05", None, "2018-01-01", "2020-06-01"),
    },
    index=[10, 20, 30, 40, 50, 60],
)
REFERRED = pd.DataFrame(
    {
        "child": ["a", "b", "a"],
        "area": ["x", "x", "x"],
        "on": days("2018-03-01", "2019-05-06", "2019-06-30"),
    }
)
ASKED = {"person": "child", "scope": "area", "index_date": "closed", "event_date": "on"}


@pytest.fixture
def links() -> rr.Links:
    return rr.link(CLOSED, REFERRED, **ASKED, observed_until="2020-12-31")


def test_arrays_are_in_the_order_of_the_index(links):
    assert links.event_row.tolist() == [0, 2, -1, -1, -1, -1]
    assert links.gap_days.tolist() == [29, 365, -1, -1, -1, -1]
    assert links.count.tolist() == [1, 1, 0, 0, 0, 0]
    assert links.followed.tolist() == [True, True, True, False, False, False]
    names = [links.outcome_names[code] for code in links.outcome]
    assert names == ["linked", "linked", "none", "excluded", "excluded", "not followed"]
    assert links.event_date.tolist()[:2] == REFERRED["on"].dt.date.iloc[[0, 2]].tolist()
    assert [a.dtype.name for a in (links.event_row, links.gap_days, links.count)] == [
        "int64",
        "int32",
        "int64",
    ]


def test_results_cannot_be_changed_by_accident(links):
    with pytest.raises(ValueError, match="read-only"):
        links.gap_days[0] = 3


def test_to_pandas_keeps_the_labels_and_has_no_minus_one(links):
    table = links.to_pandas()
    assert table.index.tolist() == CLOSED.index.tolist()
    assert table["gap_days"].mean() == (29 + 365) / 2
    joined = CLOSED.join(table)
    assert len(joined) == len(CLOSED)
    assert joined.loc[20, "event_date"] == pd.Timestamp("2019-06-30")


def test_links_read_as_arrow(links):
    table = pa.table(links)
    assert table.num_rows == len(CLOSED)
    assert table["gap_days"].to_pylist() == [29, 365, None, None, None, None]
    assert table["event_row"].to_pylist() == [0, 2, None, None, None, None]
    assert table["outcome"].to_pylist()[0] == "linked"
    assert table["followed"].to_pylist() == links.followed.tolist()


def test_rates_by_names_arrays_and_the_financial_year(links):
    by_area = links.rates(by="area")
    assert by_area[["area", "n", "linked"]].values.tolist() == [["x", 3, 2], ["y", 0, 0]]
    by_year = links.rates(by="financial_year").set_index("financial_year")
    assert by_year.loc["2017-18", "n"] == 1
    assert by_year.loc["2018-19", ["n", "linked"]].tolist() == [2, 1]
    assert np.isnan(by_year.loc["2020-21", "rate"])
    arrays = links.rates(by={"first": np.array([1, 0, 0, 0, 0, 0])})
    assert arrays[["n", "linked"]].values.tolist() == [[2, 1], [1, 1]]


def test_a_series_goes_by_its_labels_or_not_at_all(links):
    areas = CLOSED["area"]
    assert links.rates(by=areas)["n"].tolist() == [3, 0]
    with pytest.raises(rr.DataError, match="other row labels than index"):
        links.rates(by=areas.sample(frac=1, random_state=1))
    with pytest.raises(rr.DataError, match="other row labels than index"):
        links.rates(by=areas.reset_index(drop=True))


def test_rates_by_bands_of_pandas_and_by_a_frame(links):
    bands = pd.cut(pd.Series([1, 2, 3, 4, 5, 6], index=CLOSED.index), [0, 2, 6])
    assert links.rates(by=bands.rename("age"))[["age", "n"]].values.tolist() == [
        ["(0, 2]", 2],
        ["(2, 6]", 1],
    ]
    months = CLOSED["closed"].dt.to_period("Q").rename("quarter")
    assert links.rates(by=months)["quarter"].tolist() == ["2018Q1", "2018Q2", "2020Q2"]
    assert len(links.rates(by=CLOSED[["area"]])) == 2


def test_one_level_may_stand_alone(links):
    assert "lower_90" in links.rates(levels=0.9)


def test_the_ledger_is_the_callers_own(links):
    mine = links.ledger
    mine["removed"] = 99
    assert (links.ledger["removed"] != 99).any()


def test_what_looks_wrong_is_said():
    late = rr.link(CLOSED, REFERRED, **ASKED, observed_until="2030-12-31")
    assert "long before observed_until=2030-12-31" in repr(late)
    strange = REFERRED.assign(child=["1.0", "2.0", "3.0"])
    lost = rr.link(CLOSED, strange, **ASKED, observed_until="2019-07-31")
    assert "No key of the index occurs in the events" in lost._repr_html_()
    fine = rr.link(CLOSED, REFERRED, **ASKED, observed_until="2019-07-31")
    assert "No key" not in repr(fine)
    assert "long before" not in repr(fine)


def test_observed_follow_up_shows_no_raw_share():
    links = rr.link(
        CLOSED, REFERRED, **ASKED, observed_until="2020-12-31", followup="observed", window=None
    )
    assert "%" not in repr(links)
    assert "read off the Kaplan-Meier curve" in repr(links)


def test_a_financial_year_of_the_table_goes_first():
    own = CLOSED.assign(financial_year="mine")
    links = rr.link(own, REFERRED, **ASKED, observed_until="2020-12-31")
    assert links.rates(by="financial_year")["financial_year"].tolist() == ["mine"]


def test_the_limits_are_wider_where_a_person_repeats():
    table = pd.DataFrame({"child": [1] * 10 + [2] * 10, "closed": days(*["2018-01-01"] * 20)})
    event = pd.DataFrame({"child": [1], "on": days("2018-01-02")})
    links = rr.link(
        table, event, person="child", index_date="closed", event_date="on", followup="ignored"
    )
    apart, together = links.rates(cluster=None).iloc[0], links.rates().iloc[0]
    assert apart["rate"] == together["rate"] == 0.5
    assert together["lower_95"] < apart["lower_95"]
    assert together["deff"] > 1
    assert (together["lower_95"], together["upper_95"]) == pytest.approx(
        rr.wilson(10 / together["deff"], 20 / together["deff"])
    )


def test_observed_follow_up_is_kaplan_meier():
    index = pd.DataFrame({"child": [1, 2, 3, 4], "closed": days(*["2018-01-01"] * 3, "2018-12-01")})
    event = pd.DataFrame({"child": [1, 4], "on": days("2018-02-01", "2018-12-11")})
    links = rr.link(
        index,
        event,
        person="child",
        index_date="closed",
        event_date="on",
        window=60,
        followup="observed",
        observed_until="2018-12-31",
    )
    rate = links.rates().iloc[0]
    # day 10: 1 of 4; day 31: 1 of 3
    assert rate["rate"] == pytest.approx(1 - (3 / 4) * (2 / 3))
    curve = links.curve()
    assert curve["day"].tolist() == [0, 10, 31, 60]
    assert curve["at_risk"].tolist() == [4, 4, 3, 2]


def test_a_group_that_nobody_was_followed_that_long_in_has_no_rate():
    index = pd.DataFrame({"child": [1, 2], "closed": days("2018-01-01", "2018-12-01")})
    event = pd.DataFrame({"child": [2], "on": days("2018-12-11")})
    rates = rr.link(
        index,
        event,
        person="child",
        index_date="closed",
        event_date="on",
        window=60,
        followup="observed",
        observed_until="2018-12-31",
    ).rates(by={"late": np.array([False, True])})
    assert rates["rate"].isna().tolist() == [False, True]


def test_ignored_follow_up_is_said():
    links = rr.link(CLOSED, REFERRED, **ASKED, followup="ignored")
    assert "IGNORED" in repr(links)
    assert "ignored" in links._repr_html_()
    assert (
        "ignored"
        not in rr.link(CLOSED, REFERRED, **ASKED, observed_until="2020-12-31")._repr_html_()
    )


def test_the_page_in_a_notebook_escapes_names():
    odd = CLOSED.rename(columns={"child": "<b>child</b>"})
    asked = ASKED | {"person": (["<b>child</b>"], ["child"])}
    links = rr.link(odd, REFERRED, **asked, observed_until="2020-12-31")
    assert "<b>child" not in links._repr_html_()


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"window": "soon"}, "window='soon' is not a span"),
        ({"window": ["1 year", "12 months"]}, "names '12 months' twice"),
        ({"window": []}, "empty list"),
        ({"window": -1}, "from 0"),
        ({"windw": 3}, "did you mean 'window'"),
        ({"wash_out": 30}, "there is no rule 'wash_out'"),
        ({"observed_untill": 1}, "no argument or rule 'observed_untill'; did you mean 'observed_u"),
        ({"index_filters": {}}, "no argument or rule 'index_filters'; did you mean 'index_filter'"),
        ({"take": "third"}, "take='third' is not a choice"),
        ({"take": 0}, "take=0 is not a choice"),
        ({"direction": "sideways"}, "write 'forward' or 'backward'"),
        ({"window": None}, "never followed completely"),
        ({"window": 0}, "holds the index day only"),
        ({"window": 0, "same_day": "include", "window_end": "exclusive"}, "holds no day"),
        ({"window": 30, "min_gap": 31}, "make the window longer or the gap shorter"),
        ({"event_filter": {"area": ("~", 3)}}, "is not a comparison"),
        ({"event_filter": "x"}, "must be a dict"),
    ],
)
def test_a_rule_that_is_unknown_or_contradicts_is_refused(rules, said):
    with pytest.raises(rr.RuleError, match=said):
        rr.link(CLOSED, REFERRED, **ASKED, observed_until="2020-12-31", **rules)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"observed_until": None}, 'observed_until="2019-06-30"'),
        ({"observed_until": "2021"}, "is not a date"),
        ({"observed_until": 2021}, "looks like a year"),
        ({"definition": "GOLDACRE"}, "is not a Definition"),
        ({"index_date": ["closed"]}, "is not the name of a column"),
        ({"observed_until": "2021-02-30"}, "is not a date"),
        ({"observed_until": "2021-01-01T12:00"}, "time of day"),
        ({"observed_from": "2021-04-01"}, "observed_from is after observed_until"),
        ({"observed_until": {"x": "2020-12-31"}}, "no date for 'y'"),
        ({"person": 3}, "is not a key"),
        ({"person": (["child", "area"], "child")}, "2 columns in the index and 1 in the events"),
    ],
)
def test_an_argument_that_does_not_serve_is_refused(changed, said):
    with pytest.raises(rr.RuleError, match=said):
        rr.link(CLOSED, REFERRED, **(ASKED | {"observed_until": "2020-12-31"} | changed))


def test_the_observed_days_of_an_area_may_stand_in_a_column():
    ends = {"x": "2019-05-05", "y": "2020-12-31"}
    index = CLOSED.assign(end=pd.to_datetime(CLOSED["area"].map(ends)))
    events = REFERRED.assign(end=pd.to_datetime(REFERRED["area"].map(ends)))
    by_column = rr.link(index, events, **ASKED, observed_until="end")
    by_mapping = rr.link(CLOSED, REFERRED, **ASKED, observed_until=ends)
    assert by_column.outcome.tolist() == by_mapping.outcome.tolist()
    assert by_column.followed.tolist() == [True, False, True, False, False, False]
    across = {name: value for name, value in ASKED.items() if name != "scope"}
    nowhere = rr.link(index, events, **across, observed_until="end")
    assert nowhere.followed.tolist() == by_column.followed.tolist()
    with pytest.raises(rr.DataError, match="column 'end', row 2: a date is missing"):
        rr.link(
            index.assign(end=index["end"].mask(index["child"] == "b")),
            events,
            **ASKED,
            observed_until="end",
        )
    with pytest.raises(rr.RuleError, match="observed_until='end' is not a date"):
        rr.link(index, REFERRED, **ASKED, observed_until="end")


def test_what_rates_and_curve_do_not_know_is_refused(links):
    with pytest.raises(rr.RuleError, match="at="):
        links.rates(at="outcome")
    with pytest.raises(rr.RuleError, match="cluster="):
        links.rates(cluster="household")
    with pytest.raises(rr.RuleError, match="cluster="):
        links.curve(cluster="household")
    open_ended = rr.link(CLOSED, REFERRED, **ASKED, window=None, followup="ignored")
    with pytest.raises(rr.RuleError, match="end of observation"):
        open_ended.curve()
    with pytest.raises(rr.DataError, match=r"no column 'aera'.*did you mean 'area'"):
        links.rates(by="aera")


def test_a_key_that_is_text_here_and_a_number_there_is_refused():
    numbers = REFERRED.assign(child=[1, 2, 1])
    with pytest.raises(rr.DataError, match=r"text in index .* a number in events"):
        rr.link(CLOSED, numbers, **ASKED, observed_until="2020-12-31")


def test_a_key_without_a_value_is_of_every_kind():
    numbers = CLOSED.assign(child=[1, 2, 3, 4, 5, 6])
    nobody = REFERRED.assign(child=[None, None, None])
    for index, events in ((numbers, nobody), (nobody, numbers)):
        dates = {"index_date": "closed", "event_date": "on"}
        if index is nobody:
            dates = {"index_date": "on", "event_date": "closed"}
        links = rr.link(index, events, person="child", **dates, followup="ignored")
        assert (links.event_row == -1).all()


# ---------------------------------------------------------------- definitions


@pytest.mark.parametrize("name", rr.definitions.__all__)
def test_a_definition_goes_to_json_and_back(name):
    definition = getattr(rr.definitions, name)
    filtered = definition.replace(event_filter={"source": ["1A", "6"], "age": ("<", 18)})
    for one in (definition, filtered):
        assert rr.Definition.from_json(one.to_json()) == one
        json.loads(one.to_json())
    assert filtered != definition
    assert definition.source
    assert "Not verified" in str(definition)


def test_a_definition_is_a_value():
    with pytest.raises(AttributeError):
        rr.definitions.DFE.window = 3
    assert rr.Definition(window="1 year") == rr.Definition(window="12 months")
    assert "28 days" in str(rr.Definition(window=28, followup="ignored"))
    filtered = rr.Definition(event_filter={"kind": ["a", "b"]})
    assert len({filtered, filtered.replace(ties="first row"), rr.Definition()}) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"windw": 3}', '{"window": "12 soon"}', 5])
def test_json_that_is_no_definition_is_refused(text):
    with pytest.raises(rr.RuleError):
        rr.Definition.from_json(text)


def test_what_was_asked_stands_below_the_rules(links):
    filtered = rr.link(
        CLOSED, REFERRED, **ASKED, observed_until="2020-12-31", index_filter={"area": "x"}
    )
    assert "Index events are dated by closed; outcome events by on." in repr(links)
    for shown in (repr(filtered), filtered._repr_html_()):
        assert "dated by closed, where area is x; outcome events by on." in shown


def test_the_rate_of_a_window_without_end_says_where_to_look():
    links = rr.link(
        *(CLOSED, REFERRED), **ASKED, window=None, followup="observed", observed_until="2020-12-31"
    )
    line = links.rates().iloc[0]
    assert np.isnan(line["rate"])
    assert line["method"] == "none: the window has no end; see curve(), or give a window"


# ---------------------------------------------------------------- exits and repeated events


SEEN_AGAIN = {
    "child": [1, 1, 1, 1, 2, 3],
    "on": days(
        *("2018-01-11", "2018-01-11", "2018-01-21", "2018-03-02", "2018-01-31", "2018-01-06")
    ),
}
LEFT = {
    "child": [1, 2, 3, 4],
    "closed": days(*["2018-01-01"] * 4),
    "died": days(None, None, "2018-01-16", "2018-01-26"),
}
COUNTED = {"person": "child", "index_date": "closed", "event_date": "on", "window": 59}
COUNTED |= {"observed_until": "2018-12-31"}


def test_every_day_with_an_event_counts_in_the_mean():
    table = rr.link(LEFT, SEEN_AGAIN, **COUNTED).mean_count()
    assert table["day"].tolist() == [0, 5, 10, 20, 30, 59]
    assert table["at_risk"].tolist() == [4] * 6
    # Child 1 was seen on two days within 59 days, twice on one of them, and once a day too late.
    assert table["events"].tolist() == [0, 1, 1, 1, 1, 0]
    assert table["mean"].tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1.0, 1.0])


def test_who_left_is_not_at_risk_of_another_event():
    exits = {"death": rr.Exit("died", "compete")}
    table = rr.link(LEFT, SEEN_AGAIN, **COUNTED, exits=exits).mean_count()
    assert table["day"].tolist() == [0, 5, 10, 15, 20, 25, 30, 59]
    assert table["at_risk"].tolist() == [4, 4, 4, 4, 3, 3, 2, 2]
    assert table["terminal"].tolist() == [0, 0, 0, 1, 0, 1, 0, 0]
    # Ghosh-Lin: 1/4 + 1/4, then the share alive (3/4, 1/2) times the events per row at risk.
    mean = [0, 1 / 4, 1 / 2, 1 / 2, 1 / 2 + 3 / 4 / 3, 3 / 4, 3 / 4 + 1 / 2 / 2, 1.0]
    assert table["mean"].tolist() == pytest.approx(mean)
    censored = rr.link(LEFT, SEEN_AGAIN, **COUNTED, exits={"death": rr.Exit("died", "censor")})
    net = [0, 1 / 4, 1 / 2, 1 / 2, 1 / 2 + 1 / 3, 5 / 6, 5 / 6 + 1 / 2, 4 / 3]
    assert censored.mean_count()["mean"].tolist() == pytest.approx(net)


def test_a_curve_where_exits_compete_has_every_cause():
    exits = {"death": rr.Exit("died", "compete")}
    links = rr.link(LEFT, SEEN_AGAIN, **COUNTED, exits=exits)
    curve = links.curve().set_index(["cause", "day"])["risk"]
    assert curve["linked"].iloc[-1] == links.rates()["rate"].iloc[0] == 0.75
    assert curve["death"].iloc[-1] == 0.25
    names = [links.outcome_names[code] for code in links.outcome]
    assert names == ["linked", "linked", "linked", "death"]


def test_persons_that_repeat_widen_a_curve_and_leave_its_risk():
    twice = pd.concat([pd.DataFrame(LEFT)] * 2, ignore_index=True)
    links = rr.link(twice, SEEN_AGAIN, **COUNTED, followup="observed")
    plain, wide = links.curve(), links.curve(cluster="person")
    pd.testing.assert_series_equal(plain["risk"], wide["risk"])
    inside = (plain["risk"] > 0) & (plain["risk"] < 1)
    # Every child stands there twice, so the variance is twice that of independent rows.
    ratio = (wide["std_error"] / plain["std_error"])[inside]
    assert ratio.to_numpy() == pytest.approx(np.sqrt(2))
    assert (
        (wide["upper"] - wide["lower"])[inside].gt((plain["upper"] - plain["lower"])[inside]).all()
    )


# ---------------------------------------------------------------- Ctrl-C


def test_ctrl_c_stops_a_long_link_at_once():
    program = textwrap.dedent(
        """
        import time
        import numpy as np
        import rereferral as rr
        n = 4_000_000
        child = np.random.default_rng(1).integers(0, 2**60, n)
        day = np.random.default_rng(2).integers(16_000, 19_000, n)
        table = {"child": child, "day": day}
        rr.link({"child": child[:9], "day": day[:9]}, table, person="child", index_date="day",
                event_date="day", followup="ignored")
        print("ready", flush=True)
        try:
            while True:
                rr.link(table, table, person="child", index_date="day", event_date="day",
                        followup="ignored")
        except KeyboardInterrupt:
            print("stopped", flush=True)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert output == "stopped\n"
    assert process.returncode == 0


def test_a_group_that_is_no_column_may_be_meant_for_one_that_is_derived():
    links = rr.link(CLOSED, REFERRED, **ASKED, observed_until="2020-12-31")
    for at in ("index", "event"):
        with pytest.raises(rr.DataError, match="no column 'year'; did you mean 'financial_year'"):
            links.rates(by="year", at=at)


def test_a_table_that_is_both_is_called_by_the_side_that_lacks_the_column():
    asked = {**ASKED, "event_date": "begun", "observed_until": "2020-12-31"}
    with pytest.raises(rr.DataError, match=r"^events has no column 'begun'"):
        rr.link(CLOSED, CLOSED, **asked)


def test_a_last_day_as_yyyymmdd_is_refused():
    with pytest.raises(rr.RuleError, match='days since 1970-01-01: write "2020-12-31"'):
        rr.link(CLOSED, REFERRED, **ASKED, observed_until=20201231)
