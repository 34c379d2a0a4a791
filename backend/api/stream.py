"""Server-sent events of a run. The store is the queue: live view, reconnection and replay are the
same code with another start.

A subscriber reads the events after its own sequence number in a thread, sends them as one chunk,
and otherwise waits until the store's writer or the jobs wake it, at most a second (then a comment
keeps the connection alive). Nothing is kept a client.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from backend.core.errors import NotFound
from backend.core.limits import describe_end
from backend.core.types import JSON
from backend.messages.runs import OVER
from backend.service.assembly import Services
from backend.service.jobs import RunStatus
from backend.service.present import event_fields

BATCH = 500
PING_S = 1.0


class StreamBatch(NamedTuple):
    """The state of the run as it was before `events` were read: so an ended run's last events are
    never missed."""

    standing: RunStatus
    events: list[dict[str, JSON]]


async def follow(
    services: Services,
    run_id: int,
    after: int,
    kinds: Sequence[str] | None,
    gone: Callable[[], Awaitable[bool]],
) -> AsyncIterator[str]:
    """Chunks of a text/event-stream, until the run is over, the service stops, or nobody
    listens.
    """
    wake = asyncio.Event()
    loop = asyncio.get_running_loop()

    def committed(_seq: int) -> None:
        loop.call_soon_threadsafe(wake.set)

    with (
        services.store.watch(run_id, committed),
        services.jobs.watch(run_id, wake.set),
        services.closing.watch(wake.set),
    ):
        shown: RunStatus | None = None
        yield "retry: 1000\n\n"
        while not await gone():
            wake.clear()
            try:
                standing, events = await _batch(services, run_id, after, kinds)
            except NotFound:
                yield message("done", {"status": "deleted"})
                return
            chunk = "".join(event_message(event) for event in events)
            after = int(str(events[-1]["seq"])) if events else after
            full = len(events) == BATCH
            if not full and standing != shown:
                shown, chunk = standing, chunk + message("status", standing_fields(standing))
            if chunk:
                yield chunk
            if full:
                continue
            if standing.status in OVER:
                yield message("done", standing_fields(standing))
                return
            if services.closing.is_set:
                yield message("closing", standing_fields(standing))
                return
            if not await _wait_for_wake(wake):
                yield ": ping\n\n"


async def _batch(
    services: Services, run_id: int, after: int, kinds: Sequence[str] | None
) -> StreamBatch:
    standing = services.jobs.standing(run_id)
    return await asyncio.to_thread(_read, services, run_id, after, kinds, standing)


def _read(
    services: Services,
    run_id: int,
    after: int,
    kinds: Sequence[str] | None,
    standing: RunStatus | None,
) -> StreamBatch:
    if standing is None:
        row = services.store.run(run_id)
        standing = services.jobs.standing(run_id, row.status) or RunStatus(
            row.status, describe_end(row.reason, row.limit) or "", 0.0
        )
    rows = services.store.event_rows(run_id, after=after, limit=BATCH, kinds=kinds)
    return StreamBatch(standing, event_fields(services.store, run_id, rows))


async def _wait_for_wake(wake: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(PING_S):
            await wake.wait()
    except TimeoutError:
        return False
    return True


def event_message(event: Mapping[str, JSON]) -> str:
    """One event of the log; those of kind `status` carry `status` like the messages about the row
    do."""
    fields = {**event, "status": event["label"]} if event["kind"] == "status" else event
    return f"id: {event['seq']}\n{message(str(event['kind']), fields)}"


def message(kind: str, data: Mapping[str, JSON]) -> str:
    """One server-sent message; JSON never holds a raw line break, so that one data line is
    enough.
    """
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False, allow_nan=False)}\n\n"


def standing_fields(standing: RunStatus) -> dict[str, JSON]:
    return {"status": standing.status, "reason": standing.reason, "since": standing.since}


__all__ = ["BATCH", "event_message", "follow", "message", "standing_fields"]
