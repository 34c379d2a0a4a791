import asyncio
import random

import numpy as np
from llamppl import Model, smc_standard

random.seed(3)
np.random.seed(3)
PIECES = ["48 / 2 = 24", "48 / 2 = 26", "48 + 24 = 72", "48 + 26 = 74", "so 72"]


class Steps(Model):
    def __init__(self):
        super().__init__()
        self.text = ""
        self.left = 4

    async def step(self):
        piece = random.choice(PIECES)
        self.text += piece + "\n"
        self.left -= 1
        self.score(-0.2 if "72" in piece or "24" in piece else -2.5)
        if piece.startswith("48 + 26") and self.left < 2:
            self.condition(False)
        if self.left == 0 or piece == "so 72":
            self.finish()

    def string_for_serialization(self):
        return self.text


asyncio.run(smc_standard(Steps(), 6, ess_threshold=0.9, json_file="llamppl-smc.json"))
