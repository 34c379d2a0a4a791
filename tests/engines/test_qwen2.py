"""The decoder against the reference implementation of transformers, on random weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, models
from torch import nn

from backend.engines.torch.qwen2 import (
    REWARD_MODEL,
    ModelFolderError,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2ForProcessRewardModel,
    Qwen2Model,
    load,
)

SIZES = {"vocab_size": 97, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3}
ROWS = torch.arange(2 * 11).reshape(2, 11) % 97


def reference(tied: bool, key_value_heads: int, theta: float) -> transformers.Qwen2ForCausalLM:
    torch.manual_seed(0)
    config = transformers.Qwen2Config(
        **SIZES,
        num_attention_heads=4,
        num_key_value_heads=key_value_heads,
        tie_word_embeddings=tied,
        rope_parameters={"rope_type": "default", "rope_theta": theta},
        initializer_range=0.3,
    )
    model = transformers.Qwen2ForCausalLM(config).eval()
    for name, parameter in model.named_parameters():  # zero biases would hide a missing bias
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return model


def ours(
    tied: bool, key_value_heads: int, theta: float, architecture: str = "Qwen2ForCausalLM"
) -> Qwen2Config:
    return Qwen2Config(
        **SIZES,
        num_attention_heads=4,
        num_key_value_heads=key_value_heads,
        rope_theta=theta,
        tie_word_embeddings=tied,
        architecture=architecture,
    )


@pytest.mark.parametrize(
    ("tied", "key_value_heads", "theta"), [(True, 4, 1e4), (False, 2, 1e6), (True, 1, 1e4)]
)
def test_logits_equal_the_reference(tied: bool, key_value_heads: int, theta: float) -> None:
    expected, model = (
        reference(tied, key_value_heads, theta),
        Qwen2ForCausalLM(ours(tied, key_value_heads, theta)),
    )
    weights = {
        name: w
        for name, w in expected.state_dict().items()
        if not (tied and name == "lm_head.weight")
    }
    model.load_state_dict(weights, strict=True)
    with torch.no_grad():
        torch.testing.assert_close(model(ROWS), expected(ROWS).logits, atol=1e-4, rtol=1e-4)


def test_reward_logits_equal_a_reference_body_with_a_head() -> None:
    expected = reference(True, 2, 1e4).model
    model = Qwen2ForProcessRewardModel(ours(True, 2, 1e4, REWARD_MODEL))
    model.model.load_state_dict(expected.state_dict(), strict=True)
    head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    model.score.load_state_dict(head.state_dict())
    assert {"score.0.weight", "score.0.bias", "score.2.weight", "score.2.bias"} <= set(
        model.state_dict()
    )
    with torch.no_grad():
        torch.testing.assert_close(
            model(ROWS), head(expected(ROWS).last_hidden_state), atol=1e-4, rtol=1e-4
        )


@pytest.mark.parametrize("key_value_heads", [4, 2])
def test_steps_with_a_cache_equal_the_whole_row_at_once(key_value_heads: int) -> None:
    torch.manual_seed(1)
    model = Qwen2Model(ours(True, key_value_heads, 1e4)).eval()
    past: list[tuple[torch.Tensor, torch.Tensor] | None] = [None] * 3
    parts = []
    with torch.no_grad():
        for start, end in ((0, 5), (5, 6), (6, 10), (10, 11)):
            hidden = model.embed_tokens(ROWS[:, start:end])
            cos, sin = model.rotary(torch.arange(start, end)[None])
            mask = torch.ones(end - start, end, dtype=torch.bool).tril(start)[None, None]
            for i, layer in enumerate(model.layers):
                keys, values = past[i] or (None, None)
                hidden, new_keys, new_values = layer.step(hidden, cos, sin, keys, values, mask)
                assert new_keys.shape == (2, key_value_heads, end - start, 16)
                joined = (
                    (new_keys, new_values)
                    if keys is None
                    else (torch.cat((keys, new_keys), 2), torch.cat((values, new_values), 2))
                )
                past[i] = joined
            parts.append(model.norm(hidden))
        torch.testing.assert_close(torch.cat(parts, 1), model(ROWS), atol=1e-5, rtol=1e-4)


def test_padding_on_the_right_does_not_reach_earlier_positions() -> None:
    model = Qwen2Model(ours(True, 2, 1e4)).eval()
    with torch.no_grad():
        torch.testing.assert_close(model(ROWS)[:, :7], model(ROWS[:, :7]), atol=1e-5, rtol=1e-4)


def write_folder(path: Path, model: nn.Module, config: Qwen2Config, sharded: bool) -> None:
    names = ("num_attention_heads", "num_key_value_heads", "rope_theta", "tie_word_embeddings")
    settings = {
        **SIZES,
        **{name: getattr(config, name) for name in names},
        "architectures": [config.architecture],
        "eos_token_id": [1, 2],
    }
    (path / "config.json").write_text(json.dumps(settings))
    Tokenizer(models.BPE()).save(str(path / "tokenizer.json"))
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if not sharded:
        save_file(weights, path / "model.safetensors")
        return
    names_in_order = sorted(weights)
    shards = {"a.safetensors": names_in_order[::2], "b.safetensors": names_in_order[1::2]}
    for file, members in shards.items():
        save_file({name: weights[name] for name in members}, path / file)
    index = {"weight_map": {name: file for file, members in shards.items() for name in members}}
    (path / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("architecture", ["Qwen2ForCausalLM", REWARD_MODEL])
def test_a_folder_gives_back_the_model_that_was_written(
    tmp_path: Path, sharded: bool, architecture: str
) -> None:
    config = ours(False, 2, 1e5, architecture)
    model = (
        Qwen2ForProcessRewardModel(config)
        if architecture == REWARD_MODEL
        else Qwen2ForCausalLM(config)
    )
    write_folder(tmp_path, model, config, sharded)
    loaded = load(tmp_path)
    assert loaded.config.eos_token_ids == (1, 2)
    assert not any(p.requires_grad for p in loaded.model.parameters())
    with torch.no_grad():
        assert torch.equal(loaded.model(ROWS), model.eval()(ROWS))


def test_another_family_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    with pytest.raises(ModelFolderError, match=r"LlamaForCausalLM.*accepted: Qwen2ForCausalLM"):
        load(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=r"config\.json is missing"):
        load(tmp_path)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    config = ours(False, 2, 1e5)
    write_folder(tmp_path, nn.Linear(2, 2), config, sharded=False)
    with pytest.raises(ModelFolderError, match=r"do not fit"):
        load(tmp_path)
