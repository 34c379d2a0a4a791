"""Numbers of the charts of beams, tree searches and best-first searches."""

from __future__ import annotations

import math

import pytest

from backend.core.events import Jumped, Selected
from backend.core.steps import Backed, Kept, Popped, Pruned, Step
from backend.core.tree import CANDIDATE, KEPT, PRUNED, backups
from backend.core.types import Finish, Node, Score
from components.views.beams.beam import (
    BeamInfo,
    Contender,
    Cut,
    beam_figure,
    beam_info,
    columns,
)
from components.views.tree_search.frontier import (
    FrontierInfo,
    Pop,
    falls,
    frontier_figure,
    frontier_info,
)
from components.views.tree_search.visits import (
    SHOWN,
    VisitedChild,
    VisitInfo,
    visit_figure,
    visit_info,
)
from tests.components.traced import Seen, searched, seen
from tests.pages.traces import Writer


def drawn(run: Writer, parent: Node, values: list[float | None], done: bool = False) -> list[Node]:
    """Children of a node with these scores."""
    nodes = [
        Node(
            f"{value}\n\n",
            (1,),
            (-0.1,),
            parent,
            parent.depth + 1,
            done,
            Finish.END if done else Finish.STEP,
        )
        for value in values
    ]
    for node, value in zip(nodes, values, strict=True):
        run.recorder.node(node)
        run.recorder.score("prm", node, Score(value, reason=None if value is not None else "lost"))
    return nodes


def beams(until: int | None = None) -> Seen:
    """Two rounds: keep 1 and 2 of [.9, .2, .5, none]; then one is finished, one kept, one
    pruned.
    """
    run = Writer(0)
    nodes = drawn(run, run.root, [0.9, 0.2, 0.5, None])
    run.recorder.step(
        Step(
            [],
            [],
            (
                Kept((nodes[0], nodes[2]), (0.9, 0.5)),
                Pruned((nodes[1], nodes[3]), "outside the beam", 0.5),
            ),
        ),
        0,
    )
    [end] = drawn(run, nodes[0], [0.7], done=True)
    later = drawn(run, nodes[2], [0.8, 0.1])
    run.recorder.step(
        Step(
            [end], [0.7], (Kept((later[0],), (0.8,)), Pruned((later[1],), "outside the beam", 0.8))
        ),
        0,
    )
    return seen(run.end(), until)


def test_a_round_shows_what_was_kept_pruned_and_set_aside_best_first() -> None:
    of = beams()
    assert beam_info(of.rows, of.events) == BeamInfo(
        (
            Contender(1, 1, 0.9, KEPT),
            Contender(1, 3, 0.5, KEPT),
            Contender(1, 2, 0.2, PRUNED, "outside the beam"),
            Contender(2, 6, 0.8, KEPT),
            Contender(2, 5, 0.7, CANDIDATE),
            Contender(2, 7, 0.1, PRUNED, "outside the beam"),
        ),
        (Cut(1, "", 0.5), Cut(2, "", 0.8)),
        1,
    )


def test_at_a_moment_only_the_rounds_of_that_moment_have_chosen() -> None:
    of = beams()
    first = next(event.seq for event in of.events if event.kind == "kept")
    assert [one.node for one in beam_info(beams(first).rows, of.events, first).contenders] == [1, 3]
    assert beam_info(beams(0).rows, of.events, 0) == BeamInfo((), (), 0)


def test_candidates_of_a_step_stand_apart_about_it() -> None:
    of = beams()
    assert columns(beam_info(of.rows, of.events).contenders) == pytest.approx(
        [0.62, 1.0, 1.38, 1.62, 2.0, 2.38]
    )
    assert columns([Contender(3, 1, 0.5, KEPT)]) == [3]


