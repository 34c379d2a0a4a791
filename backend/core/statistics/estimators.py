"""What a rule would achieve with k samples, computed exactly from one pool of N >= k: no subset is
drawn, none is left out.

Every figure is the mean, over all C(N, k) subsets of the pool, of the rule's *expected credit*:
where m candidates or classes tie for the win, each wins with chance 1/m. So no figure depends on
the order of the samples.

- pass@k: at least one of k is right (Chen et al. 2021, arXiv 2107.03374); pass^k: all of them;
- best-of-k: the one with the highest score is right; choosing the class with the highest score in
  it is the same rule;
- majority@k: the answer given most often is right; weighted@k: the answer whose scores add up to
  most.

Votes are counted by a dynamic programme. Symbols: n_j samples of class j in the pool, x_j of them
in a subset. Drawing k of N without replacement is drawing x_j ~ Binomial(n_j, q) for each class by
itself, given that they add up to k. Any q will do; q = k/N keeps every factor near 1, so that
neither C(N, k) nor anything else overflows. For a right class that reaches strength s with x
samples, all others must stay below s or tie with it:

    credit = sum over (s, x) of
                 P(own = s, x) * sum over t of A_s(k - x, t) / (1 + t) / P(sum of all x_j = k)
    A_s(d, t) = chance that the others together have d samples in the subset, none of them
                beats s, and t of them tie

The estimator 1 - (1 - c/N)^k is left out on purpose: (1 - p)^k is convex in p, so it is biased.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple, TypeAlias

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.weights import Floats

MOST_SUMS = 40_000
"""Different (sum of weights, size) of subsets, over all classes, that a weighted vote is counted
with; each takes about a tenth of a millisecond."""

MOST_STEPS = 1_000_000
"""Steps that a majority vote is counted with: a strength of a right class against one other class
with one number of ties. Each takes some microseconds."""

Strength: TypeAlias = tuple[int, int]
"""What classes are compared by: the sum of the weights in some unit, then how many samples there
are."""


class Group(NamedTuple):
    """The samples of a pool that give one answer: whether it is right, and their weights from 0
    (None: an unscored one, which adds nothing)."""

    right: bool
    weights: Sequence[float | None]


def pass_at_k(n: int, right: int, k: int) -> float:
    """Chance that k of n samples, drawn without replacement, hold one of the `right` ones; 1 <= k
    <= n.

    The stable form 1 - prod (1 - k/i) of 1 - C(n - right, k) / C(n, k).
    """
    require(n, k)
    if not 0 <= right <= n:
        raise BadInput("right samples", given=right, accepted=f"0 to {n}")
    if k == 1:
        return right / n
    if n - right < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - right + 1, n + 1))


def all_of_k(chances: Sequence[float], k: int) -> float:
    """pass^k: the chance that k of n repeats, drawn without replacement, are all right (Yao et al.
    2024, arXiv 2406.12045); 1 <= k <= n.

    `chances` are 1 for a right repeat and 0 for a wrong one, which gives C(c, k) / C(n, k), or in
    between. The mean over all subsets of the product of their chances.
    """
    n = len(chances)
    require(n, k)
    means = np.zeros(k + 1)  # at j: the mean over subsets of j of what was seen so far
    means[0] = 1.0
    for seen, chance in enumerate(chances, 1):
        for size in range(min(seen, k), 0, -1):
            means[size] += (means[size - 1] * chance - means[size]) * size / seen
    return float(means[k])


def best_of_k(
    scores: Sequence[float | None],
    correct: Sequence[float],
    k: int,
    answered: Sequence[bool] | None = None,
) -> float:
    """Expected credit of the best-scored of k samples drawn without replacement.

    `correct` are 1 for right and 0 for wrong, or in between, one a score. Equal scores share the
    win; a sample without a score loses to those that have one. A sample that is not `answered` (no
    readable answer) loses to all that are, whatever their scores; None: all are.
    """
    n = len(scores)
    require(n, k)
    told = [True] * n if answered is None else answered
    ranked = sorted(
        (
            ((tells, -math.inf if score is None else score), credit)
            for score, credit, tells in zip(scores, correct, told, strict=True)
        ),
        key=lambda one: one[0],
    )
    reached, total, lower = 0, 0.0, 0.0
    for _, tied in groupby(ranked, key=lambda one: one[0]):
        worth = [credit for _, credit in tied]
        reached += len(worth)
        # the chance that all k are among the `reached` lowest
        within = 1.0 - pass_at_k(n, n - reached, k)
        total += (within - lower) * math.fsum(worth) / len(worth)
        lower = within
    return total


def majority_at_k(right: Sequence[int], wrong: Sequence[int], blank: int, k: int) -> float:
    """Expected credit of the majority vote of k samples drawn without replacement.

    `right` and `wrong` are the sizes of the classes of right and wrong answers. `blank` samples
    give no readable answer: they are drawn like the others and vote for nothing, and k blanks are
    worth nothing. Raises `BadInput` where counting would take more than `MOST_STEPS`.
    """
    n = pool_size([*right, *wrong], blank, k)
    if k == 1:
        return sum(right) / n
    require_countable(right, len(right) + len(wrong), k)
    total = 0.0
    for size, alike in Counter(right).items():
        others = [*right, *wrong]
        others.remove(size)
        total += alike * count_wins(size, others, blank, k)
    return total / float(binomials(n, k, n)[k])


def count_wins(own: int, others: Sequence[int], blank: int, k: int) -> float:
    """The sum of the module docstring for a class of `own` samples, not yet divided. A class that
    is smaller than a strength can neither reach nor beat it: it counts as blank."""
    n, total = own + sum(others) + blank, 0.0
    for strength in range(1, min(own, k) + 1):
        rivals = [size for size in others if size >= strength]
        idle = n - own - sum(rivals)
        ties = tie_chances(rivals, binomials(idle, k, n), strength, k, n)
        shared = ties / np.arange(1, len(ties) + 1)
        total += float(binomials(own, k, n)[strength]) * float(shared.sum())
    return total


def tie_chances(rivals: Sequence[int], idle: Floats, strength: int, k: int, n: int) -> Floats:
    """A(k - strength, t) of the module docstring for t = 0, 1 ...: `idle` holds the chances of how
    many samples come from where nobody votes, `rivals` are sizes of at least `strength`. Each that
    ties takes as many samples as the strength says, so that few can."""
    most = k - strength
    chances = np.zeros((most // strength + 1, most + 1))  # by ties, then by samples
    kept = min(len(idle), most + 1)
    chances[0, :kept] = idle[:kept]
    for size in rivals:
        drawn, longer = binomials(size, k, n), np.zeros_like(chances)
        for taken in range(min(strength, most + 1)):
            longer[:, taken:] += drawn[taken] * chances[:, : most + 1 - taken]
        if most >= strength:
            longer[1:, strength:] += drawn[strength] * chances[:-1, : most + 1 - strength]
        chances = longer
    return chances[:, most]


def weighted_at_k(groups: Sequence[Group], blank: int, k: int) -> float:
    """Expected credit of the weighted vote of k samples drawn without replacement; equal sums go to
    the larger class, then share the win.

    Exact for the weights as `decimal` reads them. Raises `BadInput` for weights that are negative
    or no numbers, and where they have more than `MOST_SUMS` different sums; scores rounded to two
    digits have fewer.
    """
    n = pool_size([len(group.weights) for group in groups], blank, k)
    for weight in (weight for group in groups for weight in group.weights):
        if weight is not None and not 0.0 <= weight < math.inf:
            raise BadInput("weight", given=weight, accepted="a number from 0, or None")
    if k == 1:
        return sum(len(group.weights) for group in groups if group.right) / n
    weights = [[decimal(weight) for weight in group.weights] for group in groups]
    unit = math.lcm(*(weight.denominator for members in weights for weight in members))
    classes, sums = list[Tallied](), 0
    for members in weights:
        reaches = by_sum([int(weight * unit) for weight in members], k, n, MOST_SUMS - sums)
        classes.append(Tallied(reaches))
        sums += len(reaches)
    right = [one for one, group in zip(classes, groups, strict=True) if group.right]
    return credit(right, classes, binomials(blank, k, n), k) / float(binomials(n, k, n)[k])


def decimal(weight: float | None) -> Fraction:
    """A weight as it is written, so that 0.1 + 0.2 is 0.3 and sums do not depend on their order; 0
    for None."""
    return Fraction(0) if weight is None else Fraction(str(float(weight)))


class ScoreReach(NamedTuple):
    """One thing that a class can come to: its strength, how many of its samples are in the subset,
    and the chance of that."""

    strength: Strength
    size: int
    chance: float


class Tallied:
    """All that a class can come to, weakest first, with running sums of the chances by size."""

    def __init__(self, reaches: Iterable[ScoreReach]) -> None:
        self.reaches = sorted(reaches)
        self._strengths = [reach.strength for reach in self.reaches]
        length = 1 + max(reach.size for reach in self.reaches)
        self._below = np.zeros((len(self.reaches) + 1, length))
        for place, reach in enumerate(self.reaches):
            self._below[place + 1] = self._below[place]
            self._below[place + 1, reach.size] += reach.chance

    def below(self, strength: Strength) -> Floats:
        """The chance, by size, to stay weaker than `strength`."""
        return np.asarray(self._below[bisect_left(self._strengths, strength)], dtype=np.float64)

    def equal(self, strength: Strength) -> Floats:
        """The chance, by size, to come to exactly `strength`."""
        found = np.zeros(self._below.shape[1])
        for reach in self.reaches[
            bisect_left(self._strengths, strength) : bisect_right(self._strengths, strength)
        ]:
            found[reach.size] += reach.chance
        return found


def credit(right: Sequence[Tallied], classes: Sequence[Tallied], blank: Floats, k: int) -> float:
    """The sum of the module docstring, not yet divided; `blank` holds the chances of 0, 1, 2 ...
    blanks."""
    total = 0.0
    for own in right:
        others = [one for one in classes if one is not own]
        for strength, size, chance in own.reaches:
            if 0 < size <= k:
                ties = unbeaten(others, strength, blank, k - size)
                total += chance * sum(
                    float(column[k - size]) / (1 + t) for t, column in enumerate(ties)
                )
    return total


def unbeaten(
    others: Sequence[Tallied], strength: Strength, blank: Floats, most: int
) -> list[Floats]:
    """A(d, t) of the module docstring for d up to `most`: one array a number of ties t. Each class
    that ties takes as many samples as the strength says, so that few can."""
    ties = most // strength[1]
    columns = [np.pad(blank, (0, max(0, most + 1 - len(blank))))[: most + 1]]
    for other in others:
        below, equal = other.below(strength), other.equal(strength)
        longer = [combine_sizes(column, below) for column in columns]
        if equal.any():
            longer.append(np.zeros(most + 1))
            for t, column in enumerate(columns):
                longer[t + 1] = longer[t + 1] + combine_sizes(column, equal)
        columns = longer[: ties + 1]
    return columns


def combine_sizes(sizes: Floats, more: Floats) -> Floats:
    """The chances of the sum of two independent sizes, as far as `sizes` reaches."""
    return np.asarray(np.convolve(sizes, more)[: len(sizes)], dtype=np.float64)


@lru_cache(maxsize=4096)
def binomials(size: int, k: int, n: int) -> Floats:
    """Chances that 0, 1, ... min(size, k) of a class are drawn, each sample with chance k/n."""
    counts = range(min(size, k) + 1)
    chances = np.array([draw_chance(math.comb(size, c), c, size, k / n) for c in counts])
    chances.flags.writeable = False  # kept, and shared by all who ask
    return chances


def by_sum(weights: Sequence[int], k: int, n: int, most: int) -> list[ScoreReach]:
    """A class whose members have weights: how many subsets there are of each sum and size, with
    their chance."""
    subsets: dict[Strength, int] = {(0, 0): 1}
    for weight, copies in Counter(weights).items():
        longer: defaultdict[Strength, int] = defaultdict(int)
        for (total, size), ways in subsets.items():
            for taken in range(min(copies, k - size) + 1):
                longer[total + taken * weight, size + taken] += ways * math.comb(copies, taken)
        subsets = longer
        if len(subsets) > most:
            raise BadInput(
                "weights",
                given=f"more than {MOST_SUMS} different sums",
                accepted="fewer different weights, such as scores of two digits",
            )
    return [
        ScoreReach(key, key[1], draw_chance(ways, key[1], len(weights), k / n))
        for key, ways in subsets.items()
    ]


def draw_chance(ways: int, size: int, members: int, q: float) -> float:
    """ways * q^size * (1 - q)^(members - size), by logarithms."""
    if q == 1.0:
        return float(size == members)
    return math.exp(math.log(ways) + size * math.log(q) + (members - size) * math.log1p(-q))


def pool_size(sizes: Sequence[int], blank: int, k: int) -> int:
    """N, checked. Raises `BadInput`."""
    if min(*sizes, blank, 0) < 0:
        raise BadInput("sizes of classes", given=(*sizes, blank), accepted="numbers from 0")
    n = sum(sizes) + blank
    require(n, k)
    return n


def require_countable(right: Sequence[int], classes: int, k: int) -> None:
    """Raises `BadInput` where a majority vote takes too many steps to count."""
    steps = sum(
        classes * min(classes, k // size)
        for members in right
        for size in range(1, min(members, k) + 1)
    )
    if steps > MOST_STEPS:
        raise BadInput(
            "classes of answers",
            given=f"{len(right)} right ones of {classes} at k = {k}: {steps:,} steps",
            accepted=f"what takes at most {MOST_STEPS:,} steps; larger pools are drawn from "
            "(`subsets.votes_at_ks`)",
        )


def require(n: int, k: int) -> None:
    if not 1 <= k <= n:
        raise BadInput("k", given=k, accepted=f"1 to the {n} samples there are")
