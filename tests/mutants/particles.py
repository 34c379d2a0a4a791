"""Mutants of the particle family."""

from __future__ import annotations

from backend.core.statistics import resampling
from backend.strategies import particle_filter, particle_gibbs
from backend.strategies.parts.particles import conditional, population, smc
from backend.strategies.parts.rounds import expand
from tests.core.statistics import test_resampling as of_resampling
from tests.mutants.edit import swap
from tests.mutants.mutant import Case, Defect, Mutant
from tests.runs import test_driver as of_driver
from tests.strategies import test_contract as contract
from tests.strategies import test_particle_filter as of_filter
from tests.strategies import test_particle_gibbs as of_gibbs

PARTICLES = (
    Mutant(
        "filter-one-round-more",
        Defect.ONE_STEP_MORE,
        "the particle filter takes max_steps + 1 rounds",
        swap(particle_filter.run_filter, "range(A)", "range(A + 1)"),
        (
            Case(
                contract.test_max_steps_is_exact_and_counts_from_the_root,
                "0-2-particle_filter-{}",
            ),
        ),
    ),
    Mutant(
        "scheme-not-passed",
        Defect.LOST_OPTION,
        "the particle filter resamples by its default scheme, whichever is chosen",
        swap(particle_filter.particle_filter, "F(*R, scheme=A, **M)", "F(*R, **M)"),
        (of_filter.test_every_draw_can_be_replayed_from_its_note,),
    ),
    Mutant(
        "scheme-only-named",
        Defect.LOST_OPTION,
        "every scheme draws as multinomial does, and the trace names the one that was asked for",
        swap(
            smc.by_scheme,
            "resample(A, *R)",
            'resample("multinomial", *R)',
            resample=resampling.resample,
        ),
        (of_filter.test_every_draw_can_be_replayed_from_its_note,),
    ),
    Mutant(
        "model-temperature-falls-back",
        Defect.LOST_OPTION,
        "particles are continued at a default temperature and not at the run's",
        swap(
            population.propagate,
            "expand(A, B, C)",
            "expand(A, B, C, sampling=type(A.sampling)(temperature=0.8))",
            expand=expand,
        ),
        (Case(of_driver.test_every_call_samples_as_the_run_says_or_greedily, "particle_filter"),),
    ),
    Mutant(
        "ancestor-sampling-not-done",
        Defect.LOST_OPTION,
        "particle Gibbs keeps the past of its reference though asked to draw it anew",
        swap(particle_gibbs, "{False: A, True: B}", "{False: A, True: A}"),
        (of_driver.test_ancestor_sampling_runs_on_an_engine_that_can_judge,),
    ),
    Mutant(
        "reference-by-its-end",
        Defect.REFERENCE,
        "every prefix of the reference weighs by the final score",
        swap(
            conditional.Held.advance,
            "log_weight(A.log_weight, B.gain, C)",
            "log_weight(A.log_weight, self._line[-1].gain, C)",
        ),
        (
            of_gibbs.test_the_last_slot_follows_the_reference_and_weighs_as_its_prefix_of_the_same_depth_did,
        ),
    ),
    Mutant(
        "reference-one-ahead",
        Defect.REFERENCE,
        "every prefix of the reference weighs by the score of the next one",
        swap(
            conditional.Held.advance,
            "log_weight(A.log_weight, B.gain, C)",
            "log_weight(A.log_weight, self._ahead(A)[:2][-1].gain, C)",
        ),
        (
            of_gibbs.test_the_last_slot_follows_the_reference_and_weighs_as_its_prefix_of_the_same_depth_did,
        ),
    ),
    Mutant(
        "resample-after-the-end",
        Defect.LAST_DRAW,
        "finished particles are resampled once more",
        swap(
            particle_filter.run_filter,
            "if not active(A.particles):\n    return\nB = C and D.due(A)",
            "if not active(A.particles):\n"
            "    drawn = await D.resample(A, 0.0, policy, verifier, rng)\n"
            "    yield Step(A.nodes, A.values, drawn, phase='resample', stats=D.stats(A))\n"
            "    return\n"
            "B = C and D.due(A)",
            active=population.active,
        ),
        (of_filter.test_resampling_comes_before_each_extension_and_never_after_the_last,),
    ),
    Mutant(
        "filter-weighs-again",
        Defect.WEIGHED_AGAIN,
        "the particle filter does so where it says that it does not",
        swap(particle_filter.particle_filter, "REST[A]", "REST[True]"),
        (of_filter.test_finished_particle_extends_to_itself_and_gains_no_weight,),
    ),
    Mutant(
        "passes-weigh-again",
        Defect.WEIGHED_AGAIN,
        "so do the free particles of a conditional pass",
        swap(
            population.propagate,
            "rested(A, B)",
            f"{population.weigh_again.__name__}(A, B)",
        ),
        (
            Case(
                of_gibbs.test_a_pass_leaves_the_posterior_exactly_as_it_is,
                "keep_past-paper-one or two steps",
            ),
        ),
    ),
    Mutant(
        "sum-below-one",
        Defect.OFF_THE_END,
        "the last cumulative weight is what rounding left of 1",
        swap(resampling.invert, "A[B:] = 1.0", "pass"),
        (of_resampling.test_a_sum_below_one_does_not_run_off_the_end,),
    ),
    Mutant(
        "point-at-one",
        Defect.OFF_THE_END,
        "a point that rounds up to 1 lies behind the last particle",
        swap(resampling.invert, "np.minimum(A, B)", "A"),
        (of_resampling.test_a_sum_below_one_does_not_run_off_the_end,),
    ),
    Mutant(
        "floor-without-guard",
        Defect.OFF_THE_END,
        "a certain copy is lost where a product rounds to just below a whole number",
        swap(resampling, "FLOOR_GUARD = A", "FLOOR_GUARD = 0.0"),
        (of_resampling.test_a_product_just_below_a_whole_number_is_that_number,),
    ),
    Mutant(
        "draws-without-seed",
        Defect.NO_SEED,
        "ancestors are drawn from the global generator",
        swap(resampling.resample, "rng.random(A)", "np.random.random(A)"),
        (
            Case(
                contract.test_same_seed_gives_the_same_trace_and_leaves_the_global_generator_alone,
                "particle_filter-{}",
            ),
        ),
    ),
    Mutant(
        "unscored-particle-weighs-nothing",
        Defect.ZERO,
        "a particle without a score weighs as one with the score 0",
        swap(
            population.Weighing.advance,
            "A if B is None else self.potential(B)",
            "self.potential(B or 0.0)",
        ),
        (of_filter.test_a_step_without_a_score_takes_the_mean_and_the_next_score_makes_up_for_it,),
    ),
)
