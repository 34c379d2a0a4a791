"""What every engine promises, as checks that any engine can be handed to, each with a twin that
breaks exactly this promise.

The two tests at the end run over `CHECKS` twice: `await check.run(subject)` must pass, and `await
check.run(check.spoilt(subject))` must raise AssertionError. A test module imports them and says by
a fixture `subject` which engine is meant.

What an engine says it cannot do (`Capabilities`) is not asked of it. Where the model is behind a
connection, the other side's counters are held against the engine's.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import pytest
from msgspec import structs

from backend.core.ports import (
    END,
    STEP,
    Completion,
    Engine,
    EngineStats,
    Request,
    Sampling,
    Until,
    tokens,
)
from backend.core.splitting import AT_BLANK_LINES
from backend.core.types import Finish
from tests.engines.twins import (
    CallsEverythingTheEnd,
    ForgetsTheAborted,
    IgnoresSeeds,
    KeepsRunning,
    LosesAToken,
    MissesDelimiters,
    MixesUpKeys,
    SeedsByBatch,
    SeedsByTime,
    Twin,
    WarmsLogprobs,
)
from tests.support.stopwatch import Stopwatch

WARM = Sampling(temperature=1.0, max_tokens=120)
LONG = 300


@dataclass(frozen=True)
class Subject:
    """An engine under test. `logprobs` recomputes a completion's log-probabilities from its
    request, by other code than the engine's.

    `exact` says that equal requests give equal tokens in any batch. `long` is a number of tokens
    that takes the engine a while. `counters` are what the server behind the engine counts itself.
    """

    engine: Engine
    question: str = "Ana has 7 apples. Ben has 5 more apples than Ana."
    logprobs: Callable[[Request, Completion], Sequence[float]] | None = None
    tolerance: float = 1e-3
    exact: bool = True
    long: int = LONG
    counters: Callable[[], EngineStats] | None = None

    async def stats(self) -> list[EngineStats]:
        """The engine's counters, then those of the server behind it where there is one."""
        return [await self.engine.stats(), *([] if self.counters is None else [self.counters()])]

    async def requests(
        self, count: int, until: Until = STEP, sampling: Sampling = WARM, name: str = "k"
    ) -> list[Request]:
        """Requests with seeds 100, 101, ... on the subject's question."""
        prompt = await self.engine.prompt(self.question, None)
        return [
            Request(f"{name}{i}", prompt.text, prompt.token_ids, 100 + i, until, sampling)
            for i in range(count)
        ]

    async def all(self, requests: Sequence[Request]) -> dict[str, Completion]:
        """Every completion by key; a key that comes twice or not at all is a failure."""
        found = [completion async for completion in self.engine.generate(requests)]
        assert sorted(c.key for c in found) == sorted(r.key for r in requests), (
            "one completion a request"
        )
        assert not [c.failure for c in found if c.failure]
        return {c.key: c for c in found}


async def completions_carry_their_own_key(subject: Subject) -> None:
    """Request i asks for i + 1 tokens, so a completion under a wrong key has a wrong length."""
    requests = [
        structs.replace(r, until=tokens(i + 1)) for i, r in enumerate(await subject.requests(12))
    ]
    found = await subject.all(requests)
    cut = {i for i in range(12) if found[f"k{i}"].finish is Finish.LENGTH}
    assert len(cut) >= 2, "the question lets too few completions reach their limit"
    for i in range(12):
        length = await length_of(subject, found[f"k{i}"])
        assert length == i + 1 if i in cut else length <= i + 1


async def a_batch_equals_one_by_one(subject: Subject) -> None:
    """Tokens of a request do not depend on what else is in the batch."""
    need(subject.exact, "this engine does not promise equal tokens in different batches")
    requests = await subject.requests(9)
    together = await subject.all(requests)
    for request in requests:
        alone = await subject.all([request])
        assert (alone[request.key].text, alone[request.key].token_ids) == (
            together[request.key].text,
            together[request.key].token_ids,
        )


async def a_seed_reproduces_its_tokens(subject: Subject) -> None:
    """The same call twice gives the same tokens."""
    need(subject.engine.info.capabilities.seeds, "this engine has no seeds")
    requests = await subject.requests(4)
    first, second = await subject.all(requests), await subject.all(requests)
    assert all(
        first[key].text == second[key].text and first[key].token_ids == second[key].token_ids
        for key in first
    )


