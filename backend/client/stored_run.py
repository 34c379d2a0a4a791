"""A run for a notebook: what happened in it as DataFrames, and the questions that can be put to it.

>>> run = client.run(3)
>>> run.nodes[["depth", "text"]].head()
>>> run.reselect("majority").chosen.answer
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import JsonValue

from backend.client.frames import RUN_SERIES, event_frame, ledger_frame, node_frame, score_frame
from backend.client.runs import RunsClient
from backend.client.stream import Message
from backend.core.spec import RunSpec
from backend.messages import runs as schemas
from backend.messages import why as schemas_why

if TYPE_CHECKING:
    import pandas as pd

PAUSE_S = 0.2


class StoredRun:
    """A run of the service. What is over is read once; what grows is read anew at each question."""

    def __init__(self, client: RunsClient, run_id: int) -> None:
        self.id = run_id
        self._client = client
        self._info: schemas.Run | None = None
        self._nodes: list[schemas.Node] = []
        self._events: list[schemas.Event] = []

    def __repr__(self) -> str:
        info = self.info
        return (
            f"<run {self.id}: {info.strategy}, {info.status}, {info.nodes} nodes, answer "
            f"{info.answer!r}>"
        )

    # What happened
    @property
    def info(self) -> schemas.Run:
        """What was asked for, and how it stands now."""
        if self._info is None or self._info.status not in schemas.OVER:
            self._info = self._client.info(self.id)
        return self._info

    @property
    def nodes(self) -> pd.DataFrame:
        """One row a node, by id, without tokens (`node` has them)."""
        self._read_on()
        return node_frame(self._nodes)

    @property
    def events(self) -> pd.DataFrame:
        """The log, one row an event, by seq."""
        return event_frame(self._read_on())

    @property
    def ledger(self) -> pd.DataFrame:
        """What had been spent, by seq; the last row is the whole."""
        events = self._read_on()
        return ledger_frame(self.info, events)

    @property
    def scores(self) -> pd.DataFrame:
        """All scores by series and node: series `run` is what the search went by, the others came
        later."""
        later = [name for name in self._client.series(self.id).series if name != RUN_SERIES]
        return score_frame(
            self._read_on(), {name: self._client.series_scores(self.id, name) for name in later}
        )

    def node(self, node_id: int) -> schemas.NodeDetail:
        """A node with its tokens, log-probabilities, alternatives, prompt, path and scores."""
        return self._client.node(self.id, node_id)

    # What it means
    def reselect(
        self,
        selector: str,
        *,
        params: Mapping[str, JsonValue] | None = None,
        aggregation: str | None = None,
    ) -> schemas.Reselection:
        """What another final rule would have chosen."""
        return self._client.reselect(self.id, selector, params=params, aggregation=aggregation)

    def why(self, *, node: int | None = None, labeller: str | None = None) -> schemas_why.Why:
        """Where the right answer died, and the first wrong step by a labeller."""
        return self._client.why(self.id, node=node, labeller=labeller)

    def what_if(self, **changes: Any) -> schemas_why.WhatIf:
        """What other settings would have chosen; the names are those of `schemas_why.WhatIfAsk`:
        selector, selector_params, aggregation, params, first."""
        return self._client.what_if(self.id, schemas_why.WhatIfAsk(**changes))

    def export(
        self,
        path: Path | str | None = None,
        format: Literal["jsonl", "parquet", "html", "svg"] = "jsonl",
    ) -> bytes:
        """The run as a file, written to `path` where one is given."""
        content = self._client.export(self.id, format)
        if path is not None:
            Path(path).write_bytes(content)
        return content

    # What becomes of it
    def follow(self, *, after: int = -1) -> Iterator[Message]:
        """Messages as they come, until the run is over."""
        return self._client.follow(self.id, after=after)

    def fork(self, node: int, **changes: Any) -> StoredRun:
        """Go on from a node as a new run; `changes` are those of `client.forks.start`, such as
        strategy, params, budget, seed, text or token."""
        return StoredRun(self._client, self._client.forks.start(self.id, node, **changes))

    def wait(self) -> Self:
        """Until the run is over; a paused one waits for who resumes it."""
        while self.info.status not in schemas.OVER:
            for _ in self.follow(after=self.info.events - 1):
                pass
            time.sleep(PAUSE_S)
        return self

    def _read_on(self) -> list[schemas.Event]:
        """The log so far. Nodes come after events, so that every event's node is there; what was
        read once is not read again."""
        if (
            self._info is not None
            and self._info.status in schemas.OVER
            and len(self._events) >= self._info.events
        ):
            return self._events
        after = self._events[-1].seq if self._events else -1
        while (page := self._client.events(self.id, after=after, limit=5000)).events:
            self._events.extend(page.events)
            after = page.last_seq
        last = self._nodes[-1].id if self._nodes else -1
        self._nodes.extend(self._client.nodes(self.id, after=last))
        return self._events


def spec_of(spec: RunSpec | None, fields: Mapping[str, Any]) -> RunSpec:
    """What is asked for: a specification, its fields, or one with some fields changed. Raises
    `ValidationError` (a `ValueError`)."""
    return RunSpec.model_validate({**({} if spec is None else spec.model_dump()), **fields})


__all__ = ["StoredRun", "spec_of"]
