"""Final rules by name: what the catalogue knows of a selector, and how one is registered."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from backend.core.cards import JudgeCard, card_beside, read_card
from backend.core.ports import Classes, Decision, Tally
from backend.core.registry import NoParams, Params, Registry, parse_params
from backend.core.types import Node
from backend.judging.measures import Measure, count_votes
from backend.problems import extract_answer

SELECTORS: Registry[Rule] = Registry("selector", "backend.judging.selectors")


Factory = TypeVar("Factory", bound=Callable[..., Tally])


@dataclass(frozen=True)
class Rule:
    """A `ports.Selector` made of its tally, and what the catalogue knows of it. `needs` names
    engine capabilities; `settings` are its parameters; `source` is where its card lies; `measure`
    says what it goes by."""

    name: str
    make: Callable[..., Tally]
    params: type[Params]
    settings: Params
    votes: bool
    needs: tuple[str, ...]
    source: Path
    measure: Measure = count_votes

    @cached_property
    def card(self) -> JudgeCard:
        """The text about it. Raises `BadInput` for a card that is missing or wrong."""
        return read_card(self.source, JudgeCard)

    @property
    def summary(self) -> str:
        """The docstring of its tally."""
        return inspect.getdoc(self.make) or ""

    def with_params(self, params: Mapping[str, object]) -> Rule:
        """The same rule with other parameters. Raises `BadInput`."""
        return replace(
            self, settings=parse_params(self.params, params, f"the selector {self.name}")
        )

    def tally(self, classes: Classes | None = None) -> Tally:
        return self.make(self.settings, classes)

    def decide(
        self, nodes: Sequence[Node], values: Sequence[float | None], classes: Classes | None = None
    ) -> Decision:
        """Who wins among these, with all that tie. Answers are read from the texts; without
        `classes` only exactly equal ones are the same."""
        running = self.tally(classes)
        for node, value in zip(nodes, values, strict=True):
            running.add(node, value, extract_answer(node.solution_text()))
        return running.decision()

    def __call__(self, nodes: Sequence[Node], values: Sequence[float | None]) -> Node:
        return self.decide(nodes, values).leaders[0]


def selector(
    name: str,
    params: type[Params] = NoParams,
    *,
    votes: bool = False,
    needs: tuple[str, ...] = (),
    card: Path | None = None,
    measure: Measure = count_votes,
) -> Callable[[Factory], Factory]:
    """Register a class of tallies (`backend.core.ports.Tally`) as the final rule `name`. For each
    run the class is called with the parameters and the classes of equal answers.

    - `name`: what a run names the rule by; lower case with underscores.
    - `params`: the model of its parameters, each with a default.
    - `votes`: whether the rule depends on which answers are the same. Only for such a rule are
      answers compared before it is asked.
    - `needs`: capabilities of the engine without which it cannot decide, such as `logprobs`.
    - `measure`: the one number of each candidate that the rule decides by, so that a decision can
      be explained; by default the votes for its answer.
    - `card`: the Markdown file with the text about it; by default `cards/NAME.md` beside the file
      of the class.

    Raises `ValueError` where another rule has the name."""

    def register(factory: Factory) -> Factory:
        source = card or card_beside(inspect.getfile(factory), name)
        SELECTORS.add(name, Rule(name, factory, params, params(), votes, needs, source, measure))
        return factory

    return register
