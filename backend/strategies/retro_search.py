"""Retro-Search: a finished trace is read again, and at each change of mind the model is made to
continue the thought that it broke off. Lu et al. 2025 (arXiv 2504.04383), as a tool that shortens a
trace."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

from pydantic import Field

from backend.core.ports import Policy, Rng, Verifier
from backend.core.registry import Params, strategy
from backend.core.steps import Replaced, Step
from backend.core.types import Node
from backend.strategies.parts import thoughts
from backend.strategies.parts.rounds import MaxSteps, dead, living


@strategy("retro_search", formulas={"discount": None})
async def retro_search(
    root: Node, policy: Policy, verifier: Verifier, params: RetroParams, rng: Rng
) -> AsyncGenerator[Step]:
    """Revise a trace thought by thought; each finished trace is a candidate, worth gamma^(its
    steps) if it gives the target answer."""
    words, base = thoughts.Transitions(params.transitions), root.path()[0] if root.done else root
    horizon, finished = base.depth + params.max_steps, [root] if root.done else []
    if root.done and len(thoughts.steps_below(root, base)) < 2:
        return
    async with aclosing(
        thoughts.write_on(policy, [base] * (params.traces - len(finished)), horizon)
    ) as rounds:
        async for fresh in rounds:
            finished = [*finished, *(node for node in living(fresh) if node.done)]
            standard = thoughts.standard(finished, params.gamma, policy)
            worths = [standard.worth(thoughts.steps_below(node, base)) for node in finished]
            yield Step(finished, worths, dead(fresh), phase="write")
    finished = list(finished)
    standard = thoughts.standard(finished, params.gamma, policy)
    if standard.target is None:
        return
    worths = [standard.worth(thoughts.steps_below(node, base)) for node in finished]
    best = root if root.done else finished[worths.index(max(worths))]
    trace = thoughts.steps_below(best, base)
    every = not words.boundaries(trace)
    places = words.boundaries(trace, every=every)
    random = params.start == "random" and places
    place = int(rng.choice(places)) if random else min(places, default=0)
    while place:
        prefix, kept, old = trace[place - 1], trace[:place], trace[place:]
        async with aclosing(
            thoughts.on_course(policy, prefix, words, params.tries, horizon)
        ) as steps:
            async for node in steps:
                banned = words.ban(node, prefix)
                notes = banned or dead([node]) or thoughts.late(node, horizon)
                if node.done and not notes:
                    new = thoughts.steps_below(node, prefix)
                    notes = thoughts.verdict(old, new, standard)
                    trace = kept + (new if isinstance(notes[0], Replaced) else old)
                    finished.append(node)
                    worths.append(standard.worth(kept + new))
                phase, stats = "ban" if banned else "revise", {"steps": len(trace)}
                yield Step(finished, worths, notes, phase=phase, stats=stats)
        place = next((later for later in words.boundaries(trace, every=every) if later > place), 0)


class RetroParams(Params):
    """Parameters of Retro-Search."""

    gamma: float = Field(
        0.9, gt=0.0, lt=1.0, description="discount of a step; about 0.9 in the paper, unverified"
    )
    start: Literal["first", "random"] = Field(
        "first",
        description="the thought to begin with: the first, or a random one (partial revision)",
    )
    transitions: str = Field(
        thoughts.TRANSITIONS,
        min_length=1,
        max_length=2000,
        description="what opens a new thought, parted by commas; our list",
    )
    tries: int = Field(
        8,
        ge=1,
        le=1024,
        description=(
            "draws of a first step that opens no new thought, before the trace is left as it "
            "is; our choice"
        ),
    )
    traces: int = Field(
        1,
        ge=1,
        le=1024,
        description=(
            "finished traces whose majority answer is the target; 1: the trace's own answer; "
            "our choice"
        ),
    )
    max_steps: MaxSteps = 40
