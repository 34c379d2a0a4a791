"""What the environment says: every variable reaches its place, a wrong value is told with what is
accepted, and all are documented."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from backend.core.environment import read_settings
from backend.core.errors import BadInput
from backend.core.ports import Engine, RewardModel
from backend.core.settings import ROOT, ModelOptions, Settings
from backend.engines.models import EngineHost, Models, ModelSettings, model_settings

MODELS = {
    "ARBORETUM_DEVICE": ("cuda:1", "device", "cuda:1"),
    "ARBORETUM_THREADS": ("3", "threads", 3),
    "ARBORETUM_VLLM_DTYPE": ("float32", "vllm_dtype", "float32"),
    "ARBORETUM_VLLM_CONTEXT": ("4096", "vllm_context", 4096),
    "ARBORETUM_VLLM_POLICY_SHARE": ("0.7", "policy_share", 0.7),
    "ARBORETUM_VLLM_REWARD_SHARE": ("1", "reward_share", 1.0),
    "ARBORETUM_VLLM_POLICY_GIB": ("2.5", "policy_gib", 2.5),
    "ARBORETUM_VLLM_REWARD_GIB": ("0.25", "reward_gib", 0.25),
    "ARBORETUM_OPENAI_URL": ("http://localhost:8000/v1", "base_url", "http://localhost:8000/v1"),
    "ARBORETUM_OPENAI_MODEL": (
        "Qwen/Qwen2.5-Math-1.5B-Instruct",
        "openai_model",
        "Qwen/Qwen2.5-Math-1.5B-Instruct",
    ),
    "ARBORETUM_OPENAI_TIMEOUT_SECONDS": ("7.5", "timeout_seconds", 7.5),
}
WRONG = [
    ("ARBORETUM_PORT", "eighty", "a whole number of 0 or more"),
    ("ARBORETUM_DEVICE", "gpu", "cpu, cuda, or one of several cards such as cuda:1"),
    ("ARBORETUM_DEVICE", "cuda:first", "cpu, cuda, or one of several cards such as cuda:1"),
    ("ARBORETUM_THREADS", "-1", "a whole number of 0 or more"),
    ("ARBORETUM_VLLM_DTYPE", "int8", "auto, bfloat16, float16, float32"),
    ("ARBORETUM_VLLM_CONTEXT", "4k", "a whole number of 0 or more"),
    *(
        (f"ARBORETUM_VLLM_{role}_SHARE", given, "a number above 0, at most 1")
        for role in ("POLICY", "REWARD")
        for given in ("0", "1.01", "half")
    ),
    *(
        (f"ARBORETUM_VLLM_{role}_GIB", given, "a number above 0")
        for role in ("POLICY", "REWARD")
        for given in ("0", "-1", "inf", "nan", "2GB")
    ),
    ("ARBORETUM_OPENAI_URL", "localhost:8000", "an address such as http://localhost:8000/v1"),
    ("ARBORETUM_OPENAI_MODEL", "two\nlines", "a model's name on one line"),
    ("ARBORETUM_OPENAI_TOKENIZER", "/nowhere", "a folder that holds tokenizer.json"),
    ("ARBORETUM_OPENAI_TIMEOUT_SECONDS", "0", "a number above 0"),
]


def read(**environ: str) -> ModelSettings:
    return model_settings(read_settings(environ))


@pytest.mark.parametrize("name", MODELS)
def test_a_variable_sets_its_field_and_no_other(name: str) -> None:
    given, field, value = MODELS[name]
    found = read(**{name: given})
    assert getattr(found, field) == value
    assert replace(found, **{field: getattr(ModelSettings(), field)}) == ModelSettings()


def test_a_tokenizers_folder_must_hold_a_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    assert read(ARBORETUM_OPENAI_TOKENIZER=str(tmp_path)).openai_tokenizer == tmp_path
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(BadInput, match=r"accepted: a folder that holds tokenizer\.json"):
        read(ARBORETUM_OPENAI_TOKENIZER=str(tmp_path))


def test_without_variables_and_with_empty_ones_the_defaults_stand() -> None:
    assert read() == ModelSettings()
    assert read(**dict.fromkeys([*MODELS, "ARBORETUM_OPENAI_TOKENIZER"], "")) == ModelSettings()


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_blank_variable_counts_as_not_set(blank: str) -> None:
    names = [*MODELS, *(f"ARBORETUM_{name}" for name in ("DB", "HOST", "PORT", "TOKEN", "SQL"))]
    assert read_settings(dict.fromkeys(names, blank)) == Settings()


def test_a_variable_that_is_not_known_or_in_small_letters_is_not_looked_at() -> None:
    environ = {"ARBORETUM_NONSENSE": "1", "arboretum_port": "nine", "PORT": "9", "DEVICE": "cuda"}
    assert read_settings(environ) == Settings()


def test_what_the_caller_knows_better_is_not_read(tmp_path: Path) -> None:
    found = read_settings(
        {"ARBORETUM_PORT": "nine", "ARBORETUM_HOST": "0.0.0.0", "ARBORETUM_DB": "elsewhere"},
        host="127.0.0.1",
        port=0,
        db=tmp_path,
    )
    assert (found.host, found.port, found.db, found.token) == ("127.0.0.1", 0, tmp_path, None)


def test_names_are_written_with_commas_and_never_as_json() -> None:
    found = read_settings(
        {"ARBORETUM_HOSTS": " a.example, b.example ,,", "ARBORETUM_ORIGINS": '["https://c"]'}
    )
    assert (found.hosts, found.origins) == (("a.example", "b.example"), ('["https://c"]',))


def test_every_option_is_a_field_of_the_models_settings() -> None:
    assert set(ModelOptions.model_fields) <= {each.name for each in fields(ModelSettings)}


@pytest.mark.parametrize(("name", "given", "accepted"), WRONG)
def test_a_wrong_value_is_named_with_what_is_accepted(name: str, given: str, accepted: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_settings({name: given})
    assert str(caught.value) == f"environment variable {name}: got {given!r}, accepted: {accepted}"


async def test_what_is_set_reaches_the_loader_of_local_models(tmp_path: Path) -> None:
    """In the engine host, where the loader of the tests tells what it was given."""
    (tmp_path / "config.json").write_text("{}")
    chosen = replace(
        read(**{name: given for name, (given, _, _) in MODELS.items()}),
        names={"classroom": tmp_path, "classroom-prm": tmp_path},
    )
    models = Models(chosen, EngineHost("tests.support.host_loader"))
    vllm = {"name": "classroom", "dtype": "float32", "max_model_len": "4096"}
    try:
        assert given_to(await models.policy("torch")) == {
            "name": "classroom",
            "device": "cuda:1",
            "threads": "3",
        }
        assert given_to(await models.policy("vllm")) == {
            **vllm,
            "memory_share": "0.7",
            "cache_gib": "2.5",
        }
        assert given_to(await models.reward("vllm")) == {
            **vllm,
            "name": "classroom-prm",
            "memory_share": "1.0",
            "cache_gib": "0.25",
        }
    finally:
        await models.close()


def given_to(model: Engine | RewardModel) -> dict[str, str]:
    return {name: value for name, value in model.info.settings.items() if name != "pid"}


def test_every_variable_that_the_program_names_is_in_the_documented_table() -> None:
    sources = [
        ROOT / "app.py",
        *(
            path
            for top in ("backend", "components", "pages", "storage")
            for path in (ROOT / top).rglob("*.py")
        ),
    ]
    named = {
        name
        for path in sources
        for name in re.findall(r"ARBORETUM_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8"))
    }
    documented = re.findall(
        r"^\| `(ARBORETUM_[A-Z_]+)` \|",
        (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(documented) == len(set(documented))
    assert named - set(documented) == set()
    assert set(documented) - named == {"ARBORETUM_REQUIRE", "ARBORETUM_BROWSER_PATIENCE_S"}, (
        "the tests' own two, and nothing that is gone"
    )
