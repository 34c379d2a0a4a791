"""Any server that speaks OpenAI's completions protocol: vLLM, SGLang, llama.cpp, Ollama.

The plain `/v1/completions` endpoint, because a search continues half-written answers and a chat
endpoint cannot. The prompt is rendered here: with the chat template of a local tokenizer folder
where one is given (then prompts go out as ids if the server takes them), else as plain ChatML.
Steps are cut on this side, token by token while the stream runs, so that what ends them stays in
the text on every server; closing the stream makes the server abort. A server that keeps the text at
which it stops is told the marks of steps; where such a mark ends no step, as in fenced code, it is
asked to go on. A token whose id the server does
not tell has the id `UNKNOWN`, so that ids still count tokens.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

from backend.core.errors import EngineFailure
from backend.core.outside import clean_numbers
from backend.core.ports import (
    Capabilities,
    Completion,
    EngineInfo,
    EngineStats,
    Given,
    Likelihood,
    Prompt,
    Request,
)
from backend.core.types import Alternative, Finish
from backend.engines.openai.cards import ModelCard
from backend.engines.openai.dialect import (
    UNKNOWN,
    Body,
    Dialect,
    make_body,
    refused,
)
from backend.engines.openai.probe import PROBE_TEXT, echo, probe
from backend.engines.openai.refusals import ServerRefusal, refusal
from backend.engines.openai.server import CompletionsServer
from backend.engines.openai.wire import StreamPiece
from backend.engines.openai.writing import OpenAiWriting, tokens_of
from backend.engines.shared.chat import ChatTokenizer
from backend.engines.shared.given import judge_all
from backend.engines.shared.unclaimed import Unclaimed
from backend.engines.torch.text import Vocabulary, end_tokens

UNKNOWN_CONTEXT: Final = 32_768


class OpenAiEngine:
    """An `Engine` behind HTTP. Made by `connect`; belongs to the event loop that connected it."""

    def __init__(
        self,
        server: CompletionsServer,
        info: EngineInfo,
        dialect: Dialect,
        vocabulary: Vocabulary | None,
    ) -> None:
        self._server, self._info, self._dialect, self._vocabulary = (
            server,
            info,
            dialect,
            vocabulary,
        )
        self._unclaimed = Unclaimed()
        self._running = self._generated = self._prompt = self._cached = 0

    @classmethod
    async def connect(
        cls,
        base_url: str,
        model: str | None = None,
        *,
        api_key: str | None = None,
        tokenizer: Path | None = None,
        delimiter: str = "\n\n",
        timeout_seconds: float = 120.0,
        retries: int = 4,
        pause_seconds: float = 0.5,
        allowed: Sequence[str] | None = None,
    ) -> OpenAiEngine:
        """Find the model and probe what the server can do. `tokenizer` is a folder with the model's
        own, `allowed` the servers that may be asked (None: any). Raises `EngineFailure`."""
        server = CompletionsServer(
            base_url,
            api_key,
            timeout_seconds=timeout_seconds,
            retries=retries,
            pause_seconds=pause_seconds,
            allowed=allowed,
        )
        try:
            vocabulary = read_vocabulary(tokenizer) if tokenizer is not None else None
            card = await server.card(model)
            ids = vocabulary.encode(PROBE_TEXT) if vocabulary is not None else ()
            dialect = await probe(server, card.name, ids)
        except EngineFailure:
            await server.close()
            raise
        return cls(
            server, describe(server, card, dialect, vocabulary, delimiter), dialect, vocabulary
        )

    @property
    def info(self) -> EngineInfo:
        return self._info

    async def prompt(self, question: str, system: str | None) -> Prompt:
        """The tokenizer's chat template, or plain ChatML without ids."""
        if self._vocabulary is not None:
            return self._vocabulary.prompt(question, system)
        opening = f"<|im_start|>system\n{system}<|im_end|>\n" if system is not None else ""
        return Prompt(
            f"{opening}<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n", ()
        )

    async def encode(self, text: str) -> tuple[int, ...]:
        return self._vocabulary.encode(text) if self._vocabulary is not None else ()

    async def tokens(self, token_ids: Sequence[int]) -> list[str]:
        """Empty texts for ids that nobody here can read."""
        return [
            "" if self._vocabulary is None or token == UNKNOWN else self._vocabulary.text(token)
            for token in token_ids
        ]

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion, None]:
        """As the port says. A refused request comes back with `failure`; a server that fails for
        good raises `EngineFailure`."""
        tasks = {
            asyncio.create_task(self._write(writing)): writing
            for writing in map(OpenAiWriting, requests)
        }
        finished: asyncio.Queue[asyncio.Task[None]] = asyncio.Queue()
        for task in tasks:
            task.add_done_callback(finished.put_nowait)
        try:
            for _ in requests:
                task = await finished.get()
                task.result()
                yield self._completion(tasks.pop(task))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._unclaimed.keep(self._completion(writing) for writing in tasks.values())

    async def take_aborted(self, keys: Sequence[str]) -> list[Completion]:
        """What closed iterators left behind: aborted requests, and finished ones that nobody was
        there to receive."""
        return self._unclaimed.claim(keys)

    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        """As the port says, by prompts that the server sends back. It writes one token more, which
        is dropped."""
        return await judge_all(self._info, asked, self._judge)

    async def stats(self) -> EngineStats:
        """Counted from what the server sent; it has no counters of its own in this protocol."""
        return EngineStats(self._running, self._generated, self._prompt, self._cached, 0)

    async def close(self) -> None:
        await self._server.close()

    async def _write(self, writing: OpenAiWriting) -> None:
        """Read the stream until the server ends it or the step is complete; leaving it closes the
        connection."""
        self._running += 1
        try:
            going = True
            while going:
                going = not await self._read(writing) and writing.goes_on()
            writing.end()
        except ServerRefusal as error:
            writing.finish, writing.failure = Finish.LENGTH, refusal(error)
        finally:
            self._running -= 1
            self._generated += len(self._completion(writing).token_ids)
            self._prompt += writing.prompt_tokens
            self._cached += writing.cached_tokens

    async def _read(self, writing: OpenAiWriting) -> bool:
        """Read the stream of one part of a request; whether the rest of it is not wanted."""

        def restart() -> None:
            self._generated += len(writing.written.ids) - len(writing.kept.ids)
            writing.restart()

        body, repeats = self._body(writing.part), self._dialect.repeats_text
        async with aclosing(self._server.pieces(body, restart, repeats_text=repeats)) as pieces:
            async for piece in pieces:
                writing.started = True
                if self._take(writing, piece):
                    return True
        return False

    async def _judge(self, asked: Given) -> Likelihood:
        ids = (*asked.token_ids, *asked.given)
        self._running += 1
        try:
            told = await echo(self._server, self._info.model, ids)
        except ServerRefusal as error:
            return Likelihood((), 0, failure=refusal(error))
        finally:
            self._running -= 1
        count, values = told.prompt_tokens or len(ids), told.logprobs or ()
        self._prompt += count
        self._cached += told.cached_tokens
        judged = [value for value in values[len(asked.token_ids) : len(ids)] if value is not None]
        if len(judged) < len(asked.given):
            missing = (
                f"the server told {len(judged)} log-probabilities for {len(asked.given)} tokens "
                "that were given"
            )
            return Likelihood((), count, told.cached_tokens, missing)
        return Likelihood(tuple(judged), count, told.cached_tokens)

    def _body(self, request: Request) -> Body:
        marks = request.splitting.marks if self._stops_itself(request) else ()
        return make_body(self._dialect, self._info.model, request, marks, self._ids(marks))

    def _stops_itself(self, request: Request) -> bool:
        """Whether the server ends the step and keeps the text that ends it, as the probe saw it
        do."""
        return self._dialect.keeps_stop and request.steps == 1

    def _ids(self, marks: Sequence[str]) -> list[int]:
        """The tokens in which one of these texts stands."""
        if self._vocabulary is None:
            return []
        find = self._vocabulary.chat.ids_containing
        return sorted({token for mark in marks for token in find(mark)})

    def _take(self, writing: OpenAiWriting, piece: StreamPiece) -> bool:
        """Add an event; True when the last wanted step is complete, and the rest of the stream is
        not wanted."""
        if piece.prompt_tokens is not None or piece.completion_tokens is not None:
            writing.usage = piece
        request = writing.request
        marks = request.splitting.marks if request.steps else ()
        for token in tokens_of(piece) if writing.finish is not Finish.STEP else ():
            count = request.sampling.alternatives if token.told else 0
            likeliest = self._alternatives(token.likeliest, count) if count else None
            if writing.take(token, likeliest):
                # where the server stops as well, its last event, with the counts, is still to come
                return not self._stops_here(writing, len(token.text))
        if piece.finish is not None:
            writing.reason = piece.finish
            if marks and self._stopped(writing, piece, marks):
                writing.stop(piece.stopped_by if piece.stopped_by in marks else marks[0])
        return False

    def _stops_here(self, writing: OpenAiWriting, length: int) -> bool:
        """Whether the server, too, ends the text with its last `length` characters."""
        text, request = writing.written.text, writing.request
        if len(writing.written.ids) >= request.limit:
            return True
        return self._stops_itself(request) and any(
            mark in text[-(length + len(mark) - 1) :] for mark in request.splitting.marks
        )

    def _stopped(self, writing: OpenAiWriting, piece: StreamPiece, marks: Sequence[str]) -> bool:
        """Whether one of these texts has ended the text at the server, as far as it says."""
        if piece.stopped_by is None:
            here = piece.finish == "stop" and self._stops_itself(writing.request)
            return here and writing.written.text.endswith(tuple(marks))
        return piece.stopped_by in (*marks, *self._ids(marks))

    def _alternatives(self, likeliest: Mapping[str, float], count: int) -> tuple[Alternative, ...]:
        """The `count` likeliest, in order: a server may add the sampled token to them, and before
        them.

        The server names alternatives by text; ids are looked up where a tokenizer is at hand.
        """
        vocabulary, chosen = (
            self._vocabulary,
            sorted(likeliest.items(), key=lambda entry: -entry[1])[:count],
        )
        ids = {
            text: None if vocabulary is None else vocabulary.chat.tokenizer.token_to_id(text)
            for text, _ in chosen
        }
        return tuple(
            Alternative(UNKNOWN if (found := ids[text]) is None else found, text, value)
            for text, value in chosen
        )

    def _completion(self, writing: OpenAiWriting) -> Completion:
        request, written = writing.request, writing.written
        ids, remark = writing.count()
        text = written.text
        if self._vocabulary is not None and ids and UNKNOWN not in ids:
            text = self._vocabulary.decode(
                request.token_ids, ids, last=writing.finish is Finish.END
            )
        told = [value for value in written.logprobs if value is not None]
        whole = self._dialect.gives_logprobs and len(told) == len(ids)
        logprobs = clean_numbers(told) if whole else None
        return Completion(
            request.key,
            text,
            tuple(ids),
            logprobs,
            writing.finish,
            writing.prompt_tokens,
            writing.cached_tokens,
            tuple(written.alternatives) if logprobs is not None else (),
            writing.failure,
            remark,
        )


