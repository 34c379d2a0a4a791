"""The scripted engine: probabilities are those of its table."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter

import pytest

from backend.core.errors import EngineFailure
from backend.core.ports import (
    END,
    STEP,
    Completion,
    Given,
    Request,
    Sampling,
    Solution,
    Until,
    tokens,
)
from backend.core.types import Finish
from backend.engines.scripted.engine import END_TEXT, ScriptedEngine, ScriptedRewardModel
from backend.engines.scripted.row import decode, encode

TABLE = {
    "": [("left.\n\n", 0.5), ("lend.\n\n", 0.3), ("right.\n\n", 0.2)],
    "left.\n\n": [("done" + END_TEXT, 0.9), ("don't" + END_TEXT, 0.1)],
}
PLAIN = Sampling(temperature=1.0)


async def ask(
    engine: ScriptedEngine,
    count: int,
    until: Until = STEP,
    sampling: Sampling = PLAIN,
    written: str = "",
) -> list[Completion]:
    prompt = await engine.prompt("Where to?", None)
    ids = prompt.token_ids + await engine.encode(written)
    requests = [
        Request(str(i), prompt.text + written, ids, i, until, sampling) for i in range(count)
    ]
    return [completion async for completion in engine.generate(requests)]


async def test_steps_come_with_the_probabilities_of_the_table() -> None:
    counts = Counter(c.text for c in await ask(ScriptedEngine(TABLE), 4000))
    for text, probability in TABLE[""]:
        assert abs(counts[text] / 4000 - probability) < 4 * math.sqrt(
            probability * (1 - probability) / 4000
        )


async def test_logprobs_of_a_step_add_up_to_its_own() -> None:
    weights = dict(TABLE[""])
    for completion in await ask(ScriptedEngine(TABLE), 40):
        assert completion.logprobs is not None and math.exp(
            sum(completion.logprobs)
        ) == pytest.approx(weights[completion.text])


async def test_temperature_zero_takes_the_likeliest_character_each_time() -> None:
    found = await ask(ScriptedEngine(TABLE), 5, END, Sampling(temperature=0.0))
    assert {c.text for c in found} == {"left.\n\ndone"} and {c.finish for c in found} == {
        Finish.END
    }


async def test_a_half_written_step_is_completed() -> None:
    found = await ask(ScriptedEngine(TABLE), 200, written="le")
    assert {c.text for c in found} == {"ft.\n\n", "nd.\n\n"}
    assert {round(math.exp(sum(c.logprobs or ())), 6) for c in found} == {0.625, 0.375}


async def test_a_solution_the_table_does_not_know_ends() -> None:
    [found] = await ask(ScriptedEngine(TABLE), 1, written="right.\n\n")
    assert (found.text, found.finish, len(found.token_ids)) == ("", Finish.END, 1)


async def test_ids_spell_the_text_back() -> None:
    text = "a\n\n\n\nb\n😀"
    assert decode(encode(text)) == text


async def test_given_steps_are_as_likely_as_the_table_says_and_impossible_ones_never_come() -> None:
    engine = ScriptedEngine(TABLE)
    prompt = (await engine.prompt("Where to?", None)).token_ids
    given = {"left.\n\n": 0.5, "right.\n\n": 0.2, "lend.\n\n": 0.3, "wrong.\n\n": 0.0}
    told = await engine.likelihoods([Given(prompt, encode(text), PLAIN) for text in given])
    assert [math.exp(sum(one.logprobs)) for one in told] == pytest.approx(list(given.values()))
    [tempered] = await engine.likelihoods(
        [Given(prompt, encode("right.\n\n"), Sampling(temperature=0.5))]
    )
    assert math.exp(sum(tempered.logprobs)) == pytest.approx(0.2**2 / (0.2**2 + 0.8**2))
    [full] = await ScriptedEngine(TABLE, context=len(prompt) + 4).likelihoods(
        [Given(prompt, encode("left.\n\n"), PLAIN)]
    )
    assert (full.failure or "").startswith("context full")


async def test_cut_by_tokens_is_a_length() -> None:
    assert {c.finish for c in await ask(ScriptedEngine(TABLE), 5, tokens(3))} == {Finish.LENGTH}


async def test_failures_can_be_ordered() -> None:
    found = {
        c.key: c.failure
        for c in await ask(
            ScriptedEngine(TABLE, failure=lambda key: "no" if key == "1" else None), 3
        )
    }
    assert found == {"0": None, "1": "no", "2": None}
    with pytest.raises(EngineFailure, match="out of order"):
        await ask(ScriptedEngine(broken="out of order"), 1)


async def test_context_full_is_named() -> None:
    [found] = await ask(ScriptedEngine(TABLE, context=12), 1, END)
    assert found.failure and found.failure.startswith("context full")


async def test_the_script_it_knows_by_heart_finishes_any_question() -> None:
    engine = ScriptedEngine()
    for question in ("Add 7, 5 and 20.", "What is love?", ""):
        prompt = await engine.prompt(question, "Be brief.")
        found = [
            c
            async for c in engine.generate(
                [Request(str(i), prompt.text, prompt.token_ids, i, END, PLAIN) for i in range(20)]
            )
        ]
        assert (
            all(c.finish is Finish.END and "\\boxed{" in c.text for c in found)
            and len({c.text for c in found}) > 3
        )


async def test_the_reward_model_that_comes_with_it_prefers_true_sums() -> None:
    right, wrong = await ScriptedRewardModel().score(
        [Solution("7, 5 and 20", ("7 + 5 = 12.",)), Solution("7, 5 and 20", ("7 + 5 = 2.",))]
    )
    assert right.scores[0] > 0.7 > wrong.scores[0]


async def test_a_score_too_few_is_a_failure() -> None:
    [result] = await ScriptedRewardModel(lambda question, steps: [0.5]).score(
        [Solution("q", ("a", "b"))]
    )
    assert result.failure and "1 scores for 2 steps" in result.failure


def test_it_loads_without_torch() -> None:
    code = (
        "import sys, backend.engines.scripted.engine; sys.exit('torch' in sys.modules or "
        "'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
