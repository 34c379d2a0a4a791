"""What stands beside the log of a run and travels with it: scores that other verifiers gave later,
and links between nodes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from backend.exchange.base import LaterScore, LinkRecord
from storage import queries
from storage.database import Database


class Beside(NamedTuple):
    """Scores by series and node, links by source, target and kind."""

    scores: Sequence[LaterScore] = ()
    links: Sequence[LinkRecord] = ()


def read_beside(database: Database, run_id: int) -> Beside:
    """What stands beside a stored run."""
    scores, links = (
        database.columns(queries.later_scores(run_id)),
        database.columns(queries.links(run_id)),
    )
    return Beside(
        [
            LaterScore(series, node, value, tuple(steps), reason)
            for series, node, value, steps, reason in zip(*scores.values(), strict=True)
        ],
        [LinkRecord(*row) for row in zip(*links.values(), strict=True)],
    )


def append(connection: sa.Connection, run_id: int, beside: Beside) -> None:
    """Store it with a run that is being imported."""
    from storage.arrow import append_links, append_scores

    append_scores(connection, [{"run_id": run_id, **score._asdict()} for score in beside.scores])
    append_links(connection, [{"run_id": run_id, **link._asdict()} for link in beside.links])


class Fault(NamedTuple):
    """Something wrong with a score or (`link`) a link, at `position` from 0."""

    text: str
    position: int
    link: bool


def faults(beside: Beside, nodes: int) -> Iterator[Fault]:
    """What does not hold: each score and each link once and in order, of nodes that are there,
    scores in [0, 1] or with a reason."""
    ordered: list[tuple[Sequence[Any], bool]] = [
        ([one[:2] for one in beside.scores], False),
        ([tuple(one) for one in beside.links], True),
    ]
    for keys, link in ordered:
        for index, (before, after) in enumerate(itertools.pairwise(keys), 1):
            if not before < after:
                yield Fault(f"{after} after {before}", index, link)
    for index, score in enumerate(beside.scores):
        if not 0 <= score.node_id < nodes:
            yield Fault(f"node {score.node_id}, which is not there", index, False)
        if not score.series:
            yield Fault("a series without a name", index, False)
        if score.value is not None and not (
            math.isfinite(score.value) and 0.0 <= score.value <= 1.0
        ):
            yield Fault(f"score {score.value}", index, False)
    for index, link_ in enumerate(beside.links):
        if not (0 <= link_.src < nodes and 0 <= link_.dst < nodes):
            yield Fault(
                f"a link from {link_.src} to {link_.dst}, which are not both there", index, True
            )


__all__ = ["Beside", "Fault", "append", "faults", "read_beside"]
