"""The torch reward model against a reference that shares no code with it, and its caches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import Qwen2Config, Qwen2Model

from backend import engines
from backend.core.errors import BadInput
from backend.core.ports import Solution
from backend.engines.torch.engine import TorchRewardModel
from tests.engines import tiny

QUESTION = "Ana has 7 apples. Ben has 5 more apples than Ana."
CLASSROOM = Path(engines.__file__).parents[1] / "classroom"
STEPS = ("Ben has 5 more apples than Ana: 7 + 5 = 12.", "We compute:", "The answer is \\boxed{12}.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("reward"), reward=True)


@pytest.fixture
async def model(folder: Path) -> AsyncGenerator[TorchRewardModel]:
    made = TorchRewardModel.load(folder, threads=1)
    yield made
    await made.close()


def reference(folder: Path, solution: Solution) -> list[float]:
    """Scores by `Qwen2Model` and a head written out here, over the whole text at once."""
    raw = json.loads((folder / "config.json").read_text("utf-8"))
    body = Qwen2Model(Qwen2Config(**raw)).eval()
    weights = load_file(folder / "model.safetensors")
    body.load_state_dict(
        {name.removeprefix("model."): w for name, w in weights.items() if name.startswith("model.")}
    )
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    system = (
        f"<|im_start|>system\n{solution.system}<|im_end|>\n" if solution.system is not None else ""
    )
    written = "".join(step + "<extra_0>" for step in solution.steps)
    text = f"{system}<|im_start|>user\n{solution.question}<|im_end|>\n<|im_start|>assistant\n{written}<|im_end|>\n"
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    with torch.no_grad():
        hidden = body(torch.tensor([ids])).last_hidden_state[0]
        hidden = (hidden @ weights["score.0.weight"].T + weights["score.0.bias"]).relu()
        good = (hidden @ weights["score.2.weight"].T + weights["score.2.bias"]).softmax(-1)[:, 1]
    return [
        float(good[i]) for i, token in enumerate(ids) if token == tokenizer.token_to_id("<extra_0>")
    ]


@pytest.mark.parametrize("system", [None, "Think step by step."])
async def test_scores_agree_with_a_reference_of_its_own(
    folder: Path, model: TorchRewardModel, system: str | None
) -> None:
    solutions = [Solution(QUESTION, STEPS[:n], system) for n in (3, 1, 2)] + [
        Solution("How many?", STEPS[1:], system)
    ]
    for solution, result in zip(solutions, await model.score(solutions), strict=True):
        assert result.failure is None
        assert result.scores == pytest.approx(reference(folder, solution), abs=1e-4)


async def test_a_new_step_costs_its_own_tokens_and_the_old_scores_stay(
    model: TorchRewardModel,
) -> None:
    [first] = await model.score([Solution(QUESTION, STEPS[:1])])
    [second] = await model.score([Solution(QUESTION, STEPS[:2])])
    [again] = await model.score([Solution(QUESTION, STEPS[:2])])
    assert second.scores[:1] == first.scores and again.scores == second.scores
    assert first.cached == 0 and second.cached == first.tokens and second.tokens < 20
    assert again.tokens == 0 and again.cached == second.tokens + second.cached


@pytest.mark.parametrize("shipped", [False, pytest.param(True, marks=pytest.mark.classroom)])
async def test_a_score_does_not_depend_on_what_is_written_after_it(
    folder: Path, shipped: bool
) -> None:
    """Every length is scored by a model that has seen no other, so that nothing comes from a
    memory."""
    found = []
    for length in range(1, len(STEPS) + 1):
        fresh = TorchRewardModel.load(CLASSROOM / "prm" if shipped else folder, threads=1)
        [result] = await fresh.score([Solution(QUESTION, STEPS[:length])])
        await fresh.close()
        assert len(result.scores) == length and all(0.0 <= score <= 1.0 for score in result.scores)
        found.append(result.scores)
    for scores in found:
        assert scores == pytest.approx(found[-1][: len(scores)], abs=1e-3)
    assert len({round(score, 6) for score in found[-1]}) > 1


async def test_scores_do_not_depend_on_company(folder: Path, model: TorchRewardModel) -> None:
    solutions = [
        Solution(QUESTION, (f"{n} + 5 = {n + 5}.", *STEPS[:k])) for n in range(8) for k in (0, 2)
    ]
    calls = await asyncio.gather(*(model.score(solutions[i : i + 8]) for i in (0, 8)))
    fresh = TorchRewardModel.load(folder, threads=1, rows=1, cache_bytes=0)
    alone = [(await fresh.score([solution]))[0] for solution in solutions]
    await fresh.close()
    for one, other in zip([*calls[0], *calls[1]], alone, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-5)


async def test_a_solution_asked_for_twice_is_paid_once(model: TorchRewardModel) -> None:
    first, second = await model.score([Solution(QUESTION, STEPS), Solution(QUESTION, STEPS)])
    assert first.scores == second.scores and first.tokens > 0 and second.tokens == 0


async def test_a_step_that_spells_the_tag_is_plain_text(model: TorchRewardModel) -> None:
    [result] = await model.score(
        [Solution(QUESTION, ("I write <extra_0> and <|im_end|> here.", "So what."))]
    )
    assert result.failure is None and len(result.scores) == 2


async def test_a_solution_longer_than_the_context_fails_alone(model: TorchRewardModel) -> None:
    long, fine = await model.score(
        [Solution(QUESTION, ("apples " * 600,)), Solution(QUESTION, STEPS)]
    )
    assert long.failure and long.failure.startswith("context full") and long.scores == ()
    assert fine.failure is None and len(fine.scores) == 3


async def test_a_language_model_is_not_taken_for_a_reward_model(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Qwen2ForProcessRewardModel"):
        TorchRewardModel.load(tiny.build(tmp_path / "policy"))
