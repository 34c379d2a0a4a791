"""A table of steps as a language model over characters: one request on its way through the scripted
engine.

If the steps still possible weigh w1, w2, ..., the next character c has probability (weight of those
that go on with c) / (weight of all). Along a whole step these factors multiply to the step's own
probability.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from backend.core.ports import Completion, Likelihood, Request, Sampling
from backend.core.types import Alternative, Finish
from backend.engines.shared.draws import uniforms

DELIMITER, END_TEXT = "\n\n", "<end>"
END, BLANK, ANSWER = 0x110000, 0x110001, 0x110002
"""Ids beyond the last character of Unicode: end of text, the blank line that ends a step, and where
the solution begins."""

Script: TypeAlias = Callable[[str, str], Sequence[tuple[str, float]]]
"""(question, solution so far, up to its last delimiter) -> what may follow: (step, probability >
0); they are normalised."""

AHEAD = 64


def encode(text: str) -> tuple[int, ...]:
    """One id a character, but one for the delimiter."""
    pieces = text.split(DELIMITER)
    return tuple(
        token
        for i, piece in enumerate(pieces)
        for token in ((BLANK,) if i else ()) + tuple(map(ord, piece))
    )


def decode(token_ids: Sequence[int], *, special: bool = False) -> str:
    """The text of ids; end and answer mark are left out unless asked for."""
    names = {
        BLANK: DELIMITER,
        END: END_TEXT if special else "",
        ANSWER: "<answer>" if special else "",
    }
    return "".join(names[token] if token in names else chr(token) for token in token_ids)


class ScriptedPath(NamedTuple):
    """A step that is still possible: what is left of it, as ids, and its probability."""

    ids: tuple[int, ...]
    weight: float


class ScriptedRow:
    """A request, what it has written, and which steps are still possible."""

    def __init__(self, request: Request, script: Script, context: int, failure: str | None) -> None:
        self.request, self._script, self._context, self._failure = request, script, context, failure
        ids = request.token_ids or encode(request.text)
        mark = max((i for i, token in enumerate(ids) if token == ANSWER), default=len(ids))
        self.question, self._written = decode(ids[:mark]), decode(ids[mark + 1 :])
        self._length, self.started = len(ids), False
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.alternatives: list[tuple[Alternative, ...]] = []
        self._draws: list[float] = []
        self._paths: list[ScriptedPath] = []
        self._splitter, self._steps, self._limit = request.splitter(), 0, request.limit

    @property
    def prompt_tokens(self) -> int:
        return self._length if self.started else 0

    def refusal(self) -> Completion | None:
        """The completion of a request that cannot run; otherwise it starts."""
        if self._failure:
            return self.completion(Finish.ABORTED, self._failure)
        if self._length >= self._context:
            return self.completion(Finish.LENGTH, self._full())
        if self._limit < 1:
            return self.completion(Finish.LENGTH)
        self.started = True
        return None

    def step(self) -> Completion | None:
        """Sample one token; the completion if the request ends with it."""
        weights = self._weights()
        token = draw(weights, self.request.sampling, self._draw())
        self.logprobs.append(math.log(weights[token]))
        self._list_alternatives(weights)
        self._go_on(token)
        return self._end(token)

    def judge(self, given: Sequence[int]) -> Likelihood:
        """How likely given tokens are here, as the request's sampling draws them."""
        for token in given:
            if self._length + len(self.ids) >= self._context:
                return Likelihood((), 0, failure=self._full())
            chances = truncate(self._weights(), self.request.sampling)
            self.logprobs.append(
                math.log(chances[token] / math.fsum(chances.values()))
                if token in chances
                else -math.inf
            )
            self._go_on(token)
        return Likelihood(tuple(self.logprobs), self._length + len(self.ids))

    def _weights(self) -> dict[int, float]:
        """Probability of each possible next token."""
        self._paths = self._paths or self._open()
        return gather(self._paths)

    def _go_on(self, token: int) -> None:
        self.ids.append(token)
        rest = [
            ScriptedPath(path.ids[1:], path.weight) for path in self._paths if path.ids[0] == token
        ]
        self._paths = rest if rest and rest[0].ids else []

    def completion(self, finish: Finish, failure: str | None = None) -> Completion:
        """What the request reports now."""
        return Completion(
            key=self.request.key,
            text=decode(self.ids),
            token_ids=tuple(self.ids),
            logprobs=tuple(self.logprobs),
            finish=finish,
            prompt_tokens=self.prompt_tokens,
            alternatives=tuple(self.alternatives),
            failure=failure,
        )

    def _end(self, token: int) -> Completion | None:
        if token == END:
            return self.completion(Finish.END)
        if wanted := self.request.steps:
            self._steps += len(self._splitter.feed(decode((token,))))
            if self._steps >= wanted:
                return self.completion(Finish.STEP)
        if len(self.ids) >= self._limit:
            return self.completion(Finish.LENGTH)
        return (
            self.completion(Finish.LENGTH, self._full())
            if self._length + len(self.ids) >= self._context
            else None
        )

    def _full(self) -> str:
        length = self._length + len(self.ids)
        return (
            f"context full: {length} tokens, accepted: fewer than {self._context} with the "
            "continuation"
        )

    def _open(self) -> list[ScriptedPath]:
        """The steps possible here; the part of a step that is already written must fit, unless it
        fits none."""
        written = self._written + decode(self.ids)
        at = written.rfind(DELIMITER) + len(DELIMITER) if DELIMITER in written else 0
        begun = encode(written[at:])
        options = [
            (tokens_of(text), weight)
            for text, weight in self._script(self.question, written[:at])
            if weight > 0
        ]
        fitting = [
            ScriptedPath(ids[len(begun) :], weight)
            for ids, weight in options
            if ids[: len(begun)] == begun and len(ids) > len(begun)
        ]
        return (
            fitting
            or [ScriptedPath(ids, weight) for ids, weight in options]
            or [ScriptedPath((END,), 1.0)]
        )

    def _draw(self) -> float:
        at = len(self.ids)
        if at >= len(self._draws):
            self._draws += uniforms(self.request.seed, at, AHEAD)
        return self._draws[at]

    def _list_alternatives(self, weights: dict[int, float]) -> None:
        if count := self.request.sampling.alternatives:
            likeliest = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:count]
            self.alternatives.append(
                tuple(Alternative(i, decode((i,), special=True), math.log(p)) for i, p in likeliest)
            )


