"""The exact checker as verifier: an oracle, for teaching and for telling a strategy's limits from
its verifier's.

Where the problem set has a checker of steps, a step scores 1 while the prefix is sound and a right
answer can still be reached, else 0. Where it has none, only a finished answer can be judged.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend import problems
from backend.core.ports import Aggregation, VerifierTokens
from backend.core.registry import NoParams
from backend.core.splitting import AT_BLANK_LINES, Splitting
from backend.core.turns import Turns
from backend.core.types import Node, Score
from backend.judging.aggregation import aggregate
from backend.judging.scorers import KNOWN_ANSWER, VerifierInputs, verifier
from backend.problems.base import Problem
from backend.problems.extraction import Reader, extract


class ExactVerifier:
    """Scores by the problem's own rules; it asks no model."""

    tokens = VerifierTokens(0, 0)

    def __init__(
        self,
        problem: Problem,
        *,
        splitting: Splitting = AT_BLANK_LINES,
        aggregation: Aggregation = "last",
        read: Reader = extract,
    ) -> None:
        self._problem, self._splitting, self._aggregation = problem, splitting, aggregation
        self._read = read

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        """One score a node, 1.0 or 0.0 a step."""
        turns, scores = Turns(), list[Score]()
        for node in nodes:
            scores.append(self._score(node))
            await turns.give()
        return scores

    def _score(self, node: Node) -> Score:
        steps = self._splitting.split(node.texts())
        if not steps:
            return Score(None, reason="nothing is written yet")
        verdicts = problems.check(self._problem, steps)
        if verdicts is not None:
            scores = tuple(float(verdict.ok) for verdict in verdicts)
            return Score(
                aggregate(scores, self._aggregation),
                scores,
                reason=next((v.reason for v in verdicts if not v.ok), None),
            )
        if not node.done:
            return Score(
                None,
                reason=(
                    f"{self._problem.set} has no checker of steps, and the solution is unfinished"
                ),
            )
        grade = problems.grade(self._problem, self._read(node.solution_text()).answer)
        return Score(None if grade.correct is None else float(grade.correct), reason=grade.reason)


@verifier("exact", needs=(KNOWN_ANSWER,), by_steps=True)
def exact(params: NoParams, inputs: VerifierInputs) -> ExactVerifier:
    """The rules of the problem set: a step scores 1 while the prefix is sound and a right answer
    can still be reached, else 0. Without a checker of steps only a finished answer has a score."""
    return ExactVerifier(
        inputs.problem,
        splitting=inputs.splitting,
        aggregation=inputs.aggregation,
        read=inputs.read,
    )
