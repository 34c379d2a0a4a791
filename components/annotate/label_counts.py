"""How many labelled runs of each strategy have each error category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from plotly import graph_objects as go

from components.frame.prose import visible
from components.frame.theme import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, escape, frame

_COLORS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
_PATTERNS = ("", "/", ".", "x", "\\", "-", "+")


class CellLike(Protocol):
    """A strategy and a category, as the service counts them."""

    @property
    def strategy(self) -> str: ...

    @property
    def category(self) -> str: ...

    @property
    def runs(self) -> int: ...

    @property
    def labels(self) -> int: ...


@dataclass(frozen=True)
class CountRow:
    """A line of the table; `share` is of the strategy's labelled runs, in [0, 1]."""

    strategy: str
    category: str
    runs: int
    labelled: int
    share: float
    labels: int


@dataclass(frozen=True)
class CountInfo:
    """Categories in the order of the codebook, strategies by name, and `shares[strategy][category]`
    in [0, 1] of the strategy's labelled runs."""

    strategies: tuple[str, ...]
    categories: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]
    runs: tuple[tuple[int, ...], ...]
    labelled: tuple[int, ...]


def count_rows(
    labelled: Mapping[str, int], cells: Sequence[CellLike], names: Mapping[str, str]
) -> list[CountRow]:
    """The cells with something in them, as a table."""
    found = []
    for cell in cells:
        among = labelled[cell.strategy]
        found.append(
            CountRow(
                cell.strategy,
                names.get(cell.category, cell.category),
                cell.runs,
                among,
                cell.runs / among,
                cell.labels,
            )
        )
    return found


def count_info(
    labelled: Mapping[str, int], cells: Sequence[CellLike], names: Mapping[str, str]
) -> CountInfo:
    """`names` are the categories in the order of the codebook, as they are shown."""
    given = {(cell.strategy, cell.category): cell.runs for cell in cells}
    used = [key for key in names if any((strategy, key) in given for strategy in labelled)]
    strategies = tuple(labelled)
    runs = tuple(tuple(given.get((strategy, key), 0) for key in used) for strategy in strategies)
    shares = tuple(
        tuple(count / labelled[strategy] for count in row)
        for strategy, row in zip(strategies, runs, strict=True)
    )
    return CountInfo(
        strategies, tuple(names[key] for key in used), shares, runs, tuple(labelled.values())
    )


def count_figure(info: CountInfo) -> go.Figure:
    """A group of bars a category, a bar a strategy, its length the share of the strategy's labelled
    runs. Strategies differ in colour and pattern."""
    figure = go.Figure()
    for at, strategy in enumerate(info.strategies):
        figure.add_bar(
            orientation="h",
            name=escape(strategy.replace("_", " ")),
            y=[escape(visible(name)) for name in info.categories],
            x=list(info.shares[at]),
            text=[f"{runs} of {info.labelled[at]}" if runs else "" for runs in info.runs[at]],
            textposition="outside",
            cliponaxis=False,
            marker={
                "color": _COLORS[at % len(_COLORS)],
                "pattern": {"shape": _PATTERNS[at % len(_PATTERNS)]},
                "line": {"width": 1, "color": "#666"},
            },
            hovertemplate="%{y}<br>%{text} labelled runs<extra>%{fullData.name}</extra>",
        )
    rows = len(info.categories) * max(len(info.strategies), 1)
    frame(figure, x="share of the strategy's labelled runs", y="", height=110 + 26 * max(rows, 3))
    figure.update_layout(barmode="group", showlegend=True, margin={"t": 40})
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(range=[0, 1.08], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    return figure
