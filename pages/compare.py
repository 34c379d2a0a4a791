"""What did these searches do alike, where did they part, and which was better at equal cost?"""

import streamlit as st

from components.controls.compare_address import FEWEST, asked, show_runs
from components.controls.compare_branches import branches
from components.controls.compare_chart import chart
from components.controls.compare_clock import clock_bar
from components.controls.compare_live import live
from components.controls.compare_picker import compare_picker
from components.controls.compare_rerun import first_token
from components.controls.compare_settings import settings
from components.controls.compare_tracks import tracks
from components.controls.compare_trees import trees
from components.controls.race_form import race_form
from components.service import connect, required

service = connect()
catalog = required(service.catalog, "The catalogue")
now = asked()
if len(now.runs) < FEWEST:
    ways = ["Stored runs", "Race"]
    way = st.segmented_control("Compare", ways, default=ways[0], required=True, key="way", bind="query-params", label_visibility="collapsed")
    if way == ways[0]:
        compare_picker(service, catalog, now.runs)
    else:
        race_form(service, catalog, required(service.settings, "The settings"))
    st.stop()

shown = tracks(service, now)
clock_bar(now, shown)
trees(service, now, shown)
live(service, now, shown)
chart(now, shown)
one, other = branches(now, shown)
first_token(service, now, one, other)
settings(catalog, shown)
st.button("Compare other runs", icon=":material/arrow_back:", on_click=show_runs, args=((),), key="compare.back")
