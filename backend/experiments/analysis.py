"""What an analysis is: a function from what was measured to numbers, with its sentence, its limits
and its charts. It registers itself; table, report, API and page ask the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from backend.core.registry import Registry
from backend.experiments.charts import Chart, Plan, Row, draw_charts
from backend.experiments.costs import AXES, caveats
from backend.experiments.material import Material

ReaderChoice = Literal["threshold", "wrong_costs"]
"""A choice of the reader that changes the numbers, a field of `Material`."""


class Findings(NamedTuple):
    """What an analysis finds: its sentence, what limits it, and its figures as tables by name."""

    sentence: str
    limits: str
    tables: Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class AnalysisEntry:
    """A registered analysis; the fields are the arguments of `analysis`."""

    name: str
    title: str
    find: Callable[[Material], Findings | None]
    order: int
    paper: str
    charts: Mapping[str, Sequence[Plan]]
    reads: tuple[ReaderChoice, ...]
    allows: Callable[[Material], bool]


@dataclass(frozen=True)
class Analysis:
    """One analysis of one experiment, as page and report show it."""

    name: str
    title: str
    sentence: str
    limits: str
    paper: str
    tables: Mapping[str, Sequence[Row]]
    charts: Sequence[Chart]
    reads: Sequence[ReaderChoice]


ANALYSES: Registry[AnalysisEntry] = Registry("analysis")
"""By name. `backend.experiments.analyses` holds those that come with the project."""

Find = Callable[[Material], Findings | None]


def analysis(
    name: str,
    title: str,
    *,
    order: int,
    paper: str = "-",
    charts: Mapping[str, Plan | Sequence[Plan]] | None = None,
    reads: tuple[ReaderChoice, ...] = (),
    allows: Callable[[Material], bool] | None = None,
) -> Callable[[Find], Find]:
    """Register a function as the analysis `name`. It takes the `Material` of an experiment and
    returns its `Findings`, or None where the material does not allow it.

    - `name`: what report, API and address name it by; `title`: its heading.
    - `order`: its place among the analyses, the least first.
    - `paper`: where the method comes from; "-" where it is our own.
    - `charts`: how the tables of its findings are drawn: a `Plan` or several by the table's name. A
      table without a plan is shown as numbers only.
    - `reads`: the choices of the reader that its numbers depend on, so that a page asks for them.
    - `allows`: whether it finds anything in a material, where that is sooner said than found: a
      page lists what it can show before it shows one. Absent: what is found tells.

    Raises `ValueError` where another analysis has the name."""
    plans = {
        table: (plan,) if isinstance(plan, Plan) else tuple(plan)
        for table, plan in (charts or {}).items()
    }

    def register(find: Find) -> Find:
        told = allows or (lambda material: find(material) is not None)
        ANALYSES.add(name, AnalysisEntry(name, title, find, order, paper, plans, reads, told))
        return find

    return register


def analyse(material: Material) -> list[Analysis]:
    """All analyses that the material allows, in their order."""
    return [made for entry in in_order() if (made := make(entry, material)) is not None]


def list_allowed(material: Material) -> list[AnalysisEntry]:
    """The analyses that find something in the material, in their order; most are not carried out
    for it."""
    return [entry for entry in in_order() if entry.allows(material)]


def in_order() -> list[AnalysisEntry]:
    """All analyses, the least `order` first."""
    return sorted(ANALYSES.values(), key=lambda entry: entry.order)


def make(entry: AnalysisEntry, material: Material) -> Analysis | None:
    """One analysis of some material, with its charts; None where the material does not allow it."""
    finding = entry.find(material)
    if finding is None:
        return None
    words = {
        "budget": f"budget in {material.experiment.budgets.axis.replace('_', ' ')}",
        "axis": AXES[material.axis],
    }
    drawn = [
        chart
        for table, rows in finding.tables.items()
        for plan in entry.charts.get(table, ())
        for chart in draw_charts(table, rows, plan, words, caveats(material.axis, material.prices))
    ]
    return Analysis(
        entry.name,
        entry.title,
        finding.sentence,
        finding.limits,
        entry.paper,
        finding.tables,
        drawn,
        entry.reads,
    )


__all__ = [
    "ANALYSES",
    "Analysis",
    "AnalysisEntry",
    "Findings",
    "ReaderChoice",
    "analyse",
    "analysis",
    "in_order",
    "list_allowed",
    "make",
]
