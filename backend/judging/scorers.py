"""Verifiers by name: what the catalogue knows of one, how one is registered, and how one is built
for a run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from backend.core.cards import JudgeCard, card_beside, read_card
from backend.core.errors import MissingCapability
from backend.core.ports import Aggregation, EngineInfo, RewardModel, Verifier
from backend.core.registry import NoParams, Params, Registry, parse_params
from backend.core.splitting import AT_BLANK_LINES, Splitting
from backend.problems.base import Problem
from backend.problems.extraction import Reader, extract

VERIFIERS: Registry[VerifierEntry] = Registry("verifier", "backend.judging.verifiers")

REWARD_MODEL, KNOWN_ANSWER = "reward_model", "known_answer"
"""What a verifier may need besides capabilities of the engine that writes."""

LACKING: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        REWARD_MODEL: (
            "a process reward model",
            "Choose a reward model, or another verifier",
        ),
        KNOWN_ANSWER: (
            "a problem whose answer is known",
            "Choose a problem from a set, or give the answer, or choose another verifier",
        ),
    }
)
"""Each need that is no capability, in words, and what a user can do about it."""


@dataclass(frozen=True, kw_only=True)
class VerifierInputs:
    """What a verifier can be made of in one run. `reward` is there for a verifier that needs a
    reward model; `splitting` says where steps end; `aggregation` makes the score of a path from those of
    its steps; `read` finds the answer in a text."""

    problem: Problem
    reward: RewardModel | None = None
    aggregation: Aggregation = "last"
    system: str | None = None
    splitting: Splitting = AT_BLANK_LINES
    read: Reader = extract


@dataclass(frozen=True)
class VerifierEntry:
    """What the catalogue knows of a verifier. `needs` names `reward_model`, `known_answer` and
    capabilities of the engine. `by_steps`: it gives scores of steps, which the run's aggregation
    makes into the score of a path, so that another aggregation can be tried on stored scores.
    `alternatives` is how many likeliest tokens at each position it reads: a run that stores fewer
    asks for that many. `source` is where its card lies."""

    name: str
    make: Callable[..., Verifier]
    params: type[Params]
    needs: tuple[str, ...]
    by_steps: bool
    source: Path
    alternatives: int = 0

    @cached_property
    def card(self) -> JudgeCard:
        """The text about it. Raises `BadInput` for a card that is missing or wrong."""
        return read_card(self.source, JudgeCard)

    @property
    def summary(self) -> str:
        """The docstring of what makes it."""
        return inspect.getdoc(self.make) or ""

    @property
    def needs_reward_model(self) -> bool:
        return REWARD_MODEL in self.needs

    @property
    def needs_known_answer(self) -> bool:
        return KNOWN_ANSWER in self.needs

    def parse(self, params: Mapping[str, object]) -> Params:
        """Validated parameters. Raises `BadInput`."""
        return parse_params(self.params, params, f"the verifier {self.name}")

    def require(
        self, *, reward: bool = True, known: bool = True, engine: EngineInfo | None = None
    ) -> None:
        """Raises `MissingCapability` for the first need that is not met. What the caller cannot
        tell yet (no `engine`) counts as met."""
        there = {REWARD_MODEL: reward, KNOWN_ANSWER: known}
        for need in self.needs:
            if need in there:
                what, remedy = LACKING[need]
                met = there[need]
            elif engine is not None:
                what, remedy = _lacking(need, engine), "Choose another verifier"
                met = bool(getattr(engine.capabilities, need, False))
            else:
                continue
            if not met:
                raise MissingCapability(f"the verifier {self.name} needs {what}", remedy)

    def build(
        self, inputs: VerifierInputs, params: Mapping[str, object] = MappingProxyType({})
    ) -> Verifier:
        """The verifier for one run. Raises `BadInput` for a parameter, and `MissingCapability`
        where a reward model is needed and not given."""
        self.require(reward=inputs.reward is not None)
        return self.make(self.parse(params), inputs)


def _lacking(need: str, engine: EngineInfo) -> str:
    words = {"logprobs": "log-probabilities", "alternatives": "the likeliest tokens at a position"}
    what = words.get(need, need.replace("_", " "))
    return f"{what}, which {engine.engine} does not give"


Maker = TypeVar("Maker", bound=Callable[..., Verifier])


def verifier(
    name: str,
    params: type[Params] = NoParams,
    *,
    needs: tuple[str, ...] = (),
    by_steps: bool = False,
    alternatives: int = 0,
    card: Path | None = None,
) -> Callable[[Maker], Maker]:
    """Register what makes the verifier `name`: a function, or a class, that is called with the
    parameters and the `VerifierInputs` of a run and returns a `backend.core.ports.Verifier`.

    - `name`: what a run names the verifier by; lower case with underscores.
    - `params`: the model of its parameters.
    - `needs`: `reward_model` for a run that loads one, `known_answer` for a problem whose answer is
      known, or capabilities of the engine that writes. A run that lacks one is refused.
    - `by_steps`: whether it scores each step, so that the run's aggregation makes the score of a
      path, and another aggregation can be tried on the stored scores.
    - `alternatives`: likeliest tokens at each position that it reads. The engine is asked for that
      many where the run itself asks for fewer.
    - `card`: the Markdown file with the text about it; by default `cards/NAME.md` beside the file
      of the function.

    Raises `ValueError` where another verifier has the name."""

    def register(maker: Maker) -> Maker:
        source = card or card_beside(inspect.getfile(maker), name)
        entry = VerifierEntry(name, maker, params, needs, by_steps, source, alternatives)
        VERIFIERS.add(name, entry)
        return maker

    return register
