"""The report of `benchmarks.strategies`: markdown tables, made of finished runs alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from backend.core.registry import STRATEGIES
from backend.core.statistics.intervals import Interval
from backend.core.types import JSON
from benchmarks.strategies_figures import (
    Results,
    Row,
    accuracy,
    difference,
    known_mean,
    mean_of,
    pooled_name,
    results,
    within,
)
from benchmarks.strategies_log import Finished, Log
from benchmarks.strategies_plan import CHAIN, POOL, SLACK

RIVALS = (pooled_name("best"), pooled_name("weighted"), pooled_name("majority"), "beam_search")
"""What every strategy is compared with."""

CHALLENGERS = ("particle_filter", "a_star")
"""Those whose comparison is shown cell by cell: their papers' headline is that they beat the
rivals."""

NOTES = f"""\
Accuracy with its 95 % bootstrap interval over problems. A budget of N is N times the mean tokens of one chain in the cell; `of budget` is what was
generated over that. A search whose paths all end at about the same time may go up to {SLACK:g} times its budget, so that it is not stopped one
step before its end; all others stop at their budget. `no answer` is the share of runs without a finished solution, which count as wrong. Rounds
are the yields of a strategy, in {POOL} one for every solution. The rows of {POOL} are computed from one pool a problem: the mean over all
subsets of N solutions, ties shared; `coverage` is the chance that one of N is right, which only an oracle could use."""


def markdown(log: Log) -> str:
    """The whole report on one file."""
    runs = list(log.runs.values())
    if not runs:
        return f"## {log.path.stem}\n\nNo run is finished.\n"
    found, cells = results(runs), list(dict.fromkeys(run.cell for run in runs))
    parts = [
        f"## {log.path.stem}",
        setting(log),
        NOTES,
        f"### All cells: {', '.join(cells)}",
        table(found),
        "### Paired differences of accuracy, all cells",
        differences(found, lambda name: name not in (CHAIN, *RIVALS[:-1], pooled_name("coverage"))),
        *(part for cell in cells for part in of_cell(cell, within(found, cell))),
        "### Parameters",
        parameters(runs),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def of_cell(cell: str, found: Results) -> list[str]:
    """The tables of one cell."""
    return [f"### {cell}", table(found), differences(found, CHALLENGERS.__contains__)]


def setting(log: Log) -> str:
    """Models with hashes, seeds, versions, tokens of one solution, and what broke off."""
    runs = list(log.runs.values())
    lines = [f"- {line}" for setup in log.setups for line in made_with(setup)]
    problems = sorted({int(run.problem.rpartition("/")[2]) for run in runs})
    lines.append(
        f"- problem seeds {problems[0]:,} to {problems[-1]:,}, run seeds "
        f"{min(run.seed for run in runs)} to {max(run.seed for run in runs)}"
    )
    units = {
        cell: [
            run.ledger["generated_tokens"]
            for run in runs
            if run.cell == cell and run.strategy == CHAIN
        ]
        for cell in {r.cell for r in runs}
    }
    lines.append(
        "- mean tokens of one solution: "
        + ", ".join(f"{cell} {known_mean(units[cell]):.1f}" for cell in sorted(units))
    )
    lines.append(
        f"- {len(runs):,} runs, "
        f"{sum(run.ledger.get('generated_tokens', 0.0) for run in runs):,.0f} generated tokens"
    )
    broken = [
        f"{run.strategy} on {run.problem} at {run.solutions}: {run.failure}"
        for run in runs
        if run.failure is not None
    ]
    lines += [f"- broke off, counted as wrong: {text}" for text in broken]
    return "\n".join(dict.fromkeys(lines))


def made_with(setup: Mapping[str, JSON]) -> Iterator[str]:
    """What the log says of the models and the programs, in sentences."""
    for role in ("engine", "reward"):
        info = setup.get(role)
        if isinstance(info, dict):
            marks = {"hashes": info["hashes"], "settings": info["settings"]}
            told = [
                f"{name} {value}"
                for mark in marks.values()
                if isinstance(mark, dict)
                for name, value in mark.items()
            ]
            yield (
                (
                    f"{role}: {info['engine']} ({info['version']}, {info['dtype']}), model "
                    f"{info['model']}"
                )
                + "".join(f", {each}" for each in told)
            )
    yield (
        f"verifier {setup['verifier']}, step scores put together by {setup['aggregation']}, "
        f"sampling {listed(setup['sampling'])}"
    )
    yield (
        f"code {setup['code']}, Python {setup['python']} on {setup['machine']}, "
        f"{listed(setup['packages'])}"
    )


def listed(values: JSON) -> str:
    """A mapping in one line."""
    return (
        ", ".join(f"{name} {value}" for name, value in values.items())
        if isinstance(values, dict)
        else str(values)
    )


def table(found: Results) -> str:
    """Every row: accuracy with its interval, then means over problems."""
    head = [
        "budget",
        "strategy",
        "problems",
        "accuracy",
        "no answer",
        "generated tokens",
        "of budget",
        "verifier calls",
        "rounds",
    ]
    body = []
    for row in ordered(found):
        mean = mean_of(found[row].values())
        costs = [
            number(mean.tokens, ",.0f"),
            number(mean.share, ".2f"),
            number(mean.verifier_calls, ",.1f"),
            number(mean.rounds, ",.1f"),
        ]
        body.append(
            [
                str(row.solutions),
                row.name,
                str(len(found[row])),
                figure(accuracy(found[row])),
                number(mean.unanswered, ".3f"),
                *costs,
            ]
        )
    return grid(head, body)


def differences(found: Results, shown: Callable[[str], bool]) -> str:
    """The accuracy of each row that is shown, less that of each rival at the same budget, on the
    problems that both have."""
    head = ["budget", "strategy", *(f"less {rival}" for rival in RIVALS)]
    body = []
    for row in (row for row in ordered(found) if shown(row.name)):
        gaps = [
            difference(found[row], found.get(Row(row.solutions, rival), {}))
            for rival in RIVALS
            if rival != row.name
        ]
        texts = iter(figure(gap, "+.3f") for gap in gaps)
        body.append(
            [
                str(row.solutions),
                row.name,
                *("" if rival == row.name else next(texts) for rival in RIVALS),
            ]
        )
    return grid(head, body) if body else ""


def parameters(runs: Sequence[Finished]) -> str:
    """What each strategy was given at each budget; more than one set of parameters where the plan
    has changed in between."""
    budgets = sorted({run.solutions for run in runs if run.strategy not in (CHAIN, POOL)})
    given: dict[Row, dict[str, None]] = {}
    for run in runs:
        given.setdefault(Row(run.solutions, run.strategy), {})[
            listed(dict(run.params)) or "defaults"
        ] = None
    names = dict.fromkeys(row.name for row in ordered(given) if row.name not in (CHAIN, POOL))
    body = [
        [name, *("; ".join(given.get(Row(budget, name), {})) for budget in budgets)]
        for name in names
    ]
    return grid(["strategy", *(f"at {budget}" for budget in budgets)], body)


def ordered(rows: Iterable[Row]) -> list[Row]:
    """By budget, then in the order of the catalogue."""
    names = [
        name
        for known in STRATEGIES
        for name in ((known,) if known != POOL else (*RIVALS[:-1], pooled_name("coverage")))
    ]
    return sorted(
        rows,
        key=lambda row: (
            row.solutions,
            names.index(row.name) if row.name in names else len(names),
            row.name,
        ),
    )


def figure(found: Interval, how: str = ".3f") -> str:
    """A figure with its interval."""
    return (
        "–"
        if math.isnan(found.value)
        else f"{found.value:{how}} [{found.low:{how}}, {found.high:{how}}]"
    )


def number(value: float, how: str) -> str:
    return "–" if math.isnan(value) else f"{value:{how}}"


def grid(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A markdown table."""
    return "\n".join(
        "| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *body)
    )


__all__ = ["markdown"]
