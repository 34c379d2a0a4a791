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
from backend.engines.openai.server import (
    EXTRAS,
    Body,
    CompletionsServer,
    Dialect,
    ModelCard,
    ServerRefusal,
    StreamPiece,
)
from backend.engines.shared.chat import ChatTokenizer
from backend.engines.shared.given import judge_all
from backend.engines.shared.unclaimed import Unclaimed
from backend.engines.torch.text import Vocabulary, end_tokens

UNKNOWN: Final = -1
UNKNOWN_CONTEXT: Final = 32_768
PROBE_TEXT: Final = "1 + 1 ="


@dataclass(slots=True)
class OpenAiWriting:
    """A request on its way: what the server has sent so far."""

    request: Request
    text: str = ""
    tail: str = ""
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    alternatives: list[tuple[Alternative, ...]] = field(default_factory=list)
    steps: int = 0
    usage: StreamPiece = field(default_factory=StreamPiece)
    started: bool = False
    finish: Finish = Finish.ABORTED
    failure: str | None = None

    def restart(self) -> None:
        """Forget what came, because the server begins again."""
        self.text, self.tail, self.steps, self.usage = "", "", 0, StreamPiece()
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
    ) -> OpenAiEngine:
        """Find the model and probe what the server can do. `tokenizer` is a folder with the model's
        own. Raises `EngineFailure`."""
        server = CompletionsServer(
            base_url,
            api_key,
            timeout_seconds=timeout_seconds,
            retries=retries,
            pause_seconds=pause_seconds,
        )
        try:
            vocabulary = read_vocabulary(tokenizer, delimiter) if tokenizer is not None else None
            card = await server.card(model)
            dialect = await server.probe(
                card.name, vocabulary.encode(PROBE_TEXT) if vocabulary is not None else ()
            )
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
            async with aclosing(
                self._server.pieces(self._body(writing.request), restart)
            ) as pieces:
                async for piece in pieces:
                    writing.started = True
                    if self._take(writing, piece):
                        break
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
            echo = await self._server.echo(self._info.model, ids)
        except ServerRefusal as error:
            return Likelihood((), 0, failure=refusal(error))
        finally:
            self._running -= 1
        count, values = echo.prompt_tokens or len(ids), echo.logprobs or ()
        self._prompt += count
        self._cached += echo.cached_tokens
        if len(values) < len(ids):
            return Likelihood(
                (),
                count,
                echo.cached_tokens,
                (
                    f"the server gave {len(values)} log-probabilities for {len(ids)} tokens of "
                    "a prompt"
                ),
            )
        return Likelihood(values[len(asked.token_ids) : len(ids)], count, echo.cached_tokens)

    def _body(self, request: Request) -> Body:
        sampling, dialect = request.sampling, self._dialect
        as_ids = dialect.takes_ids and request.token_ids and UNKNOWN not in request.token_ids
        limit = min(sampling.max_tokens, request.until.tokens or sampling.max_tokens)
        body: Body = {
            "model": self._info.model,
            "prompt": list(request.token_ids) if as_ids else request.text,
            "max_tokens": limit,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": request.seed,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if dialect.gives_logprobs:
            body["logprobs"] = max(
                1, min(sampling.alternatives, self._info.capabilities.alternatives)
            )
        if dialect.extras:
            body |= {
                **EXTRAS,
                "top_k": sampling.top_k,
                "min_p": sampling.min_p,
                "add_special_tokens": False,
            }
            body["stream_options"]["continuous_usage_stats"] = True
        if request.until.forced:
            body["ignore_eos"] = True  # an extension of vLLM, SGLang and llama.cpp
        if self._stops_itself(request):
            body |= {"stop": [self._info.delimiter], "stop_token_ids": self._step_ends}
        return body

    def _stops_itself(self, request: Request) -> bool:
        """Whether the server can end a step and keep the delimiter: one that gives ids also honours
        the other settings that ask for it."""
        return self._dialect.gives_ids and request.until.steps == 1 and not request.until.forced

    def _take(self, writing: OpenAiWriting, piece: StreamPiece) -> bool:
        """Add an event; True when the last wanted step is complete, and the rest of the stream is
        not wanted."""
        if piece.prompt_tokens is not None:
            writing.usage = piece
        until, delimiter = writing.request.until, self._info.delimiter
        wanted = 0 if until.forced else until.steps
        for token in tokens_of(piece):
            writing.ids.append(token.id)
            writing.logprobs += [] if token.logprob is None else [token.logprob]
            if writing.request.sampling.alternatives and token.logprob is not None:
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
            cut = last and token.logprob is None
            writing.text, writing.tail = (
                writing.text + (token.text[: end - len(writing.tail)] if cut else token.text),
                "",
            )
            if last:
                writing.finish = Finish.STEP
                # its last event, with the counts, is still to come
                return not self._stops_itself(writing.request)
        if piece.finish is not None and writing.finish is not Finish.STEP:
            writing.finish = Finish.LENGTH if piece.finish == "length" else Finish.END
        return False

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
        ids, request = writing.ids, writing.request
        counted = writing.usage.completion_tokens
        if (
            counted is not None
            and not writing.logprobs
            and writing.finish in (Finish.END, Finish.LENGTH)
        ):
            ids = [
                UNKNOWN
            ] * counted  # an event need not be a token; the server's own count is right
        text = writing.text
        if self._vocabulary is not None and ids and UNKNOWN not in ids:
            text = self._vocabulary.decode(
                request.token_ids, ids, last=writing.finish is Finish.END
            )
        logprobs = (
            tuple(writing.logprobs)
            if self._dialect.gives_logprobs and len(writing.logprobs) == len(ids)
            else None
        )
        prompt, cached = self._prompt_tokens(writing), writing.usage.cached_tokens
        alternatives = tuple(writing.alternatives) if logprobs is not None else ()
        return Completion(
            request.key,
            text,
            tuple(ids),
            logprobs,
            writing.finish,
            prompt,
            cached,
            alternatives,
            writing.failure,
        )


class Token(NamedTuple):
    """One token of an event; its text is empty where the event does not part its text by token."""

    id: int
    text: str
    logprob: float | None
    likeliest: Mapping[str, float]


def tokens_of(piece: StreamPiece) -> list[Token]:
    """The tokens of an event. Without ids and log-probabilities the whole event counts as one token
    of unknown id."""
    values = piece.logprobs or ()
    count = len(values) or len(piece.ids)
    if not count:
        return [Token(UNKNOWN, piece.text, None, {})] if piece.text else []
    ids = piece.ids if len(piece.ids) == count else (UNKNOWN,) * count
    texts = (
        list(piece.tokens)
        if len(piece.tokens) == count and "".join(piece.tokens) == piece.text
        else [""] * (count - 1) + [piece.text]
    )
    likeliest = [piece.likeliest[i] if i < len(piece.likeliest) else {} for i in range(count)]
    return [
        Token(ids[i], texts[i], values[i] if values else None, likeliest[i]) for i in range(count)
    ]


def refusal(error: ServerRefusal) -> str:
    """Why a request failed, in our words and the server's."""
    full = "context" in str(error).lower() and (
        "length" in str(error).lower() or "maximum" in str(error).lower()
    )
    return f"{'context full: ' if full else ''}the server refused the request: {error}"


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
            alternatives=0 if not dialect.gives_logprobs else 20 if dialect.extras else 5,
            token_ids=dialect.gives_ids,
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
            "prompts": "token ids" if dialect.takes_ids else "text",
            "template": "the tokenizer's" if vocabulary is not None else "plain ChatML",
        },
    )
