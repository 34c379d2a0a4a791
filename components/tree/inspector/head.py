"""The chosen node in short: number, state, figures and text."""

from __future__ import annotations

from dataclasses import dataclass

from backend.core.tree import TreeRow
from components.frame.prose import visible


@dataclass(frozen=True)
class NodeHead:
    """What is shown; `facts` are score, step, tokens, visits and mean log-probability, as far as
    there are any. The tree makes the same in the browser (`headOf` in tree_model.js)."""

    id: int
    state: str
    facts: tuple[str, ...] = ()
    reason: str = ""
    text: str = ""


def head_of(node_id: int, row: TreeRow | None) -> NodeHead:
    """The head of a node; `row` is None for one that is not yet written at the moment shown."""
    if row is None:
        return NodeHead(node_id, "not yet written")
    facts = [] if row.score is None else [f"score {row.score:.3f}"]
    facts.append(f"step {row.depth}")
    if row.tokens:
        facts.append(f"{row.tokens} tokens")
    if row.visits:
        facts.append(f"{row.visits} visit{'s' if row.visits != 1 else ''}")
    if row.logprob is not None:
        facts.append(f"mean log p {row.logprob:z.2f}")
    return NodeHead(
        node_id, row.state, tuple(facts), visible(row.reason or ""), visible(row.text.rstrip("\n"))
    )
