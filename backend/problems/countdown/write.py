"""How a countdown game is won in writing, in a way drawn from all that work, and how pupils with
one misconception lose it.

keeps_used leaves a used number in the game. wrong_way_round subtracts the larger from the smaller
and writes the difference. no_lookahead plays on without asking whether the target can still be
reached. early_answer answers before all numbers are used. carry_slip forgets the carry. wrong_copy
miscopies a number that is left.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

from backend.problems.base import REPAIR, answer_step
from backend.problems.countdown.arithmetic import Operation, ReachableNumbers, operations
from backend.problems.countdown.game import Game

PUPILS = (
    "keeps_used",
    "wrong_way_round",
    "no_lookahead",
    "early_answer",
    "carry_slip",
    "wrong_copy",
)
Numbers = tuple[Fraction, ...]
LARGEST = 400


def move_step(move: Operation, left: Sequence[Fraction]) -> str:
    """A step: the operation, its result and what is left."""
    return (
        f"{move.left} {move.operator} {move.right} = {move.result}, left "
        f"{' '.join(map(str, left))}."
    )


def winning(
    numbers: Numbers, target: int, rng: random.Random, lost: set[Numbers]
) -> list[tuple[Operation, Numbers]] | None:
    """A way to the target, the first in a random order of search; `lost` collects numbers from
    which there is none."""
    if len(numbers) == 1:
        return [] if numbers[0] == target else None
    key = tuple(sorted(numbers))
    if key in lost:
        return None
    moves = [
        (move, left) for move, left in operations(numbers, plain=True) if move.result <= LARGEST
    ]
    for move, left in rng.sample(moves, len(moves)):
        rest = winning(left, target, rng, lost)
        if rest is not None:
            return [(move, left), *rest]
    lost.add(key)
    return None


class Expressions:
    """The expression behind each number in the game: what the final answer is written from."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._texts: list[tuple[Fraction, str]] = [
            (Fraction(number), str(number)) for number in numbers
        ]

    def _take(self, number: Fraction) -> str:
        for place, (value, text) in enumerate(self._texts):
            if value == number:
                del self._texts[place]
                return f"({text})" if " " in text else text
        return str(number)

    def play(self, move: Operation) -> None:
        """Joins two expressions."""
        left = self._take(move.left)
        self._texts.insert(0, (move.result, f"{left} {move.operator} {self._take(move.right)}"))

    def answer(self) -> str:
        """The expression of the last result."""
        return self._texts[0][1]


def _write(game: Game, line: Sequence[tuple[Operation, Numbers]]) -> list[str]:
    expressions, steps = Expressions(game.numbers), []
    for move, left in line:
        expressions.play(move)
        steps.append(move_step(move, left))
    return [*steps, answer_step(expressions.answer())]


def _start(game: Game) -> Numbers:
    return tuple(Fraction(number) for number in game.numbers)


def _find_win(game: Game, rng: random.Random) -> list[tuple[Operation, Numbers]]:
    line = winning(_start(game), game.target, rng, set())
    assert line is not None, "a game is made so that it can be won"
    return line


def teacher(game: Game, rng: random.Random) -> list[str]:
    """A right solution."""
    return _write(game, _find_win(game, rng))


def repair(game: Game, rng: random.Random) -> list[str]:
    """A right solution with one slip, a wrong sum or a dead end, that the next step takes back."""
    line = _find_win(game, rng)
    steps, place = _write(game, line), rng.randrange(len(line))
    before = line[place - 1][1] if place else _start(game)
    reach, wrong = ReachableNumbers(game.target), None
    moves = [
        (move, left) for move, left in operations(before, plain=True) if move.result <= LARGEST
    ]
    dead = [pair for pair in rng.sample(moves, min(len(moves), 6)) if not reach(pair[1])]
    if dead and rng.random() < 0.6:
        wrong = move_step(*dead[0])
    else:
        move, left = line[place]
        off = move.result + (rng.choice((-10, 10, -1, 1)) if move.result > 10 else 1)
        wrong = move_step(move._replace(result=off), (off, *left[1:]))
    return [*steps[:place], wrong, REPAIR + steps[place], *steps[place + 1 :]]


def pupil(game: Game, rng: random.Random, name: str) -> list[str]:
    """A whole solution by a pupil with one misconception."""
    line = _find_win(game, rng)
    if name == "early_answer":
        return _early(game, line, rng)
    expressions, steps = Expressions(game.numbers), []
    left, strayed, turns = _start(game), name == "no_lookahead", len(game.numbers) - 1
    for turn in range(turns):
        moves = [
            (move, after) for move, after in operations(left, plain=True) if move.result <= LARGEST
        ]
        if not moves:
            break
        move, after = _tempting(moves, game.target, rng) if strayed else line[turn]
        bent, after = bend(name, move, after, rng)
        strayed = strayed or bent != move or list(after[1:]) != _others(left, move)
        expressions.play(bent)
        steps.append(move_step(bent, after))
        left = after
    return [*steps, answer_step(expressions.answer())]


def _tempting(
    moves: list[tuple[Operation, Numbers]], target: int, rng: random.Random
) -> tuple[Operation, Numbers]:
    """A move as one plays without looking ahead: the target itself if it is there, else
    anything.
    """
    hits = [pair for pair in moves if pair[0].result == target and len(pair[1]) == 1]
    return rng.choice(hits or moves)


def _others(numbers: Numbers, move: Operation) -> list[Fraction]:
    rest = list(numbers)
    for used in (move.left, move.right):
        if used in rest:
            rest.remove(used)
    return rest


def bend(
    name: str, move: Operation, left: Numbers, rng: random.Random
) -> tuple[Operation, Numbers]:
    """A move and what is left of it, as a pupil writes them."""
    result = move.result
    if name == "wrong_way_round" and move.operator == "-" and result > 0:
        return move._replace(left=move.right, right=move.left), left
    if (
        name == "carry_slip"
        and move.operator == "+"
        and move.left % 10 + move.right % 10 >= 10
        and result > 10
    ):
        return move._replace(result=result - 10), (result - 10, *left[1:])
    if name == "carry_slip" and move.operator == "-" and move.left % 10 < move.right % 10:
        return move._replace(result=result + 10), (result + 10, *left[1:])
    if name == "keeps_used" and len(left) > 1:
        place = rng.randrange(1, len(left))
        return move, (*left[:place], rng.choice((move.left, move.right)), *left[place + 1 :])
    if name == "wrong_copy" and len(left) > 1:
        place = rng.randrange(1, len(left))
        return move, (*left[:place], left[place] + 1, *left[place + 1 :])
    return move, left


def _early(game: Game, line: list[tuple[Operation, Numbers]], rng: random.Random) -> list[str]:
    """Answers with numbers left over."""
    stop = rng.randrange(1, len(line))
    return _write(game, line[:stop])
