"""The engine of deterministic tables, for tests and demonstrations."""

from backend.engines.entry import EngineEntry

ENGINE = EngineEntry(
    name="scripted",
    title="Scripted (no model)",
    policy="backend.engines.scripted.loading:load_policy",
    reward="backend.engines.scripted.loading:load_reward",
    place="here",
    models=("scripted",),
    reward_models=("scripted",),
    quick=True,
    default_model=lambda settings, role: "",
)
