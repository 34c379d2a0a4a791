"""What many labels say together: agreement of two authors, counts, the codebook, and files to take
along."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from backend.client import Client
from backend.messages.annotations import (
    EXPORT_FORMATS,
    AgreementShown,
    CategoryAsk,
    CategoryShown,
    Codebook,
    ExportFormat,
    KappaShown,
)
from components.annotate.agreement import agreement_row, confusion_figure, confusion_info
from components.annotate.label_counts import count_figure, count_info, count_rows
from components.annotate.run_panel import category_name, category_names
from components.annotate.saved_panel import history_table
from components.frame.prose import plain_markdown
from components.frame.service import refusals, require
from components.frame.theme import NOTHING

FORMATS: dict[ExportFormat, tuple[str, str, str]] = {
    "csv": (
        "CSV",
        "annotations.csv",
        "one line a label; texts that a spreadsheet would compute begin with an apostrophe",
    ),
    "parquet": ("Parquet", "annotations.parquet", "the same table with types"),
    "processbench": (
        "ProcessBench",
        "processbench.jsonl",
        "JSON lines: the steps of a path with the index of its first wrong one, or -1",
    ),
    "prm800k": (
        "PRM800K",
        "prm800k.jsonl",
        "JSON lines: a rating of -1, 0 or 1 for every step that was judged",
    ),
}
BEGIN = "Label some runs first: there is nothing to count yet."


def agreement_panel(service: Client, book: Codebook) -> None:
    """Two authors side by side: raw agreement and kappa, and who said what."""
    authors = list(require(service.annotations.authors, "The authors"))
    if len(authors) < 2:
        st.info(
            (
                "Agreement needs labels of two authors on the same runs. Let somebody else "
                "label some of yours."
            ),
            icon=":material/group:",
        )
        return
    one, other, only = st.columns([2, 2, 2], vertical_alignment="bottom")
    first = one.selectbox("One", authors, key="one", bind="query-params")
    second = other.selectbox(
        "Other", [name for name in authors if name != first], key="other", bind="query-params"
    )
    blind = only.toggle("Blind labels only", key="blind_only", bind="query-params")
    found = require(
        lambda: service.annotations.agreement(str(first), str(second), blind_only=blind),
        "The agreement",
    )
    names = category_names(book)
    lines = [
        agreement_row("verdict on a step", found.verdicts),
        *(
            agreement_row(f"verdict on a step: {label} or not", each)
            for label, each in found.by_verdict.items()
        ),
        agreement_row("first wrong step of a path", found.first_errors),
        agreement_row("categories of a run, all of them", found.categories),
        *(
            agreement_row(f"category of a run: {names.get(key, key)} or not", each)
            for key, each in found.by_category.items()
        ),
    ]
    st.caption(_reach(found))
    table = pd.DataFrame([asdict(line) for line in lines]).rename(
        columns={"what": "labels", "raw": "raw agreement", "kappa": "Cohen's kappa"}
    )
    st.dataframe(table, hide_index=True, placeholder=NOTHING, height="content")
    places = st.columns(3)
    for place, title, each in zip(
        places, ("Verdicts", "First wrong step", "Categories"), _tables(found), strict=True
    ):
        with place:
            _confusion(title, each, found, names)


def _reach(found: AgreementShown) -> str:
    paths = found.first_errors.units
    sentences = [f"{found.runs} run{'' if found.runs == 1 else 's'} labelled by both."]
    if paths:
        near = f"at most one apart on {found.first_error_within_one}"
        sentences.append(
            f"First wrong step: the same on {found.first_error_exact} of {paths} "
            f"path{'' if paths == 1 else 's'}, {near}."
        )
    return " ".join([*sentences, "Kappa is 1 for full agreement and 0 for that of chance."])


def _tables(found: AgreementShown) -> tuple[KappaShown, KappaShown, KappaShown]:
    return found.verdicts, found.first_errors, found.categories


def _confusion(title: str, kappa: KappaShown, found: AgreementShown, names: dict[str, str]) -> None:
    st.markdown(f"**{title}**")
    if not kappa.units:
        st.caption("Nothing labelled by both.")
        return
    info = confusion_info(kappa, found.one, found.other, names)
    st.plotly_chart(confusion_figure(info), key=f"confusion.{title}", alt=f"{title}: who said what")
    table = pd.DataFrame(
        info.counts,
        columns=pd.Index(info.labels),
        index=pd.Index(info.labels, name=f"{found.one} \\ {found.other}"),
    )
    with st.popover("As a table"):
        st.dataframe(table)


def counts_panel(service: Client, book: Codebook) -> None:
    """How many labelled runs of each strategy have each category."""
    authors = require(service.annotations.authors, "The authors")
    whose = st.selectbox("Labels of", ["everybody", *authors], key="of", bind="query-params")
    found = require(
        lambda: service.annotations.counts(author=None if whose == "everybody" else whose),
        "The counts",
    )
    names = category_names(book)
    if not found.cells:
        labelled = plain_markdown(
            ", ".join(f"{name} {count}" for name, count in found.labelled.items())
        )
        st.info(
            f"No error category was given yet. Labelled runs: {labelled}." if labelled else BEGIN,
            icon=":material/bar_chart:",
        )
        return
    st.plotly_chart(
        count_figure(count_info(found.labelled, found.cells, names)),
        key="counts",
        alt="Error categories by strategy",
    )
    table = pd.DataFrame([asdict(row) for row in count_rows(found.labelled, found.cells, names)])
    st.dataframe(
        table,
        hide_index=True,
        placeholder=NOTHING,
        column_config={"share": st.column_config.NumberColumn(format="percent")},
    )


def codebook_panel(service: Client, book: Codebook, author: str) -> None:
    """The categories: add, rename, describe, mark, retire. Labels keep theirs."""
    st.caption(
        "The first nine that are not retired have the keys 1 to 9. Labels keep their "
        "category when it is renamed or retired."
    )
    lines = [
        (
            book.marks.get(each.mark, ""),
            each.name,
            each.description,
            "retired" if each.retired else "",
            each.key,
        )
        for each in book.categories
    ]
    st.dataframe(
        pd.DataFrame(lines, columns=["mark", "name", "description", "state", "key"]),
        hide_index=True,
        placeholder=NOTHING,
        height="content",
    )
    by_key: dict[str, CategoryShown] = {each.key: each for each in book.categories}
    key = st.selectbox(
        "Change",
        ["", *by_key],
        key="category",
        bind="query-params",
        format_func=lambda name: category_name(by_key[name], book) if name else "add a new one",
    )
    _category_form(service, book, author, by_key.get(key))
    with st.expander(f"History ({len(book.history)})", icon=":material/history:"):
        st.dataframe(
            history_table(book.history, category_names(book)), hide_index=True, placeholder=NOTHING
        )


def _category_form(service: Client, book: Codebook, author: str, now: CategoryShown | None) -> None:
    with st.form(f"category.{now.key if now else ''}.{len(book.categories)}"):
        name, mark = st.columns([3, 1])
        signs = list(book.marks)
        values: dict[str, Any] = {
            "name": name.text_input("Name", now.name if now else "", max_chars=60),
            "mark": mark.selectbox(
                "Mark",
                signs,
                signs.index(now.mark) if now else 0,
                format_func=lambda each: book.marks[each],
            ),
            "description": st.text_area(
                "When to use it", now.description if now else "", max_chars=1000, height=80
            ),
            "retired": st.checkbox("Retired: takes no new labels", now.retired) if now else False,
        }
        if st.form_submit_button("Save", type="primary"):
            with refusals():
                given = {"key": now.key if now else "", "position": now.position if now else 0}
                service.annotations.keep_category(CategoryAsk(author=author, **given, **values))
                st.rerun()


def export_panel(service: Client) -> None:
    """The labels as files."""
    whose = st.selectbox(
        "Labels of",
        ["everybody", *require(service.annotations.authors, "The authors")],
        key="of",
        bind="query-params",
    )
    blind = st.toggle("Blind labels only", key="blind_only", bind="query-params")
    author = None if whose == "everybody" else whose
    for name in EXPORT_FORMATS:
        title, file, about = FORMATS[name]
        with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
            st.download_button(
                plain_markdown(title),
                lambda name=name: service.annotations.export(name, author=author, blind_only=blind),
                file_name=file,
                key=f"export.{name}",
                on_click="ignore",
                icon=":material/download:",
                width=180,
            )
            st.text(about)
