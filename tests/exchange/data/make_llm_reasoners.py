import json
import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
from reasoners import Reasoner, SearchConfig, WorldModel
from reasoners.algorithm import MCTS, BeamSearch
from reasoners.visualization import TreeLog, TreeLogEncoder

random.seed(5)
np.random.seed(5)
STEPS = ["48 / 2 = 24 in May", "48 / 2 = 26 in May", "48 + 24 = 72 in all", "48 * 2 = 96 in all"]


class State(NamedTuple):
    steps: tuple
    text: str


class World(WorldModel):
    def init_state(self):
        return State((), "")

    def step(self, state, action):
        return State((*state.steps, action), action), {}

    def is_terminal(self, state):
        return len(state.steps) >= 3


class Config(SearchConfig):
    def get_actions(self, state):
        return STEPS[:3]

    def fast_reward(self, state, action):
        r = float(np.random.rand())
        return r, {"intuition": r}

    def reward(self, state, action, intuition=None, **kwargs):
        return intuition, {"intuition": intuition}


mcts = MCTS(n_iters=6, depth_limit=3, output_trace_in_each_iter=True, disable_tqdm=True)
out = Reasoner(World(), Config(), mcts)("How many clips in April and May?")
Path("llm-reasoners-mcts.json").write_text(
    json.dumps(TreeLog.from_mcts_results(out), cls=TreeLogEncoder, indent=1)
)


class BConfig(Config):
    def reward(self, state, action, **kwargs):
        r = float(np.random.rand())
        return r, {"intuition": r}


beam = BeamSearch(beam_size=2, max_depth=3)
out = Reasoner(World(), BConfig(), beam)("How many clips in April and May?")
Path("llm-reasoners-beam.json").write_text(
    json.dumps(TreeLog.from_beam_search_results(out), cls=TreeLogEncoder, indent=1)
)
