"""Settings and manifests of several runs as lines: what differs first in sight, what is equal on
demand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def format_value(value: Any) -> str:
    """A setting as it is written: texts as they are, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def with_defaults(params: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with the published defaults of those that were not given; `schema` is the
    strategy's JSON schema."""
    declared = schema.get("properties", {})
    return {name: node["default"] for name, node in declared.items() if "default" in node} | dict(
        params
    )
