import asyncio
import random

import numpy as np
from genlm.control import SMC, WCFG, BoolFSA, direct_token_sampler

np.random.seed(4)
random.seed(4)
grammar = WCFG.from_string("""
1.0: S -> A E
0.6: A -> a
0.4: A -> b
0.7: E -> e E
0.3: E -> f
""")
critic = BoolFSA.from_regex("a(e|f)*")


async def main():
    smc = SMC(direct_token_sampler(grammar), critic=critic)
    await smc(n_particles=5, ess_threshold=0.8, max_tokens=6, json_path="genlm-smc.json")


asyncio.run(main())
