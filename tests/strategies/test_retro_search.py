"""Retro-Search: it shortens a trace, keeps its answer, and never lets go of what is worth more."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from backend.core.errors import BadInput
from backend.core.records import MemorySink
from backend.core.registry import STRATEGIES
from backend.core.steps import Pruned, Remarked, Replaced
from backend.core.types import Finish, Kind, Node, ancestors
from backend.judging.rules import SELECTORS
from backend.problems import extract_answer
from backend.runs.recorder import Recorder
from backend.strategies.parts.thoughts import Standard, Transitions, commonest_answer, steps_below
from tests.strategies.running import Snapshot, notes_of, run, texts
from tests.support.enumerable import Language, Piece, ToyPolicy, ToyVerifier, prompt
from tests.support.logged import of

SEEDS = range(12)
WORDS = Transitions("alternatively, wait, but, let me check")
START, WAIT, SO, SEVEN, EIGHT = (
    "Start.\n\n",
    "Wait, no.\n\n",
    "So on.\n\n",
    "The answer is 7",
    "The answer is 8",
)


def detours(right: float = 1.0, wait: float = 0.7) -> Language:
    """Start, any number of changes of mind, so on, and an answer, which is 7 with probability
    `right`. The shortest solution has three steps."""

    def pieces(path: str) -> Sequence[Piece]:
        if not path:
            return [Piece(START, 1.0)]
        if path.endswith(SO):
            return [Piece(SEVEN, right, Finish.END), Piece(EIGHT, 1.0 - right, Finish.END)]
        return [Piece(WAIT, wait), Piece(SO, 1.0 - wait)]

    return pieces


def trace(*steps: str, finish: Finish = Finish.END) -> Node:
    """The last node of a path below a prompt, one node a step, finished as given."""
    node = prompt()
    for number, text in enumerate(steps, start=1):
        last = number == len(steps)
        node = Node(
            text,
            parent=node,
            depth=number,
            done=last and finish is Finish.END,
            finish=finish if last else Finish.STEP,
            key=str(number),
        )
    return node


async def revised(
    language: Language, seed: int = 0, *, root: Node | None = None, **params: object
) -> tuple[list[Snapshot], ToyPolicy]:
    policy = ToyPolicy(language, seed)
    return await run(
        "retro_search", policy, ToyVerifier({}), root=root, seed=seed, **params
    ), policy


def best(steps: list[Snapshot]) -> Node:
    return SELECTORS[STRATEGIES["retro_search"].card.selector](steps[-1].nodes, steps[-1].values)


def replacements(steps: list[Snapshot]) -> list[Replaced]:
    return [note for note in notes_of(steps, Replaced) if isinstance(note, Replaced)]


def reasons(steps: list[Snapshot]) -> list[str]:
    return [note.reason for note in notes_of(steps, Pruned) if isinstance(note, Pruned)]


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_trace_with_detours_becomes_the_shortest_one_with_the_same_answer(
    seed: int,
) -> None:
    steps, _ = await revised(detours(wait=0.5), seed, tries=60)
    own = next(snapshot.nodes[0] for snapshot in steps if snapshot.nodes)
    waits = own.solution_text().count(WAIT)
    assert best(steps).solution_text() == START + SO + SEVEN
    assert len(replacements(steps)) == (1 if waits else 0)
    assert steps[-1].step.stats.get("steps", 3) == 3
    for note in replacements(steps):
        assert (
            note.old == tuple(steps_below(own, note.old[0].parent or own))
            and note.old[0].text == WAIT
        )
        assert (note.old_value, note.new_value) == pytest.approx((0.9 ** len(note.old), 0.9**2))
        assert note.new[0].parent is note.old[0].parent


async def test_the_runs_above_do_meet_detours() -> None:
    met = [replacements((await revised(detours(wait=0.5), seed, tries=60))[0]) for seed in SEEDS]
    assert sum(map(bool, met)) >= 4 and not all(met)


@pytest.mark.parametrize("seed", range(30))
async def test_the_target_is_never_lost_and_the_trace_is_never_worth_less(seed: int) -> None:
    steps, _ = await revised(detours(right=0.5, wait=0.6), seed)
    own = next(snapshot.nodes[0] for snapshot in steps if snapshot.nodes)
    answer = extract_answer(own.solution_text())
    lengths = [snapshot.step.stats["steps"] for snapshot in steps if snapshot.step.phase != "write"]
    assert all(later <= earlier for earlier, later in pairwise(lengths))
    for note in replacements(steps):
        assert note.new_value > note.old_value > 0.0
        assert extract_answer(note.new[-1].solution_text()) == answer
    assert extract_answer(best(steps).solution_text()) == answer
    value = max(value for value in steps[-1].values if value is not None)
    assert value == pytest.approx(0.9 ** (lengths[-1] if lengths else best(steps).depth))
    assert all(
        value == (0.9**node.depth if extract_answer(node.solution_text()) == answer else 0.0)
        for node, value in zip(steps[-1].nodes, steps[-1].values, strict=True)
    )


async def test_equal_worth_replaces_nothing() -> None:
    root = trace(START, WAIT, SO, SEVEN)

    def as_long(path: str) -> list[Piece]:
        return (
            [Piece(SEVEN, 1.0, Finish.END)]
            if path.endswith("And.\n\n" + SO)
            else [Piece(SO if path.endswith("And.\n\n") else "And.\n\n", 1.0)]
        )

    steps, policy = await revised(as_long, root=root)
    assert [node.solution_text() for node in steps[-1].nodes] == [
        root.solution_text(),
        START + "And.\n\n" + SO + SEVEN,
    ]
    assert not replacements(steps) and best(steps) is root
    assert reasons(steps) == ["worth no more than what it would replace"]
    assert len(policy.born) == 3


def read(node: Node) -> str | None:
    return extract_answer(node.solution_text())


def test_a_continuation_is_worth_gamma_to_the_number_of_its_steps() -> None:
    standard = Standard("7", 0.9, read)
    leaf = trace("a.\n\n", "b.\n\n", "c.\n\n", "the answer is 7.0")
    steps = leaf.path()[1:]
    assert [round(standard.worth(steps[place:]), 12) for place in range(4)] == [
        0.6561,
        0.729,
        0.81,
        0.9,
    ]
    assert Standard("7", 0.5, read).worth(steps) == 0.0625
    assert Standard("8", 0.9, read).worth(steps) == Standard(None, 0.9, read).worth(steps) == 0.0
    assert (
        standard.worth(trace("the answer is 7", finish=Finish.STEP).path()[1:])
        == standard.worth(steps[:2])
        == 0.0
    ), "unfinished"
    assert (
        standard.worth(trace("no number").path()[1:])
        == Standard(None, 0.9, read).worth(trace("no number").path()[1:])
        == 0.0
    )


def test_thoughts_begin_at_transition_words_else_at_every_step() -> None:
    texts = (
        "Wait, start.\n\n",
        "More.\n\n",
        " \u201cBut\u201d no.\n\n",
        "Butter.\n\n",
        "let  me\ncheck it.\n\n",
        "Let me see.\n\n",
        "END",
    )
    steps = trace(*texts).path()[1:]
    assert [WORDS.open(step) for step in steps] == [True, False, True, False, True, False, False]
    assert WORDS.boundaries(steps) == [2, 4]
    assert WORDS.boundaries(steps, every=True) == [1, 2, 3, 4, 5, 6]
    assert Transitions(" , ").boundaries(steps) == []


async def test_only_the_first_step_of_a_continuation_is_banned_from_changing_its_mind() -> None:
    def later(path: str) -> list[Piece]:
        if path == START:
            return [Piece(WAIT, 0.75), Piece(SO, 0.25)]
        return (
            [Piece(WAIT, 1.0)]
            if path.endswith(START + SO)
            else [Piece("But the answer is 7", 1.0, Finish.END)]
        )

    root = trace(START, WAIT, WAIT, WAIT, SO, SEVEN)
    steps, policy = await revised(later, seed=1, root=root, tries=50)
    first = root.path()[1]
    drawn = [node for node in policy.born if node.parent is first]
    assert [node.text for node in drawn] == [WAIT] * (len(drawn) - 1) + [SO] and len(drawn) > 1
    told = {note.nodes: note.reason for note in notes_of(steps, Pruned) if isinstance(note, Pruned)}
    assert all(told[(node,)] == "begins with a transition word" for node in drawn[:-1])
    assert best(steps).solution_text() == START + SO + WAIT + "But the answer is 7"
    assert not any((node,) in told for node in best(steps).path())
    assert {snapshot.step.phase for snapshot in steps[: len(drawn) - 1]} == {"ban"}


@pytest.mark.parametrize("tries", [1, 5])
async def test_after_as_many_tries_the_trace_stays_as_it_is(tries: int) -> None:
    root = trace(START, WAIT, WAIT, SO, SEVEN)
    for piece in (Piece(WAIT, 1.0), Piece("Wait, the answer is 7", 1.0, Finish.END)):
        steps, policy = await revised(lambda path, piece=piece: [piece], root=root, tries=tries)
        assert [node.parent for node in policy.born] == [root.path()[1]] * tries + [
            root.path()[2]
        ] * tries
        assert (
            steps[-1].nodes == [root]
            and reasons(steps) == ["begins with a transition word"] * 2 * tries
        )


async def test_the_ban_lets_as_many_continuations_through_as_its_draws_allow() -> None:
    passed = 0
    for seed in range(400):
        steps, _ = await revised(
            detours(wait=0.7), seed, root=trace(START, WAIT, SO, SEVEN), tries=3
        )
        passed += len(replacements(steps))
    assert passed / 400 == pytest.approx(1 - 0.7**3, abs=0.075)  # three standard errors


async def test_partial_revision_begins_at_a_random_thought() -> None:
    root = trace(START, WAIT, WAIT, WAIT, WAIT, SO, SEVEN)
    began = []
    for seed in range(40):
        _, policy = await revised(
            lambda path: [Piece(WAIT, 1.0)], seed, root=root, start="random", tries=1
        )
        depths = [node.depth for node in policy.asked]
        assert depths == list(range(depths[0], 5)), "from there on, thought by thought"
        began.append(depths[0])
    assert {place: began.count(place) for place in sorted(set(began))}.keys() == {1, 2, 3, 4}
    assert max(began.count(place) for place in range(1, 5)) <= 20


async def test_a_finished_root_is_revised_along_its_own_path() -> None:
    root = trace(START, WAIT, SO, SEVEN)
    steps, policy = await revised(detours(wait=0.0), root=root)
    assert all(
        node in root.path() or not set(ancestors(node)).isdisjoint(root.path()[1:])
        for node in policy.asked
    )
    assert policy.asked[0] is root.path()[1] and {snapshot.step.phase for snapshot in steps} == {
        "revise"
    }
    assert steps[0].nodes == [root] and steps[0].values == pytest.approx([0.9**4])
    assert texts(steps[-1]) == [root.solution_text(), START + SO + SEVEN] and steps[
        -1
    ].values == pytest.approx([0.9**4, 0.9**3])


async def test_a_wrong_trace_gives_way_to_the_majority() -> None:
    root = trace(START, WAIT, SO, EIGHT)
    steps, _ = await revised(detours(wait=0.0), root=root, traces=3)
    [note] = replacements(steps)
    assert (note.old_value, note.new_value) == (0.0, 0.9**2)
    assert best(steps).solution_text() == START + SO + SEVEN
    assert steps[-1].values[0] == 0.0 and len(steps[-1].nodes) == 4


async def test_the_traces_are_written_in_one_batch_a_round_and_their_majority_is_the_target() -> (
    None
):
    steps, policy = await revised(detours(right=0.4, wait=0.0), seed=3, traces=9)
    assert policy.widths[:3] == [9, 9, 9]
    written = [node for node in policy.born if node.done][:9]
    answers = [extract_answer(node.solution_text()) for node in written]
    assert len(set(answers)) == 2
    target = max(("7", "8"), key=answers.count)
    assert commonest_answer(written, read) == target == extract_answer(best(steps).solution_text())
    assert steps[2].values == [
        pytest.approx(0.729) if answer == target else 0.0 for answer in answers
    ]


@pytest.mark.parametrize("seed", SEEDS)
async def test_of_several_traces_the_one_that_is_worth_most_is_revised(seed: int) -> None:
    steps, policy = await revised(detours(right=0.5, wait=0.4), seed, traces=5)
    last = [snapshot for snapshot in steps if snapshot.step.phase == "write"][-1]
    values = [value for value in last.values if value is not None]
    chosen = last.nodes[values.index(max(values))]
    asked = policy.asked[sum(policy.widths[: steps.index(last) + 1]) :]
    assert len(values) == 5 and asked and asked[0] in chosen.path()


async def test_a_half_written_root_stays_and_what_comes_below_it_is_revised() -> None:
    root = trace(START, WAIT, WAIT, finish=Finish.STEP)
    for seed in SEEDS:
        steps, policy = await revised(detours(wait=0.5), seed, root=root, tries=60)
        assert all(root in ancestors(node) for node in policy.born)
        value = max(value for value in steps[-1].values if value is not None)
        assert value == pytest.approx(0.9 ** (best(steps).depth - root.depth))


async def test_without_transition_words_every_step_is_a_thought() -> None:
    root = trace("a.\n\n", "b.\n\n", "c.\n\n", "d.\n\n", SEVEN)

    def at_once(path: str) -> list[Piece]:
        return (
            [Piece(SEVEN, 1.0, Finish.END)]
            if path == "a.\n\nb.\n\n"
            else [Piece(EIGHT, 1.0, Finish.END)]
        )

    steps, policy = await revised(at_once, root=root)
    assert [node.solution_text() for node in policy.asked] == ["a.\n\n", "a.\n\nb.\n\n"]
    assert best(steps).solution_text() == "a.\n\nb.\n\n" + SEVEN and len(replacements(steps)) == 1


async def test_a_trace_that_lost_its_last_transition_word_is_not_cut_up_anew() -> None:
    root = trace(START, WAIT, WAIT, WAIT, WAIT, SO, SEVEN)

    def plain(path: str) -> list[Piece]:
        return [Piece(SEVEN, 1.0, Finish.END)] if path.endswith(SO * 3) else [Piece(SO, 1.0)]

    steps, policy = await revised(plain, root=root)
    assert best(steps).solution_text() == START + SO * 3 + SEVEN
    assert [node.depth for node in policy.asked] == [1, 2, 3, 4]


async def test_the_next_thought_is_taken_from_the_new_trace() -> None:
    root = trace(START, WAIT, WAIT, WAIT, WAIT, WAIT, SO, SEVEN)

    def shorter(path: str) -> list[Piece]:
        if path == START:
            return [Piece(SO, 1.0)]
        return [Piece(WAIT, 1.0)] if path == START + SO else [Piece(SEVEN, 1.0, Finish.END)]

    steps, policy = await revised(shorter, root=root, tries=2)
    assert [node.solution_text() for node in policy.asked] == [
        START,
        START + SO,
        START + SO + WAIT,
        START + SO,
        START + SO,
    ]
    assert [snapshot.step.stats["steps"] for snapshot in steps] == [8, 8, 4, 4, 4]


async def test_a_continuation_that_does_not_end_replaces_nothing() -> None:
    root = trace(START, WAIT, WAIT, WAIT, SO, SEVEN)
    steps, policy = await revised(lambda path: [Piece("On.\n\n", 1.0)], root=root, max_steps=4)
    assert max(node.depth for node in policy.born) == 4
    assert (
        best(steps) is root and steps[-1].nodes == [root] and reasons(steps) == ["step limit"] * 3
    )


async def test_a_dead_continuation_is_told_and_replaces_nothing() -> None:
    root = trace(START, WAIT, WAIT, SO, SEVEN)
    for piece, reason in (
        (Piece(" \n", 1.0), "empty step"),
        (Piece("x", 1.0, Finish.ABORTED), "generation failed"),
    ):
        steps, policy = await revised(lambda path, piece=piece: [piece], root=root)
        assert reasons(steps) == [reason] * 2 and len(policy.born) == 2 and best(steps) is root


async def test_without_a_readable_answer_nothing_is_revised() -> None:
    root = trace(START, WAIT, "I do not know.")
    steps, policy = await revised(detours(), root=root)
    assert steps == [] and policy.asked == []
    steps, policy = await revised(lambda path: [Piece("who knows", 1.0, Finish.END)])
    assert len(policy.born) == 1 and steps[-1].values == [0.0]


async def test_what_was_replaced_is_in_the_log() -> None:
    root = trace(START, WAIT, SO, SEVEN)
    steps, policy = await revised(detours(wait=0.0), root=root)
    sink = MemorySink()
    recorder = Recorder(sink)
    for node in (root, *policy.born):
        recorder.node(node)
    for snapshot in steps:
        recorder.step(snapshot.step, 0)
    recorder.flush()
    [note] = of(Replaced, sink.events)
    ids = {
        node.text: [stored.id for stored in sink.nodes if stored.text == node.text]
        for node in policy.born
    }
    assert note == Replaced(
        (2, 3, 4),
        (ids[SO][-1], ids[SEVEN][-1]),
        pytest.approx(0.729),
        pytest.approx(0.81),
    )
    assert not notes_of(steps, Remarked) and not any(
        node.kind is Kind.ROLLOUT for node in policy.born
    )


def test_words_are_needed() -> None:
    with pytest.raises(BadInput, match="transitions"):
        STRATEGIES["retro_search"].parse({"transitions": ""})
