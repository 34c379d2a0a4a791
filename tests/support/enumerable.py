"""A language small enough to know everything about it: every path, its probability, its score and
the exact posterior.

`ToyPolicy` and `ToyVerifier` are complete implementations of the ports over finite tables. They
keep books (who was extended and scored, how often, which races are still open), so that tests can
state what a strategy may and may not do. The verifier can fail; the policy can run out of budget,
write nothing, or stop at a length limit.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import NamedTuple

from backend.core.errors import BudgetExhausted
from backend.core.ports import END, STEP, Sampling, Until, VerifierTokens
from backend.core.types import Finish, Kind, Node, Score
from backend.problems.extraction import extract_answer


class Piece(NamedTuple):
    """One possible next step: its text, its probability, how it ends."""

    text: str
    probability: float
    finish: Finish = Finish.STEP


Language = Callable[[str], Sequence[Piece]]

LONGEST = 30
"""Steps after which a text written in one go is cut off."""


def table(entries: Mapping[str, Mapping[str, float]]) -> Language:
    """The language in which `entries[path]` gives the next steps, and a path without an entry is
    finished."""

    def pieces(path: str) -> list[Piece]:
        return [
            Piece(text, p, Finish.STEP if path + text in entries else Finish.END)
            for text, p in entries[path].items()
        ]

    return pieces


AFTER_A, AFTER_B = {"a": 0.7, "b": 0.3}, {"a": 0.2, "b": 0.8}
LETTERS = table(
    {
        "": {"a": 0.6, "b": 0.4},
        "a": AFTER_A,
        "b": AFTER_B,
        "aa": AFTER_A,
        "ba": AFTER_A,
        "ab": AFTER_B,
        "bb": AFTER_B,
    }
)
LETTER_SCORES = {
    "a": 0.9, "b": 0.3, "aa": 0.8, "ab": 0.5, "ba": 0.6, "bb": 0.7,
    "aaa": 0.2, "aab": 0.9, "aba": 0.4, "abb": 0.6, "baa": 0.5, "bab": 0.95, "bba": 0.3, "bbb": 0.85,
}  # fmt: skip
LEAVES = ("aaa", "aab", "aba", "abb", "baa", "bab", "bba", "bbb")

STOPS = table({"": {"S": 0.5, "a": 0.5}, "a": {"x": 0.5, "y": 0.5}})
STOP_SCORES = {"S": 0.6, "a": 0.6, "ax": 0.9, "ay": 0.2}


def completions(language: Language, path: str = "", probability: float = 1.0) -> dict[str, float]:
    """Every finished path with its probability."""
    found: dict[str, float] = {}
    for piece in language(path):
        longer, p = path + piece.text, probability * piece.probability
        found |= {longer: p} if piece.finish is Finish.END else completions(language, longer, p)
    return found


def posterior(language: Language, potential: Callable[[str], float]) -> dict[str, float]:
    """p(path) times `potential(path)`, divided by their sum, for every finished path. Steps have
    one letter each."""
    mass = {path: p * potential(path) for path, p in completions(language).items()}
    return {path: weight / sum(mass.values()) for path, weight in mass.items()}


def odds(score: float) -> float:
    return score / (1.0 - score)


def odds_of_steps(scores: Mapping[str, float]) -> Callable[[str], float]:
    """The product of the odds of all prefixes of a path."""
    return lambda path: math.prod(odds(scores[path[:end]]) for end in range(1, len(path) + 1))


def answer_text(node: Node) -> str:
    """The answer that stands: what is written down to the node, but a finished answer that was
    reopened gives way to what came after it."""
    parts: list[str] = []
    for part in node.path()[1:]:
        if part.kind is Kind.INJECTED and part.parent is not None and part.parent.done:
            parts.pop()
        else:
            parts.append(part.text)
    return "".join(parts)


class ToyPolicy:
    """`ports.Policy` over a `Language`. What it draws depends on the seed and on the place in the
    tree, never on the order of the calls. Each step is one token for its log-probability. A
    finished answer that was reopened is written again from where it began.

    `asked` lists every node it was asked to continue, `extended` every parent once a child, `born`
    the children. `budget` is the number of children it may make. With `every=True` the children of
    a node are its possible next steps in turn instead of draws.
    """

    def __init__(
        self, language: Language, seed: int = 0, *, budget: int | None = None, every: bool = False
    ) -> None:
        self._language, self._seed, self._budget, self._every = language, seed, budget, every
        self._ordinals: Counter[Node] = Counter()
        self.asked: list[Node] = []
        self.extended: list[Node] = []
        self.born: list[Node] = []
        self.widths: list[int] = []
        self.open_races = 0

    @property
    def sampling(self) -> Sampling:
        return Sampling()

    async def extend(
        self,
        nodes: Sequence[Node],
        n: int = 1,
        *,
        until: Until = STEP,
        sampling: Sampling | None = None,
        kind: Kind = Kind.STEP,
    ) -> list[list[Node]]:
        assert nodes, "an empty batch"
        self.asked.extend(nodes)
        self.widths.append(len(nodes) * n)
        return [
            [node]
            if node.done
            else [self._child(node, until, sampling or self.sampling, kind) for _ in range(n)]
            for node in nodes
        ]

    async def race(
        self,
        nodes: Sequence[Node],
        n: int = 1,
        *,
        until: Until = END,
        sampling: Sampling | None = None,
        kind: Kind = Kind.STEP,
    ) -> AsyncGenerator[tuple[int, Node]]:
        self.asked.extend(nodes)
        self.open_races += 1
        try:
            for index, node in enumerate(nodes):
                for _ in range(n):
                    yield index, self._child(node, until, sampling or self.sampling, kind)
        finally:
            self.open_races -= 1

    async def open(self, prompt: str, about: Sequence[Node] = ()) -> Node:
        return Node(prompt, kind=Kind.ASIDE)

    def answer(self, node: Node) -> str | None:
        return extract_answer(node.solution_text())

    async def inject(self, node: Node, text: str, reason: str) -> Node:
        return Node(
            text, parent=node, depth=node.depth + 1, kind=Kind.INJECTED, key=f"{node.key}/{text}"
        )

    def _child(self, parent: Node, until: Until, sampling: Sampling, kind: Kind) -> Node:
        if self._budget is not None and len(self.born) >= self._budget:
            raise BudgetExhausted("model_calls", float(self._budget))
        ordinal, written = self._ordinals[parent], answer_text(parent)
        self._ordinals[parent] += 1
        key, later = f"{parent.key}/{ordinal}", 0
        piece = self._drawn(written, key, ordinal, sampling)
        logprobs = [math.log(piece.probability)]
        while until.steps == 0 and piece.finish is Finish.STEP:
            later += 1
            more = self._drawn(written + piece.text, key + "/0" * later, 0, sampling)
            logprobs.append(math.log(more.probability))
            piece = more._replace(
                text=piece.text + more.text,
                finish=Finish.LENGTH if later == LONGEST else more.finish,
            )
        whole = until.steps == 0 and piece.finish is Finish.LENGTH
        done = whole or piece.finish in (Finish.END, Finish.ABORTED)
        node = Node(
            piece.text,
            (0,) * len(logprobs),
            tuple(logprobs),
            parent,
            parent.depth + 1,
            done=done,
            finish=piece.finish,
            kind=kind,
            key=key,
        )
        self.extended.append(parent)
        self.born.append(node)
        return node

    def _drawn(self, path: str, key: str, ordinal: int, sampling: Sampling) -> Piece:
        pieces = self._language(path)
        if sampling.temperature == 0.0:
            return max(pieces, key=lambda piece: piece.probability)
        if self._every:
            return pieces[ordinal % len(pieces)]
        rng = random.Random(f"{self._seed} {key}")
        return rng.choices(pieces, [piece.probability for piece in pieces])[0]


class ToyVerifier:
    """`ports.Verifier` over a table of answers (see `answer_text`) or a function of the written
    path. None, NaN or no entry: a failed score."""

    def __init__(
        self,
        scores: Mapping[str, float] | Callable[[str], float | None],
        *,
        budget: int | None = None,
    ) -> None:
        self._of = (
            (lambda node: scores.get(answer_text(node)))
            if isinstance(scores, Mapping)
            else (lambda node: scores(node.solution_text()))
        )
        self._budget = budget
        self.scored: list[Node] = []

    @property
    def tokens(self) -> VerifierTokens:
        return VerifierTokens(0, 0)

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        if self._budget is not None and len(self.scored) + len(nodes) > self._budget:
            raise BudgetExhausted("verifier_calls", float(self._budget))
        self.scored.extend(nodes)
        return [
            Score(value, reason="no score in the table" if value is None else None)
            for value in map(self._of, nodes)
        ]


def prompt() -> Node:
    """A root."""
    return Node("What comes next?")


def below(text: str, steps: int = 3) -> Node:
    """A node some steps below a prompt, with `text` as all that is written down to it."""
    node = prompt()
    for index in range(steps):
        node = Node(text if index == 0 else "", parent=node, depth=index + 1, kind=Kind.INJECTED)
    return node
