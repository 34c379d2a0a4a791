"""Given tokens judged by a server, a request each: what the engines that only wait for one have in
common."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from backend.core.errors import MissingCapability
from backend.core.ports import EngineInfo, Given, Likelihood


async def judge_all(
    info: EngineInfo, asked: Sequence[Given], judge: Callable[[Given], Awaitable[Likelihood]]
) -> list[Likelihood]:
    """One result a request, same order, all asked for at once; leaving early cancels the rest.

    Raises `MissingCapability` if the engine cannot tell the likelihoods asked for: a wrong one
    would bend a search without a sign.
    """
    who, can = f"{info.engine} with {info.model}", info.capabilities
    if not can.prompt_logprobs:
        raise MissingCapability(
            f"{who} does not tell log-probabilities of given tokens", "Choose another engine"
        )
    if not can.tempered_logprobs and not all(one.sampling.plain for one in asked):
        what = (
            f"{who} tells log-probabilities of given tokens for temperature 1 without "
            "truncation only"
        )
        raise MissingCapability(what, "Choose these settings, or another engine")
    tasks = [asyncio.ensure_future(judge(one)) for one in asked]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
