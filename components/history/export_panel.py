"""Taking a run along: as a file that can be imported again, as a page that opens offline, as
pictures of what is drawn."""

from __future__ import annotations

from functools import partial

import streamlit as st

from backend.client import Client, public_token, public_url
from backend.messages.runs import OVER, Run
from components.frame.pictures_panel import pictures
from components.frame.service import connect

FILES = (
    ("jsonl", "JSON lines", ".jsonl", "the whole run, to be imported again"),
    (
        "parquet",
        "Parquet",
        ".parquet.zip",
        "the whole run as tables in an archive, to be imported again",
    ),
    ("html", "HTML", ".html", "one page with slider and inspector that opens without a network"),
    ("svg", "SVG", ".svg", "the whole tree as a drawing that scales"),
)


def export_menu(run: Run) -> None:
    """A menu in the header of a run."""
    with st.popover("Export", icon=":material/download:"):
        st.caption("The whole run")
        if run.status in OVER:
            service = connect()
            with st.container(horizontal=True, gap="small"):
                for format_, title, end, help_ in FILES:
                    st.download_button(
                        title,
                        partial(_file, service, run.id, format_),
                        file_name=f"run-{run.id}{end}",
                        help=help_,
                        on_click="ignore",
                        key=f"export.{format_}",
                    )
        else:
            st.text("Files can be saved when the run is over.")
        st.caption("What is drawn on this page now")
        pictures(f"run-{run.id}", key="export.pictures", base=public_url(), token=public_token())


def _file(service: Client, run_id: int, format_: str) -> bytes:
    return service.export(run_id, format_)
