"""Perplexity consistency and RPC at k of a pool, against the selectors themselves on every
subset.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from backend.core.statistics.consistency import Solutions, consistency_at_k, texts
from backend.core.types import Finish, Node
from backend.judging.rules import SELECTORS
from tests.support.enumerable import prompt

RULES = pytest.mark.parametrize(
    ("rule", "pruned"), [("perplexity_consistency", False), ("rpc", True)]
)


def pool(n: int, seed: int, unknown: float = 0.0) -> tuple[list[Node], list[str | None], Solutions]:
    """The same solutions as a selector sees them and as a pool keeps them; one text in four was
    drawn before. Class 0 is right."""
    rng = np.random.default_rng(seed)
    nodes, answers, rows = list[Node](), list[str | None](), list[tuple[int, bool, float, int]]()
    for at in range(n):
        if at and rng.random() < 0.25:
            earlier = int(rng.integers(at))
            (
                nodes.append(nodes[earlier]),
                answers.append(answers[earlier]),
                rows.append(rows[earlier]),
            )
            continue
        group, tokens = int(rng.integers(-1, 3)), 3 + at
        mean = (
            math.nan
            if rng.random() < unknown
            else float(np.log(rng.choice([rng.uniform(0.05, 0.2), rng.uniform(0.7, 0.95)])))
        )
        answer = None if group < 0 else str(group)
        logprobs = None if math.isnan(mean) else (mean,) * tokens
        nodes.append(
            Node(
                f"text {at}",
                tuple(range(tokens)),
                logprobs,
                prompt(),
                1,
                done=True,
                finish=Finish.END,
            )
        )
        answers.append(answer)
        rows.append(
            (group, group == 0, mean if logprobs is None else math.fsum(logprobs) / tokens, tokens)
        )
    groups, right, logprobs_, tokens_ = (np.array(column) for column in zip(*rows, strict=True))
    return (
        nodes,
        answers,
        Solutions(groups, right, np.exp(logprobs_), texts(groups, tokens_, logprobs_)),
    )


def selected(
    rule: str, nodes: list[Node], answers: list[str | None], places: tuple[int, ...]
) -> float:
    """Expected credit of the selector on a subset: its leaders share the win."""
    tally = SELECTORS[rule].with_params({}).tally()
    answer_of = {}
    for place in places:
        copy = Node(
            nodes[place].text,
            nodes[place].token_ids,
            nodes[place].logprobs,
            nodes[place].parent,
            1,
            done=True,
            finish=Finish.END,
        )
        answer_of[copy] = answers[place]
        tally.add(copy, None, answers[place])
    leaders = tally.decision().leaders
    return sum(answer_of[leader] == "0" for leader in leaders) / len(leaders)


@RULES
@pytest.mark.parametrize("unknown", [0.0, 1.0])
def test_every_subset_is_judged_as_the_selector_judges_it(
    rule: str, pruned: bool, unknown: float
) -> None:
    for seed in range(6):
        nodes, answers, solutions = pool(10, seed, unknown)
        for k in (1, 3, 9, 10):
            subsets = list(combinations(range(10), k))
            expected = [selected(rule, nodes, answers, places) for places in subsets]
            assert consistency_at_k(
                solutions, k, pruned=pruned, draws=len(subsets)
            ) == pytest.approx(sum(expected) / len(expected), abs=1e-12)


@RULES
def test_random_subsets_estimate_the_mean_over_all_within_the_standard_error(
    rule: str, pruned: bool
) -> None:
    nodes, answers, solutions = pool(12, 3)
    expected = np.array(
        [selected(rule, nodes, answers, places) for places in combinations(range(12), 9)]
    )
    found = consistency_at_k(solutions, 9, pruned=pruned, draws=150)
    assert 0.0 < expected.mean() < 1.0 and found == consistency_at_k(
        solutions, 9, pruned=pruned, draws=150
    )
    assert abs(found - expected.mean()) < 3.0 * expected.std() / math.sqrt(150)


def test_pruning_matters_in_these_pools() -> None:
    told = [
        [consistency_at_k(pool(40, seed)[2], 40, pruned=pruned) for seed in range(40)]
        for pruned in (False, True)
    ]
    assert told[0] != told[1]


@RULES
def test_of_one_sample_it_is_the_share_of_right_ones_however_large_the_pool(
    rule: str, pruned: bool
) -> None:
    solutions = pool(200, 5)[2]
    right = solutions.right & (solutions.groups >= 0)
    assert consistency_at_k(solutions, 1, pruned=pruned) == right.mean()
