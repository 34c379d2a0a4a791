"""What has been said of a run, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st
from pydantic import JsonValue

from backend.client import Client
from backend.messages.annotations import Annotation, LabelChange
from components.annotate.label_marks import describe_label, place_of
from components.annotate.labels_panel import mine
from components.annotate.run_panel import LabelDesk
from components.frame.prose import visible
from components.frame.service import refusals
from components.frame.theme import NOTHING
from components.run.words import clock


def draw_labels(service: Client, desk: LabelDesk) -> None:
    """All labels that the author may see, his own with a way to take them back, and how they came
    about."""
    labels = desk.task.labels
    with st.expander(
        f"Labels of this run ({len(labels)})", expanded=False, icon=":material/label:"
    ):
        if not labels:
            st.text(
                "None yet."
                if not desk.task.hidden
                else "None of yours yet; those of others are hidden."
            )
        for label in labels:
            text, button = st.columns([5, 1], vertical_alignment="center")
            text.text(label_line(label, desk.names))
            if mine(label, desk):
                given = (service, label.id, desk.seat.author)
                button.button(
                    "",
                    icon=":material/delete:",
                    help="remove",
                    key=f"remove.{label.id}",
                    on_click=_take_back,
                    args=given,
                )
    with st.expander(f"History ({len(desk.task.history)})", icon=":material/history:"):
        st.dataframe(
            history_table(desk.task.history, desk.names), hide_index=True, placeholder=NOTHING
        )


def label_line(label: Annotation, names: Mapping[str, str]) -> str:
    """Who said what of what, on one line."""
    parts = [
        visible(label.author),
        place_of(label),
        describe_label(label, names),
        "blind" if label.blind else "",
    ]
    return " \u00b7 ".join(part for part in parts if part)


def _take_back(service: Client, annotation_id: int, author: str) -> None:
    with refusals():
        service.annotations.remove(annotation_id, author)


def history_table(history: Sequence[LabelChange], names: Mapping[str, str]) -> pd.DataFrame:
    """One line a change, oldest first."""
    lines = [
        (
            clock(change.at),
            visible(change.author),
            change.action,
            change.key,
            _describe(change.before, names),
            _describe(change.after, names),
        )
        for change in history
    ]
    return pd.DataFrame(lines, columns=["when", "who", "what", "label", "before", "after"])


def _describe(content: Mapping[str, JsonValue] | None, names: Mapping[str, str]) -> str:
    """What a label or a category was, on one line."""
    if content is None:
        return ""
    if "kind" not in content:
        words = [str(content[name]) for name in ("name", "mark", "description")]
        return visible(", ".join([*words, *(["retired"] if content.get("retired") else [])]))
    step = content.get("step")
    place = "run" if step is None else "no step" if step == -1 else f"step {int(str(step)) + 1}"
    label = str(content["label"])
    said_of = [str(content["kind"]).replace("_", " "), names.get(label, label), place]
    words = [*said_of, str(content.get("note") or ""), "blind" if content.get("blind") else ""]
    return visible(", ".join(word for word in words if word))
