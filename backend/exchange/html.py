"""One search as one page that opens offline: the tree, a slider over its events and an inspector,
with everything inside.

The page draws with the live tree's own model (`components/tree/browser/tree_*.js`), so a moment
looks as it does in the program. What models, files and people wrote travels as JSON in which no
markup can stand, and the page puts it in as text. A policy in the page allows its own script and
style by their hashes and nothing else: no other script, no image, no address is ever asked for.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache

from backend.core.settings import ROOT
from backend.core.types import JSON

COMPONENTS = ROOT / "components" / "tree" / "browser"
MODEL = ("tree_model.js", "tree_layout.js", "tree_detail.js")
_MARKUP = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def page(run: Mapping[str, JSON], events: Sequence[Mapping[str, JSON]]) -> str:
    """The page. `run` has the fields of `schemas.Run`, `events` those of `schemas.Event`, nodes
    joined to events of kind `node`."""
    script, style, body = _assets()
    data = embed_json(
        {
            "run": {name: run.get(name) for name in SHOWN},
            "events": [dict(event) for event in events],
        }
    )
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            (
                '<meta name="referrer" content="no-referrer">\n<meta name="viewport" '
                'content="width=device-width, initial-scale=1">'
            ),
            f"<title>Arboretum: a search</title>\n<style>{style}</style>\n</head>\n<body>\n{body}",
            (
                f'<script type="application/json" id="data">{data}</script>\n<script '
                f'type="module">{script}</script>\n</body>\n</html>\n'
            ),
        )
    )


SHOWN = (
    "id", "status", "strategy", "model", "seed", "question", "answer", "right_answer", "correct", "grade", "grade_reason", "chosen_node", "reason",
    "error", "ledger", "origin", "created_at", "params", "budget", "verifier", "selector", "manifest",
)  # fmt: skip
"""What the page tells of the run."""


def embed_json(data: JSON) -> str:
    """JSON that can stand inside a script element: no `<`, `>` or `&`, so neither `</script>` nor
    `<!--` can be spelled in it."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(
        _MARKUP
    )


@cache
def _assets() -> tuple[str, str, str]:
    """Script, style and body of every page."""
    read = {
        name: (COMPONENTS / name).read_text(encoding="utf-8")
        for name in (*MODEL, "offline.js", "offline.css", "offline.html")
    }
    model = "\n".join(read[name] for name in MODEL)
    return f"{model}\n{{\n{read['offline.js']}}}\n", read["offline.css"], read["offline.html"]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


__all__ = ["embed_json", "page"]
