"""Causes by strategy, paths with verdicts, what-ifs as lines, and two series side by side: their
numbers and their words."""

from __future__ import annotations

import pytest

from backend.messages.runs import Choice
from backend.messages.why import CurveBin, DepthRank, PathStep, RunCause, WhatIf
from backend.review.why.death import Cause
from components.why.counts import CauseInfo, cause_figure, cause_info, counts_sentence
from components.why.lens import (
    CalibrationInfo,
    CalibrationPoint,
    DepthInfo,
    DepthPoint,
    curve_figure,
    curve_info,
    depth_figure,
    depth_info,
    depth_sentence,
)
from components.why.other_settings import Else, line_of, summary
from components.why.path import PathRow, first_wrong, path_rows, steps_html
from components.why.words import CAUSES

HOSTILE = "<script>x</script><img src=http://192.0.2.1/i.png> \u202edrow"


def cause(strategy: str, name: str) -> RunCause:
    given = {
        "run_id": 1,
        "strategy": strategy,
        "problem": "",
        "cause": name,
        "note": "",
        "reason": "",
        "sentence": "",
        "node": None,
        "seq": None,
    }
    return RunCause.model_validate(given)


def test_every_cause_has_words_a_colour_and_a_hatching_of_its_own() -> None:
    assert list(CAUSES) == [
        each.value
        for each in (
            Cause.RIGHT,
            Cause.NOT_EXTRACTED,
            Cause.NOT_CHOSEN,
            Cause.PRUNED,
            Cause.CUT_OFF,
            Cause.NEVER_GENERATED,
            Cause.UNKNOWN,
        )
    ] and set(CAUSES) == {each.value for each in Cause}
    for part in ("title", "color", "pattern"):
        assert len({getattr(look, part) for look in CAUSES.values()}) == len(CAUSES)


RUNS = [
    cause("beam", "pruned"),
    cause("beam", "right"),
    cause("beam", "pruned"),
    cause("chain", "never_generated"),
    cause("astar", "right"),
    cause("astar", "pruned"),
]


def test_causes_are_counted_by_strategy_the_one_that_is_right_most_often_first() -> None:
    info = cause_info(RUNS)
    assert info == CauseInfo(
        ("astar", "beam", "chain"),
        ("right", "pruned", "never_generated"),
        ((1, 1, 0), (1, 2, 0), (0, 0, 1)),
    )
    assert (
        counts_sentence(info)
        == "2 of 6 runs answered right. The commonest cause of the others: pruned (3)."
    )
    assert counts_sentence(cause_info([RUNS[1]])) == "The run answered right."
    assert cause_info([]) == CauseInfo((), (), ())


def test_a_part_of_a_bar_says_its_number_and_carries_cause_and_strategy() -> None:
    figure = cause_figure(cause_info(RUNS))
    assert [(bar.name, list(bar.x), list(bar.text)) for bar in figure.data] == [
        ("answered right", [1, 1, 0], ["1", "1", ""]),
        ("pruned", [1, 2, 0], ["1", "2", ""]),
        ("never generated", [0, 0, 1], ["", "", "1"]),
    ]
    assert [list(each) for each in figure.data[1].customdata] == [
        ["pruned", name, name] for name in ("astar", "beam", "chain")
    ]
    assert figure.layout.barmode == "stack"


def step(
    number: int,
    ok: bool | None,
    text: str = "x",
    kind: str | None = None,
    reason: str = "",
    score: float | None = None,
) -> PathStep:
    return PathStep(
        step=number, node=number * 10, text=text, score=score, ok=ok, kind=kind, reason=reason
    )


def test_the_first_wrong_step_is_told_from_a_repaired_slip_and_from_what_stands_on_it() -> None:
    steps = [
        step(1, True, score=0.5),
        step(2, False, kind="near_slip"),
        step(3, True),
        step(4, False, kind="sum", reason="it is 7"),
        step(5, False),
    ]
    assert first_wrong(steps) == 4
    assert path_rows(steps, 4) == [
        PathRow(1, 10, "x", "0.500", "right", "right"),
        PathRow(2, 20, "x", "", "slip", "wrong, repaired later (near slip)"),
        PathRow(3, 30, "x", "", "right", "right"),
        PathRow(4, 40, "x", "", "wrong", "first wrong step (sum: it is 7)"),
        PathRow(5, 50, "x", "", "after", "after the mistake"),
    ]
    unchecked = [step(1, None), step(2, None)]
    assert first_wrong(unchecked) is None and [row.mark for row in path_rows(unchecked, None)] == [
        "",
        "",
    ]


def test_what_a_model_wrote_is_escaped_wherever_it_stands_in_a_path() -> None:
    shown = steps_html(path_rows([step(1, False, HOSTILE, "kind", HOSTILE)], 1), HOSTILE)
    assert "<script" not in shown and "<img" not in shown and "\u202e" not in shown
    assert shown.count("&lt;script&gt;x&lt;/script&gt;") == 3
    assert "No step is written yet" in steps_html([])


