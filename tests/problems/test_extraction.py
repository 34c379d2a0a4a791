"""Finding an answer in a text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import BadInput
from backend.problems.extraction import READERS, ReadBy, extract, reader_of
from tests.problems.extraction_texts import TEXTS


@pytest.mark.parametrize(("kind", "text", "answer"), TEXTS)
def test_a_text_is_read_as_a_reader_takes_it(kind: str, text: str, answer: str | None) -> None:
    assert extract(text).answer == answer, kind


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (r"\boxed{5}", ReadBy.BOX),
        ("<answer>5</answer>", ReadBy.TAG),
        ("#### 5", ReadBy.HASHES),
        ("The answer is 5.", ReadBy.MARKER),
        ("**Final Answer**\n5", ReadBy.HEADING),
        ("5 is the answer.", ReadBy.SENTENCE),
        ("Therefore x = 5.", ReadBy.CONCLUSION),
        ("5", ReadBy.ALONE),
        ("no idea", ReadBy.NOTHING),
        (r"<think>\boxed{5}", ReadBy.UNFINISHED_THINKING),
        (r"\boxed{5} and \boxed{6}", ReadBy.SEVERAL_BOXES),
        ("\\boxed{5}\nThe answer is 6.", ReadBy.BOX_AND_MARKER),
    ],
)
def test_the_rule_that_read_the_answer_is_named(text: str, rule: ReadBy) -> None:
    assert extract(text).rule is rule


def test_the_place_is_where_the_answer_stands() -> None:
    for _, text, answer in TEXTS:
        found = extract(text)
        if found.answer is None:
            assert found.start <= found.end <= len(text)
        elif "**" not in text and "\\\\boxed" not in text:
            assert text[found.start : found.end].replace("`", "") == answer


@given(st.text(), st.sampled_from(sorted(READERS)))
def test_any_text_is_read_without_error(text: str, version: int) -> None:
    found = reader_of(version)(text)
    assert 0 <= found.start <= found.end <= len(text)
    assert found.answer is None or isinstance(found.answer, str)


@given(
    st.lists(
        st.sampled_from(
            [
                "\\boxed{",
                "}",
                "{",
                "$",
                "the answer is ",
                "5",
                " ",
                "\n",
                "**",
                "not ",
                "so ",
                "####",
            ]
        )
    )
)
def test_pieces_in_any_order_are_read_without_error(pieces: list[str]) -> None:
    found = extract("".join(pieces))
    assert found.answer is None or found.answer.strip()


@pytest.mark.parametrize(
    "piece",
    [
        "{",
        "}",
        "\\boxed{",
        "\\boxed{}",
        "\\boxed",
        "\\",
        " ",
        "\n",
        "$",
        "*",
        "#",
        "#### ",
        "1",
        ".",
        "1,",
        "the answer is ",
        "answer: $$",
        "answer to a b c ",
        "<answer>",
        "<think>",
        "</think>",
        "So x is ",
        "\nQuestion:",
        "\n# Answer\n",
        "the answer is not ",
        "\\(",
        "\\boxed{5} and \\boxed{6} ",
        "1=",
    ],
)
def test_a_hostile_text_of_a_megabyte_is_read_in_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        began = time.process_time()
        extract("the answer is " + piece * (size // len(piece)))
        return time.process_time() - began

    assert seconds(1_000_000) < 10 * seconds(250_000) + 0.5


def test_the_first_version_reads_as_it_always_did() -> None:
    first = READERS[1]
    assert first(r"\boxed{}").answer == ""
    assert first("The answer is 72, in total.").answer == "72, in total"
    assert first("work\n#### 72").answer == "72"
    assert first("\\boxed{1}" + "x" * 200_000).answer is None
    assert first("{" * 200_000 + "\\boxed{1}").answer == "1"
    assert first("\\boxed{" * 14_000).answer is None
    assert first("a\r\nThe answer is 5.\r\nb").answer == "5"


def test_an_unknown_version_is_refused_with_what_is_accepted() -> None:
    with pytest.raises(BadInput, match="got 9, accepted: 1, 2"):
        reader_of(9)
