"""Best-of-N, step-wise best-of-N, beam search and DVTS: exact on a small language, and free of
their known defects."""

from __future__ import annotations

from typing import Any

import pytest

from backend.core.errors import BadInput
from backend.core.registry import STRATEGIES
from backend.core.steps import Allocated, Kept, Pruned, Remarked
from backend.core.types import Finish
from backend.judging.rules import SELECTORS
from backend.strategies.parts.rounds import UNSCORED_ROUND
from tests.strategies.running import notes_of, run, texts
from tests.support.enumerable import (
    LEAVES,
    LETTER_SCORES,
    LETTERS,
    STOP_SCORES,
    STOPS,
    Piece,
    ToyPolicy,
    ToyVerifier,
)

SEEDS = range(6)


async def test_a_beam_as_wide_as_the_language_is_exhaustive() -> None:
    policy = ToyPolicy(LETTERS, every=True)
    steps = await run(
        "beam_search",
        policy,
        ToyVerifier(LETTER_SCORES),
        n=16,
        beam_width=2,
        filter_duplicates=True,
    )
    assert set(texts(steps[-1])) == set(LEAVES)
    assert (
        SELECTORS["best"](steps[-1].nodes, steps[-1].values).solution_text()
        == max(LEAVES, key=LETTER_SCORES.__getitem__)
        == "bab"
    )


@pytest.mark.parametrize("seed", SEEDS)
async def test_best_of_n_is_a_beam_that_never_prunes(seed: int) -> None:
    beam = await run(
        "beam_search", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES), n=8, beam_width=1
    )
    best = await run("best_of_n", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES), n=8)
    assert sorted(texts(beam[-1])) == sorted(texts(best[-1]))
    assert len(best) == 8


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("best_of_n", {"n": 1}),
        ("stepwise_best_of_n", {"n": 1}),
        ("beam_search", {"n": 1, "beam_width": 1}),
        ("dvts", {"n": 1, "beam_width": 1}),
        ("lookahead", {"n": 1, "beam_width": 1, "k": 0}),
        ("rebase", {"width": 1}),
        ("tree_sampling", {"iterations": 1}),
        ("a_star", {"branching": 1}),
        ("particle_filter", {"particles": 1}),
        ("first_finish", {"n": 1}),
        ("ab_mcts", {"answers": 1}),
        ("mcts", {"children": 1, "simulations": 3}),
        ("global_frontier", {"width": 1}),
    ],
)
async def test_with_one_sample_every_search_is_a_chain(
    seed: int, name: str, params: dict[str, Any]
) -> None:
    chain = await run("chain", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES))
    search = await run(name, ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES), **params)
    assert texts(search[-1]) == texts(chain[-1])


@pytest.mark.parametrize("seed", SEEDS)
async def test_dvts_with_one_subtree_walks_as_stepwise_best_of_n(seed: int) -> None:
    stepwise = await run(
        "stepwise_best_of_n", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES), n=4
    )
    dvts = await run(
        "dvts", ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES), n=4, beam_width=4
    )
    best = SELECTORS["best"](dvts[-1].nodes, dvts[-1].values)
    assert best.solution_text() == texts(stepwise[-1])[0]


async def test_stepwise_best_of_n_follows_the_best_score_at_every_step() -> None:
    steps = await run(
        "stepwise_best_of_n", ToyPolicy(LETTERS, every=True), ToyVerifier(LETTER_SCORES), n=2
    )
    assert [texts(snapshot) for snapshot in steps] == [["a"], ["aa"], ["aab"]]


async def test_a_greedy_chain_takes_the_likeliest_step() -> None:
    steps = await run("chain", ToyPolicy(LETTERS), ToyVerifier({}), greedy=True)
    assert texts(steps[-1]) == ["aaa"]


async def test_an_empty_step_ends_a_chain_with_the_reason() -> None:
    steps = await run("chain", ToyPolicy(lambda path: [Piece(" \n", 1.0)]), ToyVerifier({}))
    assert len(steps) == 1
    assert [note.reason for note in steps[0].step.notes if isinstance(note, Pruned)] == [
        "empty step"
    ]


async def test_best_of_n_writes_in_one_go_and_scores_each_solution_as_it_finishes() -> None:
    policy, verifier = ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES)
    seen: list[int] = []
    steps = await run("best_of_n", policy, verifier, n=5)
    seen = [len(snapshot.nodes) for snapshot in steps]
    assert seen == [1, 2, 3, 4, 5]
    assert all(len(node.text) == 3 and node.depth == 1 for node in policy.born)
    assert steps[0].step.nodes is steps[-1].step.nodes


