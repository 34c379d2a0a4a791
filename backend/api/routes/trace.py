"""What happened in a run: its nodes and its events, as pages or as a stream."""

from __future__ import annotations

import asyncio
import gzip
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from backend.api.deps import Needs
from backend.api.stream import follow
from backend.core.errors import BadInput
from backend.messages import runs as schemas
from backend.service import present
from backend.service.assembly import Services
from backend.service.tokens import token_texts

router = APIRouter(tags=["trace"])

EVENT_STREAM = "text/event-stream"
PACKED_FROM = 100_000
"""Bytes from which a page is compressed for those who take it so: the log of a big search has tens
of megabytes, a seventh compressed."""


@router.get("/runs/{run_id}/nodes")
def nodes(
    run_id: int,
    services: Needs,
    after: Annotated[int, Query(ge=-1)] = -1,
    limit: Annotated[int | None, Query(ge=1)] = None,
) -> schemas.NodePage:
    """Nodes with an id above `after`, in order of creation, without their tokens."""
    services.store.run(run_id)
    rows = services.store.nodes(run_id, after_id=after, limit=limit)
    return schemas.NodePage(
        nodes=[schemas.Node.model_validate(present.node_fields(row)) for row in rows]
    )


@router.get("/runs/{run_id}/nodes/{node_id}")
async def node(run_id: int, node_id: int, services: Needs) -> schemas.NodeDetail:
    """One node with its tokens, log-probabilities, path and the exact prompt it was written
    under."""
    row = await asyncio.to_thread(services.store.run, run_id)
    path = await asyncio.to_thread(services.store.path, run_id, node_id)
    texts = await token_texts(services.models, row, path[-1])
    return present.detail_message(path, texts, row.spec.get("sampling") or {})


@router.get(
    "/runs/{run_id}/events",
    response_model=schemas.EventPage,
    responses={
        200: {
            "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
            "description": "A page, or with Accept: text/event-stream a stream",
        }
    },
)
async def events(
    run_id: int,
    request: Request,
    services: Needs,
    after: Annotated[int | None, Query(ge=-1)] = None,
    limit: Annotated[int, Query(ge=1, le=50_000)] = 1000,
    kinds: Annotated[str | None, Query(description="comma separated")] = None,
    last_event_id: Annotated[str | None, Header()] = None,
    accept: Annotated[str, Header()] = "application/json",
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """Events with a sequence number above `after`, oldest first.

    With `Accept: text/event-stream` they come as server-sent events: `id` is the sequence number,
    `event` the kind, `data` the event as JSON. Further kinds: `status` (the run's state changed),
    `done` (it is over and all was sent), `closing` (the service stops). A stream is taken up by
    `Last-Event-ID` or `after`.
    """
    row = await asyncio.to_thread(services.store.run, run_id)
    start = _start(after, last_event_id)
    chosen = [kind for kind in (kinds or "").split(",") if kind] or None
    if EVENT_STREAM in accept:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            follow(services, run_id, start, chosen, request.is_disconnected),
            media_type=EVENT_STREAM,
            headers=headers,
        )
    standing = services.jobs.standing(run_id, row.status)
    status = row.status if standing is None else standing.status
    body = await asyncio.to_thread(_page, services, run_id, start, limit, chosen, status)
    if len(body) < PACKED_FROM or "gzip" not in accept_encoding:
        return Response(body, media_type="application/json")
    packed = await asyncio.to_thread(gzip.compress, body, 1)
    return Response(
        packed,
        media_type="application/json",
        headers={"Content-Encoding": "gzip", "Vary": "Accept-Encoding"},
    )


def _page(
    services: Services, run_id: int, after: int, limit: int, kinds: list[str] | None, status: str
) -> bytes:
    """A page of the log as JSON; numbers that are not finite are never stored."""
    rows = services.store.event_rows(run_id, after=after, limit=limit, kinds=kinds)
    fields = present.event_fields(services.store, run_id, rows)
    return msgspec.json.encode(
        {"events": fields, "last_seq": rows[-1].seq if rows else after, "status": status}
    )


def _start(after: int | None, last_event_id: str | None) -> int:
    """Where to go on. A browser that reconnects repeats the old query, so that its header counts
    more."""
    if last_event_id is None or not last_event_id.strip():
        return -1 if after is None else after
    if not last_event_id.strip().isdecimal():
        raise BadInput(
            "Last-Event-ID", given=last_event_id, accepted="a sequence number, 0 or more"
        )
    return int(last_event_id)


__all__ = ["router"]
