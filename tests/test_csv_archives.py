"""CSV packed with gzip or zstd: the same table, or an error that says it is the archive."""

from __future__ import annotations

import functools
import gzip
import importlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import rereferral as rr
from rereferral import archives
from rereferral.cli import main
from rereferral.reading import read_header, read_records

zstd = importlib.import_module(
    "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
)

HEADER = "child_id,closure_date,reason_for_closure\n"
ROWS = "".join(f"{i * 7919**3 % 10**9},2019-0{i % 9 + 1}-01,RC8\n" for i in range(40_000))
TEXT = (HEADER + ROWS).encode()  # more than one block, and more than one piece when packed
SKIPPABLE = b"\x50\x2a\x4d\x18\x03\0\0\0abc"  # RFC 8878, section 3.1.2

PACK = {"gzip": gzip.compress, "zstd": zstd.compress}
MEMBERS = {
    "one": lambda pack: pack(TEXT),
    "several, cut inside a line": lambda pack: pack(TEXT[:100_001]) + pack(TEXT[100_001:]),
    "an empty one": lambda pack: pack(b"") + pack(TEXT) + pack(b""),
    "one a row": lambda pack: b"".join(
        pack(line) for line in TEXT.splitlines(keepends=True)[:2000]
    ),
}

packed = pytest.mark.parametrize("kind", ["gzip", "zstd"])


