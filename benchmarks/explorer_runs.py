"""Stored searches of any size for the explorer's benchmark: a tree search with backups, pruned
branches, finished solutions and an answer.

The texts are made up, everything else goes the product's own way: nodes and notes through the
recorder into the store.
"""

from __future__ import annotations

import random
from pathlib import Path

from backend.core.events import AnswerChanged, CallEnded, StatusChanged
from backend.core.spec import RunSpec
from backend.core.steps import Backed, Pruned, Selected, Step
from backend.core.types import JSON, Finish, Kind, Node, Score
from backend.runs.recorder import Recorder
from storage import Store

CHILDREN, DEEPEST, ANSWERS = 4, 30, 9
SPEC = RunSpec(
    strategy="mcts", question="How much is it?", answer="3", engine="scripted", verifier="prm"
)


def store_run(store: Store, nodes: int, seed: int = 0) -> int:
    """A finished run of about `nodes` nodes; its id."""
    problem: dict[str, JSON] = {
        "id": "own",
        "set": "own",
        "question": SPEC.question,
        "answer": SPEC.answer,
    }
    run_id = store.create_run(
        SPEC.model_dump(mode="json"), problem=problem, strategy="mcts", model="made up", seed=seed
    )
    writer = store.writer(run_id)
    recorder = Recorder(writer)
    chosen = _grow(recorder, nodes, random.Random(seed))
    recorder.add(StatusChanged("finished"))
    recorder.flush()
    writer.close()
    store.update_run(
        run_id, status="finished", answer="3", correct=True, chosen_node=recorder.id_of(chosen)
    )
    return run_id


def _grow(recorder: Recorder, nodes: int, draw: random.Random) -> Node:
    """Rounds of one expansion each, until there are enough nodes; returns the finished node that
    scored best."""
    root = Node(f"{SPEC.question}\n", token_ids=(1, 2, 3), kind=Kind.PROMPT)
    recorder.node(root)
    open_nodes, finished, best, best_score, listed = [root], [], root, -1.0, 0
    while recorder.node_count < nodes and open_nodes:
        parent = open_nodes.pop(draw.randrange(len(open_nodes)))
        recorder.add(CallEnded("policy"))
        children = [_child(parent, draw) for _ in range(CHILDREN)]
        scores = [draw.betavariate(2, 2) for _ in children]
        for child, score in zip(children, scores, strict=True):
            recorder.node(child)
            recorder.score("prm", child, Score(score, (score,)))
            if child.done:
                finished.append(child)
                best, best_score = (child, score) if score > best_score else (best, best_score)
        worst = min(zip(scores, children, strict=True), key=lambda pair: pair[0])[1]
        open_nodes += [child for child in children if child is not worst and not child.done]
        path = tuple(parent.path())
        notes = (
            Selected(path, "uct", tuple(0.5 for _ in path)),
            Pruned((worst,), "the worst of four", sorted(scores)[1]),
            Backed((*path, children[0]), scores[0]),
        )
        recorder.step(Step(finished, [None] * len(finished), notes, phase="expand"), listed)
        listed = len(finished)
        recorder.flush()
    recorder.add(AnswerChanged(recorder.id_of(best), "3", True))
    return best


def _child(parent: Node, draw: random.Random) -> Node:
    depth = parent.depth + 1
    done = (depth > 4 and draw.random() < 0.06) or depth == DEEPEST
    step = f"Step {depth}: {draw.randrange(1000)} plus {draw.randrange(1000)}.\n\n"
    text = f"So the answer is \\boxed{{{draw.randrange(ANSWERS)}}}." if done else step
    ids = tuple(draw.randrange(500) for _ in range(8))
    return Node(
        text,
        ids,
        tuple(-draw.random() for _ in ids),
        parent,
        depth,
        done,
        Finish.END if done else Finish.STEP,
        key=f"k{draw.random()}",
    )


def make_store(path: Path, sizes: tuple[int, ...]) -> list[int]:
    """A store with one run a size; their ids."""
    store = Store.open(path)
    try:
        return [store_run(store, size, seed) for seed, size in enumerate(sizes)]
    finally:
        store.close()
