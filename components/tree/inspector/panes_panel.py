"""The parts of the Trace page that are about the chosen node, each run again alone when another one
is chosen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.client import Client
from backend.core.records import EventRecord
from backend.core.tree import TreeRow
from backend.messages.forks import Kin
from backend.messages.runs import Catalog, NodeDetail, Run, StrategyInfo
from components.frame.service import require
from components.history.fork_panel import fork_panel
from components.run.chosen import NODE, PANELS, behind, follow, fragment, node_to_show, walk_to
from components.tree.inspector.head import head_of
from components.tree.inspector.head_panel import node_head
from components.tree.inspector.inspector_panel import inspector
from components.tree.step_table_panel import step_buttons
from components.why.what_if_panel import why_panel


@fragment(NODE)
def node_pane(
    service: Client,
    run: Run,
    entry: StrategyInfo | None,
    rows: Sequence[TreeRow],
    events: Sequence[EventRecord],
    until: int | None,
) -> None:
    """Draw the buttons that walk to other nodes and the inspector; `rows` are the nodes at the
    event `until` of the log `events`."""
    node_id = node_to_show(rows)
    row = next((row for row in rows if row.id == node_id), None)
    step_buttons(rows, node_id)
    node_head(
        run.id,
        None if node_id is None else head_of(node_id, row),
        behind=behind(),
        key="trace.head",
        picked=walk_to,
        settled=follow,
    )
    if row is not None:

        def detail() -> NodeDetail:
            return require(lambda: service.node(run.id, row.id), f"Node {row.id}")

        inspector(row, detail, rows, events, until, entry, run)
    elif node_id is not None:
        st.text(
            "At the moment shown this node is not yet written: move the slider on, or "
            "choose another node."
        )


@fragment(PANELS)
def panels(service: Client, run: Run, rows: Sequence[TreeRow], catalog: Catalog, kin: Kin) -> None:
    """Draw what explains, asks on or changes."""
    node_id = node_to_show(rows)
    fork_panel(service, run, node_id, catalog, kin)
    why_panel(service, run, node_id, catalog)
