"""Token probabilities as a heatmap, and at each token what else could have stood there.

Ten classes instead of a colour a token keep ten thousand tokens light and let one text serve both
themes. The numbers behind a token are shown in words when it is pointed at, focused or clicked, and
`token_rows` gives the same numbers as a table, so nothing depends on colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from components.frame.prose import visible

BINS = 10


class OptionLike(Protocol):
    """A likely token at a position; `logprob` in nats."""

    @property
    def token_id(self) -> int: ...

    @property
    def text(self) -> str: ...

    @property
    def logprob(self) -> float: ...


@dataclass(frozen=True)
class TokenOption:
    """A token that could have stood somewhere: its text with unseen characters spelled out, its
    probability, whether it was the one sampled."""

    text: str
    probability: float
    sampled: bool


@dataclass(frozen=True)
class TokenRow:
    """A token: position, text with unseen characters spelled out, log-probability (nats) and
    probability, None where nobody sampled it, and the likeliest tokens at its place with the
    sampled one among them, the likeliest first; empty where the run kept none."""

    position: int
    text: str
    logprob: float | None
    probability: float | None
    choices: tuple[TokenOption, ...] = ()

    @property
    def rank(self) -> int | None:
        """The place of the sampled token among the likeliest, from 1; None where they are not
        known."""
        return next(
            (place for place, choice in enumerate(self.choices, start=1) if choice.sampled), None
        )


def token_rows(
    tokens: Sequence[str],
    logprobs: Sequence[float] | None,
    ids: Sequence[int] = (),
    options: Sequence[Sequence[OptionLike]] = (),
) -> list[TokenRow]:
    """One row a token; `logprobs` has one number a token or is None, `options` the stored
    alternatives of each token or nothing."""
    if logprobs is not None and len(logprobs) != len(tokens):
        raise ValueError(
            f"log-probabilities: got {len(logprobs)}, accepted: one for each of "
            f"{len(tokens)} tokens"
        )
    values: Sequence[float | None] = logprobs if logprobs is not None else [None] * len(tokens)
    return [
        TokenRow(
            at,
            visible(text),
            value,
            None if value is None else math.exp(value),
            _choices(text, value, at, ids, options),
        )
        for at, (text, value) in enumerate(zip(tokens, values, strict=True))
    ]


def _choices(
    text: str,
    logprob: float | None,
    at: int,
    ids: Sequence[int],
    options: Sequence[Sequence[OptionLike]],
) -> tuple[TokenOption, ...]:
    here = options[at] if at < len(options) else ()
    if not here:
        return ()
    own = ids[at] if at < len(ids) else None
    found = [
        TokenOption(visible(option.text), math.exp(option.logprob), option.token_id == own)
        for option in here
    ]
    if logprob is not None and not any(choice.sampled for choice in found):
        found.append(TokenOption(visible(text), math.exp(logprob), True))
    return tuple(sorted(found, key=lambda choice: -choice.probability))


def bin_of(probability: float) -> int:
    """0 for a token that was nearly certain, `BINS` - 1 for one that was nearly impossible."""
    return min(BINS - 1, max(0, int((1.0 - probability) * BINS)))


def strip_data(rows: Sequence[TokenRow], kept: bool) -> dict[str, Any]:
    """What the browser draws: per token text, class, probability, log-probability and choices;
    `kept` says whether the run kept alternatives."""
    return {
        "kept": kept,
        "tokens": [
            {
                "text": row.text,
                "bin": None if row.probability is None else bin_of(row.probability),
                "p": row.probability,
                "logp": row.logprob,
                "choices": [
                    [choice.text, choice.probability, choice.sampled] for choice in row.choices
                ],
            }
            for row in rows
        ],
    }
