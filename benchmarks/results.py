"""The tables of `docs/results.md` from the finished tasks of an experiment whose budgets are in
solutions: accuracy, tokens, verifier calls and rounds of every arm, and paired differences.

It runs nothing; `python -m backend sweep` carries the experiment out.

    python -m backend sweep docs/experiment-results.toml
    python -m benchmarks.results docs/experiment-results.toml
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from backend.cli.sweep import FOLDER
from backend.core.errors import ArboretumError, BadInput
from backend.core.statistics.intervals import UNKNOWN, Interval, accuracy_interval, compare_pairs
from backend.experiments.cells import Cell, Cells, cell_of_run, mean_of, read_cells
from backend.experiments.costs import FREE
from backend.experiments.plan import CHAIN
from backend.experiments.shards import Folder
from backend.experiments.slices import ALL, cells_of_kind
from backend.experiments.spec import SOLUTIONS, Arm, Experiment, cell_of, read_experiment
from backend.experiments.sweep import units

HEAD = (
    "budget", "arm", "problems", "accuracy", "no answer", "generated tokens", "of budget", "verifier calls", "rounds",
)  # fmt: skip
RIVAL = "beam_search"
"""The search that every arm is compared with, beside the rules over a pool."""


def markdown(folder: Folder) -> str:
    """All tables: each verifier's own, over all problems and for every set and level."""
    experiment, every = folder.experiment, {**chains(folder), **read_cells(folder)}
    budgets, mean_tokens = experiment.budgets.values, units(folder, experiment)
    parts = [f"# {experiment.name}"]
    for judge, arms in by_verifier(experiment).items():
        names = {CHAIN, *(arm.name for arm in arms)}
        mine = {
            (arm, budget): by
            for (arm, budget), by in every.items()
            if arm == CHAIN or (arm in names and budget in budgets)
        }
        for cell in (ALL, *mean_tokens):
            here = cells_of_kind(mine, cell)
            title = f"## {'All cells' if cell == ALL else cell}, verifier {judge}"
            parts += [title, table(here, arms, mean_tokens), differences(here, arms, budgets)]
    return "\n\n".join(part for part in parts if part) + "\n"


def by_verifier(experiment: Experiment) -> dict[str, list[Arm]]:
    """The arms of each verifier: only those are compared with each other."""
    groups = defaultdict[str, list[Arm]](list)
    for arm in experiment.arms:
        groups[arm.verifier_model or arm.verifier].append(arm)
    return groups


def chains(folder: Folder) -> Cells:
    """The single solutions from which the tokens of one were measured, as an arm at a budget
    of 1."""
    found = defaultdict[str, list[Cell]](list)
    for row in folder.results().to_pylist():
        if row["kind"] == "unit" and row["failure"] is None:
            found[row["problem"]].append(cell_of_run(row, FREE))
    return {(CHAIN, 1.0): {problem: mean_of(several) for problem, several in found.items()}}


def table(found: Cells, arms: Sequence[Arm], mean_tokens: Mapping[str, float]) -> str:
    """One line an arm and budget: accuracy with its 95 % interval, then means over problems."""
    return grid(
        HEAD,
        (
            line(budget, arm, found[arm, budget], mean_tokens)
            for budget, arm in in_order(found, arms)
        ),
    )


def line(
    budget: float, arm: str, by: Mapping[str, Cell], mean_tokens: Mapping[str, float]
) -> Sequence[str]:
    """An arm at a budget, `by` problem; `mean_tokens` are those of one solution by cell."""
    many = list(by.values())
    shares = [
        cell.costs["generated_tokens"] / (budget * mean_tokens[cell_of(problem)])
        for problem, cell in by.items()
    ]
    tokens, calls, rounds = (
        float(np.mean([cell.costs[axis] for cell in many]))
        for axis in ("generated_tokens", "verifier_calls", "rounds")
    )
    return (
        f"{budget:g}",
        arm,
        str(len(by)),
        figure(accuracy_interval([cell.credit for cell in many])),
        f"{np.mean([1.0 - cell.answered for cell in many]):.3f}",
        f"{tokens:,.0f}",
        "–" if arm == CHAIN else f"{np.mean(shares):.2f}",
        f"{calls:,.1f}",
        f"{rounds:,.1f}",
    )


def differences(found: Cells, arms: Sequence[Arm], budgets: Sequence[float]) -> str:
    """The accuracy of every search less that of each rival at the same budget, on the problems
    that both have."""
    rivals = [
        arm.name
        for arm in arms
        if arm.strategy == RIVAL or (arm.pooled and arm.selector != "coverage")
    ]
    searches = {arm.name for arm in arms if not arm.pooled}
    lines = [
        (
            f"{budget:g}",
            arm,
            *(
                ""
                if arm == rival
                else figure(gap(found[arm, budget], found.get((rival, budget), {})), "+.3f")
                for rival in rivals
            ),
        )
        for budget, arm in in_order(found, arms)
        if arm in searches and budget in budgets
    ]
    return grid(("budget", "arm", *(f"less {rival}" for rival in rivals)), lines) if lines else ""


def gap(one: Mapping[str, Cell], other: Mapping[str, Cell]) -> Interval:
    """Mean accuracy of the one less the other."""
    both = sorted(one.keys() & other.keys())
    if not both:
        return UNKNOWN
    return compare_pairs(
        [one[problem].credit for problem in both], [other[problem].credit for problem in both]
    ).difference


def in_order(found: Cells, arms: Sequence[Arm]) -> list[tuple[float, str]]:
    """Budgets and arms: by budget, then as the description has them."""
    names = [CHAIN, *(arm.name for arm in arms)]
    return sorted(
        ((budget, arm) for arm, budget in found), key=lambda at: (at[0], names.index(at[1]))
    )


def figure(found: Interval, how: str = ".3f") -> str:
    """A figure with its interval; dashes for what is not known."""
    value, low, high = ("–" if math.isnan(part) else f"{part:{how}}" for part in found)
    return value if value == "–" else f"{value} [{low}, {high}]"


def grid(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    rows = (head, ["---"] * len(head), *body)
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables of what is finished."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("spec", type=Path, help="a description such as docs/experiment.toml")
    options.add_argument("--folder", type=Path, default=FOLDER, help="as for `sweep`")
    given = options.parse_args(arguments)
    try:
        experiment = read_experiment(given.spec)
        if experiment.budgets.axis != SOLUTIONS:
            raise BadInput("axis of the budgets", given=experiment.budgets.axis, accepted=SOLUTIONS)
        print(markdown(Folder.of(given.folder, experiment)))
    except ArboretumError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
