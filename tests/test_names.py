"""One class name has one meaning, a function is named by what it does, and sizes keep a concept in
sight. Everything is read off the syntax of the product.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

from backend.core.events import KINDS
from tests.test_layers import BENCHMARKS, ROOT, SOURCES

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

SHARED_NAMES_MOST = 40
PARTICIPLES_MOST = 0.06
KIND_COMPARISONS_MOST = 40
EMPTY_DATA_MOST = 3
BODY_P90, BODY_MOST = 22, 55
WIDTH, WIDE_LINES_MOST = 100, 60

SHARED: dict[str, dict[str, tuple[str, ...]]] = {
    "what travels over HTTP is named after what the program computes": {
        "About": ("backend/experiments/estimate.py", "backend/messages/experiments.py"),
        "Analysis": ("backend/experiments/analysis.py", "backend/messages/experiments.py"),
        "Chart": ("backend/experiments/charts.py", "backend/messages/experiments.py"),
        "ChartLine": ("backend/experiments/charts.py", "backend/messages/experiments.py"),
        "CodeLine": ("backend/core/cards.py", "backend/messages/runs.py"),
        "Divergence": ("backend/messages/compare.py", "backend/review/divergence.py"),
        "Estimate": ("backend/messages/runs.py", "backend/runs/estimate.py"),
        "Gap": ("backend/messages/compare.py", "backend/review/divergence.py"),
        "Lens": ("backend/messages/why.py", "backend/review/lens.py"),
        "ModelState": ("backend/engines/host/parent.py", "backend/messages/runs.py"),
        "Reselection": ("backend/messages/runs.py", "backend/review/reselect.py"),
        "RunCounts": ("backend/messages/runs.py", "backend/service/jobs/jobs.py"),
        "RunPage": ("backend/messages/runs.py", "storage/rows.py"),
        "SeriesScore": ("backend/messages/series.py", "storage/rows.py"),
        "WhatIf": ("backend/messages/why.py", "backend/review/what_if/what_if.py"),
    },
    "a table is named after what it stores, and so is what travels of it over HTTP": {
        "Annotation": ("backend/messages/annotations.py", "storage/tables.py"),
        "Category": ("backend/review/annotate/codebook.py", "storage/tables.py"),
        "Event": ("backend/messages/runs.py", "storage/tables.py"),
        "Node": ("backend/core/types.py", "backend/messages/runs.py", "storage/tables.py"),
        "Problem": ("backend/messages/runs.py", "backend/problems/base.py", "storage/tables.py"),
        "Run": ("backend/messages/runs.py", "storage/tables.py"),
        "Score": ("backend/core/types.py", "storage/tables.py"),
    },
    "the same run, read from the store and asked of the service": {
        "StoredRun": ("backend/client/stored_run.py", "backend/review/stored_run.py"),
    },
}
"""Class names that several modules define, by the reason why they may."""

IRREGULAR = set(
    re.findall(
        r"\w+",
        """begun blown born bought broken brought built caught chosen dealt done drawn driven eaten
    fallen fed felt flown forgotten fought frozen given gone grown heard held hidden hung kept known
    laid learnt led lost made meant met paid ridden risen said seen sent shaken shown sold sought
    spent spoken stolen stood struck sung swept sworn taken taught thought thrown told torn
    understood won worn woven written""",
    )
)
VERBS = {"embed", "exceed", "feed", "need", "proceed", "seed", "shed", "speed"}
"""Words in -ed that are no participles."""


@cache
def trees() -> dict[str, ast.Module]:
    """The product's files with their syntax."""
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
        for path in (*SOURCES, *BENCHMARKS)
    }


def functions_of(trees: Sequence[ast.AST]) -> list[Function]:
    return [each for tree in trees for each in ast.walk(tree) if isinstance(each, Function)]


def named_by_a_participle(function: Function) -> bool:
    """Whether the name is or begins with a word in -ed or one of `IRREGULAR`: `told`,
    `_refused_names`. What answers yes or no and what is a property may be named so."""
    first = function.name.strip("_").split("_")[0]
    participle = first in IRREGULAR or (first.endswith("ed") and len(first) > 3)
    returned = "" if function.returns is None else ast.unparse(function.returns)
    decorators = {ast.unparse(each).rpartition(".")[2] for each in function.decorator_list}
    states = returned.startswith("bool") or bool(decorators & {"property", "cached_property"})
    return participle and first not in VERBS and not states


