"""Problem sets from files: what is read, and how what cannot be read is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.problems import CURATED, ProblemError, check, grade, problem
from backend.problems import file as file_module
from backend.problems.file import read_file, read_lines


def saved(folder: Path, *lines: str, name: str = "mine.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_problem_is_found_by_its_line(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        '{"question": "1 + 1?", "answer": 2, "level": 3}',
        "",
        '{"problem": "2 + 2?", "answer": "so 4\\n#### 4", "year": 1}',
    )
    mine = read_file(path)
    first, third = problem("file:mine/1", [mine]), problem("file:mine/3", [mine])
    assert (first.id, first.set, first.level, first.question, first.answer) == (
        "file:mine/1",
        "file:mine",
        3,
        "1 + 1?",
        "2",
    )
    assert (third.level, third.answer) == (None, "4")
    assert check(first, ["1 + 1 = 2"]) is None


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[1]",
        "{}",
        '{"question": ""}',
        '{"question": 5.5, "level": 0}',
        '{"question": "x", "answer": [[1]]}',
        '{"question": "x", "answer": {"value": 1}}',
        '{"question": "x", "level": true}',
        '{"question": "x", "tolerance": "much"}',
        '{"question": "x", "level": "hard"}',
    ],
)
def test_an_unreadable_line_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(ProblemError, match=r"mine\.jsonl line 2: .*accepted"):
        read_file(saved(tmp_path, '{"question": "fine"}', line))


def test_a_file_that_is_missing_empty_binary_large_or_oddly_named_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (
        tmp_path / "none.jsonl",
        saved(tmp_path, "", name="empty.jsonl"),
        saved(tmp_path, "{}", name="a b.jsonl"),
    ):
        with pytest.raises(ProblemError, match="accepted"):
            read_file(path)
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProblemError, match="UTF-8"):
        read_file(binary)
    monkeypatch.setattr(file_module, "LARGEST_FILE_BYTES", 10)
    with pytest.raises(ProblemError, match="bytes; accepted: up to 10"):
        read_file(saved(tmp_path, '{"question": "long enough"}'))


def test_too_many_problems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_module, "MOST_PROBLEMS", 2)
    with pytest.raises(ProblemError, match="more than 2"):
        read_lines('{"question": "x"}\n' * 3, "file:x", "x.jsonl")


def test_an_answer_is_graded_by_equivalence_and_undecided_where_none_is_known() -> None:
    mine = read_lines(
        '{"question": "a half?", "answer": "\\\\frac{1}{2}"}\n{"question": "?"}',
        "file:x",
        "x.jsonl",
    )
    assert grade(mine.problem(1), "0.5").correct is True
    assert grade(mine.problem(1), "0.6").correct is False
    assert grade(mine.problem(1), None).correct is False
    assert grade(mine.problem(1), "x").correct is None
    assert grade(mine.problem(2), "1").correct is None


def test_there_are_thirty_curated_problems_of_every_level() -> None:
    rows = list(CURATED.problems.values())
    assert len(rows) == 30 and {row.level for row in rows} == {1, 2, 3, 4, 5}
    assert problem("curated/30").id == "curated/30"
    assert all(grade(row, row.answer).correct for row in rows)
    assert len({row.question for row in rows}) == 30
    assert json.dumps([row.answer for row in rows]).isascii()
