"""Runs as earlier versions wrote them, in a store or in an export.

Until revision 0005 of the tables, and in exports below version 3, a spent budget was a sentence in
`reason`, and the particle filter had no parameter `early_phase`: its entropic annealing went on to
the last step. What is read from there is put into today's terms, so that it means what it meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from backend.core.limits import Limit
from backend.core.types import JSON

SENTENCE = re.compile(r"(?:(?P<reason>.*); )?budget spent: (?P<axis>\w+)", re.DOTALL)


class LaterParameter(NamedTuple):
    """A parameter that a strategy got later: where `switch` is above 0, a run without it behaved as
    if it had been `value`, which today's default is not."""

    name: str
    switch: str
    value: float


LATER: Mapping[str, LaterParameter] = MappingProxyType(
    {"particle_filter": LaterParameter("early_phase", "anneal_below", 1.0)}
)


def split_sentence(
    reason: str | None, told: Limit | None, spec: Mapping[str, JSON]
) -> tuple[str | None, Limit | None]:
    """The reason without the sentence of a spent budget, and the limit: as the log has `told` it,
    else the axis of the sentence with the number that the spec names. A sentence to which there is
    no number stays."""
    found = SENTENCE.fullmatch(reason or "")
    if found is None:
        return reason, told
    limit = told or _limit_on(found["axis"], spec.get("budget"))
    return (reason, None) if limit is None else (found["reason"] or None, limit)


def _limit_on(axis: str, budget: JSON) -> Limit | None:
    value = budget.get(axis) if isinstance(budget, dict) else None
    return Limit(axis, float(value)) if isinstance(value, int | float) else None


def complete_spec(spec: Mapping[str, JSON]) -> dict[str, JSON]:
    """The spec with the parameters that its strategy got later, at the values it behaved by."""
    later, params = LATER.get(str(spec.get("strategy"))), spec.get("params")
    if later is None or not isinstance(params, dict) or later.name in params:
        return dict(spec)
    switch = params.get(later.switch)
    if not isinstance(switch, int | float) or not switch > 0:
        return dict(spec)
    return {**spec, "params": {**params, later.name: later.value}}


__all__ = ["complete_spec", "split_sentence"]
