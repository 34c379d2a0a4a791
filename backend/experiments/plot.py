"""A line chart as SVG without a browser: for the report, which opens anywhere. Text is escaped,
lines differ in mark and dash too."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from backend.core.palette import line_look

WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 64, 210, 14, 46
SVG_DASHES: Mapping[str, str] = {"solid": "", "dash": "6 4", "dot": "2 3", "dashdot": "8 3 2 3"}
SVG_MARKS: Mapping[str, str] = {
    "circle": "M-4,0A4,4 0 1 0 4,0A4,4 0 1 0 -4,0z",
    "square": "M-4,-4h8v8h-8z",
    "diamond": "M0,-5L5,0L0,5L-5,0z",
    "triangle-up": "M0,-5L5,4L-5,4z",
    "x": "M-4,-4L4,4M-4,4L4,-4",
    "cross": "M-5,0H5M0,-5V5",
    "star": "M0,-6L1.5,-2.1L5.7,-1.9L2.5,.8L3.5,4.9L0,2.6L-3.5,4.9L-2.5,.8L-5.7,-1.9L-1.5,-2.1z",
    "triangle-down": "M0,5L-5,-4L5,-4z",
    "hexagon": "M0,-5L4.3,-2.5L4.3,2.5L0,5L-4.3,2.5L-4.3,-2.5z",
    "pentagon": "M0,-5L4.8,-1.5L2.9,4L-2.9,4L-4.8,-1.5z",
}
"""Dashes and marks of the palette as SVG writes them."""
MOST_NAMES = 17
"""Lines that the legend has room for; the others are drawn, and named in the table."""
Spot = tuple[float, float]
Point = tuple[float | str, float, float | None, float | None]


class DrawnLine(NamedTuple):
    """A line: its name and its points (x, y, low, high), x a number or a name, the last two None
    where there is no band."""

    name: str
    points: Sequence[Point]


class Scale(NamedTuple):
    """From values to places: the ends of an axis, whether it is logarithmic, the names that stand
    for 0, 1, 2 ..., and its ticks with their texts."""

    low: float
    high: float
    logarithmic: bool
    names: Sequence[str]
    ticks: Sequence[tuple[float, str]]

    def share(self, value: float | str) -> float:
        """How far along the axis a value is, 0 to 1."""
        number = (
            self.names.index(value)
            if isinstance(value, str)
            else math.log10(value)
            if self.logarithmic
            else value
        )
        return (number - self.low) / (self.high - self.low)


def line_chart(
    lines: Sequence[DrawnLine], *, x: str, y: str, logarithmic: bool = True, joined: bool = True
) -> str:
    """The lines with bands, axes and a legend; an empty frame without points. y goes from 0 to 1,
    or as far as its values do. A logarithmic x leaves out what is not above 0."""
    kept = [
        DrawnLine(line.name, [point for point in line.points if drawable(point[0], logarithmic)])
        for line in lines
    ]
    across, up = (
        x_scale([point[0] for line in kept for point in line.points], logarithmic),
        y_scale([p[1] for line in kept for p in line.points]),
    )
    parts = frame(across, up, x, y)
    for place, line in enumerate(kept):
        parts += draw_line(line, place, across, up, joined=joined)
    label = html.escape(f"{y} against {x}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg>'
    )


def drawable(x: float | str, logarithmic: bool) -> bool:
    return isinstance(x, str) or not logarithmic or x > 0


def x_scale(values: Sequence[float | str], logarithmic: bool) -> Scale:
    """1, 2, 5 of each decade, a few round numbers, or the names in their order."""
    names = list(dict.fromkeys(value for value in values if isinstance(value, str)))
    if names:
        return Scale(
            -0.5,
            len(names) - 0.5,
            False,
            names,
            [(float(at), name) for at, name in enumerate(names)],
        )
    known = [
        math.log10(value) if logarithmic else value
        for value in values
        if not isinstance(value, str)
    ]
    low, high = widen(min(known, default=0.0), max(known, default=1.0))
    if not logarithmic:
        return Scale(low, high, False, (), round_ticks(low, high))
    ticks = [
        (decade + math.log10(step), f"{step * 10.0**decade:g}")
        for decade in range(math.floor(low), math.ceil(high) + 1)
        for step in (1, 2, 5)
    ]
    return Scale(low, high, True, (), [tick for tick in ticks if low <= tick[0] <= high])


def y_scale(values: Sequence[float]) -> Scale:
    """0 to 1 in fifths, or further where the values go further."""
    low, high = min([0.0, *values]), max([0.0, *values])
    if low >= 0.0 and high <= 1.0:
        return Scale(
            0.0, 1.0, False, (), [(tenth / 10, f"{tenth / 10:g}") for tenth in range(0, 11, 2)]
        )
    return Scale(low, high, False, (), round_ticks(low, high))


def widen(low: float, high: float) -> tuple[float, float]:
    """Room on both sides."""
    return (
        (low - 0.03 * (high - low), high + 0.03 * (high - low))
        if high > low
        else (low - 0.5, low + 0.5)
    )


def round_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Some five round numbers between two."""
    rough = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough)
    return [
        (at * step, f"{at * step:g}")
        for at in range(math.ceil(low / step), math.floor(high / step) + 1)
    ]


