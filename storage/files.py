"""Runs as files of this project: JSON lines, or Parquet tables in a folder or an archive."""

from __future__ import annotations

from pathlib import Path

from backend.exchange.archive import is_archive
from backend.exchange.base import Imported
from storage import export, parquet
from storage.export import recognises as looks_own

WRITERS = {"jsonl": export.write, "parquet": parquet.write}


def read_content(path: Path) -> bytes:
    """A file's content; a folder of Parquet tables as the archive that it could have been. Raises
    `BadInput` saying why it cannot be read."""
    return parquet.read(path) if path.is_dir() else export.read(path)


def own_run(content: bytes, name: str) -> Imported:
    """The run of an export called `name`, in JSON lines or as an archive of Parquet tables. Raises
    `BadInput` with the place."""
    return parquet.parse(content, name) if is_archive(content) else export.parse(content, name)


__all__ = ["WRITERS", "looks_own", "own_run", "read_content"]
