"""The formulas that decided about a node, with its numbers put in, and those that it competed
with.
"""

from __future__ import annotations

import streamlit as st

from components.frame.prose import plain_markdown
from components.tree.inspector.formula.case import Case, Formula
from components.tree.inspector.formula.html import rivals_html, terms_html
from components.tree.inspector.formula.table import formulas


def formula_panel(case: Case | None) -> None:
    """Draw every formula that applies, the decision about it first."""
    found = formulas(case) if case is not None else []
    if not found:
        st.text(
            "No formula has decided about this node up to the moment shown.\n"
            "A search tells one where it walks, weighs, prices, grants or cuts; a plain sample "
            "needs none."
        )
    for place, formula in enumerate(found):
        if place:
            st.divider()
        _formula(formula, place)


def _formula(formula: Formula, place: int) -> None:
    st.markdown(f"**{plain_markdown(formula.title)}**")
    if formula.said:
        st.text(formula.said)
    if formula.symbols:
        st.latex(formula.symbols)
    if formula.numbers:
        st.latex(
            formula.numbers
            + (f" = \\mathbf{{{_number(formula.value)}}}" if formula.value is not None else "")
        )
    st.caption(_source(formula))
    if formula.terms:
        st.html(terms_html(formula.terms))
    if len(formula.rivals) > 1:
        with st.expander(f"Among {len(formula.rivals)}", expanded=place == 0):
            st.html(rivals_html(formula.rivals))


def _number(value: float) -> str:
    return f"{value:.6g}".replace("inf", "\\infty")


def _source(formula: Formula) -> str:
    if formula.recorded is None:
        return f"Computed from the log at event {formula.seq}."
    if formula.value is None:
        return f"The search recorded {formula.recorded:.6g} at event {formula.seq}."
    if formula.agrees:
        return f"Computed from the log; the search recorded the same at event {formula.seq}."
    return (
        f"Computed from the log; the search recorded {formula.recorded:.6g} at event "
        f"{formula.seq}, so one of the two is wrong."
    )
