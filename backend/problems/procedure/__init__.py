"""Procedure: carry out a written list of instructions on a list of numbers; a step is the list
after one instruction.
"""

from backend.problems.procedure.problems import PrefixAccuracy as PrefixAccuracy
from backend.problems.procedure.problems import ProcedureSet as ProcedureSet
