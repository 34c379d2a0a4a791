"""Diffusion tree sampling: soft values are exact where the tree is, answers come as often as they
should, and imitations do not."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

from backend.core.events import ScoreGiven, StepEnded
from backend.core.formulas.soft_values import allowed_draws, boltzmann, soft
from backend.core.records import MemorySink
from backend.core.steps import Backed, Pruned, Selected, Step
from backend.core.types import Finish, Node
from backend.strategies.parts.soft_tree.soft_values import (
    ANSWERS,
    Floats,
    SoftVertex,
    Worth,
    by_boltzmann,
    by_uct,
    descend,
    draw,
    greatest,
)
from backend.strategies.parts.soft_tree.soft_walks import Method, grow
from tests.golden import searched, spec
from tests.strategies.running import notes_of, run
from tests.strategies.test_contract import wandered, wild, wild_score
from tests.support.enumerable import (
    LEAVES,
    LETTER_SCORES,
    LETTERS,
    STOP_SCORES,
    STOPS,
    Language,
    Piece,
    ToyPolicy,
    ToyVerifier,
    completions,
    posterior,
    prompt,
)
from tests.support.logged import of

WEIGHT = 2.0
ROOT_VALUE = 0.639034280
TABLE = dict(
    zip(
        LEAVES,
        (0.122182, 0.212345, 0.022319, 0.133186, 0.042406, 0.044701, 0.032486, 0.390375),
        strict=True,
    )
)

VALUE_ERROR = 0.012
"""Three standard errors of v(root), averaged over `SEEDS` searches."""
LAW_ERROR = 0.03
"""What the frequencies of answers may differ from their law in total variation: more than twice
what was seen."""
SEEDS, WALKS = 10, 1000


def method(weight: float = WEIGHT, c: float = 2.0, alpha: float = 0.75) -> Method:
    """DTS as the strategy makes it."""
    return Method(
        "boltzmann",
        by_boltzmann(weight),
        draw,
        partial(allowed_draws, widening=c, widening_power=alpha),
        partial(soft, reward_weight=weight),
        ANSWERS["sample"](weight),
    )


def summed(values: Floats, draws: Floats) -> float:
    """The defect of a public port: the log of the sum."""
    return soft(values, draws, WEIGHT) + math.log(sum(draws)) / WEIGHT


def merged_once() -> Method:
    """The defect that a text drawn many times counts once."""
    worth: Worth = lambda state, children: boltzmann(  # noqa: E731
        [child.promise for child in children], [1] * len(children), WEIGHT
    )
    mean = lambda values, draws: soft(values, [1] * len(values), WEIGHT)  # noqa: E731
    return replace(method(), worth=worth, mean=mean, answer=partial(descend, worth, draw))


class Found(NamedTuple):
    """v(root) averaged over searches, and how often each text answered."""

    value: float
    law: dict[str, float]


def found(searches: list[list[Step]]) -> Found:
    answers = Counter(
        node.solution_text() for steps in searches for step in steps for node in step.nodes
    )
    value = float(np.mean([steps[-1].stats["soft_value"] for steps in searches]))
    return Found(value, {text: count / answers.total() for text, count in answers.items()})


def distance(law: Mapping[str, float], table: Mapping[str, float]) -> float:
    """Total variation between two laws."""
    return sum(abs(law.get(text, 0.0) - table.get(text, 0.0)) for text in {*law, *table}) / 2.0


def leaf_law(state: SoftVertex, weight: float = WEIGHT) -> dict[str, float]:
    """The exact law of the text in which a descent by chance ends."""
    if state.node.done:
        return {state.node.solution_text(): 1.0}
    known = state.scored_children()
    shares = boltzmann([child.promise for child in known], [child.draws for child in known], weight)
    return {
        text: p * share
        for child, share in zip(known, shares, strict=True)
        for text, p in leaf_law(child, weight).items()
    }


def states(tree: SoftVertex) -> list[SoftVertex]:
    """All states of a tree, the root first."""
    return [tree, *(below for child in tree.children for below in states(child))]


async def walked(
    language: Language,
    scores: Mapping[str, float],
    how: Method,
    *,
    seed: int = 0,
    walks: int = WALKS,
    every: bool = False,
    tree: SoftVertex | None = None,
) -> list[Step]:
    policy, verifier = ToyPolicy(language, seed, every=every), ToyVerifier(scores)
    return [
        step
        async for step in grow(
            tree or SoftVertex(prompt()),
            policy,
            verifier,
            how,
            walks,
            9,
            np.random.default_rng(seed),
        )
    ]


def test_golden_backup_and_what_a_sum_would_make_of_it() -> None:
    values, once = [0.2, 0.9, 0.5], [1, 1, 1]
    assert soft(values, once, 2.0) == pytest.approx(0.614808, abs=1e-6)
    assert summed(values, once) == pytest.approx(1.164114, abs=1e-6)
    assert summed(values, once) - soft(values, once, 2.0) == pytest.approx(math.log(3) / 2)
    assert soft([0.2, 0.2, 0.9], once, 2.0) == pytest.approx(soft([0.2, 0.9], [2, 1], 2.0))
    assert soft([0.4], [7], 5.0) == pytest.approx(0.4)
    assert soft([1.0, 0.0], [1, 1], 1000.0) == pytest.approx(1.0 - math.log(2) / 1000)


def test_selection_is_in_proportion_to_draws_and_to_the_exponential_of_the_value() -> None:
    shares = boltzmann([0.2, 0.9, 0.5], [3, 1, 2], 2.0)
    weights = [3 * math.exp(0.4), math.exp(1.8), 2 * math.exp(1.0)]
    assert shares == pytest.approx([weight / sum(weights) for weight in weights])
    assert boltzmann([0.0, 1.0], [1, 1], 1e5) == pytest.approx([0.0, 1.0])


def test_golden_uct_on_soft_values() -> None:
    parent = SoftVertex(prompt(), visits=9)
    child = SoftVertex(prompt(), visits=3, value=0.6)
    assert by_uct(math.sqrt(2.0))(parent, [child]) == pytest.approx([1.810296], abs=1e-6)
    assert by_uct(0.0)(parent, [child]) == [0.6]


def test_a_state_may_have_as_many_draws_as_its_visits_allow() -> None:
    assert [allowed_draws(visits, 1.0, 0.5) for visits in (1, 2, 4, 5, 9, 10)] == [1, 2, 2, 3, 3, 4]
    assert [allowed_draws(visits, 1.0, 1.0 / 3.0) for visits in (8, 27, 28)] == [2, 3, 4]
    assert [allowed_draws(visits, 5.0, 0.0) for visits in (1, 99)] == [5, 5]
    assert [allowed_draws(visits, 0.5, 1.0) for visits in (1, 7)] == [1, 4]
    assert allowed_draws(1, 1e-12, 0.5) == 1


def exact(path: str = "", p: float = 1.0, parent: Node | None = None) -> SoftVertex:
    """The whole tree of the letters with exact probabilities in place of draws, backed up in one
    sweep."""
    node = (
        prompt()
        if parent is None
        else Node(path[-1], parent=parent, depth=parent.depth + 1, done=len(path) == 3)
    )
    state = SoftVertex(node, p)  # type: ignore[arg-type]  # draws may be probabilities
    if node.done:
        state.add_reward(LETTER_SCORES[path])
    else:
        state.children = [
            exact(path + piece.text, piece.probability, node) for piece in LETTERS(path)
        ]
        state.add_visit(partial(soft, reward_weight=WEIGHT))
    return state


def test_one_sweep_over_exact_probabilities_gives_the_exact_values_and_the_exact_law() -> None:
    tree = exact()
    values = {state.node.solution_text(): state.value for state in states(tree)}
    golden = {"": ROOT_VALUE, "a": 0.537804974, "b": 0.760475829, "ab": 0.565894845}
    assert {path: values[path] for path in golden} == pytest.approx(golden, abs=1e-9)
    assert leaf_law(tree) == pytest.approx(TABLE, abs=1e-6)
    assert leaf_law(tree) == pytest.approx(
        posterior(LETTERS, lambda path: math.exp(WEIGHT * LETTER_SCORES[path])), abs=1e-12
    )


def tenfold(path: str) -> list[Piece]:
    """The letters in turn, so that every ten draws of a prefix are exactly as its probabilities
    say."""
    return [piece for piece in LETTERS(path) for _ in range(round(10 * piece.probability))]


async def test_a_search_that_has_seen_every_step_as_often_as_it_is_likely_is_exact() -> None:
    tree = SoftVertex(prompt())
    await walked(
        tenfold, LETTER_SCORES, method(c=10.0, alpha=0.0), walks=400, every=True, tree=tree
    )
    assert all(state.drawn == 10 for state in states(tree) if not state.node.done)
    assert tree.value == pytest.approx(ROOT_VALUE, abs=1e-9)
    assert leaf_law(tree) == pytest.approx(TABLE, abs=1e-6)


async def test_answers_come_as_often_as_probability_and_reward_say() -> None:
    params = {"iterations": WALKS, "reward_weight": WEIGHT, "widening": 2.0, "widening_power": 0.75}
    searches = []
    for seed in range(SEEDS):
        snapshots = await run(
            "tree_sampling",
            ToyPolicy(LETTERS, seed),
            ToyVerifier(LETTER_SCORES),
            seed=seed,
            **params,
        )
        searches.append([snapshot.step for snapshot in snapshots])
    value, law = found(searches)
    assert value == pytest.approx(ROOT_VALUE, abs=VALUE_ERROR)
    assert distance(law, TABLE) < LAW_ERROR


async def test_lengths_that_differ_change_nothing_about_the_law() -> None:
    searches = [await walked(STOPS, STOP_SCORES, method(), seed=seed) for seed in range(SEEDS)]
    value, law = found(searches)
    rewards = {path: math.exp(WEIGHT * STOP_SCORES[path]) for path in completions(STOPS)}
    assert value == pytest.approx(
        math.log(sum(p * rewards[path] for path, p in completions(STOPS).items())) / WEIGHT,
        abs=VALUE_ERROR,
    )
    assert distance(law, posterior(STOPS, rewards.__getitem__)) < LAW_ERROR


@pytest.mark.parametrize(
    "twin",
    [replace(method(), mean=summed), merged_once()],
    ids=["sum instead of mean", "multiplicity forgotten"],
)
async def test_imitations_fail_the_same_checks(twin: Method) -> None:
    value, law = found(
        [await walked(LETTERS, LETTER_SCORES, twin, seed=seed) for seed in range(SEEDS // 2)]
    )
    assert abs(value - ROOT_VALUE) > VALUE_ERROR
    assert distance(law, TABLE) > 2 * LAW_ERROR
    tree = SoftVertex(prompt())
    await walked(
        tenfold,
        LETTER_SCORES,
        replace(twin, allowed=partial(allowed_draws, widening=10.0, widening_power=0.0)),
        walks=400,
        every=True,
        tree=tree,
    )
    assert abs((tree.value or 0.0) - ROOT_VALUE) > VALUE_ERROR


async def test_a_reward_of_no_weight_leaves_the_policy_as_it_is() -> None:
    searches = [
        await walked(LETTERS, LETTER_SCORES, method(weight=1e-6), seed=seed)
        for seed in range(SEEDS)
    ]
    assert distance(found(searches).law, completions(LETTERS)) < LAW_ERROR


async def test_no_state_has_more_draws_than_its_visits_allow_and_visits_add_up() -> None:
    tree, how = SoftVertex(prompt()), method(c=1.0, alpha=0.5)
    await walked(LETTERS, LETTER_SCORES, how, walks=300, tree=tree)
    assert tree.visits == 300
    for state in states(tree):
        if state.node.done:
            assert state.drawn == 0 and state.value == LETTER_SCORES[state.node.solution_text()]
        else:
            assert 0 < state.drawn <= how.allowed(state.visits)
            assert state.visits == sum(child.visits for child in state.children)
            assert state.value == how.mean(
                [child.promise for child in state.children],
                [child.draws for child in state.children],
            )


async def test_every_state_of_a_rollout_stays_in_the_tree_and_every_draw_counts() -> None:
    policy, verifier, tree = ToyPolicy(LETTERS, 3), ToyVerifier(LETTER_SCORES), SoftVertex(prompt())
    [first, *_] = steps = [
        step
        async for step in grow(tree, policy, verifier, method(), 60, 9, np.random.default_rng(3))
    ]
    assert first.stats["depth"] == 3 and first.phase == "rollout" and len(first.notes) == 1
    kept = {state.node for state in states(tree)}
    copies = {
        node
        for step in steps
        for note in step.notes
        if isinstance(note, Pruned)
        for node in note.nodes
    }
    assert set(policy.born) | {tree.node} == kept | copies and not kept & copies
    assert sum(state.drawn for state in states(tree)) == len(policy.born)
    assert set(policy.born[:3]) <= kept
    assert {node.solution_text() for node in verifier.scored} == {
        state.node.solution_text() for state in states(tree) if state.node.done
    }
    assert all(node.done for node in verifier.scored)


async def test_a_walk_to_a_known_text_costs_nothing_and_is_counted_apart() -> None:
    policy, verifier = ToyPolicy(LETTERS, 1), ToyVerifier(LETTER_SCORES)
    before, revisits, costs = (0, 0), 0, []
    async for step in grow(
        SoftVertex(prompt()),
        policy,
        verifier,
        method(c=1.0, alpha=0.5),
        200,
        9,
        np.random.default_rng(1),
    ):
        now = (len(policy.born), len(verifier.scored))
        revisits += step.phase == "revisit"
        assert (now == before) == (step.phase == "revisit") == (step.rounds == 0)
        assert step.stats["revisits"] == revisits and step.stats["texts"] == len(verifier.scored)
        costs.append(now != before)
        before = now
    assert 0 < revisits < 200 and not all(costs[-50:])


async def test_what_is_told_of_a_walk_is_what_was_chosen_and_backed_up() -> None:
    steps = await run(
        "tree_sampling",
        ToyPolicy(LETTERS, 5),
        ToyVerifier(LETTER_SCORES),
        iterations=80,
        reward_weight=WEIGHT,
    )
    backups = [note for note in notes_of(steps, Backed) if isinstance(note, Backed)]
    assert len(backups) == 80
    visits: Counter[Node] = Counter()
    for snapshot in steps:
        [backup] = [note for note in snapshot.step.notes if isinstance(note, Backed)]
        assert backup.value == LETTER_SCORES[backup.path[-1].solution_text()] == backup.means[-1]
        assert all(
            child.parent is parent
            for parent, child in zip(backup.path, backup.path[1:], strict=False)
        )
        for note in (note for note in snapshot.step.notes if isinstance(note, Selected)):
            place = backup.path.index(note.path[0])
            assert backup.path[place : place + len(note.path)] == note.path
            for node, value, children, counts, scores in zip(
                note.path[1:], note.values, note.children, note.visits, note.scores, strict=True
            ):
                assert scores[children.index(node)] == value and sum(scores) == pytest.approx(1.0)
                assert counts == tuple(visits[child] for child in children)
        visits.update(backup.path)
    assert steps[-1].step.stats["soft_value"] == backups[-1].means[0]


async def test_the_search_takes_the_child_with_the_greatest_value_and_its_descent_is_greedy() -> (
    None
):
    common = {
        "mode": "dts_star",
        "iterations": 400,
        "reward_weight": WEIGHT,
        "widening": 2.0,
        "widening_power": 0.75,
    }
    answers = {}
    for answer in ("mode", "greedy", "best"):
        steps = await run(
            "tree_sampling",
            ToyPolicy(LETTERS, 2),
            ToyVerifier(LETTER_SCORES),
            answer=answer,
            **common,
        )
        answers[answer] = steps[-1].nodes[0].solution_text()
        for note in (note for note in notes_of(steps, Selected) if isinstance(note, Selected)):
            assert note.formula == "uct" and note.values == tuple(
                max(scores) for scores in note.scores
            )
    assert answers == {"mode": "bbb", "greedy": "bbb", "best": "bab"}


async def test_with_a_great_weight_the_soft_value_is_the_greatest_reward() -> None:
    great = {"mode": "dts_star", "iterations": 400, "reward_weight": 500.0, "widening": 3.0}
    steps = await run("tree_sampling", ToyPolicy(LETTERS, 2), ToyVerifier(LETTER_SCORES), **great)
    assert steps[-1].nodes[0].solution_text() == "bab"
    assert steps[-1].step.stats["soft_value"] == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("mode", ["dts", "dts_star"])
async def test_the_best_text_so_far_is_the_best_of_all_that_were_scored(mode: str) -> None:
    verifier = ToyVerifier(LETTER_SCORES)
    best = []
    steps = await run(
        "tree_sampling", ToyPolicy(LETTERS, 4), verifier, mode=mode, answer="best", iterations=64
    )
    for snapshot in steps:
        best.append(
            max(
                LETTER_SCORES[node.solution_text()]
                for node in verifier.scored[: int(snapshot.step.stats["texts"])]
            )
        )
    assert [snapshot.values for snapshot in steps] == [[value] for value in best]
    assert len(set(best)) > 1


def hollow(path: str) -> list[Piece]:
    """Half of all first steps write nothing; of the others "a" ends in x or fails, "b" ends in
    x.
    """
    if not path:
        return [Piece("", 0.5), Piece("a", 0.25), Piece("b", 0.25)]
    return (
        [Piece("x", 0.5, Finish.END), Piece("f", 0.5, Finish.ABORTED)]
        if path == "a"
        else [Piece("x", 1.0, Finish.END)]
    )


async def test_a_draw_that_wrote_nothing_is_no_draw() -> None:
    searches = [
        await walked(hollow, {"ax": 0.9, "bx": 0.2}, method(), seed=seed) for seed in range(SEEDS)
    ]
    weights = {"ax": math.exp(WEIGHT * 0.9), "bx": math.exp(WEIGHT * 0.2)}
    law = {text: weight / sum(weights.values()) for text, weight in weights.items()}
    assert distance(found(searches).law, law) < LAW_ERROR
    reasons = Counter(
        note.reason
        for steps in searches
        for step in steps
        for note in step.notes
        if isinstance(note, Pruned)
    )
    assert reasons["empty step"] > 100 and reasons["generation failed"] > 100
    assert all(
        node.done and node.finish is Finish.END
        for steps in searches
        for step in steps
        for node in step.nodes
    )


async def test_a_prefix_whose_first_draw_failed_is_tried_again() -> None:
    for seed in range(20):
        policy = ToyPolicy(hollow, seed)
        steps = await run(
            "tree_sampling", policy, ToyVerifier({"ax": 0.9, "bx": 0.2}), seed=seed, iterations=60
        )
        failed = [node.parent for node in policy.born if node.finish is Finish.ABORTED]
        if (
            failed
            and failed[0] is not None
            and not any(
                child.parent is failed[0] and child.finish is Finish.END
                for child in policy.born[:6]
            )
        ):
            assert any(
                node.parent is failed[0] and node.finish is Finish.END for node in policy.born
            )
            break
    else:
        pytest.fail("no seed begins with a failure below a")
    assert steps


async def test_a_text_without_a_score_answers_nothing_and_is_not_walked_to() -> None:
    scores = {path: score for path, score in LETTER_SCORES.items() if path != "bbb"}
    steps = await run(
        "tree_sampling",
        ToyPolicy(LETTERS, 1),
        ToyVerifier(scores),
        iterations=300,
        reward_weight=WEIGHT,
    )
    assert "bbb" not in {node.solution_text() for snapshot in steps for node in snapshot.nodes}
    for note in (note for note in notes_of(steps, Selected) if isinstance(note, Selected)):
        assert all(node.solution_text() != "bbb" for children in note.children for node in children)
    blind = await run("tree_sampling", ToyPolicy(LETTERS, 1), ToyVerifier({}), iterations=20)
    assert not any(snapshot.nodes for snapshot in blind)
    assert not any(note.value for note in notes_of(blind, Backed) if isinstance(note, Backed))


@pytest.mark.parametrize("seed", range(4))
async def test_in_the_wild_the_only_candidate_is_a_scored_and_finished_text(seed: int) -> None:
    steps = await wandered(
        "tree_sampling",
        ToyPolicy(wild, seed),
        ToyVerifier(wild_score),
        seed=seed,
        iterations=80,
        max_steps=6,
    )
    assert steps and all(len(snapshot.nodes) <= 1 for snapshot in steps)
    assert all(
        node.done and value is not None
        for snapshot in steps
        for node, value in zip(snapshot.nodes, snapshot.values, strict=True)
    )


async def test_a_descent_among_nothing_known_answers_nothing() -> None:
    assert descend(by_boltzmann(1.0), draw, SoftVertex(prompt()), np.random.default_rng(0)) is None
    assert greatest([0.5, 0.7, 0.7], np.random.default_rng(0)) == 1


async def test_the_ledger_counts_one_call_a_draw_and_one_score_a_text() -> None:
    sink = MemorySink()
    outcome = await searched(
        spec("tree_sampling", params={"iterations": 40, "reward_weight": 3.0}), sink
    )
    written = [node for node in sink.nodes if node.parent_id is not None]
    scored = [given.node for given in of(ScoreGiven, sink.events)]
    assert outcome.ledger["model_calls"] == len(written)
    assert outcome.ledger["generated_tokens"] == sum(len(node.token_ids) for node in written)
    assert outcome.ledger["verifier_calls"] == len(scored) == len(set(scored))
    assert {sink.nodes[node].done for node in scored if node is not None} == {True}


async def test_a_spent_budget_leaves_the_last_answer_the_answer() -> None:
    for limit in (14, 17, 23):
        sink = MemorySink()
        outcome = await searched(
            spec("tree_sampling", params={"iterations": 400}, budget={"model_calls": limit}), sink
        )
        last = of(StepEnded, sink.events)[-1]
        assert outcome.limit is not None and outcome.limit.axis == "model_calls"
        assert (outcome.chosen,) == last.nodes
