"""Labels in words, agreement and counts as numbers before they are pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from components.annotate.agreement import (
    AgreementRow,
    ConfusionInfo,
    agreement_row,
    confusion_figure,
    confusion_info,
)
from components.annotate.label_counts import (
    CountInfo,
    CountRow,
    count_figure,
    count_info,
    count_rows,
)
from components.annotate.label_marks import (
    LabelMark,
    SpanMark,
    StepMarks,
    describe_label,
    mark_steps,
    place_of,
)

NAMES = {"misread": "\u25cf Misread", "slip": "\u25a0 <b>Slip</b>", "unused": "\u25b2 Unused"}


@dataclass(frozen=True)
class Span:
    start: int
    end: int
    quote: str


@dataclass(frozen=True)
class Label:
    kind: str
    label: str = ""
    node: int | None = None
    step: int | None = None
    author: str = "Ada"
    span: Span | None = None
    note: str | None = None
    id: int = 1
    blind: bool = True
    updated_at: str = ""


@dataclass(frozen=True)
class Step:
    number: int
    node: int
    text: str = "x = 1"
    score: float | None = None


@dataclass(frozen=True)
class Kappa:
    labels: list[str]
    table: list[list[int]]
    units: int = 4
    observed: float | None = 0.5
    kappa: float | None = 0.25


@dataclass(frozen=True)
class Cell:
    strategy: str
    category: str
    runs: int
    labels: int = field(default=9)


def test_labels_stand_at_their_step_and_a_first_error_on_its_path_only() -> None:
    labels = [
        Label("verdict", "bad", 3, 1),
        Label("category", "misread", 3, 1, "Bo\u202e", Span(0, 1, "x"), "no \u202e"),
        Label("first_error", "1", 9, 1),
        Label("first_error", "1", 8, 1),
        Label("verdict", "good", 4, 1),
        Label("note", note="of the run"),
    ]
    found = mark_steps(
        [Step(0, 2, score=0.5), Step(1, 3)], labels, path=9, author="Ada", names=NAMES
    )
    bo = "Bo\u27e8U+202E\u27e9: \u25cf Misread \u201cx\u201d no \u27e8U+202E\u27e9"
    assert found == [
        StepMarks(0, "x = 1", "score 0.500", (), ()),
        StepMarks(
            1,
            "x = 1",
            "",
            (
                LabelMark("\u2717 bad", True),
                LabelMark(bo, False),
                LabelMark("\u2691 first wrong step", True),
            ),
            (SpanMark(0, 1, bo),),
        ),
    ]
    assert json.dumps(found[1].data())


def test_a_label_says_what_and_where() -> None:
    assert [
        place_of(label)
        for label in (
            Label("note"),
            Label("first_error", "-1", 9, -1),
            Label("verdict", "bad", 3, 1),
        )
    ] == [
        "run",
        "path to node 9",
        "step 2, node 3",
    ]
    assert describe_label(Label("first_error", "-1", 9, -1), NAMES) == "\u2691 no step is wrong"
    assert describe_label(Label("category", "gone"), NAMES) == "gone", (
        "a category that the book does not know keeps its key"
    )


def test_a_kappa_that_does_not_exist_says_why() -> None:
    rows = [
        agreement_row("w", each)
        for each in (
            Kappa(["a"], [[4]]),
            Kappa(["a"], [[4]], 4, 1.0, None),
            Kappa([], [], 0, None, None),
        )
    ]
    assert rows == [
        AgreementRow("w", 4, "50.0%", "0.250"),
        AgreementRow("w", 4, "100.0%", "\u2013 (one label only)"),
        AgreementRow("w", 0, "", "\u2013 (no units)"),
    ]


def test_the_confusion_table_leaves_out_what_nobody_said_and_draws_hostile_names_as_text() -> None:
    kappa = Kappa(["none", "unused", "misread + slip"], [[2, 0, 1], [0, 0, 0], [0, 0, 1]])
    info = confusion_info(kappa, "<b>Ada", "Bo", NAMES)
    assert info == ConfusionInfo(
        ("none", "\u25cf Misread + \u25a0 <b>Slip</b>"), ((2, 1), (0, 1)), "<b>Ada", "Bo"
    )
    drawn = json.loads(confusion_figure(info).to_json())
    assert [(note["y"], note["x"], note["text"]) for note in drawn["layout"]["annotations"]] == [
        (0, 0, "2"),
        (0, 1, "1"),
        (1, 0, "0"),
        (1, 1, "1"),
    ]
    assert drawn["layout"]["xaxis"]["ticktext"] == ["none", "\u25cf Misread + \u25a0 &lt;\u2026"]
    assert "<b>" not in json.dumps(drawn)


def test_counts_are_shares_of_each_strategys_labelled_runs_in_the_order_of_the_codebook() -> None:
    labelled, cells = {"beam": 4, "mcts": 2}, [Cell("beam", "slip", 1), Cell("mcts", "misread", 2)]
    assert count_info(labelled, cells, NAMES) == CountInfo(
        ("beam", "mcts"),
        ("\u25cf Misread", "\u25a0 <b>Slip</b>"),
        ((0.0, 0.25), (1.0, 0.0)),
        ((0, 1), (2, 0)),
        (4, 2),
    )
    assert count_rows(labelled, cells, NAMES)[0] == CountRow(
        "beam", "\u25a0 <b>Slip</b>", 1, 4, 0.25, 9
    )
    figure = count_figure(count_info(labelled, cells, NAMES))
    assert "<b>" not in figure.to_json()
    looks = [(bar.marker.color, bar.marker.pattern.shape) for bar in figure.data]
    assert len({color for color, _ in looks}) == len({shape for _, shape in looks}) == 2, (
        "strategies differ in colour and in pattern"
    )
