"""Walks of diffusion tree sampling: select, expand, roll out and back up in one go from the root to
a finished text.

At each prefix a walk draws a new child from the policy while the prefix has fewer draws than its
visits allow, and selects among its children otherwise. A new child has no draws, so from there on
the walk is a rollout, and each of its states stays in the tree. A draw that says the same as a
sibling counts for that sibling, and the walk goes on there. See `soft_values` for the symbols.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from backend.core.ports import END, STEP, Policy, Rng, Verifier
from backend.core.steps import Backed, Note, Pruned, Selected, Step
from backend.core.types import Node, Score
from backend.strategies.parts.rounds import UNSCORED_ROUND, Scored, dead, remark_unscored
from backend.strategies.parts.soft_tree.soft_values import Answer, Floats, Pick, SoftVertex, Worth

FORMULAS = dict.fromkeys(("boltzmann", "uct", "soft", "text_value", "allowed_draws"))
"""What a walk decides by, by the names in `backend.core.formulas`."""


@dataclass(frozen=True)
class Method:
    """How walks choose (`worth` and `pick`, recorded as `formula`), how many draws a number of
    visits allows, what a prefix is worth by the values and draws of its children, and which text
    answers.
    """

    formula: str
    worth: Worth
    pick: Pick
    allowed: Callable[[int], int]
    mean: Callable[[Floats, Floats], float]
    answer: Answer


@dataclass(slots=True)
class Walk:
    """A walk so far: its states from the root on, whether the policy was asked, and what
    happened.
    """

    path: list[SoftVertex]
    asked: bool = False
    notes: list[Note] = field(default_factory=list)

    async def on(self, policy: Policy, method: Method, horizon: int, rng: Rng) -> bool:
        """Go one level further. Returns False where there is none: at a finished text, a dead draw,
        or where no child is worth going to."""
        state = self.path[-1]
        if state.node.done or state.node.depth >= horizon:
            return False
        if state.drawn < method.allowed(state.visits + 1):
            return await self._draw(state, policy, last=state.node.depth + 1 == horizon)
        return self._select(state, method, rng)

    async def _draw(self, state: SoftVertex, policy: Policy, *, last: bool) -> bool:
        self.asked = True
        [[node]] = await policy.extend([state.node], until=END if last else STEP)
        if fate := dead([node]):
            self.notes += fate
            return False
        child, new = state.adopt(node)
        self.path.append(child)
        self.notes += () if new else (Pruned((node,), "same text as a sibling"),)
        return True

    def _select(self, state: SoftVertex, method: Method, rng: Rng) -> bool:
        children = state.open()
        if not children:
            return False
        worth = method.worth(state, children)
        chosen = method.pick(worth, rng)
        self.path.append(children[chosen])
        level = Selected(
            (state.node, children[chosen].node),
            method.formula,
            (worth[chosen],),
            (tuple(child.node for child in children),),
            (tuple(child.visits for child in children),),
            (tuple(child.promise for child in children),),
            (tuple(worth),),
            draws=(tuple(child.draws for child in children),),
        )
        before = self.notes[-1] if self.notes else None
        if isinstance(before, Selected):
            self.notes[-1] = longer(before, level)
        else:
            self.notes.append(level)
        return True


def longer(above: Selected, below: Selected) -> Selected:
    """Join two parts of a descent."""
    return Selected(
        above.path + below.path[1:],
        above.formula,
        above.values + below.values,
        above.children + below.children,
        above.visits + below.visits,
        above.means + below.means,
        above.scores + below.scores,
        draws=above.draws + below.draws,
    )


def back_up(path: Sequence[SoftVertex], method: Method) -> Backed:
    """Count one more visit for every state of the path, and compute v again from the bottom up."""
    for state in reversed(path):
        state.add_visit(method.mean)
    return Backed(
        tuple(state.node for state in path),
        path[-1].promise,
        tuple(state.promise for state in path),
    )


async def grow(
    tree: SoftVertex,
    policy: Policy,
    verifier: Verifier,
    method: Method,
    walks: int,
    horizon: int,
    rng: Rng,
) -> AsyncGenerator[Step]:
    """Grow the tree by a number of walks. The only candidate is the text that answers by then,
    drawn anew after each walk where it is drawn. A walk to a text that could not be scored backs
    nothing up.
    """
    texts: dict[Node, Score] = {}
    revisits = 0
    for _ in range(0 if tree.node.done else walks):
        walk = Walk([tree])
        while await walk.on(policy, method, horizon, rng):
            pass
        end, notes = walk.path[-1], walk.notes
        if end.node.done and end.node not in texts:
            [texts[end.node]] = await verifier.score([end.node])
            end.add_reward(texts[end.node].value)
            notes += remark_unscored([Scored(end.node, end.value)], UNSCORED_ROUND)
        backed = back_up(walk.path, method)
        notes += () if end.node.done and end.value is None else (backed,)
        revisits += not walk.asked
        answer = method.answer(tree, rng)
        yield Step(
            [answer.node] if answer else [],
            [answer.value] if answer else [],
            tuple(notes),
            phase="rollout" if walk.asked else "revisit",
            stats={
                "depth": len(walk.path) - 1,
                "texts": len(texts),
                "revisits": revisits,
                "soft_value": tree.promise,
            },
            rounds=int(walk.asked),
        )
