"""What is loaded, how much may run at once, how much is stored?"""

import streamlit as st

from components.controls.store_settings import model_actions, model_table, preference_form, store_panel
from components.service import connect, required

service = connect()
catalog = required(service.catalog, "The catalogue")

st.subheader("Models in memory")
model_table(required(service.engines, "The models"))
model_actions(service, catalog.engines)

st.subheader("Runs")
preference_form(service, required(service.settings, "The settings"), catalog)

st.subheader("Store")
store_panel(service, required(service.store, "The store"))
