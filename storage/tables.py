"""The tables, as SQLAlchemy models. A run is an append-only log: `node` and `event` rows are
inserted once and never changed.

Only rules that can never change are constraints, because DuckDB can neither add nor drop one later:
primary keys (they make a retried write harmless) and "a parent is older than its child" (so there
are no cycles). Lists of allowed words live in Python. There are no foreign keys: with them a run
and its log could not be deleted in one transaction. `verify_run` checks what they would.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backend.core.types import JSON


def json_text(value: JSON) -> str:
    """JSON as it is stored: readable, finite numbers only. Raises `ValueError` for NaN, infinities
    and text that is not valid Unicode."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text.encode()
    return text


class Json(sa.types.TypeDecorator[JSON]):
    """JSON in a VARCHAR: stored exactly as written, so that numbers and texts come back bit for
    bit."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: JSON, dialect: sa.Dialect) -> str | None:
        return None if value is None else json_text(value)

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> JSON:
        decoded: JSON = None if value is None else json.loads(value)
        return decoded


class Base(DeclarativeBase):
    """Registry of the tables below."""


RUN_IDS = sa.Sequence("run_id_sequence", metadata=Base.metadata)
ANNOTATION_IDS = sa.Sequence("annotation_id_sequence", metadata=Base.metadata)
EDIT_IDS = sa.Sequence("edit_id_sequence", metadata=Base.metadata)


class Problem(Base):
    """A problem as a run saw it. `key` is a hash of the content, so that a generator that changes
    never rewrites old runs."""

    __tablename__ = "problem"

    key: Mapped[str] = mapped_column(sa.String, primary_key=True)
    id: Mapped[str] = mapped_column(sa.String)
    dataset: Mapped[str] = mapped_column(sa.String)
    question: Mapped[str] = mapped_column(sa.String)
    answer: Mapped[str | None] = mapped_column(sa.String)
    meta: Mapped[JSON] = mapped_column(Json, nullable=False)


class Run(Base):
    """One run; the only row of it that changes. `origin_run` is the run of this store that it goes
    on from, which `forked_from` names with the node and the edit; None for other runs, and for an
    imported fork, whose origin is in another store. `limit_axis` and `limit_value` are the budget
    that ended the run; both or neither are there."""

    __tablename__ = "run"

    id: Mapped[int] = mapped_column(
        sa.BigInteger, RUN_IDS, server_default=RUN_IDS.next_value(), primary_key=True
    )
    problem_key: Mapped[str | None] = mapped_column(sa.String)
    status: Mapped[str] = mapped_column(sa.String)
    strategy: Mapped[str] = mapped_column(sa.String)
    model: Mapped[str] = mapped_column(sa.String)
    seed: Mapped[int] = mapped_column(sa.BigInteger)
    origin: Mapped[str] = mapped_column(sa.String)
    forked_from: Mapped[JSON] = mapped_column(Json, nullable=True)
    origin_run: Mapped[int | None] = mapped_column(sa.BigInteger)
    spec: Mapped[JSON] = mapped_column(Json, nullable=False)
    manifest: Mapped[JSON] = mapped_column(Json, nullable=False)
    ledger: Mapped[JSON] = mapped_column(Json, nullable=False)
    answer: Mapped[str | None] = mapped_column(sa.String)
    correct: Mapped[bool | None] = mapped_column(sa.Boolean)
    chosen_node: Mapped[int | None] = mapped_column(sa.Integer)
    reason: Mapped[str | None] = mapped_column(sa.String)
    limit_axis: Mapped[str | None] = mapped_column(sa.String)
    limit_value: Mapped[float | None] = mapped_column(sa.Double)
    error: Mapped[str | None] = mapped_column(sa.String)
    remedy: Mapped[str | None] = mapped_column(sa.String)
    created_at: Mapped[datetime] = mapped_column(sa.TIMESTAMP)
    stored_at: Mapped[datetime] = mapped_column(sa.TIMESTAMP)
    finished_at: Mapped[datetime | None] = mapped_column(sa.TIMESTAMP)


class Node(Base):
    """A node, see `backend.core.records.NodeRecord`. Log-probabilities are doubles, so that a
    resumed run computes with the very same numbers."""

    __tablename__ = "node"
    __table_args__ = (sa.CheckConstraint("parent_id < id", name="parent_is_older"),)

    run_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    parent_id: Mapped[int | None] = mapped_column(sa.Integer)
    depth: Mapped[int] = mapped_column(sa.Integer)
    kind: Mapped[str] = mapped_column(sa.String)
    role: Mapped[str] = mapped_column(sa.String)
    text: Mapped[str] = mapped_column(sa.String)
    token_ids: Mapped[list[int]] = mapped_column(sa.ARRAY(sa.Integer))
    logprobs: Mapped[list[float] | None] = mapped_column(sa.ARRAY(sa.Double))
    finish: Mapped[str | None] = mapped_column(sa.String)
    done: Mapped[bool] = mapped_column(sa.Boolean)
    key: Mapped[str] = mapped_column(sa.String)
    seq: Mapped[int] = mapped_column(sa.Integer)
    alternatives: Mapped[JSON] = mapped_column(Json, nullable=True)


class Event(Base):
    """An event, see `backend.core.records.EventRecord`. `seq` is the clock of the run, dense from
    0."""

    __tablename__ = "event"

    run_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    t_ms: Mapped[float] = mapped_column(sa.Double)
    kind: Mapped[str] = mapped_column(sa.String)
    node_id: Mapped[int | None] = mapped_column(sa.Integer)
    track: Mapped[str] = mapped_column(sa.String)
    round: Mapped[int] = mapped_column(sa.Integer)
    phase: Mapped[str] = mapped_column(sa.String)
    label: Mapped[str] = mapped_column(sa.String)
    value: Mapped[float | None] = mapped_column(sa.Double)
    data: Mapped[JSON] = mapped_column(Json, nullable=True)


class Score(Base):
    """What a verifier said of a node after the run: one of a `series` of scores. Those that the run
    itself was given are events."""

    __tablename__ = "score"

    run_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    series: Mapped[str] = mapped_column(sa.String, primary_key=True)
    node_id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    value: Mapped[float | None] = mapped_column(sa.Double)
    steps: Mapped[list[float]] = mapped_column(sa.ARRAY(sa.Double))
    reason: Mapped[str | None] = mapped_column(sa.String)


class Link(Base):
    """A relation between two nodes that is not parentage: `about`, `sees`, `forked_from`."""

    __tablename__ = "link"

    run_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    src: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    dst: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(sa.String, primary_key=True)


class Annotation(Base):
    """What a person says of a run, of one of its paths, of a written step or of a stretch of its
    text; see `backend.review.annotate.labels`."""

    __tablename__ = "annotation"

    id: Mapped[int] = mapped_column(
        sa.BigInteger, ANNOTATION_IDS, server_default=ANNOTATION_IDS.next_value(), primary_key=True
    )
    run_id: Mapped[int] = mapped_column(sa.BigInteger)
    node_id: Mapped[int | None] = mapped_column(sa.Integer)
    step: Mapped[int | None] = mapped_column(sa.Integer)
    span: Mapped[JSON] = mapped_column(Json, nullable=True)
    kind: Mapped[str] = mapped_column(sa.String)
    label: Mapped[str] = mapped_column(sa.String)
    note: Mapped[str | None] = mapped_column(sa.String)
    author: Mapped[str] = mapped_column(sa.String)
    blind: Mapped[bool] = mapped_column(sa.Boolean)
    created_at: Mapped[datetime] = mapped_column(sa.TIMESTAMP)
    updated_at: Mapped[datetime] = mapped_column(sa.TIMESTAMP)


class Category(Base):
    """An entry of the codebook. Labels name it by `key`, which never changes, so a new name keeps
    old labels."""

    __tablename__ = "category"

    key: Mapped[str] = mapped_column(sa.String, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String)
    description: Mapped[str] = mapped_column(sa.String)
    mark: Mapped[str] = mapped_column(sa.String)
    position: Mapped[int] = mapped_column(sa.Integer)
    retired: Mapped[bool] = mapped_column(sa.Boolean)


class Edit(Base):
    """One change of an annotation or of the codebook: who, when, before and after. `key` is the
    annotation's id or the category's key."""

    __tablename__ = "edit"

    id: Mapped[int] = mapped_column(
        sa.BigInteger, EDIT_IDS, server_default=EDIT_IDS.next_value(), primary_key=True
    )
    subject: Mapped[str] = mapped_column(sa.String)
    key: Mapped[str] = mapped_column(sa.String)
    run_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    author: Mapped[str] = mapped_column(sa.String)
    at: Mapped[datetime] = mapped_column(sa.TIMESTAMP)
    action: Mapped[str] = mapped_column(sa.String)
    before: Mapped[JSON] = mapped_column(Json, nullable=True)
    after: Mapped[JSON] = mapped_column(Json, nullable=True)


class Sight(Base):
    """What an author has seen of a run: while `seen_at` is empty, only what blind mode shows."""

    __tablename__ = "sight"

    run_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    author: Mapped[str] = mapped_column(sa.String, primary_key=True)
    opened_at: Mapped[datetime] = mapped_column(sa.TIMESTAMP)
    seen_at: Mapped[datetime | None] = mapped_column(sa.TIMESTAMP)


class Setting(Base):
    """A choice of the settings page."""

    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(sa.String, primary_key=True)
    value: Mapped[JSON] = mapped_column(Json, nullable=True)
