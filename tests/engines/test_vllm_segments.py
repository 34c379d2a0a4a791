"""Where the vLLM engine ends a step, on a core that writes a given text and stops as vLLM does: no
model is loaded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from backend.core.ports import Capabilities, EngineInfo, Request, Sampling, Until
from backend.core.splitting import Splitting
from backend.core.types import Finish

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("default")]

END = 0
WORDS = ("<end>", "```\n", "x", "\n\n", "y\n", "```", "A.", "\n", " ", "Step", " 1", " 2", ":", "B")


class Chat:
    """One id a word."""

    def ids_containing(self, mark: str) -> frozenset[int]:
        return frozenset(i for i, word in enumerate(WORDS) if mark in word)


class Vocabulary:
    chat, ends = Chat(), frozenset({END})

    def text(self, token: int) -> str:
        return WORDS[token]

    def decode(self, prompt: Sequence[int], ids: Sequence[int], *, last: bool) -> str:
        return "".join(WORDS[token] for token in ids if token != END)


class Core:
    """Writes `ids` behind a prompt of one token, up to what the parameters of the request say."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids, self.seeds = ids, list[int]()

    async def generate(self, prompt: Any, params: Any, handle: str) -> AsyncIterator[Any]:
        self.seeds.append(params.seed)
        done, text, found, reason = len(prompt["prompt_token_ids"]) - 1, "", list[int](), "length"
        for token in self.ids[done : done + params.max_tokens]:
            found.append(token)
            text += WORDS[token]
            stops = any(stop in text for stop in params.stop or ())
            if token in params.stop_token_ids or stops:
                reason = "stop"
                break
        output = SimpleNamespace(token_ids=found, logprobs=None, finish_reason=reason)
        yield SimpleNamespace(finished=True, num_cached_tokens=0, outputs=[output])


async def first_step(words: Sequence[str], splitting: Splitting, steps: int = 1) -> Any:
    """The completion of one request, and the core that wrote it."""
    from backend.engines.vllm.engine import VllmEngine
    from backend.engines.vllm.start import Started, VllmSettings

    core = Core([*map(WORDS.index, words), END])
    info = EngineInfo("vllm", "m", "1", "float32", 1, 1000, "\n\n", Capabilities())
    engine = VllmEngine(Started(core, Vocabulary(), None, info), VllmSettings())  # type: ignore[arg-type]
    request = Request("k", "", (6,), 7, Until(steps), Sampling(max_tokens=50), splitting)
    [found] = [one async for one in engine.generate([request])]
    return found, core, engine


@pytest.mark.parametrize(
    ("splitting", "words", "text", "segments"),
    [
        (Splitting(), ["A.", "\n\n", "B"], "A.\n\n", 1),
        (Splitting(), ["A.", "\n", "\n", "B"], "A.\n\n", 1),
        (Splitting(), ["A.", "\n", " ", "\n", "B"], "A.\n \n", 1),
        (Splitting(), ["```\n", "x", "\n\n", "y\n", "```", "\n\n", "B"], "```\nx\n\ny\n```\n\n", 2),
        (Splitting(), ["A.", "\n", " ", " ", "\n", "B"], "A.\n  \n", 1),
        (Splitting("text"), ["```\n", "x", "\n\n", "B"], "```\nx\n\n", 1),
        (Splitting("line"), ["A.", "\n", "B"], "A.\n", 1),
        (Splitting("tokens", length=2), ["A.", "\n", "B"], "A.\n", 1),
        (
            Splitting("heading"),
            ["Step", " 1", ":", "A.", "\n", "Step", " 2", ":", "B"],
            "Step 1:A.\nStep 2:",
            2,
        ),
    ],
)
async def test_a_step_ends_where_the_splitter_says_and_nothing_is_written_twice(
    splitting: Splitting, words: Sequence[str], text: str, segments: int
) -> None:
    found, core, engine = await first_step(words, splitting)
    assert (found.text, found.finish, found.failure) == (text, Finish.STEP, None)
    assert len(core.seeds) == segments == len(set(core.seeds)) and core.seeds[0] == 7
    dropped = sum(len(WORDS[token]) > 0 for token in core.ids) - len(found.token_ids)
    assert 0 <= engine._spare <= dropped


async def test_two_steps_take_two_segments_and_an_end_ends_them() -> None:
    found, core, _ = await first_step(["A.", "\n\n", "B", "\n\n", "x"], Splitting(), steps=2)
    assert (found.text, found.finish, len(core.seeds)) == ("A.\n\nB\n\n", Finish.STEP, 2)
    found, _, _ = await first_step(["A.", "\n\n", "B"], Splitting(), steps=2)
    assert (found.text, found.finish) == ("A.\n\nB", Finish.END)
