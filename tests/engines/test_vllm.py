"""vLLM for real: one policy and one reward engine, started once for this file, on random weights in
float32.

Skipped with the reason where vLLM is not installed, unless the environment variable
`ARBORETUM_REQUIRE` contains `vllm`: then it must run.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

import pytest
import pytest_asyncio
from msgspec.structs import replace

from backend.core.errors import EngineFailure, MissingCapability
from backend.core.ports import Completion, Given, Request, Sampling, Solution, Until
from backend.core.types import Finish
from tests.engines import tiny
from tests.engines.contract import (  # noqa: F401 - the contract's two tests run in this module, on its own `subject`
    Subject,
    test_check_fails_on_the_engine_that_breaks_it,
    test_engine_keeps_its_promise,
)
from tests.engines.contract_given import (  # noqa: F401 - and what it promises about given tokens
    test_check_fails_on_the_engine_that_misjudges_them,
    test_engine_judges_given_tokens,
)
from tests.support.stopwatch import Stopwatch

if TYPE_CHECKING:
    from backend.engines.vllm.engine import VllmEngine
    from backend.engines.vllm.reward import VllmRewardModel

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("default"),  # vLLM's own dependencies warn
]
# CPU attention wants heads of 32
SIZES = {
    "hidden_size": 64,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
}
SOLUTIONS = [
    Solution("Ana has 7 apples. Ben has 5 more.", ("Ben has 5 more apples than Ana: 7 + 5 = 12.",)),
    Solution(
        "How many?",
        ("7 * 3 = 21 (left 21)", "The answer is 12.", "so <extra_0> and <|im_end|> are text"),
        system="Be brief.",
    ),
]


class Pair(NamedTuple):
    policy: VllmEngine
    reward: VllmRewardModel
    reward_folder: Path
    logprobs: Callable[[Request, Completion], list[float]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Pair]:
    from backend.engines.vllm.engine import VllmEngine
    from backend.engines.vllm.reward import VllmRewardModel

    folder = tmp_path_factory.mktemp("vllm")
    with patch.dict(tiny.SIZES, SIZES):
        policy_folder, reward_folder = (
            tiny.build(folder / "policy"),
            tiny.build(folder / "reward", reward=True),
        )
    policy = await VllmEngine.load(
        str(policy_folder), cache_gib=0.25, memory_share=0.2, max_num_seqs=64, dtype="float32"
    )
    reward = await VllmRewardModel.load(
        str(reward_folder), cache_gib=0.25, memory_share=0.2, max_num_seqs=64, dtype="float32"
    )
    yield Pair(policy, reward, reward_folder, tiny.reference(policy_folder))
    await policy.close()
    await reward.close()


@pytest.fixture
def subject(pair: Pair) -> Subject:
    """Batches may change tokens here: vLLM gives no promise of equal reruns whatever else is in the
    batch."""
    return Subject(pair.policy, logprobs=pair.logprobs, exact=False)


async def requests(
    engine: VllmEngine, count: int, until: Until | None = None, **sampling: float
) -> list[Request]:
    prompt = await engine.prompt("Ana has 7 apples.", None)
    settings = Sampling(**({"temperature": 1.0, "max_tokens": 60} | sampling))  # type: ignore[arg-type]
    return [
        Request(f"k{i}", prompt.text, prompt.token_ids, 100 + i, until or Until(1), settings)
        for i in range(count)
    ]


async def collect(engine: VllmEngine, asked: list[Request]) -> dict[str, Completion]:
    async with aclosing(engine.generate(asked)) as completions:
        return {completion.key: completion async for completion in completions}


async def test_a_step_ends_at_its_delimiter_and_finish_reasons_are_told_apart(pair: Pair) -> None:
    engine = pair.policy
    found = await collect(engine, await requests(engine, 40, max_tokens=12))
    assert {completion.finish for completion in found.values()} == {
        Finish.STEP,
        Finish.END,
        Finish.LENGTH,
    }
    for completion in found.values():
        assert completion.failure is None
        assert completion.text.count("\n\n") == (completion.finish is Finish.STEP)
        texts = await engine.tokens(completion.token_ids)
        assert (texts[-1] in ("<|im_end|>", "<|endoftext|>")) == (completion.finish is Finish.END)
        assert (len(texts) == 12) or completion.finish is not Finish.LENGTH
        assert completion.finish is not Finish.STEP or "\n\n" in "".join(texts[-2:])


async def test_every_token_that_contains_the_delimiter_ends_a_step(pair: Pair) -> None:
    engine = pair.policy
    containing = {token for token in range(400) if "\n\n" in (await engine.tokens([token]))[0]}
    assert len(containing) > 1
    found = await collect(engine, await requests(engine, 150, max_tokens=80))
    ended = {
        completion.token_ids[-1]
        for completion in found.values()
        if completion.finish is Finish.STEP
    }
    assert len(ended & containing) > 1
    assert not any(set(completion.token_ids[:-1]) & containing for completion in found.values())


async def test_several_steps_are_counted_and_limits_kept(pair: Pair) -> None:
    engine = pair.policy
    for completion in (
        await collect(engine, await requests(engine, 16, Until(3), max_tokens=200))
    ).values():
        assert completion.text.count("\n\n") == 3 or completion.finish in (
            Finish.END,
            Finish.LENGTH,
        )
        assert completion.logprobs is not None
        assert len(completion.logprobs) == len(completion.token_ids)
    for completion in (await collect(engine, await requests(engine, 8, Until(0, 5)))).values():
        assert len(completion.token_ids) == 5 or completion.finish is Finish.END


async def test_seeds_reproduce_and_differ(pair: Pair) -> None:
    engine = pair.policy
    asked = await requests(engine, 8, Until(0, 12))
    first = await collect(engine, asked)
    alone = [(await collect(engine, [request]))[request.key] for request in asked[:3]]
    assert [first[c.key].token_ids for c in alone] == [c.token_ids for c in alone]
    assert len({completion.token_ids for completion in first.values()}) > 4


async def test_logprobs_are_the_models_before_temperature(pair: Pair) -> None:
    engine = pair.policy
    [request] = await requests(engine, 1, Until(0, 6), temperature=0.5, alternatives=3)
    completion = (await collect(engine, [request]))["k0"]
    greedy = (
        await collect(
            engine, [replace(request, sampling=Sampling(temperature=0.0, alternatives=3))]
        )
    )["k0"]
    assert completion.logprobs is not None
    assert greedy.logprobs is not None
    assert [each.token_id for each in completion.alternatives[0]] == [
        each.token_id for each in greedy.alternatives[0]
    ]
    assert [each.logprob for each in completion.alternatives[0]] == pytest.approx(
        [each.logprob for each in greedy.alternatives[0]]
    )
    assert greedy.logprobs[0] == pytest.approx(greedy.alternatives[0][0].logprob)
    by_id = {each.token_id: each.logprob for each in completion.alternatives[0]}
    assert completion.token_ids[0] not in by_id or completion.logprobs[0] == pytest.approx(
        by_id[completion.token_ids[0]]
    )
    assert [len(each) for each in completion.alternatives] == [3] * len(completion.token_ids)


async def test_the_next_step_finds_its_prefix_in_the_cache(pair: Pair) -> None:
    engine = pair.policy
    [request] = await requests(engine, 1, Until(0, 40))
    request = replace(request, token_ids=request.token_ids * 6)
    first = (await collect(engine, [request]))["k0"]
    again = (
        await collect(engine, [replace(request, token_ids=request.token_ids + first.token_ids)])
    )["k0"]
    assert again.cached_tokens >= len(request.token_ids) // 32 * 32 > 0


async def test_counts_equal_the_engines_own(pair: Pair) -> None:
    engine = pair.policy
    before = await engine.stats()
    found = await collect(engine, await requests(engine, 12))
    after = await engine.stats()
    assert after.generated_tokens - before.generated_tokens == sum(
        len(completion.token_ids) for completion in found.values()
    )
    assert after.prompt_tokens - before.prompt_tokens == sum(
        completion.prompt_tokens for completion in found.values()
    )
    assert after.cached_tokens - before.cached_tokens == sum(
        completion.cached_tokens for completion in found.values()
    )


async def test_closing_aborts_within_a_second_and_reports_what_was_written(pair: Pair) -> None:
    engine = pair.policy
    before = await engine.stats()
    asked = [
        replace(request, token_ids=request.token_ids[:3] * 2)
        for request in await requests(engine, 20, Until(0), max_tokens=450)
    ]
    asked[0] = replace(asked[0], until=Until(0, 4))
    async with aclosing(engine.generate(asked)) as completions:
        first = await anext(completions)
        watch = Stopwatch()
    assert watch.seconds() < 1.0
    assert (await engine.stats()).running == 0
    left = await engine.take_aborted([request.key for request in asked])
    assert {c.key for c in left} == {request.key for request in asked} - {first.key}
    assert any(c.finish is Finish.ABORTED for c in left)
    assert all(c.logprobs is not None and len(c.logprobs) == len(c.token_ids) for c in left)
    written = len(first.token_ids) + sum(len(c.token_ids) for c in left)
    assert (await engine.stats()).generated_tokens - before.generated_tokens == written


async def test_a_full_context_is_a_failure_of_that_request_alone(pair: Pair) -> None:
    engine = pair.policy
    asked = await requests(engine, 3, Until(0), max_tokens=1000)
    prompt = asked[0].token_ids * 100
    asked[1] = replace(asked[1], token_ids=prompt[:512])
    asked[2] = replace(asked[2], token_ids=prompt[:510], until=Until(0, 0))
    found = await collect(engine, asked)
    assert (found["k1"].failure or "").startswith("context full")
    assert found["k2"].finish is Finish.END or (found["k2"].failure or "").startswith(
        "context full"
    )


async def test_given_tokens_that_cannot_be_judged_are_told_so(pair: Pair) -> None:
    engine, plain = pair.policy, Sampling(temperature=1.0)
    ids = (await engine.prompt("Ana has 7 apples.", None)).token_ids
    fine, full = await engine.likelihoods(
        [Given(ids, (20, 21), plain), Given(ids, ids * 60, plain)]
    )
    assert fine.failure is None and len(fine.logprobs) == 2
    assert "vLLM refused the request" in (full.failure or "")
    with pytest.raises(MissingCapability, match="for temperature 1 without truncation only"):
        await engine.likelihoods([Given(ids, (20,), Sampling(temperature=0.8))])


async def test_reward_scores_agree_with_a_reference(pair: Pair) -> None:
    scored = await pair.reward.score(SOLUTIONS)
    for solution, result in zip(SOLUTIONS, scored, strict=True):
        assert result.failure is None
        assert result.scores == pytest.approx(
            await asyncio.to_thread(reference, pair.reward_folder, solution), abs=1e-3
        )


async def test_a_solution_without_steps_or_too_long_is_a_failure_of_its_own(pair: Pair) -> None:
    none, long, good = await pair.reward.score(
        [Solution("q", ()), Solution("q" * 600, ("a",)), SOLUTIONS[0]]
    )
    assert (none.failure or "").startswith("no steps")
    assert (long.failure or "").startswith("context full")
    assert good.failure is None


async def test_a_wrong_number_of_rows_is_a_failure() -> None:
    from backend.engines.vllm.reward import check_rows

    assert "1 rows for 2 steps" in (check_rows([[0.5, 0.5]], 2, 9).failure or "")
    assert "no pairs" in (check_rows([[0.5, 0.9]], 1, 9).failure or "")
    assert check_rows([[0.25, 0.75]], 1, 9).scores == (0.75,)


def reference(folder: Path, solution: Solution) -> list[float]:
    """Scores by transformers alone: its Qwen2Model, then linear, ReLU, linear and a softmax at each
    tag."""
    import torch
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
    from transformers import Qwen2Config, Qwen2Model

    weights = load_file(str(folder / "model.safetensors"))
    model = Qwen2Model(Qwen2Config(**json.loads((folder / "config.json").read_text()))).eval()
    model.load_state_dict(
        {name.removeprefix("model."): w for name, w in weights.items() if name.startswith("model.")}
    )
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tag = tokenizer.token_to_id("<extra_0>")
    system = f"<|im_start|>system\n{solution.system}<|im_end|>\n" if solution.system else ""
    ids = tokenizer.encode(
        f"{system}<|im_start|>user\n{solution.question}<|im_end|>\n<|im_start|>assistant\n"
    ).ids
    tokenizer.encode_special_tokens = True
    tags = []
    for step in solution.steps:
        ids = [*ids, *tokenizer.encode(step).ids, tag]
        tags.append(len(ids) - 1)
    with torch.no_grad():
        hidden = model(torch.tensor([ids])).last_hidden_state[0, tags]
        inner = torch.relu(hidden @ weights["score.0.weight"].T + weights["score.0.bias"])
        logits = inner @ weights["score.2.weight"].T + weights["score.2.bias"]
    return [float(p) for p in logits.softmax(-1)[:, 1]]


async def test_a_dead_core_fails_what_runs_and_is_told(pair: Pair) -> None:
    """The last test of this file, because it kills the policy's core; that the rest can still be
    closed is the fixture's part of it."""
    engine = pair.policy
    assert not engine.dead
    reader = asyncio.create_task(
        collect(engine, await requests(engine, 2, Until(0, 450, forced=True), max_tokens=450))
    )
    await asyncio.sleep(0.1)
    [core] = engine.core.engine_core.resources.engine_manager.processes
    os.kill(core.pid, signal.SIGKILL)
    with pytest.raises(EngineFailure, match="vLLM's engine core has died"):
        await reader
    assert engine.dead
    with pytest.raises(EngineFailure, match="vLLM's engine core has died"):
        await collect(engine, await requests(engine, 1))
    assert not pair.reward.dead
