"""Colours and chart frame: one look in light and dark, in which nothing depends on colour alone.
Scores take Cividis from 0 to 1 everywhere, categories take Okabe-Ito. Lines and grids are mid-grey
with alpha, backgrounds are transparent, and marks carry an outline, so the same figure reads on
white and on near-black."""

from __future__ import annotations

from plotly import graph_objects as go

from backend.core.palette import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION

SCORE_SCALE = "Cividis"
ACCENT = "#1f8a70"
GREY = "rgba(128,128,128,0.75)"
FAINT = "rgba(128,128,128,0.5)"
MUTED = "#8a8f94"  # opaque, so that Plotly picks a readable colour for text on it in either theme
GRID = "rgba(128,128,128,0.15)"
NOTHING = "\u2013"
"""What a table says where there is no value."""

CONFIG = {"displaylogo": False, "displayModeBar": False}
"""How Plotly behaves on the pages: no bar of its own; pictures are saved by the export menu."""


def frame(figure: go.Figure, *, x: str, y: str, height: int = 260) -> go.Figure:
    """Give a figure the common frame: axis titles, quiet grid, no legend box, `height` in
    pixels.
    """
    figure.update_layout(
        height=height,
        margin={"l": 46, "r": 12, "t": 14, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="closest",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
        font={"size": 12},
    )
    figure.update_xaxes(
        title=x, gridcolor=GRID, zeroline=False, linecolor=FAINT, ticks="outside", tickcolor=FAINT
    )
    figure.update_yaxes(title=y, gridcolor=GRID, zeroline=False, linecolor=FAINT)
    return figure


def escape(text: str) -> str:
    """Text for a Plotly label, which reads a little HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


__all__ = [
    "ACCENT",
    "BLUE",
    "CONFIG",
    "FAINT",
    "GREEN",
    "GREY",
    "GRID",
    "MUTED",
    "NOTHING",
    "ORANGE",
    "PURPLE",
    "SCORE_SCALE",
    "SKY",
    "VERMILION",
    "escape",
    "frame",
]
