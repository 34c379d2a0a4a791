"""Which runs are there? Find, open, delete."""

import streamlit as st

from components.controls.run_picker import PAGE_SIZE, run_actions, run_table, search_row
from components.links import page
from components.service import connect, required

service = connect()
search = search_row(required(service.catalog, "The catalogue").strategies)
number = max(1, st.session_state.get("history.page", 1))
found = required(
    lambda: service.runs(
        text=search.text, strategy=search.strategy, status=search.status, problem=search.problem, limit=PAGE_SIZE, offset=PAGE_SIZE * (number - 1)
    ),
    "The runs",
)
if not found.runs:
    st.info("No run matches. Clear a field above, or start a run on Solve.", icon=":material/search_off:")
    st.page_link(page("solve"), label="Go to Solve", icon=":material/park:")
    st.stop()
st.caption(f"{found.total} run{'' if found.total == 1 else 's'}, newest first")
run_actions(service, run_table(found.runs))
if found.total > PAGE_SIZE:
    st.pagination(-(-found.total // PAGE_SIZE), key="history.page")
