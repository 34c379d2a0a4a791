"""What the inputs of the form on Solve hold at first: one spec, taken from a run that shall be done
again or made of the preferences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from backend.messages.runs import RunSpec

MOST = 2**53 - 1
"""The greatest whole number that a browser can hold."""


@dataclass(kw_only=True)
class Inputs:
    """How inputs get their first values. `anew`: they shall hold them now, whatever the session
    remembers; otherwise what a reader changed stays. `lost` gathers what they cannot hold."""

    anew: bool = False
    lost: list[str] = field(default_factory=list)

    def first(self, key: str, **argument: Any) -> dict[str, Any]:
        """The argument that gives the input `key` its first value, such as `value=3`; none where
        the session was given the value instead, because Streamlit wants one of the two."""
        if not self.anew:
            return argument
        [st.session_state[key]] = argument.values()
        return {}

    def choice(self, key: str, options: Sequence[Any], value: object, what: str) -> dict[str, Any]:
        """The same for a choice among `options`: the first of them where `value` is none, which is
        noted under the name `what`."""
        if value not in options:
            self.lose(what, value)
        at = options.index(value) if value in options else 0
        return self.first(key, value=options[at]) if self.anew else {"index": at}

    def number(
        self, key: str, low: int, high: int, value: int, default: int, what: str
    ) -> dict[str, Any]:
        """The same for a whole number from `low` to `high`: `default` where `value` lies outside,
        which is noted."""
        if not low <= value <= high:
            self.lose(what, value)
            value = default
        return self.first(key, value=value)

    def lose(self, what: str, value: object) -> None:
        """Note that the form cannot hold a value."""
        self.lost.append(f"{what} {value}")


@dataclass
class FormStart(Inputs):
    """What the form begins with: `spec` is what the inputs hold at first, `like` the run it comes
    from, if any."""

    spec: RunSpec
    like: int | None = None
