"""What can judge a path: a process reward model, the exact checker of a problem set, the policy's
own confidence and doubt. Importing this package registers all of them.

Every verifier returns one `Score` a node: the scores of all steps on the path and one value that
aggregates them. Scoring each node only once, counting and recording are the driver's business, not
theirs.
"""

from backend.core.registry import import_modules

READING_ORDER = (
    "prm",
    "exact",
    "logprob",
    "perplexity",
    "entropy",
    "top_gap",
    "deep_conf",
)
"""The order of the catalogue; a verifier that is not named here comes after these."""

import_modules(__name__, first=READING_ORDER)