def body_length(function: Function) -> int:
    """Lines of the body behind the docstring."""
    body = function.body[ast.get_docstring(function) is not None :] or function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def wide_lines(text: str) -> Iterator[int]:
    """Numbers of the lines wider than `WIDTH`, outside tables of data: those are left alone by the
    formatter, which `# fmt: skip` behind their end says."""
    lines = text.splitlines()
    tables = {
        line
        for each in ast.walk(ast.parse(text))
        if isinstance(each, ast.stmt) and "# fmt: skip" in lines[(each.end_lineno or 1) - 1]
        if not isinstance(each, Function | ast.ClassDef)
        for line in range(each.lineno, (each.end_lineno or each.lineno) + 1)
    }
    return (at for at, line in enumerate(lines, 1) if len(line) > WIDTH and at not in tables)


def compared_kinds(tree: ast.AST) -> Iterator[int]:
    """The lines on which something with `kind` in its text is compared with a kind of event."""
    for each in ast.walk(tree):
        if isinstance(each, ast.Compare) and "kind" in ast.unparse(each):
            leaves = {leaf.value for leaf in ast.walk(each) if isinstance(leaf, ast.Constant)}
            if leaves & {kind.__struct_config__.tag for kind in KINDS}:
                yield each.lineno


def test_a_class_name_has_one_meaning() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for file, tree in trees().items():
        for each in ast.walk(tree):
            if isinstance(each, ast.ClassDef):
                found[each.name].append(file)
    shared = {name: tuple(sorted(files)) for name, files in found.items() if len(files) > 1}
    assert shared == {name: files for group in SHARED.values() for name, files in group.items()}
    assert len(shared) <= SHARED_NAMES_MOST


def test_functions_are_named_by_verbs() -> None:
    every = functions_of(list(trees().values()))
    participles = sorted(each.name for each in every if named_by_a_participle(each))
    assert len(participles) <= PARTICIPLES_MOST * len(every), participles


def test_functions_are_short() -> None:
    lengths = sorted((body_length(each), each.name) for each in functions_of([*trees().values()]))
    assert lengths[len(lengths) * 9 // 10][0] <= BODY_P90
    assert [each for each in lengths if each[0] > BODY_MOST] == []


def test_lines_are_narrow_outside_tables_of_data() -> None:
    wide = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in (*SOURCES, *BENCHMARKS)
        for line in wide_lines(path.read_text(encoding="utf-8"))
    ]
    assert len(wide) <= WIDE_LINES_MOST, wide


def test_readers_match_on_the_types_of_events() -> None:
    rest = {file: tree for file, tree in trees().items() if file != "backend/core/events.py"}
    compared = [f"{file}:{line}" for file, tree in rest.items() for line in compared_kinds(tree)]
    assert len(compared) <= KIND_COMPARISONS_MOST, compared
    texts = (Path(ROOT / file).read_text(encoding="utf-8") for file in rest)
    assert sum(len(re.findall(r"\bdata or \{\}", text)) for text in texts) <= EMPTY_DATA_MOST


@pytest.mark.parametrize(
    ("code", "counted"),
    [
        ("def told(): pass", True),
        ("def _refused_names(): pass", True),
        ("async def opened(): pass", True),
        ("def open_file(): pass", False),
        ("def seed_of(): pass", False),
        ("def read_refused(): pass", False),
        ("def finished(node) -> bool: pass", False),
        ("@property\ndef paid(self): pass", False),
    ],
)
def test_what_counts_as_a_participle(code: str, counted: bool) -> None:
    assert [named_by_a_participle(each) for each in functions_of([ast.parse(code)])] == [counted]


def test_tables_of_data_and_docstrings_do_not_count() -> None:
    wide = "x" * WIDTH
    assert list(wide_lines(f"A = [\n    '{wide}',\n]  # fmt: skip\nB = '{wide}'\n")) == [4]
    [function] = functions_of([ast.parse('def f():\n    """One.\n\n    Two."""\n    a()\n    b()')])
    assert body_length(function) == 2


def test_a_comparison_of_kinds_is_found() -> None:
    code = "a.kind == 'score'\nkind in ('answer', 'x')\nkind == 'x'\nb == 'score'\n"
    assert list(compared_kinds(ast.parse(code))) == [1, 2]
