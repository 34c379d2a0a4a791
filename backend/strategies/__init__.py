"""Search strategies: one file each, written like the pseudo-code of its paper. Importing this
package registers all of them.

The contract. A strategy is an async generator over `Step`s. It does nothing but call its policy and
its verifier, and yields after every round; every step it yields is a legal place to stop, and it
ends by itself. Randomness comes only from `rng`. It never catches `BudgetExhausted` or
`asyncio.CancelledError`. Its root may be any node at any depth, and limits count from there. A
finished node is never extended, scored or weighed again. A child that wrote nothing, or whose
generation failed, is dead: pruned with the reason. A step that ended at its length limit is a step
like any other and may be continued. A node without a score stays in the tree, is not selected while
scored ones exist, and never wins; a round without any score raises `VerifierFailure`.

`rounds` holds the round that all of them share (generate, drop, score), `beam` the loop of beam
searches with `rollouts` to look ahead by, `balance` the shares of REBASE, `soft_values` and
`soft_walks` the tree of diffusion tree sampling, `population` and `smc` the particles and their
methods, `conditional` passes with a reference, `ancestry` the weights of its past, `frontier` the
queue of A*, `descent` the statistics of MCTS with `formulas`, `leaf_values` and `backups`,
`outlook` the global frontier, `branching` and `thompson` the tree of answers of AB-MCTS, `thoughts`
the parts of a trace that Retro-Search revises.
"""

# In the order in which a newcomer should meet them, which is the order of the catalogue.
from backend.strategies import chain  # noqa: I001
from backend.strategies import best_of_n
from backend.strategies import first_finish
from backend.strategies import stepwise_best_of_n
from backend.strategies import beam_search
from backend.strategies import lookahead
from backend.strategies import dvts
from backend.strategies import rebase
from backend.strategies import particle_filter
from backend.strategies import particle_gibbs
from backend.strategies import parallel_tempering
from backend.strategies import a_star
from backend.strategies import mcts
from backend.strategies import global_frontier
from backend.strategies import ab_mcts
from backend.strategies import tree_sampling
from backend.strategies import retro_search

__all__ = [
    "a_star",
    "ab_mcts",
    "beam_search",
    "best_of_n",
    "chain",
    "dvts",
    "first_finish",
    "global_frontier",
    "lookahead",
    "mcts",
    "parallel_tempering",
    "particle_filter",
    "particle_gibbs",
    "rebase",
    "retro_search",
    "stepwise_best_of_n",
    "tree_sampling",
]
