"""What happened in this run, and why? Every node, every score, every round, at any moment."""

import streamlit as st

from components.controls.chosen import NODE, PANELS, fragment, shown_node
from components.controls.fork_header import fork_header, origin_context
from components.controls.fork_panel import fork_panel
from components.controls.inspector import inspector
from components.controls.pseudocode import pseudocode
from components.controls.run_header import run_header
from components.controls.run_log import run_log
from components.controls.run_picker import latest_run
from components.controls.step_table import step_buttons, step_table
from components.controls.tree_pane import tree_pane
from components.controls.views import charts
from components.controls.why_panel import why_panel
from components.links import number_in_address
from components.service import connect, required

CHARTED = 5_000  # nodes whose charts are drawn unasked

service = connect()
run_id = number_in_address("run")
if run_id is None:
    run_id = latest_run(service)
run = required(lambda: service.info(run_id), f"Run {run_id}")
catalog = required(service.catalog, "The catalogue")
entry = next((one for one in catalog.strategies if one.name == run.strategy), None)
kin = required(lambda: service.forks.of(run_id), f"The origin of run {run_id}")


@fragment(NODE)
def node_pane() -> None:
    """The node: run again alone when another one is chosen."""
    node_id = shown_node(rows)
    step_buttons(rows, node_id)
    if node_id is None:
        st.text("Click a node, or choose a line of the table below.")
    else:
        inspector(required(lambda: service.node(run_id, node_id), f"Node {node_id}"), rows, log.events, until, entry, run)


@fragment(PANELS)
def panels() -> None:
    """What explains, asks on or changes: `shown_node(rows)` is the node it is about."""
    node_id = shown_node(rows)
    detail = None if node_id is None else required(lambda: service.node(run_id, node_id), f"Node {node_id}")
    fork_panel(service, run, detail, catalog, kin)
    why_panel(service, run, node_id, catalog)


run_header(run)
fork_header(kin)
left, right = st.columns([3, 2], gap="medium")
with left:
    tree_pane(service, run, origin_context(service, kin))
log = required(lambda: run_log(service, run_id), f"The log of run {run_id}")
until = number_in_address("event")
rows = log.rows(until)
with right:
    pseudocode(run, entry, log.events, until)
    node_pane()
if len(rows) <= CHARTED or st.toggle(f"Draw the charts of all {len(rows)} nodes (takes some seconds)", key="charts", bind="query-params"):
    charts(run, entry, rows, log.events, until)
panels()
step_table(rows, run_id)
