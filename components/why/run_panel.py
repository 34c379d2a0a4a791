"""One run: where the right answer died, in a sentence; the node and the moment; its path, and the
first wrong step of the answer that was given."""

from __future__ import annotations

import streamlit as st

from backend.client import Client
from backend.messages.runs import OVER, Catalog, Run
from backend.messages.why import Why
from components.frame.address import address, number_in_address, page, put_in_address
from components.frame.prose import plain_markdown, visible
from components.frame.service import require
from components.history.run_cards_panel import name_of
from components.run.words import state_word
from components.why.path import first_wrong, path_rows, steps_html
from components.why.words import CAUSES, EVIDENCE, title

COLORS = {
    "right": "green",
    "not_extracted": "blue",
    "not_chosen": "blue",
    "pruned": "orange",
    "cut_off": "violet",
    "never_generated": "red",
}


def why_run(service: Client, catalog: Catalog, run: Run) -> Why | None:
    """Draw what is known of the run; None where it is not over yet."""
    _which(run)
    if run.status not in OVER:
        st.info(
            (
                f"Run {run.id} is {state_word(run.status)}. Why it went as it did can be asked "
                "when it is over."
            ),
            icon=":material/hourglass:",
        )
        st.page_link(
            page("trace"),
            label="Watch it on Trace",
            icon=":material/account_tree:",
            query_params=address(run.id),
        )
        return None
    with st.spinner("Looking for where the right answer died\u2026"):
        found = require(
            lambda: service.why(
                run.id, node=number_in_address("node"), labeller=_labeller(catalog)
            ),
            f"The cause for run {run.id}",
        )
    _verdict(run, found)
    left, right = st.columns(2, gap="medium")
    with left:
        _line(found)
    with right:
        _path(run, catalog, found)
    return found


def _which(run: Run) -> None:
    facts = [
        run.strategy.replace("_", " "),
        name_of(run),
        f"seed {run.seed}",
        state_word(run.status),
    ]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.page_link(page("why"), label="All runs", icon=":material/arrow_back:")
        st.markdown(f"**Run {run.id}**", width="content")
        st.caption(plain_markdown(" \u00b7 ".join(facts)), width="content")
        with st.popover("Question", icon=":material/info:"):
            st.text(visible(run.question))
        st.page_link(
            page("trace"),
            label="Open on Trace",
            icon=":material/account_tree:",
            query_params=address(run.id),
        )


def _verdict(run: Run, found: Why) -> None:
    """The sentence, what kind of death that is, on what it rests, and the way to the node and the
    moment."""
    with st.container(border=True):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.badge(plain_markdown(title(found.cause)), color=COLORS.get(found.cause, "gray"))
            given = (
                "no answer" if run.answer is None else f"answer {visible(run.answer)}, {run.grade}"
            )
            st.text(f"{given} (right: {visible(run.right_answer or 'not known')})", width="content")
        st.markdown(f"### {plain_markdown(found.sentence)}")
        st.caption(
            " ".join(
                part
                for part in (CAUSES[found.cause].meaning, EVIDENCE.get(found.evidence or "", ""))
                if part
            )
        )
        _numbers(found)
        if found.node is not None:
            at = "" if found.seq is None else f", event {found.seq}"
            label = f"Jump to node {found.node}{at}"
            st.page_link(
                page("trace"),
                label=label,
                icon=":material/my_location:",
                query_params=address(run.id, found.node, found.seq),
            )


def _numbers(found: Why) -> None:
    """The score that lost beside the cut that won."""
    if found.value is None:
        return
    with st.container(horizontal=True, gap="medium"):
        st.metric(plain_markdown(f"It had: {found.measure}"), f"{found.value:.4g}", width="content")
        if found.cut is not None:
            st.metric(
                "The chosen one had"
                if found.cause == "not_chosen"
                else "Against: what won, or the cut",
                f"{found.cut:.4g}",
                width="content",
            )


def _line(found: Why) -> None:
    """The path of the right answer to where it died."""
    right = found.cause == "right"
    st.markdown(
        "**The path of the right answer**"
        if right
        else "**The path of the right answer, until its death**"
    )
    if found.node is None:
        st.text("There is no such path: no text comes near the right answer.")
        return
    if found.cause == "never_generated" and found.evidence is None:
        st.text(
            "No text gives the right answer, and no checker of steps can say which one was "
            "right longest. This is the text that was chosen."
        )
    end = "" if right else found.sentence
    st.html(steps_html(path_rows(found.line, first_wrong(found.line)), end))


def _path(run: Run, catalog: Catalog, found: Why) -> None:
    """The path that was chosen, or the one that the reader asks for, with the first wrong step."""
    own = run.chosen_node is not None and found.path_node == run.chosen_node
    with st.container(
        horizontal=True, gap="small", vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown(
            "**The path that was chosen**" if own else f"**The path to node {found.path_node}**",
            width="content",
        )
        key = f"why.node.{run.id}"
        with st.container(
            horizontal=True, gap="small", vertical_alignment="center", width="content"
        ):
            st.caption("to node", width="content")
            st.number_input(
                "Path to node",
                0,
                max(0, run.nodes - 1),
                found.path_node,
                key=key,
                on_change=_go,
                args=(key,),
                label_visibility="collapsed",
                width=150,
                help="show and check the path to any other node",
                placeholder="node",
            )
    if found.path_node is None:
        st.text(
            "Nothing was chosen: no solution was finished. Name a node to check the path to it."
        )
        return
    if len(catalog.labellers) > 1:
        _judges(catalog, found)
    st.text(_describe_path(found, title_of(catalog, found.labeller)))
    if found.first_wrong is not None:
        node = found.first_wrong.node
        st.page_link(
            page("trace"),
            label=f"Open node {node} on Trace",
            icon=":material/account_tree:",
            query_params=address(run.id, node),
        )
    st.html(
        steps_html(
            path_rows(found.path, None if found.first_wrong is None else found.first_wrong.step)
        )
    )


def _go(key: str) -> None:
    put_in_address(node=st.session_state[key])


def _labeller(catalog: Catalog) -> str | None:
    """Who shall judge the steps, as the address says; None for the default."""
    name = st.query_params.get("labeller")
    return name if name in {each.name for each in catalog.labellers} else None


def _judges(catalog: Catalog, found: Why) -> None:
    """A choice among the labellers."""
    names, key = [each.name for each in catalog.labellers], "why.labeller"
    st.selectbox(
        "Steps judged by",
        names,
        names.index(found.labeller),
        format_func=lambda name: title_of(catalog, name),
        key=key,
        on_change=lambda: put_in_address(labeller=st.session_state[key]),
        width=420,
    )


def title_of(catalog: Catalog, labeller: str) -> str:
    """What a labeller is called in a sentence, at its beginning."""
    titles = {each.name: each.title for each in catalog.labellers}
    return titles.get(labeller, "The exact checker")


def _describe_path(found: Why, title: str) -> str:
    """What the labeller of that title says of the path."""
    if not found.checked:
        reason = found.unchecked or "this problem set has no exact checker of steps"
        return (
            f"{visible(reason[:1].upper() + reason[1:])}, so nobody says which step is the first "
            "wrong one."
        )
    wrong = found.first_wrong
    if wrong is None:
        return f"{visible(title)} finds no wrong step on this path that was not repaired."
    judge = visible(title[:1].lower() + title[1:])
    kind = (wrong.kind or "mistake").replace("_", " ")
    return (
        f"First wrong step by {judge}: step {wrong.step} (node {wrong.node}), "
        f"{kind}. {visible(wrong.reason)}"
    )
