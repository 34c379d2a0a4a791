"""The embedded engine: our own decoder of the Qwen2 family on PyTorch."""

from backend.engines.entry import EngineEntry, Options, Role, needs_package
from backend.engines.settings import ModelSettings


def _options(settings: ModelSettings, role: Role) -> Options:
    return {"device": settings.device, "threads": settings.threads}


ENGINE = EngineEntry(
    name="torch",
    title="Built in (PyTorch)",
    policy="backend.engines.torch.loading:load_policy",
    reward="backend.engines.torch.loading:load_reward",
    models=("classroom",),
    reward_models=("classroom-prm", "classroom-prm-full"),
    quick=True,
    options=_options,
    why_not=needs_package("torch", "torch is not installed"),
)
