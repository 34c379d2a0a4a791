"""The lines of an export file, each with what it must obey; Parquet tables have the same as
rows.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    field_validator,
    model_validator,
)

from backend.exchange.base import EVENT_LIMIT, NODE_LIMIT

FORMAT, VERSION = "arboretum-run", 3
"""A file is written in the oldest version that can hold it, which older programs read as well: 1
for a run with nothing beside its log, 2 with later scores or links, 3 for what `storage.earlier`
reads otherwise in older files: a spent budget, and annealing without `early_phase`."""
TYPED = 3
"""The first version in which these are as they are stored."""
BESIDE_LIMIT = 2_000_000
"""Later scores, or links, of one run."""
Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]


class Line(BaseModel):
    """What every line of the file obeys: no unknown names, no converted types, finite numbers."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class RunLine(Line):
    """The run itself."""

    status: str
    strategy: str
    model: str
    seed: int
    spec: dict[str, JsonValue]
    manifest: dict[str, JsonValue]
    ledger: dict[str, JsonValue]
    answer: str | None
    correct: bool | None
    chosen_node: int | None
    reason: str | None
    error: str | None
    remedy: str | None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    forked_from: JsonValue = None
    limit_axis: str | None = None
    limit_value: float | None = None

    @model_validator(mode="after")
    def _whole_limit(self) -> Self:
        if (self.limit_axis is None) != (self.limit_value is None):
            raise ValueError("limit_axis and limit_value together, or neither")
        return self


class HeaderLine(Line):
    """The first line."""

    format: Literal["arboretum-run"]
    version: int
    run: RunLine
    problem: dict[str, JsonValue] | None
    nodes: int = Field(ge=0, le=NODE_LIMIT)
    events: int = Field(ge=0, le=EVENT_LIMIT)
    scores: int = Field(0, ge=0, le=BESIDE_LIMIT)
    links: int = Field(0, ge=0, le=BESIDE_LIMIT)

    @field_validator("version")
    @classmethod
    def _check_version(cls, version: int) -> int:
        if not 1 <= version <= VERSION:
            raise ValueError(
                f"1 to {VERSION}"
                + (
                    ", this file is from a newer version of the program: update it"
                    if version > VERSION
                    else ""
                )
            )
        return version


class NodeLine(Line):
    """A node; see `backend.core.records.NodeRecord`."""

    id: int
    parent_id: int | None
    depth: int
    kind: str
    role: str
    text: str
    token_ids: tuple[Int32, ...]
    logprobs: tuple[float, ...] | None
    finish: str | None
    done: bool
    key: str
    seq: int
    alternatives: JsonValue


class EventLine(Line):
    """An event; see `backend.core.records.EventRecord`."""

    seq: int
    t_ms: float
    kind: str
    node_id: int | None
    track: str
    round: Int32
    phase: str
    label: str
    value: float | None
    data: dict[str, JsonValue] | None


class ScoreLine(Line):
    """A score that came after the run; see `backend.exchange.base.LaterScore`."""

    series: str
    node_id: Int32
    value: float | None
    steps: tuple[float, ...]
    reason: str | None


class LinkLine(Line):
    """A relation between nodes that is not parentage."""

    src: Int32
    dst: Int32
    kind: str


__all__ = [
    "BESIDE_LIMIT",
    "FORMAT",
    "TYPED",
    "VERSION",
    "EventLine",
    "HeaderLine",
    "Int32",
    "Line",
    "LinkLine",
    "NodeLine",
    "RunLine",
    "ScoreLine",
]
