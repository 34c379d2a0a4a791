"""Two series of scores of the same nodes: where they disagree, how one is calibrated against the
other, and how well it ranks, by depth.

The second series plays the judge: another verifier, or the exact checker, whose scores are 1 and 0.
A step is *good* where the judge gives it at least 1/2. AUROC is over steps whose earlier steps are
all good: to score low after a mistake is no merit. A score of a path that is not made of one score
a step counts for its last step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from backend.core.splitting import AT_BLANK_LINES, Splitting
from backend.core.statistics.calibration import BINS, Bin, Calibration, calibration, reliability
from backend.core.statistics.ranking import auroc
from backend.core.types import Node
from backend.review.stored_run import Trace
from backend.review.why.steps import before

GOOD = 0.5


class Opinion(Protocol):
    """A verifier's score of a path: `value` in [0, 1] or None with a `reason`, and scores of its
    steps where it gave any."""

    @property
    def value(self) -> float | None: ...
    @property
    def steps(self) -> tuple[float, ...]: ...
    @property
    def reason(self) -> str | None: ...


Series = Mapping[int, Opinion]


class Pair(NamedTuple):
    """The scores that both series give to a step, the `step`-th of its path, which ends in `node`.
    `fresh`: all steps before it are good."""

    node: int
    step: int
    one: float
    other: float
    fresh: bool

    @property
    def gap(self) -> float:
        return abs(self.one - self.other)


class Depth(NamedTuple):
    """The fresh steps of one depth: how many, how many of them good, and the AUROC of the first
    series, NaN where all are alike."""

    step: int
    steps: int
    good: int
    auroc: float


@dataclass(frozen=True)
class Lens:
    """`disagreements` with the widest gap first; `curve` and `calibration` of the first series
    against the second over all pairs (None: there are none); `depths` in order, and the AUROC over
    all of them."""

    pairs: int
    disagreements: list[Pair]
    curve: list[Bin]
    calibration: Calibration | None
    depths: list[Depth]
    auroc: float


def lens(
    trace: Trace,
    one: Series,
    other: Series,
    *,
    splitting: Splitting = AT_BLANK_LINES,
    most: int = 100,
    bins: int = BINS,
) -> Lens:
    """Compare two series; at most `most` disagreements are listed."""
    pairs = [
        pair
        for node in trace.nodes
        for pair in pairs_of(node, trace.ids[node], one, other, splitting)
    ]
    ones, others = [pair.one for pair in pairs], [pair.other for pair in pairs]
    fresh = [pair for pair in pairs if pair.fresh]
    depths = [
        _depth(step, [pair for pair in fresh if pair.step == step])
        for step in sorted({pair.step for pair in fresh})
    ]
    widest = sorted((pair for pair in pairs if pair.gap > 0), key=lambda pair: -pair.gap)[:most]
    curve, figures = (
        (reliability(ones, others, bins), calibration(ones, others, bins)) if pairs else ([], None)
    )
    return Lens(len(pairs), widest, curve, figures, depths, _auroc(fresh))


def pairs_of(
    node: Node, number: int, one: Series, other: Series, splitting: Splitting
) -> Iterator[Pair]:
    """The steps that begin in a node and that both series score."""
    if number not in one or number not in other:
        return
    length = len(splitting.split(node.texts()))
    start = min(before(node, splitting), length - 1)
    mine, theirs = (by_step(series[number], start, length) for series in (one, other))
    earlier = other[number].steps if len(other[number].steps) == length else ()
    for place in sorted(set(mine) & set(theirs)):
        yield Pair(
            number,
            place + 1,
            mine[place],
            theirs[place],
            all(score >= GOOD for score in earlier[:place]),
        )


def by_step(opinion: Opinion, start: int, length: int) -> dict[int, float]:
    """The scores of the steps from place `start` on, of `length` in all."""
    if opinion.value is None or length == 0:
        return {}
    if len(opinion.steps) == length:
        return dict(enumerate(opinion.steps[start:], start))
    return {length - 1: opinion.value}


def _depth(step: int, pairs: Sequence[Pair]) -> Depth:
    return Depth(step, len(pairs), sum(pair.other >= GOOD for pair in pairs), _auroc(pairs))


def _auroc(pairs: Sequence[Pair]) -> float:
    return auroc([pair.one for pair in pairs], [pair.other >= GOOD for pair in pairs])
