"""How a reader looks at a tree: layout, colour, size, the subtree in focus, what is open. All of it
stands in the address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LAYOUTS = ("down", "right", "outline")
COLOURS = ("score", "value", "visits", "weight", "logprob", "order", "answer")
SIZES = ("same", "visits", "weight")
MOST_OPEN = 200
"""Nodes opened or closed by hand that an address holds at most, the last ones."""

_NUMBER = re.compile(r"\d{1,15}", re.ASCII)


@dataclass(frozen=True)
class Look:
    """The first of each tuple is what a reader finds. `focus` is the root of the subtree shown
    (None: the whole tree), `open` and `shut` are nodes whose subtrees were opened or closed by
    hand."""

    layout: str = LAYOUTS[0]
    colour: str = COLOURS[0]
    size: str = SIZES[0]
    focus: int | None = None
    open: tuple[int, ...] = ()
    shut: tuple[int, ...] = ()

    def data(self) -> dict[str, Any]:
        """As the browser takes it."""
        parts = {
            "layout": self.layout,
            "colour": self.colour,
            "size": self.size,
            "focus": self.focus,
        }
        return {**parts, "open": list(self.open), "shut": list(self.shut)}

    def parts(self) -> dict[str, str | None]:
        """The parts of an address; None for fields that have their defaults."""
        plain = Look()
        return {
            **{
                name: None
                if getattr(self, name) == getattr(plain, name)
                else str(getattr(self, name))
                for name in ("layout", "colour", "size", "focus")
            },
            **{name: ".".join(map(str, getattr(self, name))) or None for name in ("open", "shut")},
        }


def look_of(parts: Mapping[str, str]) -> Look:
    """Return the look that an address gives; fields that are missing or wrong have their
    defaults."""
    plain = Look()

    def word(name: str, words: tuple[str, ...], otherwise: str) -> str:
        return parts[name] if parts.get(name) in words else otherwise

    def numbers(name: str) -> tuple[int, ...]:
        return tuple(int(one) for one in parts.get(name, "").split(".") if _NUMBER.fullmatch(one))[
            -MOST_OPEN:
        ]

    focus = numbers("focus")
    return Look(
        word("layout", LAYOUTS, plain.layout),
        word("colour", COLOURS, plain.colour),
        word("size", SIZES, plain.size),
        focus[0] if len(focus) == 1 else None,
        numbers("open"),
        numbers("shut"),
    )


def read_look(message: Mapping[str, object]) -> Look:
    """Return the look that the browser sent, without any field that is not allowed."""
    parts = {name: str(message.get(name)) for name in ("layout", "colour", "size", "focus")}
    lists = {
        name: value for name in ("open", "shut") if isinstance(value := message.get(name), list)
    }
    return look_of({**parts, **{name: ".".join(map(str, value)) for name, value in lists.items()}})
