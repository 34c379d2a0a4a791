"""AB-MCTS-A: golden posteriors, which arm learns which score, batches that waste nothing, and a
tree that grows where scores say."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest

from backend.core.ports import Rng
from backend.core.steps import Backed, Drawn, Pruned, Remarked
from backend.core.types import Finish, Kind, Node
from backend.strategies.parts.answer_tree.branching import Branch, ask, open_answer, tell
from backend.strategies.parts.answer_tree.thompson import (
    PRIORS,
    BanditArm,
    Beta,
    NormalInverseGamma,
)
from backend.strategies.parts.rounds import UNSCORED_ROUND
from tests.strategies.running import Snapshot, notes_of, run
from tests.support.enumerable import (
    LETTER_SCORES,
    LETTERS,
    Piece,
    ToyPolicy,
    ToyVerifier,
    answer_text,
    prompt,
)

REVISION = "Let me check this solution"


async def search(policy: ToyPolicy | None = None, seed: int = 0, **params: Any) -> list[Snapshot]:
    return await run(
        "ab_mcts", policy or ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES), seed=seed, **params
    )


def backed(steps: list[Snapshot]) -> list[Backed]:
    return [note for note in notes_of(steps, Backed) if isinstance(note, Backed)]


def level(node: Node) -> int:
    """How many answers the path to an answer holds, itself included."""
    return sum(part.done for part in node.path())


def gaining(path: str) -> float:
    """A score that every revision makes a little better."""
    return min(0.9, 0.3 + 0.2 * path.count(REVISION))


def seen(*scores: float) -> BanditArm:
    arm = BanditArm()
    for score in scores:
        arm.observe(score)
    return arm


class Sure(NamedTuple):
    """A belief that leaves no doubt."""

    value: float

    def draw(self, rng: Rng) -> float:
        return self.value


def kept(arm: BanditArm) -> tuple[int, Fraction, Fraction]:
    return arm.count, arm.total, arm.squares


def test_golden_posterior_of_the_normal_inverse_gamma() -> None:
    assert NormalInverseGamma().after(seen(0.2, 0.8, 0.5)) == pytest.approx(
        (0.375, 4.0, 4.0, 0.116875)
    )
    assert NormalInverseGamma().after(BanditArm()) == (0.0, 1.0, 1.0, 0.1)
    assert NormalInverseGamma().after(seen(0.5)) == pytest.approx(
        (0.25, 2.0, 2.0, (0.1 + 0.125) / 2)
    )


def test_gaussian_draws_are_spread_like_the_posterior_of_the_mean() -> None:
    rng, arm = np.random.default_rng(0), seen(0.2, 0.8, 0.5)
    draws = [PRIORS["gaussian"](arm).draw(rng) for _ in range(20_000)]
    unit = math.sqrt(0.116875 / 4)  # a t distribution with 4 degrees of freedom about 0.375
    assert np.quantile(draws, [0.25, 0.5, 0.75]) == pytest.approx(
        [0.375 - 0.740697 * unit, 0.375, 0.375 + 0.740697 * unit], abs=0.006
    )
    assert np.quantile(draws, 0.95) == pytest.approx(0.375 + 2.131847 * unit, abs=0.015)


def test_beta_draws_are_those_of_jeffreys_prior_and_the_scores() -> None:
    rng = np.random.default_rng(0)
    draws = [PRIORS["beta"](seen(0.2, 0.8, 0.5)).draw(rng) for _ in range(20_000)]  # Beta(2, 2)
    assert (np.mean(draws), np.var(draws)) == (
        pytest.approx(0.5, abs=0.005),
        pytest.approx(0.05, abs=0.002),
    )
    assert min(draws) >= 0.0 and max(draws) <= 1.0
    empty = [PRIORS["beta"](BanditArm()).draw(rng) for _ in range(20_000)]  # Beta(1/2, 1/2)
    assert np.var(empty) == pytest.approx(0.125, abs=0.003)


def family() -> tuple[Branch, list[Branch]]:
    """A root with two answers; the first was revised twice, and one of those once more."""
    root = Branch(prompt())

    def grown(parent: Branch) -> Branch:
        return parent.grow(
            Node(
                "answer",
                parent=parent.node,
                depth=parent.node.depth + 1,
                done=True,
                finish=Finish.END,
            )
        )

    first, second = grown(root), grown(root)
    third, fourth = grown(first), grown(first)
    return root, [first, second, third, fourth, grown(third)]


SCORES = [0.1, 0.7, 0.3, 0.2, 0.9]


def test_every_arm_above_an_answer_learns_its_score_and_no_other() -> None:
    root, (first, second, third, fourth, fifth) = family()
    for branch, score in zip((first, second, third, fourth, fifth), SCORES, strict=True):
        tell(branch, score)
    expected = [
        (root.gen, (0.1, 0.7)),
        (root.cont, (0.3, 0.2, 0.9)),
        (first.arm, (0.1, 0.3, 0.2, 0.9)),
        (second.arm, (0.7,)),
        (first.gen, (0.3, 0.2)),
        (first.cont, (0.9,)),
        (third.arm, (0.3, 0.9)),
        (fourth.arm, (0.2,)),
        (third.gen, (0.9,)),
        (fifth.arm, (0.9,)),
        (second.gen, ()),
        (second.cont, ()),
        (third.cont, ()),
        (fifth.gen, ()),
        (root.arm, ()),
    ]
    for arm, scores in expected:
        assert kept(arm) == kept(seen(*scores))


def test_telling_again_changes_nothing_and_the_order_of_telling_does_not_matter() -> None:
    def arms(order: tuple[int, ...], again: bool = False) -> list[tuple[int, Fraction, Fraction]]:
        root, branches = family()
        for place in order:
            notes = tell(branches[place], SCORES[place])
            assert [note.value for note in notes if isinstance(note, Backed)] == [SCORES[place]]
            assert not again or tell(branches[place], 0.5) == ()
        return [
            kept(arm)
            for branch in (root, *branches)
            for arm in (branch.arm, branch.gen, branch.cont)
        ]

    expected = arms((0, 1, 2, 3, 4))
    assert arms((0, 1, 2, 3, 4), again=True) == expected
    assert all(arms(order) == expected for order in itertools.permutations(range(5)))


def test_where_a_new_answer_here_always_wins_all_are_fresh_and_where_it_never_wins_only_the_first() -> (
    None
):
    root, branches = family()
    rng = np.random.default_rng(0)
    gens = {id(branch.gen) for branch in (root, *branches)}
    wide = ask(root, lambda arm: Sure(float(id(arm) in gens)), rng, 9)
    assert wide.branch is root
    [note] = wide.notes
    assert note == Drawn(root.node, 1.0, 0.0, (), (), ({"value": 1.0}, {"value": 0.0}))
    deep = ask(root, lambda arm: Sure(float(id(arm) not in gens)), rng, 9)
    # root, first, third, fifth: always the first of equals, down to one without children
    assert deep.branch is branches[4]
    assert [
        (note.gen, note.cont, note.draws) for note in deep.notes if isinstance(note, Drawn)
    ] == [(0.0, 1.0, (1.0, 1.0)), (0.0, 1.0, (1.0, 1.0)), (0.0, 1.0, (1.0,))]
    greatest = ask(
        root,
        lambda arm: Sure(
            {id(branches[1].arm): 0.9}.get(id(arm), 0.2 if id(arm) not in gens else 0.0)
        ),
        rng,
        9,
    )
    assert greatest.branch is branches[1]


@pytest.mark.parametrize(
    ("prior", "names"), [("gaussian", ["m", "kappa", "nu", "tau2"]), ("beta", ["a", "b"])]
)
def test_a_note_says_which_posterior_each_draw_came_from(prior: str, names: list[str]) -> None:
    root, branches = family()
    for branch, score in zip(branches, SCORES, strict=True):
        tell(branch, score)
    rng, again = np.random.default_rng(5), np.random.default_rng(5)
    notes = [
        note
        for _ in range(20)
        for note in ask(root, PRIORS[prior], rng, 9).notes
        if isinstance(note, Drawn)
    ]
    assert max(len(note.children) for note in notes) == 2
    for note in notes:
        drawn = [note.gen, note.cont, *note.draws]
        known = {"gaussian": NormalInverseGamma, "beta": Beta}[prior]
        assert all(list(belief) == names for belief in note.beliefs)
        assert [known(**belief).draw(again) for belief in note.beliefs] == drawn


@pytest.mark.parametrize(("max_depth", "deepest"), [(1, 0), (2, 1), (3, 2)])
def test_nothing_is_asked_for_below_the_greatest_depth(max_depth: int, deepest: int) -> None:
    root, branches = family()
    gens = {id(branch.gen) for branch in (root, *branches)}
    assert (
        ask(
            root, lambda arm: Sure(float(id(arm) not in gens)), np.random.default_rng(0), max_depth
        ).branch.level
        == deepest
    )


async def test_with_fresh_answers_only_this_is_repeated_sampling() -> None:
    steps = await search(ToyPolicy(LETTERS, 4), max_depth=1, answers=12)
    sampled = await run("best_of_n", ToyPolicy(LETTERS, 4), ToyVerifier(LETTER_SCORES), n=12)
    assert [node.solution_text() for node in steps[-1].nodes] == [
        node.solution_text() for node in sampled[-1].nodes
    ]
    assert {snapshot.step.phase for snapshot in steps} == {"wider"}


@pytest.mark.parametrize("batch", [1, 4, 7, 40])
async def test_no_paid_answer_is_wasted_whatever_the_batch(batch: int) -> None:
    policy, verifier = ToyPolicy(LETTERS), ToyVerifier(LETTER_SCORES)
    steps = await run("ab_mcts", policy, verifier, answers=40, batch=batch, max_depth=9)
    notes, root = backed(steps), policy.asked[0]
    assert len(steps) == math.ceil(40 / batch) and policy.widths == [
        min(batch, 40 - batch * turn) for turn in range(len(steps))
    ]
    assert steps[-1].nodes == policy.born == verifier.scored == [note.path[-1] for note in notes]
    assert all(note.path[0] is root and note.path == tuple(note.path[-1].path()) for note in notes)
    assert (
        [note.value for note in notes]
        == [LETTER_SCORES[answer_text(node)] for node in policy.born]
        == steps[-1].values
    )
    for snapshot, width in zip(steps[1:], policy.widths[1:], strict=True):
        drawn = [note for note in snapshot.step.notes if isinstance(note, Drawn)]
        # every ask of a batch tells its draws
        assert sum(note.node is root for note in drawn) == width
    first = steps[0].nodes
    # nothing is known yet, so all of these are fresh
    assert len(first) == batch and all(node.parent is root for node in first)


@pytest.mark.parametrize("prior", ["gaussian", "beta"])
async def test_each_answer_is_where_the_draws_said(prior: str) -> None:
    fresh = revised = 0
    for snapshot in await run(
        "ab_mcts", ToyPolicy(LETTERS), ToyVerifier(gaining), answers=80, max_depth=6, prior=prior
    ):
        drawn = [note for note in snapshot.step.notes if isinstance(note, Drawn)]
        [backup] = [note for note in snapshot.step.notes if isinstance(note, Backed)]
        answers = [node for node in backup.path if node.done]
        place = backup.path[0]
        for note in drawn:
            assert (
                note.node is place
                and bool(note.draws) == (note.cont > note.gen)
                and len(note.children) == len(note.draws)
            )
            if note.draws:
                place = note.children[max(range(len(note.draws)), key=note.draws.__getitem__)]
        assert place is ([backup.path[0], *answers])[-2]
        assert snapshot.step.phase == ("wider" if len(answers) == 1 else "deeper")
        fresh, revised = fresh + (len(answers) == 1), revised + (len(answers) > 1)
    assert fresh > 5 and revised > 5


async def test_a_revision_reopens_its_answer_once_and_continues_it() -> None:
    policy = ToyPolicy(LETTERS)
    await run("ab_mcts", policy, ToyVerifier(gaining), answers=60, max_depth=3)
    between = {node.parent for node in policy.born if level(node) > 1}
    assert between and all(
        node is not None and node.kind is Kind.INJECTED and node.text.strip().startswith(REVISION)
        for node in between
    )
    assert max(Counter(node.parent for node in between if node is not None).values()) == 1
    assert all(
        node.parent in policy.born and node.parent.done for node in between if node is not None
    )
    assert max(map(level, policy.born)) == 3
    node = max(policy.born, key=level)
    assert answer_text(node) in LETTER_SCORES and node.solution_text().count(REVISION) == 2


async def test_the_sentence_of_revision_can_be_chosen() -> None:
    policy, branch = ToyPolicy(LETTERS), Branch(prompt())
    assert await open_answer(policy, branch, "Again.") is branch.node
    answer = branch.grow(Node("aab", parent=branch.node, depth=1, done=True, finish=Finish.END))
    reopened = await open_answer(policy, answer, "Again.")
    assert (reopened.text, reopened.parent, reopened.done) == ("\n\nAgain.\n\n", answer.node, False)
    assert await open_answer(policy, answer, "Again.") is reopened


@pytest.mark.parametrize("prior", ["gaussian", "beta"])
async def test_the_tree_grows_where_the_scores_are(prior: str) -> None:
    shares = {}
    for worse, better in ((0.1, 0.9), (0.9, 0.1)):
        deeper = 0
        for seed in range(6):
            verifier = ToyVerifier(
                lambda path, worse=worse, better=better: better if REVISION in path else worse
            )
            steps = await run(
                "ab_mcts",
                ToyPolicy(LETTERS, seed),
                verifier,
                seed=seed,
                answers=100,
                max_depth=50,
                prior=prior,
            )
            deeper += sum(level(node) > 1 for node in steps[-1].nodes)
        shares[better] = deeper / 600
    assert shares[0.9] > 0.8 and shares[0.1] < 0.25


async def test_answers_gather_below_the_better_one() -> None:
    """Revisions of an answer are as good as the answer; the arms find out whose are better."""
    visits: Counter[str] = Counter()
    for seed in range(10):
        verifier = ToyVerifier(
            lambda path: {"a": 0.2, "b": 0.9}[path[0]] * (1.0 if REVISION in path else 0.5)
        )
        steps = await run(
            "ab_mcts", ToyPolicy(LETTERS, seed), verifier, seed=seed, answers=80, max_depth=2
        )
        visits.update(
            note.path[1].solution_text()[0] for note in backed(steps) if len(note.path) > 2
        )
    assert visits["b"] > 4 * visits["a"] > 0


async def test_an_answer_without_a_score_is_a_candidate_that_no_arm_hears_of() -> None:
    def score(path: str) -> float | None:
        return None if path.endswith("bbb") else 0.5

    policy = ToyPolicy(LETTERS, 2)
    steps = await run("ab_mcts", policy, ToyVerifier(score), answers=50, batch=5)
    silent = [node for node in policy.born if node.solution_text().endswith("bbb")]
    assert silent and steps[-1].nodes == policy.born
    assert [
        node for node, value in zip(steps[-1].nodes, steps[-1].values, strict=True) if value is None
    ] == silent
    assert {
        node
        for note in notes_of(steps, Remarked)
        if isinstance(note, Remarked)
        for node in note.nodes
    } == set(silent)
    assert not any(node in note.path for note in backed(steps) for node in silent)


async def test_a_search_that_never_hears_a_score_goes_on_and_backs_nothing_up() -> None:
    policy = ToyPolicy(LETTERS)
    steps = await run("ab_mcts", policy, ToyVerifier({}), answers=3)
    assert len(policy.born) == 3 and not backed(steps)
    told = [note for note in notes_of(steps, Remarked) if isinstance(note, Remarked)]
    assert [note.text for note in told] == [UNSCORED_ROUND] * 3


async def test_what_failed_or_was_cut_off_is_no_answer_but_counts_as_written() -> None:
    def language(path: str) -> list[Piece]:
        return [
            Piece("x", 0.4, Finish.END),
            Piece("f", 0.3, Finish.ABORTED),
            Piece("c", 0.3, Finish.BUDGET),
        ]

    policy = ToyPolicy(language, 1)
    steps = await run("ab_mcts", policy, ToyVerifier(lambda path: 0.5), answers=30)
    lost = [node for node in policy.born if node.finish is not Finish.END]
    assert len(policy.born) == 30 and {node.finish for node in lost} == {
        Finish.ABORTED,
        Finish.BUDGET,
    }
    assert steps[-1].nodes == [node for node in policy.born if node.finish is Finish.END]
    assert {
        node for note in notes_of(steps, Pruned) if isinstance(note, Pruned) for node in note.nodes
    } == set(lost)
