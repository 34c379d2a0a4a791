"""One request on its way through the engine: what it has sampled, when it stops, what it
reports.
"""

from __future__ import annotations

from backend.core.ports import Completion, Request
from backend.core.types import Alternative, Finish
from backend.engines.shared.draws import uniforms
from backend.engines.torch.text import Vocabulary

AHEAD = 64


class DecodingRow:
    """A request with its continuation. `cached` counts prompt tokens served from the cache; `slot`
    is set while it runs."""

    def __init__(self, request: Request, vocabulary: Vocabulary, context: int) -> None:
        self.request, self.prompt, self.sampling = request, request.token_ids, request.sampling
        self.vocabulary, self.context = vocabulary, context
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.alternatives: list[tuple[Alternative, ...]] = []
        self.slot: int | None = None
        self.cached, self.started = 0, False
        self._splitter, self._steps, self._limit = request.splitter(), 0, request.limit
        self._draws: list[float] = []

    @property
    def length(self) -> int:
        """Tokens of prompt and continuation together."""
        return len(self.prompt) + len(self.ids)

    @property
    def last(self) -> int:
        """The newest token: the one whose keys and values are not computed yet."""
        return self.ids[-1] if self.ids else self.prompt[-1]

    @property
    def missing(self) -> int:
        """Prompt tokens, the last one aside, that the cache did not know."""
        return len(self.prompt) - 1 - self.cached

    @property
    def computed(self) -> tuple[int, ...]:
        """The tokens whose keys and values are in the slot."""
        return (*self.prompt, *self.ids)[:-1]

    def refusal(self, vocabulary_size: int) -> Completion | None:
        """The completion of a request that cannot run at all."""
        if not self.prompt:
            return self.completion(
                Finish.ABORTED, "empty prompt: got no token ids, accepted: at least one"
            )
        if not 0 <= min(self.prompt) <= max(self.prompt) < vocabulary_size:
            return self.completion(
                Finish.ABORTED,
                f"token id outside the vocabulary: accepted 0 to {vocabulary_size - 1}",
            )
        if self._limit < 1:
            return self.completion(Finish.LENGTH)
        return self.completion(Finish.LENGTH, self.full()) if self.length >= self.context else None

    def full(self) -> str:
        return (
            f"context full: {self.length} tokens, accepted: fewer than {self.context} with the "
            "continuation"
        )

    def draw(self) -> float:
        """The uniform for the next token."""
        at = len(self.ids)
        if at >= len(self._draws):
            self._draws += uniforms(self.request.seed, at, AHEAD)
        return self._draws[at]

    def accept(self, token: int, logprob: float) -> Completion | None:
        """Append a sampled token; the completion if the request ends here."""
        self.ids.append(token)
        self.logprobs.append(logprob)
        if token in self.vocabulary.ends and not self.request.until.forced:
            return self.completion(Finish.END)
        if wanted := self.request.steps:
            self._steps += len(self._splitter.feed(self.vocabulary.text(token)))
            if self._steps >= wanted:
                return self.completion(Finish.STEP)
        if len(self.ids) >= self._limit:
            return self.completion(Finish.LENGTH)
        return self.completion(Finish.LENGTH, self.full()) if self.length >= self.context else None

    def completion(self, finish: Finish, failure: str | None = None) -> Completion:
        """What the request reports now. A prompt that never reached the model counts no tokens."""
        text = self.vocabulary.decode(
            self.prompt, self.ids, last=finish in (Finish.END, Finish.ABORTED)
        )
        return Completion(
            key=self.request.key,
            text=text,
            token_ids=tuple(self.ids),
            logprobs=tuple(self.logprobs),
            finish=finish,
            prompt_tokens=len(self.prompt) if self.started else 0,
            cached_tokens=self.cached,
            alternatives=tuple(self.alternatives),
            failure=failure,
        )
