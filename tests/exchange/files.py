"""The files in `data`, which the other programs wrote themselves; see the README there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
FORMATS = {
    "treequest-mcts.json": "treequest", "treequest-abmcts.json": "treequest", "llm-reasoners-mcts.json": "llm-reasoners",
    "llm-reasoners-beam.json": "llm-reasoners", "llamppl-smc.json": "smc", "genlm-smc.json": "smc",
    "its_hub-best-of-n.json": "its_hub",
    "its_hub-self-consistency.json": "its_hub", "its_hub-beam-search.json": "its_hub", "its_hub-particle-filtering.json": "its_hub",
    "its_hub-particle-gibbs.json": "its_hub", "inspect.json": "inspect", "inspect.eval": "inspect",
}  # fmt: skip
"""Every file with the format that it is in."""

THOUGHT = (
    "<think>\nHalf of 48 is 24.\n\nWait, is it?\nStep 2: add them.\n```\n48\n\n24\n```\n\nSo "
    "72.\n</think>\n\nThe answer is 72.\n"
)


def content(name: str) -> bytes:
    return (DATA / name).read_bytes()


def decoded(name: str) -> Any:
    return json.loads(content(name))
