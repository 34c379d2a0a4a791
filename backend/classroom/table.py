"""The evaluation table: every figure of every cell, and every bound with whether it is met.

A bound counts as missed only if the figure's whole interval lies outside it. Aggregation of step
scores is `last` for a score named without one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from backend.classroom.measures import (
    AGGREGATIONS,
    JudgedSample,
    Steps,
    auroc,
    best_of,
    distinct_right,
    join_steps,
    majority,
    mean,
    pass_at,
    rank_by,
    score_steps,
)
from backend.core.statistics.intervals import (
    Interval,
    accuracy_interval,
    bootstrap_interval,
    difference_interval,
)

Samples = Sequence[JudgedSample]
Cell = Sequence[Samples]
Cells = Mapping[tuple[str, int], Cell]
SIZES = (1, 2, 4, 8, 16, 32, 64)
LAST_EARLY_STEP = 2
DEEP = 4


@dataclass(frozen=True)
class Bound:
    """One requirement: the figure with its interval, the accepted range, and whether the interval
    touches it."""

    name: str
    figure: Interval
    low: float
    high: float

    @property
    def met(self) -> bool:
        """Whether a bound is met: it is missed only if the whole interval lies outside it."""
        return self.figure.high >= self.low and self.figure.low <= self.high


def per_problem(
    cell: Cell,
    figure: Callable[[Samples], float],
    between: Callable[[Sequence[float]], Interval] = accuracy_interval,
) -> Interval:
    """The mean over problems of a figure of one problem's samples; `between` gives the interval
    that suits it: of shares in [0, 1], of their differences, or of counts."""
    return between([figure(samples) for samples in cell])


def count_interval(counts: Sequence[float]) -> Interval:
    """The mean of numbers without bounds, problems resampled."""
    return bootstrap_interval(counts, mean)


def sizes(cell: Cell) -> list[int]:
    """The sample sizes that the cell's samples allow."""
    return [k for k in SIZES if k <= len(cell[0])]


def gain(samples: Samples, figure: Callable[[Samples], float]) -> float:
    """A figure less pass@1."""
    return figure(samples) - pass_at(samples, 1)


def by_verifier(verifier: str, k: int, aggregation: str = "last") -> Callable[[Samples], float]:
    """Best-of-k by a verifier, as a figure of one problem's samples."""
    return partial(best_of, k=k, score=rank_by(verifier, aggregation))


def verifiers_of(cell: Cell) -> list[str]:
    """Names of the verifiers that scored the cell."""
    return sorted(cell[0][0].scores)


def cell_figures(cell: Cell) -> dict[str, Interval]:
    """Every figure of one cell."""
    most = sizes(cell)[-1]
    found = {f"pass@{k}": per_problem(cell, partial(pass_at, k=k)) for k in (1, 16, most)}
    found[f"majority@{most}"] = per_problem(cell, majority)
    found["distinct right"] = per_problem(cell, distinct_right, count_interval)
    for verifier in verifiers_of(cell):
        for k in (16, most):
            found[f"best of {k} by {verifier}"] = per_problem(cell, by_verifier(verifier, k))
        found[f"AUROC {verifier}"] = auroc_interval(cell, verifier)
    return found


def auroc_interval(cell: Cell, verifier: str) -> Interval:
    """AUROC on the cell's steps whose prefix is right, problems resampled."""
    parts = [score_steps(samples, verifier) for samples in cell]
    return bootstrap_interval(parts, lambda drawn: auroc(join_steps(drawn)), draws=200)


def first_mistakes(samples: Samples) -> list[tuple[int, str]]:
    """(step counted from 1, kind) of the first mistake of every solution that has one."""
    firsts = ((sample.first_mistake, sample.kinds) for sample in samples)
    return [(first + 1, str(kinds[first])) for first, kinds in firsts if first is not None]


def of_set(cells: Cells, name: str, levels: Sequence[int] = (1, 2, 3, 4, 5)) -> list[Cell]:
    """The cells of one problem set."""
    return [
        cell for (set_name, level), cell in cells.items() if set_name == name and level in levels
    ]


def kind_shares(cells: Sequence[Cell]) -> dict[str, float]:
    """Share of each kind among first mistakes, commonest first."""
    counts = Counter(
        kind for cell in cells for samples in cell for _, kind in first_mistakes(samples)
    )
    return {kind: count / counts.total() for kind, count in counts.most_common()}


def share(cells: Sequence[Cell], counted: Callable[[int, str], bool]) -> Interval:
    """Share of first mistakes that count, by step (from 1) and kind; problems are resampled."""
    parts = [
        [counted(*found) for found in first_mistakes(samples)] for cell in cells for samples in cell
    ]
    return bootstrap_interval(
        parts, lambda drawn: mean([float(c) for part in drawn for c in part]), draws=200
    )


