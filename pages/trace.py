"""What happened in this run, and why? Every node, every score, every round, at any moment."""

import streamlit as st

from backend.client import public_token, public_url
from components.controls.inspector import inspector
from components.controls.other_rule import other_rule
from components.controls.run_header import run_header
from components.controls.run_log import run_log
from components.controls.run_picker import latest_run
from components.controls.step_table import step_buttons, step_table
from components.controls.views import charts
from components.links import number_in_address, put_in_address
from components.live_tree import TreeView, live_tree
from components.service import connect, required
from components.tables import chosen_node, tree_table

service = connect()
run_id = number_in_address("run")
if run_id is None:
    run_id = latest_run(service)
run = required(lambda: service.info(run_id), f"Run {run_id}")
catalog = required(service.catalog, "The catalogue")
entry = next((one for one in catalog.strategies if one.name == run.strategy), None)
log = required(lambda: run_log(service, run_id), f"The log of run {run_id}")
run_header(run)

until = number_in_address("event")
rows = tree_table(log.nodes, log.events, until)
node_id = number_in_address("node")
if node_id is None:
    node_id = chosen_node(rows) if rows else None
left, right = st.columns([3, 2], gap="medium")
with left:
    shown = TreeView(run_id, run.status, node_id, until, run.budget, public_url(), public_token(), replay=True, height=400, above=520)
    told = live_tree(shown, key="trace")
    if told.picked is not None and told.picked != node_id:
        put_in_address(node=told.picked)
        st.rerun()
    if told.until is not None and told.until != (-1 if until is None else until):
        put_in_address(event=None if told.until < 0 else told.until)
        st.rerun()
    if told.status is not None:
        st.rerun()
with right:
    step_buttons(rows, node_id)
    if node_id is None:
        st.text("Click a node, or choose a line of the table below.")
    else:
        inspector(required(lambda: service.node(run_id, node_id), f"Node {node_id}"), rows)
charts(run, entry, rows, log.events, until)
other_rule(service, catalog.selectors, run)
step_table(rows, node_id, run_id)
