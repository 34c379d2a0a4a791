"""Procedure: carry out a written list of instructions on a list of numbers; a step is the list
after one instruction.
"""

from backend.problems.base import ProblemSet
from backend.problems.difficulty import read_levels
from backend.problems.procedure.difficulty import ProcedureDifficulty as ProcedureDifficulty
from backend.problems.procedure.problems import ProcedureSet as ProcedureSet

SET: ProblemSet = ProcedureSet(read_levels("procedure", ProcedureDifficulty))
