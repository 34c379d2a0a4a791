"""The views that there are. A chart of a run is found because its panel registers it; nothing else
lists it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from backend.core.registry import Registry, import_modules
from components.views.view_data import ViewData

Draw = Callable[[ViewData], None]


@dataclass(frozen=True)
class View:
    """A chart of one run: the title of its tab, the function that draws it, and which runs get it
    (see `view`)."""

    title: str
    draw: Draw
    needs: frozenset[str]
    serves: frozenset[str]
    order: int


VIEWS: Registry[View] = Registry("view")
"""By title. To read all of them, ask `all_views`, which imports the panels first."""


def view(
    title: str, *, order: int, needs: Sequence[str] = (), serves: Sequence[str] = ()
) -> Callable[[Draw], Draw]:
    """Register a function from a `ViewData` that draws a chart of one run into the page.

    - `title`: the title of its tab, and its name in the registry.
    - `order`: its place among the tabs, the least first.
    - `needs`: kinds of events, such as `resampled`. A run whose log has an event of one of these
      kinds gets the tab.
    - `serves`: names of views, as the cards of strategies announce them (`views`). A run whose
      strategy announces one of these names gets the tab too.

    Raises `ValueError` where another view has the title."""

    def register(draw: Draw) -> Draw:
        VIEWS.add(title, View(title, draw, frozenset(needs), frozenset(serves), order))
        return draw

    return register


@cache
def _discover() -> None:
    """Import the rooms beside this file with all that is in them; each panel registers its
    view."""
    for room in import_modules(__package__, folders=True):
        import_modules(room.__name__)


def all_views() -> list[View]:
    """Every view, in the order of the tabs."""
    _discover()
    return sorted(VIEWS.values(), key=lambda one: one.order)


def views_for(announced: Sequence[str], kinds: Iterable[str]) -> list[View]:
    """The views of a run: those that its strategy announces, in that order, then those that its
    log, with events of these kinds, has something for."""
    there = set(kinds)
    found = [one for one in all_views() if one.needs & there or one.serves & set(announced)]
    return sorted(
        found,
        key=lambda one: min(
            (announced.index(name) for name in one.serves if name in announced),
            default=len(announced),
        ),
    )
