"""vLLM in process: `AsyncLLM` batches everything in flight; its core runs in a process of its own
and its prefix cache serves the search.

Prompts go in as ids and come back as ids; nothing is re-encoded. vLLM stops at what ends most steps:
any token whose text contains a blank line (stop by id), or two tokens that make one together (stop
by text, of which only the ids are used). Where that ends no step, as in fenced code, the text goes
on in another segment; where a step had ended before, the rest is dropped. Each segment waits for
its end in one go, without waking Python for each token; an aborted one still tells its ids, because
vLLM's abort gives a last output.

Source: Kwon et al. 2023, arXiv 2309.06180 (paged attention); vLLM documentation of `AsyncLLM`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from vllm import SamplingParams, TokensPrompt
from vllm.exceptions import VLLMClientError
from vllm.sampling_params import RequestOutputKind
from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

from backend.core.errors import EngineFailure
from backend.core.ports import (
    Completion,
    EngineInfo,
    EngineStats,
    Given,
    Likelihood,
    Prompt,
    Request,
)
from backend.core.splitting import Splitter
from backend.core.types import Alternative, Finish
from backend.engines.shared.draws import segment_seed
from backend.engines.shared.given import judge_all
from backend.engines.shared.unclaimed import Unclaimed
from backend.engines.vllm.start import GIB, Started, VllmSettings, start, stop

ABORT_AGAIN_SECONDS: Final = 0.05
HEADING_MARKS: Final = ("\n",)
"""Where vLLM stops to see whether a heading has ended the step: at each line."""
JUDGING: Final = SamplingParams(
    max_tokens=1,
    prompt_logprobs=0,
    flat_logprobs=True,
    ignore_eos=True,
    detokenize=False,
    output_kind=RequestOutputKind.FINAL_ONLY,
)


@dataclass(slots=True)
class VllmWriting:
    """A request on its way: what came back so far, over its segments, and how many steps of it are
    complete. `going`: there is another segment. `prompt` and `cached` add up over segments, as vLLM
    counts."""

    request: Request
    splitter: Splitter
    steps: int = 0
    going: bool = True
    closing: bool = False
    handle: str = ""
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    alternatives: list[tuple[Alternative, ...]] = field(default_factory=list)
    prompt: int = 0
    cached: int = 0
    finish: Finish = Finish.ABORTED
    failure: str | None = None

    def cut(self, length: int) -> int:
        """Drop what stands behind `length` tokens; returns how many that were."""
        dropped = len(self.ids) - length
        del self.ids[length:], self.logprobs[length:], self.alternatives[length:]
        return dropped


class VllmEngine:
    """An `Engine` on vLLM. Made by `load`; belongs to the event loop that loaded it."""

    def __init__(self, started: Started, settings: VllmSettings) -> None:
        self._engine, self._vocabulary, self._counters, self._info = started
        self._settings = settings
        self._ends = self._vocabulary.ends
        self._stop_ids: dict[tuple[str, ...], list[int]] = {(): sorted(self._ends)}
        self._handles = itertools.count()
        self._running = self._spare = 0
        self._unclaimed = Unclaimed()

    @classmethod
    async def load(cls, model: str, **settings: Any) -> VllmEngine:
        """Start vLLM on a model folder or Hub name; keywords as in `VllmSettings`. Raises
        `EngineFailure`."""
        chosen = VllmSettings(**settings)
        return cls(await start(model, "policy", chosen), chosen)

    @property
    def info(self) -> EngineInfo:
        return self._info

    @property
    def dead(self) -> bool:
        """Whether the core process has died; nothing but loading the model again helps then."""
        return self._engine is not None and bool(self._engine.errored)

    @property
    def core(self) -> Any:
        """vLLM's own `AsyncLLM`, for benchmarks that measure it bare."""
        return self._engine

    async def prompt(self, question: str, system: str | None) -> Prompt:
        """The chat template's prompt for the question, with the assistant's turn opened."""
        return self._vocabulary.prompt(question, system)

    async def encode(self, text: str) -> tuple[int, ...]:
        return self._vocabulary.encode(text)

    async def tokens(self, token_ids: Sequence[int]) -> list[str]:
        return [self._vocabulary.text(token) for token in token_ids]

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion, None]:
        """As the port says. Raises `EngineFailure` when vLLM's core has died."""
        writings = [VllmWriting(request, request.splitter()) for request in requests]
        tasks = {asyncio.create_task(self._write(writing)): writing for writing in writings}
        finished: asyncio.Queue[asyncio.Task[None]] = asyncio.Queue()
        for task in tasks:
            task.add_done_callback(finished.put_nowait)
        try:
            for _ in writings:
                task = await finished.get()
                task.result()
                yield self._completion(tasks.pop(task))
        finally:
            await self._abort(tasks)

    async def take_aborted(self, keys: Sequence[str]) -> list[Completion]:
        """What closed iterators left behind: aborted requests, and finished ones that nobody was
        there to receive."""
        return self._unclaimed.claim(keys)

    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        """As the port says. vLLM reads such prompts whole, past its prefix cache, and writes one
        token more, which is dropped."""
        return await judge_all(self._info, asked, self._judge)

    async def stats(self) -> EngineStats:
        """vLLM's own counters, less what was dropped; `running` are requests not yet answered or
        aborted."""
        cache = self._engine.vllm_config.cache_config
        memory = int(self._settings.cache_gib * GIB) if cache.kv_cache_memory_bytes else 0
        return EngineStats(
            self._running,
            self._counters.generated - self._spare,
            self._counters.prompt,
            self._counters.cached,
            memory,
        )

    async def close(self) -> None:
        """Stop the core process. vLLM's object is let go at once: its finaliser fails once the
        interpreter ends."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await stop(engine)

    async def _write(self, writing: VllmWriting) -> None:
        """One request from prompt to end: a segment for each place at which vLLM stops."""
        request = writing.request
        room = self._info.context - len(request.token_ids)
        if room <= 0:
            writing.finish = Finish.LENGTH
            writing.failure = (
                f"context full: the prompt has {len(request.token_ids)} tokens, the model "
                f"takes {self._info.context}"
            )
            return
        self._running += 1
        try:
            for segment in itertools.count():
                left = min(request.limit, room) - len(writing.ids)
                if writing.closing or left <= 0:  # steps were wanted that will not be written
                    writing.finish = Finish.ABORTED if writing.closing else Finish.LENGTH
                    break
                await self._write_segment(writing, segment, left)
                if not writing.going:
                    break
        except (VLLMClientError, ValueError) as error:
            writing.failure = f"vLLM refused the request: {error}"
        except (EngineDeadError, EngineGenerateError) as error:
            raise core_failure(error) from error
        finally:
            self._running -= 1
        if writing.finish is Finish.LENGTH and len(writing.ids) >= room and room < request.limit:
            writing.failure = (
                f"context full: {len(request.token_ids)} prompt and {len(writing.ids)} written "
                f"tokens fill {self._info.context}"
            )

    async def _write_segment(self, writing: VllmWriting, segment: int, max_tokens: int) -> None:
        request = writing.request
        writing.handle = f"{request.key}#{next(self._handles)}"
        prompt = TokensPrompt(prompt_token_ids=[*request.token_ids, *writing.ids])
        params = self._params(request, segment, max_tokens)
        writing.finish, writing.going = Finish.ABORTED, False
        async for output in self._engine.generate(prompt, params, writing.handle):
            if output.finished:
                writing.cached += output.num_cached_tokens or 0
                if output.outputs[0].token_ids:  # else it was aborted before its prompt was read
                    writing.prompt += len(prompt["prompt_token_ids"])
                self._take(writing, output.outputs[0])

    async def _judge(self, asked: Given) -> Likelihood:
        """One request; cancelling it makes vLLM abort."""
        prompt = TokensPrompt(prompt_token_ids=[*asked.token_ids, *asked.given])
        self._running += 1
        try:
            [output] = [
                one
                async for one in self._engine.generate(
                    prompt, JUDGING, f"given#{next(self._handles)}"
                )
            ]
        except (VLLMClientError, ValueError) as error:
            return Likelihood((), 0, failure=f"vLLM refused the request: {error}")
        except (EngineDeadError, EngineGenerateError) as error:
            raise core_failure(error) from error
        finally:
            self._running -= 1
        self._spare += len(output.outputs[0].token_ids)
        flat = output.prompt_logprobs
        starts = flat.start_indices[len(asked.token_ids) :]
        return Likelihood(
            tuple(float(flat.logprobs[start]) for start in starts),
            len(flat.start_indices),
            output.num_cached_tokens or 0,
        )

    def _stops_at(self, marks: tuple[str, ...]) -> list[int]:
        """The ids at which vLLM stops: those that end a text, and those in which a mark stands."""
        if marks not in self._stop_ids:
            find = self._vocabulary.chat.ids_containing
            self._stop_ids[marks] = sorted(self._ends.union(*map(find, marks)))
        return self._stop_ids[marks]

    def _params(self, request: Request, segment: int, max_tokens: int) -> Any:
        sampling, splitting = request.sampling, request.splitting
        marks = (splitting.marks or HEADING_MARKS) if request.steps else ()
        marks = () if splitting.rule == "tokens" else marks
        return SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            min_p=sampling.min_p,
            seed=segment_seed(request.seed, segment),
            max_tokens=max_tokens,
            logprobs=sampling.alternatives,
            flat_logprobs=True,
            stop_token_ids=[] if request.until.forced else self._stops_at(marks),
            ignore_eos=request.until.forced,
            stop=list(marks) or None,
            include_stop_str_in_output=True,
            detokenize=bool(marks),
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    def _take(self, writing: VllmWriting, output: Any) -> None:
        """Add a segment's ids and log-probabilities, and tell why it ended."""
        ids, before = list(output.token_ids), len(writing.ids)
        writing.ids += ids
        if (flat := output.logprobs) is not None:
            for start, end in zip(flat.start_indices[: len(ids)], flat.end_indices, strict=False):
                writing.logprobs.append(float(flat.logprobs[start]))
                if writing.request.sampling.alternatives:
                    likeliest = zip(
                        flat.token_ids[start + 1 : end], flat.logprobs[start + 1 : end], strict=True
                    )
                    writing.alternatives.append(
                        tuple(Alternative(i, self._vocabulary.text(i), p) for i, p in likeliest)
                    )
        if output.finish_reason == "stop":
            ended = bool(ids) and ids[-1] in self._ends
            writing.finish, writing.going = Finish.END if ended else Finish.STEP, not ended
        elif output.finish_reason == "abort":
            writing.finish = Finish.ABORTED
        else:
            writing.finish = Finish.LENGTH
            if output.finish_reason != "length":
                writing.failure = f"vLLM ended the request with {output.finish_reason!r}"
        if writing.request.steps and writing.finish is not Finish.ABORTED:
            self._find_steps(writing, before)

    def _find_steps(self, writing: VllmWriting, before: int) -> None:
        """Read the tokens from `before` on, and end the text with the last wanted step."""
        for place in range(before, len(writing.ids)):
            token = writing.ids[place]
            if token not in self._ends:
                writing.steps += len(writing.splitter.feed(self._vocabulary.text(token)))
            if writing.steps >= writing.request.steps:
                self._spare += writing.cut(place + 1)
                writing.finish, writing.going, writing.failure = Finish.STEP, False, None
                return

    def _completion(self, writing: VllmWriting) -> Completion:
        ids, request = writing.ids, writing.request
        text = self._vocabulary.decode(request.token_ids, ids, last=writing.finish is Finish.END)
        return Completion(
            request.key,
            text,
            tuple(ids),
            tuple(writing.logprobs),
            writing.finish,
            writing.prompt,
            writing.cached,
            tuple(writing.alternatives),
            writing.failure,
        )

    async def _abort(self, tasks: dict[asyncio.Task[None], VllmWriting]) -> None:
        """Abort what still runs and keep what it had written. A request may only just be on its way
        in, so this insists."""
        pending = {task for task in tasks if not task.done()}
        for writing in tasks.values():
            writing.closing = True
        try:
            while pending:
                await self._engine.abort(
                    [tasks[task].handle for task in pending if tasks[task].handle]
                )
                _, pending = await asyncio.wait(pending, timeout=ABORT_AGAIN_SECONDS)
        finally:
            for task in pending:
                task.cancel()
        self._unclaimed.keep(
            self._completion(writing) for task, writing in tasks.items() if task.exception() is None
        )


def core_failure(error: EngineDeadError | EngineGenerateError) -> EngineFailure:
    """vLLM's two errors in words: a dead core says no reason but in its log, and the other error
    hides its reason behind an empty text."""
    if isinstance(error, EngineDeadError):
        return EngineFailure(
            "vLLM's engine core has died", "The model is loaded again at its next use"
        )
    return EngineFailure(
        f"vLLM's engine failed: {error.__cause__ or error}",
        "Try again; if it stays so, load the model again",
    )
