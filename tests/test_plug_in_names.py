"""Nobody but a plug-in itself goes by its name: what another room wants to know of an engine, a
verifier, a problem set, a labeller, a strategy or a selector, it asks the entry.

Read off the syntax of the product. A name decides where it is compared with, is a pattern of a
`match` or an alternative of a `Literal`; and where two or more engines, verifiers, problem sets or
labellers stand in one collection, which is a list of what there is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from backend.core.registry import STRATEGIES
from backend.engines.entry import ENGINES
from backend.judging.rules import SELECTORS
from backend.judging.scorers import VERIFIERS
from backend.problems.base import SETS
from backend.review.labelling import LABELLERS
from tests.test_layers import BENCHMARKS, ROOT, SOURCES

FAMILIES = {
    "backend/engines": ENGINES,
    "backend/judging/verifiers": VERIFIERS,
    "backend/judging/selectors": SELECTORS,
    "backend/strategies": STRATEGIES,
    "backend/problems": SETS,
    "backend/review/labellers": LABELLERS,
}
"""Where the plug-ins of a family are, and hence where their names may be written."""

LISTED = (ENGINES, VERIFIERS, SETS, LABELLERS)
"""Families of which no other room may hold a list. (A few rooms choose among final rules and
strategies for what they show first, and have a way for all others.)"""

TRAINING = "backend/classroom"
"""Trains one pair of models on three sets, and may name these."""

ALLOWED = {
    ("backend/experiments/shards.py", "ledger"): "the column of a run's costs",
    ("backend/strategies/mcts.py", "prm"): "a way to value a leaf",
    ("backend/strategies/particle_filter.py", "exact"): "a way to weigh particles",
    ("backend/strategies/parts/particles/smc.py", "exact"): "a way to weigh particles",
    ("backend/strategies/retro_search.py", "first"): "which revisions are kept",
    ("backend/strategies/tree_sampling.py", "best"): "which solution is the answer",
    ("backend/runs/driver.py", "torch"): "a package whose version the manifest holds",
    ("backend/runs/driver.py", "vllm"): "a package whose version the manifest holds",
    ("components/compare/branches.py", "first"): "the first of two runs",
    ("components/compare/rerun_panel.py", "logprob"): "a column of a table",
    ("components/experiments/curves_panel.py", "majority"): "the vote that a chart begins with",
    ("components/tree/inspector/formula/particles.py", "exact"): "a way to weigh particles",
    ("benchmarks/orchestration.py", "torch"): "an engine that is compared with a bare loop",
    ("benchmarks/orchestration.py", "vllm"): "an engine that is compared with a bare loop",
}
"""(file, name): what the word means there, or why that file may go by the name."""


class Use(NamedTuple):
    """A name of a plug-in that decides something."""

    file: str
    line: int
    name: str


def members_of(node: ast.AST) -> list[tuple[int, str]]:
    """The texts of a collection, or the keys of a dictionary."""
    match node:
        case ast.Tuple(elts=members) | ast.List(elts=members) | ast.Set(elts=members):
            pass
        case ast.Dict(keys=keys):
            members = [key for key in keys if key is not None]
        case _:
            return []
    return [text for member in members for text in texts_of(member)]


def listing(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The names of collections that hold several of one family, with their lines."""
    for node in ast.walk(tree):
        members = members_of(node)
        for family in LISTED:
            named = [(line, text) for line, text in members if text in family]
            yield from named if len(named) > 1 else ()


def deciding(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The texts by which the code decides, with their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others):
                for side in (left, *others):
                    yield from texts_of(side)
            case ast.MatchValue(value=value):
                yield from texts_of(value)
            case ast.Subscript(value=ast.Name(id="Literal"), slice=inside):
                yield from texts_of(inside)


def texts_of(node: ast.expr) -> Iterator[tuple[int, str]]:
    """A text, or the texts of a collection."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    else:
        yield from members_of(node)


def uses(path: Path) -> Iterator[Use]:
    file = str(path.relative_to(ROOT))
    if file.startswith(TRAINING):
        return
    own = {name for room, family in FAMILIES.items() if file.startswith(room) for name in family}
    foreign = {name for family in FAMILIES.values() for name in family} - own
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for line, text in (*deciding(tree), *listing(tree)):
        if text in foreign:
            yield Use(file, line, text)


@pytest.mark.parametrize(
    "path", [*SOURCES, *BENCHMARKS], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_room_decides_by_the_name_of_a_plug_in_of_another(path: Path) -> None:
    assert [use for use in uses(path) if (use.file, use.name) not in ALLOWED] == []


def test_every_exception_is_still_one() -> None:
    found = {(use.file, use.name) for path in (*SOURCES, *BENCHMARKS) for use in uses(path)}
    assert found >= ALLOWED.keys()


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ('if spec.verifier == "prm": pass', ["prm"]),
        ('if engine in ("torch", "scripted"): pass', ["torch", "scripted", "torch", "scripted"]),
        ('Name = Literal["torch", "vllm"]', ["torch", "vllm", "torch", "vllm"]),
        ('match name:\n    case "ledger": pass', ["ledger"]),
        ('TITLES = {"prm": "a", "exact": "b"}', ["prm", "exact"]),
        ('default = "prm"', []),
        ('first = ("ledger", "torch")', []),
    ],
)
def test_what_decides_is_found_and_a_default_is_not(code: str, names: list[str]) -> None:
    tree = ast.parse(code)
    assert [text for _, text in (*deciding(tree), *listing(tree))] == names
