"""Countdown: reach a target from given numbers, each used once. There are dead ends: moves after
which no play can win.
"""

from backend.problems.base import ProblemSet
from backend.problems.countdown.difficulty import CountdownDifficulty as CountdownDifficulty
from backend.problems.countdown.problems import CountdownSet as CountdownSet
from backend.problems.difficulty import read_levels

SET: ProblemSet = CountdownSet(read_levels("countdown", CountdownDifficulty))
