"""Imported runs are graded where the right answer is known, and say so everywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.client import Client
from tests.api.service import Service
from tests.exchange.files import THOUGHT

ROW = {
    "problem": "A half?", "answer": "\\frac{1}{2}", "completions": ["so \\boxed{0.5}", "\\boxed{2}"],
    "scores": [[0.5], [0.25]], "pred": "so \\boxed{0.5}",
}  # fmt: skip
HUB = {
    "responses": [{"role": "assistant", "content": "\\boxed{4}"}, {"content": "\\boxed{5}"}],
    "scores": [0.25, 0.75],
    "selected_index": 1,
    "surprise": 1,
}


def taken(client: Client, whole: Any, **known: str) -> int:
    content = whole if isinstance(whole, bytes) else json.dumps(whole).encode()
    [run_id] = client.import_runs(content, **known).run_ids
    return run_id


def grades(client: Client, run_id: int) -> tuple[str, bool | None, str, str]:
    """What the run, the SQL view and the exports say."""
    run = client.info(run_id)
    client.sql.renew()
    asked = client.sql(f"SELECT grade FROM verdict WHERE run_id = {run_id}")
    svg, html = (client.export(run_id, name).decode() for name in ("svg", "html"))
    drawn = next(
        (each for each in ("not graded", "undecided", "right", "wrong") if f"({each})" in svg), ""
    )
    assert f'"grade":"{run.grade}"' in html
    return run.grade, run.correct, str(asked.rows[0][0]), drawn


@pytest.mark.parametrize(
    ("whole", "known", "grade", "correct"),
    [
        (ROW, {}, "right", True),
        ({**ROW, "pred": "\\boxed{2}"}, {}, "wrong", False),
        ({**ROW, "answer": ["7", "0.5"]}, {}, "right", True),
        (HUB, {"answer": "5"}, "right", True),
        (HUB, {"answer": "4"}, "wrong", False),
        (HUB, {}, "not graded", None),
        (THOUGHT.encode(), {"answer": "72"}, "right", True),
        ({**HUB, "selected_index": None}, {"answer": "5"}, "not graded", None),
    ],
)
def test_an_imported_answer_is_graded_where_the_right_one_is_known(
    service: Service, whole: Any, known: dict[str, str], grade: str, correct: bool | None
) -> None:
    client = service.client()
    run_id = taken(client, whole, **known)
    said, verdict, in_sql, drawn = grades(client, run_id)
    assert (said, verdict, in_sql) == (grade, correct, grade)
    assert drawn == ("" if client.info(run_id).answer is None else grade)
    assert service.store.verify(run_id) == []


def test_a_graded_run_says_who_graded_it_and_why(service: Service) -> None:
    client = service.client()
    run = client.info(taken(client, ROW))
    source = run.manifest["imported"]
    assert isinstance(source, dict) and str(source["graded_by"]).startswith("grader ")
    assert run.grade_reason is not None and "equals" in run.grade_reason
    copy = client.import_runs(client.export(run.id), name="copy").run_ids[0]
    assert client.info(copy).grade == "right"


def test_an_undecided_answer_is_not_one_that_nobody_graded(service: Service) -> None:
    client = service.client()
    hard = {**HUB, "responses": [{"content": "\\boxed{some words}"}] * 2}
    undecided = client.info(taken(client, hard, answer="x^2 + 2x + " * 400 + "1"))
    assert (undecided.grade, undecided.correct) == ("undecided", None)


def test_what_was_not_read_is_told_with_the_import(service: Service) -> None:
    found = service.client().import_runs(json.dumps(HUB).encode())
    assert found.remarks == ["not read: surprise"]


def test_costs_that_a_file_does_not_hold_are_not_zero(service: Service) -> None:
    client = service.client()
    bare, counted = taken(client, HUB), taken(client, {**HUB, "usage": {"completion_tokens": 12}})
    client.sql.renew()
    query = f"SELECT generated_tokens FROM cost WHERE run_id IN ({bare}, {counted}) ORDER BY run_id"
    assert [row[0] for row in client.sql(query).rows] == [None, 12]
    assert "generated_tokens" not in client.info(bare).ledger
    assert service.store.verify(counted) == []


def test_why_says_of_a_foreign_run_what_its_file_says(service: Service) -> None:
    client = service.client()
    told = {
        taken(client, HUB, answer="5"): ("right", "answered right: 5"),
        taken(client, HUB, answer="4"): ("not_chosen", "chose 5 (node 2), which is wrong; 1 of the 2"),
        taken(client, HUB, answer="9"): ("never_generated", "none of the 2 finished texts"),
        taken(client, HUB): ("unknown", "not known"),
        taken(client, {**HUB, "selected_index": None}, answer="4"): ("not_chosen", "names no choice"),
    }  # fmt: skip
    for run_id, (cause, words) in told.items():
        found = client.why(run_id)
        assert (found.cause, words in found.sentence) == (cause, True), found.sentence
        assert "None" not in found.sentence
