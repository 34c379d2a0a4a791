"""Countdown: reach a target from given numbers, each used once. There are dead ends: moves after
which no play can win.
"""

from backend.problems.countdown.problems import CountdownSet as CountdownSet
