"""A form is drawn from what a strategy declares; adding a parameter needs no page."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import pytest
from pydantic import Field as Declared

from backend.core.registry import STRATEGIES, Params
from backend.judging.rules import SELECTORS
from components.form.schema_form import Field, changes_of, fields, fits
from components.views.registry import all_views, views_for
from components.views.table_panel import parameters, threshold


class Scheme(StrEnum):
    ONE = "one"
    TWO = "two"


class Everything(Params):
    particles: int = Declared(4, ge=1, le=64, description="how many")
    temperature: float = Declared(1.0, gt=0.0, le=2.0)
    scheme: Literal["a", "b"] = "b"
    listed: Scheme = Scheme.TWO
    loud: bool = False
    cap: int | None = Declared(None, ge=1)
    words: tuple[str, ...] = ("wait", "let me check")


def form() -> dict[str, Field]:
    return {field.name: field for field in fields(Everything.model_json_schema())}


def test_every_type_has_its_widget() -> None:
    assert {name: field.widget for name, field in form().items()} == {
        "particles": "int",
        "temperature": "float",
        "scheme": "choice",
        "listed": "choice",
        "loud": "bool",
        "cap": "int",
        "words": "texts",
    }


def test_bounds_and_defaults_are_those_declared() -> None:
    particles = form()["particles"]
    assert (particles.low, particles.high, particles.default) == (1, 64, 4)
    assert (
        form()["temperature"].low == pytest.approx(0.0, abs=1e-9)
        and form()["temperature"].low != 0.0
    )


def test_choices_come_from_literals_and_from_enumerations() -> None:
    assert form()["scheme"].choices == ("a", "b") and form()["listed"].choices == ("one", "two")


def test_help_tells_description_name_and_default() -> None:
    assert form()["particles"].help == "how many (parameter particles, default 4)"


def test_a_parameter_that_may_be_absent_is_optional() -> None:
    assert form()["cap"].optional and form()["cap"].low == 1 and not form()["particles"].optional


def test_only_what_differs_from_the_defaults_is_sent() -> None:
    assert changes_of({"particles": 8, "temperature": 1.0}, list(form().values())) == {
        "particles": 8
    }


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_every_registered_strategy_can_be_drawn_and_its_defaults_are_accepted(name: str) -> None:
    entry = STRATEGIES[name]
    drawn = fields(entry.params.model_json_schema())
    assert [field.name for field in drawn] == list(entry.params.model_fields)
    entry.parse({field.name: field.default for field in drawn})
    for field in drawn:
        assert field.low is None or field.default is None or field.low <= field.default
        assert field.widget != "choice" or field.default in field.choices


@pytest.mark.parametrize("name", list(SELECTORS))
def test_every_registered_selector_can_be_drawn_and_its_defaults_are_accepted(name: str) -> None:
    rule = SELECTORS[name]
    drawn = fields(rule.params.model_json_schema())
    assert [field.name for field in drawn] == list(rule.params.model_fields)
    assert (
        rule.with_params({field.name: field.default for field in drawn}).settings == rule.settings
    )
    assert all(
        field.help and (field.default is None or fits(field, field.default)) for field in drawn
    )


@pytest.mark.parametrize(
    ("field", "value", "held"),
    [
        ("particles", 64, True),
        ("particles", 65, False),
        ("particles", 4.0, True),
        ("particles", 4.5, False),
        ("particles", "4", False),
        ("particles", True, False),
        ("particles", None, False),
        ("temperature", 2, True),
        ("temperature", 0.0, False),
        ("scheme", "b", True),
        ("scheme", "c", False),
        ("loud", False, True),
        ("loud", 0, False),
        ("cap", None, True),
        ("cap", 2**60, False),
        ("cap", 0, False),
        ("words", ["hmm", "let me see"], True),
        ("words", [" hmm"], False),
        ("words", ["a\nb"], False),
        ("words", [""], False),
        ("words", [], True),
        ("words", "hmm", False),
        ("words", [1], False),
        ("words", None, False),
    ],
)
def test_a_value_from_elsewhere_is_held_only_where_it_fits(
    field: str, value: object, held: bool
) -> None:
    assert fits(form()[field], value) is held


def test_views_follow_the_log_and_the_catalogue_alone() -> None:
    assert [view.title for view in views_for([], frozenset({"score", "node"}))] == [
        "Scores by step"
    ]
    assert [view.title for view in views_for(["particles"], frozenset())] == [
        "Particles",
        "Lineage",
    ]
    assert [view.title for view in views_for(["frontier"], frozenset({"kept", "answer"}))] == [
        "Frontier",
        "Beam",
        "Answers",
    ]
    assert [view.title for view in views_for(["race", "candidates"], frozenset({"answer"}))] == [
        "Race",
        "Answers",
    ]
    assert len(views_for([], frozenset({"score", "weighed"}))) == 3
    assert [view.title for view in views_for([], frozenset({"referenced", "swapped"}))] == [
        "References",
        "Swaps",
    ]


def test_every_view_that_a_strategy_announces_is_drawn() -> None:
    announced = {view for name in STRATEGIES for view in STRATEGIES[name].card.views}
    assert announced <= {name for view in all_views() for name in view.serves} and announced >= {
        "beam",
        "candidates",
        "frontier",
        "visits",
        "particles",
    }


def test_the_threshold_is_the_given_one_else_the_default_else_none() -> None:
    schema = {"properties": {"ess_min": {"default": 0.5}}}
    assert (
        threshold({"ess_min": 0.25}, schema) == 0.25
        and threshold({}, schema) == 0.5
        and threshold({}, {"properties": {}}) is None
    )
    assert parameters(
        {"n": 8}, {"properties": {"n": {"default": 4}, "t": {"default": 0.2}, "free": {}}}
    ) == {"n": 8, "t": 0.2}
