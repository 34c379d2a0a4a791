"""The evaluation table as markdown and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backend.classroom import table
from backend.classroom.folder import write_json
from backend.core.statistics.intervals import Interval

SHOWN_FALLS = 6


def number(figure: Interval) -> str:
    """A figure with its interval."""
    digits = 1 if abs(figure.value) >= 2 else 3
    return f"{figure.value:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"


def rows(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A markdown table."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cells_table(cells: table.Cells) -> str:
    """One row per cell."""
    figures = {key: table.cell_figures(cell) for key, cell in sorted(cells.items())}
    names = list(next(iter(figures.values())))
    body = [
        [f"{name} {level}", *(number(found[n]) for n in names)]
        for (name, level), found in figures.items()
    ]
    return rows(["cell", *names], body)


def bounds_table(found: Sequence[table.Bound]) -> str:
    """One row per bound."""
    body = [
        [b.name, number(b.figure), f"{b.low:g} to {b.high:g}", "met" if b.met else "MISSED"]
        for b in found
    ]
    return rows(["bound", "measured", "accepted", ""], body)


def mistakes_table(cells: table.Cells) -> str:
    """Shares of the kinds of first mistakes, per set, and of the steps at which they happen."""
    parts = []
    for name in sorted({name for name, _ in cells}):
        of = table.of_set(cells, name)
        kinds = ", ".join(f"{kind} {part:.1%}" for kind, part in table.kind_shares(of).items())
        deep = table.of_set(cells, name, (4, 5)) or of
        late = table.share(deep, lambda step, _: step > table.LAST_EARLY_STEP)
        parts.append(f"- {name}: {kinds}; after step 2 at levels 4-5: {number(late)}")
    return "\n".join(parts)


def verifier_table(cells: table.Cells) -> str:
    """AUROC by depth and kind, and calibration by depth, for every verifier."""
    every = list(cells.values())
    parts = []
    for verifier in table.verifiers_of(every[0]):
        for column in ("depth", "kind"):
            found = table.auroc_by(every, verifier, column)
            parts.append(
                f"- {verifier}, AUROC by {column}: "
                + ", ".join(f"{k} {v:.3f}" for k, v in found.items())
            )
        found_pairs = table.calibration(every, verifier).items()
        parts.append(
            f"- {verifier}, score / share of good steps by depth: "
            + ", ".join(f"{k} {s:.2f}/{g:.2f}" for k, (s, g) in found_pairs)
        )
    return "\n".join(parts)


def falls_table(cells: table.Cells) -> str:
    """Where choosing among all samples is worse than among fewer."""
    body = [
        [f"{key[0]} {key[1]}", verifier, aggregation, f"best of {peak}", number(lost)]
        for key, verifier, aggregation, peak, lost in table.falls(cells)[:SHOWN_FALLS]
    ]
    return rows(["cell", "verifier", "aggregation", "peak at", "peak less best of all"], body)


def markdown(cells: table.Cells) -> str:
    """The whole report."""
    ordered = dict(sorted(cells.items()))
    parts = [
        ("Cells", cells_table(ordered)),
        ("Bounds", bounds_table(list(table.bounds(ordered)))),
        ("First mistakes", mistakes_table(ordered)),
    ]
    if table.verifiers_of(next(iter(ordered.values()))):
        parts += [
            ("Reward models on steps whose prefix is right", verifier_table(ordered)),
            ("Over-optimisation", falls_table(ordered)),
        ]
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts) + "\n"


def as_json(cells: table.Cells) -> Mapping[str, Any]:
    """Cells, bounds and mistakes as numbers."""
    return {
        "cells": {
            f"{n}/{lv}": {k: v._asdict() for k, v in table.cell_figures(c).items()}
            for (n, lv), c in sorted(cells.items())
        },
        "bounds": [
            {"name": b.name, **b.figure._asdict(), "accepted": [b.low, b.high], "met": b.met}
            for b in table.bounds(cells)
        ],
        "first mistakes": {
            name: table.kind_shares(table.of_set(cells, name))
            for name in sorted({n for n, _ in cells})
        },
    }


def write(cells: table.Cells, work: Path) -> str:
    """Both forms into the work folder; returns the markdown."""
    text = markdown(cells)
    (work / "evaluate.md").write_text(text, "utf-8")
    write_json(work / "evaluate.json", as_json(cells))
    return text
