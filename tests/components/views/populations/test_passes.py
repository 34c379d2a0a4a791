"""Populations of a log are told apart: by track, by pass, and with the reference that a pass holds
a slot to."""

from __future__ import annotations

from itertools import pairwise

import pytest

from backend.core.steps import Referenced, Resampled, Step, Weighed
from backend.core.types import Node
from components.views.populations.passes import (
    DrawnTrajectory,
    Pass,
    pass_of,
    passes,
    temperatures,
    threshold,
    track_label,
)
from components.views.populations.swaps import swaps
from tests.components.traced import Seen, searched, seen
from tests.pages.traces import Writer

GIBBS = {"particles": 4, "iterations": 3}
TEMPERING = {"particles": 3, "chains": 3, "iterations": 2}


def found(of: Seen, until: int | None = None) -> list[Pass]:
    return passes(of.rows, of.events, until)


async def test_a_plain_filter_is_one_pass_without_a_name() -> None:
    of = await searched("particle_filter", seed=3)
    [one] = found(of)
    assert (one.track, one.number, one.reference, one.drawn, one.kept) == ("", 1, None, None, None)
    assert [row.round for row in one.rounds] == [0, 1, 2, 3] and track_label(
        one.track, [one.track], {}
    ) == ""


async def test_passes_of_particle_gibbs_are_apart_and_each_holds_what_the_last_one_drew() -> None:
    of = await searched("particle_gibbs", params=GIBBS, seed=3)
    three = found(of)
    tracks = [one.track for one in three]
    assert [track_label(track, tracks, {}) for track in tracks] == [
        "iteration 1 of 3",
        "iteration 2 of 3",
        "iteration 3 of 3",
    ]
    first, *later = three
    assert [row.held for row in first.rounds] == [None] * 4
    parents = {row.id: row.parent for row in of.rows}
    for before, one in zip(three, later, strict=False):
        assert before.drawn is not None and one.reference == before.drawn.node
        assert [row.held for row in one.rounds] == [3] * len(one.rounds)
        line = [row.particles[3] for row in one.rounds]
        assert all(parents[node] == above for above, node in pairwise(line))
    nodes = [{node for row in one.rounds for node in row.particles[:3]} for one in three]
    assert not nodes[0] & nodes[1] and not nodes[1] & nodes[2] and not nodes[0] & nodes[2]


async def test_what_was_drawn_is_in_the_slot_with_the_weight_that_the_last_round_says() -> None:
    of = await searched("particle_gibbs", params=GIBBS, seed=3)
    for one in found(of):
        assert one.drawn is not None
        last = one.rounds[-1]
        assert last.particles[one.drawn.slot] == one.drawn.node and last.weights[
            one.drawn.slot
        ] == pytest.approx(one.drawn.weight)
        assert one.kept is (None if one.reference is None else one.drawn.node == one.reference)


async def test_temperatures_and_threshold_are_known_from_the_first_round_on() -> None:
    of = await searched("parallel_tempering", params={**TEMPERING, "mode": "exact"}, seed=3)
    first_swap = next(event.seq for event in of.events if event.kind == "swapped")
    early = [event for event in of.events if event.seq < first_swap]
    assert (
        temperatures(early) == {"chain 1": 1.0, "chain 2": 2.0, "chain 3": 4.0}
        and threshold(early, "chain 2") == 0.5
    )
    alone = await searched("particle_gibbs", params=GIBBS, seed=3)
    # it always resamples, in paper mode
    assert temperatures(alone.events) == {} and threshold(alone.events, "iteration 1") is None


