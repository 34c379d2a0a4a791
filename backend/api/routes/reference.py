"""The paths of this service for a reader, made from its own OpenAPI document: no script, and nothing
from a foreign host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter()

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}code{font-family:ui-monospace,monospace}"
    "section{border-top:1px solid rgba(128,128,128,.4);padding:.3rem 0}h2{font-size:1rem;margin:.5rem 0}"
    "p{margin:.2rem 0;white-space:pre-wrap}"
)


@router.get("/docs", include_in_schema=False)
def reference(request: Request) -> HTMLResponse:
    """Every path with what it takes and answers."""
    return HTMLResponse(reference_html(request.app.openapi()))


def reference_html(document: Mapping[str, Any]) -> str:
    """An OpenAPI document as a page."""
    info = document["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f"<p>{escape(info.get('description', ''))}</p>"
        "<p>The same for programs, with every schema: <a href='openapi.json'>openapi.json</a>.</p>"
        f"{''.join(_sections(document['paths']))}</body></html>"
    )


def _sections(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for path, methods in paths.items():
        for method, operation in methods.items():
            lines = [operation.get("description") or operation.get("summary", "")]
            if takes := [one["name"] for one in operation.get("parameters", ())]:
                lines.append(f"Parameters: {', '.join(takes)}.")
            if body := ", ".join(_schemas(operation.get("requestBody", {}))):
                lines.append(f"Body: {body}.")
            answers = (
                f"{status} {' '.join((answer['description'], *_schemas(answer)))}"
                for status, answer in operation["responses"].items()
            )
            lines.append(f"Answers: {'; '.join(answers)}.")
            told = "".join(f"<p>{escape(line)}</p>" for line in lines)
            yield f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>{told}</section>"


def _schemas(part: Mapping[str, Any]) -> Iterator[str]:
    """The names of the schemas that a body or an answer has."""
    for content in part.get("content", {}).values():
        if name := content.get("schema", {}).get("$ref"):
            yield name.rpartition("/")[2]


__all__ = ["reference_html", "router"]
