"""Ledger: quantities that depend on each other, told in shuffled sentences with facts that are not
needed; one number is the answer.
"""

from backend.problems.base import ProblemSet
from backend.problems.difficulty import read_levels
from backend.problems.ledger.difficulty import LedgerDifficulty as LedgerDifficulty
from backend.problems.ledger.problems import LedgerSet as LedgerSet

SET: ProblemSet = LedgerSet(read_levels("ledger", LedgerDifficulty))
