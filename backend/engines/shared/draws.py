"""Uniform draws as a pure function of (seed, position), the same on every machine, in every batch
and for every engine of this project.

SplitMix64: a counter pushed through a mixing function (Steele, Lea and Flood, OOPSLA 2014).
Position n of a stream costs the same as position 0, and nobody else's draws can shift it.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniforms(seed: int, start: int, count: int) -> list[float]:
    """The draws at positions start ... start + count - 1 of the stream named by `seed`, each in [0,
    1) on a grid of 2**-52."""
    positions = np.arange(start + 1, start + count + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        base = mix(np.asarray([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64) + GOLDEN)
        bits = mix(base + positions * GOLDEN)
    found: list[float] = ((bits >> np.uint64(12)).astype(np.float64) * 2.0**-52).tolist()
    return found


def mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser: every input bit flips each output bit with probability near one
    half.
    """
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def segment_seed(seed: int, segment: int) -> int:
    """The seed of a request's further segments: the same draws must not come twice in one text. In
    [0, 2**63)."""
    if segment == 0:
        return seed
    text = f"{seed}/{segment}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1
