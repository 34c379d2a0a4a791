"""Sweeps: arms that are the same but for one setting, read at the same budgets on the same
problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from backend.core.statistics.intervals import compare_pairs
from backend.experiments.analysis import Findings, analysis
from backend.experiments.cells import find_shared_problems
from backend.experiments.charts import ACCURACY, Plan, Row
from backend.experiments.curves import curve
from backend.experiments.material import Material
from backend.experiments.spec import Arm

RULES = {"best": "best of N", "weighted": "weighted vote"}
"""Rules over a pool by the names that readers know."""


def _plan(setting: str, title: str) -> Plan:
    return Plan(setting, ("accuracy",), title, ACCURACY, by="budget", part="rule", bands=True)


@analysis(
    "settings",
    "One setting at a time",
    order=110,
    paper="temperature and top-p: Brown et al. 2024, arXiv 2407.21787; aggregation: Lightman et "
    "al. 2023, arXiv 2305.20050, and Snell et al. 2024, arXiv 2408.03314",
    charts={
        "temperature": _plan("temperature", "temperature"),
        "top-p": _plan("top-p", "top-p"),
        "aggregation": _plan("aggregation", "how step scores become one"),
    },
)
def find_settings(material: Material) -> Findings | None:
    """Accuracy against each setting that some arms differ in alone, at every budget that they all
    have."""
    tables: dict[str, list[Row]] = {}
    best = list[Row]()
    for sweep in sweeps(material):
        problems = find_shared_problems(material.cells, [arm for _, arm in sweep.arms])
        rows = [
            row
            for value, arm in sweep.arms
            for row in point_rows(material, sweep, value, arm, frozenset(problems))
        ]
        tables.setdefault(sweep.setting, []).extend(rows)
        if problems:
            best += [
                best_row(material, sweep, budget, problems) for budget in common(material, sweep)
            ]
    if not any(tables.values()):
        return None
    return Findings(
        f"Highest at the largest budget: {in_words(best)}.",
        "The best value is chosen on the problems that it is shown for, so its lead is read with "
        "its interval. Settings interact: the best temperature at one budget or top-p need not be "
        "the best at another. Arms with other aggregations draw the same solutions, as their seeds "
        "are the same, and only score them differently.",
        {**tables, "best": best},
    )


def in_words(best: Sequence[Row]) -> str:
    """The best value of each setting and rule at its largest budget."""

    def largest(row: Row) -> float:
        mine = (other for other in best if _name(other) == _name(row))
        return float(max(other["budget"] for other in mine))

    return ", ".join(
        f"{row['rule']} at {row['setting']} {row['best at']} ({row['accuracy']:.2f})"
        for row in best
        if row["budget"] == largest(row)
    )


def _name(row: Row) -> tuple[str, str]:
    return row["setting"], row["rule"]


class SettingSweep(NamedTuple):
    """Arms that differ in `setting` only, by rising value; a setting without an order keeps that of
    the description. `rule` names what they share."""

    setting: str
    rule: str
    arms: Sequence[tuple[Any, str]]


def sweeps(material: Material) -> list[SettingSweep]:
    """All of them; where two share a rule, the name of their first arm tells them apart."""
    present, found = {arm for arm, _ in material.cells}, list[SettingSweep]()
    for setting, read in SETTINGS.items():
        by_rest: dict[str, list[tuple[Any, Arm]]] = {}
        for arm in (arm for arm in material.experiment.arms if arm.name in present):
            fields = arm.model_dump(mode="json", exclude={"name"})
            value = read(fields)
            by_rest.setdefault(
                str(sorted((name, str(rest)) for name, rest in fields.items())), []
            ).append((value, arm))
        groups = [same for same in by_rest.values() if len({str(value) for value, _ in same}) > 1]
        rules = [rule_of(same[0][1]) for same in groups]
        for same, rule in zip(groups, rules, strict=True):
            ordered = (
                sorted(same, key=lambda pair: pair[0])
                if all(isinstance(value, int | float) for value, _ in same)
                else same
            )
            label = rule if rules.count(rule) == 1 else f"{rule} ({same[0][1].name})"
            found.append(
                SettingSweep(setting, label, [(value, arm.name) for value, arm in ordered])
            )
    return found


def rule_of(arm: Arm) -> str:
    """What an arm does, in a word: its rule over a pool, or its search."""
    return (
        RULES.get(arm.selector or "", arm.selector or "")
        if arm.pooled
        else arm.strategy.replace("_", " ")
    )


def common(material: Material, sweep: SettingSweep) -> list[float]:
    """The budgets that all arms of a sweep have."""
    return sorted(
        set.intersection(
            *({budget for name, budget in material.cells if name == arm} for _, arm in sweep.arms)
        )
    )


def point_rows(
    material: Material, sweep: SettingSweep, value: object, arm: str, problems: frozenset[str]
) -> list[Row]:
    """One arm of a sweep at every budget."""
    return [
        {
            "rule": sweep.rule,
            "budget": p.budget,
            sweep.setting: value,
            "accuracy": p.accuracy.value,
            "low": p.accuracy.low,
            "high": p.accuracy.high,
            "arm": arm,
            "problems": p.problems,
        }
        for p in curve(material.cells, arm, material.axis, problems.__contains__)
    ]


def best_row(
    material: Material, sweep: SettingSweep, budget: float, problems: Sequence[str]
) -> Row:
    """The best value at a budget, and how far it is ahead of the worst."""
    credits_ = {
        arm: [material.cells[arm, budget][problem].credit for problem in problems]
        for _, arm in sweep.arms
    }
    values = {arm: value for value, arm in sweep.arms}
    ranked = sorted(credits_, key=lambda arm: -sum(credits_[arm]))
    lead = compare_pairs(credits_[ranked[0]], credits_[ranked[-1]])
    return {
        "setting": sweep.setting,
        "rule": sweep.rule,
        "budget": budget,
        "best at": values[ranked[0]],
        "accuracy": sum(credits_[ranked[0]]) / len(problems),
        "worst at": values[ranked[-1]],
        "best less worst": lead.difference.value,
        "low": lead.difference.low,
        "high": lead.difference.high,
    }


def _take(fields: dict[str, Any], *path: str) -> Any:
    for name in path[:-1]:
        fields = fields[name]
    return fields.pop(path[-1])


SETTINGS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "temperature": lambda fields: _take(fields, "sampling", "temperature"),
    "top-p": lambda fields: _take(fields, "sampling", "top_p"),
    "aggregation": lambda fields: _take(fields, "aggregation"),
}
