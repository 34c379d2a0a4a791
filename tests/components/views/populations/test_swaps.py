"""Swaps of tempered chains: each proposal with its round, its pair, its probability and what came
of it."""

from __future__ import annotations

import math

import pytest

from backend.core.steps import Step, Swapped
from components.views.populations.swaps import (
    LABELLED,
    Swap,
    SwapInfo,
    format_nats,
    positions,
    swap_figure,
    swap_info,
    swaps,
)
from tests.components.traced import Seen, searched, seen
from tests.pages.traces import Writer


def swapped() -> Seen:
    """Two rounds of three chains. In the first the lower pair swaps and the upper does not; in the
    second one chain has no finished reference."""
    run = Writer(0)
    one, two, three = run.extend([run.root] * 3)
    low = Swapped(("chain 1", "chain 2"), (one, two), (1.0, 2.0), (-2.0, -1.0), 1.0, 0.4, True)
    high = Swapped(("chain 2", "chain 3"), (one, three), (2.0, 4.0), (-2.0, -5.0), 0.47, 0.8, False)
    run.recorder.step(Step([], [], (low, high), phase="swap"), 0)
    run.recorder.step(
        Step(
            [],
            [],
            (
                Swapped(
                    ("chain 1", "chain 2"),
                    (two, one),
                    (1.0, 2.0),
                    (-math.inf, 0.5),
                    0.0,
                    0.1,
                    False,
                ),
            ),
            phase="swap",
        ),
        0,
    )
    return seen(run.end())


def test_every_proposal_is_there_with_its_numbers() -> None:
    found = swaps(swapped().events)
    assert found == [
        Swap(1, 0, ("chain 1", "chain 2"), (1.0, 2.0), (1, 2), (-2.0, -1.0), 1.0, 0.4, True),
        Swap(1, 1, ("chain 2", "chain 3"), (2.0, 4.0), (1, 3), (-2.0, -5.0), 0.47, 0.8, False),
        Swap(2, 0, ("chain 1", "chain 2"), (1.0, 2.0), (2, 1), (-math.inf, 0.5), 0.0, 0.1, False),
    ]
    info = swap_info(found)
    assert (info.chains, info.temperatures, info.accepted) == (
        ("chain 1", "chain 2", "chain 3"),
        (1.0, 2.0, 4.0),
        1,
    )


def test_at_a_moment_only_what_was_proposed_by_then_is_there() -> None:
    of = swapped()
    second = [event.seq for event in of.events if event.kind == "swapped"][1]
    assert [swap.place for swap in swaps(of.events, second)] == [0, 1] and swaps(of.events, 0) == []


def test_proposals_of_a_round_stand_beside_each_other_in_order() -> None:
    assert positions(swaps(swapped().events)) == pytest.approx([0.825, 1.175, 2.0])


def test_the_chart_tells_accepted_from_refused_by_line_and_mark_and_says_the_probability() -> None:
    info = swap_info(swaps(swapped().events))
    figure = swap_figure(info)
    accepted_line, accepted, refused_line, refused, labels = figure.data
    assert list(accepted_line.y) == [0, 1, None] and list(refused_line.y) == [
        1,
        2,
        None,
        0,
        1,
        None,
    ]
    assert (accepted_line.line.dash, accepted.marker.symbol) == ("solid", "circle")
    assert (refused_line.line.dash, refused.marker.symbol) == ("dot", "circle-open")
    assert [entry[0] for entry in accepted.customdata] == [1, 2] and [
        entry[0] for entry in refused.customdata
    ] == [1, 3, 2, 1]
    assert [text.strip() for text in labels.text] == ["p = 1.00", "p = 0.47", "p = 0.00"]
    assert list(figure.layout.yaxis.ticktext) == ["chain 1, T 1", "chain 2, T 2", "chain 3, T 4"]


def test_very_many_swaps_are_drawn_without_words_and_none_at_all_leaves_an_empty_frame() -> None:
    [first, *_] = swaps(swapped().events)
    many = SwapInfo(("chain 1", "chain 2"), (1.0, 2.0), (first,) * (LABELLED + 1))
    assert (
        len(swap_figure(many).data) == 4
        and len(swap_figure(SwapInfo(("chain 1", "chain 2"), (1.0, 2.0), (first,))).data) == 5
    )
    assert swap_figure(swap_info([])).layout.height > 0


def test_a_potential_without_bound_is_written_as_such() -> None:
    assert [format_nats(value) for value in (-1.23456, -math.inf, math.inf)] == [
        "-1.23",
        "-\u221e",
        "\u221e",
    ]


async def test_a_real_search_accepts_just_where_the_draw_lies_below_the_probability() -> None:
    of = await searched(
        "parallel_tempering", params={"particles": 3, "chains": 4, "iterations": 3}, seed=5
    )
    found = swaps(of.events)
    assert [(swap.turn, swap.place) for swap in found] == [
        (turn, place) for turn in (1, 2, 3) for place in (0, 1, 2)
    ]
    assert all(swap.accepted is (swap.uniform < swap.probability) for swap in found)
    for swap in found:
        (cold, hot), (low, high) = swap.temperatures, swap.energies
        assert swap.probability == pytest.approx(
            min(1.0, math.exp((1 / cold - 1 / hot) * (high - low)))
        )


def test_chains_have_their_lanes_before_the_first_proposal() -> None:
    info = swap_info([], {"chain 2": 2.0, "chain 1": 1.0})
    assert info == SwapInfo(("chain 1", "chain 2"), (1.0, 2.0), ())
    assert list(swap_figure(info).layout.yaxis.ticktext) == ["chain 1, T 1", "chain 2, T 2"]
