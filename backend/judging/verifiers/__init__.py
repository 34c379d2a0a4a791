"""What can judge a path: a process reward model, the exact checker of a problem set, or the
policy's own confidence.

Every verifier returns one `Score` a node: the scores of all steps on the path and one value that
aggregates them. Scoring each node only once, counting and recording are the driver's business, not
theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from backend.core.cards import JudgeCard, card_beside, read_card
from backend.core.errors import BadInput, MissingCapability
from backend.core.ports import Aggregation, RewardModel, Verifier
from backend.judging.verifiers.aggregation import AGGREGATIONS, aggregated, steps_of
from backend.judging.verifiers.exact import ExactVerifier
from backend.judging.verifiers.logprob import LogprobVerifier
from backend.judging.verifiers.prm import ProcessRewardVerifier
from backend.problems.base import Problem

__all__ = [
    "AGGREGATIONS",
    "VERIFIERS",
    "ExactVerifier",
    "LogprobVerifier",
    "ProcessRewardVerifier",
    "VerifierEntry",
    "aggregated",
    "build",
    "steps_of",
]


@dataclass(frozen=True)
class VerifierEntry:
    """What the catalogue knows of a verifier. `needs` names what a run must have for it."""

    name: str
    needs: tuple[str, ...]

    @cached_property
    def card(self) -> JudgeCard:
        """What a reader is told of it. Raises `BadInput` for a card that is missing or wrong."""
        return read_card(card_beside(__file__, self.name), JudgeCard)


VERIFIERS: Mapping[str, VerifierEntry] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            VerifierEntry("prm", ("reward_model",)),
            VerifierEntry("exact", ("known_answer",)),
            VerifierEntry("logprob", ("logprobs",)),
        )
    }
)


def build(
    name: str,
    *,
    problem: Problem,
    reward: RewardModel | None,
    aggregation: Aggregation,
    system: str | None,
    delimiter: str,
) -> Verifier:
    """The verifier `name` for one run. Raises `BadInput` for an unknown name, `MissingCapability`
    for a reward model that is not there."""
    if name == "prm":
        if reward is None:
            raise MissingCapability(
                "the verifier prm needs a process reward model",
                "Choose a reward model, or the verifier logprob or exact",
            )
        return ProcessRewardVerifier(
            reward, problem.question, system=system, delimiter=delimiter, aggregation=aggregation
        )
    if name == "exact":
        return ExactVerifier(problem, delimiter=delimiter, aggregation=aggregation)
    if name == "logprob":
        return LogprobVerifier()
    raise BadInput("verifier", given=name, accepted=", ".join(VERIFIERS))