def test_the_beam_chart_draws_each_fate_with_its_own_mark() -> None:
    of = beams()
    figure = beam_figure(beam_info(of.rows, of.events))
    found = {
        trace.name: (list(trace.y), [entry[0] for entry in trace.customdata])
        for trace in figure.data
        if trace.customdata is not None
    }
    assert found == {
        PRUNED: ([0.2, 0.1], [2, 7]),
        KEPT: ([0.9, 0.5, 0.8], [1, 3, 6]),
        CANDIDATE: ([0.7], [5]),
    }
    assert len({trace.marker.symbol for trace in figure.data if trace.customdata is not None}) == 3
    assert list(figure.data[0].y) == [0.5, 0.5, None, 0.8, 0.8, None]


@pytest.mark.parametrize(
    ("strategy", "kept"), [("beam_search", 2), ("dvts", 2), ("stepwise_best_of_n", 1)]
)
async def test_real_beams_keep_as_many_as_they_are_wide(strategy: str, kept: int) -> None:
    of = await searched(strategy, params={"n": 8}, seed=2)
    info = beam_info(of.rows, of.events)
    first = [one for one in info.contenders if one.step == 1]
    assert (
        len(first) == 8
        and sum(one.fate == KEPT for one in first) == kept
        and sum(one.fate == PRUNED for one in first) == 8 - kept
    )
    lost = [one for one in first if one.fate == PRUNED]
    if strategy != "dvts":  # its subtrees choose apart from each other
        assert min(one.score for one in first if one.fate == KEPT) >= max(one.score for one in lost)
    assert all(one.reason for one in lost) and any(one.fate == CANDIDATE for one in info.contenders)


def walked() -> Seen:
    """Three walks: twice through node 1 and its child 4, once through node 2; node 3 is a copy that
    was dropped."""
    run = Writer(0)
    one, two, copy = drawn(run, run.root, [0.6, 0.5, 0.6])
    [four] = drawn(run, one, [0.7], done=True)
    walks = (
        Backed((run.root, one), 0.5),
        Backed((run.root, two), 0.25),
        Backed((run.root, one, four), 1.0),
    )
    run.recorder.step(Step([four], [0.7], (Pruned((copy,), "same text as a sibling"), *walks)), 0)
    return seen(run.end())


def test_visits_and_values_are_those_that_were_backed_up() -> None:
    of = walked()
    found = backups(of.events)
    assert {node: (one.visits, one.mean) for node, one in found.items()} == {
        0: (3, pytest.approx(1.75 / 3)),
        1: (2, 0.75),
        2: (1, 0.25),
        4: (1, 1.0),
    }


def test_the_children_along_the_most_visited_path_are_shown() -> None:
    of = walked()
    assert visit_info(of.rows) == VisitInfo(
        (
            VisitedChild(1, 1, 2, 0.75, True),
            VisitedChild(1, 2, 1, 0.25, False),
            VisitedChild(2, 4, 1, 1.0, True),
        ),
        3,
        False,
        0,
    )


def test_once_there_is_an_answer_its_path_is_shown_however_seldom_it_was_walked() -> None:
    run = Writer(0)
    one, two = drawn(run, run.root, [0.6, 0.5])
    goal = drawn(run, two, [0.9, 0.1], done=True)[0]
    run.recorder.step(
        Step(
            [goal],
            [0.9],
            (
                Backed((run.root, one), 0.5),
                Backed((run.root, one), 0.5),
                Backed((run.root, two), 0.9),
            ),
        ),
        0,
    )
    run.answer(goal)
    of = seen(run.end())
    info = visit_info(of.rows)
    upper, lower = (
        (VisitedChild(1, 1, 2, 0.5, False), VisitedChild(1, 2, 1, 0.9, True)),
        (VisitedChild(2, 3, 0, None, True), VisitedChild(2, 4, 0, None, False)),
    )
    assert info == VisitInfo((*upper, *lower), 3, True, 0)


