"""One page of an experiment that opens anywhere, for a class or an appendix: description, curves,
tables, tests, analyses, versions.

No script, nothing is fetched; every text is escaped.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.core.statistics.intervals import METHOD
from backend.experiments.analyses import Analysis, analyse
from backend.experiments.charts import Chart, note_of_zeros
from backend.experiments.costs import AXES, caveats
from backend.experiments.curves import curve
from backend.experiments.material import Material
from backend.experiments.plot import DrawnLine, line_chart
from backend.experiments.shards import Folder

STYLE = (
    "body{font:15px/1.5 sans-serif;color:#222;max-width:1000px;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:.5rem 0 1.2rem}"
    "td,th{border:1px solid #ccc;padding:2px 8px;text-align:right}th{background:#f3f3f3}"
    "td:first-child,th:first-child{text-align:left}"
    "pre{background:#f6f6f6;padding:8px;overflow:auto;font-size:12px}svg{max-width:100%}"
    ".quiet{color:#666;font-size:13px}h2{margin-top:2.2rem}"
)
MOST_ROWS = 60
"""Rows of a table that are printed; the rest are counted."""


def report(folder: Folder, material: Material) -> str:
    """The page as HTML."""
    experiment = folder.experiment
    results = folder.results()
    failures = sum(failure is not None for failure in results.column("failure").to_pylist())
    parts = [
        f"<h1>{escape(experiment.name)}</h1>",
        f"<p>{escape(experiment.note)}</p>" if experiment.note else "",
        f"<p>{len(experiment.problem_ids())} problems, {len(experiment.arms)} arms, "
        f"{results.num_rows:,} results, {failures} failed. Experiment "
        f"{escape(folder.path.name)}.</p>",
        "<h2>Accuracy against cost</h2>",
        *curves(material),
        *(section(each) for each in analyse(material)),
        "<h2>Description</h2>",
        print_json(experiment.model_dump(mode="json", exclude_defaults=True)),
        "<h2>Made with</h2>",
        *(print_json(setup) for setup in folder.setups()),
    ]
    head = (
        '<!doctype html><html lang="en"><head><meta '
        f'charset="utf-8"><title>{escape(experiment.name)}</title><style>{STYLE}</style></head>'
    )
    return f"{head}<body>{''.join(parts)}</body></html>"


def curves(material: Material) -> Iterable[str]:
    """The figure with what has to be known of it, and its table."""
    names = [
        arm.name
        for arm in material.experiment.arms
        if any(arm.name == name for name, _ in material.cells)
    ]
    points = {
        name: [
            point
            for point in curve(material.cells, name, material.axis)
            if point.cost == point.cost
        ]
        for name in names
    }
    lines = [
        DrawnLine(
            name,
            [
                (p.cost, p.accuracy.value, *band(p.accuracy.low, p.accuracy.high))
                for p in points[name]
            ],
        )
        for name in names
    ]
    yield line_chart(lines, x=AXES[material.axis], y="accuracy")
    placed = [point.cost for several in points.values() for point in several]
    notes = (
        f"Bands are {METHOD}.",
        *caveats(material.axis, material.prices),
        *note_of_zeros(placed),
    )
    yield quiet(" ".join(notes))
    yield table(
        [
            {
                "arm": name,
                "budget": p.budget,
                "cost": p.cost,
                "accuracy": p.accuracy.value,
                "low": p.accuracy.low,
                "high": p.accuracy.high,
                "without an answer": p.unanswered,
                "problems": p.problems,
            }
            for name in names
            for p in points[name]
        ]
    )


def band(low: float, high: float) -> tuple[float | None, float | None]:
    return (low, high) if low == low and high == high else (None, None)


def section(found: Analysis) -> str:
    """An analysis with its sentence, limits, source, charts and tables."""
    tables = "".join(
        f"<h3>{escape(name)}</h3>"
        + "".join(figure(chart) for chart in found.charts if chart.table == name)
        + table(rows)
        for name, rows in found.tables.items()
    )
    source = "" if found.paper == "-" else f" Source: {found.paper}."
    limits = quiet(f"Limits: {found.limits}{source}")
    return f"<h2>{escape(found.title)}</h2><p>{escape(found.sentence)}</p>{limits}{tables}"


def quiet(text: str) -> str:
    """A remark."""
    return f'<p class="quiet">{escape(text)}</p>'


def figure(chart: Chart) -> str:
    """A chart of lines or points; what else there is stands in the table."""
    if chart.kind not in ("lines", "points"):
        return ""
    title = f"<h4>{escape(chart.part)}</h4>" if chart.part else ""
    lines = [DrawnLine(line.name, line.points) for line in chart.lines]
    drawn = line_chart(
        lines,
        x=chart.x_title,
        y=chart.y_title,
        logarithmic=chart.logarithmic,
        joined=chart.kind == "lines",
    )
    return title + drawn + (quiet(" ".join(chart.notes)) if chart.notes else "")


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a table, the first `MOST_ROWS` of them."""
    if not rows:
        return "<p>Nothing yet.</p>"
    columns = list(rows[0])
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{escape(format_cell(row.get(column)))}</td>" for column in columns)
        + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    further = len(rows) - MOST_ROWS
    more = quiet(f"{further} further rows are on the page.") if further > 0 else ""
    return f"<table><tr>{head}</tr>{body}</table>{more}"


def format_cell(value: object) -> str:
    """A value in a cell."""
    if value is None or value != value:
        return "-"
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def print_json(setup: object) -> str:
    """JSON as text."""
    return f"<pre>{escape(json.dumps(setup, indent=1, ensure_ascii=False))}</pre>"


def escape(text: str) -> str:
    return html.escape(text)


__all__ = ["report"]
