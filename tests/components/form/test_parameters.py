"""The table of a strategy's published defaults: complete, in order, and nothing in it acts."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field

from backend.core.registry import STRATEGIES, Params
from components.form.parameters import Parameter, parameters, parameters_html


class Some(Params):
    ratio: float = Field(2.0**0.5, description="of <b>two</b> & more")
    scheme: Literal["a", "b"] = "b"
    loud: bool = Field(False, description="say **it**")
    cap: int | None = Field(None, description="at most\u202e")


def test_a_line_has_name_default_and_meaning_as_they_are_written_in_a_run() -> None:
    assert parameters(Some.model_json_schema()) == [
        Parameter("ratio", "1.41421", "of <b>two</b> & more"),
        Parameter("scheme", "b", ""),
        Parameter("loud", "false", "say **it**"),
        Parameter("cap", "null", "at most\u202e"),
    ]


def test_what_a_schema_says_is_shown_as_text() -> None:
    shown = parameters_html(parameters(Some.model_json_schema()))
    assert "<td>of &lt;b&gt;two&lt;/b&gt; &amp; more</td>" in shown and "<b>" not in shown
    assert "\u202e" not in shown and "U+202E" in shown
    assert shown.count("<tr>") == 5 and shown.count("<td>") == 12


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_every_parameter_of_a_strategy_has_a_default_and_a_meaning(name: str) -> None:
    entry = STRATEGIES[name]
    lines = parameters(entry.params.model_json_schema())
    assert [line.name for line in lines] == list(entry.params.model_fields)
    assert all(line.default and line.meaning for line in lines)
