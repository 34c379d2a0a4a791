"""Where the nodes of a tree stand: leaves side by side, parents midway, depth downwards.

Linear in the number of nodes and iterative, so that a chain of a thousand steps is no harder than a
bush. Leaves keep the order of creation, therefore a tree that grows moves little. `tree_model.js`
holds the same rule for the browser, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Places(NamedTuple):
    """Position i belongs to node i: `x` in leaf widths from 0, `y` in steps from its root; `leaves`
    is the width of the tree."""

    x: list[float]
    y: list[int]
    leaves: int


def layout_tree(parents: Sequence[int | None]) -> Places:
    """Place a forest. `parents[i]` is the position of i's parent, which comes before i, or None for
    a root."""
    children: list[list[int]] = [[] for _ in parents]
    y = [0] * len(parents)
    roots = []
    for index, parent in enumerate(parents):
        if parent is None:
            roots.append(index)
            continue
        children[parent].append(index)
        y[index] = y[parent] + 1
    x = [0.0] * len(parents)
    leaves, stack = 0, roots[::-1]
    while stack:
        index = stack.pop()
        if not children[index]:
            x[index] = float(leaves)
            leaves += 1
        stack.extend(reversed(children[index]))
    for index in range(len(parents) - 1, -1, -1):
        if children[index]:
            x[index] = (x[children[index][0]] + x[children[index][-1]]) / 2
    return Places(x, y, leaves)
