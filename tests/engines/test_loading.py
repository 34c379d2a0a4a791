"""What loading a model imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOAD = """
import json, sys
from backend.engines.torch.engine import TorchEngine, TorchRewardModel
TorchEngine.load("backend/classroom/policy", name="classroom")
TorchRewardModel.load("backend/classroom/prm", name="classroom-prm")
print(json.dumps(sorted(sys.modules)))
"""


def test_a_model_is_loaded_without_torchs_compiler() -> None:
    """It takes as long to import as torch itself, and a run waits for it."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = set(json.loads(done.stdout.splitlines()[-1]))
    assert imported.isdisjoint({"torch._dynamo", "torch._inductor", "sympy"})
