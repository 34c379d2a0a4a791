"""How hard a difficulty is for the trained policy: the measurement by which the levels in
`levels.json` were chosen, and would be chosen for another policy (`docs/classroom.md`).

A point is a set with the fields of its difficulty. Points are tried on tuning seeds (900,000 to
999,999), never on evaluation seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from backend.classroom import folder
from backend.classroom.evaluate import judge
from backend.classroom.measures import JudgedSample, distinct_right, majority, mean, pass_at
from backend.classroom.samples import solve
from backend.classroom.sampling import ClassroomSampling
from backend.classroom.training import device
from backend.engines.torch.qwen2 import Qwen2ForCausalLM, load
from backend.problems import ProblemSet
from backend.problems.countdown import CountdownDifficulty, CountdownSet
from backend.problems.ledger import LedgerDifficulty, LedgerSet
from backend.problems.procedure import ProcedureDifficulty, ProcedureSet

FIRST_SEED = 900_000
Knobs = Mapping[str, Any]
"""Fields of a set's difficulty (`backend.problems.difficulty`); those left out keep their
defaults."""


SETS: Mapping[str, tuple[Callable[[Mapping[int, Any]], ProblemSet], type]] = {
    LedgerSet.name: (LedgerSet, LedgerDifficulty),
    CountdownSet.name: (CountdownSet, CountdownDifficulty),
    ProcedureSet.name: (ProcedureSet, ProcedureDifficulty),
}


def one_point(name: str, knobs: Knobs) -> ProblemSet:
    """The problem set `name` with that difficulty as its level 1. Raises `ValidationError` for a
    field that the set's difficulty does not have."""
    of_levels, difficulty = SETS[name]
    return of_levels({1: TypeAdapter(difficulty).validate_python(knobs)})


def measure(
    points: Sequence[tuple[str, Knobs]],
    problems: int,
    samples: int,
    policy: Path = folder.POLICY,
    temperature: float = 1.0,
) -> Iterator[str]:
    """One line a point, from `samples` solutions of each of `problems` problems: pass@1, pass@n,
    majority, distinct right solutions, the share of first mistakes after step 2, kinds."""
    loaded = load(policy, torch.float32, device())
    assert isinstance(loaded.model, Qwen2ForCausalLM)
    for name, knobs in points:
        point = one_point(name, knobs)
        chosen = [point.problem(1, FIRST_SEED + i) for i in range(problems)]
        groups = solve(
            loaded.model, loaded.tokenizer, chosen, samples, ClassroomSampling(temperature)
        )
        yield (
            f"{name} {dict(knobs)}: "
            f"{summary([[judge(p, s) for s in g] for p, g in zip(chosen, groups, strict=True)])}"
        )


def summary(groups: Sequence[Sequence[JudgedSample]]) -> str:
    """The figures of one point."""
    most = len(groups[0])
    found = [sample for group in groups for sample in group if sample.first_mistake is not None]
    kinds = Counter(str(s.kinds[s.first_mistake or 0]) for s in found)
    shares = " ".join(
        f"{kind} {count / max(1, len(found)):.2f}" for kind, count in kinds.most_common(7)
    )
    late = mean([float((s.first_mistake or 0) >= 2) for s in found])
    return (
        f"pass@1 {mean([pass_at(g, 1) for g in groups]):.3f} pass@{most} "
        f"{mean([pass_at(g, most) for g in groups]):.3f}"
        f" majority {mean([majority(g) for g in groups]):.3f} distinct "
        f"{mean([distinct_right(g) for g in groups]):.1f}"
        f" late {late:.2f} | {shares}"
    )
