"""One event of a completions stream in our words, whatever server sent it.

Every event is checked against the structs below. What differs between servers is made one here:
log-probabilities in the shape of completions (parallel lists) and of chats (a list of entries),
tables that repeat what came before, texts that do, numbers that JSON does not know, halves of a
character.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from backend.core.outside import clean_text
from backend.core.types import Finish
from backend.engines.openai.sse import BrokenStream, SentEvent

ROUNDING: Final = 0.01
"""How far above 0 a log-probability may lie and still be one that was rounded."""


class Details(msgspec.Struct):
    """What a server tells of the prompt's tokens."""

    cached_tokens: int | None = None


class Usage(msgspec.Struct):
    """A server's own counts."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: Details | None = None


class ChatToken(msgspec.Struct):
    """A token in the shape of chats."""

    token: str | None = None
    logprob: float | None = None
    id: int | None = None
    top_logprobs: list[Any] | None = None


class Table(msgspec.Struct):
    """Log-probabilities in both shapes; a server sends one of them."""

    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[Any] | None = None
    content: list[ChatToken] | None = None


class CompletionPart(msgspec.Struct):
    """A part of a text."""

    index: int | None = None
    text: str | None = None
    token_ids: list[int] | None = None
    logprobs: Table | None = None
    finish_reason: str | None = None
    stop_reason: Any = None
    matched_stop: Any = None


class CompletionMessage(msgspec.Struct):
    """An event of a stream, or a whole answer."""

    choices: list[CompletionPart] | None = None
    usage: Usage | None = None
    error: Any = None


DONE: Final = CompletionMessage()
"""The end of a stream."""


class StreamPiece(NamedTuple):
    """What one event brought. `ids` and `logprobs` have one entry a token where the server gives
    them, None for a number that is none. `stopped_by` is the stop text or the token id that ended
    the text, where the server says so."""

    text: str = ""
    ids: tuple[int, ...] = ()
    tokens: tuple[str, ...] = ()
    logprobs: tuple[float | None, ...] | None = None
    likeliest: tuple[Mapping[str, float], ...] = ()
    finish: str | None = None
    stopped_by: str | int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int = 0


class End(NamedTuple):
    """What a finish reason means; `failure` says why the text is none."""

    finish: Finish
    failure: str | None = None


ENDS: Final[Mapping[str, End]] = {
    **dict.fromkeys(
        ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "end_of_text"), End(Finish.END)
    ),
    **dict.fromkeys(("length", "max_tokens", "max_length", "limit"), End(Finish.LENGTH)),
    **dict.fromkeys(
        ("abort", "aborted", "cancelled"),
        End(Finish.ABORTED, "the server gave the text up (abort)"),
    ),
    "content_filter": End(Finish.ABORTED, "the server's content filter ended the text"),
    "error": End(Finish.ABORTED, "the server had an error while it wrote the text"),
}


def end_of(reason: str | None) -> End:
    """What a finish reason means; one that is missing or not known does not make a text
    finished."""
    if not reason:
        return End(Finish.ABORTED, "the server did not say why the text ended")
    unknown = f"the server ended the text for a reason that is not known: {reason[:80]!r}"
    return ENDS.get(reason.lower(), End(Finish.ABORTED, unknown))


def read_message(event: SentEvent) -> CompletionMessage | None:
    """The message of an event, None while its data is no whole JSON value. Raises `BrokenStream`
    for one that the protocol does not have."""
    data = event.data.strip()
    if data == "[DONE]":
        return DONE
    try:
        content = json.loads(data)  # unlike msgspec it takes NaN and half characters
    except ValueError:
        return None
    except RecursionError as error:
        raise BrokenStream("an event that is nested too deep to be read") from error
    if event.name == "error" and not (isinstance(content, dict) and "error" in content):
        return CompletionMessage(error=content)
    return message_from(content)


def message_from(content: object) -> CompletionMessage:
    """Checked; what is no mapping or has fields of other types raises `BrokenStream`."""
    try:
        return msgspec.convert(content, CompletionMessage, strict=False)
    except msgspec.ValidationError as error:
        raise BrokenStream(f"an event that is not as the protocol has it: {error}") from error


@dataclass(slots=True)
class Normaliser:
    """Makes pieces of one stream's messages. `cumulative`: each event repeats the text so far."""

    cumulative: bool = False
    text: str = ""
    half: str = ""
    tokens: list[str] = field(default_factory=list)
    repeats: bool = False

    def piece(self, message: CompletionMessage) -> StreamPiece:
        """The next piece: only what is new in it."""
        usage = message.usage or Usage()
        counts = StreamPiece(
            prompt_tokens=whole(usage.prompt_tokens),
            completion_tokens=whole(usage.completion_tokens),
            cached_tokens=whole((usage.prompt_tokens_details or Details()).cached_tokens) or 0,
        )
        choice = next((one for one in message.choices or () if not one.index), None)
        if choice is None:
            return counts
        text = self._new_text(choice.text or "")
        columns = columns_of(choice.logprobs or Table())
        new = self._new_rows(text, columns.tokens)
        stopped = choice.stop_reason if choice.stop_reason is not None else choice.matched_stop
        return counts._replace(
            text=self._joined(text, last=bool(choice.finish_reason)),
            ids=tuple(choice.token_ids or columns.ids[new:]),
            tokens=tuple(map(clean_text, columns.tokens[new:])),
            logprobs=None if columns.logprobs is None else columns.logprobs[new:],
            likeliest=columns.likeliest[new:],
            finish=choice.finish_reason,
            stopped_by=stopped if isinstance(stopped, (str, int)) else None,
        )

    def _new_text(self, text: str) -> str:
        if not self.cumulative:
            return text
        new = text.removeprefix(self.text)
        self.text = text or self.text
        return new

    def _new_rows(self, text: str, tokens: Sequence[str]) -> int:
        """How many of an event's rows are known already, because its table repeats the ones
        before."""
        seen = len(self.tokens)
        again = bool(seen) and len(tokens) >= seen and list(tokens[:seen]) == self.tokens
        if again and "".join(tokens) != text and "".join(tokens[seen:]) == text:
            self.repeats = True
        known = seen if again and self.repeats else 0
        self.tokens += tokens[known:]
        return known

    def _joined(self, text: str, *, last: bool) -> str:
        """The text with the half of a character that the event before ended with, without the one
        that it ends with itself."""
        text, self.half = self.half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff" and not last:
            text, self.half = text[:-1], text[-1]
        return clean_text(text)