def test_of_many_children_the_most_visited_are_shown_and_the_path_always() -> None:
    run = Writer(0)
    nodes = drawn(run, run.root, [0.5] * (SHOWN + 4))
    run.recorder.step(Step([], [], tuple(Backed((run.root, node), 0.5) for node in nodes[:-1])), 0)
    run.answer(nodes[-1])
    of = seen(run.end())
    info = visit_info(of.rows)
    assert len(info.children) == SHOWN + 1 and info.omitted == 3
    assert [child.node for child in info.children] == [
        *range(1, SHOWN + 1),
        SHOWN + 4,
    ] and info.children[-1].on_path


def test_the_visit_chart_is_as_high_as_the_visits_and_coloured_by_the_value() -> None:
    of = walked()
    bars = visit_figure(visit_info(of.rows)).data[0]
    assert (
        list(bars.y) == [2, 1, 1]
        and list(bars.marker.color) == [0.75, 0.25, 1.0]
        and (bars.marker.cmin, bars.marker.cmax) == (0, 1)
    )
    assert [list(level) for level in bars.x] == [
        ["step 1", "step 1", "step 2"],
        ["\u2605 1", "2", "\u2605 4"],
    ]
    assert list(bars.text) == ["0.75", "0.25", "1.00"] and list(bars.customdata) == [1, 2, 4]


def test_q_is_what_the_last_visit_recorded_whatever_the_values_say() -> None:
    run = Writer(0)
    one, two = drawn(run, run.root, [0.6, 0.5])
    walks = (
        Backed((run.root, one), 0.9, (0.9, 0.9)),
        Backed((run.root, one), -0.5, (0.1, 0.2)),
        Backed((run.root, two), -1.0, (-0.3, -0.7)),
    )
    run.recorder.step(Step([], [], walks), 0)
    of = seen(run.end())
    assert {node: (told.visits, told.mean) for node, told in backups(of.events).items()} == {
        0: (3, -0.3),
        1: (2, 0.2),
        2: (1, -0.7),
    }
    info = visit_info(of.rows)
    assert (info.recorded, info.least) == (True, -1.0) and [
        child.mean for child in info.children
    ] == [0.2, -0.7]
    bars = visit_figure(info).data[0]
    assert (bars.marker.cmin, list(bars.marker.color), list(bars.text)) == (
        -1,
        [0.2, -0.7],
        ["0.20", "-0.70"],
    )


@pytest.mark.parametrize(
    ("strategy", "params"),
    [
        ("mcts", {"simulations": 15, "backup": "children"}),
        ("mcts", {"simulations": 15}),
        ("tree_sampling", {"iterations": 20}),
    ],
)
async def test_q_of_a_real_search_is_the_q_by_which_it_goes_on(
    strategy: str, params: dict[str, object]
) -> None:
    """Each walk tells the Q that it chose by; what the chart says before the walk has to be the
    same."""
    of = await searched(strategy, params=params, seed=4)
    compared = 0
    for event in of.events:
        if isinstance(walk := event.body, Selected):
            known = backups(of.events, event.seq)
            for level, means in zip(walk.children, walk.means, strict=True):
                for node, mean in zip(level, means, strict=True):
                    if node in known:
                        assert known[node].mean == pytest.approx(mean)
                        compared += 1
    assert compared >= 3


async def test_q_of_a_signed_backup_is_the_q_by_which_the_search_jumps() -> None:
    """Global frontier selection adds 0.4 tanh(Q) of the parent to what a node promises."""
    of = await searched("global_frontier", params={"expansions": 24, "width": 3}, seed=4)
    parents = {row.id: row.parent for row in of.rows}
    compared = 0
    for event in of.events:
        jump = event.body
        parent = parents[jump.node] if isinstance(jump, Jumped) else None
        known = backups(of.events, event.seq)
        if parent in known:
            assert 0.4 * math.tanh(known[parent].mean) == pytest.approx(jump.terms["parent"])
            compared += 1
    assert compared >= 3


