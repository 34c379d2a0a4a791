"""What changes when everything is done once more: accuracy and cost from repeat to repeat, and the
chance that k repeats are all right (pass^k, Yao et al. 2024, tau-bench, arXiv 2406.12045).

A repeat has a seed of its own and the same problems. How far apart its accuracy is from another's
says how far a figure of one repeat is to be trusted on these problems; how it would be on others is
what intervals over problems say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backend.core.statistics.estimators import all_of_k
from backend.core.statistics.weights import Floats
from backend.experiments.analysis import Findings, analysis
from backend.experiments.cells import Cell
from backend.experiments.charts import Plan, Row
from backend.experiments.material import Material, finite


@analysis(
    "repeats",
    "From repeat to repeat",
    order=12,
    paper="pass^k: Yao et al. 2024, arXiv 2406.12045",
    charts={
        "accuracy": Plan(
            "budget",
            ("mean",),
            "{budget}",
            "accuracy, from the worst repeat to the best",
            by="arm",
            logarithmic=True,
            bands=True,
            method="the least and the most of the repeats, no interval",
        ),
        "pass^k": Plan(
            "k", ("all right",), "repeats", "chance that all are right", by="arm and budget"
        ),
    },
)
def find_repeats(material: Material) -> Findings | None:
    """The spread between repeats at every arm and budget that has two or more on some problems."""
    rounds = {place: done for place in material.places if (done := rounds_of(material, place))}
    if not rounds:
        return None
    accuracy, cost, passes = list[Row](), list[Row](), list[Row]()
    for (arm, budget), done in rounds.items():
        place = {"arm": arm, "budget": budget}
        accuracy.append({**place, **spread_of(done.credits.mean(axis=1)), **counts(done)})
        cost.append({**place, **spread_of(done.costs.mean(axis=1)), **counts(done)})
        passes += [
            {"arm and budget": f"{arm} at {budget:g}", "k": k, "all right": share}
            for k, share in enumerate(all_right(done.credits), 1)
        ]
    widest = max(accuracy, key=lambda row: float(row["deviation"]))
    return Findings(
        f"Accuracy moves most between repeats of {widest['arm']} at {widest['budget']:g}: a standard "
        f"deviation of {widest['deviation']:.3f}, from {widest['low']:.3f} to {widest['high']:.3f}.",
        "Problems that lack a repeat are left out. A repeat of a pooled arm is another pool, and its "
        "figure the exact estimate over that pool, so that it moves less than single draws of k "
        "would.",
        {"accuracy": accuracy, "cost": cost, "pass^k": passes},
    )


class Rounds(NamedTuple):
    """Credits and costs, both of shape (repeats, problems)."""

    credits: Floats
    costs: Floats


def rounds_of(material: Material, place: tuple[str, float]) -> Rounds | None:
    """The repeats of an arm at a budget over the problems that have all of them; None for fewer
    than two."""
    by: Mapping[str, Mapping[int, Cell]] = material.repeats.get(place, {})
    numbers = sorted({repeat for several in by.values() for repeat in several})
    whole = [by[problem] for problem in sorted(by) if len(by[problem]) == len(numbers)]
    if len(numbers) < 2 or not whole:
        return None
    return Rounds(
        np.array([[several[repeat].credit for several in whole] for repeat in numbers]),
        np.array(
            [[several[repeat].costs[material.axis] for several in whole] for repeat in numbers]
        ),
    )


def spread_of(values: Floats) -> Row:
    """Mean, standard deviation (n - 1), least and most of one number a repeat; None for what is not
    known."""
    return {
        "mean": finite(float(values.mean())),
        "deviation": finite(float(values.std(ddof=1))),
        "low": finite(float(values.min())),
        "high": finite(float(values.max())),
    }


def counts(done: Rounds) -> Row:
    """How many repeats and problems there are, and on which share of these repeats disagree."""
    disagree = (np.ptp(done.credits, axis=0) > 0.0).mean()
    return {
        "repeats": len(done.credits),
        "problems": done.credits.shape[1],
        "repeats disagree on": float(disagree),
    }


def all_right(credits_: Floats) -> Sequence[float]:
    """pass^k for k = 1 to the number of repeats, the mean over problems."""
    columns = credits_.T.tolist()
    return [
        float(np.mean([all_of_k(column, k) for column in columns]))
        for k in range(1, len(credits_) + 1)
    ]


__all__ = ["Rounds", "all_right", "rounds_of", "spread_of"]
