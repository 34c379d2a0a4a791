"""Global frontier search: golden scores and weights, the backup that never forgets good news, and
jumps that are recomputed from the trace."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest

from backend.core.registry import STRATEGIES
from backend.core.steps import Backed, Jumped, Note, Pruned, Selected
from backend.core.types import Finish, Node
from backend.strategies.parts.tree.backups import back_up_signed
from backend.strategies.parts.tree.promise import (
    GlobalFrontier,
    OutlookParams,
    most_confident,
    surprise,
)
from backend.strategies.parts.tree.vertex import Vertex
from tests.strategies.running import Snapshot, notes_of, run, texts
from tests.support.enumerable import (
    LETTER_SCORES,
    LETTERS,
    Language,
    Piece,
    ToyPolicy,
    ToyVerifier,
    prompt,
    table,
)


async def search(
    language: Language = LETTERS, scores: dict[str, float] | None = None, **params: Any
) -> list[Snapshot]:
    """A search that sees every next step."""
    policy, verifier = (
        ToyPolicy(language, every=True),
        ToyVerifier(LETTER_SCORES if scores is None else scores),
    )
    return await run("global_frontier", policy, verifier, **({"width": 2} | params))


def backed(steps: list[Snapshot]) -> list[Backed]:
    return [note for note in notes_of(steps, Backed) if isinstance(note, Backed)]


def choices(steps: list[Snapshot]) -> list[str]:
    """Where every round went on, by text."""
    told = [
        note
        for snapshot in steps
        for note in snapshot.step.notes
        if isinstance(note, Selected | Jumped)
    ]
    return [
        (note.path[-1] if isinstance(note, Selected) else note.node).solution_text()
        for note in told
    ]


def chain(length: int) -> list[Vertex]:
    """A path of unvisited vertices, the root first."""
    vertices = [Vertex(prompt())]
    for _ in range(length - 1):
        above = vertices[-1]
        vertices.append(
            Vertex(Node("x", parent=above.node, depth=above.node.depth + 1), parent=above)
        )
        above.children = [vertices[-1]]
    return vertices


def test_golden_score_of_the_frontier() -> None:
    terms = OutlookParams().terms(0.5, 1.2, 16)
    assert terms.total == pytest.approx(0.669847, abs=1e-6)
    assert terms._asdict() == pytest.approx(
        {"parent": 0.4 * math.tanh(0.5), "entropy": 0.48, "depth": 0.005, "own": 0.0}
    )


@pytest.mark.parametrize(
    ("bonus", "value"), [("sqrt", 0.5), ("linear", 16.0), ("log", math.log(17))]
)
def test_golden_bonuses_of_the_depth(bonus: str, value: float) -> None:
    params = OutlookParams.model_validate(
        {"depth_bonus": bonus, "depth_weight": 1.0, "own_weight": 0.4}
    )
    assert params.terms(0.0, 0.0, 16).depth == pytest.approx(value)
    assert params.terms(0.0, 0.0, 16, 0.5).own == pytest.approx(0.4 * math.tanh(0.5))


def test_golden_weights_of_the_backup() -> None:
    path = chain(4)
    told = back_up_signed(path, 1.0)
    assert [vertex.total for vertex in path] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert told.means == pytest.approx((0.25, 0.5, 0.75, 1.0)) and told.value == 1.0
    longer = chain(20)
    back_up_signed(longer, -1.0)
    assert [vertex.total for vertex in longer] == pytest.approx(
        [-0.1, -0.1, *(-place / 20 for place in range(3, 21))]
    )


@pytest.mark.parametrize(
    ("values", "totals"),
    [
        ((1.0, 0.5), (0.5, 1.0, 1.5)),
        ((-1.0, -0.5), (-0.5, -1.0, -1.5)),
        ((1.0, -1.0), (1 / 3, 2 / 3, 1.0)),  # bad news does not reach what has led to good
        ((-1.0, -1.0, 0.3), (0.1, 0.2, 0.3)),  # good news wipes out the bad
    ],
)
def test_the_rule_of_signs(values: Sequence[float], totals: Sequence[float]) -> None:
    path = chain(3)
    for value in values:
        back_up_signed(path, value)
    assert [vertex.total for vertex in path] == pytest.approx(list(totals))
    assert [vertex.visits for vertex in path] == [len(values)] * 3
    assert [vertex.mean for vertex in path] == pytest.approx(
        [total / len(values) for total in totals]
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_node_that_has_led_to_something_good_stays_above_zero_for_ever(seed: int) -> None:
    rng, trunk = random.Random(seed), chain(4)
    forks = [trunk, [*trunk[:2], Vertex(prompt())], trunk[:3]]
    good: set[Vertex] = set()
    for _ in range(60):
        path, value = rng.choice(forks), rng.uniform(-1.0, 1.0)
        back_up_signed(path, value)
        good |= set(path) if value > 0 else set()
        assert all(vertex.total > 0 and vertex.mean > 0 for vertex in good)
        assert all(vertex.total <= 0 for vertex in {*trunk, *forks[1]} - good)


def leaf(
    text: str, score: float, logprobs: tuple[float, ...], root: Vertex, finish: Finish = Finish.END
) -> Vertex:
    node = Node(
        text, (0,) * len(logprobs), logprobs or None, root.node, 1, finish is Finish.END, finish
    )
    return Vertex(node, score=score, parent=root)


def test_the_leaf_that_is_backed_up_is_right_before_it_is_wrong_and_confident_before_it_is_not() -> (
    None
):
    root = Vertex(prompt())
    cut, wrong = leaf("c", 0.9, (-0.01,), root, Finish.STEP), leaf("w", -0.2, (-0.1,), root)
    unsure, sure, silent = (
        leaf("u", 0.8, (-3.0, -1.0), root),
        leaf("s", 0.2, (-0.5,) * 8, root),
        leaf("x", 0.9, (), root),
    )
    assert most_confident([cut, wrong, silent, unsure, sure]) is sure
    assert most_confident([cut, wrong, silent, unsure]) is unsure
    assert most_confident([cut, wrong, silent]) is silent
    assert most_confident([cut, wrong]) is wrong
    assert most_confident([cut]) is cut
    other = leaf("o", 0.9, (-0.5,) * 3, root)
    # equals: the first
    assert most_confident([other, sure]) is other and most_confident([sure, other]) is sure


def test_surprise_is_a_mean_over_tokens_not_over_steps() -> None:
    root = prompt()
    one = Node("a", (0,), (-3.0,), root, 1)
    two = Node("b", (0, 0, 0), (-1.0, -1.0, -1.0), one, 2)
    assert surprise([one, two]) == pytest.approx(1.5)
    assert surprise([root]) is None


def test_the_frontier_follows_scores_that_change() -> None:
    root, params = Vertex(prompt()), OutlookParams(entropy_weight=1.0)
    root.children = [
        leaf(text, 0.0, (-h,), root, Finish.STEP)
        for text, h in (("a", 0.5), ("b", 0.7), ("c", 0.7))
    ]
    a, b, c = root.children
    frontier = GlobalFrontier(params, 9)
    frontier.renew([root])
    assert (len(frontier), frontier.best()) == (3, b)
    b.expanded, b.children = True, [Vertex(Node("d", (0,), (-0.6,), b.node, 2), parent=b)]
    b.score = 0.9
    frontier.renew([b])
    assert frontier.best() is b.children[0]  # 0.4 tanh(0.9) + 0.6 > 0.7
    back_up_signed([root, b], -1.0)
    frontier.renew([root, b])
    assert frontier.best() is c
    assert frontier.explain_jump(c).score == pytest.approx(params.outlook(c).total)
    c.expanded = a.expanded = True
    frontier.renew([c, a])
    assert frontier.best() is b.children[0]
    frontier.renew([b.children[0]])
    assert (len(frontier), frontier.best()) == (0, None)


async def test_golden_search_of_the_letters() -> None:
    steps = await search()
    assert [snapshot.step.phase for snapshot in steps[:4]] == ["local", "local", "jump", "jump"]
    assert choices(steps)[:3] == ["a", "aa", "ab"]
    first, second = backed(steps)[:2]
    assert [node.solution_text() for node in first.path] == [
        "",
        "a",
        "aa",
        "aab",
    ] and first.value == pytest.approx(0.8)
    assert first.means == pytest.approx((0.2, 0.4, 0.6, 0.8))
    assert [node.solution_text() for node in second.path] == ["", "a", "ab", "abb"]
    assert second.means == pytest.approx(((0.2 + 0.05) / 2, (0.4 + 0.1) / 2, 0.15, 0.2))
    [jump] = [note for note in steps[2].step.notes if isinstance(note, Jumped)]
    expected = {
        "parent": 0.4 * math.tanh(0.4),
        "entropy": -0.4 * math.log(0.3),
        "depth": 0.01 * math.sqrt(2 / 64),
        "own": 0.0,
    }
    assert jump.terms == pytest.approx(expected) and jump.score == pytest.approx(
        sum(expected.values())
    )
    assert len(steps) == 7 and len(steps[-1].nodes) == 8 and steps[-1].step.stats["frontier"] == 0
    assert max(zip(steps[-1].values, texts(steps[-1]), strict=True))[1] == "bab"


def forest(seed: int) -> tuple[Language, dict[str, float]]:
    """A language of at most five steps with ends here and there, and scores for all of it."""
    rng, entries, scores = random.Random(seed), dict[str, dict[str, float]](), dict[str, float]()
    open_paths = [""]
    while open_paths:
        path = open_paths.pop()
        first = rng.uniform(0.1, 0.8)
        entries[path] = {"a": first, "b": 0.9 - first, "c": 0.1}
        for letter in "abc":
            scores[path + letter] = round(rng.random(), 3)
            if len(path) < 4 and (len(path) < 2 or rng.random() < 0.6):
                open_paths.append(path + letter)
    return table(entries), scores


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"own_weight": 0.5, "depth_bonus": "log", "depth_weight": 0.2},
        {"entropy_weight": 0.0},
        {"max_steps": 3},
    ],
)
@pytest.mark.parametrize("seed", range(4))
async def test_every_choice_is_the_greatest_of_what_the_trace_tells(
    seed: int, params: dict[str, Any]
) -> None:
    language, scores = forest(seed)
    policy, verifier = ToyPolicy(language, every=True), ToyVerifier(scores)
    steps = await run(
        "global_frontier",
        policy,
        verifier,
        **({"width": 3, "expansions": 60, "finish": "none"} | params),
    )
    told = STRATEGIES["global_frontier"].parse(params).model_dump()
    place, q, expanded = policy.asked[0], dict[Node, float](), list[Node]()
    bonus = {"sqrt": lambda d: math.sqrt(d / told["max_steps"]), "log": lambda d: math.log(d + 1)}[
        told["depth_bonus"]
    ]

    def mean(node: Node) -> float:
        late = not node.done and node.depth == told["max_steps"]
        return q.get(
            node, -1.0 if late else 2 * scores[node.solution_text()] - 1 if node.parent else 0.0
        )

    def f(node: Node) -> float:
        assert node.parent is not None and node.logprobs is not None
        sums = told["parent_weight"] * math.tanh(mean(node.parent)) + told[
            "own_weight"
        ] * math.tanh(mean(node))
        return float(
            sums
            - told["entropy_weight"] * node.logprobs[0]
            + told["depth_weight"] * bonus(node.depth)
        )

    for snapshot in steps:
        expanded.append(place)
        children = [node for node in policy.born if node.parent is place]
        leaves = [child for child in children if child.done or child.depth == told["max_steps"]]
        backup = [note for note in snapshot.step.notes if isinstance(note, Backed)]
        assert len(backup) == bool(leaves)
        for note in backup:
            assert note.path[-1] in leaves and note.value == pytest.approx(mean(note.path[-1]))
            q |= dict(zip(note.path, note.means, strict=True))
        opened = [
            n
            for n in policy.born
            if n.parent in expanded
            and n not in expanded
            and not n.done
            and n.depth < told["max_steps"]
        ]
        assert snapshot.step.stats["frontier"] == len(opened)
        [choice] = [
            note for note in snapshot.step.notes if isinstance(note, Selected | Jumped)
        ] or [None]
        if isinstance(choice, Jumped):
            assert leaves and snapshot.step.phase == "jump"
            assert (
                choice.score == pytest.approx(f(choice.node))
                and f(choice.node) >= max(map(f, opened)) - 1e-9
            )
            place = choice.node
        elif isinstance(choice, Selected):
            assert (
                not leaves
                and snapshot.step.phase == "local"
                and set(choice.children[0]) == set(children)
            )
            place = choice.path[-1]
            assert mean(place) == max(map(mean, children)) == choice.values[0]
        else:
            assert snapshot is steps[-1] and not opened
    assert len(set(expanded)) == len(expanded)


async def test_a_great_weight_of_the_surprise_makes_the_search_look_where_the_model_hardly_goes() -> (
    None
):
    language = table({"": {"a": 0.89, "b": 0.1, "S": 0.01}, "a": {"x": 1.0}, "b": {"y": 1.0}})
    scores = {"a": 0.9, "b": 0.2, "S": 0.5, "ax": 0.5, "by": 0.5}
    assert choices(await search(language, scores, width=3))[0] == "b"
    assert (
        choices(await search(language, scores, width=3, entropy_weight=0.0, own_weight=1.0))[0]
        == "a"
    )


async def test_what_is_cut_off_at_the_step_limit_is_as_bad_as_can_be_and_told() -> None:
    steps = await search(max_steps=2, finish="none")
    assert {note.value for note in backed(steps)} == {-1.0}
    assert {
        node.solution_text()
        for note in notes_of(steps, Pruned)
        if isinstance(note, Pruned)
        for node in note.nodes
    } == {"aa", "ab", "ba", "bb"}
    assert not steps[-1].nodes and len(steps) == 3


async def test_when_all_children_die_the_search_jumps_without_a_backup() -> None:
    def language(path: str) -> list[Piece]:
        if path == "a":
            return [Piece("", 1.0)]
        return [Piece("a", 0.5), Piece("b", 0.5)] if not path else [Piece("x", 1.0, Finish.END)]

    steps = await search(language, {"a": 0.9, "b": 0.1, "bx": 0.4})
    assert choices(steps) == ["a", "b"]
    assert [
        len([note for note in snapshot.step.notes if isinstance(note, Backed)])
        for snapshot in steps
    ] == [0, 0, 1]
    assert texts(steps[-1]) == ["bx"]


async def test_a_search_without_a_solution_completes_where_it_stands() -> None:
    steps = await search(expansions=2)
    assert [snapshot.step.phase for snapshot in steps] == ["local", "local", "finish"]
    assert texts(steps[-1]) == ["aaa"]  # it stands at aa, and the likeliest way on is a
    assert not (await search(expansions=2, finish="none"))[-1].nodes


async def test_the_children_of_the_wider_search_are_drawn_and_same_texts_merged() -> None:
    policy, verifier = ToyPolicy(LETTERS, seed=2), ToyVerifier(LETTER_SCORES)
    steps = await run("global_frontier", policy, verifier, expansions=3, finish="none")
    assert policy.widths == [8, 8, 8]
    assert (
        len(verifier.scored)
        == len({node.solution_text() for node in verifier.scored})
        < len(policy.born)
    )
    merged: list[Note] = [
        note
        for note in notes_of(steps, Pruned)
        if isinstance(note, Pruned) and note.reason == "same text as a sibling"
    ]
    assert merged


async def test_a_leaf_that_nobody_scored_is_not_backed_up() -> None:
    blind = await run("global_frontier", ToyPolicy(LETTERS), ToyVerifier({}), expansions=12)
    assert len(blind) > 1 and not notes_of(blind, Backed)
    assert any(value is None for value in blind[-1].values)
    steps = await run(
        "global_frontier",
        ToyPolicy(LETTERS),
        ToyVerifier(lambda path: 0.9 if len(path) == 3 else None),
        expansions=12,
    )
    assert notes_of(steps, Backed)
