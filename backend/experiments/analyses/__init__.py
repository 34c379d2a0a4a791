"""What an experiment teaches: one file an analysis. Importing this package registers all of them.

An analysis is a pure function from material to a finding. Its numbers, its tables, the plans of its
charts and the law that it fits, where there is one, stand in its file.
"""

from backend.core.registry import import_modules
from backend.experiments.analysis import (
    ANALYSES,
    Analysis,
    AnalysisEntry,
    analyse,
    in_order,
    list_allowed,
    make,
)

import_modules(__name__)

__all__ = [
    "ANALYSES",
    "Analysis",
    "AnalysisEntry",
    "analyse",
    "in_order",
    "list_allowed",
    "make",
]
