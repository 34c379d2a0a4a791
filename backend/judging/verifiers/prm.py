"""A process reward model as verifier: the probability that each step is right, given everything
before it."""

from __future__ import annotations

from collections.abc import Sequence

from backend.core.ports import Aggregation, RewardModel, Solution, StepScores, VerifierTokens
from backend.core.registry import NoParams
from backend.core.splitting import AT_BLANK_LINES, Splitting
from backend.core.types import Node, Score
from backend.judging.aggregation import aggregate
from backend.judging.scorers import REWARD_MODEL, VerifierInputs, verifier

NOTHING_WRITTEN = Score(None, reason="nothing is written yet")


class ProcessRewardVerifier:
    """Scores the path to a node in one call per batch; a path without text has no score."""

    def __init__(
        self,
        reward: RewardModel,
        question: str,
        *,
        system: str | None = None,
        splitting: Splitting = AT_BLANK_LINES,
        aggregation: Aggregation = "last",
    ) -> None:
        self._reward, self._question, self._system = reward, question, system
        self._splitting, self._aggregation = splitting, aggregation
        self._tokens = VerifierTokens(0, 0)

    @property
    def tokens(self) -> VerifierTokens:
        return self._tokens

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        """One score a node. A result that does not hold one score in [0, 1] a step is a failure of
        that node, with the reason."""
        solutions = [
            Solution(self._question, self._splitting.split(node.texts()), self._system)
            for node in nodes
        ]
        asked = [solution for solution in solutions if solution.steps]
        results = iter(await self._reward.score(asked) if asked else [])
        return [
            self._judge(solution, next(results)) if solution.steps else NOTHING_WRITTEN
            for solution in solutions
        ]

    def _judge(self, solution: Solution, result: StepScores) -> Score:
        self._tokens = VerifierTokens(
            self._tokens.tokens + result.tokens, self._tokens.cached + result.cached
        )
        if result.failure is not None:
            return Score(None, reason=result.failure)
        if len(result.scores) != len(solution.steps):
            return Score(
                None,
                reason=(
                    f"the reward model returned {len(result.scores)} scores for "
                    f"{len(solution.steps)} steps"
                ),
            )
        if (
            odd := next((score for score in result.scores if not 0.0 <= score <= 1.0), None)
        ) is not None:  # NaN is odd as well
            return Score(
                None, reason=f"the reward model gave a step the score {odd}; accepted: 0 to 1"
            )
        return Score(aggregate(result.scores, self._aggregation), result.scores)


@verifier("prm", needs=(REWARD_MODEL,), by_steps=True)
def process_reward(params: NoParams, inputs: VerifierInputs) -> ProcessRewardVerifier:
    """A model that was trained to say of each step how likely it is to be right, given everything
    before it."""
    assert inputs.reward is not None, "it declares that it needs a reward model"
    return ProcessRewardVerifier(
        inputs.reward,
        inputs.problem.question,
        system=inputs.system,
        splitting=inputs.splitting,
        aggregation=inputs.aggregation,
    )