class LogprobColumns(NamedTuple):
    """A table of log-probabilities by column, one entry a token; None: the server gave none."""

    tokens: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    logprobs: tuple[float | None, ...] | None = None
    likeliest: tuple[Mapping[str, float], ...] = ()


def columns_of(table: Table) -> LogprobColumns:
    """A table of either shape."""
    if table.content is not None:
        rows = table.content
        ids = [row.id for row in rows if row.id is not None]
        return LogprobColumns(
            tuple(row.token or "" for row in rows),
            tuple(ids) if len(ids) == len(rows) else (),
            tuple(logprob(row.logprob) for row in rows) or None,
            tuple(likeliest(row.top_logprobs) for row in rows),
        )
    values = table.token_logprobs
    return LogprobColumns(
        tuple(table.tokens or ()),
        (),
        None if values is None else tuple(map(logprob, values)),
        tuple(map(likeliest, table.top_logprobs or ())),
    )


def likeliest(given: object) -> dict[str, float]:
    """The likeliest tokens at a position, by text, from a mapping or from entries; what cannot be
    read is left out."""
    pairs: list[tuple[object, object]] = []
    if isinstance(given, Mapping):
        pairs = list(given.items())
    elif isinstance(given, list):
        pairs = [(e.get("token"), e.get("logprob")) for e in given if isinstance(e, Mapping)]
    read = [(text, logprob(value)) for text, value in pairs]
    return {
        clean_text(text): value
        for text, value in read
        if isinstance(text, str) and value is not None and math.isfinite(value)
    }


def logprob(value: object) -> float | None:
    """A log-probability, at most 0; None for what is none (null, NaN, a text, above rounding)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    number = float(value)
    return min(number, 0.0) if number <= ROUNDING else None


def whole(count: int | None) -> int | None:
    """A count that can be one, else None."""
    return count if count is not None and 0 <= count < 2**53 else None
