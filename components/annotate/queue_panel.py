"""Who labels, what is shown to him, and which run comes next. All of it is in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import streamlit as st

from backend.client import Client
from backend.messages.annotations import STANDINGS, Queue, Verdict
from backend.messages.why import Cause
from components.frame.address import number_in_address, page, put_in_address
from components.frame.service import require

ANY = "any"


@dataclass(frozen=True)
class Seat:
    """An author before his queue: `run` is the one at hand, None where the queue is empty; `before`
    and `after` are its neighbours."""

    author: str
    blind: bool
    queue: Queue
    run: int | None
    before: int | None
    after: int | None


def seat(service: Client, strategies: Sequence[str]) -> Seat | None:
    """The inputs, the progress and the place in the queue; None without a name."""
    author = st.text_input(
        "Your name",
        key="author",
        bind="query-params",
        max_chars=80,
        help="labels are kept under this name",
    ).strip()
    blind = st.toggle(
        "Blind",
        value=True,
        key="blind",
        bind="query-params",
        help="Verifier scores, verdicts, the right answer and others' labels stay hidden until you "
        "have labelled the run. Switched off, all is "
        "shown, and what you say of a run from then on does not count as blind.",
    )
    if not author:
        return None
    wanted = _filters(strategies, blind)
    queue = require(lambda: service.annotations.queue(author, blind=blind, **wanted), "The queue")
    run = number_in_address("run")
    ids = [waiting.id for waiting in queue.runs]
    if run is None and ids:
        run = ids[0]
    before, after = neighbours(ids, run)
    _progress(queue, ids, run)
    _walk(before, after)
    return Seat(author, blind, queue, run, before, after)


def neighbours(ids: Sequence[int], run: int | None) -> tuple[int | None, int | None]:
    """The runs before and after one in a queue that goes down in number; the run itself may have
    left the queue."""
    if run is None:
        return None, ids[0] if ids else None
    return next((id_ for id_ in reversed(ids) if id_ > run), None), next(
        (id_ for id_ in ids if id_ < run), None
    )


def _filters(strategies: Sequence[str], blind: bool) -> dict[str, Any]:
    with st.expander("Queue", expanded=True, icon=":material/filter_list:"):
        standing = st.selectbox("Labels", STANDINGS, key="standing", bind="query-params")
        strategy = st.selectbox("Strategy", [ANY, *strategies], key="strategy", bind="query-params")
        problem = st.text_input(
            "Problem or set", key="problem", placeholder="ledger/3/17", bind="query-params"
        ).strip()
        text = st.text_input(
            "Text", key="text", placeholder="in the question", bind="query-params"
        ).strip()
        wanted = {
            "standing": standing,
            "strategy": None if strategy == ANY else strategy,
            "problem": problem or None,
            "text": text or None,
        }
        if blind:
            st.caption(
                "By verdict or cause the queue can be filtered with Blind off: such a "
                "filter tells what is hidden."
            )
            return wanted
        answer = st.selectbox(
            "Answer", [ANY, *get_args(Verdict)], key="answer", bind="query-params"
        )
        cause = st.selectbox(
            "Cause",
            [ANY, *get_args(Cause)],
            key="cause",
            bind="query-params",
            format_func=lambda name: name.replace("_", " "),
        )
        return {
            **wanted,
            "answer": None if answer == ANY else answer,
            "cause": None if cause == ANY else cause,
        }


def _progress(queue: Queue, ids: Sequence[int], run: int | None) -> None:
    if queue.total:
        st.progress(
            queue.done / queue.total, text=f"{queue.done} of {queue.total} runs labelled by you"
        )
    if run in ids:
        st.caption(f"Run {run:d} is number {ids.index(run) + 1:d} of {len(ids)} in the queue.")
    elif ids:
        st.caption(f"{len(ids)} in the queue.")


def _walk(before: int | None, after: int | None) -> None:
    with st.container(horizontal=True, gap="small"):
        for label, run, key in (
            ("Previous run", before, "Shift+K"),
            ("Next run", after, "Shift+J"),
        ):
            st.button(
                label,
                shortcut=key,
                key=f"queue.{label}",
                disabled=run is None,
                on_click=go_to,
                args=(run,),
                width="content",
            )


def go_to(run: int | None) -> None:
    """Another run, from the first step of its chosen path."""
    put_in_address(run=run, node=None, step=None)
    st.session_state.pop("annotate.span", None)


def welcome() -> None:
    """What the page is for, to somebody without a name yet."""
    st.info(
        "Labels are kept under a name: write yours on the left to begin.",
        icon=":material/edit_note:",
    )
    st.markdown(
        "Judge the steps of stored solutions, mark the first wrong one, and say what kind of error "
        "it is. Every button shows its key. "
        "In blind mode neither scores nor other people's labels can sway you; when you are done "
        "with a run, they are shown. "
        "Two people on the same runs have an agreement, and all labels can be taken along as files."
    )


def nothing_to_label(queue: Queue) -> None:
    """What to do about an empty queue."""
    if queue.total:
        st.success(
            "Nothing is left in this queue. Change the filter to see labelled runs again.",
            icon=":material/task_alt:",
        )
        return
    st.info(
        "No finished run matches. Change the filter, or start runs on Solve.",
        icon=":material/search_off:",
    )
    st.page_link(page("solve"), label="Go to Solve", icon=":material/park:")
