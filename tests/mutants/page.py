"""The table of mutants as a page for readers."""

from __future__ import annotations

from textwrap import fill

from tests.mutants.edit import ROOT
from tests.mutants.mutant import Defect, Mutant
from tests.mutants.table import MUTANTS

PAGE = ROOT / "docs" / "mutants.md"
OPENING = """# Mutants: known defects, and the tests that notice them

Programs for search at inference share a number of defects. Each is put here into our own code by the smallest edit that copies it, on a copy of the
project, and the tests named beside it (below `tests/`) have to fail, all of them, after they have passed on the sound copy. The table is in
`tests/mutants/`; `python -m tests.mutants` writes this page, and a test holds the two equal.
"""
REMARKS = {
    Defect.TWO_LOOPS: (
        "There is one loop: `Policy.extend` and `Verifier.score` take a list and return a list, so "
        "a strategy is the same for one node and for a "
        "thousand; searches side by side have their calls gathered by "
        "`backend/strategies/parts/compose.py`, not by loops of their own. Without a second loop "
        "nothing "
        "can part but the answers to a batch and to its members one by one, which the engine "
        "contract compares and this mutant makes differ."
    ),
    Defect.TRUTH: (
        "A strategy is handed a root, a policy, a verifier, parameters and a random source, none "
        "of which knows the answer; the driver grades an "
        "answer after it was chosen. The verifier `exact` is an oracle by name and by the user's "
        "choice."
    ),
    Defect.UPLOAD: (
        "Prompts leave the machine where the user names a server for them, and nowhere else."
    ),
}


def page() -> str:
    """The whole page."""
    return "\n".join([OPENING, *(section(defect) for defect in Defect)])


def section(defect: Defect) -> str:
    """A defect with its mutants."""
    remark = f"{fill(REMARKS[defect], 150)}\n\n" if defect in REMARKS else ""
    rows = [row(mutant) for mutant in MUTANTS if mutant.defect is defect]
    return f"## {defect}\n\n{remark}" + "\n".join(
        [
            "| Mutant | What it does | Edited | Tests that fail |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def row(mutant: Mutant) -> str:
    tests = "<br>".join(f"`{test}`" for test in mutant.node_ids)
    return f"| {mutant.name} | {mutant.what} | `{mutant.edit.where}` | {tests} |"
