"""The preferences of the settings page, kept in the store."""

from __future__ import annotations

import logging

from pydantic import ValidationError

from backend.core.settings import Preferences
from storage import Store

log = logging.getLogger("arboretum.services")


PREFERENCES = "preferences"


class PreferenceBook:
    """The settings of the settings page: read once, kept in the store at every change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        try:
            self.current = Preferences.model_validate(store.settings().get(PREFERENCES) or {})
        except ValidationError as error:
            log.warning(
                "stored settings are not readable and are replaced by the defaults: %s", error
            )
            self.current = Preferences()

    def save(self, preferences: Preferences) -> None:
        """Blocks for the write."""
        self._store.set_setting(PREFERENCES, preferences.model_dump(mode="json"))
        self.current = preferences
