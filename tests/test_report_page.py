"""The page and its figures: nothing from elsewhere, numbers that agree, nothing that overlaps."""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import report_by_hand as by_hand

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

from legible import assert_legible  # noqa: E402
from rereferral.errors import RereferralError  # noqa: E402
from rereferral.report import (  # noqa: E402
    alternative,
    exclusions,
    figures,
    regions,
    saving,
    style,
)

VOID = {"meta", "link", "img", "source", "br", "hr", "input"}


class Page(HTMLParser):
    """What a page is made of; an element that is not closed where it should be is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.headings: list[int] = []
        self.tables: list[dict[str, list[list[str]] | str]] = []
        self.words: list[str] = []
        self.cell: list[str] | None = None
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> repeats an attribute"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "table":
            self.tables.append({"caption": "", "rows": []})
        if tag == "tr":
            self.tables[-1]["rows"].append([])
        if tag in ("th", "td", "caption"):
            self.cell = []

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> where <{self.open[-1]}> is open"
        self.open.pop()
        if tag in ("th", "td"):
            self.tables[-1]["rows"][-1].append("".join(self.cell))
        if tag == "caption":
            self.tables[-1]["caption"] = "".join(self.cell)

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            return
        self.words.append(data)
        if self.cell is not None:
            self.cell.append(data)

    def table(self, caption):
        return next(table["rows"] for table in self.tables if caption in table["caption"])

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def made(report, folder):
    saving.save(report, folder / "report")
    return Page((folder / "report" / "UNPROTECTED-index.html").read_text("utf-8"))


@pytest.fixture(scope="module")
def england():
    return by_hand.report()


@pytest.fixture(scope="module")
def folder(england, tmp_path_factory):
    folder = tmp_path_factory.mktemp("england")
    saving.save(england, folder / "report")
    return folder / "report"


@pytest.fixture(scope="module")
def page(folder):
    return Page((folder / "UNPROTECTED-index.html").read_text("utf-8"))


# --------------------------------------------------------------------------- what it is made of


def test_nothing_comes_from_elsewhere(page, folder):
    assert not page.of("script")
    assert not page.of("link")
    for tag, attributes in page.elements:
        for name in ("src", "srcset", "href", "data", "action", "poster"):
            target = attributes.get(name)
            if target is not None:
                assert target.startswith(("data:", "#")), f"<{tag} {name}={target[:60]!r}>"
    text = (folder / "UNPROTECTED-index.html").read_text("utf-8")
    assert "@import" not in text
    assert "url(" not in text


def test_headings_follow_one_another_and_names_lead_somewhere(page):
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(page.headings))
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert set(ids.values()) == {1}
    for _, attributes in page.elements:
        target = (attributes.get("href") or "").removeprefix("#")
        label = attributes.get("aria-labelledby")
        assert not target or target in ids
        assert label is None or label in ids
    assert page.of("html")[0]["lang"] == "en-GB"


def test_tables_tell_their_headings(page):
    assert len(page.tables) > 10
    for table in page.tables:
        assert table["caption"].strip()
    for attributes in page.of("th"):
        assert attributes.get("scope") in ("col", "row", "rowgroup")


def test_every_table_and_figure_says_simulated(page, england, folder):
    for table in page.tables:
        assert "SIMULATED" in table["caption"] or table["caption"] == "Versions"
    for image in page.of("img"):
        assert image["alt"].startswith("SIMULATED. ")
    for path in (folder / "figures").glob("*.svg"):
        assert '<title id="title">SIMULATED. ' in path.read_text("utf-8")
    for path in (folder / "tables").glob("*.csv"):
        assert set(pd.read_csv(path)["status"]) == {"SIMULATED"}


def test_official_counts_are_not_called_simulated(page):
    tags = {"Beside the official": "this report's column", "claim by claim": "what is counted here"}
    for caption, what in tags.items():
        told = next(table["caption"] for table in page.tables if caption in table["caption"])
        assert told.startswith(f"SIMULATED: {what} ")
    assert page.table("claim by claim")[0][2] == "Held against"


def test_what_was_put_in_says_nothing_of_councils_or_help(page, tmp_path):
    real = made(by_hand.report(2, 1, 40, simulated=False), tmp_path)
    put_in = ("both rates were put in alike", "the rates of the authorities were put in")
    assert [sentence in " ".join(page.words) for sentence in put_in] == [True, True]
    assert [sentence in " ".join(real.words) for sentence in put_in] == [False, False]
    assert "is not an effect of early help" in " ".join(real.words)


def test_without_official_counts_there_is_no_table_of_them(tmp_path):
    report = by_hand.report(2, 1, 40)
    report.tables["reconciliation"]["official"] = pd.array([pd.NA] * 3, dtype="Int64")
    page = made(report, tmp_path)
    assert not [table for table in page.tables if "official series" in table["caption"]]
    assert "No official count is known" in " ".join(page.words)


def test_a_leap_day_is_told_only_where_there_is_one(page, tmp_path):
    told = "Twelve months with a 29 February"
    assert told not in " ".join(page.words)
    report = by_hand.report(2, 1, 40)
    report.tables["curve"].loc[report.tables["curve"].index[-1], "day"] = 366
    assert told in " ".join(made(report, tmp_path).words)


def test_an_authority_without_a_rate_is_explained(tmp_path):
    rows = by_hand.authority_rows(2, 1, 40, names=[("Here", "London"), ("There", "London")])
    rows.loc[1, by_hand.COUNTS[1:]] = 0
    words = " ".join(made(by_hand.report(counts=rows), tmp_path).words)
    assert "no closure was below the threshold: There." in words


def test_the_lead_has_no_rate_of_nobody(tmp_path):
    rows = by_hand.authority_rows(1, 1, 40)
    rows[by_hand.COUNTS] = [12, 0, 0, 0, 0, 0]
    report = by_hand.report(counts=rows)
    for name in ("curve", "arms"):  # as a report has them then
        report.tables[name] = report.tables[name].iloc[:0]
    page = made(report, tmp_path)
    words = " ".join(page.words)
    assert "No closure of this table was below the threshold" in words
    assert "– were" not in words
    empty = [table["caption"] for table in page.tables if len(table["rows"]) == 1]
    assert empty == []


def test_terms_of_the_core_are_told_in_plain_words(tmp_path):
    report = by_hand.report(3, 1, 40)
    report.tables["chain_by_authority"]["method"] = [
        "Wilson",
        "Wilson, n/deff, person clusters",
        "Wilson, deff of person clusters below 1 not used",
    ]
    report.tables["ledger"].loc[0, "step"] = "null"
    page = made(report, tmp_path)
    words = " ".join(page.words)
    assert "deff" not in words
    assert "not narrowed for children who come more than once" in words
    steps = [row[1] for row in page.table("rows given") if len(row) > 1]
    assert steps[1] == "missing value"


def test_real_data_are_not_called_simulated(tmp_path):
    saving.save(by_hand.report(2, 1, 40, simulated=False), tmp_path / "report")
    text = (tmp_path / "report" / "UNPROTECTED-index.html").read_text("utf-8")
    assert "SIMULATED" not in text
    assert "Every count on this page is exact, small ones too" in text
    assert (
        "status"
        not in pd.read_csv(tmp_path / "report" / "tables" / "UNPROTECTED-chain.csv").columns
    )


def test_figures_are_told_in_words_with_the_numbers_of_the_tables(page, england, folder):
    told = {image["alt"] for image in page.of("img")}
    assert len(told) == 6
    words = " ".join(told)
    chain = england.tables["chain"].iloc[0]
    for name in by_hand.COUNTS:
        assert f"{int(chain[name]):,}" in words
    for row in england.tables["chain_by_year"].itertuples():
        assert f"{row.financial_year} {half_up(row.rereferred, row.followed)}\xa0%" in words
    known = england.tables["chain_by_authority"].sort_values("rate")
    for row in (known.iloc[0], known.iloc[-1]):
        assert (
            f"{row['authority_name']} {half_up(row['rereferred'], row['followed'])}\xa0%" in words
        )
    for path in (folder / "figures").glob("*.svg"):
        described = re.search(r'<desc id="desc">(.*?)</desc>', path.read_text("utf-8"))[1]
        assert described in told


# --------------------------------------------------------------------------- numbers


def half_up(a, b):
    """One decimal of a percentage, half up, in whole numbers."""
    return f"{(2000 * int(a) + int(b)) // (2 * int(b)) / 10:.1f}"


def whole(cell):
    return int(cell.replace(",", ""))


@pytest.mark.parametrize(
    "caption", ["total and average", "by financial year", "by region", "by authority"]
)
def test_percentages_agree_with_the_counts_beside_them(page, caption):
    header, *rows = page.table(caption)
    rows = [row for row in rows if len(row) == len(header)]
    assert rows
    for row in rows:
        cells = dict(zip(header, row, strict=True))
        if cells[header[0]] == "average a year":
            continue  # averages are rounded, so their quotient is not the rate
        below, kept = whole(cells["Below the threshold, closed"]), whole(cells["Not stepped down"])
        followed, again = whole(cells["Followed for 12 months"]), whole(cells["Re-referred"])
        assert cells["Share not stepped down"] == f"{half_up(kept, below)}\xa0%"
        assert cells["Share re-referred"] == f"{half_up(again, followed)}\xa0%"


def test_halves_are_rounded_up(tmp_path):
    counts = by_hand.authority_rows(1, 1, 10)
    counts[by_hand.COUNTS] = [
        400,
        400,
        0,
        400,
        400,
        65,
    ]  # 16.25 %, which binary rounding makes 16.2
    page = made(by_hand.report(counts=counts), tmp_path)
    header, row = page.table("by financial year")
    assert dict(zip(header, row, strict=True))["Share re-referred"] == "16.3\xa0%"


def test_an_average_a_year_has_the_rate_of_the_total(page):
    header, total, average = page.table("total and average")
    for name in ("Share not stepped down", "Share re-referred"):
        assert average[header.index(name)] == total[header.index(name)]


def test_headline_stands_beside_what_was_published(page, england):
    rows = page.table("Too little, too late")[1:]
    assert [row[1] for row in rows] == [
        text.replace(" %", "\xa0%") for text in england.headline["published"]
    ]
    assert rows[1][2] == f"{int(england.headline['ours'].iloc[1]):,}"
    assert rows[0][2] == f"{england.headline['ours'].iloc[0]:.1f}\xa0%"


def test_closures_are_never_called_children_a_year(page):
    assert "children a year" not in " ".join(page.words)


@pytest.mark.parametrize(
    "counts", [[0] * 6, [12, 0, 0, 0, 0, 0], [9, 9, 9, 0, 0, 0], [5, 4, 1, 3, 0, 0]]
)
def test_nobody_to_count_is_a_dash_not_a_number(tmp_path, counts):
    rows = by_hand.authority_rows(1, 1, 10)
    rows[by_hand.COUNTS] = counts
    report = by_hand.report(counts=rows)
    page = made(report, tmp_path)
    header, row = page.table("by financial year")
    assert dict(zip(header, row, strict=True))["Share re-referred"] == "–"
    assert not re.search(r"\bnan\b|\bNaN\b|\bNone\b|<NA>", " ".join(page.words))


def test_names_are_text_and_never_markup(tmp_path):
    names = [("<script>alert(1)</script>", "A & B"), ('"O\'Brien" <b>', "$x^2$ %d {{ 7 * 7 }}")]
    report = by_hand.report(2, 1, 40, names=names)
    report.notes.append("<img src=x onerror=alert(2)>")
    report.options["<i>option</i>"] = "<u>value</u>"
    page = made(report, tmp_path)
    assert not page.of("script")
    assert not [tag for tag, _ in page.elements if tag in ("b", "i", "u")]
    assert all(image["src"].startswith("data:") for image in page.of("img"))
    words = " ".join(page.words)
    for text in [*itertools.chain(*names), report.notes[-1], "<i>option</i>", "<u>value</u>"]:
        assert text in words
    manifest = json.loads((tmp_path / "report" / "manifest.json").read_text("utf-8"))
    assert manifest["options"]["<i>option</i>"] == "<u>value</u>"


# --------------------------------------------------------------------------- figures

DRAWN = [
    (figures.flow, "chain"),
    (figures.rate_by_year, "chain_by_year"),
    (figures.authorities, "chain_by_authority"),
    (figures.time_to_rereferral, "curve"),
    (exclusions.exclusions, "ledger"),
]
PANELS = [(regions.regions, "chain_by_authority")]


@pytest.mark.parametrize("width", [7.5, 3.75])
@pytest.mark.parametrize(("figure", "table"), DRAWN + PANELS)
@pytest.mark.parametrize(
    ("areas", "years", "size"), [(152, 5, 4000), (20, 11, 300), (3, 2, 30), (1, 1, 9)]
)
def test_nothing_overlaps_and_nothing_is_cut_off(figure, table, areas, years, size, width):
    names = [
        ("Bournemouth, Christchurch and Poole", "South West"),
        ("Kingston upon Hull, City of", "Yorkshire and The Humber"),
        ("Bath and North East Somerset", "South West"),
        ("York", "Yorkshire and The Humber"),
    ]
    report = by_hand.report(areas, years, size, names=names)
    source = "Source: a_file_with_a_rather_long_name_2012_to_2021.csv; own calculation."
    axes = figure(report.tables[table], simulated=True, source=source, width=width)
    assert_legible(axes)


@pytest.mark.parametrize("width", [7.5, 3.75])
@pytest.mark.parametrize(
    "counts",
    [
        (0, 0, 0, 0, 0),
        (100, 100, 0, 100, 100),
        (12, 0, 0, 0, 0),
        (100, 100, 100, 0, 0),
        (1_234_567, 9, 4, 4, 0),
        (1_234_567, 1_234_566, 1, 1_234_560, 1),
        (99_999_999, 50_000_000, 7_500_000, 42_000_000, 12_000_000),
    ],
)
def test_the_flow_is_legible_at_any_share(counts, width):
    assessed, below, stepped, followed, again = counts
    chain = pd.DataFrame(
        [
            {
                "label": "2015-16 to 2019-20",
                "assessed": assessed,
                "below_threshold": below,
                "stepped_down": stepped,
                "not_stepped_down": below - stepped,
                "followed": followed,
                "rereferred": again,
            }
        ]
    )
    axes = figures.flow(chain, width=width)
    assert_legible(axes)
    written = {text.get_text() for text in axes.texts}
    assert {
        f"{number:,}" for number in (assessed, below, stepped, below - stepped, again)
    } <= written


@pytest.mark.parametrize(
    ("kept", "rate", "shown"),
    [
        (0.855, 0.25, {"85.5", "14.5", "25.0", "75.0"}),  # of rounded counts: 14.4 and 25.1
        (6580 / 7700, 1650 / 6580, {"85.5", "14.5", "25.1", "74.9"}),
    ],
)
def test_the_flow_has_the_shares_of_the_table_and_pairs_of_a_hundred(kept, rate, shown):
    counts = [27170, 7700, 1110, 6580, 6580, 1650]
    chain = pd.DataFrame([counts], columns=by_hand.COUNTS).assign(
        label="2015-16 to 2019-20", share_not_stepped_down=kept, rate=rate
    )
    written = " ".join(text.get_text() for text in figures.flow(chain).texts)
    found = set(re.findall(r"([0-9.]+)\s% of", written))
    assert found - {"28.3", "71.7"} == shown
    told = alternative.flow(chain)
    assert f"({100 * kept:.1f}\xa0%)" in told
    assert f"({100 * rate:.1f}\xa0%)" in told


def test_regions_are_set_side_by_side_where_there_are_several(england, tmp_path):
    assert regions.several(england.tables["chain_by_authority"])
    page = made(by_hand.report(1, 2, 30), tmp_path)
    assert len(page.of("img")) == 5
    assert not any("a panel for each region" in image["alt"] for image in page.of("img"))


def test_the_words_of_regions_and_exclusions_have_the_numbers_of_the_tables(page, england):
    words = " ".join(image["alt"] for image in page.of("img"))
    table = england.tables["chain_by_authority"]
    for region, rows in table[table["rate"].notna()].groupby("region", observed=True):
        highest = rows.sort_values(["rate", "authority"]).iloc[-1]
        assert f"{region}: {len(table[table['region'] == region])} authorit" in words
        assert (
            f"{highest['authority_name']} {half_up(highest['rereferred'], highest['followed'])}"
            in words
        )
    for row in england.tables["ledger"].itertuples():
        assert (f"{row.removed:,}: {row.reason}" in words) == (row.removed > 0)


def test_bands_of_the_flow_are_as_wide_as_their_counts(england):
    axes = figures.flow(england.tables["chain"])
    row = england.tables["chain"].iloc[0]
    other = row["assessed"] - row["below_threshold"]
    kept, lost = row["not_stepped_down"], row["stepped_down"]
    again, not_again = row["rereferred"], row["followed"] - row["rereferred"]
    expected = [row["below_threshold"], other, kept, lost, again, not_again, kept - row["followed"]]
    paths = [patch.get_path() for patch in axes.patches if len(patch.get_path().vertices) > 8]
    thick = [path.vertices[-2, 1] - path.vertices[0, 1] for path in paths]
    scale = thick[0] / expected[0]
    np.testing.assert_allclose(thick, scale * np.array(expected), rtol=1e-6)


def test_figures_draw_into_axes_that_are_given(england):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 30))
    for place, (draw, table) in enumerate(DRAWN):
        given = figure.add_axes((0.3, 0.04 + 0.19 * place, 0.6, 0.13))
        assert draw(england.tables[table], given) is given
        assert given.texts or given.lines


def test_settings_of_the_user_stay_and_change_nothing(england):
    plain = style.to_svg(figures.flow(england.tables["chain"]).figure, "t", "d")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.hashsalt": "x"}):
        before = dict(matplotlib.rcParams)
        mine = style.to_svg(figures.flow(england.tables["chain"]).figure, "t", "d")
        assert dict(matplotlib.rcParams) == before
    assert mine == plain


def test_a_missing_package_is_named_in_one_sentence(monkeypatch, tmp_path):
    report = by_hand.report(1, 1, 9)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(RereferralError, match=r"matplotlib; install it with.*rereferral\[report\]"):
        saving.save(report, tmp_path / "report")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(RereferralError, match=r"Jinja2; install it with.*rereferral\[report\]"):
        saving.save(report, tmp_path / "report")
    assert not list(tmp_path.iterdir())
