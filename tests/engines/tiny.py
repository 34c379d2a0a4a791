"""A tiny Qwen2 folder with random weights, so that engine tests need no downloaded or trained
model.

`build` writes everything that `transformers`, vLLM and the project's own loader expect:
configuration, safetensors, a byte-level BPE tokenizer with merged delimiters, a ChatML template.
Embeddings carry a constant in dimension 0 that no block writes to, so the first column of the head
acts as a bias: it makes letters, step delimiters and the end token likely enough to be met in short
tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from backend.core.ports import Completion, Request

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<extra_0>")
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| "
    r"?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CORPUS = (
    "Ana has 7 apples. Ben has 5 more apples than Ana.\n\n",
    "Ben has 5 more apples than Ana: 7 + 5 = 12.\n\nHow many?\n\n",
    "We compute:\n\n7 * 3 = 21 (left 21)\n\nThe answer is \\boxed{12}.\n\n",
    "user assistant system\n",
)
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def tokenizer() -> Tokenizer:
    """A byte-level BPE tokenizer of about 340 entries in which `.` and a blank line are one
    token.
    """
    made = Tokenizer(models.BPE(byte_fallback=False))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator(
        CORPUS * 8,
        trainers.BpeTrainer(
            vocab_size=336, min_frequency=2, initial_alphabet=alphabet, show_progress=False
        ),
    )
    made.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    return made


def build(folder: Path, reward: bool = False, seed: int = 0, context: int = 512) -> Path:
    """Write the folder and return it. `reward` gives a process reward model, otherwise a language
    model with its own head."""
    folder.mkdir(parents=True, exist_ok=True)
    made = tokenizer()
    made.save(str(folder / "tokenizer.json"))
    write(
        folder,
        "tokenizer_config.json",
        {
            "tokenizer_class": "Qwen2Tokenizer",
            "chat_template": TEMPLATE,
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "model_max_length": context,
            "additional_special_tokens": list(SPECIAL),
            "clean_up_tokenization_spaces": False,
        },
    )
    size = made.get_vocab_size(with_added_tokens=True)
    end = [made.token_to_id("<|im_end|>"), made.token_to_id("<|endoftext|>")]
    write(
        folder,
        "config.json",
        {
            "architectures": ["Qwen2ForProcessRewardModel" if reward else "Qwen2ForCausalLM"],
            "model_type": "qwen2",
            "vocab_size": size,
            **SIZES,
            "max_position_embeddings": context,
            "rope_theta": 10000.0,
            "rms_norm_eps": 1e-6,
            "tie_word_embeddings": False,
            "hidden_act": "silu",
            "eos_token_id": end[0],
            "bos_token_id": None,
            "torch_dtype": "float32",
            "use_sliding_window": False,
            **({"num_labels": 2} if reward else {}),
        },
    )
    write(
        folder,
        "generation_config.json",
        {"eos_token_id": end, "pad_token_id": end[1], "do_sample": True, "temperature": 1.0},
    )
    save_file(
        weights(made, size, reward, seed),
        str(folder / "model.safetensors"),
        metadata={"format": "pt"},
    )
    return folder


def write(folder: Path, name: str, content: dict[str, object]) -> None:
    (folder / name).write_text(json.dumps(content, indent=1), "utf-8")


def weights(made: Tokenizer, size: int, reward: bool, seed: int) -> dict[str, torch.Tensor]:
    """Random tensors under the Hugging Face names; nothing but the embedding writes to
    dimension 0.
    """
    generator = torch.Generator().manual_seed(seed)

    def noise(*shape: int, scale: float = 0.3) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * scale

    width, inner = SIZES["hidden_size"], SIZES["intermediate_size"]
    narrow = width // SIZES["num_attention_heads"] * SIZES["num_key_value_heads"]
    found = {
        "model.embed_tokens.weight": noise(size, width, scale=1.0),
        "model.norm.weight": 1 + noise(width, scale=0.1),
    }
    found["model.embed_tokens.weight"][:, 0] = 2.0
    for i in range(SIZES["num_hidden_layers"]):
        layer = f"model.layers.{i}."
        for name, rows in (("q", width), ("k", narrow), ("v", narrow)):
            found[f"{layer}self_attn.{name}_proj.weight"] = noise(rows, width)
            found[f"{layer}self_attn.{name}_proj.bias"] = noise(rows)
        found[layer + "self_attn.o_proj.weight"] = noise(width, width)
        found[layer + "mlp.gate_proj.weight"], found[layer + "mlp.up_proj.weight"] = (
            noise(inner, width),
            noise(inner, width),
        )
        found[layer + "mlp.down_proj.weight"] = noise(width, inner)
        for name in ("o_proj", "down_proj"):
            found[layer + ("self_attn." if name == "o_proj" else "mlp.") + name + ".weight"][0] = (
                0.0
            )
        for name in ("input_layernorm", "post_attention_layernorm"):
            found[f"{layer}{name}.weight"] = 1 + noise(width, scale=0.1)
    if reward:
        found["score.0.weight"], found["score.0.bias"] = noise(width, width), noise(width)
        found["score.2.weight"], found["score.2.bias"] = noise(2, width), noise(2)
    else:
        found["lm_head.weight"] = head(made, size, noise(size, width, scale=0.25))
    return {name: tensor.contiguous() for name, tensor in found.items()}


def head(made: Tokenizer, size: int, rows: torch.Tensor) -> torch.Tensor:
    """The head with column 0 set as a bias: delimiters and the end token likely, bytes that are no
    text and other specials unlikely."""
    for i in range(size):
        text = made.decode([i], skip_special_tokens=False)
        bias = 0.0 if text.isascii() and text.isprintable() else -3.0
        bias = 1.9 if "\n\n" in text else bias
        bias = 0.6 if text == "<|im_end|>" else -6.0 if text in SPECIAL else bias
        rows[i, 0] = bias
    return rows


def reference(folder: Path) -> Callable[[Request, Completion], list[float]]:
    """Log-probabilities of a completion's ids after its prompt, by transformers' own Qwen2, teacher
    forced, in float32."""
    from transformers import Qwen2ForCausalLM

    model = Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32)

    def logprobs(request: Request, completion: Completion) -> list[float]:
        with torch.no_grad():
            logits = model(torch.tensor([[*request.token_ids, *completion.token_ids]])).logits[
                0, len(request.token_ids) - 1 : -1
            ]
        return [
            float(row[token])
            for row, token in zip(logits.log_softmax(-1), completion.token_ids, strict=True)
        ]

    return logprobs
