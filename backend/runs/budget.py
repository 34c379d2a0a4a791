"""The ledger of a run and the meter that keeps it inside its budget.

Every run counts everything (Arboretum never mixes axes: a budget always names its own). Generated
tokens never exceed their limit: the meter caps what a batch may still generate before it is sent.
Calls and scores are admitted one by one; rounds and seconds are noticed at the next admission, so
they may be exceeded by the one batch that was under way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from backend.core.errors import BudgetExhausted
from backend.core.ports import Completion, Request

SHORTEST_SHARE = 16
"""Tokens below which a further request of a batch is not worth starting: the batch is cut to fewer
requests instead."""


@dataclass(slots=True)
class Ledger:
    """What a run has spent. Tokens are the engine's own ids; `flops` is 2 x parameters x tokens
    computed (cached ones are free).

    `model_calls` counts completions asked for and given texts judged, `verifier_calls` paths
    scored, `rounds` sequential rounds, `discarded_tokens` the part of `generated_tokens` that
    belonged to aborted requests, `seconds` wall time without pauses of earlier attempts.
    """

    model_calls: int = 0
    generated_tokens: int = 0
    discarded_tokens: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    verifier_calls: int = 0
    verifier_tokens: int = 0
    verifier_cached_tokens: int = 0
    rounds: int = 0
    seconds: float = 0.0
    flops: float = 0.0

    def snapshot(self) -> dict[str, float]:
        """All counters by name."""
        return {axis: getattr(self, axis) for axis in self.__slots__}


class Meter:
    """Admits what still fits and writes down what was spent.

    `limits` maps an axis of the ledger to its limit; `elapsed` returns the seconds of the run so
    far; `policy_size` and `verifier_size` are numbers of weights.
    """

    def __init__(
        self,
        limits: Mapping[str, float],
        elapsed: Callable[[], float],
        *,
        policy_size: int = 0,
        verifier_size: int = 0,
    ) -> None:
        self.ledger = Ledger()
        self._limits = dict(limits)
        self._elapsed = elapsed
        self._policy_size, self._verifier_size = policy_size, verifier_size

    def _left(self, axis: str) -> float:
        return self._limits.get(axis, float("inf")) - float(getattr(self.ledger, axis))

    def require(self, *axes: str) -> None:
        """Raises `BudgetExhausted` naming the first of `axes` that is spent; rounds and seconds are
        always looked at."""
        self.ledger.seconds = self._elapsed()
        for axis in (*axes, "rounds", "seconds"):
            if self._left(axis) <= 0:
                raise BudgetExhausted(axis, self._limits[axis])

    def admit(self, requests: Sequence[Request]) -> list[Request]:
        """The first requests that fit, their tokens capped to an equal share of what is left.
        Raises `BudgetExhausted` when none fits."""
        self.require("generated_tokens", "model_calls")
        count = int(min(len(requests), self._left("model_calls")))
        tokens_left = self._left("generated_tokens")
        if tokens_left == float("inf"):
            return list(requests[:count])
        count = max(1, min(count, int(tokens_left) // SHORTEST_SHARE))
        share = int(tokens_left) // count
        return [cap(request, share) for request in requests[:count]]

    def admit_scores(self, count: int) -> int:
        """How many of `count` paths may be scored. Raises `BudgetExhausted` when none may."""
        self.require("verifier_calls")
        return int(min(count, self._left("verifier_calls")))

    def admit_calls(self, count: int) -> int:
        """How many of `count` calls that generate nothing may be made. Raises `BudgetExhausted`
        when none may."""
        self.require("model_calls")
        return int(min(count, self._left("model_calls")))

    def find_spent_axis(self, requests: int) -> tuple[str, float]:
        """The axis that keeps a whole batch of `requests` from being admitted, with its limit."""
        axis = (
            "model_calls"
            if self._left("model_calls") < requests and "model_calls" in self._limits
            else "generated_tokens"
        )
        return axis, self._limits.get(axis, float("inf"))

    def charge(self, completion: Completion, *, discarded: bool = False) -> None:
        """Write down one completion."""
        ledger, generated = self.ledger, len(completion.token_ids)
        self.charge_prompt(completion.prompt_tokens, completion.cached_tokens)
        ledger.generated_tokens += generated
        ledger.discarded_tokens += generated if discarded else 0
        ledger.flops += 2.0 * self._policy_size * generated

    def charge_prompt(self, tokens: int, cached: int) -> None:
        """Write down a call that read a prompt of `tokens`, `cached` of them reused."""
        ledger = self.ledger
        ledger.model_calls += 1
        ledger.prompt_tokens += tokens
        ledger.cached_tokens += cached
        ledger.flops += 2.0 * self._policy_size * (tokens - cached)

    def charge_scores(self, count: int, tokens: int, cached: int) -> None:
        """Write down `count` scored paths: `tokens` computed by the verifier's model, `cached`
        reused."""
        ledger = self.ledger
        ledger.verifier_calls += count
        ledger.verifier_tokens += tokens
        ledger.verifier_cached_tokens += cached
        ledger.flops += 2.0 * self._verifier_size * tokens

    def round_over(self, count: int = 1) -> None:
        """Count `count` sequential rounds, which ended with the step that the strategy yielded."""
        self.ledger.rounds += count
        self.ledger.seconds = self._elapsed()


def cap(request: Request, share: int) -> Request:
    """The request with its own token limit lowered to `share` where that is less."""
    if request.limit <= share:
        return request
    return replace(request, until=replace(request.until, tokens=share))
