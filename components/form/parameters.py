"""The parameters of a strategy as a table: name, published default, meaning. Everything comes from
the JSON schema and is shown as text."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from components.frame.prose import visible


class Parameter(NamedTuple):
    """A line of the table; `default` as it is written in a run's parameters."""

    name: str
    default: str
    meaning: str


def parameters(schema: Mapping[str, Any]) -> list[Parameter]:
    """One line a property of the schema, in order."""
    return [
        Parameter(name, _format_default(node.get("default")), str(node.get("description", "")))
        for name, node in schema.get("properties", {}).items()
    ]


def _format_default(default: Any) -> str:
    if isinstance(default, float):
        return f"{default:.6g}"
    return default if isinstance(default, str) else json.dumps(default)


def parameters_html(lines: Sequence[Parameter]) -> str:
    """The table as escaped HTML."""
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(visible(cell))}</td>' for cell in line)}</tr>"
        for line in lines
    )
    return (
        f"<style>{_CSS}</style><table "
        f"class='arb-params'><thead><tr>{_HEAD}</tr></thead><tbody>{rows}</tbody></table>"
    )


_HEAD = "".join(f"<th scope='col'>{title}</th>" for title in ("Parameter", "Default", "Meaning"))
_CSS = (
    ".arb-params{border-collapse:collapse;font-size:13px;line-height:1.4;width:100%}"
    ".arb-params th,.arb-params td{border-bottom:1px solid rgba(128,128,128,.22);padding:3px 8px "
    "3px 0;text-align:left;vertical-align:top}"
    ".arb-params td{overflow-wrap:anywhere}"
    ".arb-params td:first-child,.arb-params "
    "td:nth-child(2){font-family:var(--st-code-font,monospace)}"
    ".arb-params td:nth-child(2){min-width:5em}"
)
