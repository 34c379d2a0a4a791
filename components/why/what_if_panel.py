"""What if: other settings on a stored run and what they would have chosen, beside what the run
chose. The service computes it without a model."""

from __future__ import annotations

import json
from collections.abc import Callable

import streamlit as st
from pydantic import JsonValue

from backend.client import Client
from backend.messages.runs import OVER, Catalog, Choice, Reselection, Run
from backend.messages.why import WhatIf, WhatIfAsk
from components.frame.address import address, page
from components.frame.prose import plain_markdown, visible
from components.frame.service import refusals
from components.run.words import grade_word
from components.why.foreign_panel import draw_foreign, is_foreign
from components.why.other_settings import extent
from components.why.what_if_form import text_of, why_form
from components.why.words import title


def why_panel(service: Client, run: Run, node_id: int | None, catalog: Catalog) -> None:
    """For the Trace page, folded up: the cause, the first wrong step on the path to the node, and
    what if. Nothing is asked while it is closed."""
    asked = "what" in st.query_params
    expander = st.expander(
        "Why, and what if",
        icon=":material/help:",
        key="why",
        expanded=asked,
        on_change="rerun",
        bind="query-params",
    )
    with expander:
        if not expander.open:
            return
        if run.status not in OVER:
            st.text("This can be asked when the run is over.")
            return
        with refusals():
            if is_foreign(run):
                draw_foreign(run, service.why(run.id))
                return
            _cause(service, run, node_id)
            what_if(service, run, catalog)


def _cause(service: Client, run: Run, node_id: int | None) -> None:
    found = service.why(run.id, node=node_id)
    st.markdown(
        f"**{plain_markdown(title(found.cause).capitalize())}.** {plain_markdown(found.sentence)}"
    )
    if found.first_wrong is not None:
        wrong = found.first_wrong
        st.text(
            f"First wrong step on the path to node {found.path_node}: step {wrong.step} "
            f"(node {wrong.node}). {visible(wrong.reason)}"
        )
    with st.container(horizontal=True):
        if found.node is not None:
            label = f"Show where (node {found.node:d})"
            st.page_link(
                page("trace"),
                label=label,
                icon=":material/my_location:",
                query_params=address(run.id, found.node, found.seq),
            )
        st.page_link(
            page("why"),
            label="More on the Why page",
            icon=":material/help:",
            query_params=address(run.id, node_id),
        )


def _what_if(service: Client, run: Run, catalog: Catalog) -> None:
    """Draw the form and what it finds; only this part of the page is drawn again when an input
    changes."""
    st.markdown("**What if?**")
    with refusals():
        ask = why_form(run, catalog, list(service.series(run.id).series))
        if ask == WhatIfAsk():
            st.caption(
                "Change something: the search is repeated on what is stored, without a "
                "model. The result says up to which round that is exact."
            )
            return
        with st.spinner("Repeating the search on what is stored\u2026"):
            found = service.what_if(run.id, ask)
        _found(found, run, ask)


what_if: Callable[[Client, Run, Catalog], None] = st.fragment(_what_if)


def _found(found: WhatIf, run: Run, ask: WhatIfAsk) -> None:
    """Both choices, how far the second one is exact and why it ends there, and what else the rule
    says."""
    before, after = st.columns(2, gap="medium")
    with before:
        _choice("As it ran", found.own_selector, found.own, run, ask)
    with after:
        _choice("What if", found.selector, found.chosen, run, ask)
    if found.whole:
        st.text(f"{extent(found).capitalize()}: this is what the run would have answered.")
    else:
        sentence = (
            f"{extent(found).capitalize()}: then {found.stopped}. What stands above is how it "
            "stood then."
        )
        st.warning(plain_markdown(sentence), icon=":material/block:")
        if found.stopped_at is not None:
            _node(
                f"Node {found.stopped_at}, where it would have gone on", found.stopped_at, run, ask
            )
    st.caption(plain_markdown(describe_confidence(found)))
    if found.facts:
        st.code(
            "\n".join(
                f"{name:<20} {json.dumps(shorten(value))}" for name, value in found.facts.items()
            ),
            language=None,
            wrap_lines=True,
        )


def _choice(heading: str, rule: str, choice: Choice | None, run: Run, ask: WhatIfAsk) -> None:
    with st.container(border=True, gap="xsmall"):
        st.caption(f"{heading}, by the rule {plain_markdown(rule)}")
        if choice is None or choice.node is None:
            st.text("nothing: no candidate finished")
            return
        st.text(
            f"answer {visible(choice.answer or 'none that can be read')}, "
            f"{grade_word(choice.correct, run.right_answer)}"
        )
        _node(f"Node {choice.node}", choice.node, run, ask)


def _node(label: str, node: int, run: Run, ask: WhatIfAsk) -> None:
    kept = {"what": text} if (text := text_of(ask)) is not None else {}
    st.page_link(
        page("trace"),
        label=label,
        icon=":material/account_tree:",
        query_params={**address(run.id, node), **kept},
    )


def shorten(value: JsonValue) -> JsonValue:
    """A fact with its numbers as people read them: six significant digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        return [shorten(one) for one in value]
    return {name: shorten(one) for name, one in value.items()} if isinstance(value, dict) else value


def describe_confidence(found: Reselection) -> str:
    """How sure the choice is, in sentences."""
    sentences = [f"{found.candidates} candidate{'' if found.candidates == 1 else 's'}."]
    if len(found.leaders) > 1:
        credit = "unknown" if found.credit is None else f"{found.credit:.3f}"
        sentences.append(
            f"{len(found.leaders)} tie, and the earliest wins; a random one of them would "
            f"be right with probability {credit}."
        )
    if found.confidence is not None:
        sentences.append(f"The rule's own confidence is {found.confidence:.3f}.")
    if found.undecided:
        count = len(found.undecided)
        sentences.append(
            f"{count} pair{'' if count == 1 else 's'} of answers could not be compared."
        )
    return " ".join(sentences)
