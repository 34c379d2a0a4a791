"""Any server that speaks OpenAI's completions protocol: vLLM, SGLang, llama.cpp, Ollama.

The plain `/v1/completions` endpoint, because a search continues half-written answers and a chat
endpoint cannot. The prompt is rendered here: with the chat template of a local tokenizer folder
where one is given (then prompts go out as ids if the server takes them), else as plain ChatML.
Steps are cut on this side, token by token while the stream runs, so that the delimiter stays in the
text on every server; closing the stream makes the server abort. A token whose id the server does
not tell has the id `UNKNOWN`, so that ids still count tokens.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

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
    token_limit,
)
from backend.engines.openai.probe import PROBE_TEXT, echo, probe
from backend.engines.openai.refusals import ServerRefusal, refusal
from backend.engines.openai.server import CompletionsServer
from backend.engines.openai.wire import StreamPiece, end_of
from backend.engines.shared.chat import ChatTokenizer
from backend.engines.shared.given import judge_all
from backend.engines.shared.unclaimed import Unclaimed
from backend.engines.torch.text import Vocabulary, end_tokens

UNKNOWN_CONTEXT: Final = 32_768


@dataclass(slots=True)
class OpenAiWriting:
    """A request on its way: what the server has sent so far."""

    request: Request
    text: str = ""
    tail: str = ""
    ids: list[int] = field(default_factory=list)
    logprobs: list[float | None] = field(default_factory=list)
    alternatives: list[tuple[Alternative, ...]] = field(default_factory=list)
    steps: int = 0
    usage: StreamPiece = field(default_factory=StreamPiece)
    reason: str | None = None
    started: bool = False
    finish: Finish = Finish.ABORTED
    failure: str | None = None

    def restart(self) -> None:
        """Forget what came, because the server begins again."""
        self.text, self.tail, self.steps, self.usage = "", "", 0, StreamPiece()
        self.finish, self.reason, self.started = Finish.ABORTED, None, False
        self.ids, self.logprobs, self.alternatives = [], [], []


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
        self._step_ends = (
            sorted(vocabulary.chat.ids_containing(info.delimiter)) if vocabulary is not None else []
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
            vocabulary = read_vocabulary(tokenizer, delimiter) if tokenizer is not None else None
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

        def restart() -> None:
            self._generated += len(writing.ids)
            writing.restart()

        try:
            body, repeats = self._body(writing.request), self._dialect.repeats_text
            async with aclosing(self._server.pieces(body, restart, repeats_text=repeats)) as pieces:
                async for piece in pieces:
                    writing.started = True
                    if self._take(writing, piece):
                        return
            self._end(writing)
        except ServerRefusal as error:
            writing.finish, writing.failure = Finish.LENGTH, refusal(error)
        finally:
            self._running -= 1
            self._generated += len(self._completion(writing).token_ids)
            self._prompt += self._prompt_tokens(writing)
            self._cached += writing.usage.cached_tokens

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
        stops = self._stops_itself(request)
        return make_body(
            self._dialect,
            self._info.model,
            request,
            self._info.delimiter if stops else "",
            self._step_ends,
        )

    def _stops_itself(self, request: Request) -> bool:
        """Whether the server ends the step and keeps the delimiter, as the probe saw it do."""
        return self._dialect.keeps_stop and request.until.steps == 1 and not request.until.forced

    def _take(self, writing: OpenAiWriting, piece: StreamPiece) -> bool:
        """Add an event; True when the last wanted step is complete, and the rest of the stream is
        not wanted."""
        if piece.prompt_tokens is not None or piece.completion_tokens is not None:
            writing.usage = piece
        until, delimiter = writing.request.until, self._info.delimiter
        wanted = 0 if until.forced else until.steps
        for token in tokens_of(piece):
            writing.ids.append(token.id)
            writing.logprobs += [token.logprob] if token.told else []
            if writing.request.sampling.alternatives and token.told:
                writing.alternatives.append(
                    self._alternatives(token.likeliest, writing.request.sampling.alternatives)
                )
            tail = writing.tail + token.text
            end = tail.find(delimiter) + len(delimiter)
            if not wanted or delimiter not in tail:
                writing.text, writing.tail = (
                    writing.text + token.text,
                    tail[1 - len(delimiter) :] if len(delimiter) > 1 else "",
                )
                continue
            writing.steps += 1
            last = writing.steps >= wanted
            # an event without token boundaries may reach into the next step
            cut = last and not token.told
            writing.text, writing.tail = (
                writing.text + (token.text[: end - len(writing.tail)] if cut else token.text),
                "",
            )
            if last:
                writing.finish = Finish.STEP
                # its last event, with the counts, is still to come
                return not self._stops_itself(writing.request)
        if piece.finish is not None:
            writing.reason = piece.finish
            if wanted and piece.stopped_by in (delimiter, *self._step_ends):
                self._complete_step(writing)
        return False

    def _complete_step(self, writing: OpenAiWriting) -> None:
        """The server says that the delimiter ended the text; where it has cut the delimiter off, it
        is put back, as a token whose id and log-probability nobody told."""
        if writing.finish is not Finish.STEP:
            writing.ids.append(UNKNOWN)
            writing.text += self._info.delimiter
            writing.finish = Finish.STEP

    def _end(self, writing: OpenAiWriting) -> None:
        """Why the text ended, after its stream."""
        if writing.finish is Finish.STEP:
            return
        writing.finish, writing.failure = end_of(writing.reason)
        own, told = len(writing.ids), writing.usage.completion_tokens or 0
        if not writing.reason and max(own, told) >= token_limit(writing.request):
            writing.finish, writing.failure = Finish.LENGTH, None

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

    def _prompt_tokens(self, writing: OpenAiWriting) -> int:
        """The server's figure, else the length of the ids that were sent."""
        return writing.usage.prompt_tokens or (
            len(writing.request.token_ids) if writing.started else 0
        )

    def _completion(self, writing: OpenAiWriting) -> Completion:
        request = writing.request
        ids, remark = counted(writing)
        text = writing.text
        if self._vocabulary is not None and ids and UNKNOWN not in ids:
            text = self._vocabulary.decode(
                request.token_ids, ids, last=writing.finish is Finish.END
            )
        told = [value for value in writing.logprobs if value is not None]
        whole = self._dialect.gives_logprobs and len(told) == len(ids)
        logprobs = clean_numbers(told) if whole else None
        return Completion(
            request.key,
            text,
            tuple(ids),
            logprobs,
            writing.finish,
            self._prompt_tokens(writing),
            writing.usage.cached_tokens,
            tuple(writing.alternatives) if logprobs is not None else (),
            writing.failure,
            remark,
        )


