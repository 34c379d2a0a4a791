"""The address of a comparison: `?runs=3,7&clock=seconds&at=1.25&nodes=12,&pair=3,7`. Every state of
the page is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import streamlit as st

from components.compare.clock import ClockAxis, axis_of
from components.frame.address import put_in_address, query_of

FEWEST, MOST = 2, 4


@dataclass(frozen=True)
class CompareAddress:
    """What the address asks for: runs (at most four, none twice), the clock's axis, its value
    (None: the end), a chosen node for each run that has one, and the pair whose branches are
    compared, if one is named."""

    runs: tuple[int, ...]
    axis: ClockAxis
    at: float | None
    nodes: dict[int, int]
    pair: tuple[int, int] | None

    def pairs(self) -> list[tuple[int, int]]:
        return list(combinations(self.runs, 2))


def read_address() -> CompareAddress:
    """Read the address; what makes no sense is left out."""
    runs = tuple(dict.fromkeys(number for number in _numbers("runs") if number is not None))[:MOST]
    nodes = {
        run: node for run, node in zip(runs, _numbers("nodes"), strict=False) if node is not None
    }
    pair = tuple(number for number in _numbers("pair") if number in runs)
    return CompareAddress(
        runs,
        axis_of(st.query_params.get("clock")),
        _amount(),
        nodes,
        (pair[0], pair[1]) if len(set(pair)) == 2 else None,
    )


def show_runs(runs: Sequence[int]) -> None:
    """Put other runs into the address; what belonged to the earlier ones goes."""
    put_in_address(runs=query_of(runs)["runs"] if runs else None, nodes=None, pair=None, at=None)


def choose_node(now: CompareAddress, run: int, node: int) -> None:
    choose_nodes(now, {run: node})


def choose_nodes(now: CompareAddress, nodes: Mapping[int, int]) -> None:
    """Choose a node in each of some runs; those of the others stay."""
    chosen = {**now.nodes, **nodes}
    put_in_address(nodes=",".join(str(chosen.get(each, "")) for each in now.runs))


def move_clock(value: float | None) -> None:
    """Put the clock at an amount, None: at the end."""
    put_in_address(at=None if value is None else f"{value:.3f}".rstrip("0").rstrip("."))


def _numbers(name: str) -> list[int | None]:
    parts = st.query_params.get(name, "").split(",")
    return [int(part) if part.isdecimal() and len(part) < 19 else None for part in parts]


def _amount() -> float | None:
    text = st.query_params.get("at", "")
    digits = text.replace(".", "", 1)
    return float(text) if digits.isdecimal() and len(digits) < 19 else None
