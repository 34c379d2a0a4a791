"""The policy's own confidence as verifier: the geometric mean probability of the tokens it sampled
on the path."""

from __future__ import annotations

import math
from collections.abc import Sequence

from backend.core.ports import VerifierTokens
from backend.core.registry import NoParams
from backend.core.types import Node, Score
from backend.judging.scorers import VerifierInputs, verifier


class LogprobVerifier:
    """exp of the mean log-probability a token, in (0, 1]; injected text does not count."""

    tokens = VerifierTokens(0, 0)

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        """One score a node; the step scores are those of the nodes on the path that were
        sampled.
        """
        return [self._score(node) for node in nodes]

    def _score(self, node: Node) -> Score:
        sampled = [part.logprobs for part in node.path()[1:] if part.logprobs]
        if not sampled:
            return Score(
                None,
                reason=(
                    "no log-probabilities: the engine gave none, or nothing was sampled on "
                    "this path"
                ),
            )
        total, count = math.fsum(map(math.fsum, sampled)), sum(map(len, sampled))
        return Score(
            _probability(total / count),
            tuple(_probability(math.fsum(part) / len(part)) for part in sampled),
        )


def _probability(mean_logprob: float) -> float:
    return math.exp(min(0.0, mean_logprob))


@verifier("logprob", needs=("logprobs",))
def own_confidence(params: NoParams, inputs: VerifierInputs) -> LogprobVerifier:
    """How likely the policy found the tokens that it sampled on the path: exp of their mean
    log-probability. It costs nothing."""
    return LogprobVerifier()
