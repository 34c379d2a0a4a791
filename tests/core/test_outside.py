"""What comes from outside becomes what can be kept."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.events import Remarked
from backend.core.outside import (
    clean_completion,
    clean_json,
    clean_numbers,
    clean_score,
    clean_text,
    clean_texts,
)
from backend.core.ports import Completion
from backend.core.records import MemorySink
from backend.core.types import Alternative, Finish, Node, Score
from backend.runs.recorder import Recorder
from storage.arrow import encode

HOSTILE = st.text(st.characters(codec=None), max_size=20)


@given(HOSTILE)
def test_every_text_becomes_one_that_can_be_kept_and_stays_it(text: str) -> None:
    clean = clean_text(text)
    assert "\0" not in clean and clean.encode().decode() == clean
    assert clean_text(clean) is clean


@pytest.mark.parametrize("text", ["a\u2028b", "a\u2029\x85", "\U0001f600", "\ufffd", ""])
def test_what_is_unicode_stays_as_it_is(text: str) -> None:
    assert clean_text(text) is text


def test_pairs_of_halves_are_joined_and_lone_ones_are_marked() -> None:
    assert clean_text("a\ud83d\ude00b\ud83d\0") == "a\U0001f600b\ufffd\ufffd"


def test_numbers_are_a_column_only_where_all_are_finite() -> None:
    assert clean_numbers([0.0, -1.5]) == (0.0, -1.5) and clean_numbers(None) is None
    for odd in (math.nan, math.inf, -math.inf):
        assert clean_numbers([0.0, odd]) is None


def test_json_is_clean_in_keys_and_values() -> None:
    assert clean_json({"a\0": [math.nan, 1.5, "\ud800", True, None]}) == {
        "a\ufffd": [None, 1.5, "\ufffd", True, None]
    }


def test_a_completion_with_everything_odd_can_be_stored() -> None:
    odd = (Alternative(3, "\ud800", -1.0), Alternative(4, "b", math.nan))
    said = Completion(
        "k", "a\0\ud800", (1, 2**40), (-0.5, math.nan), Finish.END, 3, 0, (odd, odd), "\ud800", "\0"
    )
    clean = clean_completion(said)
    assert clean == Completion(
        "k", "a\ufffd\ufffd", (1, -1), None, Finish.END, 3, 0, (), "\ufffd", "\ufffd"
    )
    finite = clean_completion(Completion("k", "a", (1,), (-0.5,), Finish.END, 3, 0, (odd,)))
    assert finite.alternatives == ((Alternative(3, "\ufffd", -1.0),),)


def test_a_score_loses_its_odd_steps_and_keeps_its_value() -> None:
    assert clean_score(Score(0.5, (0.5, math.nan), "\0")) == Score(0.5, (), "\ufffd")


def test_what_reaches_the_recorder_all_the_same_can_be_stored() -> None:
    sink = MemorySink()
    recorder = Recorder(sink)
    node = Node("a\ud800\0", (5,), (math.inf,))
    recorder.node(node)
    recorder.add(Remarked("\ud800", (0,)))
    recorder.flush()
    assert encode(1, sink.nodes, sink.events).nodes.num_rows == 1
    assert (sink.nodes[0].text, sink.nodes[0].logprobs) == ("a\ufffd\ufffd", None)


def test_a_struct_that_is_clean_is_the_same_one() -> None:
    note = Remarked("fine", (0,))
    assert clean_texts(note) is note
