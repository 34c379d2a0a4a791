"""Where the classroom's files lie, and model folders as vLLM, transformers and this project read
them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import nn

from backend.classroom import tokenizer as vocabulary
from backend.engines.torch.qwen2 import REWARD_MODEL, Qwen2Config

SHIPPED = Path(__file__).parent
POLICY = SHIPPED / "policy"
REWARD = SHIPPED / "prm"
FULL_REWARD = SHIPPED / "prm-full"
WORK = Path("var") / "classroom"
"""Checkpoints, samples, labels and logs; git-ignored, relative to where the command runs."""

CONTEXT = 1024
TEMPERATURE = 0.8


def write_model(folder: Path, model: nn.Module, config: Qwen2Config, tokenizer: Tokenizer) -> None:
    """A complete folder with bfloat16 weights; each file is replaced in one go."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary.save(tokenizer, folder)
    end, pad = (
        tokenizer.token_to_id(vocabulary.TURN_END),
        tokenizer.token_to_id(vocabulary.END_OF_TEXT),
    )
    settings = {
        "architectures": [config.architecture],
        "model_type": "qwen2",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads,
        "max_position_embeddings": config.max_position_embeddings,
        "rope_theta": config.rope_theta,
        "rms_norm_eps": config.rms_norm_eps,
        "tie_word_embeddings": config.tie_word_embeddings,
        "hidden_act": "silu",
        "attention_dropout": 0.0,
        "use_sliding_window": False,
        "bos_token_id": None,
        "eos_token_id": end,
        "pad_token_id": pad,
        "torch_dtype": "bfloat16",
    }
    if config.architecture == REWARD_MODEL:
        settings["num_labels"] = config.num_labels
    else:
        generation = {
            "do_sample": True,
            "temperature": TEMPERATURE,
            "eos_token_id": [end, pad],
            "pad_token_id": pad,
        }
        write_json(folder / "generation_config.json", generation)
    write_json(folder / "config.json", settings)
    weights = {
        name: tensor.detach().to("cpu", torch.bfloat16).contiguous()
        for name, tensor in model.state_dict().items()
    }
    beside = folder / "model.safetensors.tmp"
    save_file(weights, beside, metadata={"format": "pt"})
    beside.chmod(0o644)
    beside.replace(folder / "model.safetensors")


def write_json(path: Path, value: object) -> None:
    """Indented, with a last line break."""
    path.write_text(json.dumps(value, indent=1) + "\n", "utf-8")


class StageLog:
    """Lines with the time of day, to a file and to standard error's reader."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def __call__(self, line: str) -> None:
        text = f"{datetime.now(UTC):%H:%M:%S} {line}"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
        print(text, flush=True)