async def test_best_of_n_survives_failed_scores() -> None:
    scores = {path: value for path, value in LETTER_SCORES.items() if path != "aab"}
    steps = await run("best_of_n", ToyPolicy(LETTERS), ToyVerifier(scores), n=24)
    assert None in steps[-1].values
    assert SELECTORS["best"](steps[-1].nodes, steps[-1].values).solution_text() != "aab"
    steps = await run("best_of_n", ToyPolicy(LETTERS), ToyVerifier({}), n=24)
    assert len(steps[-1].nodes) == 24 and set(steps[-1].values) == {None}


async def test_a_beam_keeps_the_order_that_it_had_in_a_round_without_any_score() -> None:
    """All steps of the second round fail: the beam goes on with those of its best prefix."""
    verifier = ToyVerifier(lambda path: None if len(path) == 2 else ord(path[0]) / 200)
    steps = await run("beam_search", ToyPolicy(LETTERS), verifier, n=12, beam_width=3)
    before, blind = [note for note in notes_of(steps, Kept) if isinstance(note, Kept)][:2]
    grown = [node for node in blind.nodes if node.parent is before.nodes[0]]
    assert blind.nodes[: len(grown)] == tuple(grown) and len(grown) >= 3
    assert set(blind.values) == {None} and None not in steps[-1].values
    [told] = {note.text for note in steps[1].step.notes if isinstance(note, Remarked)}
    assert told == UNSCORED_ROUND


async def test_a_beam_draws_n_steps_in_every_round_however_few_survive() -> None:
    policy = ToyPolicy(LETTERS)
    steps = await run("beam_search", policy, ToyVerifier(LETTER_SCORES), n=12, beam_width=3)
    assert policy.widths == [12, 12, 12]
    for note in notes_of(steps, Allocated):
        assert isinstance(note, Allocated)
        assert sum(note.widths) == 12
        assert max(note.widths) - min(note.widths) <= 1


async def test_a_beam_keeps_the_best_n_over_m_of_the_unfinished() -> None:
    steps = await run(
        "beam_search",
        ToyPolicy(LETTERS, every=True),
        ToyVerifier(LETTER_SCORES),
        n=12,
        beam_width=3,
    )
    for snapshot in steps[:2]:
        [kept] = [note for note in snapshot.step.notes if isinstance(note, Kept)]
        [cut] = [note for note in snapshot.step.notes if isinstance(note, Pruned)]
        assert len(kept.nodes) == 4
        assert cut.cut == kept.values[-1]
        assert min(LETTER_SCORES[node.solution_text()] for node in kept.nodes) >= max(
            LETTER_SCORES[node.solution_text()] for node in cut.nodes
        )


@pytest.mark.parametrize("name", ["beam_search", "dvts", "lookahead"])
@pytest.mark.parametrize("seed", SEEDS)
async def test_no_candidate_votes_twice(name: str, seed: int) -> None:
    steps = await run(name, ToyPolicy(LETTERS, seed), ToyVerifier(LETTER_SCORES), n=8, beam_width=2)
    assert len(set(steps[-1].nodes)) == len(steps[-1].nodes) > 0


async def test_finished_solutions_are_set_aside_and_the_rest_goes_on() -> None:
    def language(path: str) -> list[Piece]:
        return [Piece("E", 0.5, Finish.END), Piece("a", 0.5)]

    verifier = ToyVerifier(lambda path: 0.9 if path.endswith("E") else 0.1)
    steps = await run(
        "beam_search", ToyPolicy(language, every=True), verifier, n=4, beam_width=2, max_steps=3
    )
    assert [len(snapshot.nodes) for snapshot in steps] == [2, 4, 8]
    assert all(node.done for node in steps[-1].nodes[:4])


async def test_a_step_at_its_length_limit_is_not_an_end() -> None:
    def language(path: str) -> list[Piece]:
        return [Piece("l", 1.0, Finish.LENGTH)] if len(path) < 2 else [Piece("e", 1.0, Finish.END)]

    stepwise = [
        name for name, entry in STRATEGIES.items() if "max_steps" in entry.params.model_fields
    ]
    assert len(stepwise) >= 14
    for name in stepwise:
        policy = ToyPolicy(language)
        steps = await run(name, policy, ToyVerifier(lambda path: 0.5))
        assert {
            text
            for snapshot in steps
            for text, node in zip(texts(snapshot), snapshot.nodes, strict=True)
            if node.done
        } == {"lle"}


async def test_duplicates_are_merged_on_demand_and_their_number_is_told() -> None:
    steps = await run(
        "beam_search",
        ToyPolicy(LETTERS, every=True),
        ToyVerifier(LETTER_SCORES),
        n=8,
        beam_width=2,
        filter_duplicates=True,
    )
    [kept] = [note for note in steps[0].step.notes if isinstance(note, Kept)]
    assert [node.solution_text() for node in kept.nodes] == ["a", "b"]
    remarks = [note.text for note in steps[0].step.notes if isinstance(note, Remarked)]
    assert remarks == ["stands for 4 prefixes with the same text"] * 2


