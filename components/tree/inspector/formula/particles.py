"""What a particle weighs and how many slots continue it: the events `Weighed`, `Resampled`,
`Referenced` and `Swapped`.

The increment is computed anew from the verifier's scores, the potential, the mode and the
temperature; the log weight and the normalised weight from what the event holds.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from backend.core.events import Referenced, Resampled, Swapped, Weighed
from backend.core.formulas import Shown, Term, show
from backend.core.formulas.particles import (
    POTENTIALS,
    WEIGHTINGS,
    effective_size,
    expected_copies,
    log_weight,
    normalise,
    swap_probability,
)
from components.tree.inspector.formula.case import (
    Explanation,
    FormulaCase,
    FormulaStep,
    Logged,
    latex_of,
    show_named,
    steps,
)


def explain_weights(case: FormulaCase) -> list[Explanation]:
    """Log weight and normalised weight of the node when it was last weighed, and what the last
    resampling made of it."""
    weighed = case.latest(Weighed[int], lambda body: case.node.id in body.particles)
    found = [_log_weight(case, weighed), _normalise(case, weighed)] if weighed is not None else []
    resampled = case.latest(Resampled[int], lambda body: case.node.id in body.particles)
    return [*found, *([_copies(case, resampled)] if resampled is not None else [])]


def _log_weight(case: FormulaCase, event: Logged[Weighed[int]]) -> Explanation:
    slot = event.body.particles.index(case.node.id)
    after, gained = event.body.log_weights[slot], event.body.increments[slot]
    if gained == -math.inf:
        said = "A dead particle: it wrote nothing, and weighs nothing."
        return Explanation("Log weight", event.seq, recorded=after, said=said)
    made = explain_gain(case)
    if made is None:
        mean = "Without a score of its own the step took the mean of its round."
        said = mean if case.score(case.node.id) is None else ""
        return Explanation(
            "Log weight", event.seq, recorded=after, symbols=latex_of("weight"), said=said
        )
    counts = bool(case.params.get("reweigh_finished")) or not is_rested(case, event)
    gain, ladder = made[-1].value if counts else 0.0, temperature_of(case, event)
    temperature = case.numbers["temperature"] if ladder is None else ladder.value
    return Explanation(
        "Log weight",
        event.seq,
        show(log_weight)(after - gained, gain, temperature),
        after,
        steps=steps(ladder, *made),
        said=_manner(case, event),
    )


def _manner(case: FormulaCase, event: Logged[Weighed[int]]) -> str:
    if is_rested(case, event):
        if case.params.get("reweigh_finished"):
            return "Finished earlier, and multiplied again as the published program does."
        return "Finished earlier: it is weighed once, and this round added nothing."
    if case.choice("mode") == "exact":
        return "Exact mode: \u03b1 is the potential over that of the step before."
    return "Paper mode: \u03b1 is the potential of the current score."


def explain_gain(case: FormulaCase) -> list[Shown] | None:
    """How the factor of the node's step comes about by the rules of the run: the potentials, then
    log alpha; None where the log has no score to compute them from, or the strategy declares no
    such rule."""
    if "weight" not in case.declared or "temperature" not in case.numbers:
        return None
    now, earlier = potential_of(case, case.node.id), potential_of(case, case.node.parent)
    if now is None or earlier is None:
        return None
    inputs = {"now": now.value, "earlier": earlier.value}
    gain = show_named(f"{case.choice('mode')}_gain", inputs)
    return None if gain is None else [one for one in (now.shown, gain) if one is not None]


class Potential(NamedTuple):
    """log psi of a prefix, and how it comes about (None at the root of the search, where it is
    0)."""

    value: float
    shown: Shown | None = None


def potential_of(case: FormulaCase, node: int | None) -> Potential | None:
    """log psi of a prefix, None without a score."""
    if node is None or case.rows[node].kind == "prompt" or node == _root(case):
        return Potential(0.0)
    weighting, chosen = WEIGHTINGS.get(case.choice("mode")), case.choice("potential")
    if weighting is None:
        return None
    named = POTENTIALS[chosen if chosen in POTENTIALS else weighting.potential].__name__
    shown = show_named(named, {"score": case.score(node), "clip": case.numbers.get("clip")})
    return None if shown is None else Potential(shown.value, shown)


def _root(case: FormulaCase) -> int | None:
    """Where the particles started: the parent of the first that was moved."""
    first = next(iter(case.of(Weighed[int])), None)
    return case.rows[first.body.particles[0]].parent if first is not None else None


def temperature_of(case: FormulaCase, event: Logged[Weighed[int]]) -> Shown | None:
    """Where a strategy declares a ladder of temperatures, that of the chain whose track the event
    is on."""
    rung = re.search(r"\d+$", event.track)
    if "ladder" not in case.declared or rung is None:
        return None
    inputs = {**case.numbers, "coldest": case.numbers.get("temperature")}
    return show_named("ladder", inputs, int(rung.group()) - 1)


def is_rested(case: FormulaCase, event: Logged[Weighed[int]]) -> bool:
    """Whether the node was a particle of the round before already, in the same pass, so that this
    round it took no step."""
    before = [
        one for one in case.of(Weighed[int]) if one.seq < event.seq and one.track == event.track
    ]
    if not before or case.node.id not in before[-1].body.particles:
        return False
    between = (
        one
        for one in case.of(Referenced[int])
        if before[-1].seq < one.seq < event.seq and one.track == event.track
    )
    return all(one.round == event.round for one in between)


def _normalise(case: FormulaCase, event: Logged[Weighed[int]]) -> Explanation:
    logs, particles = event.body.log_weights, event.body.particles
    slots = particles.count(case.node.id)
    said = (
        f"The node fills {slots} of {len(logs)} slots, each with this weight." if slots > 1 else ""
    )
    if max(logs) == -math.inf:
        said = "No particle weighs anything: all count alike."
    size = show(effective_size)(logs)
    return Explanation(
        "Normalised weight",
        event.seq,
        None if max(logs) == -math.inf else show(normalise, particles.index(case.node.id))(logs),
        more=(
            Term("N", "particles", len(logs)),
            Term("ESS", "effective sample size: 1 / \u03a3 W\u00b2", size.value),
        ),
        said=said,
    )


def _copies(case: FormulaCase, event: Logged[Resampled[int]]) -> Explanation:
    weights = normalise(event.body.log_weights)
    slots = {slot for slot, node in enumerate(event.body.particles) if node == case.node.id}
    copies = sum(ancestor in slots for ancestor in event.body.ancestors)
    said = (
        f"{copies} of {len(weights)} slots went on from here."
        if copies
        else "No slot went on from here: the particle died out."
    )
    return Explanation(
        "Copies to be expected of the resampling",
        event.seq,
        show(expected_copies)(len(weights), math.fsum(weights[slot] for slot in slots)),
        steps=(_evenness(case, event.body),),
        more=(Term("copies", "slots that were drawn", copies),),
        said=said,
    )


def _evenness(case: FormulaCase, body: Resampled[int]) -> FormulaStep:
    """The effective sample size at the draw. Where a draw is annealed, its weights are not those
    that the recorded one was measured by."""
    annealed = bool(case.numbers.get("anneal_below"))
    return FormulaStep(show(effective_size)(body.log_weights), None if annealed else body.ess)


def explain_swap(case: FormulaCase) -> list[Explanation]:
    """The newest swap that the trajectory ending in the node was proposed for."""
    event = case.latest(Swapped[int], lambda body: case.node.id in body.nodes)
    if event is None:
        return []
    body = event.body
    said = (
        "The two chains exchanged their trajectories." if body.accepted else "The swap was refused."
    )
    return [
        Explanation(
            "Swap of two chains",
            event.seq,
            show(swap_probability)(*body.temperatures, *body.energies),
            body.probability,
            more=(Term("u", "the draw: a swap where it lies below", body.uniform),),
            said=f"{said} Here i is {body.chains[0]} and j is {body.chains[1]}.",
        )
    ]
