"""The tree on the Trace page, a fragment of its own: what is chosen in it runs other fragments, and
not the tree."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.client import Client, public_token, public_url
from backend.messages.runs import OVER, Run
from components.frame.address import look_in_address, number_in_address, put_in_address
from components.frame.service import require
from components.run.chosen import TREE, choose, final_node, fragment, node_to_show
from components.run.context import ContextNode
from components.run.log import run_log
from components.tree.colours import with_first_colour
from components.tree.live_tree_panel import TreeEvents, TreeView, live_tree


@fragment(TREE)
def tree_pane(service: Client, run: Run, context: Sequence[ContextNode] = ()) -> None:
    """Draw the tree of a run at the moment, with the look and the node that the address gives;
    `context` are nodes of other runs."""
    until, asked = number_in_address("event"), look_in_address()
    log = require(lambda: run_log(service, run), f"The log of run {run.id}")
    look = with_first_colour(asked, run, log)
    whole = until is None and run.status in OVER
    node = final_node(run) if whole else node_to_show(log.rows(until))
    answers = log.answers() if look.colour == "answer" else None
    view = TreeView(
        run.id,
        run.status,
        node,
        until,
        run.budget,
        public_url(),
        public_token(),
        replay=True,
        height=400,
        above=560,
        look=look,
        answers=answers,
        context=tuple(context),
        recorded=dict(run.ledger) if "imported" in run.spec else None,
    )
    live_tree(view, key="trace", take_events=_take_events)


def _take_events(events: TreeEvents) -> None:
    """Put into the address what the browser sent, and run what it concerns. A node is chosen here
    only before its own fragment is there."""
    if events.look is not None:
        put_in_address(**events.look.parts())
    elif events.picked is not None:
        choose(events.picked)
    else:
        if events.foreign is not None:
            other, node = events.foreign
            put_in_address(run=other, node=node, event=None, focus=None, open=None, shut=None)
        if events.until is not None:
            put_in_address(event=None if events.until < 0 else events.until)
        st.rerun()
