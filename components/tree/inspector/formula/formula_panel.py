"""The formulas that decided about a node, with its numbers put in, and those that it competed
with.
"""

from __future__ import annotations

import streamlit as st

from backend.core.formulas import Shown
from components.frame.prose import plain_markdown
from components.tree.inspector.formula.case import Explanation, FormulaCase, alike
from components.tree.inspector.formula.html import rivals_html, terms_html
from components.tree.inspector.formula.table import explain

WIDE = 80
"""LaTeX longer than this many characters has its value on a line of its own."""

HEADROOM = r"\rule{0pt}{1.9em}"
"""Something without width that is as high as a fraction with room above it."""


def formula_panel(case: FormulaCase | None) -> None:
    """Draw every formula that applies, the decision about it first."""
    found = explain(case) if case is not None else []
    if not found:
        st.text(
            "No formula has decided about this node up to the moment shown.\n"
            "A search tells one where it walks, weighs, prices, grants or cuts; a plain sample "
            "needs none."
        )
    for place, explanation in enumerate(found):
        if place:
            st.divider()
        _explanation(explanation, place)


def _explanation(explanation: Explanation, place: int) -> None:
    st.markdown(f"**{plain_markdown(explanation.title)}**")
    if explanation.said:
        st.text(explanation.said)
    for step in explanation.steps:
        _draw(value_latex(step.shown, step.shown.left))
    shown = explanation.shown
    if shown is not None:
        _draw(shown.symbols)
        _draw(value_latex(shown))
    elif explanation.symbols:
        _draw(explanation.symbols)
    st.caption(plain_markdown(_source(explanation)))
    if explanation.terms:
        st.html(terms_html(explanation.terms))
    if len(explanation.rivals) > 1:
        with st.expander(f"Among {len(explanation.rivals)}", expanded=place == 0):
            st.html(rivals_html(explanation.rivals))


def value_latex(shown: Shown, called: str = "") -> str:
    """A formula with numbers and its value, after what the value is called; a comparison with what
    it says."""
    numbers = f"{called} = {shown.numbers}" if called else shown.numbers
    if isinstance(shown.value, bool):
        return f"{numbers} \\;\\Rightarrow\\; \\textbf{{{'yes' if shown.value else 'no'}}}"
    value = f"= \\mathbf{{{_number(shown.value)}}}"
    if len(shown.numbers) > WIDE:
        return f"\\begin{{gathered}} {numbers} \\\\ {value} \\end{{gathered}}"
    return f"{numbers} {value}"


def _draw(latex: str) -> None:
    """Draw LaTeX with room above a fraction, which Streamlit would cut off at the top."""
    st.latex(f"{HEADROOM}{latex}" if r"\frac" in latex else latex)


def _number(value: float) -> str:
    return f"{value:.6g}".replace("inf", "\\infty")


def _source(explanation: Explanation) -> str:
    wrong = [step.shown.title.lower() for step in explanation.steps if not step.agrees]
    return _agreement(explanation) + "".join(
        f" The search recorded another {name}." for name in wrong
    )


def _agreement(explanation: Explanation) -> str:
    value, recorded, seq = explanation.value, explanation.recorded, explanation.seq
    if recorded is None:
        return f"Computed from the log at event {seq}."
    if value is None:
        return f"The search recorded {recorded:.6g} at event {seq}."
    if alike(value, recorded):
        return f"Computed from the log; the search recorded the same at event {seq}."
    return (
        f"Computed from the log; the search recorded {recorded:.6g} at event {seq}, so one of the "
        "two is wrong."
    )
