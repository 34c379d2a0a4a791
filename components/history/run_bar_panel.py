"""The row of actions on a run: Run, Pause, Resume, Stop, and what a run will cost."""

from __future__ import annotations

import streamlit as st

from backend.client import Client, Refused, Unreachable
from backend.messages.runs import OVER, Run
from components.form.run_again_form import begin_with
from components.form.run_form import Wish
from components.frame.address import page, put_in_address
from components.frame.prose import Markdown, plain_markdown
from components.frame.service import explain, refusals


def run_bar(service: Client, wish: Wish, run: Run | None) -> None:
    """Draw the buttons that make sense now, and the estimate for what the form says."""
    alive = run is not None and run.status not in OVER
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(
            "Run",
            type="primary",
            icon=":material/play_arrow:",
            disabled=wish.spec is None,
            key="bar.run",
            help="Start this search (new run)",
        ):
            start(service, wish)
        if run is not None and run.status in ("paused", "crashed"):
            _act(service, "resume", "Resume", ":material/play_circle:", run.id)
        elif run is not None and alive:
            _act(service, "pause", "Pause", ":material/pause:", run.id)
        if run is not None and alive:
            _act(service, "cancel", "Stop", ":material/stop:", run.id)
        st.caption(_forecast(service, wish))
        if run is not None:
            st.page_link(
                page("trace"),
                label="Open the trace",
                icon=":material/account_tree:",
                query_params={"run": str(run.id)},
            )


def start(service: Client, wish: Wish) -> None:
    """Submit the run and put it into the address, so that a reload goes on with it and with its
    settings in the form."""
    assert wish.spec is not None
    with refusals():
        run_id = service.submit(wish.spec)
        begin_with(run_id, wish.spec)
        put_in_address(run=run_id, like=run_id, node=None, event=None)
        st.rerun()


def _act(service: Client, what: str, label: str, icon: str, run_id: int) -> None:
    if st.button(label, icon=icon, key=f"bar.{what}"):
        with refusals():
            {"resume": service.resume, "pause": service.pause, "cancel": service.cancel}[what](
                run_id
            )
            st.rerun()


def _forecast(service: Client, wish: Wish) -> Markdown:
    if wish.spec is None:
        return Markdown(f":material/info: {plain_markdown(wish.missing)}")
    try:
        return plain_markdown(service.estimate(wish.spec).sentence)
    except (Refused, Unreachable) as error:
        return Markdown(f":material/error: {explain(error)}")
