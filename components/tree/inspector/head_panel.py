"""The head of the chosen node, in a component that the tree fills at once when a node is clicked.

The browser holds every node that the tree draws, so a click needs no answer of the service to be
shown; the run of the page that the click causes brings the same from here, with everything below
it. A message of a component runs the fragment that the component lies in: the tree sends choices
through this one, so that they run what is about the node and not the tree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

import streamlit as st

from components.frame.browser_component import mount
from components.tree.inspector.head import NodeHead

_HEAD = mount("tree/inspector", "node_head", isolate_styles=False)


def node_head(
    run: int,
    head: NodeHead | None,
    *,
    behind: bool,
    key: str,
    picked: Callable[[int], None],
    settled: Callable[[], None],
) -> None:
    """Draw it; None says how to choose a node. `picked` is called with a node that was clicked in
    the tree, before the fragment is run; `settled` when other parts of the page are `behind` and no
    other node was chosen for a moment."""

    def read_message(name: str) -> Mapping[str, object]:
        messages = st.session_state.get(key)
        message = messages.get(name) if isinstance(messages, Mapping) else None
        return message if isinstance(message, Mapping) and message.get("run") == run else {}

    def on_picked() -> None:
        node = read_message("picked").get("node")
        if isinstance(node, int) and not isinstance(node, bool):
            picked(node)

    def on_settled() -> None:
        if read_message("settled"):
            settled()

    data = {
        "run": run,
        "head": None if head is None else asdict(head),
        "behind": behind,
        "told": time.monotonic_ns(),
    }
    _HEAD(key=key, data=data, on_picked_change=on_picked, on_settled_change=on_settled)
