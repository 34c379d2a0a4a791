"""The same token traffic as a search, straight on vLLM's `AsyncLLM`: what the engine gives when
nothing of ours is in the way.

Imports nothing of this project. Each of N sequences grows by `steps` blocks of `tokens` forced
tokens (the end token does not stop it), from one prompt. Step by step: all N end a block before any
starts the next, as every search with a barrier does. One-shot: each runs through.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

from vllm import SamplingParams
from vllm.inputs import TokensPrompt
from vllm.sampling_params import RequestOutputKind

NUMBERS = count()


class RawTraffic(NamedTuple):
    """What was generated and how long it took."""

    tokens: int
    seconds: float

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.seconds


async def continued(llm: Any, ids: Sequence[int], tokens: int, seed: int) -> list[int]:
    """`tokens` ids sampled after `ids`."""
    params = SamplingParams(
        temperature=0.8,
        max_tokens=tokens,
        min_tokens=tokens,
        ignore_eos=True,
        seed=seed,
        logprobs=0,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )
    made: list[int] = []
    async for output in llm.generate(
        TokensPrompt(prompt_token_ids=list(ids)), params, request_id=f"raw-{next(NUMBERS)}"
    ):
        made = list(output.outputs[0].token_ids)
    return made


async def step_by_step(
    llm: Any, prompt: Sequence[int], n: int, steps: int, tokens: int
) -> RawTraffic:
    """N sequences in lockstep, one barrier a block."""
    started, made = time.perf_counter(), 0
    paths = [list(prompt) for _ in range(n)]
    for step in range(steps):
        blocks = await asyncio.gather(
            *(continued(llm, path, tokens, step * n + index) for index, path in enumerate(paths))
        )
        for path, block in zip(paths, blocks, strict=True):
            path += block
            made += len(block)
    return RawTraffic(made, time.perf_counter() - started)


async def one_shot(llm: Any, prompt: Sequence[int], n: int, steps: int, tokens: int) -> RawTraffic:
    """N sequences at full length at once."""
    started = time.perf_counter()
    paths = await asyncio.gather(
        *(continued(llm, prompt, steps * tokens, index) for index in range(n))
    )
    return RawTraffic(sum(map(len, paths)), time.perf_counter() - started)
