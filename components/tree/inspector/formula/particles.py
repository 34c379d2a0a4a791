"""What a particle weighs and how many slots continue it: the events `weighed`, `resampled`,
`referenced` and `swapped`.

The increment is computed anew from the verifier's scores, the potential, the mode and the
temperature; the log weight and the normalised weight from what the event holds. Sources:
`backend/strategies/parts/particles/smc.py`, `population.py` and `conditional.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from components.tree.inspector.formula.case import (
    Case,
    Formula,
    LoggedEvent,
    Term,
    figure,
    signed,
    tex,
)

CLIP = 1e-7


def softmax(logs: Sequence[float]) -> list[float]:
    """Weights that add up to 1; equal ones where every log weight is -inf."""
    top = max(logs)
    if top == -math.inf:
        return [1.0 / len(logs)] * len(logs)
    raised = [math.exp(value - top) for value in logs]
    return [value / math.fsum(raised) for value in raised]


def _holding(case: Case, kind: str) -> LoggedEvent | None:
    return case.latest(kind, lambda event: case.node.id in (event.data or {})["particles"])


def weights(case: Case) -> list[Formula]:
    """Log weight and normalised weight of the node when it was last weighed, and what the last
    resampling made of it."""
    event = _holding(case, "weighed")
    found = [_increment(case, event), _normalised(case, event)] if event is not None else []
    resampled = _holding(case, "resampled")
    found += [_copies(case, resampled)] if resampled is not None else []
    return [one for one in found if one is not None]


def _slot(event: LoggedEvent, node: int) -> int:
    return int(list((event.data or {})["particles"]).index(node))


def _increment(case: Case, event: LoggedEvent) -> Formula | None:
    data, slot = event.data or {}, _slot(event, case.node.id)
    after, gained = figure(data["log_weights"][slot]), figure(data["increments"][slot])
    if gained == -math.inf:
        return Formula(
            "Log weight",
            r"\log w = -\infty",
            r"-\infty",
            -math.inf,
            after,
            event.seq,
            said="A dead particle: it wrote nothing, and weighs nothing.",
        )
    before = after - gained
    step = expected(case, event, slot)
    if step is None:
        said = (
            "Without a score of its own the step took the mean of its round."
            if case.score(case.node.id) is None
            else ""
        )
        return Formula(
            "Log weight",
            r"\log w = \log w_{\text{before}} + \Delta",
            f"{tex(before)} + {signed(gained)}",
            None,
            after,
            event.seq,
            (),
            said=said,
        )
    numbers, terms, said = step
    value = before + terms[-1].value
    symbols = r"\log w = \log w_{\text{before}} + \tfrac{1}{T}\log\alpha"
    terms = (Term("log w before", "gathered since the last resampling, nats", before), *terms)
    return Formula(
        "Log weight",
        symbols,
        f"{tex(before)} + {numbers}",
        value,
        after,
        event.seq,
        terms,
        said=said,
    )


def expected(case: Case, event: LoggedEvent, slot: int) -> tuple[str, tuple[Term, ...], str] | None:
    """The increment of a particle by the rules of the run: with numbers, its terms (the increment
    itself last), a sentence; None where the log has no score to compute it from, or the strategy
    declares no such rule."""
    if "weight" not in case.declared:
        return None
    now, before = level(case, case.node.id), level(case, case.node.parent)
    if now is None or before is None:
        return None
    exact, temperature = case.choice("mode") == "exact", _temperature(case, event)
    gain = now - before if exact else now
    logs = f"\\left({tex(now)} - {signed(before)}\\right)" if exact else f"\\cdot {signed(now)}"
    shown = f"\\tfrac{{1}}{{{tex(temperature)}}}{logs}"
    terms = [
        Term("r", "score of the prefix", case.score(case.node.id) or 0.0),
        Term("log ψ", f"potential: {_potential(case)}, nats", now),
    ]
    terms += [Term("log ψ before", "potential one step earlier, nats", before)] if exact else []
    terms.append(Term("T", "temperature of the weights", temperature))
    if rested(case, event):
        again = bool(case.params.get("reweigh_finished"))
        terms.append(
            Term("(log α) / T", "what this round added", gain / temperature if again else 0.0)
        )
        return (
            (
                shown,
                tuple(terms),
                "Finished earlier, and multiplied again as the published program does.",
            )
            if again
            else (
                "0",
                tuple(terms),
                "Finished earlier: it is weighed once, and this round added nothing.",
            )
        )
    said = (
        "Exact mode: α is the potential over that of the step before."
        if exact
        else "Paper mode: α is the potential of the current score."
    )
    return shown, (*terms, Term("(log α) / T", "what this round added", gain / temperature)), said


def _potential(case: Case) -> str:
    chosen = case.choice("potential")
    name = (
        ("prob" if case.choice("mode") == "exact" else "odds") if chosen in ("", "mode") else chosen
    )
    return {"odds": "log r / (1 - r)", "prob": "log r"}[name]


def level(case: Case, node: int | None) -> float | None:
    """log psi of a prefix: 0 at the root of the search, None without a score."""
    if node is None or case.rows[node].kind == "prompt" or node == _root(case):
        return 0.0
    score, clip = case.score(node), case.number("clip", CLIP) or CLIP
    if score is None:
        return None
    if _potential(case) == "log r":
        return math.log(max(score, clip))
    r = min(max(score, clip), 1.0 - clip)
    return math.log(r) - math.log1p(-r)


def _root(case: Case) -> int | None:
    """Where the particles started: the parent of the first that was moved."""
    first = next(iter(case.of("weighed")), None)
    return case.rows[(first.data or {})["particles"][0]].parent if first is not None else None


def _temperature(case: Case, event: LoggedEvent) -> float:
    """T; where a strategy declares a ladder, that of the chain whose track the event is on."""
    coldest = case.number("temperature", 1.0) or 1.0
    rung, chains, hottest = (
        re.search(r"\d+$", event.track),
        case.number("chains"),
        case.number("hottest"),
    )
    if "ladder" not in case.declared or rung is None or chains is None or hottest is None:
        return coldest
    return float(coldest * (hottest / coldest) ** ((int(rung.group()) - 1) / (chains - 1)))


def rested(case: Case, event: LoggedEvent) -> bool:
    """Whether the node was a particle of the round before already, in the same pass, so that this
    round it took no step."""
    earlier = case.latest("weighed", lambda one: one.seq < event.seq and one.track == event.track)
    if earlier is None or case.node.id not in (earlier.data or {})["particles"]:
        return False
    between = (
        one
        for one in case.of("referenced")
        if earlier.seq < one.seq < event.seq and one.track == event.track
    )
    return all(one.round == event.round for one in between)


def _normalised(case: Case, event: LoggedEvent) -> Formula:
    data, slot = event.data or {}, _slot(event, case.node.id)
    logs = [figure(value) for value in data["log_weights"]]
    found = softmax(logs)
    ess = 1.0 / math.fsum(weight * weight for weight in found)
    slots = list(data["particles"]).count(case.node.id)
    terms = (Term("N", "particles", len(logs)), Term("ESS", "effective sample size: 1 / Σ W²", ess))
    total = (
        math.fsum(math.exp(value - max(logs)) for value in logs)
        if max(logs) > -math.inf
        else math.inf
    )
    shown = (
        f"\\frac{{e^{{{tex(logs[slot])}}}}}{{e^{{{tex(max(logs) + math.log(total))}}}}}"
        if total < math.inf
        else f"\\frac{{1}}{{{len(logs)}}}"
    )
    said = (
        f"The node fills {slots} of {len(logs)} slots, each with this weight." if slots > 1 else ""
    )
    return Formula(
        "Normalised weight",
        r"W_i = \frac{w_i}{\sum_j w_j}",
        shown,
        found[slot],
        None,
        event.seq,
        terms,
        said=said,
    )


def _copies(case: Case, event: LoggedEvent) -> Formula:
    data = event.data or {}
    logs = [figure(value) for value in data["log_weights"]]
    slots = {slot for slot, node in enumerate(data["particles"]) if node == case.node.id}
    weight = math.fsum(found for slot, found in enumerate(softmax(logs)) if slot in slots)
    copies = sum(ancestor in slots for ancestor in data["ancestors"])
    said = (
        f"{copies} of {len(logs)} slots went on from here."
        if copies
        else "No slot went on from here: the particle died out."
    )
    terms = (
        Term("N", "slots", len(logs)),
        Term("W", "normalised weight at the draw", weight),
        Term("copies", "slots that were drawn", copies),
    )
    return Formula(
        "Copies to be expected of the resampling",
        r"E[\text{copies}] = N\,W",
        f"{len(logs)}\\cdot {tex(weight)}",
        len(logs) * weight,
        None,
        event.seq,
        terms,
        said=said,
    )


def swap(case: Case) -> list[Formula]:
    """The newest swap that the trajectory ending in the node was proposed for."""
    event = case.latest("swapped", lambda one: case.node.id in (one.data or {})["nodes"])
    if event is None:
        return []
    data = event.data or {}
    (ti, tj), (li, lj) = map(figure, data["temperatures"]), map(figure, data["energies"])
    value = math.exp(min(0.0, (1.0 / ti - 1.0 / tj) * (lj - li)))
    shown = f"\\min\\left(1, e^{{(1/{tex(ti)} - 1/{tex(tj)})({tex(lj)} - {signed(li)})}}\\right)"
    symbols = r"\min\left(1, e^{(1/T_i - 1/T_j)(L_j - L_i)}\right)"
    one, other = map(str, data["chains"])
    draw = Term("u", "the draw: a swap where it lies below", figure(data["uniform"]))
    terms = (
        Term("Tᵢ", one, ti),
        Term("Tⱼ", other, tj),
        Term("Lᵢ", "log potential held by i, nats", li),
        Term("Lⱼ", "held by j", lj),
        draw,
    )
    said = (
        "The two chains exchanged their trajectories."
        if data["accepted"]
        else "The swap was refused."
    )
    return [
        Formula(
            "Swap of two chains",
            symbols,
            shown,
            value,
            figure(data["probability"]),
            event.seq,
            terms,
            said=said,
        )
    ]
