"""The codebook: error categories that people can add, rename and retire without a label losing its
meaning."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from backend.core.errors import BadInput

MARKS = {
    "circle": "\u25cf", "square": "\u25a0", "triangle": "\u25b2", "diamond": "\u25c6", "cross": "\u2716", "hexagon": "\u2b22", "star": "\u2605",
    "plus": "\u271a", "ring": "\u25cb", "frame": "\u25a1", "point": "\u25bc", "half": "\u25d0",
}  # fmt: skip
"""Marks by name. They differ in shape, so that nobody needs the colour."""

DESCRIPTION_LIMIT, NAME_LIMIT = 1000, 60


@dataclass(frozen=True)
class Category:
    """An entry. `key` is given once and never changes; a retired one takes no new labels and keeps
    its old ones; `position` orders the book."""

    key: str
    name: str
    description: str
    mark: str
    position: int
    retired: bool = False

    def check(self) -> Category:
        """Return the entry itself. Raises `BadInput` where a field is not allowed."""
        if not self.name.strip() or len(self.name) > NAME_LIMIT or "\n" in self.name:
            raise BadInput(
                "name of a category",
                given=self.name[:NAME_LIMIT],
                accepted=f"1 to {NAME_LIMIT} characters on one line",
            )
        if len(self.description) > DESCRIPTION_LIMIT:
            raise BadInput(
                "description of a category",
                given=f"{len(self.description)} characters",
                accepted=f"at most {DESCRIPTION_LIMIT}",
            )
        if self.mark not in MARKS:
            raise BadInput("mark of a category", given=self.mark, accepted=", ".join(MARKS))
        return self


def new_key(name: str, taken: Collection[str]) -> str:
    """A key made from a name: lower-case letters, digits and underscores, unlike those taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40] or "category"
    key, number = base, 2
    while key in taken:
        key, number = f"{base}_{number}", number + 1
    return key


__all__ = ["MARKS", "Category", "new_key"]
