"""Ledger: quantities that depend on each other, told in shuffled sentences with facts that are not
needed; one number is the answer.
"""

from backend.problems.ledger.problems import LedgerSet as LedgerSet
