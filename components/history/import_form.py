"""Taking in a file: own exports and traces of other programs become runs, all of a file or none."""

from __future__ import annotations

import streamlit as st

from backend.client import Client
from backend.exchange.formats import formats_in_order
from backend.messages.runs import Taken
from components.frame.address import address, page
from components.frame.prose import plain_markdown
from components.frame.service import refusals

LIMIT_MB = 500
LINKS_SHOWN = 8
LONGEST = 20_000
AUTO = "auto"
OWN_TITLES = {
    AUTO: "found out from the file",
    "jsonl": "Arboretum, JSON lines",
    "parquet": "Arboretum, Parquet tables in a zip archive",
}
_TURN, _TAKEN = "import.turn", "import.taken"


def import_panel(service: Client) -> None:
    """Draw the way in, folded up, and below it what the last file became."""
    with st.expander(
        "Import a file", icon=":material/upload_file:", expanded=bool(st.session_state.get(_TAKEN))
    ):
        _form(service)
        taken = st.session_state.get(_TAKEN)
        if isinstance(taken, Taken):
            _report(taken)


def format_titles() -> dict[str, str]:
    """What a reader may choose: the name of each format with its title."""
    return OWN_TITLES | {each.name: each.title for each in formats_in_order()}


def _form(service: Client) -> None:
    turn, titles = st.session_state.setdefault(_TURN, 0), format_titles()
    left, right = st.columns(2, gap="medium")
    with left:
        help_ = "a run exported here, or a trace of another program"
        file = st.file_uploader(
            "File", key=f"import.file.{turn}", max_upload_size=LIMIT_MB, help=help_
        )
        format_ = st.selectbox(
            "Format",
            list(titles),
            format_func=titles.__getitem__,
            key="import.format",
        )
    with right:
        asked, known = (
            "what was asked, where the file does not say",
            "where it is known and the file does not say",
        )
        question = st.text_area(
            "Question", key=f"import.question.{turn}", height=100, max_chars=LONGEST, help=asked
        )
        answer = st.text_input(
            "Right answer", key=f"import.answer.{turn}", max_chars=LONGEST, help=known
        )
    if (
        st.button(
            "Import",
            type="primary",
            icon=":material/upload:",
            disabled=file is None,
            key="import.go",
        )
        and file is not None
    ):
        st.session_state.pop(_TAKEN, None)
        with refusals(), st.spinner("The file is being read."):
            given = {"question": question.strip() or None, "answer": answer.strip() or None}
            st.session_state[_TAKEN] = service.import_runs(
                file.getvalue(), format=format_, name=file.name[:200], **given
            )
            st.session_state[_TURN] = turn + 1
            st.rerun()


def _report(taken: Taken) -> None:
    count = len(taken.run_ids)
    title = format_titles().get(taken.format, taken.format)
    st.success(
        plain_markdown(f"{count} run{'' if count == 1 else 's'} came in, read as: {title}."),
        icon=":material/check:",
    )
    for remark in taken.remarks:
        st.caption(plain_markdown(remark))
    with st.container(horizontal=True, gap="small"):
        for run_id in taken.run_ids[:LINKS_SHOWN]:
            st.page_link(
                page("trace"),
                label=f"Run {run_id:d}",
                icon=":material/account_tree:",
                query_params=address(run_id),
                width="content",
            )
        if count > LINKS_SHOWN:
            st.caption(f"and {count - LINKS_SHOWN} more, at the top of the list", width="content")
