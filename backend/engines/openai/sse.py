"""Server-sent events as servers really send them.

Lines end at CR, LF or both, and at nothing else: U+2028 in a model's text is text. The standard
ends an event with an empty line, which relays leave out and pretty printers move; so an event is
given as soon as the data so far is a whole JSON value, and data that is not whole when the event
ends is an error. The package httpx-sse was looked at: it joins data lines without an empty line
between them into one event, which then is not JSON.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final, NamedTuple, TypeVar

T = TypeVar("T")
LINE: Final = re.compile(rb"\r\n|\n|\r")
LONGEST_LINE: Final = 16 * 2**20


class BrokenStream(Exception):
    """What the server sent is not a stream of events, or one of them cannot be read."""


class SentEvent(NamedTuple):
    """The type that the server named (often none), and the data."""

    name: str
    data: str


async def split_lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str]:
    """The lines of a stream without their ends, the last one also where no end follows. Bytes that
    are no UTF-8 become U+FFFD. Raises `BrokenStream` for a line above 16 MiB."""
    waiting = b""
    async for chunk in chunks:
        waiting += chunk
        # a CR at the very end may be the first half of CR LF
        held = waiting[-1:] == b"\r"
        *lines, waiting = LINE.split(waiting[:-1] if held else waiting)
        waiting += b"\r" if held else b""
        if len(waiting) > LONGEST_LINE:
            raise BrokenStream(f"a line of more than {LONGEST_LINE} bytes")
        for line in lines:
            yield line.decode("utf-8-sig", "replace")
    for line in LINE.split(waiting):
        yield line.decode("utf-8-sig", "replace")


async def read_events(
    lines: AsyncIterator[str], read: Callable[[SentEvent], T | None]
) -> AsyncGenerator[T]:
    """What `read` makes of each event; it returns None while the data is not whole. Comments and
    other fields are passed over. Raises `BrokenStream` for an event that never became whole."""
    name, data = "", list[str]()
    async for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line.strip():
            require_whole(data)
            name = ""
        elif field == "event":
            name = value.strip()
        elif field == "data" and (data or value.strip()):
            data.append(value)
            if (found := read(SentEvent(name, "\n".join(data)))) is not None:
                data.clear()
                yield found
    require_whole(data)


def require_whole(data: list[str]) -> None:
    """Raises `BrokenStream` if data is left over."""
    if data:
        raise BrokenStream(f"an event that is no JSON: {' '.join(data)[:200]!r}")
