"""The grammar against two others: a regular expression, and Python's csv module."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rereferral import CSVError
from rereferral.reading import read_records

# RFC 4180, with any of the three ends of line and with none at the end of the file.
FIELD = r'(?:"(?:[^"]|"")*"|[^",\r\n]*)'
RECORD = rf"{FIELD}(?:,{FIELD})*"
END = r"(?:\r\n|\n|\r)"
DOCUMENT = re.compile(rf"(?:{RECORD}{END})*{RECORD}")

NASTY = st.text(alphabet='ab,"\n\r \té\0', max_size=14)
FIELDS = st.sampled_from(
    ["a", "", " ", '"a"', '""', '"a""b"', '"\n"', '"\r\n"', '"\r"', '",é"', '"']
)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\r\n\r", ""])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Mostly well-formed: what varies is the shape of fields, records and ends of line."""
    width = draw(st.integers(1, 3))
    text = draw(ENDS)
    for _ in range(draw(st.integers(0, 4))):
        fields = draw(st.lists(FIELDS, min_size=width, max_size=width))
        text += ",".join(fields) + draw(ENDS)
    return text


def expected(text: str) -> list[list[str]] | None:
    """The records, or None where they are to be refused."""
    if "\0" in text or DOCUMENT.fullmatch(text) is None:
        return None
    records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    filled = [record for record in records if record]
    width = len(filled[0]) if filled else 1
    records = [record or [""] for record in records] if width == 1 else filled
    return records if all(len(record) == width for record in records) else None


def read(text: str, block_size: int) -> list[list[str]] | None:
    try:
        return read_records(text.encode(), block_size=block_size)
    except CSVError:
        return None


@settings(deadline=None)
@given(NASTY | documents())
@example("")
@example("\n\n")
@example("\n\na,b\n\n\r\n\r1,2")
@example('a\r"b\r\n\r"\r\n')
@example('"a"\r\n\r\n"b"')
@example('a,b\n"1\n2')
def test_blocks_cut_at_every_byte(text: str) -> None:
    answer = expected(text)
    for block_size in range(len(text.encode()) + 2):
        assert read(text, block_size) == answer, block_size


@pytest.mark.parametrize("blank", ["", "\n", "\r\n", "\r", "\n\r\n\r"])
def test_a_mark_at_the_start_is_no_text(blank: str) -> None:
    text = "\ufeff" + blank + '"a",b\n'
    for block_size in range(len(text.encode())):
        assert read(text, block_size) == [["a", "b"]]


def test_the_field_that_is_too_long() -> None:
    assert read_records(b"a" * (2**20 - 1)) == [["a" * (2**20 - 1)]]
    with pytest.raises(CSVError, match=r"line 2, column 1: .*is longer than 1 MiB"):
        read_records(b"b\n" + b"a" * 2**20)
