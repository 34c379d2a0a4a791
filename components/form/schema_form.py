"""A form drawn from a JSON schema: what a strategy declares in its parameter model is what the page
asks for.

Published defaults are preselected; a value that equals its default is left out of the result, so
that a run's record shows what was changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from components.form.start_form import MOST, Inputs
from components.frame.prose import plain_markdown

JSON = Any
Widget = Literal["bool", "int", "float", "choice", "texts", "text"]


@dataclass(frozen=True)
class Field:
    """One input: bounds are inclusive, `step` is the smallest sensible change, `optional` says that
    null is accepted."""

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
    return [
        _field(name, _resolve(node, definitions))
        for name, node in schema.get("properties", {}).items()
    ]


def _resolve(node: Mapping[str, JSON], definitions: Mapping[str, JSON]) -> dict[str, JSON]:
    """The node with references followed and an optional type unwrapped."""
    merged = dict(node)
    options = [option for option in merged.pop("anyOf", ()) if option.get("type") != "null"]
    if options and "anyOf" in node:
        merged = {
            **_resolve(options[0], definitions),
            **merged,
            "nullable": len(options) < len(node["anyOf"]),
        }
    if "$ref" in merged:
        merged = {**definitions[str(merged.pop("$ref")).rsplit("/", 1)[-1]], **merged}
    if len(merged.get("allOf", ())) == 1:
        merged = {**_resolve(merged.pop("allOf")[0], definitions), **merged}
    return merged


WIDE: frozenset[Widget] = frozenset({"texts", "bool"})
"""Inputs that take a row: a list, and a box with its label beside it."""
_WIDGETS: Mapping[str, Widget] = {
    "boolean": "bool",
    "integer": "int",
    "number": "float",
    "array": "texts",
}


def _field(name: str, node: Mapping[str, JSON]) -> Field:
    widget: Widget = "choice" if "enum" in node else _WIDGETS.get(node.get("type", ""), "text")
    low, high = node.get("minimum"), node.get("maximum")
    tick = 1 if widget == "int" else 1e-12
    if low is None and "exclusiveMinimum" in node:
        low = node["exclusiveMinimum"] + tick
    if high is None and "exclusiveMaximum" in node:
        high = node["exclusiveMaximum"] - tick
    title = (
        str(node.get("title", name))
        if node.get("title", "").lower() != name.replace("_", " ")
        else name.replace("_", " ").capitalize()
    )
    help_ = " ".join(
        part
        for part in (
            str(node.get("description", "")),
            f"(parameter {name}, default {node.get('default')})",
        )
        if part
    )
    return Field(
        name,
        title,
        widget,
        node.get("default"),
        help_,
        tuple(node.get("enum", ())),
        low,
        high,
        bool(node.get("nullable")),
    )


def changes_of(values: Mapping[str, JSON], form: list[Field]) -> dict[str, JSON]:
    """Only what differs from the published defaults."""
    defaults = {field.name: field.default for field in form}
    return {name: value for name, value in values.items() if value != defaults.get(name)}


def fits(field: Field, value: JSON) -> bool:
    """Whether the input can hold a value that was given elsewhere, for instance by a run of another
    version."""
    if value is None:
        return field.optional
    if field.widget in ("int", "float"):
        right = (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and (field.widget == "float" or value == int(value))
        )
        return (
            right
            and (field.low is None or value >= field.low)
            and (field.high is None or value <= field.high)
            and abs(value) <= MOST
        )
    if field.widget == "choice":
        return value in field.choices
    if field.widget == "texts":
        return isinstance(value, list) and all(
            isinstance(one, str) and one == one.strip() != "" and "\n" not in one for one in value
        )
    return isinstance(value, bool if field.widget == "bool" else str)


def schema_form(
    schema: Mapping[str, JSON], *, key: str, given: Mapping[str, JSON], start: Inputs
) -> dict[str, JSON]:
    """Draw the inputs two abreast, lists and long labels alone, and return the values that differ
    from the defaults. They begin with what is `given`, else with the defaults."""
    form = fields(schema)
    values: dict[str, JSON] = {}
    for row in _rows(form):
        for column, field in zip(st.columns(1 if row[0].widget in WIDE else 2), row, strict=False):
            first = given.get(field.name, field.default)
            if first != field.default and not fits(field, first):
                start.lose(field.name, first)
                first = field.default
            with column:
                values[field.name] = _input(field, f"{key}.{field.name}", first, start)
    for name in given.keys() - {field.name for field in form}:
        start.lose(name, given[name])
    return changes_of(values, form)


def _rows(form: Sequence[Field]) -> list[list[Field]]:
    """The inputs in order, as they stand beside each other."""
    rows: list[list[Field]] = []
    for field in form:
        beside = bool(rows) and len(rows[-1]) == 1 and not {field.widget, rows[-1][0].widget} & WIDE
        if beside:
            rows[-1].append(field)
        else:
            rows.append([field])
    return rows


def _input(field: Field, key: str, first: JSON, start: Inputs) -> JSON:
    shared: dict[str, Any] = {
        "key": key,
        "help": plain_markdown(field.help),
        "persist_state": "session",
    }
    if field.widget == "bool":
        return st.checkbox(
            plain_markdown(field.title), **shared, **start.first(key, value=bool(first))
        )
    if field.widget == "choice":
        return st.selectbox(
            plain_markdown(field.title),
            field.choices,
            **shared,
            **start.choice(key, field.choices, first, field.name),
        )
    if field.widget == "int":
        value = start.first(key, value=None if first is None else int(first))
        return st.number_input(
            plain_markdown(field.title),
            min_value=_whole(field.low),
            max_value=_whole(field.high),
            step=1,
            **shared,
            **value,
        )
    if field.widget == "float":
        return st.number_input(
            plain_markdown(field.title),
            min_value=None if field.low is None else float(field.low),
            max_value=None if field.high is None else float(field.high),
            step=0.1 if first is None or abs(first) >= 0.1 or first == 0 else None,
            format="%.6g",
            **shared,
            **start.first(key, value=None if first is None else float(first)),
        )
    if field.widget == "texts":
        lines = st.text_area(
            f"{plain_markdown(field.title)}, one a line",
            height=120,
            **shared,
            **start.first(key, value="\n".join(first or ())),
        )
        return [line.strip() for line in lines.split("\n") if line.strip()]
    text = st.text_input(
        plain_markdown(field.title),
        **shared,
        **start.first(key, value="" if first is None else str(first)),
    )
    return None if field.optional and not text else text


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
