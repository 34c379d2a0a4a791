"""What is loaded, how much may run at once, how much is stored?"""

import streamlit as st

from components.frame.service import connect, require
from components.store.grading_panel import draw_grading
from components.store.servers_panel import server_panel
from components.store.settings_panel import model_actions, model_table, preference_form, store_panel

service = connect()
catalog = require(service.catalog, "The catalogue")

st.subheader("Models in memory")
model_table(require(service.engines, "The models"))
model_actions(service, catalog.engines)

st.subheader("Servers")
server_panel(service, require(service.servers, "The servers"))

st.subheader("Runs")
preference_form(service, require(service.settings, "The settings"), catalog)

st.subheader("How an answer is read and graded")
draw_grading(service)

st.subheader("Store")
store_panel(service, require(service.store, "The store"))
