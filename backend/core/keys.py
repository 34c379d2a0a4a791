"""Keys of model calls, and the seeds that derive from them: the same in every rerun of the same
run."""

from __future__ import annotations

from hashlib import blake2b


def digest(*parts: object) -> str:
    """A 16-digit name of the parts, the same on every machine."""
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).hexdigest()


def seed_of(run_seed: int, key: str) -> int:
    """A seed in [0, 2**63) for the call `key` of the run."""
    return (
        int.from_bytes(blake2b(f"{run_seed}\x1f{key}".encode(), digest_size=8).digest(), "big") >> 1
    )
