"""Problem files on their page: bring one, look at what was read, remove one."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend.client import Client
from backend.messages.problem_files import ProblemFile, ProblemFiles
from components.frame.address import page
from components.frame.prose import plain_markdown, visible
from components.frame.service import refusals
from components.frame.theme import NOTHING
from components.store.problem_files import (
    MEBIBYTE,
    file_row,
    preview_rows,
    removable_names,
    run_example,
    sweep_example,
    taken_words,
)

ENDINGS = ["jsonl", "json", "csv", "tsv", "parquet", "txt"]
_TURN, _TAKEN = "problems.turn", "problems.taken"


def upload_form(service: Client, found: ProblemFiles) -> None:
    """The way in, and what the last file became."""
    st.caption(
        "JSON lines, a JSON array, CSV or Parquet, with a question and its right answer in each "
        "row. The field names of GSM8K, MATH, MATH-500, AIME, Inspect, verl and its_hub are known; "
        "docs/own-problems.md explains them."
    )
    if not found.allowed:
        st.info("Imports are switched off in the settings of this service: it takes no files.")
        return
    turn = st.session_state.setdefault(_TURN, 0)
    left, middle, right = st.columns([4, 2, 1], vertical_alignment="bottom")
    file = left.file_uploader(
        "File of problems",
        type=ENDINGS,
        key=f"problems.file.{turn}",
        max_upload_size=found.limit_bytes // MEBIBYTE,
    )
    name = middle.text_input(
        "Name of the set",
        key=f"problems.name.{turn}",
        max_chars=64,
        placeholder="after the file",
        help="letters, digits, '_', '-' and '.'",
    )
    if right.button(
        "Add", type="primary", disabled=file is None, width="stretch", key="problems.add"
    ):
        assert file is not None
        st.session_state.pop(_TAKEN, None)
        with refusals(), st.spinner("The file is being read."):
            taken = service.add_problem_file(
                file.getvalue(), name=name.strip(), file=file.name[-400:]
            )
            st.session_state[_TAKEN], st.session_state[_TURN] = taken, turn + 1
            st.rerun()
    taken = st.session_state.get(_TAKEN)
    if isinstance(taken, ProblemFile) and any(each.name == taken.name for each in found.files):
        st.success(plain_markdown(taken_words(taken)), icon=":material/check:")


def problem_file_list(service: Client, found: ProblemFiles) -> None:
    """The files that there are; one of them in detail."""
    if not found.files:
        st.text("No file has been brought yet.")
        return
    st.dataframe(
        pd.DataFrame([file_row(each) for each in found.files]),
        hide_index=True,
        placeholder=NOTHING,
    )
    names = [each.name for each in found.files]
    taken = st.session_state.get(_TAKEN)
    at = names.index(taken.name) if isinstance(taken, ProblemFile) and taken.name in names else 0
    chosen = st.selectbox("Set", names, index=at, key=f"problems.chosen.{len(names)}.{names[at]}")
    _detail(service, next(each for each in found.files if each.name == chosen))


def _detail(service: Client, found: ProblemFile) -> None:
    if found.trouble:
        st.text(visible(found.trouble))
    else:
        st.caption("The first problems, as they were read")
        st.dataframe(pd.DataFrame(preview_rows(found)), hide_index=True, placeholder=NOTHING)
        st.caption("Its problems in a run, and in an experiment")
        st.code(run_example(found), language=None)
        st.code(sweep_example(found), language=None)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(page("solve"), label="Solve one", icon=":material/park:")
        st.page_link(page("experiments"), label="Experiments", icon=":material/science:")
        if found.name in removable_names([found]):
            _removal(service, found)
        else:
            st.caption("from the folder of problem files that the service was started with")


def _removal(service: Client, found: ProblemFile) -> None:
    with st.popover("Remove", icon=":material/delete:"):
        st.text(f"The file of {found.name} is deleted. Runs on its problems stay.")
        if st.button("Remove it", key=f"problems.remove.{found.name}"):
            with refusals():
                service.remove_problem_file(found.name.removeprefix("file:"))
                st.session_state.pop(_TAKEN, None)
                st.rerun()


__all__ = ["problem_file_list", "upload_form"]
