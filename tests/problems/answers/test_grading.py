"""Grades of problems whose right answer is a text: rounding by the question or the set, and what a
grade says."""

from __future__ import annotations

from backend.problems import Problem, grade
from backend.problems.file import read_lines


def test_a_question_that_asks_for_rounding_takes_a_rounded_answer() -> None:
    exact = Problem("own", "own", None, None, "What is the share?", "1/3")
    rounded = Problem("own", "own", None, None, "What is the share, to two decimal places?", "1/3")
    assert grade(exact, "0.33").correct is False
    assert grade(rounded, "0.33").correct is True
    assert grade(rounded, "0.34").correct is False


def test_a_problem_of_a_file_may_name_its_tolerance() -> None:
    line = '{"question": "How long is it?", "answer": "3.0 cm", "tolerance": 0.05}'
    problem = read_lines(line, "file:own", "own.jsonl").problem(1)
    assert grade(problem, "3.1 cm").correct is True
    assert grade(problem, "3.1 km").correct is False
    assert grade(problem, "3.5 cm").correct is False


def test_a_grade_says_what_was_compared() -> None:
    problem = Problem("own", "own", None, None, "How long is it?", "12 cm")
    assert grade(problem, "12").reason == "12 equals 12 cm, compared exactly"
    assert grade(problem, "12 km").reason == "12 km is not 12 cm, compared exactly"
    assert "quantity 12 cm" in grade(problem, "12 \\wug").reason