async def test_where_the_mean_is_not_the_rule_it_is_not_shown() -> None:
    of = await searched("global_frontier", params={"expansions": 24, "width": 3}, seed=4)
    assert any(
        told.mean != pytest.approx(told.total / told.visits) for told in backups(of.events).values()
    )


async def test_in_a_real_tree_search_every_walk_goes_through_one_child_of_the_root() -> None:
    of = await searched("mcts", params={"simulations": 15}, seed=4)
    info = visit_info(of.rows)
    # the first walk ends at the root
    assert (
        info.simulations == 15
        and sum(child.visits for child in info.children if child.step == 1) == 14
    )
    assert all(child.mean is None or 0 <= child.mean <= 1 for child in info.children)


def popped(*costs: tuple[float, float, bool]) -> Seen:
    run = Writer(0)
    for g, h, done in costs:
        [node] = drawn(run, run.root, [0.5], done=done)
        run.recorder.step(Step([], [], (Popped(node, g, h),), stats={"frontier": 3.0}), 0)
    return seen(run.end())


def test_nodes_stand_in_the_order_of_leaving_the_frontier_with_their_costs() -> None:
    of = popped((0.0, 0.5, False), (0.25, 0.5, False), (0.5, 0.125, True))
    info = frontier_info(of.rows, of.events)
    assert info == FrontierInfo(
        (Pop(1, 1, 0.0, 0.5, False), Pop(2, 2, 0.25, 0.5, False), Pop(3, 3, 0.5, 0.125, True)), 3
    )
    assert [pop.f for pop in info.pops] == [0.5, 0.75, 0.625] and falls(info) == 1


def test_a_node_without_a_score_leaves_a_gap() -> None:
    of = popped((0.0, 0.5, False), (0.0, float("inf"), False), (0.0, 0.25, False))
    info = frontier_info(of.rows, of.events)
    assert [pop.f for pop in info.pops] == [0.5, None, 0.25] and falls(info) == 1
    figure = frontier_figure(info)
    assert list(figure.data[2].y) == [0.5, None, 0.25] and list(figure.data[1].y) == [
        0.5,
        None,
        0.25,
    ]


def test_at_a_moment_only_what_had_left_is_there() -> None:
    of = popped((0.0, 0.5, False), (0.25, 0.5, False))
    first = next(event.seq for event in of.events if event.kind == "popped")
    assert frontier_info(of.rows, of.events, first) == FrontierInfo(
        (Pop(1, 1, 0.0, 0.5, False),), None
    )


def test_the_frontier_chart_shows_all_three_costs_and_stars_the_goals() -> None:
    of = popped((0.0, 0.5, False), (0.25, 0.125, True))
    figure = frontier_figure(frontier_info(of.rows, of.events))
    assert [list(trace.y) for trace in figure.data] == [[0.0, 0.25], [0.5, 0.125], [0.5, 0.375]]
    assert list(figure.data[2].marker.symbol) == ["circle", "star"] and [
        entry[0] for entry in figure.data[2].customdata
    ] == [1, 2]


async def test_with_a_consistent_cost_f_never_falls_in_a_real_search() -> None:
    of = await searched("a_star", params={"goals": 3}, seed=1)
    info = frontier_info(of.rows, of.events)
    assert falls(info) == 0 and sum(pop.goal for pop in info.pops) == 3 and info.pops[0].node == 0


def test_empty_runs_have_empty_charts() -> None:
    assert (
        beam_info([], []) == BeamInfo((), (), 0)
        and visit_info([]) == VisitInfo((), 0, False, 0)
        and frontier_info([], []).pops == ()
    )
    for figure in (
        beam_figure(BeamInfo((), (), 0)),
        visit_figure(VisitInfo((), 0, False, 0)),
        frontier_figure(FrontierInfo((), None)),
    ):
        assert figure.layout.height > 0
