"""What did these searches do alike, where did they part, and which was better at equal cost?"""

import streamlit as st

from components.compare.address import FEWEST, read_address, show_runs
from components.compare.branches_panel import branches
from components.compare.chart_panel import chart
from components.compare.clock_panel import clock_bar
from components.compare.live_panel import live
from components.compare.picker_form import compare_picker
from components.compare.race_form import race_form
from components.compare.rerun_panel import first_token
from components.compare.settings_panel import settings
from components.compare.tracks_panel import tracks
from components.compare.trees_panel import trees
from components.frame.service import connect, require

service = connect()
catalog = require(service.catalog, "The catalogue")
now = read_address()
if len(now.runs) < FEWEST:
    ways = ["Stored runs", "Race"]
    way = st.segmented_control(
        "Compare",
        ways,
        default=ways[0],
        required=True,
        key="way",
        bind="query-params",
        label_visibility="collapsed",
    )
    if way == ways[0]:
        compare_picker(service, catalog, now.runs)
    else:
        race_form(service, catalog, require(service.settings, "The settings"))
    st.stop()

shown = tracks(service, now)
clock_bar(now, shown)
trees(service, now, shown)
live(service, now, shown)
chart(now, shown)
one, other = branches(now, shown)
first_token(service, now, one, other)
settings(catalog, shown)
st.button(
    "Compare other runs",
    icon=":material/arrow_back:",
    on_click=show_runs,
    args=((),),
    key="compare.back",
)
