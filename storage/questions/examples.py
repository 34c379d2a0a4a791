"""Ten questions to begin with; each is also a lesson on where the numbers are."""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """A query with its question."""

    name: str
    query: str


EXAMPLES: tuple[Example, ...] = (
    Example(
        "Newest runs with their answers and costs",
        """
SELECT run.id AS run_id, run.strategy, problem.id AS problem, run.answer,
       problem.answer AS right_answer, run.correct,
       cost.generated_tokens, round(cost.seconds, 2) AS seconds
FROM run LEFT JOIN problem ON run.problem_key = problem.key JOIN cost ON cost.run_id = run.id
ORDER BY run.id DESC LIMIT 100""",
    ),
    Example(
        "Mean score by depth, in runs that ended right and in runs that ended wrong",
        """
SELECT node.depth, run.correct, count(*) AS scored_nodes,
       round(avg(step_score.value), 4) AS mean_score
FROM step_score
JOIN node ON node.run_id = step_score.run_id AND node.id = step_score.node_id
JOIN run ON run.id = step_score.run_id
WHERE step_score.value IS NOT NULL
GROUP BY ALL ORDER BY node.depth, run.correct""",
    ),
    Example(
        "Cost of a right answer by strategy",
        """
SELECT run.strategy, count(*) AS runs, count(*) FILTER (run.correct) AS right_runs,
       sum(cost.generated_tokens) AS generated_tokens,
       round(sum(cost.generated_tokens) / nullif(count(*) FILTER (run.correct), 0))
         AS tokens_a_right_answer,
       round(sum(cost.seconds) / nullif(count(*) FILTER (run.correct), 0), 2)
         AS seconds_a_right_answer
FROM run JOIN cost ON cost.run_id = run.id
WHERE run.status = 'finished'
GROUP BY run.strategy ORDER BY tokens_a_right_answer NULLS LAST""",
    ),
    Example(
        "Nodes that were pruned although their score reached the cut",
        """
SELECT pruning.run_id, pruning.node_id, pruning.round, pruning.reason, step_score.value AS score,
       pruning.cut, node.text
FROM pruning
JOIN step_score ON step_score.run_id = pruning.run_id AND step_score.node_id = pruning.node_id
  AND step_score.seq < pruning.seq
JOIN node ON node.run_id = pruning.run_id AND node.id = pruning.node_id
WHERE step_score.value >= pruning.cut
ORDER BY score DESC, pruning.run_id, pruning.node_id""",
    ),
    Example(
        "How many different answers each run found",
        """
SELECT solution.run_id, any_value(run.strategy) AS strategy, count(*) AS solutions,
       count(DISTINCT written_answer) AS different_answers,
       mode(written_answer) AS commonest, any_value(run.answer) AS chosen,
       any_value(run.correct) AS correct
FROM solution JOIN run ON run.id = solution.run_id
GROUP BY solution.run_id ORDER BY different_answers DESC, solution.run_id""",
    ),
    Example(
        "High scores in runs that ended wrong",
        """
SELECT step_score.run_id, step_score.node_id, step_score.verifier, step_score.value AS score,
       node.depth, node.text
FROM step_score
JOIN run ON run.id = step_score.run_id
JOIN node ON node.run_id = step_score.run_id AND node.id = step_score.node_id
WHERE NOT run.correct AND step_score.value > 0.9
ORDER BY score DESC, step_score.run_id, step_score.node_id LIMIT 200""",
    ),
    Example(
        "When each run found the answer that it kept",
        """
SELECT run_id, node_id, answer, correct, generated_tokens, round(t_ms / 1000, 2) AS seconds
FROM chosen_answer
QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY seq DESC) = 1
ORDER BY generated_tokens""",
    ),
    Example(
        "Effective sample size before each resampling",
        """
SELECT run_id, track, round, CAST(data->>'$.ess' AS DOUBLE) AS ess,
       json_array_length(data->'$.particles') AS particles
FROM event WHERE kind = 'resampled'
ORDER BY run_id, seq""",
    ),
    Example(
        "Where the time goes: calls of models and verifiers",
        """
SELECT event.run_id, event.label AS asked, count(*) AS calls,
       round(avg(CAST(coalesce(data->>'$.requests', data->>'$.scored') AS DOUBLE)), 1)
         AS mean_batch,
       round(sum(CAST(data->>'$.ended_ms' AS DOUBLE)
               - CAST(data->>'$.started_ms' AS DOUBLE)) / 1000, 3) AS seconds
FROM event WHERE kind = 'call'
GROUP BY ALL ORDER BY seconds DESC NULLS LAST""",
    ),
    Example(
        "The least likely steps on the way to a chosen answer",
        """
WITH RECURSIVE way AS (
  SELECT run.id AS run_id, run.chosen_node AS node_id, run.correct FROM run
  WHERE run.chosen_node IS NOT NULL
  UNION ALL
  SELECT way.run_id, node.parent_id, way.correct FROM way
  JOIN node ON node.run_id = way.run_id AND node.id = way.node_id WHERE node.parent_id IS NOT NULL
)
SELECT way.run_id, way.node_id, way.correct, round(list_avg(node.logprobs), 4) AS mean_logprob,
       len(node.token_ids) AS tokens, node.text
FROM way JOIN node ON node.run_id = way.run_id AND node.id = way.node_id
WHERE len(node.logprobs) > 0
ORDER BY mean_logprob LIMIT 100""",
    ),
)

EXAMPLES = tuple(Example(one.name, one.query.strip()) for one in EXAMPLES)

__all__ = ["EXAMPLES", "Example"]
