"""What is said of a run at a moment, who answered first, and the chart of several runs, by
numbers.
"""

from __future__ import annotations

from backend.core.events import AnswerChanged
from backend.core.types import Score
from components.compare.chart import RaceInfo, RaceLine, RaceMark, race_figure, race_info, thin_out
from components.compare.clock import Clock, axis_of, clock
from components.compare.facts import RunFact, facts, panel_html, settings_html
from components.compare.moments import AnswerMoment, Moment, Placing, answers, moment, standings
from components.compare.settings import format_value, with_defaults
from tests.components.compare.test_clock import sent
from tests.pages.traces import Trace, Writer


def small() -> Trace:
    """Two nodes of two tokens each, scored; a wrong answer, then the right one."""
    run = Writer(0)
    first, second = run.extend([run.root, run.root], "abcdef")
    run.recorder.score("prm", first, Score(0.25))
    run.recorder.add(AnswerChanged(run.recorder.id_of(first), "7", False, ledger=dict(run.ledger)))
    run.recorder.score("prm", second, Score(0.75))
    third = run.extend([second], "abc")[0]
    run.recorder.add(AnswerChanged(run.recorder.id_of(third), None, None, ledger=dict(run.ledger)))
    run.recorder.add(AnswerChanged(run.recorder.id_of(second), "24", True, ledger=dict(run.ledger)))
    return run.end()


def test_a_moment_is_what_the_log_says_up_to_it() -> None:
    _, events = sent(small())
    at = {event.kind: event.seq for event in reversed(events)}
    assert moment(events, at["node"]) == Moment(
        at["node"], 1, False, None, None, None, None, None, 0, {}
    )
    first = moment(events, at["answer"])
    assert (
        first.answered,
        first.answer,
        first.node,
        first.correct,
        first.best,
        first.mean,
        first.scored,
    ) == (True, "7", 1, False, 0.25, 0.25, 1)
    assert first.ledger["generated_tokens"] == 4
    last = moment(events, None)
    assert (
        last.nodes,
        last.answer,
        last.node,
        last.correct,
        last.best,
        last.mean,
        last.scored,
    ) == (4, "24", 2, True, 0.75, 0.5, 2)
    assert last.ledger["generated_tokens"] == 5
    assert [one[1:] for one in answers(events)] == [
        ("7", 1, False),
        (None, 3, None),
        ("24", 2, True),
    ]
    assert answers(events, at["answer"]) == [AnswerMoment(at["answer"], "7", 1, False)]


def test_the_first_to_answer_is_first_and_equals_share_a_place() -> None:
    nodes, events = sent(small())
    counted = clock(nodes, events, "generated")
    none = events[:3]
    slow = Clock("generated", counted.seqs, tuple(value * 10 for value in counted.values))
    runs = {4: (events, slow), 5: (events, counted), 6: (events, counted), 7: (none, counted)}
    found = standings(runs, dict.fromkeys(runs))
    assert [(one.run, one.place, one.first, one.right) for one in found] == [
        (4, 3, 40, 50),
        (5, 1, 4, 5),
        (6, 1, 4, 5),
        (7, None, None, None),
    ]
    early = standings({5: runs[5]}, {5: 3})
    assert early == [Placing(5, None, None, None, moment(events, 3))]


def test_the_chart_holds_best_and_mean_so_far_and_every_answer() -> None:
    nodes, events = sent(small())
    counted = clock(nodes, events, "generated")
    info = race_info([(5, "run 5", events, counted)], axis_of("generated"))
    marks = (
        RaceMark(4, 0.25, "7", 1, False),
        RaceMark(5, None, "none that can be read", 3, None),
        RaceMark(5, 0.75, "24", 2, True),
    )
    assert info == RaceInfo(
        (RaceLine(5, "run 5", ((4, 0.75),), ((4, 0.5),), marks, 5),), axis_of("generated")
    )
    by_event = race_info(
        [(5, "run 5", events, clock(nodes, events, "events"))], axis_of("events")
    ).lines[0]
    at = [event.seq for event in events if event.kind == "score"]
    assert by_event.best == ((at[0], 0.25), (at[1], 0.75)) and by_event.mean == (
        (at[0], 0.25),
        (at[1], 0.5),
    )


def test_right_and_wrong_answers_have_different_shapes() -> None:
    nodes, events = sent(small())
    figure = race_figure(
        race_info([(5, "<b>run</b>", events, clock(nodes, events, "seconds"))], axis_of("seconds"))
    )
    marked = next(trace for trace in figure.data if trace.mode == "markers" and len(trace.x) == 3)
    assert list(marked.marker.symbol) == ["x", "circle-open", "star"]
    assert all("<b>" not in (trace.name or "") for trace in figure.data)


def test_a_long_line_is_thinned_to_its_ends_and_points_between() -> None:
    points = [(float(at), at / 1000) for at in range(1000)]
    assert thin_out(points[:5], 5) == points[:5]
    few = thin_out(points, 5)
    assert (
        len(few) == 5 and few[0] == points[0] and few[-1] == points[-1] and few == sorted(set(few))
    )


def test_the_panel_names_answer_verdict_clock_and_scores() -> None:
    nodes, events = sent(small())
    counted = clock(nodes, events, "generated")
    lines = facts(moment(events, None), axis_of("generated"), counted, "24")
    assert lines[:4] == [
        RunFact("Answer so far", "24  \u2713 right", True),
        RunFact("Clock", "5 of 5 generated tokens"),
        RunFact("Scores so far", "best 0.750, mean 0.500, 2 scored"),
        RunFact("Nodes", "4"),
    ]
    assert RunFact("Generated tokens", "5") in lines
    none = facts(moment(events, 0), axis_of("generated"), counted, None)
    assert [line.value for line in none] == ["none yet", "0 of 5 generated tokens", "none", "0"]


def test_tables_of_facts_and_settings_show_text_as_text() -> None:
    evil = "<script>1</script>"
    for shown in (
        panel_html([RunFact(evil, evil)]),
        settings_html([evil], [(evil, [evil], False)]),
    ):
        assert "<script" not in shown and shown.count("&lt;script&gt;") >= 2


def test_a_setting_is_told_as_it_is_written_and_defaults_fill_in() -> None:
    assert [format_value(value) for value in ("a b", None, True, 0.5, ["x"])] == [
        "a b",
        "null",
        "true",
        "0.5",
        '["x"]',
    ]
    schema = {"properties": {"n": {"default": 4}, "free": {}, "t": {"default": None}}}
    assert with_defaults({"n": 8}, schema) == {"n": 8, "t": None} and with_defaults(
        {"m": 1}, {}
    ) == {"m": 1}
