"""What happened in this run, and why? Every node, every score, every round, at any moment."""

import streamlit as st

from components.frame.address import number_in_address
from components.frame.prose import plain_markdown
from components.frame.service import connect, require
from components.history.answer_reading import answer_reading
from components.history.fork_header_panel import fork_header, origin_context
from components.history.run_header_panel import run_header
from components.history.run_picker_form import latest_run
from components.run.chosen import note_whole_page
from components.run.log import run_log
from components.run.unreadable_panel import unreadable
from components.tree.inspector.panes_panel import node_pane, panels
from components.tree.pseudocode_panel import pseudocode
from components.tree.step_table_panel import step_table
from components.tree.tree_panel import tree_pane
from components.views.table_panel import charts

CHARTED = 5_000  # nodes whose charts are drawn unasked

service = connect()
asked = number_in_address("run")
run_id = latest_run(service) if asked is None else asked
run = require(lambda: service.info(run_id), f"Run {run_id}")
catalog = require(service.catalog, "The catalogue")
entry = next((one for one in catalog.strategies if one.name == run.strategy), None)
kin = require(lambda: service.forks.of(run_id), f"The origin of run {run_id}")

note_whole_page()
run_header(run)
fork_header(kin)
reading = st.container()
left, right = st.columns([3, 2], gap="medium")
with left:
    tree_pane(service, run, origin_context(service, kin))
log = require(lambda: run_log(service, run), f"The log of run {run_id}")
unreadable(log.unreadable)
if said := answer_reading(log.events):
    reading.caption(plain_markdown(said))
until = number_in_address("event")
rows = log.rows(until)
with right:
    pseudocode(run, entry, log.events, until)
    node_pane(service, run, entry, rows, log.events, until)
if len(rows) <= CHARTED or st.toggle(
    f"Draw the charts of all {len(rows)} nodes (takes some seconds)",
    key="charts",
    bind="query-params",
):
    charts(run, entry, rows, log.events, until)
panels(service, run, rows, catalog, kin)
step_table(rows, run_id)
