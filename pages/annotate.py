"""What goes wrong in these solutions, and do others see it so? Label steps, by keyboard and blind
if wanted, and compare."""

import streamlit as st

from components.annotate.labels_panel import label_panel
from components.annotate.queue_panel import nothing_to_label, seat, welcome
from components.annotate.run_panel import open_desk, path_picker, steps_of_task, task_header
from components.annotate.saved_panel import draw_labels
from components.annotate.study_panel import (
    agreement_panel,
    codebook_panel,
    counts_panel,
    export_panel,
)
from components.frame.service import connect, require

VIEWS = ("Label", "Agreement", "Counts", "Codebook", "Export")

service = connect()
strategies = [entry.name for entry in require(service.catalog, "The catalogue").strategies]
with st.sidebar:
    place = seat(service, strategies)
book = require(service.annotations.codebook, "The codebook")
view = st.segmented_control(
    "View",
    VIEWS,
    default="Label",
    required=True,
    key="view",
    bind="query-params",
    label_visibility="collapsed",
)
if view == "Agreement":
    agreement_panel(service, book)
elif view == "Counts":
    counts_panel(service, book)
elif view == "Export":
    export_panel(service)
elif place is None:
    welcome()
elif view == "Codebook":
    codebook_panel(service, book, place.author)
elif place.run is None:
    nothing_to_label(place.queue)
else:
    desk = open_desk(service, place, place.run, book)
    task_header(desk.task)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        path_picker(desk.task)
        steps_of_task(desk)
        draw_labels(service, desk)
    with right:
        label_panel(service, desk)
