"""Views register beside their panels, and nothing else lists them."""

from __future__ import annotations

from pathlib import Path

import pytest

import components.views
from components.views.registry import VIEWS, all_views, view, views_for
from components.views.view_data import ViewData

TITLES = [
    "Beam",
    "Look-ahead",
    "Allocation",
    "Simulations",
    "Visits",
    "Turns",
    "Draws",
    "Frontier",
    "Particles",
    "Lineage",
    "References",
    "Swaps",
    "Revisions",
    "Race",
    "Answers",
    "Scores by step",
    "Timeline",
]


def test_the_views_that_come_with_the_project_stand_in_their_order() -> None:
    views = all_views()
    assert [one.title for one in views if one.title in TITLES] == TITLES
    assert len({one.order for one in views}) == len(views)


def test_each_view_is_drawn_by_the_panel_beside_its_figure() -> None:
    for one in all_views():
        panel = one.draw.__module__
        folder = Path(components.views.__path__[0], *panel.split(".")[2:-1])
        figure = panel.rpartition(".")[2].removesuffix("_panel")
        assert panel.endswith("_panel") and (folder / f"{figure}.py").is_file(), one.title


def test_a_view_added_from_outside_is_found_by_log_and_by_strategy_until_it_is_removed() -> None:
    all_views()

    @view("Dummy", order=15, needs=("rung",), serves=("bells",))
    def draw_dummy(data: ViewData) -> None:
        raise AssertionError("nothing is drawn here")

    try:
        assert [one.title for one in all_views()][:3] == ["Beam", "Dummy", "Look-ahead"]
        assert [one.draw for one in views_for([], {"rung"})] == [draw_dummy]
        assert [one.title for one in views_for(["bells"], {"kept"})] == ["Dummy", "Beam"]
        with pytest.raises(ValueError, match="registered twice"):
            view("Dummy", order=1)(draw_dummy)
    finally:
        VIEWS.remove("Dummy")
    assert views_for(["bells"], {"rung"}) == []