def frame(across: Scale, up: Scale, x: str, y: str) -> list[str]:
    """Axes with ticks and titles."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for value, text in up.ticks:
        place = TOP + (1 - (value - up.low) / (up.high - up.low)) * (bottom - TOP)
        parts.append(
            f'<path d="M{LEFT},{place:.1f}H{right}" stroke="#ddd"/>'
            + draw_text(LEFT - 8, place + 4, text, "end")
        )
    for value, text in across.ticks:
        parts.append(
            draw_text(
                LEFT + (value - across.low) / (across.high - across.low) * (right - LEFT),
                bottom + 16,
                text,
                "middle",
            )
        )
    parts.append(f'<path d="M{LEFT},{TOP}V{bottom}H{right}" fill="none" stroke="#888"/>')
    parts.append(draw_text((LEFT + right) / 2, HEIGHT - 8, x, "middle", 80))
    parts.append(
        f'<g transform="translate(14 {(TOP + bottom) / 2:.0f}) '
        f'rotate(-90)">{draw_text(0, 0, y, "middle", 60)}</g>'
    )
    return parts


def draw_line(line: DrawnLine, place: int, across: Scale, up: Scale, *, joined: bool) -> list[str]:
    """Band, line, marks and the legend's entry."""

    def at(x: float | str, y: float) -> Spot:
        return LEFT + across.share(x) * (WIDTH - LEFT - RIGHT), TOP + (1.0 - up.share(y)) * (
            HEIGHT - TOP - BOTTOM
        )

    colour, dash, mark = line_look(place)
    spots, parts = [at(x, y) for x, y, _, _ in line.points], []
    bands = [
        (at(x, low), at(x, high))
        for x, _, low, high in line.points
        if low is not None and high is not None
    ]
    if len(bands) > 1:
        outline = [upper for _, upper in bands] + [lower for lower, _ in reversed(bands)]
        parts.append(f'<path d="{way(outline)}z" fill="{colour}" fill-opacity=".1"/>')
    if spots and joined:
        parts.append(
            f'<path d="{way(spots)}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{SVG_DASHES[dash]}"/>'
        )
    legend = [(WIDTH - RIGHT + 18.0, TOP + 12.0 + 18.0 * place)] if place < MOST_NAMES else []
    parts += [
        (
            f'<path d="{SVG_MARKS[mark]}" transform="translate({x:.1f} {y:.1f})" fill="{colour}" '
            f'stroke="{colour}"/>'
        )
        for x, y in [*spots, *legend]
    ]
    return [*parts, *(draw_text(x + 12, y + 4, line.name, "start") for x, y in legend)]


def way(points: Sequence[Spot]) -> str:
    return "M" + "L".join(f"{across:.1f},{down:.1f}" for across, down in points)


def draw_text(x: float, y: float, text: str, anchor: str, longest: int = 28) -> str:
    short = text if len(text) <= longest else text[: longest - 1] + "\u2026"
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" '
        f'font-family="sans-serif" fill="#333">{html.escape(short)}</text>'
    )


__all__ = ["DrawnLine", "line_chart"]
