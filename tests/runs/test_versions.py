"""The versions of what reads texts: a new run has the newest, a stored one keeps its own."""

from __future__ import annotations

import pytest

from backend.core.errors import BadInput
from backend.core.events import AnswerChanged
from backend.core.records import MemorySink
from backend.core.spec import FIRST, NEWEST, Versions
from backend.problems.extraction import READERS
from backend.runs.versions import with_versions
from tests.golden import SEARCHES, searched, spec


def test_a_new_run_gets_the_newest_versions_and_a_named_one_stays() -> None:
    asked = spec("chain")
    assert asked.read_with == FIRST and with_versions(asked).versions == NEWEST
    assert NEWEST.reader == max(READERS)
    assert with_versions(spec("chain", versions={"reader": 1})).read_with.reader == 1
    assert "versions" not in asked.model_dump()


@pytest.mark.parametrize("part", ["reader", "grader", "splitter"])
def test_an_unknown_version_is_refused(part: str) -> None:
    with pytest.raises(BadInput, match=f"version of the {part}"):
        with_versions(spec("chain", versions={part: 99}))


@pytest.mark.parametrize("name", SEARCHES)
async def test_the_newest_versions_search_as_the_first_and_say_how_answers_were_read(
    name: str,
) -> None:
    first, newest = MemorySink(), MemorySink()
    await searched(spec(name), first)
    await searched(spec(name, versions=NEWEST.model_dump()), newest)
    assert [node.text for node in first.nodes] == [node.text for node in newest.nodes]
    for one, other in zip(first.events, newest.events, strict=True):
        if isinstance(one.body, AnswerChanged):
            assert isinstance(other.body, AnswerChanged)
            assert (one.body.answer, one.body.correct) == (other.body.answer, other.body.correct)
            assert one.body.read_by is None and other.body.read_by is not None
            assert other.body.grader == NEWEST.grader
        else:
            assert type(one.body) is type(other.body)


def test_versions_of_a_stored_spec_are_checked() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        Versions(reader=0)
