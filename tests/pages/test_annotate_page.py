"""The parts of the Annotate page that decide something without a browser, and what it says to
somebody without a name."""

from __future__ import annotations

from components.annotate.queue_panel import neighbours
from components.annotate.saved_panel import history_table
from components.annotate.step_reader_panel import _numbers
from tests.pages.conftest import opened


def test_the_neighbours_of_a_run_are_found_although_it_left_the_queue() -> None:
    assert neighbours([9, 7, 4], 7) == (9, 4)
    assert neighbours([9, 4], 7) == (9, 4), (
        "the run at hand was labelled, and the queue is of unlabelled ones"
    )
    assert neighbours([9, 7], 9) == (None, 7) and neighbours([9, 7], 7) == (9, None)
    assert neighbours([9, 7], None) == (None, 9) and neighbours([], 7) == (None, None)


def test_only_whole_messages_about_the_path_at_hand_are_believed() -> None:
    assert _numbers(
        {"path": "1.2", "number": 3, "start": 0, "end": 4}, "1.2", "number", "start", "end"
    ) == [3, 0, 4]
    for message in (
        None,
        "x",
        {"path": "1.9", "number": 3},
        {"path": "1.2"},
        {"path": "1.2", "number": -1},
        {"path": "1.2", "number": "3"},
    ):
        assert _numbers(message, "1.2", "number") is None


def test_the_history_names_hostile_authors_as_text() -> None:
    class Entry:
        key, author, at, action, before = (
            "3",
            "Ada\u202e",
            "2026-03-01T10:00:05.5+00:00",
            "created",
            None,
        )
        after = {"kind": "verdict", "label": "bad", "step": 0, "note": None, "blind": True}  # noqa: RUF012

    (line,) = history_table([Entry()], {}).to_dict("records")  # type: ignore[list-item]
    assert line == {
        "when": "2026-03-01 10:00:05",
        "who": "Ada\u27e8U+202E\u27e9",
        "what": "created",
        "label": "3",
        "before": "",
        "after": "verdict, bad, step 1, blind",
    }


def test_a_page_whose_service_is_away_says_how_to_start_it(monkeypatch) -> None:
    monkeypatch.setenv("ARBORETUM_BACKEND", "http://127.0.0.1:9")
    page = opened("annotate")
    assert not page.exception and "does not answer" in page.error[0].value
