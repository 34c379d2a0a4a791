"""The training corpus: its mixture, that evaluation seeds stay out, and that authors are who they are said to be."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from backend.classroom.corpus import FIRST_EVALUATION_SEED, Document, documents
from backend.problems import check, extract_answer, grade, problem


@pytest.fixture(scope="module")
def some() -> list[Document]:
    return list(islice(documents(11), 3_000))


def test_the_same_seed_gives_the_same_documents_and_another_seed_others() -> None:
    assert list(islice(documents(4), 20)) == list(islice(documents(4), 20)) != list(islice(documents(5), 20))


def test_no_evaluation_seed_is_in_the_corpus(some: list[Document]) -> None:
    assert all(int(each.problem_id.rsplit("/", 1)[1]) < FIRST_EVALUATION_SEED for each in some)


def test_a_document_belongs_to_its_problem(some: list[Document]) -> None:
    for each in some[:200]:
        asked = problem(each.problem_id)
        assert (each.question, each.answer) == (asked.question, asked.answer)


def test_the_mixture_is_as_documented(some: list[Document]) -> None:
    shares = Counter(each.problem_id.split("/")[0] for each in some)
    assert shares["ledger"] / len(some) == pytest.approx(0.5, abs=0.04)
    assert shares["countdown"] / len(some) == pytest.approx(0.25, abs=0.04)
    pupils = Counter(each.author for each in some if each.author.startswith("pupil:"))
    assert 0.10 <= sum(pupils.values()) / len(some) <= 0.15
    assert len(pupils) >= 16 and max(pupils.values()) < 0.3 * sum(pupils.values())


def test_teachers_are_right_throughout_and_pupils_and_repairs_have_a_first_mistake(some: list[Document]) -> None:
    kinds = Counter[str]()
    for each in some:
        asked = problem(each.problem_id)
        verdicts = check(asked, each.steps)
        assert verdicts is not None
        first = next((verdict.kind for verdict in verdicts if not verdict.ok), None)
        assert (first is None) == (each.author == "teacher")
        right = grade(asked, extract_answer("\n\n".join(each.steps))).correct
        assert right or each.author.startswith("pupil:")
        kinds.update([first] if first else [])
    assert len(kinds) >= 15 and max(kinds.values()) <= 0.4 * sum(kinds.values())


def test_steps_and_questions_are_plain_short_text(some: list[Document]) -> None:
    for each in some:
        assert each.question.isascii() and len(each.question.split()) <= 160
        assert all(step.isascii() and "\n" not in step and step.endswith(".") and len(step) <= 160 for step in each.steps)
