"""What is seen at a moment is what the events up to it say."""

from __future__ import annotations

import itertools

from backend.core.events import Pruned, Resampled, ScoreGiven
from backend.core.tree import TreeRow, find_chosen_node, path_to, tree_table
from backend.core.types import Score
from components.views.any_run.scores import ScoreInfo, score_figure, score_info
from tests.pages.fake_service import FakeService
from tests.pages.traces import Trace, Writer, beam_trace, particle_trace
from tests.support.logged import of


def rows_of(trace: Trace, until: int | None = None) -> list[TreeRow]:
    run = FakeService().add(trace)
    return tree_table(
        [run.node(record.id) for record in trace.nodes],
        [run.event(record.seq).record() for record in trace.events],
        until,
    )


def test_every_node_of_the_log_is_a_row_with_its_score() -> None:
    trace = beam_trace()
    rows = rows_of(trace)
    assert [row.id for row in rows] == [record.id for record in trace.nodes]
    scores = {given.node: given.value for given in of(ScoreGiven, trace.events)}
    assert {row.id: row.score for row in rows if row.score is not None} == scores


def test_at_a_moment_only_what_had_happened_by_then_is_there() -> None:
    trace = beam_trace()
    until = next(event.seq for event in trace.events if event.kind == "pruned") - 1
    rows = rows_of(trace, until)
    assert len(rows) == 9 and not any(row.pruned for row in rows) and find_chosen_node(rows) is None
    pruned = trace.events[until + 1].body
    assert isinstance(pruned, Pruned)
    assert {row.id for row in rows_of(trace, until + 1) if row.pruned} == set(pruned.nodes)


def test_a_particle_that_nobody_continues_counts_as_pruned() -> None:
    trace = particle_trace()
    event = next(event for event in trace.events if event.kind == "resampled")
    assert isinstance(event.body, Resampled)
    particles = event.body.particles
    alive = {particles[slot] for slot in event.body.ancestors}
    assert {row.id for row in rows_of(trace, event.seq) if row.pruned} == set(particles) - alive


def test_an_unscored_node_says_why_and_has_no_number() -> None:
    run = Writer(0)
    node = run.extend([run.root])[0]
    run.recorder.score("prm", node, Score(None, reason="the context is full"))
    row = rows_of(run.end())[1]
    assert row.score is None and row.reason == "the context is full" and "unscored" in row.state


def test_the_last_answer_is_the_chosen_one() -> None:
    run = Writer(0)
    first, second = run.extend([run.root, run.root])
    run.answer(first)
    run.answer(second)
    rows = rows_of(run.end())
    assert find_chosen_node(rows) == 2 and [row.id for row in rows if row.chosen] == [2]


def test_a_path_runs_from_the_problem_to_the_node() -> None:
    rows = rows_of(beam_trace())
    path = path_to(rows, find_chosen_node(rows))
    assert [row.depth for row in path] == [0, 1, 2, 3, 4]
    assert all(child.parent == parent.id for parent, child in itertools.pairwise(path))
    assert path_to(rows, 999) == []


def test_score_numbers_are_the_scored_steps_and_their_joints() -> None:
    run = Writer(0)
    parent = run.extend([run.root])[0]
    child, unscored = run.extend([parent, parent])
    for node, value in ((parent, 0.5), (child, 0.75)):
        run.recorder.score("prm", node, Score(value))
    run.recorder.score("prm", unscored, Score(None, reason="lost"))
    run.answer(child)
    assert score_info(rows_of(run.end())) == ScoreInfo(
        ((1, 0.5), (2, 0.75)), (1, 2), (((1, 0.5), (2, 0.75)),), ((1, 0.5), (2, 0.75))
    )


def test_the_score_chart_has_a_fixed_scale_and_clickable_nodes() -> None:
    figure = score_figure(score_info(rows_of(beam_trace())))
    assert figure.layout.yaxis.range == (-0.03, 1.03)
    assert sorted(figure.data[1].customdata) == list(range(1, 33))


def test_an_empty_run_has_an_empty_chart() -> None:
    assert score_info([]) == ScoreInfo((), (), (), ())
    score_figure(score_info([]))


def test_rows_of_a_root_alone_call_it_the_problem() -> None:
    root = rows_of(beam_trace(), until=1)
    assert [row.state for row in root] == ["problem"]
