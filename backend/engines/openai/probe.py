"""Finding out what a server can do, by asking it.

Many servers speak this protocol with differences that no version number tells. So the first use
sends what requests will send, with everything in it, and where that is refused leaves out or lowers
what the refusal names, else one setting after the other; what need not have been given up is taken
back one by one. What came back in the end is what the server gives.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final, Protocol

from backend.core.errors import EngineFailure
from backend.core.ports import Request, Sampling, Until
from backend.engines.openai.dialect import RUNGS, Body, Dialect, Rung, make_body
from backend.engines.openai.refusals import ServerRefusal
from backend.engines.openai.wire import StreamPiece

PROBE_TEXT: Final = "1 + 1 ="
PROBE_TOKENS: Final = 8
GROWING: Final = 4
"""So many events, each with the text of the one before at its beginning, show a server that repeats
its text."""


class ServerLike(Protocol):
    """What the probe asks."""

    @property
    def url(self) -> str: ...

    def pieces(
        self, body: Body, restarted: Callable[[], None] = ..., *, repeats_text: bool = ...
    ) -> AsyncGenerator[StreamPiece]: ...


async def probe(server: ServerLike, model: str, ids: Sequence[int]) -> Dialect:
    """The server's dialect. `ids`: the probe's text as tokens, empty without a tokenizer. Raises
    `EngineFailure` where even the plainest completion is refused."""
    dialect, pieces = await settle(server, model, ids, Dialect(gives_logprobs=True))
    given = any(None not in (piece.logprobs or (None,)) for piece in pieces)
    gives_ids = given and any(piece.ids for piece in pieces)
    dialect = replace(
        dialect,
        gives_logprobs=given,
        gives_ids=gives_ids,
        repeats_text=repeats(pieces),
        tells_ends=any(piece.finish for piece in pieces),
    )
    if gives_ids:
        dialect = replace(dialect, keeps_stop=await keeps_stop(server, model, ids, dialect, pieces))
    if gives_ids and ids and dialect.takes_ids:
        dialect = replace(dialect, echoes=await echoes(server, model, ids))
    return dialect


async def settle(
    server: ServerLike, model: str, ids: Sequence[int], dialect: Dialect
) -> tuple[Dialect, list[StreamPiece]]:
    """The most that the server does not refuse, and what it answered."""
    given_up: list[Rung] = []
    while True:
        try:
            pieces = await answer(server, model, ids, dialect)
            break
        except ServerRefusal as error:
            steps = named_in(str(error), dialect) or lowerable(dialect)[:1]
            if not steps:
                raise EngineFailure(
                    f"the server at {server.url} refuses the simplest completion: {error}",
                    "It needs a /v1/completions endpoint",
                ) from error
            for rung in steps:
                dialect = lowered(dialect, rung)
                given_up += [rung] if rung not in given_up else []
    for rung in given_up if len(given_up) > 1 else ():
        for level, _ in rung.levels:
            if level == getattr(dialect, rung.field):
                break
            try:
                fuller = replace(dialect, **{rung.field: level})
                pieces = await answer(server, model, ids, fuller)
            except ServerRefusal:
                continue
            dialect = fuller
            break
    return dialect, pieces


async def answer(
    server: ServerLike, model: str, ids: Sequence[int], dialect: Dialect, *stops: str
) -> list[StreamPiece]:
    """What the server writes after the probe's text."""
    body = make_body(dialect, model, question(ids), stops, ())
    async with aclosing(server.pieces(body)) as pieces:
        return [piece async for piece in pieces]


def question(ids: Sequence[int]) -> Request:
    """A request with everything in it that requests may have."""
    sampling = Sampling(temperature=0.0, max_tokens=PROBE_TOKENS, alternatives=20)
    return Request("probe", PROBE_TEXT, tuple(ids), 2**63 - 1, Until(steps=0), sampling)


def lowerable(dialect: Dialect) -> list[Rung]:
    """The rungs that are not at their last level, in the order in which they are given up."""
    return [rung for rung in RUNGS if getattr(dialect, rung.field) != rung.levels[-1][0]]


def named_in(refusal: str, dialect: Dialect) -> list[Rung]:
    """The rungs that a refusal names and that can be lowered."""
    said = refusal.lower()
    named = [rung for rung in lowerable(dialect) if any(word in said for word in rung.words)]
    return [rung for rung in named if rung.field != "takes_ids"] or named


def lowered(dialect: Dialect, rung: Rung) -> Dialect:
    """The dialect with the next lower level of a rung."""
    levels: list[Any] = [level for level, _ in rung.levels]
    below = levels[levels.index(getattr(dialect, rung.field)) + 1]
    return replace(dialect, **{rung.field: below})


def repeats(pieces: Sequence[StreamPiece]) -> bool:
    """Whether each event repeats the text so far."""
    texts = [piece.text for piece in pieces if piece.text]
    grown = [after.startswith(one) and after != one for one, after in pairwise(texts)]
    return len(texts) >= GROWING and all(grown)


async def keeps_stop(
    server: ServerLike,
    model: str,
    ids: Sequence[int],
    dialect: Dialect,
    pieces: Sequence[StreamPiece],
) -> bool:
    """Whether a stop text stays in the text: asked with the end of what it wrote just now."""
    texts = [piece.text for piece in pieces if piece.text]
    if not dialect.include_stop_str_in_output or not texts:
        return False
    try:
        again = await answer(server, model, ids, dialect, texts[-1])
    except ServerRefusal:
        return False
    return "".join(piece.text for piece in again).endswith(texts[-1])


async def echoes(server: ServerLike, model: str, ids: Sequence[int]) -> bool:
    """Whether the server tells log-probabilities of a prompt's tokens."""
    try:
        return len((await echo(server, model, ids)).logprobs or ()) > len(ids)
    except ServerRefusal:
        return False


async def echo(server: ServerLike, model: str, ids: Sequence[int]) -> StreamPiece:
    """A prompt sent back with one further token, as one piece: log-probabilities by position, where
    the server gives them, and the counts."""
    values: list[float | None] = []
    body = {
        "model": model,
        "prompt": list(ids),
        "max_tokens": 1,
        "temperature": 1.0,
        "echo": True,
        "logprobs": 1,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    usage = StreamPiece()
    async with aclosing(server.pieces(body, values.clear)) as pieces:
        async for piece in pieces:
            values += piece.logprobs or ()
            usage = piece if piece.prompt_tokens is not None else usage
    return usage._replace(logprobs=tuple(values))
