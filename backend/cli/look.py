"""`catalog`, `problems` and `classroom`: what there is, without a store."""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from backend.core.environment import read_settings
from backend.engines.models import Models, model_settings
from backend.messages.runs import Catalog
from backend.problems.equivalence import Equivalence
from backend.problems.library import open_library
from backend.service.catalog import catalog


def show_catalog(db: Path | None, *, as_json: bool) -> int:
    """Print everything that a run can name."""
    settings = read_settings(os.environ, host="127.0.0.1", db=db)
    found = catalog(Models(model_settings(settings)), open_library(Equivalence(), settings))
    if as_json:
        print(found.model_dump_json())
    else:
        print(catalog_text(found))
    return 0


def catalog_text(found: Catalog) -> str:
    """The catalogue for a terminal, one line an entry."""
    lines = ["strategies"]
    lines += [
        (
            f"  {each.name:<20} {each.title} {f'({each.paper}, {each.year})' if each.paper else ''}"
        ).rstrip()
        for each in found.strategies
    ]
    lines += ["verifiers", *(f"  {each.name:<20} {each.title}" for each in found.verifiers)]
    lines += ["selectors", *(f"  {each.name}" for each in found.selectors)]
    missing = {
        each.name: "" if each.available else f", not available: {each.reason}"
        for each in found.engines
    }
    lines += [
        "engines",
        *(f"  {each.name:<20} {each.title}{missing[each.name]}" for each in found.engines),
    ]
    lines += ["problem sets", *(f"  {each.name:<20} {each.title}" for each in found.problem_sets)]
    lines += [
        "labellers of steps",
        *(f"  {each.name:<20} {each.title}" for each in found.labellers),
    ]
    lines += ["budget axes", *(f"  {each.name}" for each in found.budget_axes)]
    return "\n".join(lines)


def show_problems(problem_id: str | None, db: Path | None, *, as_json: bool) -> int:
    """Print the problem sets, or one problem."""
    library = open_library(Equivalence(), read_settings(os.environ, host="127.0.0.1", db=db))
    if problem_id is None:
        sets = [asdict(each) for each in library.sets]
        if as_json:
            print(json.dumps(sets, ensure_ascii=False))
        for each in () if as_json else library.sets:
            extent = (
                f"levels {', '.join(map(str, each.levels))}"
                if each.levels
                else f"{each.size} problems"
            )
            print(f"{each.name:<20} {each.title} ({extent})")
        return 0
    problem = library.find(problem_id)
    if as_json:
        print(json.dumps({**asdict(problem), "meta": dict(problem.meta)}, ensure_ascii=False))
    else:
        print(f"{problem.id}\n\n{problem.question}\n\nanswer: {problem.answer}")
    return 0


def classroom(stage: str, rest: Sequence[str]) -> int:
    """Hand over to a stage of the classroom, a program with options of its own."""
    sys.argv = ["classroom", stage, *rest]
    runpy.run_module("backend.classroom", run_name="__main__", alter_sys=True)
    return 0


__all__ = ["catalog_text", "classroom", "show_catalog", "show_problems"]
