"""What a person changes in the step that a fork begins at: its text, or one token."""

from __future__ import annotations

import math
from typing import NamedTuple

import streamlit as st

from backend.messages.forks import TextEdit, TokenEdit
from backend.messages.runs import NodeDetail, Option, Run
from components.frame.prose import visible

AS_IS, TEXT, TOKEN = "As it is", "Edit the text", "Another token"
OWN = -1
"""The choice of a text of one's own among the alternatives of a token."""


class EditChange(NamedTuple):
    """The edit, None for none; or what is `missing` for one."""

    edit: TextEdit | None
    missing: str = ""


def edit_form(run: Run, node: NodeDetail) -> EditChange:
    """Draw the choice and what belongs to it; the problem itself cannot be edited."""
    at = f"fork.{run.id}.{node.id}"
    if node.parent_id is None:
        st.text("This is the problem: the fork begins anew.")
        return EditChange(None)
    how = st.radio("This step", [AS_IS, TEXT, TOKEN], key=f"{at}.how", horizontal=True)
    if how == TEXT:
        return _text(node, at)
    if how == TOKEN:
        return _token(node, at)
    st.code(visible(node.text) or " ", language=None, wrap_lines=True)
    return EditChange(None)


def _text(node: NodeDetail, at: str) -> EditChange:
    """A text area with the step; only a changed text is an edit."""
    before = node.text.rstrip("\n")
    ended = node.done or node.text != before
    marked = "it is marked as a human's and never counted as generated"
    text = st.text_area(
        "Text of the step",
        value=before,
        height=160,
        max_chars=100_000,
        key=f"{at}.text",
        help=marked,
    )
    whole = st.checkbox(
        "The step ends here",
        value=ended,
        key=f"{at}.whole",
        help="otherwise the model goes on within the half-written step",
    )
    if not text.strip():
        return EditChange(None, "The text is empty: to leave the step out, fork from its parent.")
    return (
        EditChange(None, "The text is unchanged.")
        if (text, whole) == (before, ended)
        else EditChange(TextEdit(text=text, whole=whole))
    )


def _token(node: NodeDetail, at: str) -> EditChange:
    """The place of a token, then what is to stand there."""
    if not node.tokens:
        st.text(
            "The texts of the tokens are not at hand: the model is not loaded, or nobody "
            "sampled this text. Edit the text instead."
        )
        return EditChange(None, "No token can be chosen.")
    position = st.selectbox(
        "Token",
        range(len(node.tokens)),
        format_func=lambda place: token_label(node, place),
        key=f"{at}.position",
    )
    options = {option.token_id: option for option in other_options(node, position)}
    chosen = OWN
    if options:
        chosen = st.selectbox(
            "In its place",
            [*options, OWN],
            format_func=lambda each: option_label(options.get(each)),
            key=f"{at}.option.{position}",
        )
    else:
        st.caption(
            "No alternatives are stored for this run; set sampling alternatives above 0 to "
            "have them. A text of your own can stand here."
        )
    own = (
        ""
        if chosen != OWN
        else st.text_input(
            "Your text", key=f"{at}.own.{position}", max_chars=1_000, help="spaces count"
        )
    )
    text = own if chosen == OWN else options[chosen].text
    if not text:
        return EditChange(None, "Write what is to stand there.")
    st.caption("So the model goes on behind:")
    st.code(visible("".join(node.tokens[:position]) + text), language=None, wrap_lines=True)
    token = (
        TokenEdit(position=position, text=own)
        if chosen == OWN
        else TokenEdit(position=position, token_id=chosen)
    )
    return EditChange(TextEdit(token=token))


def token_label(node: NodeDetail, place: int) -> str:
    """A token with its place and its probability."""
    shown = f"{place}  {visible(node.tokens[place])!r}"
    return shown if node.logprobs is None else f"{shown}  p {math.exp(node.logprobs[place]):.3f}"


def other_options(node: NodeDetail, place: int) -> list[Option]:
    """The stored alternatives at a place, without the token that stands there."""
    options = node.alternatives[place] if place < len(node.alternatives) else []
    return [option for option in options if option.token_id != node.token_ids[place]]


def option_label(option: Option | None) -> str:
    return (
        "a text of your own"
        if option is None
        else f"{visible(option.text)!r}  p {math.exp(option.logprob):.3f}"
    )
