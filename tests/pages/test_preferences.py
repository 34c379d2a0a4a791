"""Preferences: what is accepted, and what older versions have stored stays readable."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from backend.core.settings import Preferences
from backend.service.preferences import PreferenceBook
from storage import Store


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {
            "runs_at_once": 2,
            "default_engine": "vllm",
            "default_verifier": "exact",
            "default_model": None,
        },
        {"default_model": ""},
        {"runs_at_once": 3, "allowed_urls": ["http://localhost:8000/v1"]},
    ],
)
def test_what_an_older_version_stored_is_read(tmp_path: Path, stored: dict[str, object]) -> None:
    store = Store.open(tmp_path / "store.duckdb")
    try:
        store.set_setting("preferences", stored)  # type: ignore[arg-type]
        found = PreferenceBook(store).current
        assert found.runs_at_once == stored.get(
            "runs_at_once", 4
        ) and found.default_engine == stored.get("default_engine", "torch")
        assert (found.default_model, found.default_reward_model) == (None, None)
    finally:
        store.close()


def test_models_that_were_saved_are_there_at_the_next_start(tmp_path: Path) -> None:
    chosen = Preferences(
        default_model="my/policy", default_reward_model="/models/judge", default_verifier="logprob"
    )
    for turn in range(2):
        store = Store.open(tmp_path / "store.duckdb")
        try:
            if turn == 0:
                PreferenceBook(store).save(chosen)
            assert PreferenceBook(store).current == chosen
        finally:
            store.close()


@pytest.mark.parametrize("name", ["", "   "])
def test_an_empty_name_stands_for_the_default_of_the_engine(name: str) -> None:
    assert Preferences(default_model=name, default_reward_model=name) == Preferences()


@pytest.mark.parametrize(
    "wrong",
    [
        {"default_model": "two\nlines"},
        {"default_reward_model": "x" * 401},
        {"default_model": 3},
        {"default_verifier": "P R M"},
    ],
)
def test_what_can_be_no_name_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Preferences.model_validate(wrong)
