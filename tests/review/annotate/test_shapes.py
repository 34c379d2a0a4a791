"""Steps, the shapes of other datasets and the tables, each read again by what reads such files."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from backend.core.cells import unquote_cell
from backend.core.splitting import AT_BLANK_LINES
from backend.review.annotate.shapes import (
    LabelledPath,
    finish_reason,
    first_wrong,
    prm800k,
    processbench,
)
from backend.review.annotate.steps import StepPart, covering, split_steps, tokens_over
from backend.review.annotate.tables import SCHEMA, TEXTS, csv_bytes, parquet_bytes

NODES = [(1, "One.\n\nTwo"), (4, " goes on"), (5, "\n\n"), (7, "\n\n  Three.  ")]


def test_a_step_ends_in_the_node_of_its_last_character() -> None:
    steps = split_steps(NODES, AT_BLANK_LINES)
    assert [(step.number, step.text, step.node) for step in steps] == [
        (0, "One.", 1),
        (1, "Two goes on", 4),
        (2, "Three.", 7),
    ]
    assert steps[1].parts == (StepPart(1, 6, 9), StepPart(4, 0, 8))
    assert covering(steps[1], 2, 7) == [StepPart(1, 8, 9), StepPart(4, 0, 4)]
    assert covering(steps[2], 0, 5) == [StepPart(7, 4, 9)]
    assert [(step.text, step.node) for step in split_steps(NODES, AT_BLANK_LINES, ends={1})] == [
        ("One.", 1),
        ("Two", 1),
        ("goes on", 4),
        ("Three.", 7),
    ]


@given(st.lists(st.text("ab \n", max_size=6), max_size=8))
def test_steps_are_those_of_the_verifiers_and_are_found_again_in_their_nodes(
    texts: list[str],
) -> None:
    nodes = list(enumerate(texts))
    steps = split_steps(nodes, AT_BLANK_LINES)
    assert tuple(step.text for step in steps) == AT_BLANK_LINES.split(texts)
    for step in steps:
        assert "".join(texts[part.node][part.start : part.end] for part in step.parts) == step.text
        upper = split_steps([each for each in nodes if each[0] <= step.node], AT_BLANK_LINES)
        assert upper[step.number] == step, (
            "the path to the node in which a step ends is enough to name it"
        )


def test_a_span_is_told_in_tokens() -> None:
    assert tokens_over(["so", " 7", " + 3", "."], 3, 5) == (1, 3)
    assert tokens_over(["so", " 7"], 0, 2) == (0, 1)
    assert tokens_over(["so"], 1, 9) is None and tokens_over([], 0, 1) is None


PATH = LabelledPath(
    run_id=4,
    node=9,
    author="Ada",
    at=datetime(2026, 3, 1, 12, 30, 5, 250, tzinfo=UTC),
    generator="classroom",
    problem="How many jars?\u2028=1+1",
    right_answer="42",
    answer="41",
    correct=False,
    score=0.25,
    steps=["a = 1", 'b = "2"', "\\boxed{41}"],
    places=[(3, 0), (7, 1), (9, 2)],
    ratings={(3, 0): "good", (7, 1): "bad"},
    first_error=None,
    others=[(1, "b = 3", "neutral")],
)


def test_processbench_lines_have_the_published_fields_and_nothing_else() -> None:
    lines = [
        json.dumps(line)
        for line in processbench(
            [
                PATH,
                replace(PATH, ratings={(7, 1): "bad"}),
                replace(PATH, author="Bo", first_error=-1),
            ]
        )
    ]
    found = [json.loads(line) for line in lines]
    assert [list(each) for each in found] == [
        ["id", "generator", "problem", "steps", "final_answer_correct", "label"]
    ] * 2
    assert [each["label"] for each in found] == [1, -1] and len({each["id"] for each in found}) == 2
    assert (
        found[0]["problem"] == PATH.problem
        and found[0]["steps"] == PATH.steps
        and found[0]["final_answer_correct"] is False
    )


def test_the_first_wrong_step_follows_from_verdicts_only_where_none_is_missing_before_it() -> None:
    every = dict.fromkeys(PATH.places, "neutral")
    assert first_wrong(PATH) == 1
    assert first_wrong(replace(PATH, ratings={(3, 0): "good", (9, 2): "bad"})) is None
    assert first_wrong(replace(PATH, ratings=every)) == -1
    assert (
        first_wrong(replace(PATH, ratings=every, whole=False)) is None
        and first_wrong(replace(PATH, whole=False)) == 1
    )
    assert first_wrong(replace(PATH, ratings=every, first_error=2)) == 2, (
        "what the author said counts more than what follows"
    )
    assert first_wrong(replace(PATH, steps=[], places=[], ratings={})) is None


def test_prm800k_lines_rebuild_the_solution_as_its_authors_say() -> None:
    found = json.loads(json.dumps(next(prm800k([PATH]))))
    steps = found["label"]["steps"]
    assert (
        [step["completions"][step["chosen_completion"]]["text"] for step in steps]
        == PATH.steps
        == found["question"]["pre_generated_steps"]
    )
    assert [[each["rating"] for each in step["completions"]] for step in steps] == [
        [1],
        [-1, 0],
        [None],
    ]
    assert (found["labeler"], datetime.fromisoformat(found["timestamp"])) == (
        "Ada",
        PATH.at.replace(tzinfo=None),
    )
    assert set(found) == {
        "labeler",
        "timestamp",
        "generation",
        "is_quality_control_question",
        "is_initial_screening_question",
        "question",
        "label",
    }
    assert (
        set(found["label"]) == {"steps", "total_time", "finish_reason"}
        and found["label"]["finish_reason"] == "found_error"
    )
    assert list(prm800k([replace(PATH, ratings={(99, 1): "bad"})])) == []


def test_finish_reasons_are_those_of_the_dataset() -> None:
    fine = replace(PATH, ratings={(3, 0): "good"})
    assert finish_reason(PATH) == finish_reason(replace(fine, first_error=2)) == "found_error"
    assert finish_reason(replace(fine, correct=True)) == "solution"
    assert finish_reason(fine) == finish_reason(replace(fine, correct=None)) == "give_up"
    assert finish_reason(replace(PATH, categories=frozenset({"bad_problem"}))) == "bad_problem"


ROW = {
    "id": 1, "run_id": 2, "strategy": "mcts", "model": "m", "problem_id": None, "node": 3, "step": -1, "kind": "note", "label": "",
    "category_name": None, "span_start": 0, "span_end": 4, "span_tokens": "[[3, 0, 2]]", "text": "-1 is less", "note": "=HYPERLINK(\"http://x\")",
    "author": "@Ada", "blind": True, "created_at": datetime(2026, 3, 1, tzinfo=UTC), "updated_at": datetime(2026, 3, 2, 3, 4, 5, 678, tzinfo=UTC),
}  # fmt: skip


def test_parquet_comes_back_as_it_went() -> None:
    table = pq.read_table(io.BytesIO(parquet_bytes([ROW])))
    assert table.schema == SCHEMA and table.to_pylist() == [ROW]
    assert pq.read_table(io.BytesIO(parquet_bytes([]))).schema == SCHEMA


@given(st.text(), st.text())
def test_no_text_is_a_formula_in_csv_and_every_text_comes_back(note: str, author: str) -> None:
    given_ = {**ROW, "note": note.replace("\ud800", ""), "author": author}
    read = next(iter(csv.DictReader(io.StringIO(csv_bytes([given_]).decode(), newline=""))))
    for name in TEXTS:
        assert not read[name].startswith(
            ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
        )
        assert unquote_cell(read[name]) == (given_[name] or "")
    assert (read["step"], read["blind"], read["problem_id"]) == ("-1", "true", "")
