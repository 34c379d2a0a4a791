"""The analyses of an experiment on a page: each with its sentence, its limits, its charts and
tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd
import streamlit as st

from backend.client import Client
from backend.messages.experiments import Analysis, Chart, ExperimentDetail
from components.experiments.analysis_figure import analysis_figure
from components.experiments.picker_form import choice, number, number_at
from components.frame.prose import plain_markdown, visible
from components.frame.service import require
from components.frame.tables import table_csv

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "toImage"]}
"""Zoom by the bar over a chart; pictures are saved by the menu."""


class Slider(NamedTuple):
    """How a reader chooses a number: the label, its name in the address, bounds, step and the value
    without a choice."""

    label: str
    name: str
    low: float
    high: float
    step: float
    otherwise: float


SLIDERS: Mapping[str, Slider] = {
    "wrong_costs": Slider(
        "A wrong accepted answer costs, against what a right one is worth",
        "wrong",
        0.0,
        10.0,
        0.5,
        1.0,
    ),
    "threshold": Slider("The verifier accepts from a score of", "accepts", 0.0, 1.0, 0.05, 0.5),
}
"""By the choices of the reader that an analysis may say it reads."""


def analyses_panel(service: Client, info: ExperimentDetail, axis: str, slice: str) -> None:
    """A choice of all analyses, and the chosen one, which alone is computed."""
    st.subheader("What the curves teach")
    place, choices = st.container(), st.container()
    chosen = {
        name: number_at(each.name, each.low, each.high, each.otherwise)
        for name, each in SLIDERS.items()
    }
    which = st.query_params.get("analysis", "")
    with st.spinner("Computing intervals\u2026"):
        found = require(
            lambda: service.experiments.analysis(
                info.hash, which, axis=axis, within=slice, **chosen
            ),
            "The analyses",
        )
    if found.analysis is None:
        st.info("No analysis has enough to work on yet.")
        return
    titles = {each.name: each.title for each in found.choices}
    with place:
        choice("Analysis", "analysis", list(titles), next(iter(titles)), shown=titles.__getitem__)
    with choices:
        _sliders(found.analysis.reads)
    analysis_panel(found.analysis, info.hash)


def _sliders(reads: Sequence[str]) -> None:
    """The choices that an analysis reads, side by side; the next run of the page uses them."""
    drawn = [SLIDERS[name] for name in reads if name in SLIDERS]
    for column, slider in zip(st.columns(max(len(drawn), 1)), drawn, strict=False):
        with column:
            number(*slider)


def analysis_panel(each: Analysis, name: str) -> None:
    """One analysis."""
    st.markdown(f"**{plain_markdown(each.title)}**")
    st.text(visible(each.sentence))
    source = "" if each.paper == "-" else f" Source: {each.paper}."
    st.caption(plain_markdown(f"Limits: {each.limits}{source}"))
    for title, rows in each.tables.items():
        _charts([chart for chart in each.charts if chart.table == title], each)
        if rows:
            _table(
                title,
                pd.DataFrame(rows),
                f"{each.name}-{title}-{name}".replace(" ", "-"),
                f"{each.name}.{title}",
            )


def _charts(charts: Sequence[Chart], each: Analysis) -> None:
    """The charts of a table, several of one kind side by side."""
    aside = len(charts) > 1 and charts[0].part != ""
    for row in range(0, len(charts), 2):
        pair = charts[row : row + 2]
        for place, chart in zip(
            st.columns(2) if aside else [st.container() for _ in pair], pair, strict=False
        ):
            with place:
                if chart.part:
                    st.caption(plain_markdown(chart.part))
                key = f"analysis.{each.name}.{chart.table}.{chart.kind}.{chart.part}"
                alt = " ".join(
                    part
                    for part in (
                        each.title,
                        chart.table,
                        chart.part,
                        "as a grid" if chart.kind == "grid" else "",
                    )
                    if part
                )
                st.plotly_chart(analysis_figure(chart), key=key, config=CONFIG, alt=alt)
                if chart.notes:
                    st.caption(plain_markdown(" ".join(chart.notes)))


def _table(title: str, table: pd.DataFrame, file: str, key: str) -> None:
    st.caption(plain_markdown(f"Table: {title}"))
    st.dataframe(
        table,
        hide_index=True,
        key=f"rows.{key}",
        height=min(300, 38 + 35 * len(table)),
        column_config=numbers(table),
    )
    st.download_button(
        "Download as CSV",
        table_csv(table),
        f"{file}.csv",
        "text/csv",
        key=f"rows.csv.{key}",
        on_click="ignore",
    )


def numbers(table: pd.DataFrame) -> dict[str, object]:
    """Columns of fractions with four significant digits: exact estimates have many more."""
    return {
        name: st.column_config.NumberColumn(format="%.4g")
        for name in table.columns
        if table[name].dtype.kind == "f"
    }


__all__ = ["CONFIG", "analyses_panel", "analysis_panel", "numbers"]
