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


def no_models(settings: ModelSettings) -> tuple[str, ...]:
    """For an engine whose offered models are the same everywhere."""
    return ()


def nothing_against(settings: ModelSettings) -> str:
    """For an engine that can be used everywhere."""
    return ""


@dataclass(frozen=True, kw_only=True)
class EngineEntry:
    """One engine: what the program knows of it before a model is loaded. What a loaded model can
    do (`Capabilities`) the model says itself, by `info`.

    - `name`: what a run names the engine by; `title`: its name on the pages.
    - `policy`, `reward`: the coroutine that loads a model of that role, as `module:function`; empty
      where the engine has no such models. It is called as `await function(model, **options)` and
      returns a `backend.core.ports.Engine` or a `RewardModel`. `model` is a folder for an engine of
      the engine host, else the model's name; `options` are what the entry's `options` returned. In
      the engine host there is one more, `name`: what the user called the model.
    - `scored_by`: for an engine without reward models, the engine whose reward models score its
      runs.
    - `place`: where models live. `host`: in the process of local models; `here`: in this process,
      for an engine that only waits for another program.
    - `models`, `reward_models`: the names that a form offers.
    - `named_models`: from the settings to the names that they add to these.
    - `hub_names`: whether a model may be named `owner/name`, which the engine then finds.
    - `quick`: whether a model is ready within seconds, so that it may be loaded only to show
      tokens.
    - `default_model`: from (settings, role) to the model that is taken where none is named.
    - `options`: from (settings, role) to the keyword arguments of the loading coroutine.
    - `why_not`: from the settings to the reason why the engine cannot be used here; empty where it
      can.
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
    named_models: Callable[[ModelSettings], tuple[str, ...]] = no_models
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