def auroc_by(cells: Sequence[Cell], verifier: str, column: str) -> dict[str, float]:
    """AUROC per depth (from 1), or per kind: bad steps of that kind against all good steps."""
    steps = join_steps([score_steps(samples, verifier) for cell in cells for samples in cell])
    if column == "depth":
        return {
            str(d + 1): auroc(steps.where(steps.depths == d))
            for d in sorted(set(steps.depths.tolist()))
        }
    kinds = sorted(set(steps.kinds[~steps.good].tolist()))
    return {kind: auroc(steps.where(steps.good | (steps.kinds == kind))) for kind in kinds}


def calibration(cells: Sequence[Cell], verifier: str) -> dict[str, tuple[float, float]]:
    """Per depth from 1: mean score and share of good steps; they part where calibration fails."""
    steps = join_steps([score_steps(samples, verifier) for cell in cells for samples in cell])

    def row(part: Steps) -> tuple[float, float]:
        return float(np.mean(part.scores)), float(np.mean(part.good))

    return {
        str(d + 1): row(steps.where(steps.depths == d)) for d in sorted(set(steps.depths.tolist()))
    }


def falls(cells: Cells) -> list[tuple[tuple[str, int], str, str, int, Interval]]:
    """Per cell, verifier and aggregation: the size of the peak of best-of-k and by how much the
    largest k lies below it, worst first."""
    found = []
    for key, cell in cells.items():
        for verifier in verifiers_of(cell):
            for aggregation in AGGREGATIONS:
                curve = {
                    k: mean([by_verifier(verifier, k, aggregation)(s) for s in cell])
                    for k in sizes(cell)
                }
                peak = max(curve, key=lambda k: curve[k])
                most = sizes(cell)[-1]
                if curve[peak] - curve[most] > 0.005:
                    early, late = (
                        by_verifier(verifier, peak, aggregation),
                        by_verifier(verifier, most, aggregation),
                    )
                    lost = difference_interval([early(s) - late(s) for s in cell])
                    found.append((key, verifier, aggregation, peak, lost))
    return sorted(found, key=lambda row: -row[-1].value)


def bounds(cells: Cells) -> Iterator[Bound]:
    """Every bound that the cells at hand can decide."""
    one = partial(pass_at, k=1)
    for name in ("ledger", "procedure"):
        if (name, 1) in cells:
            yield Bound(f"pass@1 {name} 1", per_problem(cells[name, 1], one), 0.75, 1.0)
        if (name, 5) in cells:
            yield Bound(f"pass@1 {name} 5", per_problem(cells[name, 5], one), 0.05, 0.50)
    for (name, level), cell in cells.items():
        if name == "countdown":
            yield Bound(f"pass@1 countdown {level}", per_problem(cell, one), 0.05, 0.60)
    for name, level in sorted(cells):
        if (name, level + 1) in cells:
            pairs = list(
                zip(map(one, cells[name, level]), map(one, cells[name, level + 1]), strict=False)
            )
            fall = difference_interval([a - b for a, b in pairs])
            yield Bound(f"pass@1 falls, {name} {level} to {level + 1}", fall, 0.0, 1.0)
    yield from ledger_bounds(cells)
    yield from mistake_bounds(cells)
    every = [samples for cell in cells.values() for samples in cell]
    if "prm" in verifiers_of(every):
        yield Bound("AUROC of prm overall", auroc_interval(every, "prm"), 0.75, 0.97)


def ledger_bounds(cells: Cells) -> Iterator[Bound]:
    """Coverage, variety, voting and best-of-16 on the ledger."""
    if ("ledger", 5) in cells:
        cell = cells["ledger", 5]
        most = sizes(cell)[-1]
        yield Bound(f"pass@{most} ledger 5", per_problem(cell, partial(pass_at, k=most)), 0.60, 1.0)
    if ("ledger", 3) in cells:
        yield Bound(
            "distinct right solutions, ledger 3",
            per_problem(cells["ledger", 3], distinct_right, count_interval),
            6.0,
            64.0,
        )
    for level in (3, 4):
        if cell := cells.get(("ledger", level), []):
            voting = per_problem(cell, partial(gain, figure=majority), difference_interval)
            yield Bound(f"majority less pass@1, ledger {level}", voting, 0.08, 1.0)
            if "prm" in verifiers_of(cell):
                best = per_problem(
                    cell, partial(gain, figure=by_verifier("prm", 16)), difference_interval
                )
                yield Bound(f"best of 16 by prm less pass@1, ledger {level}", best, 0.10, 1.0)


def mistake_bounds(cells: Cells) -> Iterator[Bound]:
    """Spread of first mistakes over kinds and steps, all sets together; the report shows the sets
    one by one."""
    every = list(cells.values())
    commonest = next(iter(kind_shares(every)), "")
    yield Bound(
        f"commonest kind of first mistake: {commonest}",
        share(every, lambda _, kind: kind == commonest),
        0.0,
        0.40,
    )
    if deep := [cell for (_, level), cell in cells.items() if level >= DEEP]:
        yield Bound(
            "first mistakes after step 2, levels 4-5",
            share(deep, lambda step, _: step > LAST_EARLY_STEP),
            0.30,
            1.0,
        )
