"""Traces for tests of figures: written by hand through the real recorder, or by a real search on a
small engine."""

from __future__ import annotations

from typing import NamedTuple

from backend import problems
from backend.core.records import EventRecord, MemorySink
from backend.core.spec import RunSpec
from backend.core.tree import TreeRow, tree_table
from backend.messages.runs import Node
from backend.runs.control import Control
from backend.runs.driver import run
from tests.pages.fake_service import FakeService
from tests.pages.traces import Trace
from tests.support.fake_engine import FakeEngine

PROBLEM = problems.Problem("", "own", None, None, "Which digit?", "7")


class Seen(NamedTuple):
    """What a page has of a run: nodes at a moment, and the whole log."""

    rows: list[TreeRow]
    events: list[EventRecord]


def seen(trace: Trace, until: int | None = None) -> Seen:
    """A trace as the service sends it and the page reads it."""
    sent = FakeService().add(trace)
    events = [sent.event(record.seq).record() for record in trace.events]
    return Seen(tree_table([sent.node(record.id) for record in trace.nodes], events, until), events)


def nodes_of(rows: list[TreeRow]) -> list[Node]:
    """The nodes of these rows as the service sends them."""
    return [
        Node(
            id=row.id,
            parent_id=row.parent,
            depth=row.depth,
            kind=row.kind,
            role="",
            text=row.text,
            finish=row.finish,
            done=row.done,
            mean_logprob=row.logprob,
            n_tokens=row.tokens,
            seq=row.seq,
        )
        for row in rows
    ]


async def searched(strategy: str, *, depth: int = 3, **more: object) -> Seen:
    """A search by the real driver; each solution ends with a boxed digit, scored by its mean
    log-probability."""
    return seen(await search_trace(strategy, depth=depth, **more))


async def search_trace(strategy: str, *, depth: int = 3, **more: object) -> Trace:
    """What such a search recorded."""
    sink = MemorySink()
    spec = RunSpec.model_validate(
        {
            "strategy": strategy,
            "question": "Which digit?",
            "answer": "7",
            "verifier": "logprob",
            **more,
        }
    )
    await run(
        spec,
        problem=PROBLEM,
        engine=FakeEngine(depth),
        reward=None,
        sink=sink,
        control=Control(),
        grade=problems.grade,
    )
    return Trace(sink.nodes, sink.events)
