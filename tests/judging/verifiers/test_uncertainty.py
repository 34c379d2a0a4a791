"""The verifiers that read doubt off the likeliest tokens: numbers by hand, bounds, what is missing,
and a run that asks its engine for what they read."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import BadInput, MissingCapability
from backend.core.events import ScoreGiven
from backend.core.records import MemorySink
from backend.core.types import Alternative, Kind, Node, Score
from backend.engines.scripted.engine import ScriptedEngine
from backend.judging.confidence import (
    bottom_tenth,
    gap_to_second,
    group_confidences,
    lowest_group,
    next_token_entropy,
    tail,
    token_confidence,
)
from backend.judging.scorers import VERIFIERS, VerifierInputs
from backend.judging.verifiers.logprob import LogprobVerifier
from tests.golden import PROBLEM, searched, spec
from tests.support.logged import of

ROOT = Node("question", kind=Kind.PROMPT)
NAMES = ("entropy", "top_gap", "deep_conf")


def position(*chances: float) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(i, f"t{i}", math.log(chance) if chance else -math.inf)
        for i, chance in enumerate(chances)
    )


def node(*positions: tuple[Alternative, ...], parent: Node = ROOT, kind: Kind = Kind.STEP) -> Node:
    logprobs = tuple(one[0].logprob if one else -1.0 for one in positions)
    return Node(
        "text",
        tuple(range(len(positions))),
        logprobs,
        parent=parent,
        depth=parent.depth + 1,
        kind=kind,
        alternatives=positions,
    )


async def score(name: str, *nodes: Node, **params: object) -> list[Score]:
    return await VERIFIERS[name].build(VerifierInputs(problem=PROBLEM), params).score(nodes)


def test_numbers_by_hand() -> None:
    even = position(0.25, 0.25, 0.25, 0.25)
    assert next_token_entropy(even) == pytest.approx(math.log(4))
    assert next_token_entropy(position(0.5, 0.25)) == pytest.approx(1.5 * math.log(2)), (
        "the rest is one token"
    )
    assert (gap_to_second(even), gap_to_second(position(0.2, 0.7, 0.1))) == (
        0.0,
        pytest.approx(0.5),
    )
    assert token_confidence(even) == pytest.approx(math.log(4))
    assert token_confidence(position(1.0, 0.0)) == math.inf
    assert group_confidences([1.0, 3.0, 5.0, 7.0], 2) == [2.0, 4.0, 6.0]
    assert group_confidences([1.0, 3.0], 2048) == [2.0]
    groups = [float(each) for each in range(40, 0, -1)]
    assert (lowest_group(groups), bottom_tenth(groups), tail(groups)) == (1.0, 2.5, 1.0)


async def test_an_even_choice_is_no_confidence_and_certainty_is_all_of_it() -> None:
    even, sure = node(position(0.25, 0.25, 0.25, 0.25)), node(position(1.0, 0.0))
    wanted = {"entropy": (0.25, 1.0), "top_gap": (0.0, 1.0), "deep_conf": (0.0, 1.0)}
    for name, (low, high) in wanted.items():
        assert [each.value for each in await score(name, even, sure)] == [
            pytest.approx(low),
            pytest.approx(high),
        ]


@pytest.mark.parametrize("name", NAMES)
@given(
    st.lists(
        st.lists(st.floats(1e-9, 1.0), min_size=2, max_size=6).map(
            lambda weights: position(*(one / sum(weights) * 0.999 for one in weights))
        ),
        min_size=1,
        max_size=8,
    )
)
async def test_every_score_lies_in_zero_to_one(
    name: str, positions: list[tuple[Alternative, ...]]
) -> None:
    [given_score] = await score(name, node(*positions))
    assert given_score.value is not None and 0.0 <= given_score.value <= 1.0


async def test_the_least_confident_window_decides_and_not_the_mean() -> None:
    sure, torn = position(0.98, 0.01), position(0.5, 0.5)
    steady = node(*[position(0.9, 0.05)] * 8)
    stumbling = node(*[sure] * 6, *[torn] * 2)
    lowest = [s.value for s in await score("deep_conf", steady, stumbling, group=2)]
    average = [s.value for s in await score("deep_conf", steady, stumbling, group=2, take="mean")]
    assert lowest[0] > lowest[1] and average[0] < average[1]  # type: ignore[operator]


async def test_injected_text_does_not_count_and_steps_have_scores_of_their_own() -> None:
    first = node(position(0.5, 0.5))
    placed = node(position(0.9, 0.1), parent=first, kind=Kind.INJECTED)
    last = node(position(1.0, 0.0), parent=placed)
    [given_score] = await score("top_gap", last)
    assert given_score.steps == (0.0, 1.0) and given_score.value == 0.5


@pytest.mark.parametrize("name", NAMES)
async def test_what_was_not_recorded_is_no_score_and_says_why(name: str) -> None:
    bare, single = node(), node(position(1.0))
    for found in await score(name, bare, single):
        assert found.value is None and "no likeliest tokens" in (found.reason or "")
    partly = node((), position(0.5, 0.5))
    assert (await score(name, partly))[0].value is not None, "one position is known"


@pytest.mark.parametrize("name", NAMES)
async def test_a_run_asks_its_engine_for_the_tokens_that_its_verifier_reads(name: str) -> None:
    log, plain = MemorySink(), MemorySink()
    outcome = await searched(spec("beam_search", verifier=name), log, engine=ScriptedEngine())
    await searched(spec("beam_search", verifier="logprob"), plain, engine=ScriptedEngine())
    scores = of(ScoreGiven, log.events)
    assert outcome.status == "finished" and scores
    assert all(given_score.value is not None for given_score in scores)
    assert any(one.alternatives for one in log.nodes)
    assert not any(one.alternatives for one in plain.nodes)


def test_an_engine_without_likeliest_tokens_is_refused() -> None:
    info = ScriptedEngine().info
    mute = type(info)(
        **{
            **{name: getattr(info, name) for name in info.__dataclass_fields__},
            "capabilities": type(info.capabilities)(alternatives=0),
        }
    )
    with pytest.raises(MissingCapability, match="entropy needs the likeliest tokens"):
        VERIFIERS["entropy"].require(engine=mute)


async def test_perplexity_is_that_of_the_path_or_of_one_step() -> None:
    first = node(position(0.25, 0.75))
    last = node(position(1.0, 0.0), position(1.0, 0.0), parent=first)
    [path], [own] = await score("perplexity", last), await LogprobVerifier().score([last])
    assert path == own
    [worst], [newest] = (
        await score("perplexity", last, over="worst"),
        await score("perplexity", last, over="last"),
    )
    assert worst.value == pytest.approx(0.25) and newest.value == 1.0
    with pytest.raises(BadInput, match="path"):
        await score("perplexity", last, over="middle")
