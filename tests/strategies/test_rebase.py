"""REBASE: golden shares, a width that adds up, and solutions that keep their part of it."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from backend.core.events import ScoreGiven
from backend.core.formulas.shares import shares
from backend.core.records import MemorySink
from backend.core.registry import STRATEGIES
from backend.core.steps import Allocated, Kept, Pruned, Remarked
from backend.core.types import Finish, Node
from tests.golden import searched, spec
from tests.strategies.running import Snapshot, notes_of, run, texts
from tests.strategies.test_contract import wandered, wild, wild_score
from tests.support.enumerable import LETTER_SCORES, LETTERS, Piece, ToyPolicy, ToyVerifier, below
from tests.support.logged import of

SEEDS = range(6)


def allocated(steps: list[Snapshot]) -> list[Allocated]:
    return [note for note in notes_of(steps, Allocated) if isinstance(note, Allocated)]


def pruned(steps: list[Snapshot], reason: str) -> list[Node]:
    return [
        node
        for note in notes_of(steps, Pruned)
        if isinstance(note, Pruned) and note.reason == reason
        for node in note.nodes
    ]


@pytest.mark.parametrize(
    ("scores", "width", "temperature", "golden"),
    [
        ([0.9, 0.7, 0.4, 0.1], 16, 0.2, [11, 4, 1, 0]),
        ([0.9, 0.7, 0.4, 0.1], 4, 0.1, [4, 0, 0, 0]),
        ([0.9, 0.7, 0.4, 0.1], 8, 1.0, [3, 3, 2, 0]),
    ],
)
def test_golden_shares(
    scores: list[float], width: int, temperature: float, golden: list[int]
) -> None:
    assert shares(scores, width, temperature) == golden


@pytest.mark.parametrize("seed", range(60))
def test_shares_add_up_to_the_width_and_none_is_negative(seed: int) -> None:
    dice = random.Random(seed)
    scores = sorted((dice.random() for _ in range(dice.randint(1, 40))), reverse=True)
    granted = shares(scores, width := dice.randint(1, 64), 10.0 ** dice.uniform(-4, 4))
    assert sum(granted) == width and min(granted) >= 0
    assert granted[0] == max(granted)


def test_without_temperature_the_best_gets_all_and_with_endless_temperature_all_get_alike() -> None:
    assert shares([0.9, 0.8999, 0.1], 16, 1e-6) == [16, 0, 0]
    assert shares([1.0, 1.0, 0.0], 16, 1e-6) == [8, 8, 0]
    assert shares([0.9, 0.7, 0.4, 0.1], 16, 1e12) == [4, 4, 4, 4]
    assert shares([0.9, 0.7, 0.4], 16, 1e12) == [6, 5, 5]
    assert shares([0.5] * 7, 49, 0.2) == [7] * 7


def test_shares_are_those_of_the_softmax_but_for_the_rounding() -> None:
    scores = [0.95, 0.6, 0.5, 0.2]
    raised = [2.718281828459045 ** (score / 0.3) for score in scores]
    for own, granted in zip(raised, shares(scores, 1000, 0.3), strict=True):
        assert abs(granted - 1000 * own / sum(raised)) < 2


async def test_the_root_gets_the_whole_width_and_every_depth_what_solutions_have_left() -> None:
    for seed in SEEDS:
        policy = ToyPolicy(wild, seed)
        steps = await wandered(
            "rebase", policy, ToyVerifier(wild_score), seed=seed, width=20, temperature=0.5
        )
        done = 0
        for place, (note, snapshot) in enumerate(zip(allocated(steps), steps, strict=True)):
            assert sum(note.widths) == 20 - done == policy.widths[place]
            done = sum(node.done for node in snapshot.nodes)
            assert snapshot.step.stats["width"] == 20 - done
        assert allocated(steps)[0].widths == (20,)
        assert len(steps[-1].nodes) <= 20


async def test_each_solution_takes_one_unit_of_the_width_for_good() -> None:
    def one_ends(path: str) -> list[Piece]:
        return [Piece("E", 0.25, Finish.END), *(Piece(letter, 0.25) for letter in "abc")]

    policy = ToyPolicy(one_ends, every=True)
    verifier = ToyVerifier(lambda path: 1.0 if path.endswith("a") else 0.0)
    steps = await run("rebase", policy, verifier, width=4, temperature=0.01)
    assert [note.widths for note in allocated(steps)][:2] == [(4,), (3, 0, 0)]
    assert policy.widths[:2] == [4, 3]
    assert [sum(note.widths) for note in allocated(steps)] == policy.widths == [4, 3, 2, 1]
    assert [len(snapshot.nodes) for snapshot in steps] == [1, 2, 3, 4]
    assert texts(steps[-1]) == ["E", "aE", "aaE", "aaaE"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("width", [1, 7])
async def test_there_are_never_more_solutions_than_the_width(seed: int, width: int) -> None:
    steps = await wandered(
        "rebase", ToyPolicy(wild, seed), ToyVerifier(wild_score), seed=seed, width=width
    )
    assert len({node for snapshot in steps for node in snapshot.nodes}) <= width
    exact = await run("rebase", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES), width=width)
    assert len(exact[-1].nodes) == width


@pytest.mark.parametrize("seed", SEEDS)
async def test_with_a_width_of_one_it_is_a_chain(seed: int) -> None:
    chain = await run("chain", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES))
    assert texts(
        (await run("rebase", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES), width=1))[-1]
    ) == texts(chain[-1])


def four(path: str) -> list[Piece]:
    return [Piece(letter, 0.25, Finish.END if path else Finish.STEP) for letter in "abcd"]


async def test_children_follow_the_scores_and_what_gets_none_is_told() -> None:
    verifier = ToyVerifier(
        {"d": 0.9, "b": 0.7, "a": 0.4, "c": 0.1} | {a + b: 0.5 for a in "abcd" for b in "abcd"}
    )
    steps = await run("rebase", ToyPolicy(four, every=True), verifier, width=4, temperature=0.1)
    second = allocated(steps)[1]
    assert ([node.text for node in second.nodes], second.widths) == (
        ["d", "b", "a", "c"],
        (4, 0, 0, 0),
    )
    assert [node.text for node in pruned(steps, "got no share of the width")] == ["a", "b", "c"]
    assert [
        [node.text for node in note.nodes]
        for note in notes_of(steps, Kept)
        if isinstance(note, Kept)
    ][1] == ["d"]


async def test_among_equal_scores_the_earlier_comes_first() -> None:
    steps = await run("rebase", ToyPolicy(four, every=True), ToyVerifier(lambda path: 0.5), width=6)
    second = allocated(steps)[1]
    assert ([node.text for node in second.nodes], second.widths) == (
        ["a", "b", "c", "d", "a", "b"],
        (1,) * 6,
    )


async def test_a_prefix_without_a_score_stays_and_gets_children_only_where_none_has_a_score() -> (
    None
):
    scores: dict[str, float] = {"b": 0.3} | {a + b: 0.5 for a in "abcd" for b in "abcd"}
    steps = await run("rebase", ToyPolicy(four, every=True), ToyVerifier(scores), width=4)
    assert ([node.text for node in allocated(steps)[1].nodes], allocated(steps)[1].widths) == (
        ["b"],
        (4,),
    )
    assert {node.text for node in pruned(steps, "got no share of the width")} == {"a", "c", "d"}
    assert {
        node.text
        for note in notes_of(steps, Remarked)
        if isinstance(note, Remarked)
        for node in note.nodes
    } == {"a", "c", "d"}

    def some_end(path: str) -> list[Piece]:
        return [Piece("E", 0.5, Finish.END), Piece("a", 0.5)]

    steps = await run(
        "rebase",
        ToyPolicy(some_end, every=True),
        ToyVerifier(lambda path: 0.5 if path.endswith("E") else None),
        width=4,
    )
    assert allocated(steps)[1].widths == (1, 1)


async def test_a_child_that_wrote_nothing_takes_no_width_with_it() -> None:
    def hollow(path: str) -> list[Piece]:
        return (
            [Piece("E", 1.0, Finish.END)] if len(path) == 2 else [Piece("", 0.5), Piece("a", 0.5)]
        )

    steps = await run(
        "rebase", ToyPolicy(hollow, every=True), ToyVerifier(lambda path: 0.5), width=8
    )
    assert [sum(note.widths) for note in allocated(steps)] == [8, 8, 8]
    assert len(steps[-1].nodes) == 8


async def test_the_tokens_of_the_whole_path_count_against_the_limit() -> None:
    def endless(path: str) -> list[Piece]:
        return [Piece("a", 1.0)]

    policy = ToyPolicy(endless)
    steps = await run(
        "rebase", policy, ToyVerifier(lambda path: 0.5), root=below("a", 3), width=5, max_tokens=4
    )
    assert max(node.depth for node in policy.born) == 3 + 4, (
        "a step has one token, and the root's own do not count"
    )
    assert len(pruned(steps, "token limit")) == 5 and steps[-1].step.stats["width"] == 0
    assert not steps[-1].nodes


async def test_a_path_at_the_token_limit_takes_one_unit_of_the_width() -> None:
    def uneven(path: str) -> list[Piece]:
        return [
            Piece("E", 0.5, Finish.END),
            Piece("a", 0.2),
            Piece("b", 0.2),
            Piece("E", 0.1, Finish.END),
        ][: 2 if path else 4]

    policy = ToyPolicy(uneven, every=True)
    steps = await run(
        "rebase",
        policy,
        ToyVerifier(lambda path: 0.9 if path == "a" else 0.1),
        width=8,
        temperature=1e-3,
        max_tokens=2,
    )
    assert [note.widths for note in allocated(steps)] == [(8,), (2, 2, 0, 0)]
    assert [snapshot.step.stats["width"] for snapshot in steps] == [4, 0]
    assert [node.solution_text() for node in pruned(steps, "token limit")] == ["aa", "aa"]
    assert len(steps[-1].nodes) == 6


async def test_what_is_left_at_the_step_limit_is_told() -> None:
    steps = await run(
        "rebase",
        ToyPolicy(lambda path: [Piece("a", 1.0)]),
        ToyVerifier(lambda path: 0.5),
        width=3,
        max_steps=4,
    )
    assert [node.depth for node in pruned(steps, "step limit")] == [4, 4, 4]


@pytest.mark.parametrize(
    ("ratio", "extended"), [(1.0, 4), (0.5, 2), (0.26, 2), (0.25, 1), (0.01, 1)]
)
async def test_truncation_leaves_the_best_part_of_the_prefixes(ratio: float, extended: int) -> None:
    verifier = ToyVerifier(
        {"d": 0.9, "b": 0.7, "a": 0.4, "c": 0.1} | {a + b: 0.5 for a in "abcd" for b in "abcd"}
    )
    steps = await run(
        "rebase",
        ToyPolicy(four, every=True),
        verifier,
        width=4,
        temperature=1e5,
        truncate_ratio=ratio,
    )
    assert [node.text for node in allocated(steps)[1].nodes] == ["d", "b", "a", "c"][:extended]
    assert sum(allocated(steps)[1].widths) == 4


def test_the_published_defaults_and_the_weighted_vote() -> None:
    params = STRATEGIES["rebase"].parse({}).model_dump()
    assert params == {
        "width": 16,
        "temperature": 0.2,
        "truncate_ratio": 1.0,
        "max_tokens": 1024,
        "max_steps": 25,
    }
    assert STRATEGIES["rebase"].card.selector == "weighted"


async def test_the_ledger_counts_one_call_and_one_score_a_child() -> None:
    sink = MemorySink()
    outcome = await searched(spec("rebase", params={"width": 7}), sink)
    written = [node for node in sink.nodes if node.parent_id is not None]
    scored = Counter(given.node for given in of(ScoreGiven, sink.events))
    assert (
        outcome.ledger["model_calls"]
        == len(written)
        == sum(sum(note.widths) for note in of(Allocated, sink.events))
    )
    assert outcome.ledger["generated_tokens"] == sum(len(node.token_ids) for node in written)
    assert outcome.ledger["verifier_calls"] == len(scored) == sum(scored.values())


def test_a_low_temperature_does_not_overflow() -> None:
    assert shares([0.9, 0.1], 16, 1e-3) == shares([1.0, 0.0], 16, 1e-6) == [16, 0]