def counted(writing: OpenAiWriting) -> tuple[list[int], str | None]:
    """The ids of the tokens that were written, and what there is to say of the server's own count.

    Where the server told each token, its count is only compared. Else an event may hold several
    tokens, and a count between the number of events and the limit is taken.
    """
    own, told = len(writing.ids), writing.usage.completion_tokens
    if told is None or told == own or writing.finish not in (Finish.END, Finish.LENGTH):
        return writing.ids, None
    each = bool(writing.logprobs) or any(token != UNKNOWN for token in writing.ids)
    if not each and own <= told <= token_limit(writing.request):
        return [UNKNOWN] * told, None
    if each and told - own == 1 and writing.finish is Finish.END:
        return writing.ids, None  # the end token, which has no text
    return writing.ids, f"the server counts {told} tokens; its stream held {own}, which count"


class Token(NamedTuple):
    """One token of an event; its text is empty where the event does not part its text by token.
    `told`: the event has a log-probability for it, which may be no number."""

    id: int
    text: str
    logprob: float | None
    likeliest: Mapping[str, float]
    told: bool


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


def read_vocabulary(folder: Path, delimiter: str) -> Vocabulary:
    """The tokenizer of a model folder; only its tokenizer files are needed."""
    chat = ChatTokenizer.read(folder)
    return Vocabulary(chat, end_tokens(folder, chat, ()), delimiter)


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
