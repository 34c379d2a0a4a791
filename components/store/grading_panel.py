"""Try how an answer is read and graded: two fields, and what the service says of them."""

from __future__ import annotations

import streamlit as st

from backend.client import Client
from backend.messages.grading import Ask
from components.frame.prose import visible
from components.frame.service import refusals
from components.store.grading import mark_answer, rule_line, verdict_line


def draw_grading(service: Client) -> None:
    """A text or an answer on the left, the right answer beside it; below, the readings and the
    verdict."""
    with st.form("grading", border=False):
        left, right = st.columns([3, 2])
        given = left.text_area(
            "Answer, or a text with an answer in it",
            key="grading.given",
            placeholder="The answer is 1/2 because ...",
            height=110,
        )
        expected = right.text_input("Right answer", key="grading.right", placeholder="0.5")
        whole = right.checkbox(
            "The left field is the answer itself",
            key="grading.whole",
            help="Otherwise the answer is first looked for in the text.",
        )
        asked = right.form_submit_button("Grade", type="primary")
    if not asked:
        return
    if not given.strip() or not expected.strip():
        st.caption("Fill in both fields.")
        return
    with refusals():
        found = service.grade(
            Ask(given=given, right=expected) if whole else Ask(text=given, right=expected)
        )
        for line in (verdict_line(found), rule_line(found)):
            if line:
                st.text(visible(line))
        if quoted := mark_answer(given, found):
            st.text(visible(quoted))
        st.caption(
            "What was read is shown as the grader understands it. How answers are read and compared "
            "is told in the documentation (docs/reading-answers.md)."
        )
