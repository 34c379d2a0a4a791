"""Drawing tokens so that a request gets the same ones alone and in any company.

One generator for a batch would tie every draw to who else is in it. Here a request's uniforms are a
pure function of (its seed, the position in its continuation): SplitMix64, a counter pushed through
a mixing function (Steele, Lea and Flood, OOPSLA 2014). A uniform picks the token at which the
cumulative probability passes it. Truncation follows the customary order: temperature, top-k, top-p
(Holtzman et al., arXiv 1904.09751), min-p (arXiv 2407.01082). Reported log-probabilities are the
model's own, before all that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from backend.core.ports import Sampling


class DrawnTokens(NamedTuple):
    """One draw a row: ids (A,), log-probabilities (A,) in nats, NaN where the logits were no
    numbers, and all of them (A, vocabulary)."""

    ids: list[int]
    logprobs: list[float]
    distribution: Tensor


class Sampler:
    """The sampling settings of the rows of a batch, as tensors; made anew when the batch
    changes.
    """

    def __init__(self, settings: Sequence[Sampling], device: torch.device) -> None:
        def column(values: list[float]) -> Tensor:
            return torch.tensor(values, dtype=torch.float32, device=device)[:, None]

        self.device = device
        self.greedy = torch.tensor([s.temperature <= 0 for s in settings], device=device)[:, None]
        self.all_greedy, self.any_greedy = bool(self.greedy.all()), bool(self.greedy.any())
        self.temperature = column([s.temperature if s.temperature > 0 else 1.0 for s in settings])
        self.top_k = [s.top_k for s in settings] if any(s.top_k > 0 for s in settings) else None
        self.top_p = (
            column([s.top_p for s in settings]) if any(s.top_p < 1 for s in settings) else None
        )
        self.min_p = (
            column([s.min_p for s in settings]) if any(s.min_p > 0 for s in settings) else None
        )

    def draw(self, logits: Tensor, draws: Sequence[float]) -> DrawnTokens:
        """Sample each row of logits (A, vocabulary) at its uniform in `draws`."""
        logits = logits.float()
        distribution = logits.log_softmax(-1)
        ids = logits.argmax(-1, keepdim=True)
        if not self.all_greedy:
            sampled = self._invert(self._truncate(logits / self.temperature), draws)
            ids = torch.where(self.greedy, ids, sampled) if self.any_greedy else sampled
        logprobs = distribution.gather(1, ids)
        return DrawnTokens(ids[:, 0].tolist(), logprobs[:, 0].tolist(), distribution)

    def log_probs(self, logits: Tensor, ids: Sequence[int]) -> list[float]:
        """The log-probability (nats) with which `draw` gives each row of logits its id: -inf where
        it never does, NaN where they are no numbers."""
        given = torch.tensor(ids, device=self.device)[:, None]
        logits = logits.float()
        scaled = logits / self.temperature
        scaled = scaled.masked_fill(self._truncate(scaled) == 0, -torch.inf)
        if self.any_greedy:
            others = torch.arange(scaled.shape[1], device=self.device) != logits.argmax(
                -1, keepdim=True
            )
            scaled = scaled.masked_fill(self.greedy & others, -torch.inf)
        found: list[float] = scaled.log_softmax(-1).gather(1, given)[:, 0].tolist()
        return found

    def _invert(self, probabilities: Tensor, draws: Sequence[float]) -> Tensor:
        """The first id (A, 1) whose cumulative probability exceeds the uniform times the total."""
        cumulative = probabilities.cumsum(-1, dtype=torch.float64)
        at = (
            torch.tensor(draws, dtype=torch.float64, device=self.device)[:, None]
            * cumulative[:, -1:]
        )
        return torch.searchsorted(cumulative, at, right=True).clamp_(max=probabilities.shape[1] - 1)

    def _truncate(self, scaled: Tensor) -> Tensor:
        """Probabilities (A, vocabulary), zero outside what top-k, top-p and min-p keep, in
        vocabulary order, not renormalised."""
        if self.top_k is not None:
            size = scaled.shape[1]
            counts = torch.tensor(
                [min(k, size) if k > 0 else size for k in self.top_k], device=self.device
            )[:, None]
            least = scaled.topk(int(counts.max()), dim=-1).values.gather(1, counts - 1)
            scaled = scaled.masked_fill(scaled < least, -torch.inf)
        probabilities = scaled.softmax(-1)
        keep = torch.ones_like(probabilities, dtype=torch.bool)
        if self.top_p is not None:
            keep &= probabilities >= nucleus(probabilities, self.top_p)
        if self.min_p is not None:
            keep &= probabilities >= self.min_p * probabilities.amax(-1, keepdim=True)
        return (
            probabilities * keep
            if self.top_p is not None or self.min_p is not None
            else probabilities
        )


def nucleus(probabilities: Tensor, top_p: Tensor) -> Tensor:
    """The least probability (A, 1) inside the smallest set of likeliest tokens that holds at least
    `top_p`; ties are all kept."""
    ordered = probabilities.sort(-1, descending=True).values
    before = ordered.cumsum(-1) - ordered
    inside = (before < top_p).sum(-1, keepdim=True).clamp_(min=1)
    least = ordered.gather(1, inside - 1)
    return torch.where(top_p >= 1, torch.zeros_like(least), least)
