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
    """Register a final rule under `name`: the class of its tallies, made with (parameters, classes
    of answers). With `votes` it matters to the rule which answers are the same. Every parameter has
    a default. What a reader is told stands in its `card`, by default `cards/NAME.md` beside the
    file of the class. `measure` tells in one number a candidate what the rule goes by, by default
    the votes for its answer."""

    def register(factory: Factory) -> Factory:
        source = card or card_beside(inspect.getfile(factory), name)
        SELECTORS.add(name, Rule(name, factory, params, params(), votes, needs, source, measure))
        return factory

    return register
