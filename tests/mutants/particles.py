"""Mutants of the particle family."""

from __future__ import annotations

from tests.mutants.mutant import Defect, Mutant

FILTER, SMC, CONDITIONAL = (
    "backend/strategies/particle_filter.py",
    "backend/strategies/parts/particles/smc.py",
    "backend/strategies/parts/particles/conditional.py",
)
POPULATION, RESAMPLING = (
    "backend/strategies/parts/particles/population.py",
    "backend/core/statistics/resampling.py",
)
GIBBS = "backend/strategies/particle_gibbs.py"
OF_FILTER, OF_GIBBS, OF_RESAMPLING = (
    "strategies/test_particle_filter.py",
    "strategies/test_particle_gibbs.py",
    "core/statistics/test_resampling.py",
)

PARTICLES = (
    Mutant(
        "filter-one-round-more",
        Defect.ONE_STEP_MORE,
        "the particle filter takes max_steps + 1 rounds",
        FILTER,
        "for turn in range(sampler.max_steps):",
        "for turn in range(sampler.max_steps + 1):",
        (
            "strategies/test_contract.py::test_max_steps_is_exact_and_counts_from_the_root[0-2-particle_filter-{}]",
        ),
    ),
    Mutant(
        "scheme-not-passed",
        Defect.LOST_OPTION,
        "the particle filter resamples by its default scheme, whichever is chosen",
        FILTER,
        "scheme=params.scheme, anneal_below",
        "anneal_below",
        (f"{OF_FILTER}::test_every_draw_can_be_replayed_from_its_note",),
    ),
    Mutant(
        "scheme-only-named",
        Defect.LOST_OPTION,
        "every scheme draws as multinomial does, and the trace names the one that was asked for",
        SMC,
        "resample(scheme, weights, rng)",
        'resample("multinomial", weights, rng)',
        (f"{OF_FILTER}::test_every_draw_can_be_replayed_from_its_note",),
    ),
    Mutant(
        "model-temperature-falls-back",
        Defect.LOST_OPTION,
        "particles are continued at a default temperature and not at the run's",
        POPULATION,
        "[mover.node for mover in movers])",
        "[mover.node for mover in movers], sampling=type(policy.sampling)(temperature=0.8))",
        (
            "runs/test_driver.py::test_every_call_samples_as_the_run_says_or_greedily[particle_filter]",
        ),
    ),
    Mutant(
        "ancestor-sampling-not-done",
        Defect.LOST_OPTION,
        "particle Gibbs keeps the past of its reference though asked to draw it anew",
        GIBBS,
        "True: Held.sampled}",
        "True: Held.kept}",
        ("runs/test_driver.py::test_ancestor_sampling_runs_on_an_engine_that_can_judge",),
    ),
    Mutant(
        "reference-by-its-end",
        Defect.REFERENCE,
        "every prefix of the reference weighs by the final score",
        CONDITIONAL,
        "log_weight(held.log_weight, step.gain, weighing.temperature)",
        "log_weight(held.log_weight, self._line[-1].gain, weighing.temperature)",
        (
            f"{OF_GIBBS}::test_the_last_slot_follows_the_reference_and_weighs_as_its_prefix_of_the_same_depth_did",
        ),
    ),
    Mutant(
        "reference-one-ahead",
        Defect.REFERENCE,
        "every prefix of the reference weighs by the score of the next one",
        CONDITIONAL,
        "log_weight(held.log_weight, step.gain, weighing.temperature)",
        "log_weight(held.log_weight, self._ahead(held)[:2][-1].gain, weighing.temperature)",
        (
            f"{OF_GIBBS}::test_the_last_slot_follows_the_reference_and_weighs_as_its_prefix_of_the_same_depth_did",
        ),
    ),
    Mutant(
        "resample-after-the-end",
        Defect.LAST_DRAW,
        "finished particles are resampled once more",
        FILTER,
        "            return\n        due",
        "            drawn = await sampler.resample(population, 0.0, policy, verifier, rng)\n"
        '            yield Step(population.nodes, population.values, drawn, phase="resample", '
        "stats=sampler.stats(population))\n"
        "            return\n        due",
        (f"{OF_FILTER}::test_resampling_comes_before_each_extension_and_never_after_the_last",),
    ),
    Mutant(
        "filter-weighs-again",
        Defect.WEIGHED_AGAIN,
        "the particle filter does so where it says that it does not",
        FILTER,
        "rested=REST[params.reweigh_finished]",
        "rested=REST[True]",
        (f"{OF_FILTER}::test_finished_particle_extends_to_itself_and_gains_no_weight",),
    ),
    Mutant(
        "passes-weigh-again",
        Defect.WEIGHED_AGAIN,
        "so do the free particles of a conditional pass",
        POPULATION,
        "[weighing.rested(particle, weighing.temperature) for",
        "[weighed_again(particle, weighing.temperature) for",
        (
            (
                f"{OF_GIBBS}::test_a_pass_leaves_the_posterior_exactly_as_it_is[kept-paper-one "
                "or two steps]"
            ),
        ),
    ),
    Mutant(
        "sum-below-one",
        Defect.OFF_THE_END,
        "the last cumulative weight is what rounding left of 1",
        RESAMPLING,
        "cumulative[last:] = 1.0",
        "pass",
        (f"{OF_RESAMPLING}::test_a_sum_below_one_does_not_run_off_the_end",),
    ),
    Mutant(
        "point-at-one",
        Defect.OFF_THE_END,
        "a point that rounds up to 1 lies behind the last particle",
        RESAMPLING,
        "np.minimum(np.asarray(points, dtype=np.float64), BELOW_ONE)",
        "np.asarray(points, dtype=np.float64)",
        (f"{OF_RESAMPLING}::test_a_sum_below_one_does_not_run_off_the_end",),
    ),
    Mutant(
        "floor-without-guard",
        Defect.OFF_THE_END,
        "a certain copy is lost where a product rounds to just below a whole number",
        RESAMPLING,
        "FLOOR_GUARD = 1e-12",
        "FLOOR_GUARD = 0.0",
        (f"{OF_RESAMPLING}::test_a_product_just_below_a_whole_number_is_that_number",),
    ),
    Mutant(
        "draws-without-seed",
        Defect.NO_SEED,
        "ancestors are drawn from the global generator",
        RESAMPLING,
        "uniforms = rng.random(",
        "uniforms = np.random.random(",
        (
            "strategies/test_contract.py::test_same_seed_gives_the_same_trace_and_leaves_the_global_generator_alone[particle_filter-{}]",
        ),
    ),
    Mutant(
        "unscored-particle-weighs-nothing",
        Defect.ZERO,
        "a particle without a score weighs as one with the score 0",
        POPULATION,
        "level = particle.level + mean if value is None else self.potential(value)",
        "level = self.potential(value or 0.0)",
        (
            f"{OF_FILTER}::test_a_step_without_a_score_takes_the_mean_and_the_next_score_makes_up_for_it",
        ),
    ),
)
