"""Monte-Carlo tree search: the formulas of public programs, what a leaf is worth, visit identities,
and the two ends of the exploration constant."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from backend.core.errors import BadInput
from backend.core.registry import STRATEGIES
from backend.core.steps import Backed, Remarked, Rolled, Selected
from backend.core.types import Kind, Node
from backend.strategies.parts.rounds import UNSCORED_ROUND, Scored, expand
from backend.strategies.parts.tree.backups import children_mean
from backend.strategies.parts.tree.choices import RULES, WalkParams
from backend.strategies.parts.tree.leaf_values import LEAF_VALUES
from backend.strategies.parts.tree.vertex import (
    Vertex,
    descend,
    draw_share,
    earliest,
    softmax_of_scores,
)
from tests.strategies.running import Snapshot, notes_of, run, texts
from tests.support.enumerable import (
    LETTER_SCORES,
    LETTERS,
    Piece,
    ToyPolicy,
    ToyVerifier,
    completions,
    prompt,
)

PUBLISHED = {
    "uct": math.sqrt(2),
    "treequest": math.sqrt(2),
    "rest": 0.4,
    "rstar": 2.0,
    "reasoners": 1.0,
    "puct": 1.0,
    "deepsearch": 2.0,
}
FIRST = earliest(np.random.default_rng(0))


def worth(formula: str, q: float, n: int, parent: int, prior: float, c: float) -> float:
    """The formulas once more, from the specification: Q of the child, its visits, its parent's, P,
    c."""
    log = math.log(parent) if parent else 0.0
    if formula == "puct":
        return q + c * prior * (math.log((parent + 19652 + 1) / 19652) + 1.25) * math.sqrt(
            parent
        ) / (n + 1)
    if n == 0 and formula in ("rest", "rstar", "deepsearch"):
        return {"rest": q + 0.8, "rstar": math.inf, "deepsearch": q}[formula]
    part = log / max(1, n)
    return q + c * {"treequest": prior * math.sqrt(part), "rest": math.sqrt(2 * part)}.get(
        formula, math.sqrt(part)
    )


async def search(policy: ToyPolicy | None = None, seed: int = 0, **params: Any) -> list[Snapshot]:
    """A search that sees every next step of the letters language."""
    return await run(
        "mcts",
        policy or ToyPolicy(LETTERS, every=True),
        ToyVerifier(LETTER_SCORES),
        seed=seed,
        **({"children": 2} | params),
    )


def backed(steps: list[Snapshot]) -> list[Backed]:
    return [note for note in notes_of(steps, Backed) if isinstance(note, Backed)]


def walks(steps: list[Snapshot]) -> list[Selected]:
    return [note for note in notes_of(steps, Selected) if isinstance(note, Selected)]


def rollouts(steps: list[Snapshot]) -> list[Rolled]:
    return [note for note in notes_of(steps, Rolled) if isinstance(note, Rolled)]


def vertex(visits: int, mean: float, prior: float = 1.0) -> Vertex:
    return Vertex(prompt(), prior, visits=visits, total=mean * visits)


def valued(formula: str, parent: Vertex, child: Vertex, **params: Any) -> float:
    return WalkParams.model_validate({"formula": formula, **params}).formula_at(0)(parent, child)


@pytest.mark.parametrize(
    ("formula", "visits", "value"),
    [
        ("uct", 3, 1.810296),
        ("rest", 3, 1.084118),
        ("puct", 2, 1.225254),
        ("treequest", 3, 1.205148),
        ("rstar", 3, 2.311618),
        ("reasoners", 3, 1.455809),
        ("deepsearch", 3, 2.311618),
    ],
)
def test_golden_values_of_the_formulas_with_their_published_constants(
    formula: str, visits: int, value: float
) -> None:
    assert valued(formula, vertex(9, 0.5), vertex(visits, 0.6, prior=0.5)) == pytest.approx(
        value, abs=1e-6
    )


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("uct", 0.7 + math.sqrt(2 * math.log(9))),
        ("treequest", 0.7 + 0.5 * math.sqrt(2 * math.log(9))),
        ("reasoners", 0.7 + math.sqrt(math.log(9))),
        ("rest", 0.7 + 0.8),
        ("rstar", math.inf),
        ("deepsearch", 0.7),
        ("puct", 0.7 + 0.5 * (math.log(19662 / 19652) + 1.25) * 3),
    ],
)
def test_what_each_program_thinks_of_a_child_that_was_never_visited(
    formula: str, value: float
) -> None:
    child = Vertex(prompt(), prior=0.5, score=0.7)
    assert child.mean == 0.7
    assert valued(formula, vertex(9, 0.5), child) == pytest.approx(value)


def test_the_other_constants_of_the_formulas_can_be_set() -> None:
    parent, child = vertex(9, 0.5), Vertex(prompt(), prior=0.5, score=0.7)
    assert valued("rest", parent, child, unvisited=1.0) == pytest.approx(1.7)
    assert valued("puct", parent, child, puct_base=10.0, puct_init=0.0) == pytest.approx(
        0.7 + 0.5 * math.log(2.0) * 3
    )
    assert valued("puct", parent, child, exploration=2.0, puct_init=0.0) == pytest.approx(
        0.7 + math.log(19662 / 19652) * 3
    )


@pytest.mark.parametrize(
    ("schedule", "half", "last"),
    [("const", 2.0, 2.0), ("exp", 2.0 * math.sqrt(0.1), 2.0 * 0.1**0.9), ("lin", 1.1, 0.38)],
)
def test_golden_schedules_of_the_constant(schedule: str, half: float, last: float) -> None:
    params = WalkParams.model_validate(
        {"simulations": 10, "formula": "rstar", "schedule": schedule}
    )
    parent, child = vertex(9, 0.5), vertex(3, 0.0)
    unit = math.sqrt(math.log(9) / 3)
    assert [params.formula_at(turn)(parent, child) / unit for turn in (0, 5, 9)] == pytest.approx(
        [2.0, half, last]
    )


@pytest.mark.parametrize("formula", list(RULES))
async def test_an_empty_constant_is_the_published_one(formula: str) -> None:
    def numbers(steps: list[Snapshot]) -> list[object]:
        return [
            (note.values, note.scores, [node.solution_text() for node in note.path])
            for note in walks(steps)
        ]

    assert set(RULES) == set(PUBLISHED)
    told = numbers(await search(formula=formula))
    assert told == numbers(await search(formula=formula, exploration=PUBLISHED[formula]))
    assert told != numbers(await search(formula=formula, exploration=3.3))


@pytest.mark.parametrize("schedule", ["const", "lin"])
@pytest.mark.parametrize("backup", ["mean", "children"])
@pytest.mark.parametrize("formula", list(RULES))
async def test_the_numbers_that_are_told_are_those_of_the_moment_and_explain_the_walk(
    formula: str, backup: str, schedule: str
) -> None:
    visits, means = Counter[Node](), dict[Node, float]()
    steps = await search(formula=formula, backup=backup, schedule=schedule, simulations=50)
    for turn, (walk, backup_) in enumerate(zip(walks(steps), backed(steps), strict=True)):
        c = PUBLISHED[formula] * (1.0 if schedule == "const" else 1.0 - 0.9 * turn / 50)
        assert walk.formula == formula
        assert (
            len(walk.path) - 1
            == len(walk.children)
            == len(walk.visits)
            == len(walk.means)
            == len(walk.scores)
            == len(walk.values)
        )
        for place, children in enumerate(walk.children):
            scores = [LETTER_SCORES[child.solution_text()] for child in children]
            known = [means.get(child, score) for child, score in zip(children, scores, strict=True)]
            priors = (
                [math.exp(score) / sum(map(math.exp, scores)) for score in scores]
                if formula == "treequest"
                else [0.5, 0.5]
            )
            rows = zip(known, walk.visits[place], priors, strict=True)
            expected = [
                worth(formula, q, n, visits[walk.path[place]], prior, c) for q, n, prior in rows
            ]
            assert walk.visits[place] == tuple(visits[child] for child in children)
            assert walk.means[place] == pytest.approx(known)
            assert walk.scores[place] == pytest.approx(expected)
            assert (
                walk.values[place]
                == max(walk.scores[place])
                == walk.scores[place][children.index(walk.path[place + 1])]
            )
        visits.update(backup_.path)
        means |= dict(zip(backup_.path, backup_.means, strict=True))


@pytest.mark.parametrize("value", list(LEAF_VALUES))
@pytest.mark.parametrize("formula", list(RULES))
async def test_visits_of_a_node_are_its_turns_as_leaf_plus_the_visits_of_its_children(
    formula: str, value: str
) -> None:
    notes = backed(await search(simulations=60, formula=formula, value=value))
    visits = Counter(node for note in notes for node in note.path)
    leaves = Counter(note.path[-1] for note in notes)
    root = notes[0].path[0]
    assert visits[root] == 60
    for node, number in visits.items():
        assert number == leaves[node] + sum(
            count for child, count in visits.items() if child.parent is node
        )


@pytest.mark.parametrize("value", list(LEAF_VALUES))
async def test_means_are_those_of_the_values_that_came_by_and_stay_between_them(value: str) -> None:
    notes = backed(await search(simulations=60, value=value))
    for node in {node for note in notes for node in note.path}:
        through = [note for note in notes if node in note.path]
        values = [note.value for note in through]
        assert through[-1].means[through[-1].path.index(node)] == pytest.approx(
            sum(values) / len(values)
        )
        assert min(values) - 1e-12 <= sum(values) / len(values) <= max(values) + 1e-12


@pytest.mark.parametrize("formula", ["uct", "rest"])
async def test_with_the_backup_of_rest_a_node_is_worth_the_visit_weighted_mean_of_its_children(
    formula: str,
) -> None:
    visits, means = Counter[Node](), dict[Node, float]()
    for note in backed(
        await search(
            simulations=80,
            formula=formula,
            backup="children",
            value="mixed",
            policy=ToyPolicy(LETTERS, 3),
            children=3,
        )
    ):
        visits.update(note.path)
        means |= dict(zip(note.path, note.means, strict=True))
        for node in note.path:
            below = [child for child in means if child.parent is node]
            whole = sum(visits[child] for child in below)
            mean = (
                sum(visits[child] * means[child] for child in below) / whole
                if below
                else note.value
            )
            assert means[node] == pytest.approx(mean)
            assert 0.0 <= means[node] <= 1.0


def test_children_without_a_visit_do_not_count_in_the_mean_of_the_children() -> None:
    parent = Vertex(
        prompt(),
        visits=3,
        total=0.3,
        children=[vertex(2, 0.9), Vertex(prompt(), score=0.1), vertex(1, 0.3)],
    )
    told = children_mean([parent], 0.5)
    assert told.means == (pytest.approx(0.7),)
    assert (parent.visits, parent.mean) == (4, pytest.approx(0.7))


async def test_the_walk_that_is_told_is_the_walk_that_is_backed_up() -> None:
    steps = await search(simulations=30)
    for snapshot in steps:
        [selected] = [note for note in snapshot.step.notes if isinstance(note, Selected)]
        [backup] = [note for note in snapshot.step.notes if isinstance(note, Backed)]
        assert selected.path == backup.path
        assert all(
            child.parent is parent
            for parent, child in zip(selected.path, selected.path[1:], strict=False)
        )


async def test_without_exploration_the_walk_follows_the_best_mean() -> None:
    steps = await search(simulations=4, exploration=0.0)
    assert [note.path[-1].solution_text() for note in backed(steps)] == ["", "a", "aa", "aab"]
    assert [note.value for note in backed(steps)] == [0.9, 0.8, 0.9, 0.9]


@pytest.mark.parametrize("formula", ["uct", "rest", "rstar", "reasoners", "puct"])
async def test_with_endless_exploration_siblings_are_visited_alike(formula: str) -> None:
    notes = backed(await search(simulations=200, exploration=1e6, formula=formula))
    visits = Counter(node for note in notes for node in note.path)
    for node in [node for node in visits if node.depth < 2]:
        numbers = [count for child, count in visits.items() if child.parent is node]
        assert max(numbers) - min(numbers) <= 1


@pytest.mark.parametrize("backup", ["mean", "children"])
@pytest.mark.parametrize(
    ("formula", "exploration"),
    [("uct", 0.5), ("treequest", 1.0), ("rest", 0.5), ("rstar", 0.5), ("reasoners", 0.5)],
)
async def test_visits_gather_at_the_optimum(formula: str, exploration: float, backup: str) -> None:
    notes = backed(
        await search(simulations=1500, exploration=exploration, formula=formula, backup=backup)
    )
    leaves = Counter(note.path[-1].solution_text() for note in notes)
    children = Counter(note.path[1].solution_text() for note in notes if len(note.path) > 1)
    assert leaves.most_common(1)[0][0] == "bab"
    assert children["b"] > children["a"]


async def test_with_the_formula_of_rstar_every_child_is_tried_before_one_is_tried_again_and_in_any_order() -> (
    None
):
    first = Counter[str]()
    for seed in range(60):
        notes = walks(await search(simulations=30, formula="rstar", seed=seed))
        for walk in notes:
            for place, numbers in enumerate(walk.visits):
                taken = numbers[walk.children[place].index(walk.path[place + 1])]
                assert taken == 0 or 0 not in numbers
        first[notes[1].path[1].solution_text()] += 1
    assert 15 <= first["a"] <= 45 and first["a"] + first["b"] == 60


async def test_each_node_is_expanded_once_however_often_it_is_visited() -> None:
    policy = ToyPolicy(LETTERS, every=True)
    steps = await search(policy, simulations=300)
    assert max(Counter(policy.asked).values()) == 1
    assert len(policy.born) == 14
    assert sorted(texts(steps[-1])) == sorted(path for path in LETTER_SCORES if len(path) == 3)


def test_a_walk_looks_at_the_children_along_its_path_only() -> None:
    looked: list[Vertex] = []

    def counting(parent: Vertex, child: Vertex) -> float:
        looked.append(child)
        return child.prior

    def tree(depth: int) -> Vertex:
        return Vertex(prompt(), children=[tree(depth - 1) for _ in range(3)] if depth else [])

    descend(tree(5), counting, FIRST)
    assert len(looked) == 15


async def test_a_dead_end_is_worth_nothing_and_left() -> None:
    def language(path: str) -> list[Piece]:
        if path == "a":
            return [Piece("", 1.0)]
        return [Piece("a", 0.5), Piece("b", 0.5)] if not path else [Piece("b", 1.0)]

    steps = await run(
        "mcts",
        ToyPolicy(language, every=True),
        ToyVerifier(lambda path: 0.9 if path == "a" else 0.5),
        children=2,
        max_steps=3,
    )
    values = {note.path[-1].solution_text(): note.value for note in backed(steps)}
    assert values["a"] == 0.0
    visits = Counter(note.path[1].solution_text() for note in backed(steps) if len(note.path) > 1)
    assert visits["b"] > visits["a"]


async def test_the_prior_is_the_share_of_the_draws_or_the_softmax_of_the_scores() -> None:
    parent = Vertex(prompt())
    policy, verifier = ToyPolicy(LETTERS, seed=1), ToyVerifier(LETTER_SCORES)
    [brood] = await expand(policy, verifier, [parent.node], 100, merge=True)
    parent.adopt(brood.children)
    assert sum(child.prior for child in parent.children) == pytest.approx(1.0)
    assert {child.node.text: child.prior for child in parent.children} == pytest.approx(
        {"a": 0.6, "b": 0.4}, abs=0.15
    )
    assert len(policy.born) == 100 and len(verifier.scored) == 2
    siblings = [Scored(prompt(), 0.9, 3), Scored(prompt(), 0.3, 1)]
    assert draw_share(siblings) == [0.75, 0.25]
    assert softmax_of_scores(siblings) == pytest.approx(
        [1 / (1 + math.exp(-0.6)), 1 / (1 + math.exp(0.6))]
    )


async def first_value(value: str, seed: int) -> float:
    """What the first leaf of a search with one child is worth."""
    steps = await search(
        ToyPolicy(LETTERS, seed), simulations=1, children=1, value=value, finish="none"
    )
    return backed(steps)[0].value


@pytest.mark.parametrize(
    ("value", "mean"),
    [("prm", 0.6 * 0.9 + 0.4 * 0.3), ("rollout", 0.5606), ("mixed", (0.66 + 0.5606) / 2)],
)
async def test_on_average_a_leaf_is_worth_its_score_the_score_of_a_solution_or_the_mean(
    value: str, mean: float
) -> None:
    exact = sum(p * LETTER_SCORES[path] for path, p in completions(LETTERS).items())
    assert exact == pytest.approx(0.5606)
    found = [await first_value(value, seed) for seed in range(1500)]
    assert np.mean(found) == pytest.approx(mean, abs=0.02)


@pytest.mark.parametrize("seed", range(8))
async def test_the_mixed_value_is_the_mean_of_the_score_and_the_rollout(seed: int) -> None:
    score, rolled, mixed = [await first_value(value, seed) for value in ("prm", "rollout", "mixed")]
    assert mixed == pytest.approx((score + rolled) / 2)


@pytest.mark.parametrize("value", ["rollout", "mixed"])
async def test_the_best_new_child_of_a_leaf_is_rolled_out_once_and_stands_in_with_what_was_found(
    value: str,
) -> None:
    policy, verifier = ToyPolicy(LETTERS, every=True), ToyVerifier(LETTER_SCORES)
    steps = await run("mcts", policy, verifier, children=2, simulations=12, value=value)
    grown = [node for node in policy.born if node.kind is Kind.ROLLOUT]
    told = rollouts(steps)
    assert [note.rollout for note in told] == grown and max(
        Counter(note.node for note in told).values()
    ) == 1
    for snapshot in steps:
        for note in [note for note in snapshot.step.notes if isinstance(note, Rolled)]:
            assert note.rollout.done and note.rollout.parent is note.node and not note.node.done
            assert note.value == LETTER_SCORES[note.rollout.solution_text()]
            [backup] = [note for note in snapshot.step.notes if isinstance(note, Backed)]
            score = LETTER_SCORES[note.node.solution_text()]
            siblings = [
                node
                for node in policy.born
                if node.parent is note.node.parent and node.kind is Kind.STEP
            ]
            assert score == max(LETTER_SCORES[node.solution_text()] for node in siblings)
            assert backup.value == pytest.approx(
                note.value if value == "rollout" else (score + note.value) / 2
            )
            later = next(
                (
                    walk
                    for walk in walks(steps)
                    if note.node in walk.path or any(note.node in level for level in walk.children)
                ),
                None,
            )
            if later is not None:
                place = next(
                    place for place, level in enumerate(later.children) if note.node in level
                )
                if later.visits[place][later.children[place].index(note.node)] == 0:
                    assert later.means[place][
                        later.children[place].index(note.node)
                    ] == pytest.approx(backup.value)
    assert not any(node in policy.asked for node in grown)
    assert not any(node.kind is Kind.ROLLOUT for node in steps[-1].nodes)
    # below the root, below a and below b; the best child of a deeper leaf is finished
    assert len(told) == 3


@pytest.mark.parametrize("value", ["rollout", "mixed"])
async def test_what_cannot_be_rolled_out_is_worth_its_own_score(value: str) -> None:
    def failing(path: str) -> list[Piece]:
        return [Piece("", 0.5), Piece("b", 0.5)] if path else [Piece("a", 1.0)]

    def silent(path: str) -> float | None:
        return 0.8 if path == "a" else None

    late = await search(simulations=1, value=value, max_steps=1)
    assert backed(late)[0].value == 0.9 and not rollouts(late)
    unscored = await run(
        "mcts",
        ToyPolicy(failing),
        ToyVerifier(silent),
        children=1,
        simulations=1,
        value=value,
        max_steps=3,
        finish="none",
    )
    assert backed(unscored)[0].value == 0.8
    assert [note.value for note in rollouts(unscored)] == [None] and notes_of(unscored, Remarked)


async def test_a_search_without_a_solution_completes_its_most_visited_path() -> None:
    steps = await search(simulations=1)
    assert [snapshot.step.phase for snapshot in steps] == ["expand", "finish"]
    [node] = steps[-1].nodes
    assert isinstance(node, Node)
    assert node.done
    assert node.solution_text() == "aaa"
    assert not (await search(simulations=1, finish="none"))[-1].nodes


@pytest.mark.parametrize(
    "given",
    [
        {"formula": "ucb"},
        {"exploration": -1.0},
        {"value": "orm"},
        {"backup": "max"},
        {"schedule": "cos"},
    ],
)
def test_an_unknown_rule_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(given))):
        STRATEGIES["mcts"].parse(given)


@pytest.mark.parametrize("value", ["prm", "rollout", "mixed"])
@pytest.mark.parametrize("backup", ["mean", "children"])
async def test_a_round_without_any_score_backs_nothing_up_and_later_ones_do(
    value: str, backup: str
) -> None:
    """What is written below the first step is scored from its third step on only."""
    verifier = ToyVerifier(lambda path: None if len(path) < 3 else 0.5)
    steps = await run(
        "mcts", ToyPolicy(LETTERS), verifier, simulations=12, value=value, backup=backup
    )
    for snapshot in steps:
        notes = snapshot.step.notes
        told = [note for note in notes if isinstance(note, Backed)]
        blind = any(isinstance(n, Remarked) and n.text == UNSCORED_ROUND for n in notes)
        if snapshot.step.phase == "expand" and value == "prm":
            assert bool(told) is not blind
        assert all(note.value == 0.5 for note in told)
    assert notes_of(steps, Backed)
