"""A folder that one result fills: known by its manifest, and replaced as a whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from rereferral.errors import RuleError

__all__ = [
    "MANIFEST",
    "UNPROTECTED",
    "Input",
    "PathLike",
    "check_folder",
    "hash_input",
    "kind_of",
    "replace_folder",
    "replacing",
]

PathLike: TypeAlias = str | os.PathLike[str]

MANIFEST = "manifest.json"
"""The file that says what a folder holds."""

UNPROTECTED = "UNPROTECTED-"
"""The beginning of the name of every file in which small counts are not hidden."""

_BLOCK = 1 << 20
# Files that a desktop leaves in any folder it shows; they are nobody's work.
_DESKTOP = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def kind_of(result: str) -> str:
    """What the manifest of a result calls it; its folder is known by it."""
    return f"rereferral {result}"


@dataclass(frozen=True)
class Input:
    """A file that a result was made from.

    Attributes
    ----------
    name : str
        Its name without the folder, so that no result tells where someone keeps their data.
    bytes : int
        Its length.
    sha256 : str
        Its SHA-256 in hexadecimal digits.
    """

    name: str
    bytes: int
    sha256: str


def hash_input(path: PathLike, stop: threading.Event | None = None) -> Input:
    """Hash a file that a result is made from.

    Parameters
    ----------
    path : str or path
        A file on disk.
    stop : threading.Event, optional
        Give up soon after it is set.

    Returns
    -------
    Input

    Raises
    ------
    OSError
        The file cannot be read.
    """
    digest, length = hashlib.sha256(), 0
    with open(path, "rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            length += len(block)
            if stop is not None and stop.is_set():
                raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR), os.fspath(path))
    return Input(Path(path).name, length, digest.hexdigest())


def check_folder(folder: PathLike, result: str) -> Path:
    """Refuse a folder that a result must not replace, before any work is done.

    Parameters
    ----------
    folder : str or path
        Where it is to be: a folder that does not exist, that is empty, or that holds an earlier
        result of its kind as it was written and nothing else.
    result : str
        What it is called: ``"report"``.

    Returns
    -------
    pathlib.Path
        The folder, with links followed.

    Raises
    ------
    RuleError
        It is something else; the message names what stands in the way.
    """
    shown = os.fspath(folder)
    target = Path(folder).resolve()
    if target.exists() and not target.is_dir():
        raise RuleError(f"{shown} is a file; the {result} needs a folder")
    above = target.parent
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise RuleError(f"{shown} cannot be made: {above.name} is a file")
    if not os.access(above, os.W_OK | os.X_OK):
        raise RuleError(f"{shown} cannot be written: no permission in the folder above it")
    if not target.exists():
        return target
    if Path.cwd().is_relative_to(target):
        raise RuleError(
            f"{shown} is the current folder or one above it; give the {result} one of its own"
        )
    if os.path.ismount(target):
        raise RuleError(f"{shown} is where a disk is mounted; give the {result} a folder inside it")
    foreign = _foreign(target, result)
    if foreign is not None:
        raise RuleError(
            f"{shown} holds {foreign}; the {result} replaces its whole folder, so give it one of "
            "its own"
        )
    return target


def _foreign(target: Path, result: str) -> str | None:
    """What in a folder is not of an earlier result, in words; None where nothing is."""
    present = sorted(_files_in(target))
    if not present:
        return None
    try:
        manifest = json.loads((target / MANIFEST).read_text("utf-8"))
        ours = manifest["kind"] == kind_of(result)
        files = {line["path"]: (line["bytes"], line["sha256"]) for line in manifest["files"]}
    except (OSError, ValueError, LookupError, TypeError):
        ours, files = False, {}
    if not ours:
        return f"{present[0]}, and no {result} was made there"
    for name in present:
        if name == MANIFEST:
            continue
        if name not in files:
            return f"{name}, which no {result} wrote"
        path = target / name
        if path.is_symlink() or not path.is_file():
            return f"{name}, which is not a plain file"
        found = hash_input(path)
        if (found.bytes, found.sha256) != files[name]:
            return f"{name}, which was changed after the {result} was made"
    return None


def _files_in(target: Path) -> Iterator[str]:
    """Everything below a folder but folders with something in them, by path from it."""
    for folder, folders, files in os.walk(target):
        here = Path(folder).relative_to(target)
        for name in files:
            if name not in _DESKTOP:
                yield (here / name).as_posix()
        for name in folders:
            path = Path(folder) / name
            if path.is_symlink() or not any(path.iterdir()):
                yield (here / name).as_posix()


@contextmanager
def replacing(target: Path, shown: str, result: str) -> Iterator[Path]:
    """Yield a new folder beside `target`, which takes its place if all goes well.

    `target` is what `check_folder` gave for the folder that the user called `shown`. Whatever
    fails, Ctrl-C too, `target` is as it was and nothing is left beside it.
    """
    made = [folder for folder in (target.parent, *target.parent.parents) if not folder.exists()]
    mark = secrets.token_hex(4)
    new = target.with_name(f".{target.name}.new-{mark}")
    old = target.with_name(f".{target.name}.old-{mark}")
    done = False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        new.mkdir()
        yield new
        if target.exists():
            check_folder(shown, result)
            os.rename(target, old)
        os.rename(new, target)
        done = True
    finally:
        if not done and old.exists() and not target.exists():
            os.rename(old, target)
        for left in (new, old):
            if left.exists():
                shutil.rmtree(left)
        if not done and not target.exists():
            for folder in made:
                if folder.exists():
                    folder.rmdir()


def replace_folder(
    folder: PathLike, result: str, facts: Mapping[str, Any], files: Mapping[str, bytes]
) -> Path:
    """Write a result into its folder: all of its files and the manifest, or nothing.

    Parameters
    ----------
    folder, result
        As `check_folder`, which is asked again.
    facts : mapping
        What the manifest tells besides the kind of result and the hash of each file.
    files : mapping of str to bytes
        What is written, by path inside the folder.

    Returns
    -------
    pathlib.Path
        The folder as given.

    Raises
    ------
    RuleError
        The folder may not be replaced.
    OSError
        A file cannot be written; then the folder stays as it was, as it does at Ctrl-C.
    """
    target = check_folder(folder, result)
    listed = [
        {"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(files.items())
    ]
    manifest = {"kind": kind_of(result), **facts, "files": listed}
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    with replacing(target, os.fspath(folder), result) as new:
        for name, data in {**files, MANIFEST: text.encode("utf-8")}.items():
            path = new / PurePosixPath(name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
    return Path(folder)
