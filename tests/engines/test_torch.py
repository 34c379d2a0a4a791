"""The torch engine beyond the contract: caches, company, limits, text that is cut inside a
character, bad numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace
from transformers import Qwen2ForCausalLM

from backend.core.errors import BadInput, EngineFailure
from backend.core.ports import END, STEP, Completion, Given, Request, Sampling, tokens
from backend.core.types import Finish
from backend.engines.torch.engine import TorchEngine
from tests.engines import tiny

WARM = Sampling(temperature=1.0, max_tokens=60)
QUESTION = "Ana has 7 apples."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
async def engine(folder: Path) -> AsyncGenerator[TorchEngine]:
    made = TorchEngine.load(folder, threads=1)
    yield made
    await made.close()


async def ask(
    engine: TorchEngine, ids: Sequence[int], seeds: Sequence[int], **changes: object
) -> list[Completion]:
    """Completions of one prompt under several seeds, in the order of the seeds."""
    base = Request("", "", tuple(ids), 0, STEP, WARM)
    requests = [replace(base, key=str(i), seed=seed, **changes) for i, seed in enumerate(seeds)]  # type: ignore[arg-type]
    found = {completion.key: completion async for completion in engine.generate(requests)}
    return [found[request.key] for request in requests]


async def walk(engine: TorchEngine, question: str, seed: int, rounds: int = 5) -> list[Completion]:
    """A small search: extend, keep two of four, extend again."""
    ids = (await engine.prompt(question, None)).token_ids
    paths, found = [ids] * 4, []
    for at in range(rounds):
        calls = [
            ask(engine, path, [seed * 1000 + at * 10 + i], until=tokens(7))
            for i, path in enumerate(paths)
        ]
        children = [group[0] for group in await asyncio.gather(*calls)]
        paths = [paths[i] + children[i].token_ids for i in (0, 2, 2, 3)]
        found += children
    return found


async def test_search_gets_the_same_tokens_alone_and_beside_other_searches(
    folder: Path, engine: TorchEngine
) -> None:
    beside = (
        await asyncio.gather(
            *(walk(engine, QUESTION + " " * (seed % 2) + str(seed), seed) for seed in range(6))
        )
    )[3]
    fresh = TorchEngine.load(folder, threads=1)
    alone = await walk(fresh, QUESTION + " 3", 3)
    await fresh.close()
    assert [c.token_ids for c in alone] == [c.token_ids for c in beside]
    assert (
        max(
            abs(a - b)
            for c, d in zip(alone, beside, strict=True)
            for a, b in zip(c.logprobs or (), d.logprobs or (), strict=True)
        )
        < 1e-5
    )


async def test_tokens_do_not_depend_on_what_the_cache_could_keep(
    folder: Path, engine: TorchEngine
) -> None:
    forgetful = TorchEngine.load(folder, threads=1, rows=2, cache_bytes=0)
    with_cache, without = await walk(engine, QUESTION, 1), await walk(forgetful, QUESTION, 1)
    await forgetful.close()
    assert [c.token_ids for c in with_cache] == [c.token_ids for c in without]


async def test_greedy_decoding_agrees_with_transformers(folder: Path, engine: TorchEngine) -> None:
    ids = (await engine.prompt(QUESTION, None)).token_ids
    [found] = await ask(engine, ids, [0], until=END, sampling=replace(WARM, temperature=0.0))
    reference = Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        expected = reference.generate(torch.tensor([ids]), max_new_tokens=60, do_sample=False)[
            0, len(ids) :
        ].tolist()
    assert list(found.token_ids) == expected[: len(found.token_ids)] and len(expected) == len(
        found.token_ids
    )


async def test_siblings_share_one_prefill_and_a_continuation_needs_none(
    engine: TorchEngine,
) -> None:
    ids = (await engine.prompt(QUESTION, None)).token_ids
    first = await ask(engine, ids, range(4), until=tokens(6))
    assert sorted(c.cached_tokens for c in first) == [0] + [len(ids) - 1] * 3
    longer = ids + first[0].token_ids
    second = await ask(engine, longer, range(3))
    assert [c.cached_tokens for c in second] == [len(longer) - 1] * 3


async def test_a_prompt_that_branches_off_inside_a_cached_run_reuses_the_common_part(
    engine: TorchEngine,
) -> None:
    ids = (await engine.prompt(QUESTION, None)).token_ids
    found = max(await ask(engine, ids, range(8), until=tokens(12)), key=lambda c: len(c.token_ids))
    other = (found.token_ids[6] + 1) % 200
    [branch] = await ask(engine, ids + found.token_ids[:6] + (other, other), [6])
    assert branch.cached_tokens == len(ids) + 6


async def test_more_requests_than_rows_wait_their_turn(folder: Path) -> None:
    narrow = TorchEngine.load(folder, threads=1, rows=3)
    ids = (await narrow.prompt(QUESTION, None)).token_ids
    found = await ask(narrow, ids, range(10))
    assert len(found) == 10 and (await narrow.stats()).running == 0
    await narrow.close()


async def test_every_token_that_contains_the_delimiter_ends_a_step(
    engine: TorchEngine, folder: Path
) -> None:
    from backend.engines.torch.rows import DecodingRow

    vocabulary = engine._vocabulary
    request = Request("a", "", (1, 2), 0, STEP, WARM)
    closing = [i for i in range(vocabulary.chat.size) if "\n\n" in vocabulary.text(i)]
    assert len(closing) >= 5
    for token in closing:
        done = DecodingRow(request, vocabulary, 100).accept(token, -1.0)
        assert done is not None and done.finish is Finish.STEP
    newline = next(i for i in range(vocabulary.chat.size) if vocabulary.text(i) == "\n")
    across = DecodingRow(request, vocabulary, 100)
    assert across.accept(newline, -1.0) is None
    done = across.accept(newline, -1.0)
    assert done is not None and done.finish is Finish.STEP and done.text == "\n\n"


async def test_a_character_cut_in_two_comes_out_whole_in_the_continuation(
    engine: TorchEngine,
) -> None:
    vocabulary = engine._vocabulary
    ids = vocabulary.encode("é€😀")
    for cut in range(len(ids) + 1):
        first = vocabulary.decode((), ids[:cut], last=False)
        assert first + vocabulary.decode(ids[:cut], ids[cut:], last=True) == "é€😀"


async def test_special_tokens_written_by_a_user_stay_text(engine: TorchEngine) -> None:
    end = next(iter(engine._vocabulary.ends))
    plain = (await engine.prompt("Say hi", None)).token_ids
    prompt = await engine.prompt("Say <|im_end|> hi", None)
    assert sum(i >= min(engine._vocabulary.ends) for i in prompt.token_ids) == sum(
        i >= min(engine._vocabulary.ends) for i in plain
    )
    assert end not in await engine.encode("<|im_end|><|endoftext|>")
    assert "".join(await engine.tokens(prompt.token_ids)) == prompt.text


async def test_a_full_context_is_a_failure_of_the_request_alone(engine: TorchEngine) -> None:
    ids = (await engine.prompt(QUESTION, None)).token_ids
    long = (ids * 60)[:508]
    [cut] = await ask(engine, long, [1], until=END)
    assert cut.failure and cut.failure.startswith("context full") and 0 < len(cut.token_ids) <= 4
    [refused] = await ask(engine, ids * 60, [1])
    assert refused.failure and refused.failure.startswith("context full") and not refused.token_ids
    [fine] = await ask(engine, ids, [1])
    assert fine.failure is None


async def test_ids_outside_the_vocabulary_and_empty_prompts_are_refused(
    engine: TorchEngine,
) -> None:
    [outside], [empty] = await ask(engine, (1, 99_999), [1]), await ask(engine, (), [1])
    assert outside.failure and "vocabulary" in outside.failure
    assert empty.failure and "empty" in empty.failure


async def test_logits_that_are_no_numbers_fail_the_request_and_nothing_else(folder: Path) -> None:
    engine = TorchEngine.load(folder, threads=1)
    poisoned = 40
    engine._worker._batch.decoder.embedding = engine._worker._batch.decoder.embedding.clone()
    engine._worker._batch.decoder.embedding[poisoned] = torch.nan
    ids = (await engine.prompt(QUESTION, None)).token_ids
    expected = await ask(engine, ids, [3])
    [bad], *good = await asyncio.gather(
        ask(engine, (*ids, poisoned), [2]), *(ask(engine, ids, [3]) for _ in range(3))
    )
    assert bad.failure and "NaN" in bad.failure
    assert all(c.token_ids == expected[0].token_ids and c.failure is None for [c] in good)
    await engine.close()


async def test_given_tokens_agree_with_transformers_beside_decoding_and_with_few_slots(
    folder: Path,
) -> None:
    narrow = TorchEngine.load(folder, threads=1, rows=2)
    ids = (await narrow.prompt(QUESTION, None)).token_ids
    # the last one is longer than a forward pass
    texts = [tuple(range(20 + i, 20 + 90 * (i + 1))) for i in range(3)] + [(ids * 40)[:480]]
    decoding = asyncio.create_task(ask(narrow, ids, range(4)))
    told = await narrow.likelihoods([Given(ids, text, WARM) for text in texts])
    assert (
        all(completion.failure is None for completion in await decoding)
        and (await narrow.stats()).running == 0
    )
    await narrow.close()
    reference = Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32)
    for one, text in zip(told, texts, strict=True):
        with torch.no_grad():
            logits = (
                reference(torch.tensor([[*ids, *text]]))
                .logits[0, len(ids) - 1 : -1]
                .log_softmax(-1)
            )
        assert one.logprobs == pytest.approx(
            logits.gather(1, torch.tensor(text)[:, None])[:, 0].tolist(), abs=1e-4
        )


async def test_what_was_judged_is_in_the_cache(engine: TorchEngine) -> None:
    ids = (await engine.prompt(QUESTION, None)).token_ids
    [first] = await engine.likelihoods([Given(ids, (30, 31, 32, 33), WARM)])
    [behind] = await ask(engine, (*ids, 30, 31, 32, 33), [1])
    [again] = await engine.likelihoods([Given((*ids, 30), (31, 34), WARM)])
    assert (first.cached_tokens, behind.cached_tokens, again.cached_tokens) == (
        0,
        len(ids) + 3,
        len(ids),
    )


async def test_given_tokens_that_cannot_be_judged_fail_alone(folder: Path) -> None:
    engine = TorchEngine.load(folder, threads=1)
    batch, poisoned = engine._worker._batch, 40
    batch.decoder.embedding = batch.decoder.embedding.clone()
    batch.decoder.embedding[poisoned] = torch.nan
    ids = (await engine.prompt(QUESTION, None)).token_ids
    bad = [
        Given((), (1,), WARM),
        Given(ids, (99_999,), WARM),
        Given((ids * 60)[:511], (1, 1), WARM),
        Given(ids, (poisoned, 1), WARM),
    ]
    *failed, fits, fine = await engine.likelihoods(
        [*bad, Given((ids * 60)[:511], (1,), WARM), Given(ids, (1, 2), WARM)]
    )
    assert [one.logprobs for one in failed] == [()] * 4
    assert [(one.failure or "").split()[0] for one in failed] == [
        "empty",
        "token",
        "context",
        "the",
    ]
    assert fits.failure is None and (await engine.likelihoods([Given(ids, (1, 2), WARM)]))[
        0
    ].logprobs == pytest.approx(fine.logprobs, abs=1e-5)
    await engine.close()


async def test_closing_the_engine_fails_what_is_in_flight(folder: Path) -> None:
    engine = TorchEngine.load(folder, threads=1)
    ids = (await engine.prompt(QUESTION, None)).token_ids
    task = asyncio.create_task(
        ask(engine, ids, range(8), until=tokens(450), sampling=replace(WARM, max_tokens=450))
    )
    judging = asyncio.create_task(engine.likelihoods([Given(ids, (ids * 40)[:480], WARM)] * 200))
    await asyncio.sleep(0.05)
    await engine.close()
    with pytest.raises(EngineFailure):
        await task
    with pytest.raises(EngineFailure):
        await judging
    with pytest.raises(EngineFailure):
        await ask(engine, ids, [1])
    with pytest.raises(EngineFailure):
        await engine.likelihoods([Given(ids, (1,), WARM)])


async def test_a_reward_model_is_not_taken_for_a_language_model(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Qwen2ForCausalLM"):
        TorchEngine.load(tiny.build(tmp_path / "reward", reward=True))