async def different_seeds_differ(subject: Subject) -> None:
    """Eight seeds do not all say the same."""
    need(subject.engine.info.capabilities.seeds, "this engine has no seeds")
    assert len({c.text for c in (await subject.all(await subject.requests(8, END))).values()}) > 1


async def a_step_ends_where_the_delimiter_is_complete(subject: Subject) -> None:
    """Whatever token completes the delimiter ends the step: no step holds one before its end, and
    every `step` ends with one. A blank line within code or a formula is none."""
    found = (await subject.all(await subject.requests(24))).values()
    assert any(c.finish is Finish.STEP for c in found), "no completion reached a delimiter"
    for completion in found:
        ends = AT_BLANK_LINES.splitter().feed(completion.text)
        assert bool(ends) == (completion.finish is Finish.STEP), completion
        if completion.token_ids:
            before = "".join(await subject.engine.tokens(completion.token_ids[:-1]))
            assert not AT_BLANK_LINES.splitter().feed(before), completion


async def reasons_to_finish_are_told_apart(subject: Subject) -> None:
    """Step, end and length: each has its own mark in ids and text."""
    can = subject.engine.info.capabilities
    steps = (await subject.all(await subject.requests(16))).values()
    short = (await subject.all(await subject.requests(16, tokens(2)))).values()
    whole = (
        await subject.all(
            await subject.requests(16, END, structs.replace(WARM, max_tokens=subject.long))
        )
    ).values()
    assert any(c.finish is Finish.STEP for c in steps)
    assert all(c.finish is Finish.STEP for c in steps if AT_BLANK_LINES.splitter().feed(c.text))
    assert any(c.finish is Finish.LENGTH for c in short)
    assert not any(c.finish is Finish.STEP for c in (*short, *whole)), "nobody asked for steps"
    for completion in (*steps, *short, *whole):
        if can.token_ids and completion.finish is Finish.END:
            last = (await subject.engine.tokens(completion.token_ids[-1:]))[0]
            assert not completion.text.endswith(last), (
                "the end token counts as a token and is no text"
            )


async def ids_and_logprobs_are_those_of_the_model(subject: Subject) -> None:
    """One log-probability an id, equal to the alternative's of the same id, and to the model's own
    where that can be computed."""
    can = subject.engine.info.capabilities
    need(can.logprobs, "this engine gives no log-probabilities")
    sampling = structs.replace(WARM, temperature=0.8, alternatives=min(5, can.alternatives))
    requests = {r.key: r for r in await subject.requests(6, STEP, sampling)}
    for completion in (await subject.all(list(requests.values()))).values():
        assert completion.logprobs is not None and all(
            math.isfinite(p) and p <= 1e-6 for p in completion.logprobs
        )
        assert len(completion.logprobs) == len(completion.token_ids)
        assert not sampling.alternatives or len(completion.alternatives) == len(
            completion.token_ids
        )
        for options in completion.alternatives:
            assert len(options) <= sampling.alternatives
            assert [o.logprob for o in options] == sorted(
                (o.logprob for o in options), reverse=True
            )
        if subject.logprobs is not None:
            expected = subject.logprobs(requests[completion.key], completion)
            assert (
                max(abs(a - b) for a, b in zip(expected, completion.logprobs, strict=True))
                <= subject.tolerance
            )
        if not can.token_ids:
            continue
        if "�" not in completion.text and completion.finish is Finish.STEP:
            assert "".join(await subject.engine.tokens(completion.token_ids)) == completion.text
        for i, options in enumerate(completion.alternatives):
            same = [o.logprob for o in options if o.token_id == completion.token_ids[i]]
            assert not same or abs(same[0] - completion.logprobs[i]) <= subject.tolerance


async def counts_equal_the_engines_own(subject: Subject) -> None:
    """Sums over completions are what the engine's counters gained, and those of the server behind
    it."""
    need(subject.engine.info.capabilities.token_ids, "this engine gives no ids to count")
    before = await subject.stats()
    found = (await subject.all(await subject.requests(6))).values()
    for old, new in zip(before, await subject.stats(), strict=True):
        assert (
            new.generated_tokens - old.generated_tokens == sum(len(c.token_ids) for c in found) > 0
        )
        assert new.prompt_tokens - old.prompt_tokens == sum(c.prompt_tokens for c in found) > 0
        assert new.cached_tokens - old.cached_tokens == sum(c.cached_tokens for c in found)


