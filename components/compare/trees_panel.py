"""The trees of a comparison side by side, all at the same value of the clock, and above each what
it is."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.client import Client, public_token, public_url
from components.compare.address import CompareAddress, choose_node, show_runs
from components.compare.rerun_panel import rerun_button
from components.compare.tracks_panel import Track
from components.frame.address import address, page
from components.frame.prose import plain_markdown
from components.history.run_cards_panel import failure, name_of
from components.run.words import state_word
from components.tree.live_tree_panel import TreeView, live_tree

HEIGHT = 300
FIXED = 4000
"""Pixels to leave below a tree so that it never takes more than its height."""


def trees(service: Client, now: CompareAddress, shown: Sequence[Track]) -> None:
    """Draw them. A click chooses a node of that run; a change of its state draws the page again."""
    changed = False
    for column, track in zip(st.columns(len(shown), gap="small"), shown, strict=True):
        with column:
            _header(service, now, track)
            run = track.run
            view = TreeView(
                run.id,
                run.status,
                now.nodes.get(run.id),
                track.until,
                run.budget,
                public_url(),
                public_token(),
                height=HEIGHT,
                above=FIXED,
            )
            events = live_tree(view, key=f"compare.tree.{run.id}")
            if events.picked is not None and events.picked != now.nodes.get(run.id):
                choose_node(now, run.id, events.picked)
                changed = True
            changed = changed or events.status is not None
            if run.status == "failed":
                failure(run)
    if changed:
        st.rerun()


def _header(service: Client, now: CompareAddress, track: Track) -> None:
    run = track.run
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(
            f"**Run {run.id}** {plain_markdown(run.strategy.replace('_', ' '))}", width="content"
        )
        st.badge(state_word(run.status), color="gray")
        with st.popover(":material/more_horiz:", help=f"What to do with run {run.id}"):
            st.caption(f"{plain_markdown(name_of(run))}, seed {run.seed}")
            st.page_link(
                page("trace"),
                label="Open the trace",
                icon=":material/account_tree:",
                query_params=address(run.id, now.nodes.get(run.id)),
            )
            rerun_button(service, now, run)
            others = [each for each in now.runs if each != run.id]
            st.button(
                "Leave out",
                icon=":material/close:",
                key=f"compare.out.{run.id}",
                on_click=show_runs,
                args=(others,),
            )
