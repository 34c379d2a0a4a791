import random

import treequest as tq

random.seed(7)
WORDS = [
    "half of 48 is 24",
    "48 + 24 = 72",
    "sold 72",
    "answer: 72",
    "24 * 2 = 48",
    "<b>not</b> 73",
]


def generate(parent):
    depth = 0 if parent is None else parent.count("\n") + 1
    return ("" if parent is None else parent + "\n") + f"step {depth}: " + random.choice(
        WORDS
    ), round(random.random(), 4)


for name, algorithm, steps in (
    ("mcts", tq.StandardMCTS(samples_per_action=2), 30),
    ("abmcts", tq.ABMCTSA(), 20),
):
    state = algorithm.init_tree()
    for _ in range(steps):
        state = algorithm.step(state, {"think": generate, "check": generate})
    tq.render(state, f"treequest-{name}", format="json")