async def test_chains_side_by_side_are_apart_and_a_swapped_reference_is_held_by_the_other_chain() -> (
    None
):
    of = await searched("parallel_tempering", params=TEMPERING, seed=3)
    six = found(of)
    heats = temperatures(of.events)
    assert heats == {"chain 1": 1.0, "chain 2": 2.0, "chain 3": 4.0}
    assert track_label("chain 2", heats, heats) == "chain 2 of 3 at temperature 2"
    assert [(one.track, one.number) for one in six] == [
        (f"chain {chain}", turn) for turn in (1, 2) for chain in (1, 2, 3)
    ]
    hold = {one.track: one.drawn.node for one in six if one.number == 1 and one.drawn}
    moved = 0
    for swap in swaps(of.events):
        if swap.turn == 1:
            assert swap.nodes == tuple(hold[chain] for chain in swap.chains)
            if swap.accepted:
                one, other = swap.chains
                hold[one], hold[other] = hold[other], hold[one]
                moved += 1
    assert moved > 0 and {one.track: one.reference for one in six if one.number == 2} == hold


async def test_at_a_moment_only_what_had_begun_by_then_is_there() -> None:
    of = await searched("particle_gibbs", params=GIBBS, seed=3)
    end = next(event.seq for event in of.events if event.kind == "referenced")
    assert [(one.track, one.drawn) for one in found(of, end - 1)] == [("iteration 1", None)]
    assert [one.drawn is not None for one in found(of, end)] == [True] and found(of, 0) == []


async def test_the_pass_with_the_answer_is_looked_at_first() -> None:
    of = await searched("parallel_tempering", params=TEMPERING, seed=3)
    six = found(of)
    answer = six[3].rounds[-1].particles[0]
    assert (
        pass_of(six, answer) is six[3]
        and pass_of(six, None) is six[5]
        and pass_of(six, 0) is six[5]
    )


def below(run: Writer, parents: list[Node]) -> tuple[Node, ...]:
    return tuple(run.extend(parents))


def weighed(*nodes: Node, first: float = 0.0) -> Weighed:
    return Weighed(nodes, (first, *(0.0 for _ in nodes[1:])), tuple(0.0 for _ in nodes))


def test_a_past_that_is_drawn_anew_leads_the_reference_from_another_slot() -> None:
    """Ancestor sampling: between two rounds of the second pass the reference takes slot 0 for its
    past; its next step hangs there."""
    run = Writer(0)
    a = below(run, [run.root] * 2)
    b = below(run, list(a))
    end = Referenced(b[1], 1, 0.9, (0.0, 0.0))
    run.recorder.step(Step([], [], (weighed(*a),), track="chain 1"), 0)
    run.recorder.step(Step([], [], (weighed(*b), end), track="chain 1"), 0)
    [c] = below(run, [run.root])
    run.recorder.step(Step([], [], (weighed(c, a[1]),), track="chain 1"), 0)
    [copy] = below(run, [c])  # the rest of the reference, below another past
    [free] = below(run, [a[1]])
    past = Referenced(copy, 0, 0.1, (0.0, 0.0))
    drawn = Resampled("conditional", (c, a[1]), (1, 0), (0.7,), (0.0, 0.0), 2.0)
    run.recorder.step(Step([], [], (past, drawn, weighed(free, copy)), track="chain 1"), 0)
    of = seen(run.end())
    ids = [event.body.node for event in of.events if isinstance(event.body, Referenced)]
    one, two = found(of)
    assert (one.drawn, two.drawn) == (DrawnTrajectory(ids[0], 1, 0.5), None)
    assert ([row.held for row in two.rounds], two.rounds[0].ancestors, two.reference) == (
        [1, 1],
        (1, 0),
        ids[1],
    )


def test_tracks_inside_of_tracks_are_counted_among_their_own_kind() -> None:
    tracks = ("run 1, iteration 1", "run 1, iteration 2", "run 2, iteration 1")
    assert [track_label(track, tracks, {}) for track in tracks] == [
        "run 1, iteration 1 of 2",
        "run 1, iteration 2 of 2",
        "run 2, iteration 1",
    ]


def test_a_population_whose_tree_is_not_known_goes_on() -> None:
    run = Writer(0)
    particles = [run.root] * 2
    for _ in range(3):
        particles = run.extend(particles)
        run.recorder.step(Step([], [], (weighed(*particles),)), 0)
    of = seen(run.end())
    assert [len(one.rounds) for one in passes([], of.events)] == [3] and [
        len(one.rounds) for one in found(of)
    ] == [3]
