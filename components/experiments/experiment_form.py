"""The Experiments page: what there is, how far it is, and a new one."""

from __future__ import annotations

import json
from functools import partial

import pandas as pd
import streamlit as st

from backend.client import Client
from backend.core.errors import BadInput
from backend.experiments.spec import Experiment, parse_experiment
from backend.messages.experiments import ExperimentDetail, ExperimentInfo
from components.frame.address import page, put_in_address
from components.frame.prose import plain_markdown, visible
from components.frame.service import refusals, require

EVERY_S = 2.0
ACTIVE = ("running", "paused")
EXAMPLE = """name = "beam search against voting"
note = "A first look: ten problems of one level, three arms, budgets of 1, 4 and 16 solutions."

[[problems]]
set = "ledger"
level = 3
first_seed = 1200000
count = 10

[budgets]
axis = "solutions"
values = [1, 4, 16]

[[arms]]
name = "majority"
strategy = "best_of_n"
selector = "majority"
pooled = true
pool = 64

[[arms]]
name = "coverage"
strategy = "best_of_n"
selector = "coverage"
pooled = true
pool = 64

[[arms]]
name = "beam search"
strategy = "beam_search"
by_budget = { n = [1, 4, 16], beam_width = [1, 4, 4] }
slack = 1.5
"""


def experiment_list(service: Client) -> None:
    """All experiments; refreshed while one is under way."""
    found = require(service.experiments.all, "The list of experiments")
    if not found:
        st.info(
            "No experiment yet. Describe one below, or run `python -m backend sweep SPEC.toml`."
        )
        return
    active = any(each.status in ACTIVE for each in found)
    st.fragment(_table, run_every=EVERY_S if active else None)(service, watched=active)


def _table(service: Client, *, watched: bool) -> None:
    """The list; once what was under way has ended, the whole page is drawn anew."""
    found = require(service.experiments.all, "The list of experiments")
    if watched and not any(each.status in ACTIVE for each in found):
        st.rerun()
    asked = st.query_params.get("experiment", "")
    names = [each.hash for each in found]
    table = pd.DataFrame([_line(each) for each in found])

    def choose() -> None:
        rows = st.session_state["experiments.table"]["selection"]["rows"]
        put_in_address(experiment=names[rows[0]] if rows else None)

    st.caption("Choose a line to see what an experiment is and how far it is.")
    st.dataframe(
        table,
        hide_index=True,
        key="experiments.table",
        on_select=choose,
        selection_mode="single-row",
        column_config={
            "done": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="percent")
        },
    )
    picked = next((each for each in found if each.hash == asked), None)
    if picked is not None:
        _progress(service, picked)


def _line(each: ExperimentInfo) -> dict[str, object]:
    return {
        "experiment": visible(each.name),
        "state": _state(each),
        "done": each.done / each.planned if each.planned else 1.0,
        "tasks": each.done,
        "failed": each.failed,
        "problems": each.problems,
        "budgets": f"{', '.join(f'{b:g}' for b in each.budgets)} {each.axis.replace('_', ' ')}",
        "hash": each.hash,
        "arms": len(each.arms),
        "names of the arms": ", ".join(visible(arm) for arm in each.arms),
    }


def _state(each: ExperimentInfo) -> str:
    if each.status != "idle":
        return each.status
    return (
        "shipped"
        if each.shipped
        else "unfinished"
        if each.done + each.failed < (each.planned or 0)
        else "finished, some failed"
        if each.failed
        else "finished"
    )


def _progress(service: Client, each: ExperimentInfo) -> None:
    if each.status in ACTIVE and each.planned:
        left = "" if each.left_s is None else f", about {each.left_s:,.0f} s left"
        rate = "" if each.rate is None else f", {each.rate:,.0f} tokens a second"
        said = (
            f"{'paused' if each.status == 'paused' else plain_markdown(each.phase)}: {each.done:,} of "
            f"{each.planned:,} tasks, {each.failed:,} failed{rate}{left}"
        )
        st.progress(min(1.0, each.done / each.planned), text=said)
    if each.reason:
        st.error(plain_markdown(each.reason))
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, act, when in (
            ("Pause", service.experiments.pause, each.status == "running"),
            ("Go on", service.experiments.resume, each.status == "paused"),
            ("Stop", service.experiments.stop, each.status in ACTIVE),
        ):
            if when and st.button(label, key=f"experiment.{label}"):
                with refusals():
                    act(each.hash)
                    st.rerun()
        for name, title, icon in (
            ("budget", "Budget curves", "show_chart"),
            ("matrix", "Matrix", "grid_on"),
        ):
            st.page_link(
                page(name),
                label=title,
                icon=f":material/{icon}:",
                query_params={"experiment": each.hash},
            )