async def an_aborted_request_reports_its_counts(subject: Subject) -> None:
    """Closing the iterator after the first completion leaves the others as aborted, with every
    token that was counted, told once."""
    can = subject.engine.info.capabilities
    need(can.abort and can.token_ids, "this engine cannot abort, or gives no ids to count")
    before = await subject.stats()
    first, rest = await cut_short(subject)
    found = await subject.engine.take_aborted([r.key for r in rest])
    assert [c.key for c in found] == [r.key for r in rest]
    assert any(c.finish is Finish.ABORTED for c in found), (
        "all had finished before they could be aborted"
    )
    gained = [
        new.generated_tokens - old.generated_tokens
        for old, new in zip(before, await subject.stats(), strict=True)
    ]
    written = sum(len(c.token_ids) for c in (first, *found))
    assert gained[0] == written
    assert all(sent >= written for sent in gained[1:]), (
        "what was on its way when the connection closed was sent and never arrived"
    )
    assert not await subject.engine.take_aborted([r.key for r in rest])


async def nothing_runs_a_second_after_a_cancel(subject: Subject) -> None:
    """The engine's own count of running requests is 0 within a second of closing, and so is that of
    the server behind it."""
    need(subject.engine.info.capabilities.abort, "this engine cannot abort")
    _, rest = await cut_short(subject)
    watch, running = Stopwatch(), -1
    while running and watch.seconds() < 1.0:
        running = sum(each.running for each in await subject.stats())
        await asyncio.sleep(0.01)
    # told once: nothing of it is left for a check that uses the same engine
    await subject.engine.take_aborted([r.key for r in rest])
    assert running == 0


async def cut_short(subject: Subject) -> tuple[Completion, list[Request]]:
    """Start one short and three long requests, close after the first completion; that, and the
    requests that were left."""
    requests = await subject.requests(
        4, tokens(subject.long), structs.replace(WARM, max_tokens=subject.long), name="cut"
    )
    requests[0] = structs.replace(requests[0], until=tokens(2))
    async with aclosing(subject.engine.generate(requests)) as stream:
        first = await anext(aiter(stream))
    return first, [r for r in requests if r.key != first.key]


async def length_of(subject: Subject, completion: Completion) -> int:
    """Tokens of a completion, by its ids, else by encoding its text."""
    return len(completion.token_ids or await subject.engine.encode(completion.text)) or len(
        completion.text
    )


def need(capable: bool, reason: str) -> None:
    if not capable:
        pytest.skip(reason)


@dataclass(frozen=True)
class Check:
    """A promise and the twin that breaks it."""

    run: Callable[[Subject], Awaitable[None]]
    twin: type[Twin]

    @property
    def name(self) -> str:
        return str(getattr(self.run, "__name__", self.run))

    def spoilt(self, subject: Subject) -> Subject:
        """The same subject with its engine broken in this one respect."""
        return replace(subject, engine=self.twin(subject.engine))


CHECKS = (
    Check(completions_carry_their_own_key, MixesUpKeys),
    Check(a_batch_equals_one_by_one, SeedsByBatch),
    Check(a_seed_reproduces_its_tokens, SeedsByTime),
    Check(different_seeds_differ, IgnoresSeeds),
    Check(a_step_ends_where_the_delimiter_is_complete, MissesDelimiters),
    Check(reasons_to_finish_are_told_apart, CallsEverythingTheEnd),
    Check(ids_and_logprobs_are_those_of_the_model, WarmsLogprobs),
    Check(counts_equal_the_engines_own, LosesAToken),
    Check(an_aborted_request_reports_its_counts, ForgetsTheAborted),
    Check(nothing_runs_a_second_after_a_cancel, KeepsRunning),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
async def test_engine_keeps_its_promise(check: Check, subject: Subject) -> None:
    """For a test module to import, beside `test_check_fails_on_the_engine_that_breaks_it`, with a
    fixture `subject` of its own."""
    await check.run(subject)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
async def test_check_fails_on_the_engine_that_breaks_it(check: Check, subject: Subject) -> None:
    with pytest.raises(AssertionError):
        await check.run(check.spoilt(subject))
