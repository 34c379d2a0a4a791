"""How often 95 % intervals hold the truth, simulated: accuracies near 0 and 1 and in between, few
problems and many, and paired differences.

    python -m benchmarks.coverage                                    # about ten seconds
    python -m benchmarks.coverage --trials 8000 --bca                # beside scipy's BCa bootstrap

Each problem has an accuracy of its own, from a Beta distribution with mean p and concentration
kappa (a + b; the smaller, the more problems differ), and gives the share of right ones among its
draws: with one draw that is 0 or 1, whatever kappa is. An experiment is n such problems. A cell of
the tables says in which share of the experiments the interval holds p, and how wide it is on the
average. `percentile` is the bootstrap over problems; `Clopper-Pearson` is the exact interval that
takes each problem for one draw, and nothing should be wider than it. Of two arms the second is
right where the first would be, less a part `lost` of its chances, so that the truth is p times
`lost`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np

from backend.core.statistics.intervals import resample_means, square_and_add, wilson_ends
from backend.core.statistics.weights import Floats

ACCURACIES = (0.02, 0.1, 0.5, 0.9, 0.97)
PROBLEMS = (12, 40, 200)
CONCENTRATIONS = (0.5, 2.0, 20.0)
LOST = (0.0, 0.1, 0.5)
CLUSTERED = 16
"""Draws a problem, where there are several."""
LEVELS = (0.025, 0.975)
RESAMPLES = 400
BCA_TRIALS = 200
Ends: TypeAlias = tuple[Floats, Floats]
Method: TypeAlias = Callable[[Floats], Ends]


class CoverageCell(NamedTuple):
    """Experiments of `problems` problems with accuracy `p` on the average, `draws` of each."""

    p: float
    problems: int
    draws: int
    concentration: float = 1.0


class Covered(NamedTuple):
    """In which share of the experiments an interval holds the truth, and its mean width."""

    share: float
    width: float


def accuracies_of(cell: CoverageCell, trials: int, rng: np.random.Generator) -> Floats:
    """The accuracies of the problems themselves, shape (trials, problems)."""
    a, b = cell.p * cell.concentration, (1.0 - cell.p) * cell.concentration
    return rng.beta(a, b, size=(trials, cell.problems))


def draw_shares(chances: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """What is seen of them: the share of right ones among the draws of each problem."""
    return np.asarray(rng.binomial(draws, chances) / draws, dtype=np.float64)


def measure(shares: Floats, truth: float, method: Method) -> Covered:
    """A method on experiments, shape (trials, problems)."""
    low, high = method(shares)
    held = (low <= truth + 1e-12) & (truth <= high + 1e-12)
    return Covered(float(held.mean()), float((high - low).mean()))


def wilson(shares: Floats) -> Ends:
    """The intervals of the project."""
    _, low, high = wilson_ends(shares)
    return low, high


def percentile(shares: Floats) -> Ends:
    """The percentile bootstrap; all experiments share their draws of problems."""
    low, high = np.quantile(resample_means(shares, RESAMPLES), LEVELS, axis=0)
    return low, high


def exact(shares: Floats) -> Ends:
    """Clopper and Pearson's interval of as many draws as there are problems; a share of a success
    counts as such."""
    from scipy.stats import beta

    count = shares.shape[1]
    right = shares.sum(axis=1)
    low = beta.ppf(LEVELS[0], np.maximum(right, 1e-12), count - right + 1.0)
    high = beta.ppf(LEVELS[1], right + 1.0, np.maximum(count - right, 1e-12))
    return np.where(right > 0.0, low, 0.0), np.where(right < count, high, 1.0)


def corrected(shares: Floats) -> Ends:
    """BCa by scipy, on the first `BCA_TRIALS` experiments: it takes long. Where all problems agree
    it has none, which counts as a point."""
    from scipy.stats import bootstrap

    some = shares[:BCA_TRIALS]
    low, high = some.mean(axis=1), some.mean(axis=1)
    for at in np.flatnonzero(some.std(axis=1) > 0.0):
        found = bootstrap(
            (some[at],), np.mean, n_resamples=RESAMPLES, method="BCa", rng=int(at)
        ).confidence_interval
        low[at], high[at] = found.low, found.high
    return low, high


METHODS: Mapping[str, Method] = {
    "percentile": percentile,
    "Wilson, effective number": wilson,
    "Clopper-Pearson": exact,
}
PAIRED: Mapping[str, Method] = {"percentile": percentile, "square and add": square_and_add}


def accuracy_rows(
    draws: int, concentration: float, trials: int, methods: Mapping[str, Method], seed: int = 0
) -> Iterator[tuple[CoverageCell, Mapping[str, Covered]]]:
    """All cells with these draws, each with what every method comes to."""
    rng = np.random.default_rng((seed, draws))
    for p, problems in product(ACCURACIES, PROBLEMS):
        cell = CoverageCell(p, problems, draws, concentration)
        shares = draw_shares(accuracies_of(cell, trials, rng), draws, rng)
        yield cell, {name: measure(shares, p, method) for name, method in methods.items()}


def difference_rows(
    draws: int, concentration: float, lost: float, trials: int, seed: int = 0
) -> Iterator[tuple[CoverageCell, Mapping[str, Covered]]]:
    """The same for the difference of two arms on the same problems."""
    rng = np.random.default_rng((seed, draws))
    for p, problems in product(ACCURACIES, PROBLEMS):
        cell = CoverageCell(p, problems, draws, concentration)
        chances = accuracies_of(cell, trials, rng)
        moved = draw_shares(chances, draws, rng) - draw_shares(chances * (1.0 - lost), draws, rng)
        yield cell, {name: measure(moved, p * lost, method) for name, method in PAIRED.items()}


def table(title: str, rows: Iterator[tuple[CoverageCell, Mapping[str, Covered]]]) -> str:
    """The cells as a table in Markdown: coverage, and width in brackets."""
    lines, names = list[str](), list[str]()
    for cell, found in rows:
        names = list(found)
        told = (f"{one.share:.3f} ({one.width:.3f})" for one in found.values())
        lines.append(f"| {cell.p:g} | {cell.problems} | {' | '.join(told)} |")
    head = ["p", "problems", *names]
    rule = f"| {' | '.join('---' for _ in head)} |"
    return "\n".join([f"## {title}", "", f"| {' | '.join(head)} |", rule, *lines, ""])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--trials", type=int, default=2000, help="experiments a cell")
    options.add_argument("--concentration", type=float, nargs="+", default=CONCENTRATIONS)
    options.add_argument("--bca", action="store_true", help="also scipy's BCa, which takes minutes")
    given = options.parse_args(arguments)
    methods = {**METHODS, "BCa": corrected} if given.bca else METHODS
    print("Share of experiments whose interval holds the truth (mean width)\n")
    print(table("One draw a problem", accuracy_rows(1, 1.0, given.trials, methods)))
    for kappa in given.concentration:
        title = f"{CLUSTERED} draws a problem, kappa {kappa:g}"
        print(table(title, accuracy_rows(CLUSTERED, kappa, given.trials, methods)))
    for draws, lost in product((1, CLUSTERED), LOST):
        title = f"Difference of two arms, draws {draws}, lost {lost:g}, kappa 2"
        print(table(title, difference_rows(draws, 2.0, lost, given.trials)))


if __name__ == "__main__":
    main()
