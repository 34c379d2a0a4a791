"""The tests fail on every known defect: each mutant is put into a copy of the project and has to be
noticed there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

import pytest

from tests.mutants.mutant import Defect, Mutant
from tests.mutants.nurse import NOT_RUN
from tests.mutants.page import PAGE, page
from tests.mutants.table import MUTANTS
from tests.mutants.workshop import Workshop, meant, opened

CARELESS = (
    "AttributeError",
    "ImportError",
    "ModuleNotFoundError",
    "NameError",
    "TypeError",
    "UnboundLocalError",
)
"""What a careless edit fails with. A defect runs and does the wrong thing, and a test says so."""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A copy of the project in which every test that the table names passes, each file by itself as
    it is run for a mutant."""
    named = sorted({test for mutant in MUTANTS for test in mutant.tests})
    with opened(tmp_path_factory.mktemp("project")) as place:
        for _, tests in groupby(named, key=lambda test: test.partition("::")[0]):
            asked = list(tests)
            sound = place.run(asked)
            assert sound.status == 0, sound.output
            assert [test for test in asked if not meant(test, sound.passed)] == []
        yield place


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_known_defect_makes_its_tests_fail(mutant: Mutant, workshop: Workshop) -> None:
    with workshop.edited(mutant):
        ran = workshop.run(mutant.tests, mutant.module)
    assert ran.status == 1 and not ran.broken, ran.output
    assert [test for test in mutant.tests if not meant(test, ran.failed)] == [], ran.output
    assert [message for message in ran.failed.values() if message.startswith(CARELESS)] == [], (
        ran.output
    )


def test_an_edit_without_effect_passes_and_one_that_is_no_python_runs_nothing(
    workshop: Workshop,
) -> None:
    mutant = MUTANTS[0]
    with workshop.edited(mutant._replace(new=f"{mutant.old}  # as it was")):
        assert workshop.run(mutant.tests, mutant.module).status == 0
    with workshop.edited(mutant._replace(new="no python")):
        ran = workshop.run(mutant.tests, mutant.module)
    assert ran.status == NOT_RUN and not ran.failed and "SyntaxError" in ran.output


def test_an_edit_that_does_not_fit_the_file_is_told() -> None:
    mutant = MUTANTS[0]
    for text, found in (("", 0), (mutant.old * 2, 2)):
        with pytest.raises(
            AssertionError,
            match=f"{mutant.name}: the old text stands {found} times in {mutant.file}",
        ):
            mutant.applied(text)


def test_every_defect_has_a_mutant_and_no_mutant_comes_twice() -> None:
    assert {mutant.defect for mutant in MUTANTS} == set(Defect)
    assert max(Counter(mutant.name for mutant in MUTANTS).values()) == 1
    assert max(Counter((mutant.file, mutant.old, mutant.new) for mutant in MUTANTS).values()) == 1


def test_the_tests_of_a_mutant_are_in_one_file() -> None:
    """Because they were tried on the sound copy file by file."""
    assert {len({test.partition("::")[0] for test in mutant.tests}) for mutant in MUTANTS} == {1}


def test_the_page_shows_the_table() -> None:
    """`python -m tests.mutants` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
