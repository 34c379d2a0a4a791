"""TreeQuest: the JSON that `treequest.render(state, path, format="json")` writes.

A snapshot holds the tree as it stood: nodes with score, action and times, and what the algorithm
counted as texts. `StandardMCTS` backs every score up to the root once, so its visits are written
as `backed`; of other algorithms only what the file holds is read. A pickled state is not read:
reading one would run it.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from backend.core.errors import BadInput
from backend.core.steps import Backed
from backend.core.types import JSON, Node
from backend.exchange.base import (
    NODE_LIMIT,
    FileRemarks,
    Foreign,
    Format,
    GivenNumber,
    Imported,
    ImportHints,
    MaybeText,
    Number,
    begins,
    decode,
    within_limit,
)
from backend.exchange.document import Record, read_records, unwrap
from backend.exchange.transcript import Transcript, moment, some_runs

ROOT_ID = -1
PATH_LIMIT = 5_000_000
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)", re.DOTALL)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r"}


class TreeNode(Foreign):
    """A node; `id` is -1 for the root and counts expansions from 0."""

    id: int = Field(ge=ROOT_ID)
    parent_id: int | None
    score: Number = GivenNumber(None, "the file holds no score")
    state_repr: str
    action_from_parent: MaybeText = None
    created_at: MaybeText = None
    completed_at: MaybeText = None
    status: MaybeText = None


class Metadata(Foreign):
    """Who wrote the file."""

    algorithm: MaybeText = None
    treequest_version: MaybeText = None


class TreequestSnapshot(Foreign):
    """The file."""

    nodes: list[TreeNode] = Field(min_length=1, max_length=NODE_LIMIT)
    metadata: Annotated[Metadata, BeforeValidator(lambda given: {} if given is None else given)] = (
        Metadata()
    )


def parse(content: bytes, given: ImportHints) -> list[Imported]:
    """A run a snapshot, its nodes in order of expansion."""
    return some_runs([_run(record, given) for record in unwrap(read_records(content))], "$")


def _run(record: Record, given: ImportHints) -> Imported:
    remarks = FileRemarks()
    snapshot = decode(TreequestSnapshot, record.value, record.where, remarks)
    about = snapshot.metadata
    trace = Transcript(
        "treequest",
        given,
        strategy=f"treequest {about.algorithm or 'unknown'}",
        program="treequest",
        version=about.treequest_version,
        remarks=remarks,
    )
    trace.at(min(filter(None, (moment(node.created_at) for node in snapshot.nodes)), default=None))
    known: dict[int, Node] = {}
    steps = 0
    for index, found in enumerate(snapshot.nodes):
        where = f"{record.where}.nodes[{index}]"
        if found.id != index + ROOT_ID:
            raise BadInput(
                f"{where}.id",
                given=found.id,
                accepted=f"{index + ROOT_ID}: nodes in order of expansion, the root (-1) first",
            )
        if found.id == ROOT_ID:
            known[ROOT_ID] = trace.root
            continue
        backs_up = about.algorithm == "StandardMCTS"
        known[found.id] = _grow(trace, known, found, where, backs_up=backs_up)
        steps += known[found.id].depth if backs_up else 0
        within_limit(where, "steps in all paths by then", steps, PATH_LIMIT)
    return trace.finish()


def _grow(
    trace: Transcript, known: dict[int, Node], found: TreeNode, where: str, *, backs_up: bool
) -> Node:
    if found.parent_id not in known:
        raise BadInput(
            f"{where}.parent_id", given=found.parent_id, accepted="the id of an earlier node"
        )
    trace.at(moment(found.completed_at))
    parent = known[found.parent_id]
    node = trace.node(
        parent,
        unquote(found.state_repr),
        f"node {found.id}",
        f"{where}.state_repr",
        role=found.action_from_parent or "policy",
    )
    worth, said = trace.score(node, "treequest", found.score), found.score.value
    notes = (Backed(tuple(node.path()), said),) if backs_up and said is not None else ()
    trace.step([node], [worth], notes)
    return node


def unquote(state: str) -> str:
    """The text behind its Python representation, which is how a state that is a text is written by
    default; anything else as it is."""
    return _ESCAPE.sub(_character, state[1:-1]) if _QUOTED.fullmatch(state) else state


def _character(escape: re.Match[str]) -> str:
    code = escape[1]
    if len(code) == 1:
        return _SIMPLE.get(code, code)
    number = int(code[1:], 16)
    return chr(number) if number <= 0x10FFFF else escape[0]


def _holds(value: JSON) -> bool:
    nodes = value.get("nodes") if isinstance(value, dict) else None
    return isinstance(nodes, list) and any(
        isinstance(each, dict) and "state_repr" in each for each in nodes[:2]
    )


FORMAT = Format(
    "treequest",
    "TreeQuest snapshot (JSON)",
    "treequest",
    lambda beginning: begins(beginning, rb'"state_repr"'),
    parse,
    order=10,
    holds=_holds,
)

__all__ = ["FORMAT"]
