"""Problem files that users brought: a folder beside the store, one file a set, named after it.

A file that comes in is read wholly before it is kept, and is written beside its place and renamed,
so that a half-written one is never seen. Sets are read when they are first asked for, and again
when their file has changed: another process may add and remove files.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from backend.core.errors import (
    Conflict,
    NotFound,
    ProblemError,
    StorageFailure,
    UnreadableProblems,
)
from backend.problems.file import PREFIX, FileSet, check_name, check_size, read_content, read_file
from backend.problems.file_tables import read_table

log = logging.getLogger("arboretum.problems")

ENDINGS = (".jsonl", ".json", ".csv", ".parquet")
MOST_SETS = 200
LONGEST_NAME = 64
PART = ".part"
ABANDONED_S = 3600.0


class _Seen(NamedTuple):
    """A set as it was read, its file, and the file's time and size at that moment."""

    path: Path
    stamp: tuple[int, int]
    found: FileSet


class Shelf(Mapping[str, FileSet]):
    """The sets in a folder by their full names, such as `file:gsm8k`. Safe to use from several
    threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen = dict[str, _Seen]()
        self._changing = threading.Lock()

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths())

    def __len__(self) -> int:
        return len(self._paths())

    def __getitem__(self, name: str) -> FileSet:
        """The set of that name. Raises `KeyError` where there is none, and `ProblemError` where the
        file can no longer be read."""
        seen = self._seen.get(name)
        if seen is not None and seen.stamp == _stamp(seen.path):
            return seen.found
        path = self._paths()[name]
        stamp = _stamp(path)
        if stamp is None:
            raise KeyError(name)
        found = read_file(path)
        self._seen[name] = _Seen(path, stamp, found)
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.startswith(PREFIX) and name in self._paths()

    def readable(self) -> dict[str, FileSet]:
        """The sets that can be read; what is wrong with the others goes to the log."""
        found = dict[str, FileSet]()
        for name in self._paths():
            try:
                found[name] = self[name]
            except (KeyError, OSError, ProblemError) as error:
                log.warning("the problem file %s is left out: %s", name, error)
        return found

    def add(self, content: bytes, name: str) -> FileSet:
        """Keep a file as the set `file:NAME`. Raises `UnreadableProblems` for what cannot be read,
        `Conflict` for a name that is taken, `StorageFailure` if it cannot be written."""
        full = f"{PREFIX}{name}"
        try:
            check_name(name)
            check_size(len(content), name)
            found = read_content(content, full, name)
            ending = read_table(content, name).ending
        except ProblemError as error:
            raise UnreadableProblems(str(error)) from error
        with self._changing:
            taken = self._paths()
            if full.casefold() in map(str.casefold, taken):
                raise Conflict(
                    f"there is a set {full} already: remove it, or choose another name. Stored "
                    "runs name its problems by their lines"
                )
            if len(taken) >= MOST_SETS:
                raise Conflict(f"there are {len(taken)} sets; accepted: up to {MOST_SETS}")
            self._write(self.folder / f"{name}{ending}", content)
        return found

    def remove(self, name: str) -> None:
        """Remove the set `file:NAME` and its file. Raises `NotFound`."""
        with self._changing:
            path = self._paths().get(f"{PREFIX}{name}")
            if path is None:
                raise NotFound(f"there is no problem file {name[:80]!r}")
            path.unlink(missing_ok=True)
            self._seen.pop(f"{PREFIX}{name}", None)

    def _paths(self) -> dict[str, Path]:
        """The files by the full names of their sets."""
        if not self.folder.is_dir():
            return {}
        return {
            f"{PREFIX}{path.stem}": path
            for path in sorted(self.folder.iterdir())
            if path.suffix in ENDINGS and not path.name.startswith(".") and path.is_file()
        }

    def _write(self, path: Path, content: bytes) -> None:
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PART}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._tidy()
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StorageFailure(
                f"the problem file could not be written: {error.strerror or error}"
            ) from error

    def _tidy(self) -> None:
        """Remove what a process that died left half written."""
        for part in self.folder.glob(f".*{PART}"):
            if time.time() - part.stat().st_mtime > ABANDONED_S:
                part.unlink(missing_ok=True)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Time and size of a file; None where there is none."""
    try:
        about = path.stat()
    except FileNotFoundError:
        return None
    return about.st_mtime_ns, about.st_size


def name_of_file(file_name: str) -> str:
    """The name of a set for a file as it was called elsewhere: without its folders and ending, and
    with `-` for each character that is not accepted."""
    stem = PurePosixPath(file_name.replace("\\", "/")).name
    for ending in (*ENDINGS, ".tsv", ".txt"):
        stem = stem.removesuffix(ending).removesuffix(ending.upper())
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem)
    return re.sub(r"^[^A-Za-z0-9]+", "", plain)[:LONGEST_NAME].rstrip("-.") or "problems"


__all__ = ["ENDINGS", "MOST_SETS", "Shelf", "name_of_file"]
