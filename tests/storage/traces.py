"""Sound traces to store: made by the real recorder, so that they are what a run makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from backend.core.events import StatusChanged
from backend.core.records import EventRecord, MemorySink, NodeRecord
from backend.core.steps import Backed, Step
from backend.core.types import JSON, Alternative, Finish, Kind, Node, Score
from backend.runs.recorder import Recorder
from storage import Store

PROBLEM: dict[str, JSON] = {
    "id": "ledger/3/17",
    "question": "How many jars are left?",
    "answer": "42",
    "level": 3,
}


class Trace(NamedTuple):
    """Records of a whole run and the ledger that belongs to them."""

    nodes: list[NodeRecord]
    events: list[EventRecord]
    ledger: dict[str, JSON]


def trace(steps: int = 6, text: str = "So there are 7.\n\n") -> Trace:
    """A prompt with a bushy tree of `steps` scored nodes below it, one round a step."""
    sink = MemorySink()
    recorder = Recorder(sink)
    root = Node("<question>", token_ids=(1, 2, 3), kind=Kind.PROMPT)
    tree = [root]
    recorder.node(root)
    for index in range(steps):
        parent = tree[index // 2]
        node = Node(
            f"{text}{index}",
            (index, index + 1),
            (-0.1 / 3, -1.5 * index),
            parent,
            parent.depth + 1,
            index == steps - 1,
            Finish.STEP,
            key=f"call {index}",
            alternatives=((Alternative(4, "é", -0.3),), ()),
        )
        tree.append(node)
        recorder.node(node)
        score = (
            Score(None, reason="too long")
            if index == 1
            else Score(0.1 + 0.2 * (index % 4), (0.1, 0.2))
        )
        recorder.score("prm", node, score)
        recorder.step(
            Step([node], [score.value], (Backed((parent, node), 0.5),), stats={"ess": 1.0 / 3}), 0
        )
    recorder.add(StatusChanged("finished"))
    recorder.flush()
    return Trace(sink.nodes, sink.events, {"generated_tokens": 2 * steps, "verifier_calls": steps})


def pieces(whole: Trace, size: Callable[[], int]) -> list[Trace]:
    """The trace cut into appends of `size()` events, each with the nodes that it announces."""
    cut, first = [], 0
    while first < len(whole.events):
        events = whole.events[first : first + size()]
        announced = range(first, first + len(events))
        cut.append(
            Trace([node for node in whole.nodes if node.seq in announced], events, whole.ledger)
        )
        first += len(events)
    return cut


def new_run(store: Store, **fields: object) -> int:
    """A queued run of the problem above."""
    given: dict[str, object] = {
        "problem": PROBLEM,
        "strategy": "beam_search",
        "model": "classroom",
        "seed": 7,
        **fields,
    }
    return store.create_run(
        {"strategy": given["strategy"], "seed": 7, "params": {"width": 4}}, **given
    )  # type: ignore[arg-type]


def finished_run(store: Store, steps: int = 6, text: str = "So there are 7.\n\n") -> int:
    """A run that is stored whole."""
    run_id, whole = new_run(store), trace(steps, text)
    writer = store.writer(run_id)
    writer.append(whole.nodes, whole.events)
    writer.close()
    store.update_run(
        run_id, status="finished", ledger=whole.ledger, answer="42", correct=True, chosen_node=steps
    )
    return run_id


def opened(folder: Path) -> Store:
    return Store.open(folder / "store.duckdb")
