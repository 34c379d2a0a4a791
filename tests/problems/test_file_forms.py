"""Files of problems as people bring them: every form, and the field names of known benchmarks."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from backend.core.errors import ProblemError
from backend.problems import file as file_module
from backend.problems import file_tables, grade
from backend.problems.base import Problem
from backend.problems.file import FileSet, read_content
from backend.problems.file_tables import read_table


def read(content: bytes | str) -> FileSet:
    raw = content.encode() if isinstance(content, str) else content
    return read_content(raw, "file:mine", "mine")


def only(row: Any) -> Problem:
    [found] = read(json.dumps(row)).problems.values()
    return found


def table(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def sheet(rows: list[dict[str, Any]], delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


ROWS = [
    {"question": "One, and\none?", "answer": "2", "level": 1},
    {"question": "Half of one; as a fraction?", "answer": "1/2", "level": 3},
]
FORMS = {
    "JSON lines": ("\n".join(map(json.dumps, ROWS)), ".jsonl"),
    "JSON lines with a mark at the beginning": (
        b"\xef\xbb\xbf" + "\r\n".join(map(json.dumps, ROWS)).encode(), ".jsonl"),
    "a JSON array": (json.dumps(ROWS, indent=2), ".json"),
    "an answer of the datasets viewer": (
        json.dumps({"features": [], "rows": [
            {"row_idx": at, "row": row} for at, row in enumerate(ROWS)]}), ".json"),
    "JSON by columns": (json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]}), ".json"),
    "CSV": (sheet(ROWS), ".csv"),
    "CSV with semicolons": (sheet(ROWS, ";"), ".csv"),
    "columns between tabs": (sheet(ROWS, "\t"), ".csv"),
    "Parquet": (table(ROWS), ".parquet"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_problems(form: str) -> None:
    content, ending = FORMS[form]
    raw = content if isinstance(content, bytes) else content.encode()
    found = [
        {"question": each.question, "answer": each.answer, "level": each.level}
        for each in read(raw).problems.values()
    ]
    assert found == ROWS
    assert read_table(raw, "mine").ending == ending


BENCHMARKS: dict[str, tuple[dict[str, Any], str | None, int | None]] = {
    "GSM8K": ({"question": "q", "answer": "3 * 4 = <<3*4=12>>12\n#### 1,012"}, "1,012", None),
    "MATH": ({"problem": "q", "level": "Level 4", "type": "Algebra",
              "solution": r"So $x = \boxed{\frac{1}{2}}$."}, r"\frac{1}{2}", 4),
    "MATH, of unknown level": ({"problem": "q", "level": "Level ?", "solution": r"\boxed{3}"}, "3", None),
    "MATH-500": ({"problem": "q", "solution": "so", "answer": r"\left( 3, \pi \right)", "subject": "x",
                  "level": 2, "unique_id": "test/1.json"}, r"\left( 3, \pi \right)", 2),
    "AIME": ({"ID": "2024-I-1", "Problem": "q", "Solution": "so", "Answer": 204}, "204", None),
    "AIME, from a table with gaps": ({"Year": 2024, "Problem Number": 3, "Question": "q", "Answer": 33.0}, "33", None),
    "Inspect": ({"input": "q", "target": "7", "id": 1}, "7", None),
    "Inspect, messages and several targets": (
        {"input": [{"role": "system", "content": "no"}, {"role": "user", "content": "q"}],
         "target": ["7", "seven"]}, "7", None),
    "verl": ({"data_source": "d", "prompt": [{"role": "user", "content": "q"}], "ability": "math",
              "reward_model": {"style": "rule", "ground_truth": "34"}, "extra_info": {"index": 0}}, "34", None),
    "its_hub": ({"problem": "q", "answer": "70", "unique_id": "2024-1"}, "70", None),
    "olympiads": ({"question": "q", "final_answer": ["2", "-2"], "error": None}, "2", None),
    "a boxed answer": ({"question": "q", "answer": r"It is $\boxed{5}$."}, "5", None),
    "no answer": ({"question": "q", "answer": None, "solution": "as above"}, None, None),
    "an empty answer beside a solution": ({"problem": "q", "answer": "", "solution": r"\boxed{1}"}, "1", None),
}  # fmt: skip


@pytest.mark.parametrize("name", BENCHMARKS)
def test_field_names_of_benchmarks_are_known(name: str) -> None:
    row, answer, level = BENCHMARKS[name]
    found = only(row)
    assert (found.question, found.answer, found.level) == ("q", answer, level)


def test_nested_columns_of_a_parquet_file_are_read() -> None:
    [found] = read(table([BENCHMARKS["verl"][0]])).problems.values()
    assert (found.question, found.answer) == ("q", "34")


def test_each_of_several_accepted_answers_is_right() -> None:
    found = only({"question": "Solve x^2 = 4.", "answer": [2, "-2", "2"]})
    assert found.meta["accepted"] == ["2", "-2"]
    assert [grade(found, each).correct for each in ("2", "-2", "3", None)] == [
        True,
        True,
        False,
        False,
    ]


def test_an_accepted_answer_that_nobody_understands_leaves_others_undecided() -> None:
    found = only({"question": "q", "answer": ["x^2 + 2x + 1", "12"]})
    assert grade(found, "12").correct is True
    assert grade(found, "(x+1)^2").correct is None


def test_options_stand_in_the_question_and_a_place_becomes_a_letter() -> None:
    found = only({"question": "Which?", "choices": ["red", "blue"], "answer": 1})
    assert found.question == "Which?\n(A) red\n(B) blue" and found.answer == "B"


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (json.dumps([{"question": "q"}, {"question": " "}]), "mine element 2: question: got"),
        ("question,answer\nq,1\n,2\n", r"mine row 2 \(line 3\): question"),
        ("question,answer\nq,1,2\n", r"mine row 1 \(line 2\): got 3 cells, accepted: 2"),
        ("year,number\n1,2\n", "mine line 1: got 'year,number"),
        (table([{"question": "q"}, {"question": None}]), "mine row 2: question"),
        ('{"question": "q", "level": 101}', "mine line 1: level: got 101"),
        ('[{"question": "q"}', "mine: Expecting .* at column 19"),
        ('{"question": ' + "[" * 200_000, "accepted: JSON"),
        ("[" * 200_000, "accepted: JSON"),
        ('{"question": "q", "answer": ' + "9" * 5000 + "}", "accepted: JSON"),
        ('{"question": "q"}'.encode("utf-16"), "UTF-16 or UTF-32; accepted: UTF-8"),
        ('{"question": "q"}'.encode("utf-16-le"), "UTF-16 or UTF-32"),
        (b"PK\x03\x04rest", "compressed"),
        (b"\x1f\x8brest", "compressed"),
        (b'{"question": "\xff"}', "not UTF-8 at byte 14"),
        (table([{"question": "q"}])[:-9], "accepted: a whole Parquet file"),
        ("", "holds no problem"),
        ("[]", "holds no problem"),
        ("question,answer\n", "holds no problem"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(content: str | bytes, place: str) -> None:
    with pytest.raises(ProblemError, match=place):
        read(content)


def test_a_table_that_unpacks_to_more_than_is_taken_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(file_tables, "LARGEST_TABLE_BYTES", 1000)
    with pytest.raises(ProblemError, match="once unpacked; accepted: up to 1000"):
        read(table([{"question": f"{at} " * 50} for at in range(200)]))


def test_too_many_rows_of_a_table_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_module, "MOST_PROBLEMS", 3)
    with pytest.raises(ProblemError, match="more than 3 problems"):
        read(table([{"question": "q"}] * 4))


def test_problems_of_a_level_are_listed_in_the_order_of_the_file() -> None:
    found = read("\n".join(json.dumps({"question": "q", "level": at % 2 + 1}) for at in range(6)))
    assert found.levels == {1: 3, 2: 3}
    assert found.list_ids(2, 1, 9) == ["file:mine/4", "file:mine/6"]
    assert found.list_ids(None, 0, 2) == ["file:mine/1", "file:mine/2"]
