"""A request on its way to a completions server: what has come of it, token by token, and where its
steps end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec.structs import replace

from backend.core.ports import Request
from backend.core.splitting import StepState
from backend.core.types import Alternative, Finish
from backend.engines.openai.dialect import UNKNOWN
from backend.engines.openai.wire import End, StreamPiece, end_of
from backend.engines.shared.draws import segment_seed


class Token(NamedTuple):
    """One token of an event; its text is empty where the event does not part its text by token.
    `told`: the event has a log-probability for it, which may be no number."""

    id: int
    text: str
    logprob: float | None
    likeliest: Mapping[str, float]
    told: bool


@dataclass(slots=True)
class Written:
    """What has been written, how many steps of it, and how far the last one has come; the prompt
    tokens that earlier parts of the request have cost, and those from a cache."""

    text: str = ""
    ids: list[int] = field(default_factory=list)
    logprobs: list[float | None] = field(default_factory=list)
    alternatives: list[tuple[Alternative, ...]] = field(default_factory=list)
    steps: int = 0
    state: StepState | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0

    def copy(self) -> Written:
        """The same, to be gone back to."""
        lists = [*self.ids], [*self.logprobs], [*self.alternatives]
        counts = self.prompt_tokens, self.cached_tokens
        return Written(self.text, *lists, self.steps, self.state, *counts)


class OpenAiWriting:
    """A request with what the server has sent so far. Where the server stops at a text that ends no
    step, the request has a further part; `kept` is what the parts before it have written."""

    def __init__(self, request: Request) -> None:
        self.request, self._part = request, 0
        self.written = Written(state=request.state)
        self.kept = self.written.copy()
        self._begin()

    def _begin(self) -> None:
        self._splitter = self.request.splitting.splitter(self.written.state)
        self.usage, self.started, self._halted = StreamPiece(), False, False
        self.reason: str | None = None
        self.finish, self.failure = End(Finish.ABORTED)

    def restart(self) -> None:
        """Forget what came of this part, because the server begins again."""
        self.written = self.kept.copy()
        self._begin()

    @property
    def part(self) -> Request:
        """What is asked of the server now: the request, or the rest of it."""
        if not self._part:
            return self.request
        known, kept = self.request.token_ids, self.kept
        return replace(
            self.request,
            text=self.request.text + kept.text,
            token_ids=(*known, *kept.ids) if known and UNKNOWN not in kept.ids else (),
            seed=segment_seed(self.request.seed, self._part),
            until=replace(self.request.until, tokens=self.request.limit - len(kept.ids)),
        )

    def take(self, token: Token, alternatives: tuple[Alternative, ...] | None) -> bool:
        """Add a token; whether the last wanted step is complete with it."""
        written, wanted = self.written, self.request.steps
        written.ids.append(token.id)
        written.logprobs += [token.logprob] if token.told else []
        written.alternatives += [] if alternatives is None else [alternatives]
        return self._add(token.text, token.told) if wanted else self._append(token.text)

    def _append(self, text: str) -> bool:
        self.written.text += text
        return False

    def _add(self, text: str, whole: bool) -> bool:
        ends = self._splitter.feed(text)
        missing = self.request.steps - self.written.steps
        if len(ends) < missing:
            self.written.steps += len(ends)
            return self._append(text)
        # an event without token boundaries may reach into the next step
        self._append(text if whole else text[: ends[missing - 1]])
        self.finish = Finish.STEP
        return True

    def stop(self, mark: str) -> None:
        """The server says that this text, which ends most steps, has ended its own. Where it has
        cut the text off, it is put back, as a token whose id and log-probability nobody told."""
        if self.finish is Finish.STEP:
            return
        if not self.written.text.endswith(mark):
            self.written.ids.append(UNKNOWN)
            self._add(mark, whole=True)
        self._halted = True

    def goes_on(self) -> bool:
        """Whether the server has stopped where no step ends; then the next part begins."""
        ended = self.finish is Finish.STEP or not self._halted
        if ended or len(self.written.ids) >= self.request.limit:
            return False
        counts = self.prompt_tokens, self.cached_tokens
        self.written.prompt_tokens, self.written.cached_tokens = counts
        self.written.state = self._splitter.state
        self.kept, self._part = self.written.copy(), self._part + 1
        self._begin()
        return True

    def end(self) -> None:
        """Why the text ended, after its stream."""
        if self.finish is Finish.STEP:
            return
        request, told = self.request, self.told or 0
        self.finish, self.failure = end_of(self.reason)
        if not self.reason and max(len(self.written.ids), told) >= request.limit:
            self.finish, self.failure = End(Finish.LENGTH)
        by_length = request.splitting.rule == "tokens" and request.steps
        if by_length and self.finish is Finish.LENGTH and self.failure is None:
            whole = by_length * request.splitting.length
            short = request.limit < whole or 0 < told < whole
            self.finish = Finish.LENGTH if short else Finish.STEP

    @property
    def told(self) -> int | None:
        """How many tokens the server counts in the whole text."""
        own = self.usage.completion_tokens
        return None if own is None else own + len(self.kept.ids)

    @property
    def prompt_tokens(self) -> int:
        """The server's figure, else the length of the ids that were sent; over all parts."""
        sent = len(self.part.token_ids) if self.started else 0
        return self.kept.prompt_tokens + (self.usage.prompt_tokens or sent)

    @property
    def cached_tokens(self) -> int:
        """Prompt tokens that came from a cache, over all parts."""
        return self.kept.cached_tokens + self.usage.cached_tokens

    def count(self) -> tuple[list[int], str | None]:
        """The ids of the tokens that were written, and what there is to say of the server's own
        count.

        Where the server told each token, its count is only compared. Else an event may hold several
        tokens, and a count between the number of events and the limit is taken.
        """
        ids, told = self.written.ids, self.told
        own = len(ids)
        if told is None or told == own or self.finish not in (Finish.END, Finish.LENGTH):
            return ids, None
        each = bool(self.written.logprobs) or any(token != UNKNOWN for token in ids)
        if not each and own <= told <= self.request.limit:
            return [UNKNOWN] * told, None
        if each and told - own == 1 and self.finish is Finish.END:
            return ids, None  # the end token, which has no text
        return ids, f"the server counts {told} tokens; its stream held {own}, which count"


def tokens_of(piece: StreamPiece) -> list[Token]:
    """The tokens of an event. Without ids and log-probabilities the whole event counts as one token
    of unknown id."""
    values = piece.logprobs or ()
    count = len(values) or len(piece.ids)
    if not count:
        return [Token(UNKNOWN, piece.text, None, {}, False)] if piece.text else []
    ids = piece.ids if len(piece.ids) == count else (UNKNOWN,) * count
    texts = (
        list(piece.tokens)
        if len(piece.tokens) == count and "".join(piece.tokens) == piece.text
        else [""] * (count - 1) + [piece.text]
    )
    likeliest = [piece.likeliest[i] if i < len(piece.likeliest) else {} for i in range(count)]
    return [
        Token(ids[i], texts[i], values[i] if values else None, likeliest[i], bool(values))
        for i in range(count)
    ]


__all__ = ["OpenAiWriting", "Token", "Written", "tokens_of"]