def read_vocabulary(folder: Path) -> Vocabulary:
    """The tokenizer of a model folder; only its tokenizer files are needed."""
    chat = ChatTokenizer.read(folder)
    return Vocabulary(chat, end_tokens(folder, chat, ()))


def describe(
    server: CompletionsServer,
    card: ModelCard,
    dialect: Dialect,
    vocabulary: Vocabulary | None,
    delimiter: str,
) -> EngineInfo:
    """The engine's line in a run's manifest; `settings["logprobs"]` says what to do where the
    server gives none."""
    missing = "none: the server gives no log-probabilities; vLLM, SGLang and llama.cpp can"
    return EngineInfo(
        engine="openai",
        model=card.name,
        version=card.server or "unknown",
        dtype="unknown",
        parameters=0,
        context=card.context or UNKNOWN_CONTEXT,
        delimiter=delimiter,
        capabilities=Capabilities(
            logprobs=dialect.gives_logprobs,
            alternatives=dialect.logprobs if dialect.gives_logprobs else 0,
            token_ids=dialect.gives_ids,
            seeds=dialect.seed_below > 0,
            prompt_logprobs=dialect.echoes,
        ),
        hashes={}
        if vocabulary is None
        else {
            "chat_template": hashlib.sha256((vocabulary.chat.template or "").encode()).hexdigest()
        },
        settings={
            "url": server.url,
            "logprobs": "given" if dialect.gives_logprobs else missing,
            "prompts": "token ids" if vocabulary is not None and dialect.takes_ids else "text",
            "template": "the tokenizer's" if vocabulary is not None else "plain ChatML",
            "context": "told" if card.context else "not told",
            "refused": "; ".join(refused(dialect)) or "nothing",
            "ends": "told" if dialect.tells_ends else "not told: no text counts as finished",
        },
    )
