"""Tokenizer and documents: lossless, delimiters merged, and the same ids however a document is
cut.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.classroom import encoding
from backend.classroom import tokenizer as vocabulary
from backend.classroom.corpus import documents
from backend.engines.shared.chat import ChatTemplateError, ChatTokenizer

TEXTS = [
    text
    for d in islice(documents(5), 300)
    for text in (encoding.prompt(d.question), *(s + vocabulary.DELIMITER for s in d.steps))
]
TRAINED = vocabulary.train(TEXTS, 700)


@pytest.fixture
def tokenizer(tmp_path: Path) -> ChatTokenizer:
    vocabulary.save(TRAINED, tmp_path)
    return ChatTokenizer.read(tmp_path)


@given(st.text())
def test_any_text_comes_back_byte_for_byte(text: str) -> None:
    tokenizer = ChatTokenizer(TRAINED)
    assert tokenizer.decode(tokenizer.encode(text), special=True) == text


@pytest.mark.parametrize("merged", vocabulary.MERGED_DELIMITERS)
def test_each_merged_delimiter_is_one_token(tokenizer: ChatTokenizer, merged: str) -> None:
    assert len(tokenizer.encode(merged)) == 1
    assert tokenizer.encode(merged)[0] in tokenizer.ids_containing("\n\n")


def test_digits_are_split_singly(tokenizer: ChatTokenizer) -> None:
    assert [tokenizer.decode([i]) for i in tokenizer.encode("1234")] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("token", vocabulary.SPECIAL_TOKENS)
def test_special_tokens_are_one_id_and_left_out_of_text(
    tokenizer: ChatTokenizer, token: str
) -> None:
    assert tokenizer.encode(token) == [tokenizer.token_id(token)]
    assert tokenizer.decode(tokenizer.encode(f"a{token}b")) == "ab"


def test_the_prompt_is_what_the_chat_template_renders(tokenizer: ChatTokenizer) -> None:
    assert encoding.prompt("How many?") == tokenizer.chat(
        [{"role": "user", "content": "How many?"}]
    )


def test_the_template_runs_in_a_sandbox(tokenizer: ChatTokenizer) -> None:
    tokenizer.template = "{{ messages.__class__.__mro__ }}"
    with pytest.raises(ChatTemplateError):
        tokenizer.chat([{"role": "user", "content": "x"}])


def test_a_template_that_refuses_says_why(tokenizer: ChatTokenizer) -> None:
    tokenizer.template = "{{ raise_exception('no system message') }}"
    with pytest.raises(ChatTemplateError, match="no system message"):
        tokenizer.chat([{"role": "system", "content": "x"}])


def test_parts_encoded_one_by_one_are_the_document_encoded_at_once(
    tokenizer: ChatTokenizer,
) -> None:
    for document in islice(documents(6), 50):
        whole = (
            encoding.prompt(document.question)
            + vocabulary.DELIMITER.join(document.steps)
            + vocabulary.TURN_END
        )
        found = encoding.solution(tokenizer, document.question, document.steps)
        assert found.ids == tokenizer.encode(whole)
        assert tokenizer.decode(found.ids[: found.start], special=True) == encoding.prompt(
            document.question
        )


def test_every_step_has_one_tag_and_no_delimiter(tokenizer: ChatTokenizer) -> None:
    document = next(documents(7))
    found = encoding.tag_steps(tokenizer, document.question, document.steps)
    assert [found.ids[tag] for tag in found.tags] == [
        tokenizer.token_id(vocabulary.STEP_TAG)
    ] * len(document.steps)
    assert not set(found.ids) & tokenizer.ids_containing("\n\n")


def test_unknown_tokens_are_named() -> None:
    with pytest.raises(Exception, match=r"<\|nothing\|>"):
        ChatTokenizer(TRAINED).token_id("<|nothing|>")
