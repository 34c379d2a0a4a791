"""What does a budget buy? Accuracy against cost for every arm, and what the curves teach."""

import streamlit as st

from components.experiments.analyses_panel import analyses_panel
from components.experiments.curves_panel import behind, curves_panel
from components.experiments.picker_form import choose_experiment
from components.frame.service import connect, require

service = connect()
name = choose_experiment(service)
info = require(lambda: service.experiments.info(name), f"Experiment {name}")
axis, slice_ = curves_panel(service, info)
behind(service, info)
st.divider()
analyses_panel(service, info, axis, slice_)
