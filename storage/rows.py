"""What the store gives back: plain Python values, JSON decoded, times aware and in UTC.

They are named tuples because ten thousand of them are made for one view of a tree, and a named
tuple costs a tenth of a frozen dataclass.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from backend.core.limits import Limit
from backend.core.types import JSON


class RunRow(NamedTuple):
    """A run. `problem` has `id`, `dataset`, `question`, `answer` and whatever else it was stored
    with; `stored_at` is when it came into this store (later than `created_at` where it was
    imported); `nodes` and `events` count what is stored so far."""

    id: int
    status: str
    strategy: str
    model: str
    seed: int
    origin: str
    forked_from: JSON
    problem: dict[str, JSON] | None
    spec: dict[str, JSON]
    manifest: dict[str, JSON]
    ledger: dict[str, JSON]
    answer: str | None
    correct: bool | None
    chosen_node: int | None
    reason: str | None
    limit_axis: str | None
    limit_value: float | None
    error: str | None
    remedy: str | None
    created_at: datetime
    stored_at: datetime
    finished_at: datetime | None
    nodes: int
    events: int

    @property
    def limit(self) -> Limit | None:
        """The budget that ended the run, where one did."""
        if self.limit_axis is None or self.limit_value is None:
            return None
        return Limit(self.limit_axis, self.limit_value)


class RunPage(NamedTuple):
    """Some runs, newest first, and how many match in all."""

    rows: list[RunRow]
    total: int


class NodeRow(NamedTuple):
    """A node without its token arrays: what a tree view needs. `mean_logprob` is in nats a token,
    None where nothing was sampled."""

    id: int
    parent_id: int | None
    depth: int
    kind: str
    role: str
    text: str
    finish: str | None
    done: bool
    key: str
    seq: int
    n_tokens: int
    mean_logprob: float | None


class NodeFull(NamedTuple):
    """A node with everything that is stored; the fields of `backend.core.records.NodeRecord` have
    the same names here."""

    id: int
    parent_id: int | None
    depth: int
    kind: str
    role: str
    text: str
    finish: str | None
    done: bool
    key: str
    seq: int
    n_tokens: int
    mean_logprob: float | None
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...] | None
    alternatives: JSON


class SeriesScore(NamedTuple):
    """What a verifier said of a node after the run; fields as in `ScoreRow`."""

    node_id: int
    value: float | None
    steps: tuple[float, ...]
    reason: str | None


class ScoreRow(NamedTuple):
    """A verifier's opinion of a node: `value` in [0, 1] or None with a `reason`; `steps` are the
    unaggregated scores of its path."""

    seq: int
    node_id: int
    scorer: str
    value: float | None
    steps: tuple[float, ...]
    reason: str | None
