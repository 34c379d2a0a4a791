"""Search strategies: one file each, written like the pseudo-code of its paper. Importing this package registers all of them.

The contract. A strategy is an async generator over `Step`s. It does nothing but call its policy and its verifier, and yields after every
round; every step it yields is a legal place to stop, and it ends by itself. Randomness comes only from `rng`. It never catches
`BudgetExhausted` or `asyncio.CancelledError`. Its root may be any node at any depth, and limits count from there. A finished node is never
extended, scored or weighed again. A child that wrote nothing, or whose generation failed, is dead: pruned with the reason. A step that ended
at its length limit is a step like any other and may be continued. A node without a score stays in the tree, is not selected while
scored ones exist, and never wins; a round without any score raises `VerifierFailure`.

`rounds` holds the round that all of them share (generate, drop, score), `frontier` the queue of A*, `descent` the statistics of MCTS.
"""

# In the order in which a newcomer should meet them, which is the order of the catalogue.
from backend.strategies import chain  # noqa: I001
from backend.strategies import best_of_n
from backend.strategies import stepwise_best_of_n
from backend.strategies import beam_search
from backend.strategies import dvts
from backend.strategies import particle_filter
from backend.strategies import a_star
from backend.strategies import mcts

__all__ = ["a_star", "beam_search", "best_of_n", "chain", "dvts", "mcts", "particle_filter", "stepwise_best_of_n"]
