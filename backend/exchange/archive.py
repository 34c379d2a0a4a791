"""Zip archives from strangers: members are read in memory by exact name, never unpacked to a disk,
and no more of them than is taken in."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import pyarrow as pa

from backend.core.errors import BadInput
from backend.exchange.base import within_limit

MEMBERS = 20_000
ZSTANDARD, LOCAL_HEADER = 93, 30
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    pa.ArrowException,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    EOFError,
)


def is_archive(beginning: bytes) -> bool:
    return beginning.startswith(b"PK\x03\x04")


def members(
    content: bytes, wanted: Callable[[str], bool], limit: int, *, others: bool = True
) -> dict[str, bytes]:
    """The members with a wanted name, together at most `limit` bytes. Raises `BadInput` naming the
    member; with `others` False also for any that is not wanted."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _read(archive, wanted, limit, others)
    except BROKEN as problem:
        raise BadInput(
            "the archive",
            given=f"{type(problem).__name__}: {str(problem)[:80]}",
            accepted="a whole zip archive",
        ) from problem


def _read(
    archive: zipfile.ZipFile, wanted: Callable[[str], bool], limit: int, others: bool
) -> dict[str, bytes]:
    infos = archive.infolist()
    within_limit("the archive", "members", len(infos), MEMBERS)
    found: dict[str, bytes] = {}
    for info in infos:
        where = f"member {ascii(info.filename)[:80]} of the archive"
        if info.orig_filename != info.filename or not wanted(info.filename):
            if others:
                continue
            raise BadInput(where, given=info.filename[:80], accepted="no other members")
        if info.filename in found:
            raise BadInput(where, given="a second member of this name", accepted="each name once")
        found[info.filename] = _content(archive, info, limit + 1)
        limit -= len(found[info.filename])
        within_limit(where, "bytes too many in all members", max(0, -limit), 0)
    return found


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """At most `most` bytes of a member, whatever its size in the directory says. Python 3.11 does
    not know Zstandard, so that is done here."""
    if info.compress_type != ZSTANDARD:
        with archive.open(info) as file:
            return file.read(most)
    assert archive.fp is not None
    archive.fp.seek(info.header_offset + LOCAL_HEADER - 4)
    name, extra = struct.unpack("<HH", archive.fp.read(4))
    archive.fp.seek(name + extra, io.SEEK_CUR)
    packed = archive.fp.read(info.compress_size)
    with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
        content: bytes = stream.read(most)
    if len(content) < most and zlib.crc32(content) != info.CRC:
        raise zipfile.BadZipFile(f"bad CRC-32 for file {info.filename!r}")
    return content


__all__ = ["is_archive", "members"]
