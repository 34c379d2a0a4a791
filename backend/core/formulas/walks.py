"""How a walk through a search tree values a child: UCT and its relatives, as public programs have
them.

Programs disagree about a child that was never visited: it counts as visited once (`uct`,
`treequest`, LLM Reasoners), has to be tried first (`rstar`), gets a fixed bonus (`rest`) or none
(`deepsearch`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated

from backend.core.formulas.formula import Input, formula
from backend.core.formulas.latex import Case, Over
from backend.core.statistics.weights import softmax

Mean = Annotated[float, Input("Q", "mean value, or the own score before the first visit", -1, 1)]
Visits = Annotated[int, Input("N", "visits", low=0, whole=True)]
ParentVisits = Annotated[int, Input("N_p", "visits of the parent", low=0, whole=True)]
Exploration = Annotated[float, Input("c", "weight of exploration", low=0)]
PriorOfScores = Annotated[float, Input("P", "prior: softmax of the scores", 0, 1)]
PriorOfDraws = Annotated[float, Input("P", "prior: share of the draws", 0, 1)]
Bonus = Annotated[float, Input("b", "bonus of an unvisited child", low=0)]
PuctBase = Annotated[float, Input("b", "puct_base", low=0)]
PuctInit = Annotated[float, Input("c_0", "puct_init", low=0)]
Scores = Annotated[Sequence[float], Input("r", "score", 0, 1, each=True)]
Draws = Annotated[Sequence[int], Input("m", "times drawn", low=1, each=True, whole=True)]

UCT = r"$q + $c * \sqrt{\frac{\ln\max(1, $parent_n)}{\max(1, $n)}}"
VISITED = r"$q + $c * \sqrt{\frac{\ln\max(1, $parent_n)}{$n}}"


def is_visited(n: int, **others: object) -> bool:
    return n > 0


def is_unvisited(n: int, **others: object) -> bool:
    return n == 0


@formula("UCT", UCT, names=("uct", "reasoners"))
def uct(q: Mean, n: Visits, parent_n: ParentVisits, c: Exploration) -> float:
    """UCB1 applied to trees (Kocsis and Szepesvari 2006); an unvisited child counts as visited
    once."""
    return q + c * math.sqrt(math.log(max(1, parent_n)) / max(1, n))


@formula(
    "UCT with a prior",
    r"$q + $c * $score_prior * \sqrt{\frac{\ln\max(1, $parent_n)}{\max(1, $n)}}",
)
def treequest(
    q: Mean, n: Visits, parent_n: ParentVisits, c: Exploration, score_prior: PriorOfScores
) -> float:
    """UCT with a prior, as TreeQuest has it."""
    return q + c * score_prior * math.sqrt(math.log(max(1, parent_n)) / max(1, n))


@formula(
    "UCT of ReST-MCTS*",
    (
        Case(r"$q + $c * \sqrt{\frac{2\ln\max(1, $parent_n)}{$n}}", "$n > 0", is_visited),
        Case("$q + $unvisited", "$n = 0", is_unvisited),
    ),
)
def rest(q: Mean, n: Visits, parent_n: ParentVisits, c: Exploration, unvisited: Bonus) -> float:
    """UCT of ReST-MCTS*; an unvisited child gets a fixed bonus."""
    return q + (c * math.sqrt(2.0 * (math.log(max(1, parent_n)) / n)) if n else unvisited)


@formula(
    "UCT of rStar",
    (Case(VISITED, "$n > 0", is_visited), Case(r"\infty", "$n = 0", is_unvisited)),
)
def rstar(q: Mean, n: Visits, parent_n: ParentVisits, c: Exploration) -> float:
    """UCT of rStar; an unvisited child has to be tried first."""
    return q + c * math.sqrt(math.log(max(1, parent_n)) / n) if n else math.inf


@formula(
    "Local UCT",
    (Case(VISITED, "$n > 0", is_visited), Case("$q", "$n = 0", is_unvisited)),
)
def deepsearch(q: Mean, n: Visits, parent_n: ParentVisits, c: Exploration) -> float:
    """UCT of DeepSearch (arXiv 2509.25454); an unvisited child gets no bonus."""
    return q + (c * math.sqrt(math.log(max(1, parent_n)) / n) if n else 0.0)


@formula(
    "PUCT",
    r"$q + $c * $draw_prior * \left(\ln\frac{$parent_n + $puct_base + 1}{$puct_base} + "
    r"$puct_init\right) * \frac{\sqrt{$parent_n}}{$n + 1}",
)
def puct(
    q: Mean,
    n: Visits,
    parent_n: ParentVisits,
    c: Exploration,
    draw_prior: PriorOfDraws,
    puct_base: PuctBase,
    puct_init: PuctInit,
) -> float:
    """PUCT of AlphaZero (Silver et al. 2017) and OpenR."""
    rate = math.log((parent_n + puct_base + 1.0) / puct_base) + puct_init
    return q + c * draw_prior * rate * math.sqrt(parent_n) / (n + 1)


@formula(
    "Prior by the scores", r"\frac{e^{$scores}}{$total}", left="P", total=Over("sum", "e^{$scores}")
)
def score_prior(scores: Scores) -> list[float]:
    """The softmax over the scores of all siblings."""
    return [float(weight) for weight in softmax(scores)]


@formula("Prior by the draws", r"\frac{$draws}{$total}", left="P", total=Over("sum", "$draws"))
def draw_prior(draws: Draws) -> list[float]:
    """The share of the draws that a sibling stands for."""
    total = sum(draws)
    return [count / total for count in draws]


Constant = Annotated[float, Input("c_1", "weight of exploration in the first walk", low=0)]
Turn = Annotated[int, Input("k", "walks before this one", low=0, whole=True)]
Walks = Annotated[int, Input("n", "walks of the search", low=1, whole=True)]


@formula("Constant exploration", "$constant", left="c")
def schedule_const(constant: Constant) -> float:
    """c stays as it is."""
    return constant


@formula(
    "Exponentially falling exploration",
    r"$constant * 0.1^{\frac{$turn}{$simulations}}",
    left="c",
)
def schedule_exp(constant: Constant, turn: Turn, simulations: Walks) -> float:
    """c falls to a tenth, by the same factor in every walk (rStar)."""
    left: float = 0.1 ** (turn / simulations)
    return constant * left


@formula(
    "Linearly falling exploration",
    r"$constant * \left(1 - 0.9 * \frac{$turn}{$simulations}\right)",
    left="c",
)
def schedule_lin(constant: Constant, turn: Turn, simulations: Walks) -> float:
    """c falls to a tenth, by the same amount in every walk (rStar)."""
    return constant * (1.0 - 0.9 * (turn / simulations))


SCHEDULES: Mapping[str, Callable[[float, int, int], float]] = MappingProxyType(
    {
        "const": lambda constant, turn, simulations: schedule_const(constant),
        "exp": schedule_exp,
        "lin": schedule_lin,
    }
)
"""c of walk number `turn` of `simulations`, by the name of the schedule."""
