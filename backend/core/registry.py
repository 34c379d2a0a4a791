"""Plug-ins by name: adding a strategy, a selector, a verifier, an engine, a problem set or a
labeller of steps is one file (or one folder) in the room of its family.

Importing the package of a family imports every file in it (`import_modules`), and each registers
itself: no list names them. A strategy registers as an async generator with a pydantic parameter
model. The registry reads the names of its keyword-only arguments: each is a further role (`draft`,
`judge`) that a run has to map to a model.
"""

from __future__ import annotations

import inspect
import pkgutil
import sys
from collections.abc import (
    AsyncIterator,
    Callable,
    ItemsView,
    Iterator,
    Mapping,
    Sequence,
    ValuesView,
)
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

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
    """Names to plug-ins of one family. Iterates over the names in order of registration."""

    def __init__(self, family: str) -> None:
        self.family = family
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> None:
        if name in self._entries:
            raise ValueError(f"{self.family} {name!r} is registered twice")
        self._entries[name] = entry

    def remove(self, name: str) -> T:
        """Take an entry out and return it, so that a plug-in can come and go at run time. Raises
        `BadInput` as a lookup does."""
        entry = self[name]
        del self._entries[name]
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
    package: str, *, first: Sequence[str] = (), folders: bool = False
) -> list[ModuleType]:
    """Import every module of `package` that lies in its folder, or with `folders` every package in
    it, and return them: those that `first` names in that order, then the others by name.

    The order of import is the order of registration, hence that of the catalogue.
    """
    found = {
        one.name
        for one in pkgutil.iter_modules(sys.modules[package].__path__)
        if one.ispkg is folders
    }
    leading = [name for name in first if name in found]
    names = [*leading, *sorted(found.difference(leading))]
    return [import_module(f"{package}.{name}") for name in names]


StrategyFunction = Callable[..., AsyncIterator[Step]]


class CodeLine(NamedTuple):
    """A line of pseudo-code: the phases of a step that carry it out (none for a loop or an
    assignment between steps), and the kinds of event by which the log tells that it was carried out
    just now."""

    phases: tuple[str, ...]
    text: str
    kinds: tuple[str, ...] = ()


@cache
def code_lines(file: Path) -> tuple[CodeLine, ...]:
    """The lines of a file of pseudo-code, each `phases and @kinds | text`, parted by blanks;
    nothing where there is no such file."""
    if not file.is_file():
        return ()
    parted = (line.partition("|") for line in file.read_text(encoding="utf-8").splitlines())
    return tuple(_code_line(words.split(), text.removeprefix(" ")) for words, _, text in parted)


def _code_line(words: Sequence[str], text: str) -> CodeLine:
    phases = tuple(word for word in words if not word.startswith("@"))
    return CodeLine(
        phases, text, tuple(word.removeprefix("@") for word in words if word.startswith("@"))
    )


@dataclass(frozen=True)
class StrategyEntry:
    """What the catalogue knows of a strategy: everything the form, the page and the contract tests
    need."""

    name: str
    title: str
    summary: str
    params: type[Params]
    run: StrategyFunction
    paper: str
    year: int | None
    selector: str
    needs_verifier: bool
    needs: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    departures: tuple[str, ...] = ()
    avoided: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    phases: Mapping[str, str] = field(default_factory=dict)
    formulas: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def pseudocode(self) -> tuple[CodeLine, ...]:
        """The algorithm in the notation of its paper: `cards/NAME.txt` beside the file of the
        strategy."""
        return code_lines(Path(inspect.getfile(self.run)).parent / "cards" / f"{self.name}.txt")

    def parse(self, params: Mapping[str, object]) -> Params:
        """Validated parameters; raises `BadInput` that names the field, what was given and what is
        accepted."""
        return parsed(self.params, params, self.name)


def parsed(model: type[Params], params: Mapping[str, object], of: str) -> Params:
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


STRATEGIES: Registry[StrategyEntry] = Registry("strategy")


def strategy(
    name: str,
    params: type[Params],
    *,
    title: str,
    paper: str = "",
    year: int | None = None,
    selector: str = "best",
    needs_verifier: bool = True,
    needs: tuple[str, ...] = (),
    sources: tuple[str, ...] = (),
    departures: tuple[str, ...] = (),
    avoided: tuple[str, ...] = (),
    views: tuple[str, ...] = (),
    phases: Mapping[str, str] | None = None,
    formulas: Mapping[str, float | None] | None = None,
) -> Callable[[StrategyFunction], StrategyFunction]:
    """Register an async generator under `name`. `selector` is the published final rule; `needs`
    names engine capabilities (`logprobs`, `abort` ...); `sources` says what is taken from where,
    `departures` where this implementation leaves the paper and why, `avoided` which defects of
    published programs were not copied, one sentence each; `phases` maps the phase names of its
    steps to what happens in them; `views` names the family views its notes support, `formulas` the
    formulas that its decisions go by (`components.tree.inspector.formula.case`), each with its
    published constant where a parameter may leave that open."""

    def register(function: StrategyFunction) -> StrategyFunction:
        roles = tuple(
            name_
            for name_, parameter in inspect.signature(function).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        )
        summary = inspect.getdoc(function) or inspect.getdoc(inspect.getmodule(function)) or ""
        STRATEGIES.add(
            name,
            StrategyEntry(
                name=name,
                title=title,
                summary=summary,
                params=params,
                run=function,
                paper=paper,
                year=year,
                selector=selector,
                needs_verifier=needs_verifier,
                needs=needs,
                sources=sources,
                departures=departures,
                avoided=avoided,
                views=views,
                roles=roles,
                phases=dict(phases or {}),
                formulas=dict(formulas or {}),
            ),
        )
        return function

    return register
