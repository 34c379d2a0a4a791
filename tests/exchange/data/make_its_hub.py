import asyncio
import dataclasses
import json
import random
from pathlib import Path

import numpy as np
from its_hub.api import (
    AbstractLanguageModel,
    AbstractOutcomeRewardModel,
    AbstractProcessRewardModel,
)
from its_hub.core.algorithms.beam_search import BeamSearch
from its_hub.core.algorithms.bon import BestOfN
from its_hub.core.algorithms.particle_gibbs import ParticleFiltering, ParticleGibbs
from its_hub.core.algorithms.self_consistency import SelfConsistency
from its_hub.core.lms.step_generation import StepGeneration

random.seed(11)
np.random.seed(11)
STEPS = ["48 / 2 = 24", "48 / 2 = 26", "48 + 24 = 72", "The answer is 72.", "The answer is 74."]


class Toy(AbstractLanguageModel):
    async def agenerate_single(self, messages, stop=None, **kwargs):
        return {"role": "assistant", "content": random.choice(STEPS)}

    async def agenerate(self, messages, stop=None, **kwargs):
        if isinstance(messages[0], list):
            return [await self.agenerate_single(one) for one in messages]
        return await self.agenerate_single(messages)


class Judge(AbstractOutcomeRewardModel):
    def score(self, messages, **kwargs):
        raise NotImplementedError

    async def ascore(self, messages, orchestrator=None, **kwargs):
        return [round(random.random(), 4) for _ in messages]


class Steps(AbstractProcessRewardModel):
    def score(self, prompt, steps):
        raise NotImplementedError

    async def ascore(self, prompt, steps):
        return [round(random.random(), 4) for _ in steps]


def save(name, result):
    fields = dataclasses.asdict(result)
    fields.pop("response_counts", None)  # its keys may be tuples, which JSON has not
    Path(f"its_hub-{name}.json").write_text(json.dumps(fields, indent=1))


async def main():
    question = "How many clips were sold in April and May?"
    lm, sg = Toy(), StepGeneration(max_steps=3, step_token="\n", stop_token="The answer is")
    save("best-of-n", await BestOfN(Judge()).ainfer(lm, question, 5, return_response_only=False))
    save(
        "self-consistency",
        await SelfConsistency().ainfer(lm, question, 6, return_response_only=False),
    )
    save(
        "beam-search",
        await BeamSearch(sg, Steps(), beam_width=2).ainfer(
            lm, question, 4, return_response_only=False
        ),
    )
    save(
        "particle-filtering",
        await ParticleFiltering(sg, Steps()).ainfer(lm, question, 4, return_response_only=False),
    )
    save(
        "particle-gibbs",
        await ParticleGibbs(sg, Steps(), num_iterations=2).ainfer(
            lm, question, 8, return_response_only=False
        ),
    )


asyncio.run(main())
