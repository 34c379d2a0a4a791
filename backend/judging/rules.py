"""Final rules by name: what the catalogue knows of a selector, and how one is registered."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from backend.core.ports import Classes, Decision, Tally
from backend.core.registry import NoParams, Params, Registry, parsed
from backend.core.types import Node
from backend.problems import extract_answer

SELECTORS: Registry[Rule] = Registry("selector")


Factory = TypeVar("Factory", bound=Callable[..., Tally])


@dataclass(frozen=True)
class Rule:
    """A `ports.Selector` made of its tally, and what the catalogue knows of it. `needs` names
    engine capabilities; `settings` are its parameters."""

    name: str
    title: str
    summary: str
    make: Callable[..., Tally]
    params: type[Params]
    settings: Params
    paper: str = ""
    votes: bool = False
    needs: tuple[str, ...] = ()

    def configured(self, params: Mapping[str, object]) -> Rule:
        """The same rule with other parameters. Raises `BadInput`."""
        return replace(self, settings=parsed(self.params, params, f"the selector {self.name}"))

    def tally(self, classes: Classes | None = None) -> Tally:
        return self.make(self.settings, classes)

    def decide(
        self, nodes: Sequence[Node], values: Sequence[float | None], classes: Classes | None = None
    ) -> Decision:
        """Who wins among these, with all that tie. Answers are read from the texts; without
        `classes` only exactly equal ones are the same."""
        running = self.tally(classes)
        for node, value in zip(nodes, values, strict=True):
            running.add(node, value, extract_answer(node.written()))
        return running.decision()

    def __call__(self, nodes: Sequence[Node], values: Sequence[float | None]) -> Node:
        return self.decide(nodes, values).leaders[0]


def selector(
    name: str,
    title: str,
    params: type[Params] = NoParams,
    *,
    paper: str = "",
    votes: bool = False,
    needs: tuple[str, ...] = (),
) -> Callable[[Factory], Factory]:
    """Register a final rule under `name`: the class of its tallies, made with (parameters, classes
    of answers). With `votes` it matters to the rule which answers are the same. Every parameter has
    a default."""

    def register(factory: Factory) -> Factory:
        SELECTORS.add(
            name,
            Rule(
                name,
                title,
                inspect.getdoc(factory) or "",
                factory,
                params,
                params(),
                paper,
                votes,
                needs,
            ),
        )
        return factory

    return register
