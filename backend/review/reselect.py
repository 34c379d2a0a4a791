"""What another final rule would have chosen from the candidates of a stored run. Nothing is generated and nothing is scored.

The candidates are those the run itself chose among: what its last list of candidates held, and where a budget ended it, the finished texts that no
step had reported. So the run's own rule gives the run's own answer. With `aggregation` the values are computed anew from the stored scores of steps
(last, min, prod, mean); a strategy that ranks its candidates by something else is then ranked by scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from backend.core.ports import Aggregation, Decision, Selector
from backend.core.types import JSON, Finish, Kind, Node, Step
from backend.judging.selectors.credit import expected_credit
from backend.judging.verifiers.aggregation import aggregated
from backend.problems import extract_answer
from backend.problems.base import Grade
from backend.problems.classes import AnswerClasses
from backend.runs.answer import Candidates, Ranked


class StoredNode(Protocol):
    """What is needed of a node: `backend.core.records.NodeRecord` has it, and so has a row of the store."""

    @property
    def id(self) -> int: ...
    @property
    def parent_id(self) -> int | None: ...
    @property
    def depth(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def token_ids(self) -> tuple[int, ...]: ...
    @property
    def logprobs(self) -> tuple[float, ...] | None: ...
    @property
    def finish(self) -> str | None: ...
    @property
    def done(self) -> bool: ...
    @property
    def key(self) -> str: ...
    @property
    def seq(self) -> int: ...


class StoredEvent(Protocol):
    """What is needed of an event, as `backend.core.records.EventRecord` has it."""

    @property
    def seq(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def node_id(self) -> int | None: ...
    @property
    def track(self) -> str: ...
    @property
    def round(self) -> int: ...
    @property
    def label(self) -> str: ...
    @property
    def value(self) -> float | None: ...
    @property
    def data(self) -> dict[str, JSON] | None: ...


class Choice(NamedTuple):
    """A chosen node by its id, the answer written there, and whether it is right (None: undecided)."""

    node: int | None
    answer: str | None
    correct: bool | None


@dataclass(frozen=True)
class Reselection:
    """What a rule chose. `leaders` are the ids of all that tie with the choice, itself first; `credit` is the expected correctness where the tie is
    broken at random; `confidence` and `facts` are the rule's own (`ports.Decision`); `candidates` is how many there were."""

    chosen: Choice | None
    leaders: tuple[int, ...]
    credit: float | None
    confidence: float | None
    facts: Mapping[str, JSON]
    candidates: int


NOTHING = Reselection(None, (), None, None, {}, 0)


class Trace:
    """The stored nodes as nodes again, by their ids, and what the `events` say of them. `scorer` names the verifier of the run; `seqs` are the events
    that announced the nodes."""

    def __init__(self, nodes: Sequence[StoredNode], events: Sequence[StoredEvent], scorer: str) -> None:
        self.nodes: list[Node] = []
        self.seqs = [row.seq for row in nodes]
        for row in nodes:
            parent = None if row.parent_id is None else self.nodes[row.parent_id]
            finish = None if row.finish is None else Finish(row.finish)
            self.nodes.append(Node(row.text, row.token_ids, row.logprobs, parent, row.depth, row.done, finish, row.role, Kind(row.kind), row.key))
        self.ids = {node: place for place, node in enumerate(self.nodes)}
        self.events = events
        self.scores = {event.node_id: event for event in events if event.kind == "score" and event.label == scorer and event.node_id is not None}

    def lists(self) -> list[list[Ranked]]:
        """Every list of candidates that the steps of the run named, each as it was in the end."""
        found: list[list[Ranked]] = []
        for event in self.events:
            if event.kind == "step" and event.data is not None:
                nodes, values = event.data["nodes"], event.data["values"]
                assert isinstance(nodes, list) and isinstance(values, list)
                if not event.data.get("from") or not found:
                    found.append([])
                found[-1] += [Ranked(self.nodes[int(str(node))], _number(value)) for node, value in zip(nodes, values, strict=True)]
        return found

    def unreported(self) -> list[Ranked]:
        """Where a budget ended the run: all texts that its policy had finished, with their scores."""
        if not any(event.kind == "limit" for event in self.events):
            return []
        ended = [node for node in self.nodes if node.finish is Finish.END and node.role == "policy" and node.kind is Kind.STEP]
        return [Ranked(node, self.score(node)) for node in ended]

    def score(self, node: Node, aggregation: Aggregation | None = None) -> float | None:
        """The verifier's score of the path, or its scores of steps aggregated in another way where it gave any."""
        event = self.scores.get(self.ids[node])
        if event is None:
            return None
        steps = (event.data or {}).get("steps")
        numbers = [number for step in steps if (number := _number(step)) is not None] if isinstance(steps, list) else []
        return aggregated(numbers, aggregation) if aggregation is not None and numbers and event.value is not None else event.value


def reselect(
    trace: Trace, rule: Selector, classes: AnswerClasses, grade: Callable[[str | None], Grade], aggregation: Aggregation | None = None,
    first: int | None = None,
) -> Reselection:
    """Let `rule` choose among the candidates of a stored run, or among the `first` of them that came in. Blocks where answers have to be compared by
    algebra."""
    found = candidates(trace, rule, classes, aggregation)
    if first is not None:
        pool, found = found.pool[:first], Candidates(rule, extract_answer, classes)
        found.update(Step([one.node for one in pool], [one.value for one in pool]))
    decision = found.decision()
    return NOTHING if decision is None else _told(trace, found, decision, grade)


def candidates(trace: Trace, rule: Selector, classes: AnswerClasses, aggregation: Aggregation | None = None) -> Candidates:
    """The candidates of a stored run as `rule` counts them. Blocks where answers have to be compared by algebra."""

    def step(ranked: Sequence[Ranked]) -> Step:
        values = [one.value if aggregation is None else trace.score(one.node, aggregation) for one in ranked]
        return Step([one.node for one in ranked], values)

    found = Candidates(rule, extract_answer, classes)
    for ranked in trace.lists():
        classes.settle(found.votes(step(ranked)))
        found.update(step(ranked))
    extra = step(trace.unreported())
    late = list(zip(extra.nodes, extra.values, strict=True))
    classes.settle(found.late_votes(late))
    found.finish(late)
    return found


def _told(trace: Trace, found: Candidates, decision: Decision, grade: Callable[[str | None], Grade]) -> Reselection:
    grades = {answer: grade(answer) for answer in {found.answer(node) for node in decision.leaders}}
    winner = decision.leaders[0]
    answer = found.answer(winner)
    return Reselection(
        chosen=Choice(trace.ids[winner], answer, grades[answer].correct),
        leaders=tuple(trace.ids[node] for node in decision.leaders),
        credit=expected_credit(decision.leaders, lambda node: grades[found.answer(node)].correct),
        confidence=decision.confidence,
        facts=decision.facts,
        candidates=len(found.pool),
    )


def own_choice(events: Sequence[StoredEvent]) -> Choice | None:
    """What the run itself chose last."""
    answers = [event for event in events if event.kind == "answer"]
    if not answers:
        return None
    data = answers[-1].data or {}
    answer, correct = data.get("answer"), data.get("correct")
    return Choice(answers[-1].node_id, answer if isinstance(answer, str) else None, correct if isinstance(correct, bool) else None)


def _number(value: JSON) -> float | None:
    return float(value) if isinstance(value, int | float) else None


__all__ = ["Choice", "Ranked", "Reselection", "StoredEvent", "StoredNode", "Trace", "candidates", "own_choice", "reselect"]
