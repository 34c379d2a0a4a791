"""What `benchmarks.strategies` runs, and in which order.

A budget is counted in solutions: N solutions' worth of generated tokens is N times the mean tokens
of one chain in the cell, measured first. A strategy gets that many tokens and parameters that can
use them, from the table `WIDTHS`; one that the table does not know takes its defaults.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import JsonValue

import backend.strategies  # noqa: F401 - importing the package registers its members
from backend.core.keys import digest
from backend.core.ports import Aggregation
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec

CELLS = ("ledger/3", "ledger/4", "ledger/5", "countdown/2", "countdown/3")
BUDGETS = (4, 16, 64)
FIRST_SEED = 1_100_000
"""Seed of the first problem of a cell: nothing was trained, tuned or evaluated from here on."""

CHAIN, POOL = "chain", "best_of_n"
VERIFIERS: Mapping[str, tuple[str, str | None]] = {
    "prm": ("prm", None), "prm-full": ("prm", "classroom-prm-full"), "exact": ("exact", None), "logprob": ("logprob", None)
}  # fmt: skip
"""Names of this benchmark to a verifier and its model."""

SLACK = 1.5
"""Limit over budget for a search whose paths all end at about the same time: one step before that
it has no answer at all, and a problem that needs longer texts than the mean of its cell would never
have one. Its width keeps it near the budget; the report shows what it really took."""


class Width(NamedTuple):
    """Parameters for a budget of N solutions, and the limit on generated tokens as a multiple of
    the budget."""

    params: Callable[[int], dict[str, JsonValue]]
    slack: float = 1.0


def beam(n: int) -> dict[str, JsonValue]:
    """The published M = 4 wherever n is a multiple of it, else the greatest divisor."""
    return {"n": n, "beam_width": math.gcd(n, 4)}


def tempering(n: int) -> dict[str, JsonValue]:
    """Particles x chains x passes = N, with at least the two particles and two chains that there
    must be."""
    chains, passes = (4 if n >= 64 else 2), (2 if n >= 16 else 1)
    return {"chains": chains, "iterations": passes, "particles": max(2, n // (chains * passes))}


WIDTHS: Mapping[str, Width] = {
    "first_finish": Width(lambda n: {"n": n}, SLACK),
    "stepwise_best_of_n": Width(lambda n: {"n": n}, SLACK),
    "beam_search": Width(beam, SLACK),
    "lookahead": Width(
        lambda n: {**beam(max(2, n // 2)), "k": 1}, SLACK
    ),  # a step of the rollout for every step of the search
    "dvts": Width(beam, SLACK),
    "rebase": Width(lambda n: {"width": n}, SLACK),
    "particle_filter": Width(lambda n: {"particles": n}, SLACK),
    "particle_gibbs": Width(lambda n: {"particles": max(2, n // 2), "iterations": 2}, SLACK),
    "parallel_tempering": Width(tempering, SLACK),
    "a_star": Width(lambda n: {"branching": max(2, n // 4), "expansions": 16 * n}),
    "mcts": Width(lambda n: {"children": min(4, max(2, n // 4)), "simulations": 16 * n}),
    "global_frontier": Width(lambda n: {"width": min(8, max(2, n // 4)), "expansions": 16 * n}),
    "ab_mcts": Width(lambda n: {"answers": n}),
    "tree_sampling": Width(lambda n: {"iterations": 16 * n}),
    "retro_search": Width(
        lambda n: {"traces": max(1, n - 2)}
    ),  # to revise the chosen trace takes about as much as two more
}
"""How the main width of a strategy follows its budget. What only its budget should end gets more
turns than the budget allows."""


class Task(NamedTuple):
    """One run: its cell, how many solutions' worth it may generate, the tokens of one solution
    (None while they are measured), and the run."""

    cell: str
    solutions: int
    unit: float | None
    spec: RunSpec

    @property
    def key(self) -> str:
        """The same for the same run, whatever else the plan holds; a field that a later version
        adds changes no key while it has its default."""
        return digest(self.spec.model_dump_json(exclude_defaults=True))


def searching() -> tuple[str, ...]:
    """Every registered strategy that runs with one policy and one verifier, but those that have a
    place of their own in the plan."""
    return tuple(
        name for name, entry in STRATEGIES.items() if name not in (CHAIN, POOL) and not entry.roles
    )


@dataclass(frozen=True)
class Plan:
    """What to compare. `chains` solutions a problem are measured on the first `measured` problems
    of each cell, however many are searched; `pool` solutions are drawn for best-of-N."""

    cells: Sequence[str] = CELLS
    problems: int = 32
    budgets: Sequence[int] = BUDGETS
    strategies: Sequence[str] = field(default_factory=searching)
    repeats: int = 1
    measured: int = 32
    chains: int = 4
    pool: int = 64
    engine: str = "torch"
    verifier: str = "prm"
    aggregation: Aggregation = "last"

    def chain_tasks(self) -> Iterator[Task]:
        """Single solutions: what one costs in each cell, and what it is worth."""
        for seed in range(self.chains):
            for place in range(max(self.problems, self.measured)):
                for cell in self.cells:
                    yield Task(cell, 1, None, self._spec(cell, place, CHAIN, seed))

    def search_tasks(self, units: Mapping[str, float]) -> Iterator[Task]:
        """Problem by problem: its pool, then every strategy at every budget, cells taking turns.
        Whenever this is stopped, no cell, strategy or budget is more than one problem ahead of
        another. `units` are the tokens of one solution by cell."""
        for seed in range(self.repeats):
            for place in range(self.problems):
                for cell in self.cells:
                    yield Task(
                        cell,
                        self.pool,
                        units[cell],
                        self._spec(cell, place, POOL, seed, {"n": self.pool}),
                    )
                for solutions in self.budgets:
                    for strategy in self.strategies:
                        for cell in self.cells:
                            yield self._search(cell, place, strategy, seed, solutions, units[cell])

    def unit_tasks(self) -> Iterator[Task]:
        """The chains from which the tokens of one solution are computed."""
        last = FIRST_SEED + self.measured
        return (
            task
            for task in self.chain_tasks()
            if int(str(task.spec.problem).rpartition("/")[2]) < last
        )

    def _search(
        self, cell: str, place: int, strategy: str, seed: int, solutions: int, unit: float
    ) -> Task:
        width = WIDTHS.get(strategy, Width(lambda n: {}))
        limit = math.ceil(width.slack * solutions * unit)
        return Task(
            cell,
            solutions,
            unit,
            self._spec(
                cell, place, strategy, seed, width.params(solutions), {"generated_tokens": limit}
            ),
        )

    def _spec(
        self,
        cell: str,
        place: int,
        strategy: str,
        seed: int,
        params: dict[str, JsonValue] | None = None,
        budget: dict[str, float] | None = None,
    ) -> RunSpec:
        verifier, model = VERIFIERS[self.verifier]
        return RunSpec(
            strategy=strategy,
            params=params or {},
            problem=f"{cell}/{FIRST_SEED + place}",
            seed=seed,
            budget=budget or {},
            engine=self.engine,
            verifier=verifier,
            verifier_model=model,
            aggregation=self.aggregation,
        )


__all__ = [
    "BUDGETS",
    "CELLS",
    "CHAIN",
    "FIRST_SEED",
    "POOL",
    "VERIFIERS",
    "WIDTHS",
    "Plan",
    "Task",
    "Width",
    "searching",
]
