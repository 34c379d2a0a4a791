"""Model text never acts: not as HTML, not as markdown, not by characters that deceive the eye."""

from __future__ import annotations

import html
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.messages.runs import Option
from components.frame.prose import path_html, prompt_html, visible
from components.frame.theme import escape
from components.tree.inspector.tokens import BINS, bin_of, strip_data, token_rows

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "![i](http://192.0.2.1/p.png)",
    "cost is $5, then $x+1$",
    "a\u202eb\u2066c",
    "</div></span><b>",
    "' onmouseover='alert(1)",
    '" title="x',
    "&lt;already&gt;",
    "\u0000\u0007",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_html(text: str) -> None:
    for drawn in (path_html([text], 0), prompt_html(text)):
        body = re.sub(r"<style>.*?</style>", "", drawn)
        assert not re.search(r"<(script|img|b)\b", body)
        assert html.escape(visible(text)) in body


@pytest.mark.parametrize("text", HOSTILE)
def test_labels_of_charts_carry_no_tags(text: str) -> None:
    assert "<" not in escape(text) and ">" not in escape(text)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_unseen_characters_are_always_spelled_out(text: str) -> None:
    assert not re.search("[\u0000-\u0008\u200b-\u200f\u202a-\u202e\u2066-\u2069]", visible(text))


def test_ordinary_text_is_left_as_it_is() -> None:
    assert visible("x = 3\n\tna\u00efve \u2264 \u03c0") == "x = 3\n\tna\u00efve \u2264 \u03c0"


def test_special_tokens_of_a_prompt_are_visible_and_set_off() -> None:
    assert "<mark>&lt;|im_start|&gt;</mark>user" in prompt_html("<|im_start|>user")


def test_only_the_chosen_step_is_set_off() -> None:
    drawn = path_html(["one", "two", "three"], 1)
    assert drawn.count('class="here"') == 1 and re.search(r'class="here" value=\'2\'>two', drawn)


def test_an_unlikely_token_is_darker_than_a_likely_one() -> None:
    bins = [bin_of(probability) for probability in (1.0, 0.9, 0.5, 0.1, 0.0)]
    assert bins == sorted(bins) and bins[0] == 0 and bins[-1] == BINS - 1


def test_every_token_carries_its_numbers_and_what_else_could_have_stood_there() -> None:
    half = math.log(0.5)
    options = [
        [
            Option(token_id=7, text="\u202ea", logprob=half),
            Option(token_id=8, text="b", logprob=math.log(0.25)),
        ],
        [],
    ]
    rows = token_rows(["b", "c\n"], [math.log(0.25), math.log(0.1)], [8, 9], options)
    assert strip_data(rows, True) == {
        "kept": True,
        "tokens": [
            {
                "text": "b",
                "bin": 7,
                "p": 0.25,
                "logp": math.log(0.25),
                "choices": [["\u27e8U+202E\u27e9a", 0.5, False], ["b", 0.25, True]],
            },
            {
                "text": "c\n",
                "bin": 9,
                "p": pytest.approx(0.1),
                "logp": math.log(0.1),
                "choices": [],
            },
        ],
    }
    assert [row.rank for row in rows] == [2, None]


def test_a_token_sampled_from_outside_the_likeliest_is_listed_with_them() -> None:
    [row] = token_rows(
        ["z"], [math.log(0.01)], [99], [[Option(token_id=7, text="a", logprob=math.log(0.9))]]
    )
    assert [(choice.text, choice.sampled) for choice in row.choices] == [
        ("a", False),
        ("z", True),
    ] and row.rank == 2


def test_a_text_nobody_sampled_has_no_numbers() -> None:
    assert strip_data(token_rows(["a"], None), False)["tokens"] == [
        {"text": "a", "bin": None, "p": None, "logp": None, "choices": []}
    ]


def test_counts_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="got 1, accepted: one for each of 2 tokens"):
        token_rows(["a", "b"], [0.1])
