"""The dry run that tells what a search will roughly cost."""

from __future__ import annotations

import pytest

from backend.core.errors import BadInput
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec
from backend.runs.estimate import MOST_CALLS, Typical, estimate


def spec(strategy: str, **more) -> RunSpec:
    return RunSpec(strategy=strategy, problem="ledger/3/17", **more)


async def test_best_of_n_is_n_calls_and_n_scores() -> None:
    told = await estimate(spec("best_of_n", params={"n": 12}), Typical(steps=5, tokens=10))
    assert (told.model_calls, told.verifier_calls) == (12, 12)
    assert 12 * 4 * 10 <= told.generated_tokens <= 12 * 6 * 10


async def test_a_particle_filter_pays_every_particle_every_round() -> None:
    told = await estimate(
        spec("particle_filter", params={"particles": 8}), Typical(steps=6, tokens=10)
    )
    assert 8 * 5 <= told.model_calls <= 8 * 7
    assert told.verifier_calls == told.model_calls


@pytest.mark.parametrize("name", list(STRATEGIES))
async def test_every_strategy_can_be_estimated(name: str) -> None:
    told = await estimate(spec(name), Typical())
    assert 0 < told.model_calls <= MOST_CALLS + 64
    assert str(f"{told.generated_tokens:,}") in told.note


async def test_the_budget_caps_the_estimate() -> None:
    told = await estimate(spec("mcts", budget={"generated_tokens": 100}), Typical())
    assert told.generated_tokens == 100 and "ends with its budget" in told.note


async def test_unknown_names_are_refused_with_what_is_accepted() -> None:
    with pytest.raises(BadInput, match=r"accepted: .*beam_search"):
        await estimate(spec("telepathy"), Typical())
    with pytest.raises(BadInput, match="beam_width"):
        await estimate(spec("beam_search", params={"wings": 2}), Typical())
