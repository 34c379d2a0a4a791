"""What several commands take, each said once: an option is a type with a name and a help text.

Settings of a run are not said here at all: `one_option_a_field` reads them off `RunSpec` and its
parts, so that a new field is an option of the commands that start runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer import Argument, Option

RunId: TypeAlias = Annotated[int, Argument(help="number of a stored run")]
AsJson: TypeAlias = Annotated[
    bool, Option("--json", help="JSON on standard output, and nothing else there")
]
Db: TypeAlias = Annotated[Path | None, Option(help="file of the store")]


def repeat_option(help: str, metavar: str = "NAME=VALUE") -> Any:
    """An option that may be given several times, each time with one text such as `n=16`."""
    return Option(metavar=metavar, help=f"{help}; repeat it for more", show_default=False)


Param: TypeAlias = Annotated[list[str], repeat_option("a parameter of the strategy")]
RuleParam: TypeAlias = Annotated[list[str], repeat_option("a parameter of the selector")]
VerifierParam: TypeAlias = Annotated[list[str], repeat_option("a parameter of the verifier")]
Budget: TypeAlias = Annotated[
    list[str], repeat_option("a limit such as generated_tokens=2000", metavar="AXIS=LIMIT")
]


@dataclass(frozen=True)
class RunOptions:
    """What the options of `run` and `fork` say: fields of `RunSpec` and of its sampling by name,
    those that were given, and the NAME=VALUE texts of the rest."""

    fields: Mapping[str, Any]
    param: list[str] = field(default_factory=list)
    selector_param: list[str] = field(default_factory=list)
    verifier_param: list[str] = field(default_factory=list)
    budget: list[str] = field(default_factory=list)


Command: TypeAlias = Callable[..., int]


def one_option_a_field(
    *models: type[BaseModel], required: Collection[str] = (), without: Collection[str] = ()
) -> Callable[[Command], Command]:
    """Give a command an option for each field of the models that is a text or a number, with the
    field's name and description. What was given reaches the command as its argument `fields`.

    The values are not checked against the bounds of the fields: that is for the model itself, which
    says what it accepts.
    """
    options = [
        _option(name, about, required=name in required)
        for model in models
        for name, about in model.model_fields.items()
        if name not in without and plain_type(about) is not None
    ]
    names = [each.name for each in options]

    def decorate(function: Command) -> Command:
        @wraps(function)
        def call(**given: Any) -> int:
            values = {name: given.pop(name) for name in names}
            said = {name: value for name, value in values.items() if value is not None}
            return function(fields=said, **given)

        own = inspect.signature(function, eval_str=True).parameters
        others = [
            each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, each in own.items()
            if name != "fields"
        ]
        call.__dict__["__signature__"] = inspect.Signature([*options, *others])
        return call

    return decorate


def _option(name: str, about: FieldInfo, *, required: bool) -> inspect.Parameter:
    """A keyword argument that the command line shows as `--name`."""
    kind: Any = plain_type(about)
    empty = inspect.Parameter.empty
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=empty if required else None,
        annotation=Annotated[
            kind if required else kind | None, Option(help=about.description, show_default=False)
        ],
    )


Plain: TypeAlias = type[str] | type[int] | type[float]


def plain_type(about: FieldInfo) -> Plain | None:
    """What an option for the field takes: a whole number, a number or a text (one of several words
    is a text as well); None for a field with parts."""
    kinds = [each for each in get_args(about.annotation) or () if each is not NoneType]
    kind = kinds[0] if len(kinds) == 1 else about.annotation
    if get_origin(kind) is Literal:
        return str
    plain: tuple[Plain, ...] = (str, int, float)
    return next((each for each in plain if kind is each), None)


__all__ = [
    "AsJson",
    "Budget",
    "Db",
    "Param",
    "RuleParam",
    "RunId",
    "RunOptions",
    "VerifierParam",
    "one_option_a_field",
    "repeat_option",
]
