"""The policy's stage: a Qwen2 language model that learns to write solutions, loss on solution
tokens only."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from backend.classroom import folder
from backend.classroom import tokenizer as vocabulary
from backend.classroom.corpus import documents
from backend.classroom.encoding import EncodedText, prompt, solution
from backend.classroom.training import Schedule, TrainingBatch, attention_for, device, train
from backend.engines.shared.chat import ChatTokenizer
from backend.engines.torch.qwen2 import Attention, DecoderLayer, Qwen2Config, Qwen2ForCausalLM, load

VOCABULARY = 1_280
RATE, RATE_ON = 4e-3, 2.5e-3
SHORT_UNTIL = 0.3
TOKENIZER_DOCUMENTS = 20_000
READINGS, READINGS_LATER = 0.5, 0.05
"""Share of ledger documents that only read facts out, in the first part of the training and after
it."""
TOKENS_A_BATCH = 4_096
POOL = 2_048
LOOKING_BACK, FAST, SHARPNESS = 6, 3, 6.0
"""Heads of the first block that begin by looking back; frequencies they use; size of their biases
(a score of 6 * 6 a frequency before scaling)."""
SHORT = {"ledger": 160, "procedure": 150, "countdown": 100}
"""Longest documents, in tokens, of the first part of the training: looking facts up is learnt
sooner in short texts."""
KEPT = {"ledger": 1.0, "procedure": 0.25, "countdown": 0.35}
"""Share of the corpus's documents that is trained on: the ledger is the hardest to learn."""
LONG, KEPT_LONG = 224, 0.3
"""Documents of more tokens than this are rarer: attention makes them dear, and they teach little
that shorter ones do not."""


def shape(entries: int) -> Qwen2Config:
    """The policy's sizes: 6 blocks of width 256, 8 heads of 32 over 4 key-value heads, about 3.7
    million parameters."""
    return Qwen2Config(
        vocab_size=entries,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=folder.CONTEXT,
    )


def learn_tokenizer(work: Path) -> Tokenizer:
    """The corpus stage: the tokenizer, learnt from the first documents and kept in the work
    folder.
    """
    path = work / "tokenizer.json"
    if path.is_file():
        return Tokenizer.from_file(str(path))
    texts = (
        text
        for document in islice(documents(seed=1), TOKENIZER_DOCUMENTS)
        for text in (
            prompt(document.question),
            *(step + vocabulary.DELIMITER for step in document.steps),
        )
    )
    tokenizer = vocabulary.train(texts, VOCABULARY)
    work.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return tokenizer


