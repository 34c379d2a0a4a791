"""Engines by name: what the rest of the program knows of an engine before any model is loaded.

Each engine is a folder beside this file whose `__init__.py` declares `ENGINE = EngineEntry(...)`.
An entry is data and small functions: its file imports no model library and no HTTP client. Those
are imported where a model is loaded, by the dotted names of the entry.
"""

from __future__ import annotations

import importlib.util
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, cast

from backend.core.errors import BadInput
from backend.core.ports import Engine, RewardModel
from backend.core.registry import Registry
from backend.engines.settings import ModelSettings

Setting: TypeAlias = str | int | float | bool | None
Role: TypeAlias = Literal["policy", "reward"]
Options: TypeAlias = Mapping[str, Setting]

ENGINES: Registry[EngineEntry] = Registry("engine", "backend.engines")


class Availability(NamedTuple):
    """Whether an engine can be used here, and why not."""

    engine: str
    ok: bool
    reason: str


def shipped_model(settings: ModelSettings, role: Role) -> str:
    """The default of an engine that loads model folders: the model of that role that ships."""
    return settings.default_policy if role == "policy" else settings.default_reward


def no_options(settings: ModelSettings, role: Role) -> Options:
    """For an engine whose models are loaded by their name alone."""
    return {}


def nothing_against(settings: ModelSettings) -> str:
    """For an engine that can be used everywhere."""
    return ""


@dataclass(frozen=True, kw_only=True)
class EngineEntry:
    """One engine.

    `policy` and `reward` name what loads a model for that role, as `module:function`; empty: the
    engine has no models of that role. It is called as `await function(model, **options)`, where
    `model` is a folder for an engine of the engine host and else just the name, and `options` are
    what `options(settings, role)` returned; in the engine host `name`, as the user named the model,
    is one more. `scored_by` names the engine whose reward models score
    the runs of one that has none.

    `place` says where models live: `host` is the process of local models, `here` this process, for
    what only waits. `models` and `reward_models` are the names that a form offers,
    `default_model` the one that is taken where none is named. `hub_names`: a model may be named
    `owner/name`, and the engine finds it. `quick`: a model is ready within seconds, so that it may
    be loaded only to show tokens. `why_not` returns why the engine cannot be used here, or nothing.

    What a loaded model can do (`Capabilities`) it says itself, by `info`.
    """

    name: str
    title: str
    policy: str = ""
    reward: str = ""
    scored_by: str = ""
    place: Literal["here", "host"] = "host"
    models: tuple[str, ...] = ()
    reward_models: tuple[str, ...] = ()
    hub_names: bool = False
    quick: bool = False
    default_model: Callable[[ModelSettings, Role], str] = shipped_model
    options: Callable[[ModelSettings, Role], Options] = no_options
    why_not: Callable[[ModelSettings], str] = nothing_against

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles that its models can play."""
        roles: tuple[Role, ...] = ("policy", "reward")
        return tuple(role for role in roles if self._loader(role))

    def available(self, settings: ModelSettings) -> Availability:
        """Whether the engine can be used with these settings in this installation."""
        reason = self.why_not(settings)
        return Availability(self.name, not reason, reason)

    def require_role(self, role: Role) -> None:
        """Raises `BadInput` that names the engines with such models."""
        if role not in self.roles:
            serving = ", ".join(entry.name for entry in ENGINES.values() if role in entry.roles)
            raise BadInput(f"engine of a {role} model", given=self.name, accepted=serving)

    async def load(self, role: Role, model: str, options: Options) -> Engine | RewardModel:
        """Load a model, importing what that takes. Raises `BadInput` for a role that the engine
        does not have, and what the engine raises."""
        self.require_role(role)
        load = pkgutil.resolve_name(self._loader(role))
        return cast("Engine | RewardModel", await load(model, **options))

    def _loader(self, role: Role) -> str:
        return self.policy if role == "policy" else self.reward


def needs_package(package: str, reason: str) -> Callable[[ModelSettings], str]:
    """A `why_not`: `reason` where the package is not installed. It is looked for, not imported."""
    return lambda settings: "" if importlib.util.find_spec(package) else reason


__all__ = [
    "ENGINES",
    "Availability",
    "EngineEntry",
    "Options",
    "Role",
    "Setting",
    "needs_package",
    "no_options",
    "shipped_model",
]