def tokens_of(step: str) -> tuple[int, ...]:
    """The ids of a step in a script, its end mark as the end token."""
    return (*encode(step.removesuffix(END_TEXT)), END) if step.endswith(END_TEXT) else encode(step)


def gather(paths: Sequence[ScriptedPath]) -> dict[int, float]:
    """Probability of each possible next token, in order of id."""
    total = math.fsum(path.weight for path in paths)
    weights: dict[int, float] = {}
    for path in paths:
        weights[path.ids[0]] = weights.get(path.ids[0], 0.0) + path.weight / total
    return {token: min(1.0, weights[token]) for token in sorted(weights)}


def draw(weights: dict[int, float], sampling: Sampling, uniform: float) -> int:
    """The token at which the cumulative probability passes the uniform."""
    chances = truncate(weights, sampling)
    sums = list(accumulate(chances.values()))
    return list(chances)[min(bisect_right(sums, uniform * sums[-1]), len(sums) - 1)]


def truncate(weights: dict[int, float], sampling: Sampling) -> dict[int, float]:
    """What is drawn from, in order of id: what temperature, top-k, top-p and min-p leave of the
    next tokens; not normalised."""
    if len(weights) == 1 or sampling.temperature <= 0:
        return {max(weights, key=lambda token: weights[token]): 1.0}
    powered = {token: p ** (1.0 / sampling.temperature) for token, p in weights.items()}
    ordered = sorted(powered, key=lambda token: -powered[token])[: sampling.top_k or None]
    total = math.fsum(powered[token] for token in ordered)
    before = [0.0, *accumulate(powered[token] / total for token in ordered)]
    least = sampling.min_p * powered[ordered[0]]
    left = sorted(
        t
        for t, b in zip(ordered, before, strict=False)
        if t == ordered[0] or (b < sampling.top_p and powered[t] >= least)
    )
    return {token: powered[token] for token in left}
