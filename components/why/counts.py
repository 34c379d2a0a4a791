"""How often each cause occurs, strategy by strategy: the numbers, and stacked bars of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from plotly import graph_objects as go

from components.frame.theme import BLUE, GREY, escape, frame
from components.why.words import CAUSES, title


class CauseLike(Protocol):
    """The cause of one run, as the service sends it."""

    @property
    def strategy(self) -> str: ...

    @property
    def cause(self) -> str: ...


@dataclass(frozen=True)
class CauseInfo:
    """`counts[s][c]` runs of `strategies[s]` have `causes[c]`; only causes that occur. The strategy
    that is right most often comes first."""

    strategies: tuple[str, ...]
    causes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def total(self, strategy: int) -> int:
        """How many runs of the strategy at that place there are."""
        return sum(self.counts[strategy])


def cause_info(runs: Iterable[CauseLike]) -> CauseInfo:
    """The table of counts."""
    found = Counter((run.strategy, run.cause) for run in runs)
    causes = tuple(cause for cause in CAUSES if any(each == cause for _, each in found))
    names = {name for name, _ in found}
    totals = {name: sum(found[name, cause] for cause in causes) for name in names}
    order = sorted(names, key=lambda name: (-found[name, "right"] / totals[name], name))
    return CauseInfo(
        tuple(order), causes, tuple(tuple(found[name, cause] for cause in causes) for name in order)
    )


def cause_figure(info: CauseInfo) -> go.Figure:
    """One bar a strategy, stacked by cause; colour, hatching and a number tell the same. A point
    carries its cause and its strategy."""
    places = list(range(len(info.strategies)))
    figure = go.Figure()
    for at, cause in enumerate(info.causes):
        look, column = CAUSES[cause], [row[at] for row in info.counts]
        figure.add_bar(
            orientation="h",
            name=look.title,
            y=places,
            x=column,
            text=[str(count) if count else "" for count in column],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            insidetextfont={"color": "#ffffff" if look.color == BLUE else "#000000", "size": 13},
            customdata=[[cause, name, escape(name)] for name in info.strategies],
            marker={
                "color": look.color,
                "line": {"width": 1, "color": GREY},
                "pattern": {
                    "shape": look.pattern,
                    "bgcolor": look.color,
                    "fgcolor": "rgba(0,0,0,0.35)",
                    "size": 8,
                    "solidity": 0.15,
                },
            },
            hovertemplate=(
                f"{escape(look.title)}: %{{x}} of the runs of %{{customdata[2]}}<extra></extra>"
            ),
            unselected={"marker": {"opacity": 0.75}},
        )
    frame(figure, x="runs", y="", height=110 + 34 * max(len(places), 2))
    labels = [
        f"{escape(name.replace('_', ' '))} ({info.total(place)})"
        for place, name in enumerate(info.strategies)
    ]
    figure.update_layout(barmode="stack", bargap=0.3, legend={"traceorder": "normal"})
    figure.update_yaxes(autorange="reversed", automargin=True, tickvals=places, ticktext=labels)
    figure.update_xaxes(
        dtick=1 if max((info.total(place) for place in places), default=0) <= 12 else None
    )
    return figure


def counts_sentence(info: CauseInfo) -> str:
    """What the bars say first: how many are right, and the commonest cause of the others."""
    sums = {cause: sum(row[at] for row in info.counts) for at, cause in enumerate(info.causes)}
    total, right = sum(sums.values()), sums.pop("right", 0)
    if not sums:
        return f"All {total} runs answered right." if total > 1 else "The run answered right."
    worst = max(sums, key=lambda cause: sums[cause])
    return (
        f"{right} of {total} run{'' if total == 1 else 's'} answered right. The commonest "
        f"cause of the others: {title(worst)} ({sums[worst]})."
    )
