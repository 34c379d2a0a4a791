"""A line chart as SVG without a browser: for the report, which opens anywhere. Text is escaped, lines differ in mark and dash too."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 190, 14, 46
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#555555")
DASHES = ("", "6 4", "2 3", "8 3 2 3")
MARKS = ("M-4,-4h8v8h-8z", "M0,-5L5,4L-5,4z", "M0,-5L5,0L0,5L-5,0z", "M-4,0A4,4 0 1 0 4,0A4,4 0 1 0 -4,0z", "M-4,-4L4,4M-4,4L4,-4", "M-5,0H5M0,-5V5")


class Drawn(NamedTuple):
    """A line: its name and its points (x > 0, y in [0, 1], low, high), the last two None where there is no band."""

    name: str
    points: Sequence[tuple[float, float, float | None, float | None]]


def line_chart(lines: Sequence[Drawn], *, x: str, y: str) -> str:
    """The lines over a logarithmic x from 0 to 1, with bands, axes and a legend; an empty frame without points."""
    xs = [point[0] for line in lines for point in line.points if point[0] > 0]
    low, high = (math.log10(min(xs)), math.log10(max(xs))) if xs else (0.0, 1.0)
    low, high = (low - 0.03 * (high - low), high + 0.03 * (high - low)) if high > low else (low - 0.5, low + 0.5)

    def at(value: float, share: float) -> tuple[float, float]:
        across = (math.log10(value) - low) / (high - low)
        return LEFT + across * (WIDTH - LEFT - RIGHT), TOP + (1.0 - share) * (HEIGHT - TOP - BOTTOM)

    parts = [*frame(low, high, x, y)]
    for place, line in enumerate(lines):
        parts += drawn(line, place, [(at(point[0], point[1]), point) for point in line.points if point[0] > 0], at)
    body = "".join(parts)
    label = html.escape(f"{y} against {x}")
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{body}</svg>'


def frame(low: float, high: float, x: str, y: str) -> list[str]:
    """Axes with ticks: tenths of y, and 1, 2, 5 of each decade of x."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for tenth in range(0, 11, 2):
        place = TOP + (1 - tenth / 10) * (bottom - TOP)
        parts.append(f'<path d="M{LEFT},{place:.1f}H{right}" stroke="#ddd"/>' + said(LEFT - 8, place + 4, f"{tenth / 10:g}", "end"))
    for decade in range(math.floor(low), math.ceil(high) + 1):
        for step in (1, 2, 5):
            share = (decade + math.log10(step) - low) / (high - low)
            if 0 <= share <= 1:
                parts.append(said(LEFT + share * (right - LEFT), bottom + 16, f"{step * 10.0**decade:g}", "middle"))
    parts.append(f'<path d="M{LEFT},{TOP}V{bottom}H{right}" fill="none" stroke="#888"/>')
    parts.append(said((LEFT + right) / 2, HEIGHT - 8, x, "middle"))
    parts.append(f'<g transform="translate(14 {(TOP + bottom) / 2:.0f}) rotate(-90)">{said(0, 0, y, "middle")}</g>')
    return parts


Spot = tuple[float, float]


def drawn(
    line: Drawn, place: int, points: Sequence[tuple[Spot, tuple[float, float, float | None, float | None]]], at: Callable[[float, float], Spot]
) -> list[str]:
    """Band, line, marks and the legend's entry."""
    colour, dash, mark = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)], MARKS[place % len(MARKS)]
    parts = []
    bands = [(at(point[0], point[2]), at(point[0], point[3])) for _, point in points if point[2] is not None and point[3] is not None]
    if len(bands) > 1:
        outline = [upper for _, upper in bands] + [lower for lower, _ in reversed(bands)]
        parts.append(f'<path d="{way(outline)}z" fill="{colour}" fill-opacity=".1"/>')
    if points:
        parts.append(f'<path d="{way([spot for spot, _ in points])}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>')
    legend = (WIDTH - RIGHT + 18.0, TOP + 12.0 + 20.0 * place)
    marks = [*(spot for spot, _ in points), legend]
    parts += [f'<path d="{mark}" transform="translate({across:.1f} {down:.1f})" fill="{colour}" stroke="{colour}"/>' for across, down in marks]
    return [*parts, said(legend[0] + 12, legend[1] + 4, line.name, "start")]


def way(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{across:.1f},{down:.1f}" for across, down in points)


def said(x: float, y: float, text: str, anchor: str) -> str:
    short = text if len(text) <= 40 else text[:39] + "\u2026"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" font-family="sans-serif" fill="#333">{html.escape(short)}</text>'


__all__ = ["Drawn", "line_chart"]
