"""The preferences of the settings page, kept in the store."""

from __future__ import annotations

import logging

from pydantic import ValidationError

from backend.core.errors import BadInput
from backend.core.settings import Preferences
from backend.core.types import JSON
from backend.engines.entry import ENGINES
from storage import Store

log = logging.getLogger("arboretum.services")


PREFERENCES = "preferences"
OWN_MODELS = {
    name: Preferences.model_fields[name].default
    for name in ("default_engine", "default_model", "default_reward_model")
}
"""The engine that the form proposes without any stored choice, with its own models."""


class PreferenceBook:
    """The settings of the settings page: read once, kept in the store at every change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        try:
            self.current = Preferences.model_validate(
                select_known(store.settings().get(PREFERENCES))
            )
        except ValidationError as error:
            log.warning(
                "stored settings are not readable and are replaced by the defaults: %s", error
            )
            self.current = Preferences()
        if self.current.default_engine not in ENGINES:
            log.warning(
                "the stored default engine %r is not here any more; the form proposes %s",
                self.current.default_engine,
                OWN_MODELS["default_engine"],
            )
            self.current = self.current.model_copy(update=OWN_MODELS)

    def save(self, preferences: Preferences) -> None:
        """Blocks for the write. Raises `BadInput` for an engine that does not exist."""
        if preferences.default_engine not in ENGINES:
            raise BadInput(
                "default_engine", given=preferences.default_engine, accepted=", ".join(ENGINES)
            )
        self._store.set_setting(PREFERENCES, preferences.model_dump(mode="json"))
        self.current = preferences


def select_known(stored: JSON) -> dict[str, JSON]:
    """What a store holds of the settings that there are; those that an earlier version had besides
    are left out, so that they cost nobody the others."""
    held = stored if isinstance(stored, dict) else {}
    return {name: value for name, value in held.items() if name in Preferences.model_fields}
