"""How much of what strategies read came from the prefix cache."""

from __future__ import annotations

from backend.experiments.analysis import Findings, analysis
from backend.experiments.charts import Plan
from backend.experiments.material import Material


@analysis(
    "cache",
    "Prefix cache of each strategy",
    order=140,
    charts={
        "arms": Plan("arm", ("share",), "", "share of prompt tokens from the cache", kind="bars")
    },
)
def find_cache_use(material: Material) -> Findings | None:
    """The share of prompt tokens that the cache saved, by arm."""
    rows = [
        {
            "arm": arm,
            "prompt tokens": read,
            "from the cache": cached,
            "share": cached / read if read else None,
        }
        for arm, (read, cached) in sorted(material.reading.items())
    ]
    if not rows:
        return None
    return Findings(
        "Searches by steps read the same beginnings again and again; the share that the cache "
        "saved is not computed anew.",
        "Depends on the engine, the size of its cache and on what else was in flight.",
        {"arms": rows},
    )