def experiment_detail(service: Client, name: str) -> None:
    """What an experiment is, what failed in it, and how to go on with it."""
    info = require(lambda: service.experiments.info(name), f"Experiment {name}")
    st.subheader(plain_markdown(info.name))
    if info.note:
        st.text(visible(info.note))
    about = require(lambda: service.experiments.estimate(info.experiment), "What is left")
    st.text(
        about.sentence
        if about.left
        else f"{about.done:,} of {about.planned:,} tasks are done, {about.failed:,} failed."
    )
    _go_on(service, info, left=about.left)
    st.download_button(
        "Download the report (HTML)",
        partial(service.experiments.report, name),
        f"experiment-{name}.html",
        "text/html",
        on_click="ignore",
        icon=":material/download:",
        disabled=not info.done,
        help="One page with description, curves, tests, analyses and versions; opens anywhere",
    )
    if info.failures:
        st.caption("Failed tasks by cause")
        st.dataframe(
            pd.DataFrame(
                [{"tasks": n, "cause": visible(cause)} for cause, n in info.failures.items()]
            ),
            hide_index=True,
        )
    with st.expander("Description and what it was made with"):
        fields = info.experiment.model_dump(mode="json", exclude_defaults=True)
        st.code(json.dumps(fields, indent=1, ensure_ascii=False), language=None)
        for setup in info.made_with:
            st.code(json.dumps(setup, indent=1, ensure_ascii=False), language=None)


def _go_on(service: Client, info: ExperimentDetail, *, left: int) -> None:
    with st.container(horizontal=True):
        busy = info.status in ACTIVE
        for label, retry, when in (
            ("Go on where it stopped", False, left > 0),
            ("Try the failed tasks again", True, info.failed > 0),
        ):
            if when and not busy and st.button(label, key=f"detail.{label}"):
                with refusals():
                    service.experiments.start(info.experiment, retry=retry)
                    st.rerun()


def new_experiment(service: Client) -> None:
    """Describe an experiment as TOML, see what it would cost, and begin."""
    st.subheader("New experiment")
    st.caption(
        "A TOML file; docs/experiments.md explains every line. The same text serves "
        "`python -m backend sweep`. Problems of your own come from the page Problems."
    )
    uploaded = st.file_uploader("Read a file", type=["toml"], key="experiment.file")
    text = (
        uploaded.getvalue().decode("utf-8", errors="replace") if uploaded is not None else EXAMPLE
    )
    written = st.text_area(
        "Description",
        text,
        height=420,
        key=f"experiment.text.{uploaded.file_id if uploaded else ''}",
    )
    experiment = _read(written)
    estimate, begin = st.columns([1, 1])
    if (
        estimate.button("What would it cost?", width="stretch", disabled=experiment is None)
        and experiment is not None
    ):
        with refusals():
            about = service.experiments.estimate(experiment)
            st.info(
                f"{plain_markdown(about.sentence)} At 1,500 tokens a second that is "
                f"{about.seconds / 60:,.1f} minutes."
            )
    if (
        begin.button("Begin", type="primary", width="stretch", disabled=experiment is None)
        and experiment is not None
    ):
        with refusals():
            put_in_address(experiment=service.experiments.start(experiment).hash)
            st.rerun()


def _read(text: str) -> Experiment | None:
    try:
        return parse_experiment(text)
    except BadInput as error:
        st.error(plain_markdown(str(error)))
        return None


__all__ = ["EXAMPLE", "experiment_detail", "experiment_list", "new_experiment"]
