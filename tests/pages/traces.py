"""Two made-up runs with everything a page can show, written by the real recorder so that their
shape is the real one."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from backend.core.events import AnswerChanged, CallEnded, StatusChanged
from backend.core.records import EventRecord, MemorySink, NodeRecord
from backend.core.steps import Pruned, Resampled, Step, Weighed
from backend.core.types import Finish, Kind, Node, Score
from backend.runs.recorder import Recorder

QUESTION = (
    "Ana has 7 apples. Ben has 5 more apples than Ana. Cara has twice as many apples as Ben. "
    "How many apples does Cara have?"
)
PROMPT = (
    "<|im_start|>system\nSolve step by "
    f"step.<|im_end|>\n<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n"
)
LINES = (
    "Ana has 7 apples.\n\n",
    "Ben has 5 more apples than Ana: 7 + 5 = 12.\n\n",
    "Cara has twice as many apples as Ben: 2 * 12 = 24.\n\n",
    "The answer is \\boxed{24}.",
)
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> "
    "![i](http://192.0.2.1/i.png) $5 and $x$ \u202edrow\n\n"
)


@dataclass(frozen=True)
class Trace:
    """The records of one run."""

    nodes: list[NodeRecord]
    events: list[EventRecord]


def child(parent: Node, text: str, draw: random.Random, *, done: bool = False) -> Node:
    """A sampled step below `parent`, three characters a token."""
    ids = tuple(range(1, 1 + (len(text) + 2) // 3))
    finish = Finish.END if done else Finish.STEP
    return Node(
        text,
        ids,
        tuple(-(draw.random() ** 3) * 2 for _ in ids),
        parent,
        parent.depth + 1,
        done,
        finish,
    )


class Writer:
    """Writes a run: steps, scores and notes, with a ledger that adds up."""

    def __init__(self, seed: int) -> None:
        self.sink, self.draw = MemorySink(), random.Random(seed)
        self.recorder = Recorder(self.sink)
        self.ledger: dict[str, float] = {
            "model_calls": 0,
            "generated_tokens": 0,
            "verifier_calls": 0,
            "rounds": 0,
            "seconds": 0.0,
        }
        self.root = Node(PROMPT, (1, 2, 3), kind=Kind.PROMPT)
        self.recorder.add(StatusChanged("running"))
        self.recorder.node(self.root)

    def extend(self, parents: list[Node], text: str | None = None) -> list[Node]:
        children = [
            child(node, text or LINES[min(node.depth, 3)], self.draw, done=node.depth == 3)
            for node in parents
        ]
        for node in children:
            self.recorder.node(node)
        self._add(
            model_calls=len(children),
            generated_tokens=sum(len(node.token_ids) for node in children),
        )
        self.recorder.add(CallEnded("policy", requests=len(children), ledger=dict(self.ledger)))
        return children

    def score(self, nodes: list[Node]) -> list[float]:
        values = [round(self.draw.uniform(0.15, 0.98), 4) for _ in nodes]
        for node, value in zip(nodes, values, strict=True):
            self.recorder.score(
                "prm",
                node,
                Score(
                    value, steps=(*tuple(self.draw.random() for _ in range(node.depth - 1)), value)
                ),
            )
        self._add(verifier_calls=len(nodes))
        self.recorder.add(CallEnded("verifier prm", scored=len(nodes), ledger=dict(self.ledger)))
        return values

    def _add(self, **counts: int) -> None:
        for name, count in counts.items():
            self.ledger[name] = self.ledger[name] + count

    def step(self, step: Step) -> None:
        self._add(rounds=1)
        self.recorder.step(step, 0)

    def answer(self, node: Node, text: str = "24") -> None:
        self.recorder.add(
            AnswerChanged(self.recorder.id_of(node), text, True, "24 = 24", dict(self.ledger))
        )

    def end(self) -> Trace:
        self.recorder.add(StatusChanged("finished", dict(self.ledger)))
        self.recorder.flush()
        return Trace(self.sink.nodes, self.sink.events)


def beam_trace(width: int = 4, seed: int = 1, rounds: int = 4, hostile: bool = False) -> Trace:
    """A beam search: `width` survivors, each extended twice; the worse half is pruned."""
    run = Writer(seed)
    beam = run.extend([run.root] * (2 * width))
    for depth in range(1, rounds + 1):
        values = run.score(beam)
        order = sorted(range(len(beam)), key=lambda slot: -values[slot])
        kept, lost = (
            [beam[slot] for slot in order[:width]],
            tuple(beam[slot] for slot in order[width:]),
        )
        run.step(
            Step(
                kept,
                [values[slot] for slot in order[:width]],
                (Pruned(lost, "outside the beam"),),
                phase="select",
                stats={"beam": float(width)},
            )
        )
        if depth == rounds:
            run.answer(kept[0])
            break
        beam = run.extend(
            [node for node in kept for _ in range(2)], HOSTILE if hostile and depth == 1 else None
        )
    return run.end()


def particle_trace(count: int = 8, seed: int = 2, rounds: int = 4) -> Trace:
    """A particle filter that resamples when the effective sample size falls below half."""
    run = Writer(seed)
    particles, logs = [run.root] * count, [0.0] * count
    for depth in range(1, rounds + 1):
        particles = run.extend(particles)
        values = run.score(particles)
        increments = [2 * math.log(value / (1 - value)) for value in values]
        logs = [log + increment for log, increment in zip(logs, increments, strict=True)]
        notes: list[Weighed | Resampled] = [
            Weighed(tuple(particles), tuple(logs), tuple(increments))
        ]
        weights = softmax(logs)
        ess = 1 / sum(weight**2 for weight in weights)
        if ess < count / 2 and depth < rounds:
            ancestors = tuple(sorted(run.draw.choices(range(count), weights, k=count)))
            notes.append(
                Resampled(
                    "multinomial",
                    tuple(particles),
                    ancestors,
                    tuple(run.draw.random() for _ in range(count)),
                    tuple(logs),
                    ess,
                )
            )
            particles, logs = [particles[slot] for slot in ancestors], [0.0] * count
        run.step(Step(particles, softmax(logs), tuple(notes), phase="resample", stats={"ess": ess}))
    run.answer(max(zip(softmax(logs), particles, strict=True), key=lambda pair: pair[0])[1])
    return run.end()


def softmax(logs: list[float]) -> list[float]:
    powers = [math.exp(value - max(logs)) for value in logs]
    return [power / sum(powers) for power in powers]
