"""From finished runs to numbers: pure functions, one figure a problem first, because solutions of
one problem are no independent evidence.

A pool of n solutions stands for best-of-N and its votes at every budget k up to n: each figure is
the mean over all subsets of k (`backend.core.statistics.estimators`), and its cost is that of k
solutions.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from backend import problems
from backend.core.statistics.estimators import (
    Group,
    best_of_k,
    majority_at_k,
    pass_at_k,
    weighted_at_k,
)
from backend.core.statistics.intervals import Interval, interval
from backend.problems.classes import classes_of
from benchmarks.strategies_log import Finished, Sample
from benchmarks.strategies_plan import CHAIN, POOL

SCORE_DIGITS = 2
"""Digits of a score in a weighted vote: an exact count of all sums needs few of them."""


class Row(NamedTuple):
    """A line of a table: a strategy, or a rule applied to the pool, at a budget of so many
    solutions."""

    solutions: int
    name: str


class Result(NamedTuple):
    """What a row came to on one problem, the mean over its runs; in a table the mean over problems.
    NaN: not known.

    `accuracy` and `unanswered` are shares, `share` is generated tokens over budget, `rounds` are
    its sequential rounds.
    """

    accuracy: float
    unanswered: float
    tokens: float
    share: float
    verifier_calls: float
    rounds: float


Results = Mapping[Row, Mapping[str, Result]]
"""By row, then by problem."""


class Pool(NamedTuple):
    """Solutions of one problem: all, those with one right answer together, those with one wrong
    answer together, and how many give none."""

    samples: Sequence[Sample]
    right: Sequence[Sequence[Sample]]
    wrong: Sequence[Sequence[Sample]]
    blank: int


def pool_of(run: Finished) -> Pool:
    """The pool of a run; which answers are the same is decided as in a vote."""
    same, groups = (
        classes_of(problems.problem(run.problem)),
        defaultdict[str | None, list[Sample]](list),
    )
    for sample in run.samples:
        groups[same.of(sample.answer)].append(sample)
    blank = len(groups.pop(None, []))
    answers = list(groups.values())
    return Pool(
        run.samples,
        [group for group in answers if group[0].correct],
        [group for group in answers if not group[0].correct],
        blank,
    )


def coverage(pool: Pool, k: int) -> float:
    """Chance that one of k is right."""
    return pass_at_k(len(pool.samples), sum(sample.correct for sample in pool.samples), k)


def best(pool: Pool, k: int) -> float:
    """Chance that the best-scored of k is right."""
    return best_of_k(
        [sample.score for sample in pool.samples],
        [float(sample.correct) for sample in pool.samples],
        k,
    )


def majority(pool: Pool, k: int) -> float:
    """Chance that the commonest answer of k is right."""
    return majority_at_k(
        [len(group) for group in pool.right], [len(group) for group in pool.wrong], pool.blank, k
    )


def weighted(pool: Pool, k: int) -> float:
    """Chance that the answer of k whose scores add up to most is right."""
    return weighted_at_k(
        [Group(group[0].correct, weights(group)) for group in (*pool.right, *pool.wrong)],
        pool.blank,
        k,
    )


def weights(group: Sequence[Sample]) -> list[float | None]:
    return [None if sample.score is None else round(sample.score, SCORE_DIGITS) for sample in group]


class Rule(NamedTuple):
    """A rule applied to k of a pool: chance that it is right, and whether it asks the verifier."""

    accuracy: Callable[[Pool, int], float]
    scores: bool


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "best": Rule(best, True),
        "weighted": Rule(weighted, True),
        "majority": Rule(majority, False),
        "coverage": Rule(coverage, False),
    }
)


def pooled_name(rule: str) -> str:
    """The name of a row of the pool."""
    return f"{POOL}, {rule}"


def of_pool(pool: Pool, unit: float | None, rule: Rule, k: int) -> Result:
    """A rule at k solutions of a pool."""
    n = len(pool.samples)
    tokens = k * sum(sample.tokens for sample in pool.samples) / n
    calls = k * sum(sample.score is not None for sample in pool.samples) / n if rule.scores else 0.0
    return Result(
        rule.accuracy(pool, k),
        1.0 - pass_at_k(n, n - pool.blank, k),
        tokens,
        over(tokens, unit, k),
        calls,
        float(k),
    )


def of_run(run: Finished) -> Result:
    """A run as it was."""
    spent = {
        axis: run.ledger.get(axis, math.nan)
        for axis in ("generated_tokens", "verifier_calls", "rounds")
    }
    tokens = spent["generated_tokens"]
    share = over(tokens, run.unit, run.solutions)
    return Result(
        float(run.correct is True),
        float(run.answer is None),
        tokens,
        share,
        spent["verifier_calls"],
        spent["rounds"],
    )


def over(tokens: float, unit: float | None, solutions: int) -> float:
    """Tokens as a share of the budget; NaN where no budget was set."""
    return math.nan if unit is None else tokens / (unit * solutions)


def results(runs: Iterable[Finished]) -> Results:
    """Every row on every problem. Of runs that differ in parameters or limits only, the last one
    counts."""
    latest = {(run.problem, run.strategy, run.solutions, run.seed): run for run in runs}.values()
    budgets = sorted(
        {run.solutions for run in latest if run.strategy not in (CHAIN, POOL)}
        or {run.solutions for run in latest if run.samples}
    )
    found: defaultdict[Row, defaultdict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for run in latest:
        if run.samples:
            pool = pool_of(run)
            for name, rule in RULES.items():
                for k in (k for k in budgets if k <= len(run.samples)):
                    found[Row(k, pooled_name(name))][run.problem].append(
                        of_pool(pool, run.unit, rule, k)
                    )
        else:
            found[Row(run.solutions, run.strategy)][run.problem].append(of_run(run))
    return {
        row: {problem: mean_of(several) for problem, several in by_problem.items()}
        for row, by_problem in found.items()
    }


def mean_of(several: Iterable[Result]) -> Result:
    """The mean of each field over what is known of it."""
    return Result(*(known_mean(column) for column in zip(*several, strict=True)))


def known_mean(values: Sequence[float]) -> float:
    """The mean of what is not NaN."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def within(found: Results, cell: str) -> Results:
    """The results of one cell."""
    parts = {
        row: {
            problem: result for problem, result in by.items() if problem.rpartition("/")[0] == cell
        }
        for row, by in found.items()
    }
    return {row: by for row, by in parts.items() if by}


def accuracy(by_problem: Mapping[str, Result]) -> Interval:
    """Mean accuracy with its 95 % interval, problems resampled."""
    return interval([by_problem[problem].accuracy for problem in sorted(by_problem)], known_mean)


def difference(one: Mapping[str, Result], other: Mapping[str, Result]) -> Interval:
    """Mean accuracy of the one less the other on the problems that both have, with its 95 %
    interval, problems resampled."""
    both = sorted(one.keys() & other.keys())
    if not both:
        return Interval(math.nan, math.nan, math.nan)
    return interval(
        [one[problem].accuracy - other[problem].accuracy for problem in both], known_mean
    )


__all__ = [
    "RULES",
    "Result",
    "Results",
    "Row",
    "Rule",
    "accuracy",
    "difference",
    "mean_of",
    "pooled_name",
    "results",
    "within",
]
