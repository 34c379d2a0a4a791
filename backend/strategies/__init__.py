"""Search strategies: one file each, written like the pseudo-code of its paper. Importing this
package registers all of them.

The contract. A strategy is an async generator over `Step`s. It does nothing but call its policy and
its verifier, and yields after every round; every step it yields is a legal place to stop, and it
ends by itself. Randomness comes only from `rng`. It never catches `BudgetExhausted` or
`asyncio.CancelledError`. Its root may be any node at any depth, and limits count from there. A
finished node is never extended, scored or weighed again. A child that wrote nothing, or whose
generation failed, is dead: pruned with the reason. A step that ended at its length limit is a step
like any other and may be continued. A node without a score stays in the tree, is not selected while
scored ones exist, and never wins. A round without any score goes on: weights and order stay as they
were, nothing is backed up, and a note says so; a run fails for want of scores only if nothing in it
has one, which the driver sees.

The text about a strategy stands in its card, `cards/NAME.md`: idea, pseudo-code, sources,
departures. What strategies are made of is in `parts`: `rounds` holds the round that all of them
share (generate, drop, score), `beam` the loop of beam searches with `rollouts` to look ahead by,
`shares` those of REBASE, `compose` strategies made of strategies, `thoughts` the parts of a trace
that Retro-Search revises, and a folder each the `particles`, the search `tree`, the `soft_tree` of
diffusion tree sampling and the `answer_tree` of AB-MCTS.
"""

from backend.core.registry import import_modules

READING_ORDER = (
    "chain",
    "best_of_n",
    "first_finish",
    "stepwise_best_of_n",
    "beam_search",
    "lookahead",
    "dvts",
    "rebase",
    "particle_filter",
    "particle_gibbs",
    "parallel_tempering",
    "a_star",
    "mcts",
    "global_frontier",
    "ab_mcts",
    "tree_sampling",
    "retro_search",
)
"""In which order a newcomer should meet them, which is the order of the catalogue. A strategy that
is not named here comes after these."""

import_modules(__name__, first=READING_ORDER)
