"""The cause for which a run did not answer right, read off its raw events by walking through them
once: what `backend.review.why.death` is compared with.

Nothing here is shared with it but the grader and the checker of the problem set. The log is played
forward, and for every node it is kept when, and by what, its line was last ended; then the lines
that could have led to the right answer are sorted by when they were over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from backend import problems

TOO_LONG = ("step limit", "token limit", "cut off before its end")


class Last(NamedTuple):
    """A line that could have led to the right answer: when it was over, how deep it was, the
    negative number of its node, and the cause."""

    over: int
    depth: int
    minus_node: int
    cause: str


class Verdict(NamedTuple):
    """One of the words of `backend.review.why.death.Cause`, and the node whose line was over last,
    where that decides."""

    cause: str
    node: int | None = None


def verdict(
    nodes: Sequence[Any], events: Sequence[Any], problem: problems.Problem, status: str = "finished"
) -> Verdict:
    """For a problem whose set has a checker."""

    def written(node: Any) -> str:
        return "" if node.parent_id is None else written(nodes[node.parent_id]) + node.text

    def right(node: Any) -> bool:
        return problems.grade(problem, problems.extract_answer(written(node))).correct is True

    answers = [event for event in events if event.kind == "answer"]
    if answers and answers[-1].data["correct"]:
        return Verdict("right")
    if (
        answers
        and answers[-1].data["answer"] is None
        and all_right(written(nodes[answers[-1].node_id]), problem)
    ):
        return Verdict("not_extracted")
    pool = candidates(nodes, events, written)
    if any(right(nodes[place]) for place in pool):
        return Verdict("not_chosen")
    ends = Ends(events, status)
    texts = [
        node
        for node in nodes
        if node.parent_id is not None
        and (node.done or node.finish == "budget")
        and node.text.strip()
        and right(node)
    ]
    lines = [line(node, ends.of_text(node)) for node in texts] or sound_lines(
        nodes, ends, written, problem
    )
    last = max(lines)
    return Verdict(last.cause, -last.minus_node)


def line(node: Any, ended: tuple[int, str]) -> Last:
    return Last(ended[0], node.depth, -node.id, ended[1])


def steps_of(text: str) -> list[str]:
    return [piece.strip() for piece in text.split("\n\n") if piece.strip()]


def all_right(text: str, problem: problems.Problem) -> bool:
    verdicts = problems.check(problem, steps_of(text))
    assert verdicts is not None
    return not verdicts or verdicts[-1].ok


def candidates(
    nodes: Sequence[Any], events: Sequence[Any], written: Callable[[Any], str]
) -> set[int]:
    """Who stood for the answer when it was chosen last."""

    def stands(place: int) -> bool:
        node = nodes[place]
        readable = problems.extract_answer(written(node)) is not None
        return (
            bool(node.done) and node.finish != "aborted" and (node.finish != "length" or readable)
        )

    listed: list[int] = []
    standing, reported = set[int](), set[int]()
    for event in events:
        if event.kind == "step":
            reported.update(event.data["nodes"])
            listed = (listed if event.data["from"] else []) + event.data["nodes"]
            standing = {place for place in listed if stands(place)} or standing
    if any(event.kind == "limit" for event in events):
        standing |= {
            node.id
            for node in nodes
            if node.kind == "step" and node.finish == "end" and node.id not in reported
        }
    return standing


class Ends:
    """When every line was ended, and whether by the search or by a limit."""

    def __init__(self, events: Sequence[Any], status: str) -> None:
        self.last, self.status = events[-1].seq + 1, status
        self.limited = any(event.kind == "limit" for event in events) or status != "finished"
        self.gone: dict[int, tuple[int, str]] = {}
        self.copies: set[int] = set()
        self.waiting: set[int] = set()
        self.rolled: dict[int, int] = {}
        self.listed: list[int] = []
        self.references: list[tuple[int, int]] = []
        self.weighed: set[int] = set()
        self.steps: list[int] = []
        for event in events:
            self.play(event)

    def play(self, event: Any) -> None:
        data = event.data or {}
        if event.kind == "pruned":
            for place in data["nodes"]:
                self.gone[place] = (
                    event.seq,
                    "cut_off" if data["reason"] in TOO_LONG else "pruned",
                )
            self.copies |= set(data["nodes"] if data["reason"].startswith("same text as") else ())
        elif event.kind == "resampled":
            drawn = {data["particles"][ancestor] for ancestor in data["ancestors"]}
            for place in data["particles"]:
                self.gone.pop(place, None)
                if place not in drawn:
                    self.gone[place] = (event.seq, "pruned")
        elif event.kind == "weighed":
            self.weighed |= set(data["particles"])
        elif event.kind == "referenced":
            self.references.append((event.seq, event.node_id))
        elif event.kind == "pushed":
            self.waiting.add(event.node_id)
        elif event.kind == "popped":
            self.waiting.discard(event.node_id)
        elif event.kind == "rolled":
            self.rolled[data["rollout"]] = event.seq
        elif event.kind == "step":
            self.listed = (self.listed if data["from"] else []) + data["nodes"]
            self.steps.append(event.seq)

    def open(self) -> tuple[int, str]:
        return self.last, "cut_off" if self.limited else "pruned"

    def of_text(self, node: Any) -> tuple[int, str]:
        """When a text with the right answer that is no candidate was over, and by what."""
        if node.kind == "rollout":
            return self.rolled.get(node.id, node.seq), "pruned"
        return self.stopped(node) or self.superseded(node) or self.open()

    def stopped(self, node: Any) -> tuple[int, str] | None:
        if node.finish == "budget":
            return self.last, "cut_off"
        if node.finish == "aborted":
            later = any(seq > node.seq for seq in self.steps)
            return (self.last, "cut_off") if self.limited and not later else (node.seq, "pruned")
        if node.id in self.gone:
            return self.gone[node.id]
        return self.open() if node.id in self.waiting else None

    def superseded(self, node: Any) -> tuple[int, str] | None:
        later = [seq for seq, place in self.references if seq > node.seq and place != node.id]
        return (later[0], "pruned") if later and node.id in self.weighed else None


def sound_lines(
    nodes: Sequence[Any], ends: Ends, written: Callable[[Any], str], problem: problems.Problem
) -> list[Last]:
    """The lines whose steps are all right, as far as they go."""
    children: dict[int, list[Any]] = {}
    for node in nodes:
        if node.parent_id is not None and node.kind in ("step", "injected"):
            children.setdefault(node.parent_id, []).append(node)

    def sound(node: Any) -> bool:
        if node.parent_id is None:
            return True
        if node.kind == "rollout" or node.id in ends.copies or not node.text.strip():
            return False
        steps = steps_of(written(node))
        whole = node.finish not in ("budget", "aborted", "length") or node.text.endswith("\n\n")
        verdicts = problems.check(problem, steps if whole else steps[:-1])
        return not verdicts or verdicts[-1].ok

    def over(node: Any) -> tuple[int, str]:
        if node.id in children:
            return max(child.seq for child in children[node.id]), "never_generated"
        if (found := ends.stopped(node)) is not None:
            return found
        if node.done:
            return node.seq, "cut_off" if node.finish == "length" else "never_generated"
        return (ends.last, "cut_off") if node.id in ends.listed else ends.open()

    right = [node for node in nodes if sound(node)]
    parents = {node.parent_id for node in right}
    return [line(node, over(node)) for node in right if node.id not in parents]
