"""Repeated sampling: what is sampled, what stops it, and that pools of its solutions obey the exact
estimators."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence

import pytest

from backend.core.errors import BadInput
from backend.core.registry import STRATEGIES
from backend.core.statistics.estimators import best_of_k, pass_at_k
from backend.core.statistics.majority import majority_stays
from backend.judging.rules import SELECTORS
from backend.judging.selectors.credit import expected_credit
from backend.problems.extraction import extract_answer
from tests.strategies.running import Snapshot, run
from tests.support.enumerable import (
    LEAVES,
    LETTER_SCORES,
    LETTERS,
    ToyPolicy,
    ToyVerifier,
    below,
    completions,
    table,
)

POOLS, SIZE = 250, 6
VOTERS = table({"": {r"\boxed{1}": 0.8, r"\boxed{2}": 0.2}})


@pytest.fixture(scope="module")
def pools() -> list[list[str]]:
    """What the strategy samples in many runs of six."""

    async def sampled() -> list[list[str]]:
        runs = [
            await run("best_of_n", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES), n=SIZE)
            for seed in range(POOLS)
        ]
        return [[node.solution_text() for node in steps[-1].nodes] for steps in runs]

    return asyncio.run(sampled())


def mean_and_error(found: Sequence[float]) -> tuple[float, float]:
    """The mean, and four standard errors of it."""
    mean = math.fsum(found) / len(found)
    return mean, 4 * math.sqrt(math.fsum((one - mean) ** 2 for one in found)) / len(found)


async def test_sampling_stops_at_the_first_solution_that_is_good_enough() -> None:
    for seed in range(20):
        policy, verifier = ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES)
        steps = await run("best_of_n", policy, verifier, n=40, enough=0.9)
        assert policy.open_races == 0
        values = steps[-1].values
        assert steps[-1].step.phase == "enough"
        assert values[-1] is not None and values[-1] >= 0.9
        assert all(value is not None and value < 0.9 for value in values[:-1])
        assert len(verifier.scored) == len(values) == len(steps)


async def test_without_a_good_enough_solution_all_are_sampled() -> None:
    steps = await run("best_of_n", ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), n=6, enough=1.0)
    assert len(steps[-1].nodes) == 6 and {snapshot.step.phase for snapshot in steps} == {"score"}


async def test_an_unscored_solution_is_never_enough() -> None:
    verifier = ToyVerifier(lambda path: None if path != "aab" else 0.5)
    steps = await run("best_of_n", ToyPolicy(LETTERS), verifier, n=30, enough=0.0)
    assert steps[-1].values[-1] == 0.5 and set(steps[-1].values[:-1]) <= {None}


def test_the_ranges_are_those_of_the_papers() -> None:
    assert STRATEGIES["best_of_n"].parse({}).model_dump() == {
        "n": 4,
        "enough": None,
        "converged": None,
    }
    assert STRATEGIES["best_of_n"].parse({"n": 10_000})
    with pytest.raises(BadInput):
        STRATEGIES["best_of_n"].parse({"n": 0})


@pytest.mark.parametrize("k", [1, 3, 6])
def test_coverage_of_sampled_pools_is_that_of_the_language(pools: list[list[str]], k: int) -> None:
    """pass@k estimated from pools of 6 agrees with 1 - (1 - p)^k."""
    p = completions(LETTERS)["aab"]
    mean, error = mean_and_error([pass_at_k(SIZE, texts.count("aab"), k) for texts in pools])
    assert abs(mean - (1 - (1 - p) ** k)) < error


def test_best_of_three_estimated_from_six_is_best_of_three(pools: list[list[str]]) -> None:
    """The estimator from one pool against what best-of-3 chooses, by enumeration of the
    language.
    """
    right, chances = {"aab", "bab", "bbb"}, completions(LETTERS)
    lower, expected = 0.0, 0.0
    for leaf in sorted(LEAVES, key=LETTER_SCORES.__getitem__):
        expected += ((lower + chances[leaf]) ** 3 - lower**3) * (leaf in right)
        lower += chances[leaf]
    mean, error = mean_and_error(
        [
            best_of_k(
                [LETTER_SCORES[text] for text in texts], [float(text in right) for text in texts], 3
            )
            for texts in pools
        ]
    )
    assert abs(mean - expected) < error


def test_self_consistency_is_right_as_often_as_its_exact_chance(pools: list[list[str]]) -> None:
    """The rule `majority` on what was sampled, the answer being the last letter; six votes may tie,
    and then the credit is shared."""
    chance = math.fsum(p for leaf, p in completions(LETTERS).items() if leaf.endswith("a"))
    credit = []
    for texts in pools:
        tally, nodes = SELECTORS["majority"].tally(), {below(text): text[-1] for text in texts}
        for node, letter in nodes.items():
            tally.add(node, None, letter)
        credit.append(
            expected_credit(tally.decision().leaders, lambda node, nodes=nodes: nodes[node] == "a")
            or 0.0
        )
    mean, error = mean_and_error(credit)
    assert {0.0, 0.5, 1.0} == set(credit)
    assert abs(mean - chance_of_majority(chance, SIZE)) < error


def chance_of_majority(p: float, n: int) -> float:
    """Expected credit of a vote between two answers, drawn n times with the chances p and 1 - p; a
    tie gives one half."""
    chances = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    return sum(chances[k] * ((2 * k > n) + 0.5 * (2 * k == n)) for k in range(n + 1))


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (4, 0), (5, 3), (40, 25)])
def test_the_chance_that_a_majority_stays_is_the_integral_of_the_posterior(
    first: int, second: int
) -> None:
    width = 20_000
    places = [(i + 0.5) / width for i in range(width)]
    weights = [p**first * (1 - p) ** second for p in places]
    above = math.fsum(w for p, w in zip(places, weights, strict=True) if p > 0.5)
    assert majority_stays(first, second) == pytest.approx(above / math.fsum(weights), abs=1e-6)


def answers_of(step: Snapshot) -> Counter[str]:
    """The answers of the candidates, those that can be read."""
    found = (extract_answer(node.solution_text()) for node in step.nodes)
    return Counter(answer for answer in found if answer is not None)


async def test_sampling_stops_when_the_answers_agree_and_no_sooner() -> None:
    stopped = 0
    for seed in range(20):
        policy = ToyPolicy(VOTERS, seed)
        steps = await run("best_of_n", policy, ToyVerifier(lambda path: 0.5), n=40, converged=0.95)
        assert policy.open_races == 0
        for step in steps[:-1]:
            first, second = [*(count for _, count in answers_of(step).most_common(2)), 0, 0][:2]
            assert majority_stays(first, second) < 0.95
        if steps[-1].step.phase == "enough":
            stopped += 1
            first, second = [*(n for _, n in answers_of(steps[-1]).most_common(2)), 0][:2]
            assert majority_stays(first, second) >= 0.95 and len(steps[-1].nodes) < 40
    assert stopped >= 15
