"""The classroom's tokenizer: byte-level BPE under Qwen2's pre-tokeniser rule, trained on the
corpus.

The rule splits digits singly (a number is read digit by digit) and lets punctuation swallow the
line breaks behind it, so `.` and a blank line become one token, as in Qwen: whoever stops at a step
delimiter meets the same trap as with a large model. Bytes make it lossless. 32 spare special tokens
wait for later modes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

END_OF_TEXT = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
STEP_TAG = "<extra_0>"
DELIMITER = "\n\n"
SPECIAL_TOKENS = (
    END_OF_TEXT,
    TURN_START,
    TURN_END,
    STEP_TAG,
    *(f"<|spare_{i}|>" for i in range(32)),
)
MERGED_DELIMITERS = (".\n\n", ":\n\n", ")\n\n", "}.\n\n", "}\n\n", "?\n\n", "!\n\n", "\n\n")

QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| "
    r"?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def train(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A tokenizer of at most `vocabulary` entries, special tokens included, learnt from the texts;
    merged delimiters are forced."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(SPECIAL_TOKENS),
        min_frequency=20,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(with_delimiters(texts), trainer)
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    return tokenizer


def with_delimiters(texts: Iterable[str]) -> Iterator[str]:
    """The texts, and each merged delimiter often enough that its merges are learnt."""
    for delimiter in MERGED_DELIMITERS:
        yield from (f"a{delimiter}a" for _ in range(2_000))
    yield from texts


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` as vLLM, transformers and this project
    read them."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "bos_token": None,
        "eos_token": TURN_END,
        "pad_token": END_OF_TEXT,
        "unk_token": None,
        "additional_special_tokens": [
            token for token in SPECIAL_TOKENS if token not in (END_OF_TEXT, TURN_END)
        ],
        "model_max_length": 1024,
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", "utf-8")
