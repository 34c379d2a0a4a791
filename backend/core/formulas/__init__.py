"""Every formula that a strategy decides by, declared once: the function that computes it, its
inputs, its LaTeX.

Strategies call the functions; the catalogue lists `FORMULAS`; the inspector puts a node's numbers
in. All modules of this package are imported, so a new formula is one declaration in a module of its
own or beside its relatives. Pure mathematics: nothing here knows nodes, events or strategies.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from backend.core.formulas.formula import FORMULAS, Formula, Input, Shown, Term, show

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["FORMULAS", "Formula", "Input", "Shown", "Term", "show"]