@pytest.fixture(autouse=True)
def unpacked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where archives are unpacked; it is empty when a test is over."""
    folder = tmp_path / "unpacked"
    folder.mkdir()
    monkeypatch.setattr(archives.tempfile, "tempdir", str(folder))
    return folder


def write(tmp_path: Path, content: bytes, name: str = "episodes.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def refused(path: Path, message: str) -> None:
    for read in (rr.read_csv, rr.read_columns, read_records):
        with pytest.raises(rr.CSVError, match="^" + re.escape(f"{path}: ") + message):
            read(path)


@packed
@pytest.mark.parametrize("members", MEMBERS)
def test_the_same_table(tmp_path: Path, kind: str, members: str) -> None:
    archive = MEMBERS[members](PACK[kind])
    unpack = {"gzip": gzip.decompress, "zstd": zstd.decompress}[kind]
    plain = write(tmp_path, unpack(archive), "plain.csv")
    path = write(tmp_path, archive)
    pd.testing.assert_frame_equal(rr.read_csv(path), rr.read_csv(plain))
    assert read_header(path) == HEADER.strip().split(",")
    assert read_records(path) == read_records(plain)


def test_a_zstd_frame_to_be_skipped(tmp_path: Path) -> None:
    path = write(tmp_path, SKIPPABLE + zstd.compress(TEXT))
    assert len(rr.read_csv(path)) == 40_000


def test_gzip_that_is_padded(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(TEXT).ljust(1 << 20, b"\0"))
    assert len(rr.read_csv(path)) == 40_000


def test_zstandard_where_nothing_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("zstandard")
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    content = zstd.compress(TEXT[:100_001]) + SKIPPABLE + zstd.compress(TEXT[100_001:])
    assert len(rr.read_csv(write(tmp_path, content))) == 40_000
    refused(write(tmp_path, content[:-1]), "the zstd archive is cut short")
    refused(write(tmp_path, content[:-9] + b"123456789"), "the zstd archive is damaged")


def test_nothing_that_unpacks_zstd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)
    path = write(tmp_path, zstd.compress(TEXT))
    refused(path, r".*pip install 'rereferral\[zstd\]'")


def test_the_name_says_nothing(tmp_path: Path) -> None:
    assert len(rr.read_csv(write(tmp_path, TEXT, "episodes.csv.gz"))) == 40_000


# ---------------------------------------------------------------- archives that are not whole


@packed
@pytest.mark.parametrize("left", [6, 1000, -1])
def test_cut_short(tmp_path: Path, kind: str, left: int) -> None:
    path = write(tmp_path, PACK[kind](TEXT)[:left])
    refused(path, f"the {kind} archive is cut short")


@packed
@pytest.mark.parametrize("at", [0.5, -6])
def test_damaged(tmp_path: Path, kind: str, at: float) -> None:
    # A frame with a checksum: without one a changed byte of zstd may well be other text.
    content = bytearray(
        gzip.compress(TEXT)
        if kind == "gzip"
        else zstd.compress(TEXT, options={zstd.CompressionParameter.checksum_flag: 1})
    )
    place = int(at * len(content)) if isinstance(at, float) else at
    content[place : place + 3] = bytes(255 - byte for byte in content[place : place + 3])
    refused(write(tmp_path, bytes(content)), f"the {kind} archive is damaged")


@packed
def test_what_follows_the_archive(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, PACK[kind](TEXT) + b"more")
    refused(path, f"the {kind} archive is (damaged|cut short)")


@packed
def test_an_archive_in_an_archive(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, PACK[kind](gzip.compress(TEXT)))
    refused(path, "the file is compressed; decompress it first")


@packed
def test_nothing_in_it(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, PACK[kind](b""))
    with pytest.raises(rr.CSVError, match="the file is empty; a header is expected"):
        rr.read_csv(path)


@packed
def test_errors_name_the_archive_and_the_line_in_it(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, PACK[kind](TEXT + b"1,2019-02-29,RC1\n"))
    message = re.escape(f"{path}, line 40002, column closure_date: ")
    with pytest.raises(rr.DataError, match=message):
        rr.read_csv(path)
    _, bad = rr.read_csv(path, on_error="collect")
    assert bad["line"].tolist() == [40_002]


# ---------------------------------------------------------------- headers


@packed
@pytest.mark.parametrize(
    "header",
    [
        '"child\n id",closure_date',  # a line that ends in a name
        ",".join(f"column {i:05}" for i in range(60_000)),  # shorter than a MiB
        ",".join(f"column {i:022}" for i in range(60_000)),  # longer
    ],
    ids=["two lines", "long", "longer"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_headers(tmp_path: Path, kind: str, header: str, end: str) -> None:
    text = header + end + header.replace("c", "a") + end
    plain = write(tmp_path, text.encode(), "plain.csv")
    path = write(tmp_path, PACK[kind](text.encode()))
    assert read_header(path) == read_header(plain)


@packed
def test_a_header_is_read_without_the_rest(tmp_path: Path, kind: str) -> None:
    archive = PACK[kind](TEXT)
    assert read_header(write(tmp_path, archive + b"no archive")) == HEADER.strip().split(",")


# ---------------------------------------------------------------- while it is read


@packed
def test_progress_is_in_bytes_of_the_archive(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, PACK[kind](TEXT))
    told: list[tuple[int, int]] = []
    rr.read_columns(path, progress=lambda done, total: told.append((done, total)))
    size = path.stat().st_size
    assert {total for _, total in told} == {size}
    done = [part for part, _ in told]
    assert done == sorted(done)
    assert done[0] < int(0.75 * size) in done
    assert done[-1] == size


@packed
def test_an_archive_that_is_written_to(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, PACK[kind](TEXT))
    with pytest.raises(rr.CSVError, match="the file was written to while it was read"):
        rr.read_columns(path, progress=lambda done, total: os.utime(path))


def test_no_room_to_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    full = functools.partial(open, "/dev/full", "wb")
    monkeypatch.setattr(archives.tempfile, "TemporaryFile", full)
    path = write(tmp_path, gzip.compress(TEXT))
    with pytest.raises(OSError, match=f"No space left on device in .*unpacked.*{path}"):
        rr.read_csv(path)


@packed
def test_ctrl_c_while_it_is_unpacked(tmp_path: Path, unpacked_to: Path, kind: str) -> None:
    path = write(tmp_path, b"")
    member = PACK[kind](TEXT)
    with path.open("wb") as file:
        for _ in range(450):
            file.write(member)
    script = f"""
import time, rereferral as rr
last = whole = 0
def tell(done, total):
    global last, whole
    first, last, whole = not last, done, total
    if first:
        print("reading", flush=True)
try:
    rr.read_columns({str(path)!r}, progress=tell)
except KeyboardInterrupt:
    print(time.monotonic(), last < 0.75 * whole)
"""
    command = [sys.executable, "-c", script]
    environment = {**os.environ, "TMPDIR": str(unpacked_to)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "reading\n"
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        stopped, early = child.stdout.read().split()
    assert early == "True"
    assert float(stopped) - sent < 0.5
    assert list(unpacked_to.iterdir()) == []


@packed
def test_the_command_line(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "authority,child_id,referral_date,referral_source,referral_nfa,assessment_date,"
        "closure_date,reason_for_closure\n"
        "E06000001,1,2018-04-01,1A,0,2018-04-20,2018-05-01,RC8\n"
        "E06000001,2,2018-04-01,1A,0,2018-04-20,2018-05-32,RC8\n"
    )
    path = write(tmp_path, PACK[kind](text.encode()))
    dates = ["--years", "2018", "--observed-until", "2021-03-31"]
    assert main(["report", str(path), *dates, "--out", str(tmp_path / "report")]) == 2
    assert f"{path}, line 3, column closure_date" in capsys.readouterr().err
