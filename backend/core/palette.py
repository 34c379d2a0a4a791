"""Colours, dashes and marks of the lines of a chart, the same on the pages and in drawings without
a browser.

Each line differs from the others in all three, so that nothing depends on colour alone. The colours
are those of Okabe and Ito, which people with any kind of colour vision can distinguish; the grey is
opaque and stands out from white and from near-black. Dashes and marks have the names that Plotly
knows."""

from __future__ import annotations

from typing import NamedTuple

ORANGE = "#e69f00"
SKY = "#56b4e9"
GREEN = "#009e73"
BLUE = "#0072b2"
VERMILION = "#d55e00"
PURPLE = "#cc79a7"
MIDDLE_GREY = "#808080"

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, MIDDLE_GREY)
DASHES = ("solid", "dash", "dot", "dashdot")
MARKS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "x",
    "cross",
    "star",
    "triangle-down",
    "hexagon",
    "pentagon",
)


class LineLook(NamedTuple):
    """How one line is drawn."""

    colour: str
    dash: str
    mark: str


def line_look(place: int) -> LineLook:
    """The look of line `place`, counted from 0. The numbers of colours, dashes and marks differ, so
    that 140 lines in a row look different."""
    return LineLook(
        COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)], MARKS[place % len(MARKS)]
    )


__all__ = [
    "BLUE",
    "COLOURS",
    "DASHES",
    "GREEN",
    "MARKS",
    "MIDDLE_GREY",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILION",
    "LineLook",
    "line_look",
]
