"""The live tree: one browser component that follows a run and draws it, the same for a run that
grows and one that is long over.

The browser opens the event stream itself, so an event reaches the screen without a script run;
Python is sent only choices (`picked`), a change of the run's status (`status`), the slider
(`until`), a choice of layout, colour, size, focus or opened subtree (`look`), and a click on a node
of another run (`foreign`). Where a page has a `node_head`, choices of a node go through
that. The element is never remounted: pan, zoom and stream survive every rerun. Model text goes in
by `textContent` or escaped labels only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from components.frame.look import Look, read_look
from components.run.context import ContextNode
from components.run.reached import Answers

_HERE = Path(__file__).parent / "browser"
_PURE = ("tree_model.js", "tree_layout.js", "tree_detail.js", "tree_colours.js", "tree_keys.js")
_SPEAKING = (
    "replay.js",
    "live_stream.js",
    "live_draw.js",
    "live_outline.js",
    "live_tools.js",
    "live_tree.js",
)


def tree_script() -> str:
    """The component's JavaScript: the pure files of the tree, then replay, then those that speak to
    the page."""
    return _read(*_PURE, *_SPEAKING)


def _read(*names: str) -> str:
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


_MOUNT = st.components.v2.component(
    "arboretum_live_tree",
    html=(_HERE / "live_tree.html").read_text(encoding="utf-8"),
    css=_read("live_tree.css", "replay.css"),
    js=tree_script(),
    isolate_styles=False,
)


@dataclass(frozen=True)
class TreeView:
    """What the tree shows. `until` is the last event drawn (None: the newest), `budget` limits by
    axis, `base` the address of a remote backend (empty: the page's own), `token` what that backend
    asks for, `replay` shows the slider. The tree takes what a window leaves below `above` CSS
    pixels, at least `height`. `answers` are needed while the colour is the answer, `context` are
    nodes of other runs. `recorded` are the costs that a run of another program brought with it;
    None for a run that was made here, whose costs the events tell."""

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
    look: Look = field(default_factory=Look)
    answers: Answers | None = None
    context: tuple[ContextNode, ...] = ()
    recorded: Mapping[str, float] | None = None

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
            "look": self.look.data(),
            "answers": None if self.answers is None else self.answers.data(),
            "recorded": None if self.recorded is None else dict(self.recorded),
            "context": [asdict(node) for node in self.context],
        }


@dataclass(frozen=True)
class TreeEvents:
    """What the browser sent in this rerun: a clicked node, a new status, a slider position, a
    clicked node of another run (that run, the node in it), a new look; each None if nothing
    happened."""

    picked: int | None
    status: str | None
    until: int | None
    foreign: tuple[int, int] | None = None
    look: Look | None = None


TakeEvents = Callable[[TreeEvents], None]
MESSAGES = ("picked", "status", "until", "foreign", "look")


def live_tree(view: TreeView, *, key: str, take_events: TakeEvents | None = None) -> TreeEvents:
    """Place the tree and return what the user did in it. `take_events` is called with the same
    before the rerun that it causes, as the callback of a widget is, so that it can say which
    fragments have to be run; each message then arrives once."""
    # A message without a callback is not delivered at all.
    callbacks = {
        f"on_{name}_change": _nothing
        if take_events is None
        else partial(_tell, view.run, key, name, take_events)
        for name in MESSAGES
    }
    result = _MOUNT(key=key, data={**view.data(), "told": time.monotonic_ns()}, **callbacks)
    return read_events(view.run, *(result.get(name) for name in MESSAGES))


def read_events(
    run: int | None,
    picked: object,
    status: object,
    until: object,
    foreign: object = None,
    look: object = None,
) -> TreeEvents:
    """What the browser sent, believed only if it belongs to `run`."""
    other, node = _number(run, foreign, "other"), _number(run, foreign, "node")
    return TreeEvents(
        _number(run, picked, "node"),
        _word(run, status),
        _number(run, until, "seq"),
        None if other is None or node is None else (other, node),
        read_look(look) if _mine(run, look) and isinstance(look, Mapping) else None,
    )


def _tell(run: int | None, key: str, name: str, take_events: TakeEvents) -> None:
    sent = st.session_state.get(key)
    said = {
        one: sent.get(one) if isinstance(sent, Mapping) and one == name else None
        for one in MESSAGES
    }
    take_events(read_events(run, *said.values()))


def _mine(run: int | None, message: object) -> bool:
    return isinstance(message, Mapping) and message.get("run") == run


def _number(run: int | None, message: object, name: str) -> int | None:
    if isinstance(message, Mapping) and _mine(run, message):
        value = message.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    return None


def _word(run: int | None, message: object) -> str | None:
    if (
        isinstance(message, Mapping)
        and _mine(run, message)
        and isinstance(message.get("status"), str)
    ):
        return str(message["status"])
    return None


def _nothing() -> None:
    return None
