"""RPC and its two halves."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from backend.core.errors import MissingCapability
from backend.core.ports import Capabilities, Decision
from backend.core.spec import RunSpec
from backend.core.statistics.weibull import fit
from backend.core.types import Finish, Kind, Node
from backend.judging.rules import SELECTORS
from backend.judging.selectors.path import probability
from backend.runs.driver import check
from tests.support.enumerable import prompt
from tests.support.fake_engine import FakeEngine


def path(answer: str | None, p: float | None, text: str = "", tokens: int = 4) -> Node:
    """A finished solution whose mean log-probability a token is log p."""
    logprobs = None if p is None else (math.log(p),) * tokens
    said = "" if answer is None else f"\\boxed{{{answer}}}"
    return Node(
        text + said, tuple(range(tokens)), logprobs, prompt(), 1, done=True, finish=Finish.END
    )


def decided(name: str, nodes: list[Node], answers: list[str | None], **params: object) -> Decision:
    tally = SELECTORS[name].with_params(params).tally()
    for node, answer in zip(nodes, answers, strict=True):
        tally.add(node, None, answer)
    return tally.decision()


def test_the_probability_is_the_mean_over_all_tokens_of_the_path() -> None:
    """Not the mean of the means of its steps: 1 token at log 0.1 and 3 at log 0.9."""
    step = Node("a", (1,), (math.log(0.1),), prompt(), 1)
    hint = Node("hint", (1, 2, 3), None, step, 2, kind=Kind.INJECTED)
    end = Node("b", (1, 2, 3), (math.log(0.9),) * 3, hint, 3, done=True)
    assert probability(end) == pytest.approx((0.1 * 0.9**3) ** 0.25)
    assert probability(hint.parent or hint) == pytest.approx(0.1)
    assert probability(Node("q")) is None


def test_length_alone_changes_nothing() -> None:
    nodes = [path("1", 0.8, tokens=400), path("2", 0.79, tokens=2)]
    assert decided("perplexity", nodes, ["1", "2"]).leaders == (nodes[0],)


def test_perplexity_takes_the_likeliest_even_without_an_answer() -> None:
    nodes = [path("1", 0.5), path("1", 0.6), path(None, 0.9)]
    found = decided("perplexity", nodes, ["1", "1", None])
    assert found.leaders == (nodes[2],)
    assert found.confidence == pytest.approx(0.9)


def test_consistency_adds_up_probabilities_of_distinct_texts() -> None:
    """0.5 + 0.4 for 7 beats 0.8 for 5; but if both sevens are one text, 0.5 does not."""
    nodes = [path("5", 0.8, "a"), path("7", 0.5, "b"), path("7", 0.4, "c")]
    found = decided("perplexity_consistency", nodes, ["5", "7", "7"])
    assert found.leaders == (nodes[1],)
    assert found.confidence == pytest.approx(0.9 / 1.7)
    nodes = [path("5", 0.8, "a"), *(path("7", 0.5, "b") for _ in range(9))]
    found = decided("perplexity_consistency", nodes, ["5", *"7" * 9])
    assert found.leaders == (nodes[0],)
    assert found.confidence == pytest.approx(0.8 / 1.3)


def test_equal_masses_tie() -> None:
    nodes = [path("5", 0.6, "a"), path("7", 0.6, "b"), path("3", 0.1, "c")]
    assert decided("perplexity_consistency", nodes, ["5", "7", "3"]).leaders == (nodes[0], nodes[1])


def planted() -> tuple[list[Node], list[str | None]]:
    """48 likely paths for four answers, `r` the commonest; 16 unlikely ones, all for `w`: by mass
    `w` would win."""
    rng = np.random.default_rng(0)
    likely = [
        (
            f"{'rabc'[place % 4] if place % 3 else 'r'}",
            float(np.clip(rng.normal(0.85, 0.04), 0.01, 0.99)),
        )
        for place in range(48)
    ]
    unlikely = [("w", float(np.clip(rng.normal(0.45, 0.08), 0.01, 0.6))) for _ in range(16)]
    nodes = [
        path(answer, p, f"text {place} ") for place, (answer, p) in enumerate(likely + unlikely)
    ]
    return nodes, [answer for answer, _ in likely + unlikely]


def test_pruning_drops_exactly_the_planted_unlikely_paths() -> None:
    nodes, answers = planted()
    found = decided("rpc", nodes, answers)
    assert found.facts["pruned"] == 16
    assert answers[nodes.index(found.leaders[0])] == "r"
    kept = [node for node, answer in zip(nodes, answers, strict=True) if answer != "w"]
    mass = sum(
        probability(node) or 0.0
        for node, answer in zip(nodes, answers, strict=True)
        if answer == "r"
    )
    assert found.confidence == pytest.approx(mass / sum(probability(node) or 0.0 for node in kept))


def test_pruned_paths_still_count_in_the_mean_and_in_the_fit() -> None:
    nodes, answers = planted()
    found = decided("rpc", nodes, answers).facts["mixture"]
    whole = fit([probability(node) or 0.0 for node in nodes])
    assert whole is not None and isinstance(found, dict)
    assert found["weight"] == pytest.approx(whole.weight)


def test_a_path_above_the_mean_is_kept_whatever_the_fit_says() -> None:
    """Two conditions: here the fit gives many paths above the mean to the component with the
    smaller mean, and only those below it may go."""
    rng = np.random.default_rng(3)
    p = np.clip(np.concatenate([rng.normal(0.5, 0.02, 60), rng.uniform(0.9, 0.99, 4)]), 0.01, 0.99)
    mixture = fit(p)
    assert mixture is not None
    unlikely = mixture.posterior(p) < 0.5
    assert (unlikely & (p >= p.mean())).any() and (unlikely & (p < p.mean())).any()
    nodes = [path("7", float(each), f"{place} ") for place, each in enumerate(p)]
    found = decided("rpc", nodes, ["7"] * len(nodes))
    assert found.facts["pruned"] == int((unlikely & (p < p.mean())).sum()) < int(unlikely.sum())


def test_a_path_below_the_mean_is_kept_if_the_fit_calls_it_likely() -> None:
    rng = np.random.default_rng(3)
    p = np.clip(np.concatenate([rng.normal(0.5, 0.05, 30), rng.uniform(0.6, 0.99, 30)]), 0.01, 0.99)
    mixture = fit(p)
    assert mixture is not None
    unlikely = mixture.posterior(p) < 0.5
    assert (~unlikely & (p < p.mean())).any()
    found = decided(
        "rpc", [path("7", float(each), f"{place} ") for place, each in enumerate(p)], ["7"] * len(p)
    )
    assert (
        found.facts["pruned"] == int((unlikely & (p < p.mean())).sum()) < int((p < p.mean()).sum())
    )


def test_too_few_paths_are_not_pruned() -> None:
    nodes, answers = planted()
    few, their = nodes[44:51], answers[44:51]
    found = decided("rpc", few, their)
    assert found.facts["unpruned_because"] == "too few solutions"
    assert found.leaders == decided("perplexity_consistency", few, their).leaders
    assert (
        "unpruned_because" not in decided("rpc", nodes[:8], answers[:8]).facts
        or len(nodes[:8]) == 8
    )


def test_equally_likely_paths_are_not_pruned() -> None:
    nodes = [path("7" if place % 3 else "5", 0.7, f"{place} ") for place in range(12)]
    found = decided("rpc", nodes, ["7" if place % 3 else "5" for place in range(12)])
    assert found.facts["pruned"] == 0 and "equally likely" in str(found.facts["unpruned_because"])
    assert found.leaders[0].solution_text().endswith("\\boxed{7}")


def test_nothing_is_pruned_where_no_answer_would_be_left() -> None:
    """All likely paths are without an answer; the unlikely ones would all go."""
    nodes, _ = planted()
    answers: list[str | None] = [None] * 48 + ["w"] * 16
    found = decided("rpc", nodes, answers)
    assert found.facts["pruned"] == 0
    assert found.leaders[0] in nodes[48:]


def test_without_log_probabilities_the_majority_stands_in() -> None:
    nodes = [path("5", None), path("7", None, "a"), path("7", None, "b")]
    for name in ("perplexity_consistency", "rpc"):
        found = decided(name, nodes, ["5", "7", "7"])
        assert found.leaders == (nodes[1],)
        assert "log-probabilities" in str(found.facts["fallback"])


def test_a_path_without_log_probabilities_gives_nothing_beside_others() -> None:
    nodes = [path("5", 0.2), *(path("7", None, f"{place} ") for place in range(9))]
    assert decided("perplexity_consistency", nodes, ["5", *"7" * 9]).leaders == (nodes[0],)
    assert decided("perplexity", nodes, ["5", *"7" * 9]).leaders == (nodes[0],)


def test_rules_that_need_log_probabilities_are_refused_where_there_are_none() -> None:
    assert {name for name, rule in SELECTORS.items() if "logprobs" in rule.needs} == {
        "perplexity",
        "perplexity_consistency",
        "rpc",
    }
    mute = replace(FakeEngine().info, capabilities=Capabilities(logprobs=False))
    for selector in ("rpc", "majority"):
        spec = RunSpec(
            strategy="best_of_n", question="?", answer="7", verifier="exact", selector=selector
        )
        if selector == "majority":
            assert check(spec, mute, reward=False, known=True).name == "best_of_n"
        else:
            with pytest.raises(
                MissingCapability, match=r"the selector rpc needs logprobs.*another selector"
            ):
                check(spec, mute, reward=False, known=True)