def what_if(
    chosen: Choice | None,
    own: Choice | None,
    *,
    rounds: int = 4,
    own_rounds: int = 4,
    whole: bool = True,
) -> WhatIf:
    return WhatIf(
        run_id=1,
        selector="best",
        params={},
        aggregation=None,
        chosen=chosen,
        leaders=[],
        credit=None,
        confidence=None,
        facts={},
        candidates=2,
        undecided=[],
        own_selector="best",
        own=own,
        strategy_params={},
        first=None,
        series=None,
        rounds=rounds,
        own_rounds=own_rounds,
        whole=whole,
        stopped="" if whole else "a continuation would have been drawn that never was",
        stopped_at=None,
    )


WRONG, RIGHT, OTHER = (
    Choice(node=3, answer="7", correct=False),
    Choice(node=5, answer="8", correct=True),
    Choice(node=6, answer="9", correct=None),
)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            what_if(RIGHT, WRONG),
            Else("x", "8", "right: would have saved it", 5, "exact, all 4 rounds", True),
        ),
        (what_if(RIGHT, RIGHT), Else("x", "8", "right", 5, "exact, all 4 rounds", False)),
        (
            what_if(RIGHT, WRONG, rounds=2, whole=False),
            Else("x", "8", "right so far", 5, "exact up to round 2 of 4", False),
        ),
        (
            what_if(WRONG, WRONG, rounds=1),
            Else("x", "7", "wrong, the same answer", 3, "exact, all 1 round", False),
        ),
        (
            what_if(OTHER, WRONG),
            Else("x", "9", "undecided, another answer", 6, "exact, all 4 rounds", False),
        ),
        (
            what_if(WRONG, RIGHT, rounds=4, whole=False),
            Else(
                "x",
                "7",
                "wrong so far, another answer",
                3,
                "exact for the 4 rounds that the run took, and it would have gone on",
                False,
            ),
        ),
        (
            what_if(None, WRONG, rounds=0, whole=False),
            Else(
                "x",
                "",
                "nothing finished so far",
                None,
                "not even the first round is stored",
                False,
            ),
        ),
    ],
)
def test_a_what_if_is_told_with_its_verdict_and_how_far_it_is_exact(
    found: WhatIf, expected: Else
) -> None:
    assert line_of("x", found) == expected


def test_the_table_is_summed_up_by_what_saves_and_a_refused_question_does_not_count() -> None:
    lines = [
        line_of("rule a", what_if(RIGHT, WRONG)),
        line_of("rule b", what_if(WRONG, WRONG)),
        line_of("rule c", None, "it needs log-probabilities"),
    ]
    assert summary(lines, False) == "1 of 2 other settings would have saved it: rule a."
    assert summary(lines[1:], False).startswith("None of 1 other settings")
    assert summary(
        [line_of("rule b", what_if(WRONG, RIGHT)), line_of("rule d", what_if(RIGHT, RIGHT))], True
    ) == ("The run was right. 1 of 2 other settings would have lost it: rule b.")
    assert lines[2] == Else(
        "rule c", "", "cannot be asked: it needs log-probabilities", None, "", False
    )


def test_the_curve_leaves_out_empty_bins_and_counts_the_others() -> None:
    bins = [
        CurveBin(low=0.0, high=0.5, steps=3, mean=0.2, other_mean=0.5),
        CurveBin(low=0.5, high=0.6, steps=0, mean=None, other_mean=None),
        CurveBin(low=0.6, high=1.0, steps=2, mean=0.9, other_mean=1.0),
    ]
    info = curve_info(bins, 0.22)
    assert info == CalibrationInfo(
        (CalibrationPoint(0.2, 0.5, 3), CalibrationPoint(0.9, 1.0, 2)), 0.22
    )
    drawn = curve_figure(info).data[1]
    assert (list(drawn.x), list(drawn.y), list(drawn.text)) == ([0.2, 0.9], [0.5, 1.0], ["3", "2"])


def test_a_depth_where_all_steps_are_alike_is_named_and_not_ranked() -> None:
    ranks = [
        DepthRank(step=1, steps=4, good=4, auroc=None),
        DepthRank(step=2, steps=5, good=2, auroc=0.75),
        DepthRank(step=3, steps=2, good=1, auroc=1.0),
    ]
    info = depth_info(ranks, 0.8)
    assert info == DepthInfo((DepthPoint(2, 0.75, 2, 3), DepthPoint(3, 1.0, 1, 1)), (1,), 0.8)
    drawn = depth_figure(info).data[1]
    assert (list(drawn.x), list(drawn.y), list(drawn.text)) == ([2, 3], [0.75, 1.0], ["2/3", "1/1"])
    assert "is 0.80" in depth_sentence(info) and "At step 1 all are alike" in depth_sentence(info)
    assert "nothing can be ranked" in depth_sentence(depth_info(ranks[:1], None))