@pytest.mark.parametrize("name", ["beam_search", "dvts", "lookahead"])
def test_a_width_that_does_not_divide_n_is_refused_by_name(name: str) -> None:
    with pytest.raises(BadInput, match=r"beam_width.*got 4.*divisor of n = 6"):
        STRATEGIES[name].parse({"n": 6})
    with pytest.raises(BadInput, match="beam_width"):
        STRATEGIES[name].parse({"n": 2})


async def test_dvts_subtrees_share_a_batch_and_never_meet() -> None:
    policy = ToyPolicy(LETTERS)
    steps = await run("dvts", policy, ToyVerifier(LETTER_SCORES), n=8, beam_width=2)
    assert policy.widths == [8, 8, 8]
    tracks = [f"subtree {index}" for index in range(4)]
    assert [snapshot.step.track for snapshot in steps] == tracks * 3
    for track in tracks:
        kept = [
            note.nodes[0]
            for s in steps
            if s.step.track == track
            for note in s.step.notes
            if isinstance(note, Kept)
        ]
        assert kept[1].parent is kept[0]
    assert len({id(note) for note in notes_of(steps, Kept)}) == 8


async def test_dvts_hands_in_all_candidates_of_the_last_round() -> None:
    policy = ToyPolicy(LETTERS)
    steps = await run("dvts", policy, ToyVerifier(LETTER_SCORES), n=8, beam_width=2)
    assert set(steps[-1].nodes) == {node for node in policy.born if node.done}
    assert len(steps[-1].nodes) == 8


async def test_an_empty_step_ends_no_subtree_of_dvts_however_well_it_would_score() -> None:
    def language(path: str) -> list[Piece]:
        if len(path) > 1:
            return []
        return [Piece(" ", 0.5), Piece("a", 0.5, Finish.END if path else Finish.STEP)]

    verifier = ToyVerifier({" ": 1.0, "a ": 1.0, "a": 0.1, "aa": 0.2})
    steps = await run("dvts", ToyPolicy(language, every=True), verifier, n=2, beam_width=2)
    assert [snapshot.step.phase for snapshot in steps] == ["select", "collect"]
    assert texts(steps[-1]) == ["aa"]


@pytest.mark.parametrize("name", ["beam_search", "lookahead", "dvts", "stepwise_best_of_n"])
async def test_among_equal_scores_the_earlier_prefix_survives(name: str) -> None:
    equal = dict.fromkeys(LETTER_SCORES, 0.5)
    params = {"n": 2} if name == "stepwise_best_of_n" else {"n": 2, "beam_width": 2}
    steps = await run(name, ToyPolicy(LETTERS, every=True), ToyVerifier(equal), **params)
    first = notes_of(steps, Kept)[0]
    assert isinstance(first, Kept) and [node.solution_text() for node in first.nodes] == ["a"]


@pytest.mark.parametrize("name", ["beam_search", "dvts", "lookahead"])
async def test_no_solution_is_listed_twice_while_others_are_still_written(name: str) -> None:
    steps = await run(
        name, ToyPolicy(STOPS, every=True), ToyVerifier(STOP_SCORES), n=8, beam_width=2
    )
    assert 0 < len(steps[0].nodes) < 8
    assert all(len(set(snapshot.nodes)) == len(snapshot.nodes) for snapshot in steps)


@pytest.mark.parametrize("name", ["beam_search", "dvts", "stepwise_best_of_n", "rebase"])
async def test_a_solution_ends_where_the_model_ends_it_and_not_where_a_phrase_occurs(
    name: str,
) -> None:
    def language(path: str) -> list[Piece]:
        return (
            [Piece("No: \\boxed{2}.", 1.0, Finish.END)]
            if path
            else [Piece("The answer is \\boxed{1}. ", 1.0)]
        )

    steps = await run(name, ToyPolicy(language), ToyVerifier(lambda path: 0.5))
    assert set(texts(steps[-1])) == {"The answer is \\boxed{1}. No: \\boxed{2}."}


async def test_dvts_lists_no_unfinished_candidate_beside_a_finished_one() -> None:
    def language(path: str) -> list[Piece]:
        return [Piece("a", 0.5, Finish.END), Piece("b", 0.5)]

    verifier = ToyVerifier({"a": 0.9, "b": 0.1, "ba": 0.2, "bb": 0.3})
    steps = await run("dvts", ToyPolicy(language, every=True), verifier, n=2, beam_width=2)
    assert texts(steps[-1]) == ["a"] and all(node.done for node in steps[-1].nodes)
