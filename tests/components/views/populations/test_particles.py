"""Numbers of the particle charts of one pass: weights, effective sample size, lineage."""

from __future__ import annotations

import pytest

from backend.core.events import Resampled, Weighed
from backend.core.records import EventRecord
from components.views.populations.lineage import genealogy, genealogy_figure, lineage
from components.views.populations.marks import DRAWN, HELD
from components.views.populations.particles import (
    EssInfo,
    distinct_ancestors,
    ess_figure,
    ess_info,
    weights_figure,
)
from components.views.populations.passes import ParticleRound, passes
from tests.components.traced import seen
from tests.pages.traces import particle_trace
from tests.support.logged import of


def rounds(until: int | None = None) -> list[ParticleRound]:
    of = seen(particle_trace(), until)
    found = passes(of.rows, of.events, until)
    assert len(found) <= 1
    return [row for one in found for row in one.rounds]


def two(ancestors: tuple[int, ...] | None) -> list[ParticleRound]:
    return [
        ParticleRound(0, (1, 2, 3), (0.7, 0.2, 0.1), (0.0,) * 3, 1.85, ancestors, "multinomial"),
        ParticleRound(1, (4, 5, 6), (0.5, 0.25, 0.25), (0.0,) * 3, 2.67),
    ]


def test_every_round_of_the_log_is_there_and_says_whether_it_resampled() -> None:
    found = rounds()
    assert [row.round for row in found] == [0, 1, 2, 3]
    assert [row.ancestors is not None for row in found] == [True, True, True, False]
    assert all(1 <= row.ess <= 8 and sum(row.weights) == pytest.approx(1) for row in found)


def test_a_round_keeps_what_it_weighed_when_it_resampled() -> None:
    trace = particle_trace()
    assert rounds()[0].increments == of(Weighed, trace.events)[0].increments


def test_only_rounds_up_to_the_moment_count() -> None:
    first = next(event.seq for event in particle_trace().events if event.kind == "resampled")
    assert len(rounds(until=first)) == 1 and rounds(until=0) == []


def test_the_threshold_is_a_share_of_the_particles() -> None:
    assert ess_info(two((0, 0, 1)), 0.5) == EssInfo((0, 1), (1.85, 2.67), (0,), 3, 1.5, (3, 2))
    assert ess_info([], None) == EssInfo((), (), (), 0, None)


def test_lineage_follows_the_ancestors() -> None:
    info = genealogy(two((0, 0, 1)))
    assert info.lines == ((0, 0, 1, 0, True), (0, 0, 1, 1, True), (0, 1, 1, 2, True))
    assert [circle[4] for circle in info.circles] == [True, True, False, True, True, True]


def test_without_resampling_every_slot_continues_itself() -> None:
    info = genealogy(two(None))
    assert [(line[1], line[3]) for line in info.lines] == [(0, 0), (1, 1), (2, 2)]
    assert distinct_ancestors(two(None)) == 3


def test_diversity_is_counted_in_slots_of_the_first_round() -> None:
    assert distinct_ancestors(two((0, 0, 0))) == 1 and distinct_ancestors([]) == 0


def test_a_branch_that_dies_later_is_not_on_the_trunk() -> None:
    middle = ParticleRound(1, (4, 5), (0.9, 0.1), (0.0, 0.0), 1.2, (0, 0))
    last = ParticleRound(2, (6, 7), (0.5, 0.5), (0.0, 0.0), 2.0)
    info = genealogy([ParticleRound(0, (1, 2), (0.5, 0.5), (0.0, 0.0), 2.0, (0, 1)), middle, last])
    assert info.lines == (
        (0, 0, 1, 0, True),
        (0, 1, 1, 1, False),
        (1, 0, 2, 0, True),
        (1, 0, 2, 1, True),
    )


def test_the_area_of_a_circle_grows_with_its_weight() -> None:
    figure = genealogy_figure(genealogy(two((0, 0, 1))))
    sizes = dict(
        zip(
            (node for node, _ in figure.data[2].customdata), figure.data[2].marker.size, strict=True
        )
    )
    assert (sizes[1] - 5) ** 2 / (sizes[2] - 5) ** 2 == pytest.approx(0.7 / 0.2)


