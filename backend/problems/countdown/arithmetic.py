"""Arithmetic of the countdown game: exact operations on pairs, and which targets can be reached.

Numbers are exact fractions throughout, so that an unusual but right way (through a negative number
or a fraction) counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple


class Operation(NamedTuple):
    """`left operator right = result`."""

    left: Fraction
    operator: str
    right: Fraction
    result: Fraction


def apply(left: Fraction, operator: str, right: Fraction) -> Fraction | None:
    """The result of an operation; None for a division by zero."""
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    return left / right if right else None


def operations(
    numbers: Sequence[Fraction], plain: bool = False
) -> Iterator[tuple[Operation, tuple[Fraction, ...]]]:
    """Every operation on two of the numbers, with what is left: the result, then the others in
    their order.

    `plain` leaves out what a careful player does not write: results that are not positive integers.
    """
    for i, left in enumerate(numbers):
        for j, right in enumerate(numbers):
            if i == j:
                continue
            rest = tuple(number for k, number in enumerate(numbers) if k not in (i, j))
            for operator in "+*-/" if i < j else "-/":
                result = apply(left, operator, right)
                if result is None or (plain and (result <= 0 or result.denominator != 1)):
                    continue
                yield Operation(left, operator, right, result), (result, *rest)


class ReachableNumbers:
    """Whether a target can be reached from some numbers, each used once: exhaustive search,
    remembered by multiset."""

    def __init__(self, target: int) -> None:
        self.target = Fraction(target)
        self._known: dict[tuple[Fraction, ...], bool] = {}

    def __call__(self, numbers: Sequence[Fraction]) -> bool:
        """True if the target can still be reached by all the numbers."""
        if len(numbers) == 1:
            return numbers[0] == self.target
        key = tuple(sorted(numbers))
        if key not in self._known:
            if len(key) == 2:
                self._known[key] = any(
                    operation.result == self.target for operation, _ in operations(key)
                )
            else:
                self._known[key] = any(self(left) for _, left in operations(key))
        return self._known[key]
