"""Formats of other programs are found in their files, and nothing else lists them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from backend.exchange.base import LAST, Format, Imported, ImportHints, begins
from backend.exchange.formats import FORMATS, formats_in_order, parse_file, recognise
from backend.exchange.thinking import FORMAT as PLAIN_TEXT
from backend.service.exchange import import_formats

NAMES = [
    "treequest",
    "llm-reasoners",
    "smc",
    "its_hub",
    "inspect",
    "search_and_learn",
    "thinking",
]


def parse_dummy(content: bytes, given: ImportHints) -> list[Imported]:
    """Everything after the first line as plain thinking."""
    return PLAIN_TEXT.parse(content.partition(b"\n")[2], given)


DUMMY = Format(
    "dummy",
    "A dummy from outside",
    "dummy",
    lambda beginning: begins(beginning, rb"^dummy format 1\n"),
    parse_dummy,
    order=35,
)


@contextmanager
def dummy_format() -> Iterator[None]:
    """A format added from outside and taken away again."""
    FORMATS.add(DUMMY.name, DUMMY)
    try:
        yield
    finally:
        FORMATS.remove(DUMMY.name)


def test_the_formats_are_tried_in_their_order_and_plain_text_last() -> None:
    formats = formats_in_order()
    assert [one.name for one in formats if one.name in NAMES] == NAMES
    assert formats[-1] is PLAIN_TEXT and PLAIN_TEXT.order == LAST
    assert len({one.order for one in formats}) == len(formats)


def test_a_format_added_from_outside_is_recognised_read_and_offered() -> None:
    content = b"dummy format 1\n<think>one\n\ntwo</think>\nThe answer is \\boxed{2}."
    with dummy_format():
        assert recognise(content) == "dummy"
        [run] = parse_file("dummy", content, ImportHints("How many?"))
        assert run.nodes[0].text == "How many?"
        assert import_formats()[:3] == ["auto", "jsonl", "parquet"]
        assert import_formats().index("dummy") == import_formats().index("smc") + 1
    assert recognise(content) == "thinking" and "dummy" not in import_formats()
