"""The live tree: one browser component that follows a run and draws it, the same for a run that grows and one that is long over.

The browser opens the event stream itself, so an event reaches the screen without a script run; Python hears only of choices (`picked`), of a
change of the run's status (`status`) and of the slider (`until`). The element is never remounted: pan, zoom and stream survive every rerun.
Model text goes in by `textContent` or escaped labels only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


def tree_script() -> str:
    """The component's JavaScript: the pure tree model, then the page part."""
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in ("tree_model.js", "live_tree.js"))


_MOUNT = st.components.v2.component(
    "arboretum_live_tree",
    html=(_HERE / "live_tree.html").read_text(encoding="utf-8"),
    css=(_HERE / "live_tree.css").read_text(encoding="utf-8"),
    js=tree_script(),
    isolate_styles=False,
)


@dataclass(frozen=True)
class TreeView:
    """What the tree shows. `until` is the last event drawn (None: the newest), `budget` limits by axis, `base` the address of a remote
    backend (empty: the page's own), `token` what that backend asks for, `replay` shows the slider. The tree takes what a window leaves below
    `above` CSS pixels, at least `height`."""

    run: int | None
    status: str = "queued"
    selected: int | None = None
    until: int | None = None
    budget: Mapping[str, float] | None = None
    base: str = ""
    token: str = field(default="", repr=False)
    replay: bool = False
    height: int = 400
    above: int = 420

    def data(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "status": self.status,
            "selected": self.selected,
            "until": self.until,
            "budget": dict(self.budget or {}),
            "base": self.base,
            "token": self.token,
            "replay": self.replay,
            "height": self.height,
            "above": self.above,
        }


@dataclass(frozen=True)
class TreeEvents:
    """What the browser told in this rerun: a clicked node, a new status, a slider position; each None if nothing happened."""

    picked: int | None
    status: str | None
    until: int | None


def live_tree(view: TreeView, *, key: str) -> TreeEvents:
    """Place the tree and return what the user did in it."""
    # A message without a callback is not delivered at all; what it says is read from the result.
    result = _MOUNT(key=key, data=view.data(), on_picked_change=_nothing, on_status_change=_nothing, on_until_change=_nothing)
    return read_events(view.run, result.get("picked"), result.get("status"), result.get("until"))


def read_events(run: int | None, picked: object, status: object, until: object) -> TreeEvents:
    """What the browser sent, believed only if it belongs to `run`."""
    return TreeEvents(_number(run, picked, "node"), _word(run, status), _number(run, until, "seq"))


def _number(run: int | None, message: object, name: str) -> int | None:
    if isinstance(message, Mapping) and message.get("run") == run and isinstance(message.get(name), int):
        return int(message[name])
    return None


def _word(run: int | None, message: object) -> str | None:
    if isinstance(message, Mapping) and message.get("run") == run and isinstance(message.get("status"), str):
        return str(message["status"])
    return None


def _nothing() -> None:
    return None
