"""Searches to look into: real runs on the scripted engine, which writes right and wrong solutions
of generated problems, put into a real store.

The script of a problem is a tree of solutions: those of the problem set's own author and of its
pupils, one that repairs a slip, and one that ends without its answer. So the exact checker has true
and false steps to judge, and every cause for a wrong answer can occur.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from backend import problems
from backend.core.records import MemorySink, Sink
from backend.core.spec import RunSpec
from backend.engines.scripted.engine import END_TEXT, ScriptedEngine, ScriptedRewardModel
from backend.engines.scripted.toy import chance
from backend.runs.control import Control
from backend.runs.driver import Outcome, run

DELIMITER = "\n\n"
Table = Mapping[str, Sequence[tuple[str, float]]]


def solutions(problem: problems.Problem, authors: int) -> Iterator[list[str]]:
    """Some solutions: right ones, one that repairs a slip, one without its answer, and twice each
    pupil's."""
    known, rng = problems.SETS[problem.set], random.Random(problem.id)
    for _ in range(authors):
        yield known.solution(problem, rng)
    yield known.self_correction(problem, rng)
    yield known.solution(problem, rng)[:-1]
    for pupil in known.pupils * 2:
        yield known.solution(problem, rng, pupil)


@cache
def table(problem_id: str, authors: int) -> Table:
    """What may follow what is written, as often as a solution goes on so."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for steps in solutions(problems.problem(problem_id), authors):
        texts = [*(step + DELIMITER for step in steps[:-1]), steps[-1] + END_TEXT]
        for place, text in enumerate(texts):
            counts["".join(texts[:place])][text] += 1
    return {
        written: [(text, float(count)) for text, count in following.items()]
        for written, following in counts.items()
    }


def noisy(problem: problems.Problem, noise: float) -> ScriptedRewardModel:
    """The exact checker with noise: a step's score is off by up to `noise`, and fixed for each
    text."""

    def scores(question: str, steps: tuple[str, ...]) -> list[float]:
        verdicts = problems.check(problem, steps)
        assert verdicts is not None
        off = (noise * chance(problem.id, *steps[: place + 1]) for place in range(len(steps)))
        return [
            round((1.0 - each if verdict.ok else each), 4)
            for verdict, each in zip(verdicts, off, strict=True)
        ]

    return ScriptedRewardModel(scores)


def asked(strategy: str, problem: str, params: Mapping[str, Any], **more: Any) -> RunSpec:
    given = {
        "strategy": strategy,
        "problem": problem,
        "params": dict(params),
        "engine": "scripted",
        "sampling": {"temperature": 1.0},
        **more,
    }
    return RunSpec.model_validate(given)


async def searched(spec: RunSpec, sink: Sink, *, authors: int = 2, noise: float = 0.9) -> Outcome:
    """Run a spec on the script of its problem."""
    problem = problems.problem(spec.problem or "")
    engine = ScriptedEngine(table(problem.id, authors))
    return await run(
        spec,
        problem=problem,
        engine=engine,
        reward=noisy(problem, noise),
        sink=sink,
        control=Control(),
        grade=problems.grade,
    )


async def traced(spec: RunSpec, **more: Any) -> MemorySink:
    sink = MemorySink()
    await searched(spec, sink, **more)
    return sink
