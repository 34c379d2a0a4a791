"""The embedded process reward model: how likely is each written step to be right, given all before
it?

The model reads the chat with a tag after every step and answers at each tag with two logits, bad
and good (Qwen2.5-Math-PRM, arXiv 2501.07301). Reading left to right, its opinion of a step never
changes when more is written. So a score is computed once, and a new step costs its own tokens only:
keys and values of everything before it are kept.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch

from backend.core.errors import BadInput, EngineFailure
from backend.core.ports import EngineInfo, Solution, StepScores
from backend.engines.shared.chat import ChatTokenizer
from backend.engines.torch.attention import Prefill, chunks
from backend.engines.torch.cache import Cache
from backend.engines.torch.decoder import Decoder
from backend.engines.torch.info import describe, prepare, threads_for
from backend.engines.torch.qwen2 import Qwen2ForProcessRewardModel, load
from backend.engines.torch.text import Vocabulary

TAG = "<extra_0>"
REMEMBERED = 200_000
"""Step scores that are kept."""


class RewardTask(NamedTuple):
    """A solution as the model reads it: all ids, where each step's tag stands, and how many leading
    steps are scored already."""

    solution: Solution
    ids: tuple[int, ...]
    tags: tuple[int, ...]
    known: int


class Scorer:
    """The synchronous core: tokens, caches and the forward pass. Used by one thread."""

    def __init__(self, decoder: Decoder, cache: Cache, chat: ChatTokenizer) -> None:
        self.decoder, self.cache = decoder, cache
        self._vocabulary = Vocabulary(chat, ())
        self._tag = chat.token_id(TAG)
        self._scores: OrderedDict[tuple[object, ...], float] = OrderedDict()
        self._spent: dict[int, int] = {}

    @torch.inference_mode()
    def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
        """One result a solution, same order; equal solutions are computed once."""
        tasks = {solution: self._task(solution) for solution in solutions}
        due = [
            task
            for task in tasks.values()
            if isinstance(task, RewardTask) and task.known < len(task.tags)
        ]
        self._spent = {}
        for task in due:
            self._read_question(task)
        for start in range(0, len(due), self.cache.rows):
            self._read(due[start : start + self.cache.rows])
        results = {
            solution: task if isinstance(task, StepScores) else self._result(task)
            for solution, task in tasks.items()
        }
        while len(self._scores) > REMEMBERED:
            self._scores.popitem(last=False)
        return [first_time(results, solution) for solution in solutions]

    def _task(self, solution: Solution) -> RewardTask | StepScores:
        ids = list(self._vocabulary.prompt(solution.question, solution.system).token_ids)
        tags = []
        for step in solution.steps:
            ids += [*self._vocabulary.encode(step), self._tag]
            tags.append(len(ids) - 1)
        if ids.count(self._tag) != len(solution.steps):
            return fail(
                f"{ids.count(self._tag)} step tags for {len(solution.steps)} steps, "
                "accepted: equal numbers"
            )
        if len(ids) > self.decoder.context:
            return fail(
                f"context full: {len(ids)} tokens, accepted: at most {self.decoder.context}"
            )
        known = next(
            (i for i in range(len(tags)) if name(solution, i) not in self._scores), len(tags)
        )
        return RewardTask(solution, tuple(ids), tuple(tags), known)

    def _read_question(self, task: RewardTask) -> None:
        """Make the question known before its solutions are read side by side."""
        start = len(self._vocabulary.prompt(task.solution.question, task.solution.system).token_ids)
        if self.cache.tree.match(task.ids[:start]).length < start:
            self._read([RewardTask(task.solution, task.ids[:start], (), 0)])

    def _read(self, tasks: Sequence[RewardTask]) -> None:
        """Run what is not cached of each task through the model and remember the scores at the
        tags."""
        spans: list[tuple[int, int, int]] = []
        of_slot: dict[int, RewardTask] = {}
        for task in tasks:
            match = self.cache.tree.match(
                task.ids[
                    : task.tags[task.known - 1] + 1
                    if task.known
                    else task.tags[0]
                    if task.tags
                    else None
                ]
            )
            taken = self.cache.take_over(match)
            slot = self.cache.open(match) if taken is None else taken
            self.cache.reserve(len(task.ids))
            of_slot[slot] = task
            spans.append((slot, match.length, len(task.ids)))
            self._spent[id(task.solution)] = (
                self._spent.get(id(task.solution), 0) + len(task.ids) - match.length
            )
        for pieces in chunks(spans):
            attention = Prefill(self.cache.pool, pieces)
            places = [
                (of_slot[p.slot], at) for p in pieces for at in range(p.start, p.start + p.tokens)
            ]
            ids = torch.tensor([task.ids[at] for task, at in places], device=self.decoder.device)
            hidden = self.decoder.forward(ids, attention.positions, attention)
            self._remember(
                hidden, [(i, task, at) for i, (task, at) in enumerate(places) if at in task.tags]
            )
        for slot, task in of_slot.items():
            if all(
                math.isfinite(self._scores[name(task.solution, i)]) for i in range(len(task.tags))
            ):
                self.cache.release(slot, task.ids)
            else:
                self.cache.discard(slot)

    def _remember(
        self, hidden: torch.Tensor, tagged: Sequence[tuple[int, RewardTask, int]]
    ) -> None:
        """Store the probability of "good" at each tag: (row of `hidden`, its task, the tag's
        position)."""
        if tagged:
            rows = torch.tensor([row for row, _, _ in tagged], device=hidden.device)
            good = self.decoder.logits(hidden[rows]).float().softmax(-1)[:, 1].tolist()
            for (_, task, at), value in zip(tagged, good, strict=True):
                self._scores[name(task.solution, task.tags.index(at))] = value

    def _result(self, task: RewardTask) -> StepScores:
        scores = tuple(self._scores[name(task.solution, i)] for i in range(len(task.tags)))
        spent = self._spent.pop(id(task.solution), 0)
        if not all(math.isfinite(score) for score in scores):
            return StepScores(
                (), spent, failure="the reward model gave scores that are not numbers (NaN)"
            )
        return StepScores(scores, spent, len(task.ids) - spent)


def name(solution: Solution, step: int) -> tuple[object, ...]:
    """What the score of a step depends on."""
    return solution.system, solution.question, solution.steps[: step + 1]


def first_time(results: dict[Solution, StepScores], solution: Solution) -> StepScores:
    """The result of a solution; the next time it is asked for in the same call, all its tokens were
    reused."""
    result = results[solution]
    results[solution] = result._replace(tokens=0, cached=result.cached + result.tokens)
    return result


def fail(reason: str) -> StepScores:
    return StepScores((), 0, failure=reason)


class TorchRewardModel:
    """A process reward model in this process. Use `load`; the class implements
    `backend.core.ports.RewardModel`."""

    def __init__(self, info: EngineInfo, scorer: Scorer, threads: int) -> None:
        self._info, self._scorer = info, scorer
        self._thread = ThreadPoolExecutor(1, "torch-reward")
        self._thread.submit(torch.set_num_threads, threads)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        device: str = "cpu",
        threads: int | None = None,
        name: str | None = None,
        rows: int = 64,
        cache_bytes: int = 256 * 2**20,
        context: int | None = None,
    ) -> TorchRewardModel:
        """Load a model folder (blocking). `rows` solutions are read at once."""
        loaded = load(path, device=device)
        if not isinstance(loaded.model, Qwen2ForProcessRewardModel):
            raise BadInput(
                f"architecture of {path}",
                given=loaded.config.architecture,
                accepted="Qwen2ForProcessRewardModel",
            )
        with torch.inference_mode():
            decoder, cache = prepare(loaded, rows, cache_bytes, context)
        threads = threads_for(decoder, threads)
        settings = {
            "threads": str(threads),
            "rows": str(rows),
            "cache_bytes": str(cache_bytes),
            "device": device,
        }
        info = describe(
            Path(path), loaded, decoder, name=name, delimiter="\n\n", settings=settings, reward=True
        )
        return cls(info, Scorer(decoder, cache, loaded.tokenizer), threads)

    @property
    def info(self) -> EngineInfo:
        return self._info

    async def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
        """See `backend.core.ports.RewardModel`. Calls are served one after another."""
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, self._scorer.score, list(solutions)
            )
        except (
            RuntimeError
        ) as error:  # torch reports exhausted memory so, and a closed executor raises it too
            raise EngineFailure(
                f"the torch reward model failed: {error}", "Load the model again"
            ) from error

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)
