"""Lookahead search: what becomes of a step ranks it, at the price of the steps that this takes."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence

import pytest

from backend.core.ports import Policy, Verifier
from backend.core.records import MemorySink
from backend.core.steps import Kept, Pruned, Remarked, Rolled, Step
from backend.core.types import Finish, Kind, Node
from backend.strategies.parts.beam import Beam, search_beam
from backend.strategies.parts.rollouts import ahead
from backend.strategies.parts.rounds import Valuation, Valued
from tests.golden import searched, spec
from tests.strategies.running import Snapshot, notes_of, run, texts
from tests.strategies.test_contract import forever, record, wandered, wild, wild_score
from tests.support.enumerable import (
    LETTER_SCORES,
    LETTERS,
    Language,
    Piece,
    ToyPolicy,
    ToyVerifier,
    prompt,
)

SEEDS = range(4)
DEEP = 7


def deep(path: str) -> list[Piece]:
    """Seven letters, each with a likelier one of two."""
    likely = "ab"[zlib.crc32(path.encode()) % 2]
    finish = Finish.END if len(path) + 1 == DEEP else Finish.STEP
    return [Piece(letter, 0.7 if letter == likely else 0.3, finish) for letter in "ab"]


def deep_score(path: str) -> float:
    return (zlib.crc32(path[::-1].encode()) % 997) / 997


def greedily(path: str, k: int) -> str:
    """The path after `k` likeliest letters, or where it is finished before."""
    for _ in range(min(k, DEEP - len(path))):
        path += max(deep(path), key=lambda piece: piece.probability).text
    return path


def rolled(steps: list[Snapshot]) -> list[Rolled]:
    return [note for note in notes_of(steps, Rolled) if isinstance(note, Rolled)]


def kept(steps: list[Snapshot]) -> list[Kept]:
    return [note for note in notes_of(steps, Kept) if isinstance(note, Kept)]


@pytest.mark.parametrize("k", [1, 2, 3, 9])
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_step_is_ranked_by_the_score_k_greedy_steps_further_on(k: int, seed: int) -> None:
    steps = await run(
        "lookahead", ToyPolicy(deep, seed), ToyVerifier(deep_score), n=8, beam_width=4, k=k
    )
    told = kept(steps)
    assert len(told) == DEEP - 1
    for note in told:
        assert note.values == tuple(
            deep_score(greedily(node.solution_text(), k)) for node in note.nodes
        )
    for roll in rolled(steps):
        assert roll.rollout.solution_text() == greedily(roll.node.solution_text(), k)
        assert roll.value == deep_score(roll.rollout.solution_text())
    for snapshot in steps[:-1]:
        [survivors] = [note for note in snapshot.step.notes if isinstance(note, Kept)]
        [gone] = [note for note in snapshot.step.notes if isinstance(note, Pruned)]
        ahead_of = [deep_score(greedily(node.solution_text(), k)) for node in gone.nodes]
        assert gone.cut == survivors.values[-1] and max(ahead_of) <= gone.cut


def trap(path: str) -> list[Piece]:
    """ "a" looks good and leads nowhere, "b" the other way round."""
    return (
        [Piece("a", 0.5), Piece("b", 0.5)]
        if not path
        else [Piece("x", 1.0, Finish.END if len(path) == 2 else Finish.STEP)]
    )


TRAP_SCORES = {"a": 0.9, "b": 0.2, "ax": 0.1, "bx": 0.8, "axx": 0.1, "bxx": 0.95}


def ignored(k: int, horizon: int) -> Valuation:
    """The published defect: rollouts are written and paid for, and then the step's own score ranks
    it."""
    looking = ahead(k, horizon)

    async def valued(policy: Policy, verifier: Verifier, nodes: Sequence[Node]) -> list[Valued]:
        await looking(policy, ToyVerifier(TRAP_SCORES), nodes)
        return [Valued(score.value) for score in await verifier.score(nodes)]

    return valued


async def chosen_first(value: Valuation) -> str:
    """The first survivor of a beam of one on the trap."""
    steps: list[Step] = []
    async for step in search_beam(
        prompt(),
        ToyPolicy(trap, every=True),
        ToyVerifier(TRAP_SCORES),
        Beam(2, 2, 40, False),
        value,
    ):
        steps.append(step)
    [first, *_] = [note for step in steps for note in step.notes if isinstance(note, Kept)]
    return first.nodes[0].text


async def test_looking_ahead_sees_through_a_trap_and_ignoring_what_is_seen_does_not() -> None:
    assert await chosen_first(ahead(0, 40)) == "a"
    assert [await chosen_first(ahead(k, 40)) for k in (1, 2, 3)] == ["b"] * 3
    assert await chosen_first(ignored(2, 40)) == "a"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("double", [False, True])
async def test_without_looking_ahead_it_is_beam_search(seed: int, double: bool) -> None:
    for language, score in ((wild, wild_score), (LETTERS, LETTER_SCORES.get)):
        traces = []
        for name, more in (("beam_search", {}), ("lookahead", {"k": 0})):
            policy = ToyPolicy(language, seed)
            steps = await wandered(
                name,
                policy,
                ToyVerifier(score),
                seed=seed,
                n=6,
                beam_width=3,
                filter_duplicates=double,
                **more,
            )
            traces.append(record(steps, policy.born))
        assert traces[0] == traces[1]


@pytest.mark.parametrize("k", [0, 1, 3])
async def test_a_round_costs_n_times_k_plus_one_steps_and_n_scores(k: int) -> None:
    policy, verifier = ToyPolicy(forever), ToyVerifier(lambda path: 0.5)
    await run("lookahead", policy, verifier, n=6, beam_width=3, k=k, stop_after=4)
    assert len(policy.born) == 4 * 6 * (k + 1)
    assert policy.widths == [6] * (4 * (k + 1))
    assert len(verifier.scored) == 4 * 6
    assert sum(node.kind is Kind.ROLLOUT for node in policy.born) == 4 * 6 * k


@pytest.mark.parametrize("k", [0, 2])
async def test_the_ledger_shows_every_step_of_a_rollout(k: int) -> None:
    sink = MemorySink()
    outcome = await searched(
        spec("lookahead", params={"n": 2, "beam_width": 2, "k": k, "max_steps": 30}), sink
    )
    written = [node for node in sink.nodes if node.parent_id is not None]
    kinds = Counter(node.kind for node in written)
    assert outcome.ledger["model_calls"] == len(written) == kinds["step"] + kinds["rollout"]
    assert outcome.ledger["generated_tokens"] == sum(len(node.token_ids) for node in written)
    assert (
        outcome.ledger["verifier_calls"]
        == sum(event.kind == "score" for event in sink.events)
        == kinds["step"]
    )
    assert kinds["rollout"] > 0 if k else kinds["rollout"] == 0


async def test_rollouts_come_near_the_step_limit_only_as_far_as_it_lets_them() -> None:
    policy = ToyPolicy(forever)
    await run(
        "lookahead", policy, ToyVerifier(lambda path: 0.5), n=2, beam_width=2, k=3, max_steps=5
    )
    assert [
        len([node for node in policy.born if node.kind is Kind.ROLLOUT and node.depth == depth])
        for depth in range(1, 7)
    ] == [0, 2, 4, 6, 6, 0]


def ending(fate: Piece, after: int) -> Language:
    """ "a" again and again, but the letter after `after` of them is `fate`."""
    return lambda path: [fate] if len(path) == after else [Piece("a", 1.0)]


@pytest.mark.parametrize(
    ("fate", "end", "reason"),
    [
        (Piece("e", 1.0, Finish.END), "aae", None),
        (Piece(" ", 1.0), "aa", "empty step"),
        (Piece("f", 1.0, Finish.ABORTED), "aa", "generation failed"),
        (Piece("l", 1.0, Finish.LENGTH), "aala", None),
    ],
)
async def test_a_rollout_that_ends_early_counts_with_its_last_living_node(
    fate: Piece, end: str, reason: str | None
) -> None:
    policy, verifier = ToyPolicy(ending(fate, 2)), ToyVerifier(lambda path: len(path) / 10)
    [first] = await run("lookahead", policy, verifier, n=2, beam_width=2, k=3, stop_after=1)
    [note] = [note for note in first.step.notes if isinstance(note, Kept)]
    assert note.values == (len(end) / 10,)
    assert {roll.rollout.solution_text() for roll in rolled([first])} == {end}
    told = [
        pruned.reason
        for pruned in notes_of([first], Pruned)
        if isinstance(pruned, Pruned) and pruned.reason != "outside the beam"
    ]
    assert told == ([reason] * 2 if reason else [])
    assert all(node.solution_text() == end for node in verifier.scored)


async def test_a_step_below_which_nothing_comes_counts_with_its_own_score() -> None:
    policy, verifier = (
        ToyPolicy(ending(Piece("", 1.0), 1)),
        ToyVerifier(lambda path: len(path) / 10),
    )
    [first] = await run("lookahead", policy, verifier, n=2, beam_width=2, k=3, stop_after=1)
    [note] = [note for note in first.step.notes if isinstance(note, Kept)]
    assert note.values == (0.1,) and not rolled([first])
    assert {node.text for node in verifier.scored} == {"a"} and policy.widths == [2, 2]


async def test_a_finished_step_is_scored_as_it_is_and_a_rollout_is_never_a_candidate() -> None:
    policy, verifier = ToyPolicy(LETTERS, seed=2), ToyVerifier(LETTER_SCORES)
    steps = await run("lookahead", policy, verifier, n=8, beam_width=2, k=9)
    assert [LETTER_SCORES[text] for text in texts(steps[-1])] == steps[-1].values
    assert all(node.kind is Kind.STEP for node in steps[-1].nodes)
    assert not {roll.node for roll in rolled(steps)} & set(steps[-1].nodes)
    assert all(roll.rollout.done and roll.rollout.kind is Kind.ROLLOUT for roll in rolled(steps))
    assert not any(
        node.kind is Kind.ROLLOUT and child.kind is Kind.STEP
        for child in policy.born
        if (node := child.parent)
    )


async def test_a_step_whose_rollout_has_no_score_waits_while_others_have_one() -> None:
    scores = {"a": 0.9, "ax": None, "b": 0.1, "bx": 0.2, "bxx": 0.3}
    steps = await run(
        "lookahead",
        ToyPolicy(trap, every=True),
        ToyVerifier(lambda path: scores.get(path)),
        n=2,
        beam_width=2,
        k=1,
        stop_after=1,
    )
    assert [node.text for node in kept(steps)[0].nodes] == ["b"]
    assert [
        note.nodes[0].text for note in notes_of(steps, Remarked) if isinstance(note, Remarked)
    ] == ["a"]


async def test_looking_as_far_as_the_end_finds_the_best_greedy_ending() -> None:
    steps = await run(
        "lookahead", ToyPolicy(deep, every=True), ToyVerifier(deep_score), n=2, beam_width=2, k=DEEP
    )
    first = kept(steps)[0].nodes[0].text
    assert first == max("ab", key=lambda letter: deep_score(greedily(letter, DEEP)))
