"""What the entry of an engine says without loading a model."""

from __future__ import annotations

import pytest

from backend.core.errors import BadInput, EngineFailure
from backend.engines.entry import ENGINES
from backend.engines.host.loader import load
from backend.engines.host.wire import ModelSpec
from backend.engines.models import Models
from backend.engines.openai.loading import choose
from backend.engines.settings import ModelSettings


def test_an_engine_has_the_roles_that_it_names_a_loader_for() -> None:
    for name in ("torch", "vllm", "scripted"):
        assert ENGINES[name].roles == ("policy", "reward")
    assert ENGINES["openai"].roles == ("policy",)


def test_an_engine_without_reward_models_names_one_that_scores_for_it() -> None:
    for entry in ENGINES.values():
        scoring = ENGINES[entry.scored_by or entry.name]
        assert "reward" in scoring.roles


def test_names_in_the_store_that_nobody_knows_are_looked_up_without_an_error() -> None:
    assert ENGINES.find("abacus") is None and ENGINES.find("torch") is not None


async def test_a_role_that_an_engine_does_not_have_is_refused_with_those_that_do() -> None:
    accepted = "engine of a reward model: got 'openai', accepted: torch, vllm, scripted"
    with pytest.raises(BadInput, match=accepted):
        await ENGINES["openai"].load("reward", "any", {})
    with pytest.raises(BadInput, match="accepted: torch, vllm, openai, scripted"):
        await load(ModelSpec("abacus", "policy", "any"))


def test_the_key_of_a_server_is_read_where_the_settings_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ELSEWHERE", "secret")
    settings = ModelSettings(base_url="http://localhost:1/v1", api_key_env="ELSEWHERE")
    variable = ENGINES["openai"].options(settings, "policy")["api_key_env"]
    assert choose("", settings.base_url, {}, str(variable)).key == "secret"
    assert ENGINES["openai"].available(settings).ok


async def test_a_server_that_is_not_named_is_an_engine_failure_with_the_remedy() -> None:
    models = Models(ModelSettings())
    with pytest.raises(EngineFailure, match="Set ARBORETUM_OPENAI_URL to its address"):
        await models.policy("openai")
    await models.close()
