"""Which answer each solution gives, and which solutions are the same word for word."""

from __future__ import annotations

from backend.core.tree import TreeRow, tree_table
from components.run.log import answer_of
from components.run.reached import Answers
from tests.pages.fake_service import FakeService
from tests.pages.traces import beam_trace


def solutions(*texts: tuple[int, str, bool]) -> list[TreeRow]:
    """A prompt and nodes as (parent, text, done)."""
    rows = [TreeRow(0, None, 0, "prompt", "How much?", None, False, 0, None, 0)]
    return rows + [
        TreeRow(at, parent, 1, "step", text, None, done, 0, None, at)
        for at, (parent, text, done) in enumerate(texts, 1)
    ]


ROWS = solutions(
    (0, "a ", False),
    (1, "\\boxed{7}", True),
    (0, "a \\boxed{7}", True),
    (0, "so \\boxed{ 7 }", True),
    (0, "\\boxed{8}", True),
    (0, "no idea", True),
    (1, "\\boxed{8}", False),
)


def test_equal_answers_share_a_label_and_only_equal_texts_are_duplicates() -> None:
    assert Answers().read_on(ROWS, answer_of, 9).data() == {
        "labels": ["7", "8"],
        "of": {"2": 0, "3": 0, "4": 0, "5": 1},
        "repeats": [3],
        "seq": 9,
    }


def test_reading_on_as_a_run_grows_says_the_same_as_reading_at_the_end() -> None:
    grown = Answers()
    for count in range(len(ROWS) + 1):
        grown.read_on(ROWS[:count], answer_of, count)
    assert grown.data() == {**Answers().read_on(ROWS, answer_of, 8).data(), "seq": len(ROWS)}


def test_a_hostile_answer_is_short_and_shows_what_cannot_be_seen() -> None:
    told = (
        Answers()
        .read_on(solutions((0, "\\boxed{\u202e" + "x" * 500 + "}", True)), answer_of, 0)
        .labels[0]
    )
    assert told.startswith("\u27e8U+202E\u27e9") and len(told) == 80


def test_the_solutions_of_a_search_have_their_answers() -> None:
    run = FakeService().add(beam_trace())
    rows = tree_table(
        [run.node(record.id) for record in run.trace.nodes],
        [run.event(record.seq).record() for record in run.trace.events],
    )
    told = Answers().read_on(rows, answer_of, 1)
    assert set(told.of) <= {one.id for one in rows if one.done} and told.labels
