"""A form drawn from a JSON schema: what a strategy declares in its parameter model is what the page asks for.

Published defaults are preselected; a value that equals its default is left out of the result, so that a run's record shows what was changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

JSON = Any
Widget = Literal["bool", "int", "float", "choice", "text"]


@dataclass(frozen=True)
class Field:
    """One input: bounds are inclusive, `step` is the smallest sensible change, `optional` says that null is accepted."""

    name: str
    title: str
    widget: Widget
    default: JSON
    help: str
    choices: tuple[JSON, ...] = ()
    low: float | None = None
    high: float | None = None
    optional: bool = False


def fields(schema: Mapping[str, JSON]) -> list[Field]:
    """The inputs of a JSON schema of an object, in order."""
    definitions = schema.get("$defs", {})
    return [_field(name, _resolved(node, definitions)) for name, node in schema.get("properties", {}).items()]


def _resolved(node: Mapping[str, JSON], definitions: Mapping[str, JSON]) -> dict[str, JSON]:
    """The node with references followed and an optional type unwrapped."""
    merged = dict(node)
    options = [option for option in merged.pop("anyOf", ()) if option.get("type") != "null"]
    if options and "anyOf" in node:
        merged = {**_resolved(options[0], definitions), **merged, "nullable": len(options) < len(node["anyOf"])}
    if "$ref" in merged:
        merged = {**definitions[str(merged.pop("$ref")).rsplit("/", 1)[-1]], **merged}
    if len(merged.get("allOf", ())) == 1:
        merged = {**_resolved(merged.pop("allOf")[0], definitions), **merged}
    return merged


def _field(name: str, node: Mapping[str, JSON]) -> Field:
    widget: Widget = "choice" if "enum" in node else {"boolean": "bool", "integer": "int", "number": "float"}.get(node.get("type", ""), "text")  # type: ignore[assignment]
    low, high = node.get("minimum"), node.get("maximum")
    tick = 1 if widget == "int" else 1e-12
    if low is None and "exclusiveMinimum" in node:
        low = node["exclusiveMinimum"] + tick
    if high is None and "exclusiveMaximum" in node:
        high = node["exclusiveMaximum"] - tick
    title = str(node.get("title", name)) if node.get("title", "").lower() != name.replace("_", " ") else name.replace("_", " ").capitalize()
    help_ = " ".join(part for part in (str(node.get("description", "")), f"(parameter {name}, default {node.get('default')})") if part)
    return Field(name, title, widget, node.get("default"), help_, tuple(node.get("enum", ())), low, high, bool(node.get("nullable")))


def changed(values: Mapping[str, JSON], form: list[Field]) -> dict[str, JSON]:
    """Only what differs from the published defaults."""
    defaults = {field.name: field.default for field in form}
    return {name: value for name, value in values.items() if value != defaults.get(name)}


def schema_form(schema: Mapping[str, JSON], *, key: str) -> dict[str, JSON]:
    """Draw the inputs two abreast and return the values that differ from the defaults."""
    form = fields(schema)
    values: dict[str, JSON] = {}
    for start in range(0, len(form), 2):
        for column, field in zip(st.columns(2), form[start : start + 2], strict=False):
            with column:
                values[field.name] = _input(field, f"{key}.{field.name}")
    return changed(values, form)


def _input(field: Field, key: str) -> JSON:
    shared: dict[str, Any] = {"key": key, "help": field.help, "persist_state": "session"}
    if field.widget == "bool":
        return st.checkbox(field.title, value=bool(field.default), **shared)
    if field.widget == "choice":
        return st.selectbox(field.title, field.choices, index=field.choices.index(field.default) if field.default in field.choices else 0, **shared)
    if field.widget == "int":
        return st.number_input(
            field.title,
            min_value=_whole(field.low),
            max_value=_whole(field.high),
            value=None if field.default is None else int(field.default),
            step=1,
            **shared,
        )
    if field.widget == "float":
        default = None if field.default is None else float(field.default)
        return st.number_input(
            field.title,
            min_value=None if field.low is None else float(field.low),
            max_value=None if field.high is None else float(field.high),
            value=default,
            step=0.1 if default is None or abs(default) >= 0.1 or default == 0 else None,
            format="%.4g",
            **shared,
        )
    return st.text_input(field.title, value="" if field.default is None else str(field.default), **shared) or None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
