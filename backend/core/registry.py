"""Plug-ins by name: adding a strategy, a selector, a verifier, an engine, a problem set or a
labeller of steps is one file (or one folder) in the room of its family.

Importing the package of a family imports every file in it (`import_modules`), and each registers
itself: no list names them. A registry imports its package by itself when something is looked up.

A strategy registers as an async generator. The type of its argument `params` is its pydantic
parameter model; each of its keyword-only arguments is a further role (`draft`, `judge`) that a run
has to map to a model. The text about a strategy stands in its card (`backend.core.cards`).
"""

from __future__ import annotations

import inspect
import pkgutil
import sys
from collections.abc import (
    AsyncGenerator,
    Callable,
    ItemsView,
    Iterator,
    Mapping,
    Sequence,
    ValuesView,
)
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError

from backend.core.cards import StrategyCard, card_beside, read_card
from backend.core.errors import BadInput
from backend.core.ports import Sampling
from backend.core.steps import Step

T = TypeVar("T")


class Params(BaseModel):
    """Base of every parameter model: frozen, unknown names refused. Field descriptions become the
    help texts of the form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def needs(self, sampling: Sampling) -> Mapping[str, str]:
        """Engine capabilities that only these parameters need, where tokens are drawn so; each with
        what a user can do instead."""
        return {}


class NoParams(Params):
    """For a plug-in that has no parameters."""


class Registry(Generic[T]):
    """Names to plug-ins of one family. Iterates over the names in order of registration.

    The first look-up imports `package`, if one is named, in which the plug-ins of this project
    are; one from elsewhere comes in by `add`.
    """

    def __init__(self, family: str, package: str = "") -> None:
        self.family, self._package = family, package
        self._added: dict[str, T] = {}
        self._whole = False

    @property
    def _entries(self) -> dict[str, T]:
        if not self._whole:
            if self._package:
                import_module(self._package)  # threads that come meanwhile wait in here
            self._whole = True
        return self._added

    def add(self, name: str, entry: T) -> None:
        if name in self._added:
            raise ValueError(f"{self.family} {name!r} is registered twice")
        self._added[name] = entry

    def remove(self, name: str) -> T:
        """Take an entry out and return it, so that a plug-in can come and go at run time. Raises
        `BadInput` as a lookup does."""
        entry = self[name]
        del self._added[name]
        return entry

    def __getitem__(self, name: str) -> T:
        """Raises `BadInput` naming the registered entries when there is no such name."""
        if name not in self._entries:
            raise BadInput(self.family, given=name, accepted=", ".join(self._entries))
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, name: str) -> T | None:
        """The entry of that name, or None: for names that stored runs hold and nobody knows."""
        return self._entries.get(name)

    def values(self) -> ValuesView[T]:
        return self._entries.values()

    def items(self) -> ItemsView[str, T]:
        return self._entries.items()


def import_modules(
    package: str, *, first: Sequence[str] = (), folders: bool = False, without: Sequence[str] = ()
) -> list[ModuleType]:
    """Import every module of `package` that lies in its folder, or with `folders` every package in
    it, but those that `without` names, and return them: those that `first` names in that order,
    then the others by name.

    The order of import is the order of registration, hence that of the catalogue.
    """
    found = {
        one.name
        for one in pkgutil.iter_modules(sys.modules[package].__path__)
        if one.ispkg is folders and one.name not in without
    }
    leading = [name for name in first if name in found]
    names = [*leading, *sorted(found.difference(leading))]
    return [import_module(f"{package}.{name}") for name in names]


StrategyFunction = Callable[..., AsyncGenerator[Step]]


@dataclass(frozen=True)
class StrategyEntry:
    """A strategy that is registered: its function, the formulas that its decisions go by, and where
    its card lies. Parameter model, roles and card are looked up when they are first asked for."""

    name: str
    run: StrategyFunction
    formulas: Mapping[str, float | None]
    source: Path

    @cached_property
    def card(self) -> StrategyCard:
        """The text about it. Raises `BadInput` for a card that is missing or wrong."""
        return read_card(self.source, StrategyCard)

    @cached_property
    def params(self) -> type[Params]:
        """The parameter model: the type of the argument `params`, which a file may define below its
        algorithm."""
        model: type[Params] = get_type_hints(self.run)["params"]
        return model

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """Names of its keyword-only arguments: further models that a run has to map."""
        named = inspect.signature(self.run).parameters.values()
        return tuple(each.name for each in named if each.kind is inspect.Parameter.KEYWORD_ONLY)

    @property
    def summary(self) -> str:
        """The docstring of the function, or of its file."""
        return inspect.getdoc(self.run) or inspect.getdoc(inspect.getmodule(self.run)) or ""

    def parse(self, params: Mapping[str, object]) -> Params:
        """Validated parameters; raises `BadInput` that names the field, what was given and what is
        accepted."""
        return parse_params(self.params, params, self.name)


def parse_params(model: type[Params], params: Mapping[str, object], of: str) -> Params:
    """Validated parameters of the plug-in `of`. Raises `BadInput` that names the field, what was
    given and what is accepted."""
    try:
        return model.model_validate(dict(params))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        accepted = (
            first["msg"]
            if str(first["loc"][0]) in model.model_fields
            else ", ".join(model.model_fields) or "no parameters"
        )
        raise BadInput(
            f"parameter {where} of {of}", given=first["input"], accepted=accepted
        ) from None


STRATEGIES: Registry[StrategyEntry] = Registry("strategy", "backend.strategies")


def strategy(
    name: str,
    *,
    formulas: Mapping[str, float | None] | None = None,
    card: Path | None = None,
) -> Callable[[StrategyFunction], StrategyFunction]:
    """Register an async generator `(root, policy, verifier, params, rng)` as the strategy `name`.

    - `name`: what a run is started by; lower case with underscores.
    - `formulas`: the formulas by which it decides, named as in `backend.core.formulas.FORMULAS`,
      each with the constant that the paper publishes for it, or None where it has none or a
      parameter gives it.
    - `card`: the Markdown file with the text about it; by default `cards/NAME.md` beside the file
      of the function.

    The parameters are described by the type of the argument `params`; each keyword-only argument
    of the generator is a further model that a run has to name. Raises `ValueError` where another
    strategy has the name."""

    def register(function: StrategyFunction) -> StrategyFunction:
        source = card or card_beside(inspect.getfile(function), name)
        STRATEGIES.add(name, StrategyEntry(name, function, dict(formulas or {}), source))
        return function

    return register
