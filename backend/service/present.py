"""From rows of the store to answers of the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.core.events import NodeAdded, kind_of
from backend.core.limits import describe_end
from backend.core.records import EventRow
from backend.core.types import JSON
from backend.messages import runs as schemas
from storage import NodeFull, NodeRow, RunRow, Store

ADDED = kind_of(NodeAdded)


def run_message(
    row: RunRow,
    status: str | None = None,
    reason: str | None = None,
    grade_reason: str | None = None,
) -> schemas.Run:
    """A run, copied from its row, because pages list many; what takes more than the row, such as
    the `grade_reason`, is asked of `StoredRun`. `status` and `reason` of a run that is not over are
    known better in memory."""
    spec = row.spec
    problem = problem_message(row.problem)
    return schemas.Run.model_validate(
        {
            "id": row.id,
            "status": status or row.status,
            "spec": spec,
            "strategy": row.strategy,
            "params": spec.get("params", {}),
            "problem": problem,
            "question": spec.get("question") or (problem.question if problem else ""),
            "engine": spec.get("engine", ""),
            "model": row.model or None,
            "verifier": spec.get("verifier", ""),
            "verifier_model": spec.get("verifier_model"),
            "aggregation": spec.get("aggregation", "last"),
            "selector": spec.get("selector"),
            "seed": row.seed,
            "budget": spec.get("budget", {}),
            "sampling": spec.get("sampling", {}),
            "answer": row.answer,
            "right_answer": problem.answer if problem else spec.get("answer"),
            "correct": row.correct,
            "grade_reason": grade_reason,
            "chosen_node": row.chosen_node,
            "reason": reason or describe_end(row.reason, row.limit),
            "limit": None if row.limit is None else row.limit._asdict(),
            "error": row.error,
            "remedy": row.remedy,
            "ledger": row.ledger,
            "manifest": row.manifest,
            "nodes": row.nodes,
            "events": row.events,
            "origin": row.origin,
            "created_at": row.created_at.isoformat(),
            "finished_at": None if row.finished_at is None else row.finished_at.isoformat(),
        }
    )


def problem_message(stored: Mapping[str, JSON] | None) -> schemas.Problem | None:
    """A stored problem; one that a user typed has no id."""
    if stored is None:
        return None
    meta = stored.get("meta")
    return schemas.Problem.model_validate(
        {
            "id": stored.get("id") or "",
            "set": stored.get("set") or stored.get("dataset") or "",
            "level": stored.get("level"),
            "seed": stored.get("seed"),
            "question": stored.get("question") or "",
            "answer": stored.get("answer"),
            "meta": meta if isinstance(meta, dict) else {},
        }
    )


def node_fields(row: NodeRow | NodeFull) -> dict[str, JSON]:
    """A node without its tokens."""
    return {
        "id": row.id,
        "parent_id": row.parent_id,
        "depth": row.depth,
        "kind": row.kind,
        "role": row.role,
        "text": row.text,
        "finish": row.finish,
        "done": row.done,
        "mean_logprob": row.mean_logprob,
        "n_tokens": row.n_tokens,
        "seq": row.seq,
    }


def detail_message(
    path: Sequence[NodeFull], tokens: Sequence[str], sampling: JSON
) -> schemas.NodeDetail:
    """The last node of a path with everything known of it."""
    node = path[-1]
    return schemas.NodeDetail.model_validate(
        {
            **node_fields(node),
            "key": node.key,
            "token_ids": list(node.token_ids),
            "tokens": list(tokens),
            "logprobs": None if node.logprobs is None else list(node.logprobs),
            "alternatives": alternatives_message(node.alternatives),
            "path": [step.id for step in path],
            "prompt_text": "".join(step.text for step in path[:-1]) if len(path) > 1 else node.text,
            "sampling": sampling,
        }
    )


def alternatives_message(stored: JSON) -> list[JSON]:
    """Alternatives as objects: the store keeps them as lists of id, text and log-probability."""
    if not isinstance(stored, list):
        return []
    return [
        [
            {"token_id": option[0], "text": option[1], "logprob": option[2]}
            for option in position
            if isinstance(option, list)
        ]
        for position in stored
        if isinstance(position, list)
    ]


def event_fields(store: Store, run_id: int, rows: Sequence[EventRow]) -> list[dict[str, JSON]]:
    """Events with their nodes joined to those of kind `node`. Blocks: call it in a thread."""
    ids = [row.node_id for row in rows if row.kind == ADDED and row.node_id is not None]
    nodes = (
        {
            node.id: node
            for node in store.nodes(run_id, after_id=min(ids) - 1, limit=max(ids) - min(ids) + 1)
        }
        if ids
        else {}
    )
    shown: list[dict[str, JSON]] = []
    for row in rows:
        fields: dict[str, JSON] = {
            "seq": row.seq,
            "t_ms": row.t_ms,
            "kind": row.kind,
            "node_id": row.node_id,
            "track": row.track,
            "round": row.round,
            "phase": row.phase,
            "label": row.label,
            "value": row.value,
            "data": row.data,
        }
        if row.kind == ADDED and row.node_id in nodes:
            fields["node"] = node_fields(nodes[row.node_id])
        shown.append(fields)
    return shown


__all__ = [
    "detail_message",
    "event_fields",
    "node_fields",
    "problem_message",
    "run_message",
]
