"""The training corpus: its mixture, that evaluation seeds stay out, and that authors are who they
are said to be."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice

import pytest

from backend.classroom.corpus import FIRST_EVALUATION_SEED, Document, documents, errs, variants
from backend.classroom.samples import FIRST_SEED, write_solutions
from backend.problems import SETS, check, extract_answer, grade, problem


@pytest.fixture(scope="module")
def some() -> list[Document]:
    return list(islice(documents(11), 3_000))


def test_the_same_seed_gives_the_same_documents_and_another_seed_others() -> None:
    assert (
        list(islice(documents(4), 20))
        == list(islice(documents(4), 20))
        != list(islice(documents(5), 20))
    )


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


def test_teachers_are_right_throughout_and_pupils_and_repairs_have_a_first_mistake(
    some: list[Document],
) -> None:
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


def test_a_reading_says_every_fact_of_a_ledger_and_nothing_else() -> None:
    drawn = list(islice(documents(11, lambda: 0.5), 400))
    readings = [each for each in drawn if each.author == "reading"]
    assert len(readings) / sum(
        each.problem_id.startswith("ledger") for each in drawn
    ) == pytest.approx(0.5, abs=0.1)
    for each in readings:
        assert sorted(each.steps) == sorted(
            line for line in each.question.splitlines() if not line.startswith("How many")
        )
    assert any(list(each.steps) != each.question.splitlines()[:-1] for each in readings)
    assert not any(each.author == "reading" for each in islice(documents(11), 400))


def test_steps_and_questions_are_plain_short_text(some: list[Document]) -> None:
    for each in some:
        assert each.question.isascii() and len(each.question.split()) <= 160
        assert all(
            step.isascii() and "\n" not in step and step.endswith(".") and len(step) <= 160
            for step in each.steps
        )


@pytest.mark.parametrize("name", ["ledger", "countdown", "procedure"])
def test_the_variants_of_a_problem_are_right_by_teachers_and_often_wrong_by_others(
    name: str,
) -> None:
    rng, wrong = random.Random(1), 0
    for seed in range(40):
        posed = SETS[name].problem(3, seed)
        found = variants(SETS[name], posed, rng)
        assert {document.problem_id for document in found} == {posed.id}
        assert [document.author.partition(":")[0] for document in found] == [
            "teacher",
            "teacher",
            "repair",
            "pupil",
            "pupil",
        ]
        assert not any(errs(SETS[name], posed, list(document.steps)) for document in found[:2])
        wrong += sum(errs(SETS[name], posed, list(document.steps)) for document in found[2:])
    assert wrong > 40


def test_written_solutions_are_judged_and_their_problems_are_never_sampled_or_evaluated_on() -> (
    None
):
    groups = list(islice(write_solutions(3), 30))
    assert groups == list(islice(write_solutions(3), 30)) != list(islice(write_solutions(4), 30))
    assert all(
        int(solution.problem_id.rsplit("/", 1)[1]) < FIRST_SEED
        for group in groups
        for solution in group
    )
    assert all(
        len(solution.labels) == len(solution.steps) == len(solution.kinds)
        for group in groups
        for solution in group
    )
    assert {label for group in groups for solution in group for label in solution.labels} == {
        True,
        False,
    }
