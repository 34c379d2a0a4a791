"""Runs a strategy on a toy language and keeps what a test wants to look at."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any, NamedTuple

import numpy as np

from backend.core.registry import STRATEGIES
from backend.core.steps import Note, Step
from backend.core.types import Node
from tests.support.enumerable import ToyPolicy, ToyVerifier, prompt


class Snapshot(NamedTuple):
    """A step with its lists copied, because a strategy may go on appending to them."""

    step: Step
    nodes: list[Node]
    values: list[float | None]


async def run(
    name: str,
    policy: ToyPolicy,
    verifier: ToyVerifier,
    *,
    root: Node | None = None,
    seed: int = 0,
    stop_after: int | None = None,
    into: list[Snapshot] | None = None,
    **params: Any,
) -> list[Snapshot]:
    """All steps of a run (or the first `stop_after`, the generator closed then), also in `into`,
    which survives an exception."""
    entry = STRATEGIES[name]
    taken: list[Snapshot] = [] if into is None else into
    steps = entry.run(
        root or prompt(), policy, verifier, entry.parse(params), np.random.default_rng(seed)
    )
    async with aclosing(steps) as running:
        async for step in running:
            taken.append(Snapshot(step, list(step.nodes), list(step.values)))
            if len(taken) == stop_after:
                break
    return taken


def texts(snapshot: Snapshot) -> list[str]:
    """What the candidates of a step have written."""
    return [node.solution_text() for node in snapshot.nodes]


def notes_of(steps: list[Snapshot], kind: type[Note]) -> list[Note]:
    """All notes of one kind, in order."""
    return [note for snapshot in steps for note in snapshot.step.notes if isinstance(note, kind)]
