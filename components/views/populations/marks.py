"""How the slots that follow a reference, or were drawn at the end, are marked in a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plotly import graph_objects as go

from components.frame.theme import VERMILION

HELD = "follows the reference"
DRAWN = "drawn at the end"
Mark = Mapping[str, Any]
STAR: Mark = {
    "symbol": "star",
    "size": 12,
    "color": VERMILION,
    "line": {"width": 1, "color": "white"},
}


def mark_places(
    figure: go.Figure, held: Sequence[tuple[int, int]], drawn: Sequence[tuple[int, int]], mark: Mark
) -> None:
    """Mark places (x, y) that follow the reference, and those that were drawn; clicks go to what
    lies below."""
    for places, marker, name in ((held, mark, HELD), (drawn, STAR, DRAWN)):
        if places:
            x, y = zip(*places, strict=True)
            figure.add_scatter(
                x=x, y=y, mode="markers", name=name, hoverinfo="skip", marker=dict(marker)
            )
