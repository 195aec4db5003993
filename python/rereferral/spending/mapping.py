"""Which lines are early and which late intervention, year by year: data, not code."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import pandas as pd

from rereferral.errors import DataError, RuleError
from rereferral.small_tables import column_of, small_table
from rereferral.spending.lines import COLUMNS, Lines, is_near, key, long_table
from rereferral.years import year_of

__all__ = ["SIDES", "checked", "corrected", "mapped", "mapping", "published"]

SIDES = ("early", "late")

_COLUMNS = ("source", "first_year", "last_year", "line", "description", "side")
_MEMO = re.compile(r"\(?included (in|above|within)\b", re.IGNORECASE)


def _table(name: str) -> pd.DataFrame:
    with (files("rereferral") / "data" / name).open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)


def mapping() -> pd.DataFrame:
    """The lines that count as early and as late intervention, by source and year.

    Returns
    -------
    DataFrame
        ``source`` (``s251``, ``ro3``, ``outturn``, ``published``), ``first_year`` and ``last_year``
        (``2015-16``), ``line`` (number) and ``description`` as published (of several spellings
        either, with ``|`` between them), ``side`` (``early``, ``late``), ``in_file`` (``no``: it
        belongs to that side, but the file does not have it, so that the side is not whole) and a
        ``note``.

    Notes
    -----
    Early is Sure Start, family support and services for young people; late is children looked
    after, safeguarding and youth justice. In 2010-11 late has the strategy of children's services
    in it and no youth justice, since lines were cut otherwise then. To count otherwise, change the
    table and give it to `early_and_late`.

    Examples
    --------
    >>> from rereferral import spending
    >>> lines = spending.mapping()
    >>> lines.loc[(lines["source"] == "s251") & (lines["side"] == "late"), "line"].tolist()
    ['3.1.11', '3.3.4', '3.6.1']
    """
    return _table("spending_lines.csv")


def published() -> Lines:
    """Expenditure of 2010-11 in England, as published; no file at hand has that year by line.

    Returns
    -------
    Lines
        With ``source`` ``"published"``. Late intervention is there whole and in its parts, which
        are rounded and add up to 0.1 more.

    Examples
    --------
    >>> from rereferral import spending
    >>> spending.published().table[["description", "net"]].head(3)
                     description       net
    0                 Sure Start  1245.651
    1             Family support   773.273
    2  Services for young people  1021.535
    """
    given = _table("spending_2010_11.csv")
    rows = given.assign(
        area="E92000001",
        area_name="England",
        area_class=None,
        line="",
        net=given["net"].astype(float),
    )
    name = "Section 251 outturn 2010-11, as published"
    return Lines(*long_table(rows[list(COLUMNS)], {}, name), "published", name)


def corrected(source: str, table: pd.DataFrame) -> tuple[pd.Series, list[str]]:
    """The codes of areas, with those that a publisher got wrong put right, and what was."""
    codes = table["area"].copy()
    notes = []
    for wrong in _table("spending_codes.csv").query("source == @source").itertuples():
        rows = (
            (table["financial_year"] == wrong.financial_year)
            & (table["area"] == wrong.published)
            & (table["area_name"].map(key) == key(wrong.area_name))
        )
        if rows.any():
            codes[rows] = wrong.area
            notes.append(
                f"{wrong.area_name} stands as {wrong.published} in {wrong.financial_year}, which "
                f"is not its code: read as {wrong.area}"
            )
    return codes, notes


# ------------------------------------------------------------------------------- a user's own


def checked(given: Any) -> pd.DataFrame:
    """A mapping as `mapped` takes it.

    Raises
    ------
    DataError
        A column is not there.
    RuleError
        A side is neither, a year is no label, or a row names no line.
    """
    table = mapping() if given is None else small_table(given, "the mapping")
    for name in _COLUMNS:
        column_of(table, name, "the mapping")
    for name, usual in (("in_file", "yes"), ("note", "")):
        if name not in table.columns:
            table = table.assign(**{name: usual})
    table = table.astype(object).where(table.notna(), "")
    for row in table.itertuples():
        if row.side not in SIDES:
            raise RuleError(f"the mapping, row {row.Index}: side {row.side!r} is not early or late")
        if row.in_file not in ("yes", "no"):
            raise RuleError(
                f"the mapping, row {row.Index}: in_file {row.in_file!r} is not yes or no"
            )
        for label in (row.first_year, row.last_year):
            if year_of(str(label)) is None:
                raise RuleError(f"the mapping, row {row.Index}: {label!r} is no financial year")
        if not str(row.line).strip() and not str(row.description).strip():
            raise RuleError(f"the mapping, row {row.Index}: names no line")
    return table


# ------------------------------------------------------------------------------- lines found


def mapped(lines: Lines, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """The lines that count, each with its side.

    Parameters
    ----------
    lines : Lines
        As a reader gives them.
    table : DataFrame
        As `checked` gives it.

    Returns
    -------
    counted : DataFrame
        The rows of ``lines.table`` that count, and ``side``.
    not_held : DataFrame
        ``financial_year``, ``side``, ``description``: what belongs there and is not in the file.
    notes : list of str
        Descriptions that were read as others.

    Raises
    ------
    RuleError
        The mapping has no lines of a year, or counts one twice or a memo line.
    DataError
        The file lacks a line that the mapping names, or has another under its number.
    """
    counted: list[pd.DataFrame] = []
    gone: list[tuple[Any, ...]] = []
    notes: list[str] = []
    for year, rows in lines.table.groupby("financial_year", sort=False):
        of_year = table[
            (table["source"] == lines.source)
            & (table["first_year"].map(year_of) <= year_of(year))
            & (table["last_year"].map(year_of) >= year_of(year))
        ]
        if of_year.empty:
            raise RuleError(
                f'the mapping has no lines of "{lines.source}" in {year}; add rows to '
                "spending.mapping() and give it as mapping="
            )
        held = rows[["line", "description"]].drop_duplicates()
        used: dict[tuple[str, str], str] = {}
        for wanted in of_year.itertuples():
            if wanted.in_file == "no":
                gone.append((year, wanted.side, _said(wanted)))
                continue
            spellings = _find(held, wanted, f"{lines.name}, {year}", notes)
            for spelling in spellings:
                if spelling in used:
                    raise RuleError(f"the mapping counts {_name(spelling)} twice in {year}")
                used[spelling] = wanted.side
            own = pd.MultiIndex.from_frame(rows[["line", "description"]]).isin(spellings)
            part = rows[own].assign(side=wanted.side)
            lacking = set(rows["area"]) - set(part["area"])
            if lacking:
                names = rows.loc[rows["area"].isin(lacking), "area_name"].unique()
                raise DataError(
                    f"{lines.name}, {year}: no line {_said(wanted)}, which the mapping counts as "
                    f"{wanted.side}, of {', '.join(map(str, names[:5]))}"
                )
            counted.append(part)
        _refuse_double(lines.source, held, list(used), str(year))
    found = pd.concat(counted, ignore_index=True)
    columns = ["financial_year", "side", "description"]
    return found, pd.DataFrame(gone, columns=columns), list(dict.fromkeys(notes))


def _said(wanted: Any) -> str:
    return f'"{" ".join(filter(None, [wanted.line, wanted.description.split("|")[0]]))}"'


def _name(line: tuple[str, str]) -> str:
    return f'"{" ".join(filter(None, line))}"'


def _find(held: pd.DataFrame, wanted: Any, where: str, notes: list[str]) -> list[tuple[str, str]]:
    """The line that a row of the mapping names, in all the spellings that it has in the file."""
    pairs = list(held.itertuples(index=False, name=None))
    known = [text.strip() for text in wanted.description.split("|") if text.strip()]
    if wanted.line:
        numbered = [pair for pair in pairs if pair[0] == wanted.line]
        for pair in numbered:
            if known and not any(is_near(pair[1], text) for text in known):
                raise DataError(
                    f'{where}: line {wanted.line} is "{pair[1]}", not {_said(wanted)} as the '
                    "mapping has it"
                )
        found = numbered
    else:
        found = [pair for pair in pairs if any(key(pair[1]) == key(text) for text in known)]
        found = found or [p for p in pairs if any(is_near(p[1], text) for text in known)]
    if not found:
        raise DataError(
            f"{where}: no line {_said(wanted)}, which the mapping counts as {wanted.side}"
        )
    for _, text in found:
        if known and key(text) not in map(key, known):
            notes.append(f'{where}: "{text}" is read as "{known[0]}"')
    return found


# ------------------------------------------------------------------------------- counted twice


def _refuse_double(source: str, held: pd.DataFrame, used: list[tuple[str, str]], year: str) -> None:
    """Refuse memo lines, and a line beside the total that it is in."""
    pairs = list(held.itertuples(index=False, name=None))
    for line in used:
        if _MEMO.search(line[1]):
            raise RuleError(
                f"the mapping counts {_name(line)} in {year}: a memo line, included in others"
            )
        for part in _parts(source, line, pairs):
            if part in used:
                raise RuleError(
                    f"the mapping counts {_name(part)} in {year} twice: it is a part of "
                    f"{_name(line)}"
                )


def _parts(
    source: str, whole: tuple[str, str], pairs: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """The lines of a file that a line has in it."""
    number, text = whole
    if source == "published":
        parts = _table("spending_2010_11.csv").query("part_of == @text")["description"]
        return [pair for pair in pairs if pair[1] in set(parts)]
    total = key(text).startswith("total ")
    if source == "s251":
        lettered = [p for p in pairs if re.fullmatch(re.escape(number) + "[a-z]", p[0])]
        if lettered or not total:
            return lettered
        stems = (
            ("3.", "4.", "5.") if number.startswith("5.") else (number.rpartition(".")[0] + ".",)
        )
        return [p for p in pairs if p != whole and p[0].startswith(stems)]
    above = pairs[: pairs.index(whole)] if total else []
    if source == "outturn" and text.startswith("TOTAL"):  # of all that there is
        return above
    totals = [at for at, (_, other) in enumerate(above) if key(other).startswith("total ")]
    return above[totals[-1] + 1 if totals else 0 :]