def test_charts_draw_the_numbers_they_are_given() -> None:
    figure = ess_figure(ess_info(two((0, 0, 1)), 0.5))
    assert list(figure.data[0].y) == [1.85, 2.67] and list(figure.data[1].x) == [0]
    assert [list(row) for row in weights_figure(two(None)).data[0].z] == [
        [0.7, 0.5],
        [0.2, 0.25],
        [0.1, 0.25],
    ]


@pytest.mark.parametrize(
    "opening", [False, True], ids=["at the end of the round", "at the beginning of the next"]
)
def test_resampling_belongs_to_the_round_whose_particles_it_names(opening: bool) -> None:
    resampled = Resampled("residual", (1, 2), (0, 0), (0.1, 0.6), (0.0, -1.0), 1.4)
    log = [
        (0, Weighed((1, 2), (0.0, -1.0), (0.0, -1.0))),
        (int(opening), resampled),
        (1, Weighed((3, 4), (0.0, 0.0), (0.0, 0.0))),
    ]
    events = [EventRecord(at, 0.0, number, "", "", body) for at, (number, body) in enumerate(log)]
    [one] = passes([], events)
    found = one.rounds
    assert [row.ancestors for row in found] == [(0, 0), None]
    assert genealogy(found).lines == ((0, 0, 1, 0, True), (0, 0, 1, 1, True))


def held() -> list[ParticleRound]:
    """Two rounds; the last slot follows a reference, and slot 0 is a free copy of it in the
    second.
    """
    return [
        ParticleRound(
            0, (1, 2, 9), (0.2, 0.3, 0.5), (0.0,) * 3, 2.6, (2, 1, 2), "conditional", held=2
        ),
        ParticleRound(1, (4, 5, 10), (0.5, 0.25, 0.25), (0.0,) * 3, 2.67, held=2),
    ]


def test_the_reference_and_what_was_drawn_are_marked_in_both_charts() -> None:
    info = genealogy(held(), drawn=1)
    assert (info.held, info.drawn) == (((0, 2), (1, 2)), (1, 1))
    lineage = {trace.name: (list(trace.x), list(trace.y)) for trace in genealogy_figure(info).data}
    weights = {
        trace.name: (list(trace.x), list(trace.y)) for trace in weights_figure(held(), 1).data
    }
    assert (lineage[HELD], lineage[DRAWN]) == (([2, 2], [0, 1]), ([1], [1]))
    assert (weights[HELD], weights[DRAWN]) == (([0, 1], [2, 2]), ([1], [1]))


def test_a_plain_filter_has_neither_mark() -> None:
    for figure in (genealogy_figure(genealogy(two((0, 0, 1)))), weights_figure(two(None))):
        assert not {HELD, DRAWN} & {trace.name for trace in figure.data}


def test_descent_from_the_reference_is_told_like_any_other() -> None:
    assert genealogy(held()).lines == ((0, 1, 1, 1, True), (0, 2, 1, 0, True), (0, 2, 1, 2, True))
    assert distinct_ancestors(held()) == 2


def test_the_lineage_of_a_node_is_what_it_descends_from_and_what_descends_from_it() -> None:
    rounds_ = [*two((0, 0, 1)), ParticleRound(2, (7, 8, 9), (0.4, 0.3, 0.3), (0.0,) * 3, 2.9)]
    assert genealogy(rounds_, node=1).lit == ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1))
    assert genealogy(rounds_, node=9).lit == ((0, 1), (1, 2), (2, 2)) and genealogy(
        rounds_, node=3
    ).lit == ((0, 2),)
    assert genealogy(rounds_, node=99).lit == () and lineage([], {(0, 0)}) == {(0, 0)}
    lit = next(
        trace
        for trace in genealogy_figure(genealogy(rounds_, node=9)).data
        if trace.name == "lineage of the chosen node"
    )
    assert [pair for pair in zip(lit.x, lit.y, strict=True) if None not in pair] == [
        (1, 0),
        (2, 1),
        (2, 1),
        (2, 2),
    ]


def test_the_chart_counts_distinct_ancestors_round_by_round() -> None:
    found = ess_info(rounds()).distinct
    assert (
        found[0] == 8
        and list(found) == sorted(found, reverse=True)
        and found[-1] == distinct_ancestors(rounds())
    )
    assert list(
        next(
            trace
            for trace in ess_figure(ess_info(rounds())).data
            if trace.name == "distinct ancestors"
        ).y
    ) == list(found)