def initialise(model: nn.Module, blocks: int, seed: int) -> None:
    """Normal weights of deviation 0.02, smaller where a block adds to the residual stream; biases
    zero."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            residual = name.endswith(("o_proj.weight", "down_proj.weight"))
            nn.init.normal_(
                parameter, std=0.02 / (2 * blocks) ** 0.5 if residual else 0.02, generator=generator
            )
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)


def look_back(attention: Attention, theta: float, seed: int) -> None:
    """Heads that begin by looking at the token 1, 2, ... `LOOKING_BACK` places before, through the
    biases of queries and keys.

    Finding a fact by its name needs to know which tokens stand just before a place; a model of this
    size takes most of its training to discover that. Under rotary positions a key bias of 1 and a
    query bias turned back by d places, in the same pair of coordinates, make scores that are
    highest d places back; the fastest frequencies alone tell neighbours apart. They come near that
    height again about a hundred places back.
    """
    size, generator = attention.head_dim, torch.Generator().manual_seed(seed)
    groups = attention.q_proj.out_features // attention.k_proj.out_features
    frequencies = [theta ** (-2 * pair / size) for pair in range(FAST)]
    with torch.no_grad():
        for head in range(LOOKING_BACK):
            for pair, frequency in enumerate(frequencies):
                angle = -frequency * (head + 1)
                attention.q_proj.bias[head * size + pair] = SHARPNESS * math.cos(angle)
                attention.q_proj.bias[head * size + pair + size // 2] = SHARPNESS * math.sin(angle)
                attention.k_proj.bias[head // groups * size + pair] = SHARPNESS
        used = -(-LOOKING_BACK // groups) * size
        nn.init.normal_(
            attention.v_proj.weight[:used],
            std=attention.v_proj.in_features**-0.5,
            generator=generator,
        )


def width_for(length: int) -> int:
    """The padded width of a row: few widths, because a new shape costs the matrix library a
    compilation."""
    step = 16 if length <= 256 else 32
    return -(-length // step) * step


def pad_batch(rows: Sequence[EncodedText], width: int, padding: int) -> TrainingBatch:
    """Rows padded on the right to the width; the loss is on solution tokens."""
    ids = torch.tensor([row.ids + [padding] * (width - len(row.ids)) for row in rows])
    places = [
        r * width + i - 1 for r, row in enumerate(rows) for i in range(row.start, len(row.ids))
    ]
    targets = [i for row in rows for i in row.ids[row.start :]]
    return TrainingBatch(ids, torch.tensor(places), torch.tensor(targets))


def batches(
    tokenizer: ChatTokenizer,
    seed: int,
    only_short: Callable[[], bool],
    tokens: int = TOKENS_A_BATCH,
) -> Iterator[TrainingBatch]:
    """Endless batches of at most `tokens` tokens, rows of one width each; what does not fill a
    batch waits for the next pool."""
    rng, padding = random.Random(seed), tokenizer.token_id(vocabulary.END_OF_TEXT)
    stream = documents(seed, lambda: READINGS if only_short() else READINGS_LATER)
    waiting: dict[int, list[EncodedText]] = {}
    while True:
        ready, short = list[TrainingBatch](), only_short()
        for document in islice(stream, POOL):
            name = document.problem_id.partition("/")[0]
            if rng.random() > KEPT[name]:
                continue
            row = solution(tokenizer, document.question, document.steps)
            if (short and len(row.ids) > SHORT[name]) or (
                len(row.ids) > LONG and rng.random() > KEPT_LONG
            ):
                continue
            width = width_for(len(row.ids))
            rows = waiting.setdefault(width, [])
            rows.append(row)
            if len(rows) == tokens // width:
                ready.append(pad_batch(waiting.pop(width), width, padding))
        rng.shuffle(ready)
        yield from ready


def train_policy(
    minutes: float,
    seed: int = 0,
    work: Path = folder.WORK,
    shipped: Path = folder.POLICY,
    start: Path | None = None,
) -> None:
    """The policy stage; the shipped folder is rewritten at each checkpoint.

    The first `SHORT_UNTIL` of the time goes to short documents. With `start`, a folder with weights
    of the same shape and tokenizer, it goes on from there instead: at `RATE_ON`, and on documents
    of every length.
    """
    tokenizer = learn_tokenizer(work)
    config = shape(tokenizer.get_vocab_size(with_added_tokens=True))
    where = device()
    model = Qwen2ForCausalLM(config)
    if start is None:
        initialise(model, config.num_hidden_layers, seed)
        first = model.model.layers[0]
        assert isinstance(first, DecoderLayer)
        look_back(first.self_attn, config.rope_theta, seed)
    else:
        model.load_state_dict(load(start).model.state_dict())
    model.to(where, torch.bfloat16)
    short_s, rate = (60 * minutes * SHORT_UNTIL, RATE) if start is None else (0.0, RATE_ON)
    attention, chat = attention_for(where), ChatTokenizer(tokenizer)

    def loss(batch: TrainingBatch) -> Tensor:
        there = batch.to(where)
        hidden = model.model(there.ids, attention).flatten(0, 1)[there.places]
        return F.cross_entropy(model.logits(hidden).float(), there.targets)

    report = folder.StageLog(work / "policy.log")
    report(
        f"policy: {sum(p.numel() for p in model.parameters()):,} parameters, "
        f"{config.vocab_size} tokens, {minutes} min"
    )
    train(
        model,
        lambda clock: batches(
            chat, 1_000 * (seed + 1) + clock.resumptions, lambda: clock.elapsed_s < short_s
        ),
        loss,
        Schedule(minutes, rate),
        work / "policy.pt",
        report,
        publish=lambda: folder.write_model(shipped, model, config, tokenizer),
    )
