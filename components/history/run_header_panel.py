"""The line above a trace: which run this is, what became of it, and what it was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from backend.messages.runs import OVER, Run
from components.form.run_again_form import again_link
from components.frame.address import address, page
from components.frame.prose import plain_markdown, visible
from components.history.compare_link_panel import compare_link
from components.history.export_panel import export_menu
from components.history.run_cards_panel import failure, ledger_row, name_of, nothing_yet
from components.run.words import clock, state_word


def run_header(run: Run) -> None:
    """One line of facts, the question folded away, and the failure if there is one."""
    source = source_of(run.manifest)
    # by another program: nobody here knows what it was seeded with, or how to run it again
    foreign = "imported" in run.spec
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**Run {run.id}**", width="content")
        st.badge(state_word(run.status), color="gray")
        if foreign:
            st.badge(
                plain_markdown(f"imported from {source}"),
                icon=":material/upload_file:",
                color="blue",
            )
        st.caption(
            plain_markdown(" \u00b7 ".join(filter(None, _facts(run, foreign)))), width="content"
        )
        if run.answer is not None:
            st.text(_verdict(run), width="content")
        with st.popover("Question and settings", icon=":material/info:"):
            _draw_question(run, "" if foreign else source)
        export_menu(run)
        if not foreign:
            again_link(run.id)
        compare_link(run.id)
    if run.status == "failed":
        failure(run)
    elif run.answer is None and run.status in (*OVER, "paused") and not foreign:
        st.caption(plain_markdown(nothing_yet(run)))
    if run.status in ("paused", "crashed"):
        st.page_link(
            page("solve"),
            label="Resume it on Solve",
            icon=":material/play_circle:",
            query_params=address(run.id),
        )


def _facts(run: Run, foreign: bool) -> Sequence[str]:
    strategy, when = run.strategy.replace("_", " "), clock(run.created_at)
    return (
        (strategy, run.model or "", when)
        if foreign
        else (strategy, name_of(run), f"seed {run.seed}", when)
    )


SETTINGS = (
    "params",
    "engine",
    "model",
    "verifier",
    "aggregation",
    "selector",
    "budget",
    "sampling",
)


def _draw_question(run: Run, source: str) -> None:
    """The question, where the run came from if it was brought by a file, its verdict, its costs and
    its settings."""
    st.text(visible(run.question))
    if source:
        st.text(f"Imported from {visible(source)}")
    if run.grade_reason:
        st.text(f"Graded: {visible(run.grade_reason)}")
    ledger_row(run)
    settings = {name: getattr(run, name) for name in SETTINGS} | {
        name: given
        for name in ("verifier_params", "selector_params")
        if (given := run.spec.get(name)) or name == "selector_params"
    }
    st.json(settings | {"steps": _steps(run)}, expanded=1)


def _steps(run: Run) -> Mapping[str, object]:
    """Where the steps of a run end, and by which version of the splitter."""
    versions, asked = run.spec.get("versions"), run.spec.get("splitting")
    version = versions.get("splitter", 1) if isinstance(versions, Mapping) else 1
    settings = asked if isinstance(asked, Mapping) else {"splitter": "as the engine says"}
    return {**settings, "version": version}


def source_of(manifest: Mapping[str, object]) -> str:
    """Where an imported run came from: `treequest 0.3.3`, or the file of this program that it was
    in; empty for a run made here."""
    mark = manifest.get("imported")
    if not isinstance(mark, Mapping):
        return ""
    name = " ".join(
        str(mark[part]) for part in ("program", "version") if isinstance(mark.get(part), str)
    )
    return (name or str(mark.get("file") or mark.get("format") or "a file"))[:60]


def _verdict(run: Run) -> str:
    beside = "" if run.correct else f" (right: {visible(run.right_answer or 'not known')})"
    return f"answer {visible(run.answer or '')}, {run.grade}{beside}"
