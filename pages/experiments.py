"""Which experiments are there, how far are they, and what would a new one cost?"""

import streamlit as st

from components.experiments.experiment_form import (
    experiment_detail,
    experiment_list,
    new_experiment,
)
from components.frame.service import connect

service = connect()
st.subheader("Experiments")
experiment_list(service)
name = st.query_params.get("experiment", "")
if name:
    experiment_detail(service, name)
new_experiment(service)
