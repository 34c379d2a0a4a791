"""The pseudo-code beside a search: the phases that its steps name are lines of it, and its lines
are really carried out."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from backend.core.records import MemorySink
from backend.core.registry import STRATEGIES
from tests.golden import FOLDER, SEARCHES, searched, spec

MOST_LINES = 15
WIDEST = 95

ELSEWHERE: dict[tuple[str, str], dict[str, Any]] = {
    ("best_of_n", "enough"): {"enough": 0.0},
    ("particle_filter", "carry"): {"mode": "exact"},
    ("particle_gibbs", "resample"): {"mode": "paper"},
    ("parallel_tempering", "carry"): {"mode": "exact"},
    ("a_star", "finish"): {"expansions": 1},
    ("mcts", "revisit"): {"simulations": 60},
    ("mcts", "finish"): {"simulations": 1},
    ("global_frontier", "finish"): {"expansions": 1},
    ("tree_sampling", "revisit"): {"iterations": 60},
}
"""Phases that no golden search has, with the parameters of a search that does."""

NEVER = {
    (
        "stepwise_best_of_n",
        "end",
    ): "every next step has to be dead, and the scripted engine always writes something"
}

UNTOLD = {"particle_gibbs": {"resampled"}, "retro_search": {"replaced"}}
"""Kinds that mark a line and that no golden search has: the one never resamples, the other never
finds a better rest."""


@cache
def golden_phases(name: str) -> frozenset[str]:
    lines = map(json.loads, (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())
    return frozenset(line["phase"] for line in lines if line.get("phase"))


def written(name: str) -> set[str]:
    return {phase for line in STRATEGIES[name].card.pseudocode for phase in line.phases}


on_all = pytest.mark.parametrize("name", list(STRATEGIES))


@on_all
def test_every_phase_of_a_golden_search_is_a_line_and_every_line_with_a_phase_occurs(
    name: str,
) -> None:
    steps = golden_phases(name)
    assert steps and steps <= written(name)
    excused = {phase for strategy, phase in [*ELSEWHERE, *NEVER] if strategy == name}
    assert written(name) - steps == excused


@pytest.mark.parametrize(("name", "phase"), list(ELSEWHERE))
async def test_a_phase_that_no_golden_search_has_occurs_in_another_search(
    name: str, phase: str
) -> None:
    sink = MemorySink()
    await searched(spec(name, params={**SEARCHES[name], **ELSEWHERE[name, phase]}), sink)
    assert phase in {event.phase for event in sink.events if event.kind == "step"}


@on_all
def test_the_pseudo_code_names_the_phases_that_the_strategy_declares(name: str) -> None:
    assert written(name) == set(STRATEGIES[name].card.phases)


@on_all
def test_the_pseudo_code_is_short_and_ends_with_the_answer(name: str) -> None:
    lines = STRATEGIES[name].card.pseudocode
    assert 3 < len(lines) <= MOST_LINES and all(
        line.text.strip() and len(line.text) <= WIDEST for line in lines
    )
    assert "answer" in lines[-1].text


@on_all
def test_the_kinds_of_event_that_mark_a_line_are_told_by_the_search(name: str) -> None:
    told = {
        json.loads(line).get("kind")
        for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    }
    kinds = {kind for line in STRATEGIES[name].card.pseudocode for kind in line.kinds}
    assert kinds and kinds - told <= UNTOLD.get(name, set())
