"""A tree of whole answers that branches where it pays: AB-MCTS with node aggregation (arXiv
2503.04412).

Every branch has an arm for one more answer right here (GEN) and an arm for going on below the
answers it has (CONT); each child has an arm of its own at its parent. `ask` draws where the next
answer is to be made, `tell` gives its score to the arms. Several answers may be asked for before
any score is known: the order of the scores does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from backend.core.formulas.posteriors import goes_deeper, greatest_draw
from backend.core.ports import Policy, Rng
from backend.core.steps import Backed, Drawn, Note, Pruned
from backend.core.types import Node
from backend.strategies.parts.answer_tree.thompson import BanditArm, Prior
from backend.strategies.parts.rounds import living


@dataclass(slots=True, eq=False)
class Branch:
    """An answer (at the top: the root, where `level` is 0), its arm at its parent, and the arms for
    what may come below it."""

    node: Node
    parent: Branch | None = None
    level: int = 0
    arm: BanditArm = field(default_factory=BanditArm)
    gen: BanditArm = field(default_factory=BanditArm)
    cont: BanditArm = field(default_factory=BanditArm)
    children: list[Branch] = field(default_factory=list)
    scored: bool = False
    reopened: Node | None = None

    def grow(self, node: Node) -> Branch:
        """Hang a new answer below."""
        child = Branch(node, self, self.level + 1)
        self.children.append(child)
        return child


class BranchChoice(NamedTuple):
    """Where the next answer is wanted, and the draws that led there."""

    branch: Branch
    notes: tuple[Note, ...]


def ask(root: Branch, prior: Prior, rng: Rng, max_depth: int) -> BranchChoice:
    """Walk down from the root as long as going on wins; a branch without children, or whose
    children may have none, gets a new one."""
    branch, notes = root, list[Note]()
    while branch.children and branch.level + 1 < max_depth:
        beliefs = [prior(branch.gen), prior(branch.cont)]
        gen, cont = (belief.draw(rng) for belief in beliefs)
        below = branch.children if goes_deeper(gen, cont) else []
        beliefs += [prior(child.arm) for child in below]
        draws = tuple(belief.draw(rng) for belief in beliefs[2:])
        recorded = tuple(belief._asdict() for belief in beliefs)
        notes.append(
            Drawn(branch.node, gen, cont, tuple(child.node for child in below), draws, recorded)
        )
        if not below:
            break
        branch = below[draws.index(greatest_draw(draws))]
    return BranchChoice(branch, tuple(notes))


def tell(branch: Branch, score: float) -> tuple[Note, ...]:
    """Give the score in [0, 1] of a branch's answer to all arms that count it: GEN of its parent,
    its own arm, and CONT and the arms above. A branch that has its score already changes nothing.
    """
    if branch.scored or branch.parent is None:
        return ()
    branch.scored = True
    branch.arm.observe(score)
    branch.parent.gen.observe(score)
    above = branch.parent
    while above.parent is not None:
        above.arm.observe(score)
        above.parent.cont.observe(score)
        above = above.parent
    path = branch.node.path()
    return (Backed(tuple(path[path.index(above.node) :]), score),)


async def open_answer(policy: Policy, branch: Branch, revision: str) -> Node:
    """Return the node that a new answer continues: the root itself, or a finished answer after a
    sentence of revision, which reopens it at most once."""
    if branch.parent is None:
        return branch.node
    if branch.reopened is None:
        branch.reopened = await policy.inject(
            branch.node, f"\n\n{revision}\n\n", "revision of a finished answer"
        )
    return branch.reopened


def cut_off(nodes: Sequence[Node]) -> tuple[Note, ...]:
    """Return a note about the texts that were cut off before their end: they count as no answer.
    Dead texts are left out."""
    cut = tuple(node for node in living(nodes) if not node.done)
    return (Pruned(cut, "cut off before its end"),) if cut else ()
