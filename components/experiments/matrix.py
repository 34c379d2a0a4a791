"""Problems against arms: who solved what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from components.frame.theme import SCORE_SCALE, escape, frame

ORDERS = ("as listed", "hardest first", "most disputed first")
NUMBERED, NAMED = 40, 120
"""Problems up to which numbers, and names, are written."""


@dataclass(frozen=True)
class MatrixInfo:
    """Credit in [0, 1] of each problem (row) by each arm (column), None where it is not there;
    `solved` is the mean of a row, `accuracy` that of a column."""

    problems: tuple[str, ...]
    arms: tuple[str, ...]
    rows: tuple[tuple[float | None, ...], ...]
    solved: tuple[float, ...]
    accuracy: tuple[float | None, ...]


def matrix_info(
    problems: Sequence[str],
    arms: Sequence[str],
    rows: Sequence[Sequence[float | None]],
    order: str = ORDERS[0],
) -> MatrixInfo:
    """The matrix in an order: as listed, by the mean credit of a problem, or by how far the arms
    are apart on it (their variance)."""
    known = [[each for each in row if each is not None] for row in rows]
    solved = [sum(row) / len(row) if row else 0.0 for row in known]
    apart = [
        sum((each - mean) ** 2 for each in row) / len(row) if row else 0.0
        for row, mean in zip(known, solved, strict=True)
    ]
    orders: dict[str, Sequence[float]] = {
        ORDERS[0]: range(len(rows)),
        ORDERS[1]: solved,
        ORDERS[2]: [-value for value in apart],
    }
    keys = orders[order]
    at = sorted(range(len(rows)), key=lambda index: (keys[index], index))
    columns = [
        [row[column] for row in rows if row[column] is not None] for column in range(len(arms))
    ]
    means = tuple(
        sum(each for each in column if each is not None) / len(column) if column else None
        for column in columns
    )
    return MatrixInfo(
        tuple(problems[index] for index in at),
        tuple(arms),
        tuple(tuple(rows[index]) for index in at),
        tuple(solved[index] for index in at),
        means,
    )


@dataclass(frozen=True)
class Flips:
    """Problems that one arm solved better than the other, and the other way round, with the credit
    of both."""

    gained: tuple[tuple[str, float, float], ...]
    lost: tuple[tuple[str, float, float], ...]


def flips(info: MatrixInfo, one: str, other: str) -> Flips:
    """Where the arms differ, the widest first."""
    first, second = info.arms.index(one), info.arms.index(other)
    pairs = [
        (problem, row[first], row[second])
        for problem, row in zip(info.problems, info.rows, strict=True)
    ]
    parted = [
        (problem, a, b) for problem, a, b in pairs if a is not None and b is not None and a != b
    ]
    parted.sort(key=lambda each: (-abs(each[1] - each[2]), each[0]))
    return Flips(
        tuple(each for each in parted if each[1] > each[2]),
        tuple(each for each in parted if each[1] < each[2]),
    )


def matrix_figure(info: MatrixInfo) -> go.Figure:
    """A heat map; numbers are written into it where there is room."""
    few, named = len(info.problems) <= NUMBERED, len(info.problems) <= NAMED
    tall = 22 if few else 14 if named else 6
    heads = [
        f"{escape(arm)}<br>{'-' if mean is None else f'{mean:.2f}'}"
        for arm, mean in zip(info.arms, info.accuracy, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=[list(row) for row in info.rows],
            x=heads,
            y=list(info.problems),
            zmin=0,
            zmax=1,
            colorscale=SCORE_SCALE,
            xgap=1,
            ygap=1 if named else 0,
            texttemplate="%{z:.2f}" if few else None,
            hovertemplate="%{y}<br>%{x}<br>credit %{z:.3f}<extra></extra>",
            colorbar={"title": "credit", "thickness": 10},
        )
    )
    frame(
        figure,
        x="arm, with its accuracy",
        y="problem",
        height=max(320, min(2400, 130 + tall * len(info.problems))),
    )
    figure.update_yaxes(
        autorange="reversed",
        showticklabels=named,
        type="category",
        dtick=1,
        tickfont={"size": 12 if few else 10},
    )
    figure.update_xaxes(side="top", type="category")
    figure.update_layout(margin={"t": 70, "l": 150 if named else 46})
    return figure


__all__ = ["ORDERS", "Flips", "MatrixInfo", "flips", "matrix_figure", "matrix_info"]
