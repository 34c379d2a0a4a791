"""What an engine promises that judges given tokens, in the manner of `contract`: checks for any
engine, each with a twin that breaks it.

The reference is the engine itself: what it reported when it sampled the same tokens. An engine that
cannot judge is asked nothing.
"""

from __future__ import annotations

import asyncio
import math

import pytest
from msgspec.structs import replace

from backend.core.ports import Completion, Given, Likelihood, Sampling, steps, tokens
from tests.engines.contract import WARM, Check, Subject, need
from tests.engines.twins import (
    IgnoresTemperature,
    KeepsRunning,
    LosesAPromptToken,
    TellsTheNextToken,
    TurnsAnswersAround,
)
from tests.support.stopwatch import Stopwatch


async def sampled(subject: Subject, count: int = 8) -> list[tuple[Given, Completion]]:
    """Completions of several lengths, and the question how likely their tokens are."""
    need(
        subject.engine.info.capabilities.prompt_logprobs, "this engine does not judge given tokens"
    )
    requests = await subject.requests(count, steps(2))
    found = await subject.all(requests)
    assert len({len(completion.token_ids) for completion in found.values()}) > 2, (
        "completions of one length: a mix-up would not show"
    )
    return [
        (Given(request.token_ids, found[request.key].token_ids, WARM), found[request.key])
        for request in requests
    ]


async def judged(subject: Subject, asked: list[Given]) -> list[Likelihood]:
    """The engine's answers, one a request."""
    told = await subject.engine.likelihoods(asked)
    assert len(told) == len(asked) and not [one.failure for one in told if one.failure]
    assert all(
        len(one.logprobs) == len(given.given) for one, given in zip(told, asked, strict=True)
    )
    return told


async def given_tokens_are_as_likely_as_when_they_were_sampled(subject: Subject) -> None:
    """Whole completions, and their second halves behind their first ones."""
    pairs = await sampled(subject)
    for share in (0.0, 0.5):
        cuts = [int(share * len(given.given)) for given, _ in pairs]
        asked = [
            Given(given.token_ids + given.given[:cut], given.given[cut:], WARM)
            for (given, _), cut in zip(pairs, cuts, strict=True)
        ]
        for told, (_, completion), cut in zip(
            await judged(subject, asked), pairs, cuts, strict=True
        ):
            assert told.logprobs == pytest.approx(
                (completion.logprobs or ())[cut:], abs=subject.tolerance, rel=0.0
            )


async def answers_come_in_order_alone_and_in_a_batch(subject: Subject) -> None:
    """Company changes nothing, equal requests included."""
    asked = [given for given, _ in await sampled(subject)]
    together = await judged(subject, [*asked, *asked])
    for place, given in enumerate([*asked, *asked]):
        [alone] = await judged(subject, [given])
        assert together[place].logprobs == pytest.approx(
            alone.logprobs, abs=subject.tolerance, rel=0.0
        )


async def what_is_judged_counts_as_prompt_and_never_as_generated(subject: Subject) -> None:
    """Prompt and given tokens are counted, by the engine and by the server behind it."""
    asked = [given for given, _ in await sampled(subject)]
    before = await subject.stats()
    told, after = await judged(subject, asked), await subject.stats()
    assert [one.prompt_tokens for one in told] == [
        len(given.token_ids) + len(given.given) for given in asked
    ]
    assert after[0].generated_tokens == before[0].generated_tokens
    for old, new in zip(before, after, strict=True):
        assert new.prompt_tokens - old.prompt_tokens == sum(one.prompt_tokens for one in told)
        assert new.cached_tokens - old.cached_tokens == sum(one.cached_tokens for one in told)


async def temperature_and_truncation_shape_the_likelihood(subject: Subject) -> None:
    """The probability with which a run draws a token, from the model's own by hand."""
    need(
        subject.engine.info.capabilities.tempered_logprobs,
        "this engine judges under plain sampling only",
    )
    [request] = await subject.requests(1, tokens(1), replace(WARM, alternatives=3))
    options = (await subject.all([request]))[request.key].alternatives[0]

    async def logprobs(**changes: float) -> list[float]:
        sampling = Sampling(**({"temperature": 1.0} | changes))  # type: ignore[arg-type]
        return [
            one.logprobs[0]
            for one in await judged(
                subject, [Given(request.token_ids, (o.token_id,), sampling) for o in options]
            )
        ]

    first, second, _ = (option.logprob for option in options)
    assert await logprobs() == pytest.approx(
        [option.logprob for option in options], abs=subject.tolerance
    )
    warm = await logprobs(temperature=2.0)
    assert warm[0] - warm[1] == pytest.approx((first - second) / 2.0, abs=subject.tolerance)
    total = math.log(math.exp(first / 0.5) + math.exp(second / 0.5))
    expected = [first / 0.5 - total, second / 0.5 - total, -math.inf]
    assert await logprobs(temperature=0.5, top_k=2) == pytest.approx(
        expected, abs=subject.tolerance
    )
    assert await logprobs(top_p=math.exp(first)) == pytest.approx(
        [0.0, -math.inf, -math.inf], abs=subject.tolerance
    )
    assert await logprobs(temperature=0.0) == pytest.approx(
        [0.0, -math.inf, -math.inf], abs=subject.tolerance
    )


async def judging_that_is_cancelled_leaves_nothing_running(subject: Subject) -> None:
    """Within a second; and the engine still answers."""
    asked = [given for given, _ in await sampled(subject)]
    task = asyncio.create_task(subject.engine.likelihoods(asked * 10))
    await asyncio.sleep(0)  # it has been sent, and no answer can be there yet
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled(), "all were judged before they could be cancelled"
    watch, running = Stopwatch(), -1
    while running and watch.seconds() < 1.0:
        running = sum(each.running for each in await subject.stats())
        await asyncio.sleep(0.01)
    assert running == 0
    await judged(subject, asked)


CHECKS = (
    Check(given_tokens_are_as_likely_as_when_they_were_sampled, TellsTheNextToken),
    Check(answers_come_in_order_alone_and_in_a_batch, TurnsAnswersAround),
    Check(what_is_judged_counts_as_prompt_and_never_as_generated, LosesAPromptToken),
    Check(temperature_and_truncation_shape_the_likelihood, IgnoresTemperature),
    Check(judging_that_is_cancelled_leaves_nothing_running, KeepsRunning),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
async def test_engine_judges_given_tokens(check: Check, subject: Subject) -> None:
    """For a test module to import, beside `test_check_fails_on_the_engine_that_misjudges_them`,
    with a fixture `subject` of its own."""
    await check.run(subject)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
async def test_check_fails_on_the_engine_that_misjudges_them(
    check: Check, subject: Subject
) -> None:
    with pytest.raises(AssertionError):
        await check.run(check.spoilt(subject))
