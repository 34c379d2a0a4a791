"""The tests fail on every known defect: each mutant is put into a copy of the project and has to be
noticed there."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest

from tests.mutants.edit import ROOT, Opening, module_of
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


class Bench(NamedTuple):
    """A workshop, and the tests that are known to pass on its sound copy."""

    place: Workshop
    sound: set[str]

    def require_sound(self, file: str) -> None:
        """Try all tests of a file that the table names on the sound copy, once."""
        named = {test for mutant in MUTANTS for test in mutant.node_ids}
        asked = sorted(test for test in named if file_of(test) == file)
        if self.sound.issuperset(asked):
            return
        ran = self.place.run(asked)
        assert ran.status == 0, ran.output
        assert [test for test in asked if not meant(test, ran.passed)] == []
        self.sound.update(asked)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One copy of the project for each process that runs these tests."""
    with opened(tmp_path_factory.mktemp("project"), [mutant.edit for mutant in MUTANTS]) as place:
        yield Bench(place, set())


def file_of(test: str) -> str:
    """The file of a test, below `tests/`."""
    return test.partition("::")[0]


def by_file(mutants: Sequence[Mutant]) -> list[Mutant]:
    """Mutants of one file of tests beside each other: the sound copy runs that file once."""
    return sorted(mutants, key=lambda mutant: file_of(mutant.node_ids[0]))


@pytest.mark.parametrize(
    "mutant", by_file(MUTANTS), ids=lambda mutant: f"{file_of(mutant.node_ids[0])}-{mutant.name}"
)
def test_a_known_defect_makes_its_tests_fail(mutant: Mutant, bench: Bench) -> None:
    bench.require_sound(file_of(mutant.node_ids[0]))
    with bench.place.edited(mutant.edit):
        ran = bench.place.run(mutant.node_ids, mutant.module)
    assert ran.status == 1 and not ran.broken, ran.output
    assert [test for test in mutant.node_ids if not meant(test, ran.failed)] == [], ran.output
    assert [message for message in ran.failed.values() if message.startswith(CARELESS)] == [], (
        ran.output
    )


def test_an_edit_without_effect_passes_and_one_that_cannot_be_imported_runs_nothing(
    bench: Bench,
) -> None:
    mutant = MUTANTS[0]
    with bench.place.edited(mutant.edit._replace(new=mutant.edit.old)):
        assert bench.place.run(mutant.node_ids, mutant.module).status == 0
    with bench.place.edited(Opening(module_of(mutant.edit.place), "import nothing_of_this_name")):
        ran = bench.place.run(mutant.node_ids, mutant.module)
    assert ran.status == NOT_RUN and not ran.failed and "ModuleNotFoundError" in ran.output


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_an_edit_changes_its_place(mutant: Mutant) -> None:
    """So a rename or another course of the code is noticed here at once."""
    before = (ROOT / mutant.edit.file).read_text(encoding="utf-8")
    after = mutant.edit.applied(before)
    if mutant.edit.file.suffix == ".py":
        before = ast.unparse(ast.parse(before))
    assert after != before


def test_every_defect_has_a_mutant_and_no_mutant_comes_twice() -> None:
    assert {mutant.defect for mutant in MUTANTS} == set(Defect)
    assert max(Counter(mutant.name for mutant in MUTANTS).values()) == 1
    changes = Counter((str(mutant.edit), mutant.defect) for mutant in MUTANTS)
    assert max(changes.values()) == 1


def test_the_tests_of_a_mutant_are_in_one_file() -> None:
    """Because they are tried on the sound copy file by file."""
    assert {len(set(map(file_of, mutant.node_ids))) for mutant in MUTANTS} == {1}


def test_the_page_shows_the_table() -> None:
    """`python -m tests.mutants` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
