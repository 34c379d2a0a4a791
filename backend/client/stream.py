"""The messages of a run's stream, read from server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    pass


class Message(NamedTuple):
    """One message of a run's stream: its sequence number (None for `status`, `done` and `closing`
    messages), its kind and its data."""

    seq: int | None
    kind: str
    data: dict[str, object]


def messages(lines: Iterator[str]) -> Iterator[Message]:
    """Parse the lines of a text/event-stream; comments (pings) are dropped."""
    seq: int | None = None
    kind, data = "message", ""
    for line in lines:
        if line.startswith("id:"):
            seq = int(line[3:])
        elif line.startswith("event:"):
            kind = line[6:].strip()
        elif line.startswith("data:"):
            data += line[5:].strip()
        elif not line and data:
            yield Message(seq, kind, json.loads(data))
            seq, kind, data = None, "message", ""
