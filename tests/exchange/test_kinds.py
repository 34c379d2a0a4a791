"""Files as other programs really write them: told by structure, one bad value is missing with its
reason, one bad structure is refused with its place."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from backend.core.errors import BadInput
from backend.exchange.base import Imported, ImportHints
from backend.exchange.formats import check_readable, parse_file, recognise
from backend.exchange.thinking import segments
from tests.exchange.files import FORMATS, THOUGHT, decoded

NAN, INFINITE = float("nan"), float("inf")
JSON_FILES = [name for name in FORMATS if name.endswith(".json")]


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


ANSWERS = [said("so \\boxed{4}"), said("thus \\boxed{5}")]
BEST: dict[str, Any] = {"responses": ANSWERS, "scores": [0.25, 0.75], "selected_index": 1}
FILTER: dict[str, Any] = {
    "responses": ANSWERS, "log_weights_lst": [-0.5, -2.0], "selected_index": 0, "steps_used_lst": [1, 2]
}  # fmt: skip
PLANNED: dict[str, Any] = {
    "plan": "APPROACH 1: add\nAPPROACH 2: count",
    "approaches": ["add", "count"],
    "approach_results": {"add": BEST, "count": {**BEST, "selected_index": 0}},
    "approach_budgets": {"add": 2, "count": 2},
    "combined_responses": ANSWERS * 2,
    "best_approach": "count",
    "best_approach_result": BEST,
}
ROW: dict[str, Any] = {
    "problem": "2 + 3?", "answer": "5", "completions": ["a\n\n\\boxed{5}", "\\boxed{6}"],
    "scores": [[0.5, 0.75], [0.25]], "pred": "a\n\n\\boxed{5}",
}  # fmt: skip
TREE: dict[str, Any] = {
    "nodes": [
        {"id": -1, "parent_id": None, "score": 0.0, "state_repr": "None"},
        {"id": 0, "parent_id": -1, "score": 0.5, "state_repr": "'x'"},
    ],
    "metadata": {"algorithm": "ABMCTSA"},
}
LOG: dict[str, Any] = {
    "logs": [
        {
            "nodes": {
                "0": {"id": 0, "data": {}, "selected_edge": 0},
                "1": {"id": 1, "data": {"text": "x"}, "selected_edge": None},
            },
            "edges": {"0": {"id": 0, "source": 0, "target": 1, "data": {"Q": 0.5, "reward": 0.25}}},
        }
    ]
}
PARTICLES: list[dict[str, Any]] = [
    {"mode": "init", "particles": [{"contents": "", "logweight": "0"}] * 2},
    {"mode": "smc_step", "particles": [{"contents": "a", "logweight": "-1"},
                                       {"contents": "b", "logweight": "-2"}]},
]  # fmt: skip
SAMPLE: dict[str, Any] = {
    "id": 1, "epoch": 1, "input": "2 + 3?", "target": "5",
    "messages": [{"role": "user", "content": "2 + 3?"}, {"role": "assistant", "content": "The answer is 5"}],
    "output": {"choices": [{"message": {"role": "assistant", "content": "The answer is 5"}, "stop_reason": "stop"}]},
    "scores": {"match": {"value": "C", "answer": "5"}},
}  # fmt: skip
EVAL: dict[str, Any] = {
    "version": 2,
    "status": "success",
    "eval": {"task": "t", "model": "m"},
    "samples": [SAMPLE],
}
WHOLE: dict[str, Any] = {
    "its_hub": BEST,
    "search_and_learn": ROW,
    "treequest": TREE,
    "llm-reasoners": LOG,
    "inspect": EVAL,
}


def changed(whole: Any, *path: Any) -> Any:
    """A copy with the last argument at the place that the others name."""
    copy = json.loads(json.dumps(whole))
    *way, last, value = path
    inside = copy
    for part in way:
        inside = inside[part]
    inside[last] = value
    return copy


def read(whole: Any, known: ImportHints = ImportHints()) -> list[Imported]:  # noqa: B008
    content = whole if isinstance(whole, bytes) else json.dumps(whole).encode()
    name = recognise(content)
    assert name is not None
    return parse_file(name, content, known)


def one(whole: Any) -> Imported:
    [run] = read(whole)
    return run


def values(run: Imported, kind: str = "score") -> list[float | None]:
    return [event.value for event in run.events if event.kind == kind]


def reasons(run: Imported) -> list[str]:
    return [(event.data or {}).get("reason") or "" for event in run.events if event.kind == "score"]


# What decides is the structure


@pytest.mark.parametrize("name", [*WHOLE, "smc"])
@pytest.mark.parametrize(
    "write",
    [
        json.dumps,
        lambda whole: json.dumps(whole, sort_keys=True),
        lambda whole: json.dumps(whole, indent=4),
        lambda whole: "\ufeff" + json.dumps(whole),
        lambda whole: "\r\n\n " + json.dumps(whole, separators=(" , ", " : ")) + "\r\n\n",
    ],
    ids=["as it is", "sorted", "indented", "marked", "spaced"],
)
def test_a_format_is_told_whatever_the_order_and_the_spaces(
    name: str, write: Callable[[Any], str]
) -> None:
    whole = PARTICLES if name == "smc" else WHOLE[name]
    content = write(whole).encode()
    assert recognise(content) == name
    assert len(parse_file(name, content, ImportHints())) == 1


@pytest.mark.parametrize("name", WHOLE)
def test_long_texts_and_unknown_names_before_what_tells_a_format_do_no_harm(name: str) -> None:
    whole = {"about": "x" * 200_000, "solution": "\\boxed{1}", **WHOLE[name]}
    assert recognise(json.dumps(whole).encode()) == name


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize(
    "write",
    [
        lambda many: json.dumps(many),
        lambda many: "\n".join(map(json.dumps, many)),
        lambda many: "\n\n".join(map(json.dumps, many)) + "\n",
        lambda many: json.dumps({"results": many}),
    ],
    ids=["array", "lines", "lines apart", "wrapped"],
)
def test_a_list_of_results_is_several_runs(name: str, write: Callable[[list[Any]], str]) -> None:
    assert len(read(write([WHOLE[name]] * 3).encode())) == 3


def test_lists_of_particles_are_several_runs_and_lines_of_them_are_one() -> None:
    assert len(read([PARTICLES, PARTICLES])) == 2
    assert len(read("\n".join(map(json.dumps, PARTICLES)).encode())) == 1
    assert len(read("\n".join(json.dumps(PARTICLES) for _ in range(2)).encode())) == 2


@pytest.mark.parametrize(
    "text",
    [
        "{1, 2} is the set.\n\nThe answer is 2.",
        "[0, 1) holds 0.\n\nThe answer is 0.",
        "[1, 2]",
        "42",
        '"responses" is a word.\n\nThe answer is 1.',
        'He wrote {"responses": 1} and "state_repr".\n\nThe answer is 1.',
        "{x : x > 2} is open.\n\nThe answer is 2.",
    ],
)
def test_text_that_looks_a_little_like_json_is_text(text: str) -> None:
    assert recognise(text.encode()) == "thinking"
    [run] = parse_file("thinking", text.encode(), ImportHints())
    assert "".join(node.text for node in run.nodes[1:]) == text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("text", [THOUGHT, json.dumps(BEST)])
def test_text_in_utf_16_is_refused_by_its_name(text: str, encoding: str) -> None:
    content = text.encode(encoding)
    assert recognise(content) is None
    with pytest.raises(BadInput, match=r"UTF-16 or UTF-32.*UTF-8"):
        check_readable(content)


def test_json_that_was_cut_off_is_refused_with_line_and_column() -> None:
    content = json.dumps({"unheard": [1, 2]}, indent=1).encode()[:-3]
    assert recognise(content) is None
    with pytest.raises(BadInput, match=r"line \d+, column \d+ of the file"):
        check_readable(content)


def test_a_broken_line_among_lines_is_refused_with_its_number() -> None:
    with pytest.raises(BadInput, match="line 2, column"):
        parse_file("its_hub", (json.dumps(BEST) + '\n{"responses": [').encode(), ImportHints())


def test_one_result_of_another_structure_is_refused_with_its_place() -> None:
    with pytest.raises(BadInput, match=r"\$\[1\]"):
        read([BEST, {"responses": "none"}])
    with pytest.raises(BadInput, match=r"line 2, \$\.completions"):
        read((json.dumps(ROW) + "\n" + json.dumps({**ROW, "completions": "x"})).encode())


def test_halves_of_characters_in_a_text_do_not_refuse_it() -> None:
    run = one(b'{"responses": [{"content": "a \\ud83d b \\\\boxed{4}"}], "selected_index": 0}')
    assert run.nodes[1].text == "a \ufffd b \\boxed{4}"


# One bad value is missing, with its reason


@pytest.mark.parametrize("value", [NAN, INFINITE, -INFINITE, None, "high", [0.5], {}, 10**400])
def test_a_score_that_is_no_number_is_missing_with_its_reason(value: Any) -> None:
    for run in (
        one(changed(BEST, "scores", 0, value)),
        one(changed(ROW, "scores", 0, 0, value)),
        one(changed(TREE, "nodes", 1, "score", value)),
    ):
        missing = values(run).index(None)
        assert "no number" in reasons(run)[missing]


def test_numbers_that_are_written_as_texts_are_read() -> None:
    assert values(one(changed(BEST, "scores", ["0.25", "1"]))) == [0.25, 1.0]


@pytest.mark.parametrize("value", [NAN, INFINITE, "nan", "good"])
def test_a_reward_that_is_no_number_is_missing_with_its_reason(value: Any) -> None:
    run = one(changed(LOG, "logs", 0, "edges", "0", "data", "reward", value))
    assert values(run) == [0.5, None] and "no number" in reasons(run)[1]


@pytest.mark.parametrize("data", [None, "a state", {}])
def test_a_node_that_was_never_filled_in_is_read(data: Any) -> None:
    run = one(changed(LOG, "logs", 0, "nodes", "1", "data", data))
    assert run.nodes[1].text == ("a state" if data else "")


@pytest.mark.parametrize("value", [-INFINITE, NAN, None, "-inf", "dead"])
def test_a_particle_whose_weight_is_no_number_weighs_nothing(value: Any) -> None:
    run = one(changed(FILTER, "log_weights_lst", 1, value))
    [weighed] = [event.data for event in run.events if event.kind == "weighed"]
    [step] = [event.data for event in run.events if event.kind == "step"]
    assert weighed is not None and step is not None and step["values"] == [1.0, 0.0]
    dead = one(changed(PARTICLES, 1, "particles", 1, "logweight", value))
    assert [event.data for event in dead.events if event.kind == "weighed"]


def test_particles_that_all_died_are_read() -> None:
    run = one(changed(FILTER, "log_weights_lst", [-INFINITE, -INFINITE]))
    assert [event.kind for event in run.events].count("weighed") == 1


@pytest.mark.parametrize(
    ("whole", "path"),
    [
        (BEST, ("responses", 0, "content", None)),
        (ROW, ("completions", 1, None)),
        (EVAL, ("samples", 0, "messages", 1, "content", None)),
        (EVAL, ("samples", 0, "output", None)),
        (EVAL, ("samples", 0, "epoch", None)),
        (EVAL, ("samples", 0, "started_at", 5)),
        (EVAL, ("samples", 0, "attachments", None)),
        (EVAL, ("samples", 0, "target", None)),
        (EVAL, ("eval", "packages", None)),
        (TREE, ("metadata", None)),
        (TREE, ("nodes", 1, "created_at", 7)),
        (BEST, ("usage", {"completion_tokens": None})),
        (BEST, ("selected_index", None)),
    ],
)
def test_a_detail_that_is_missing_does_not_refuse_a_file(whole: Any, path: Any) -> None:
    assert len(read(changed(whole, *path))) == 1


def test_names_that_nobody_knows_are_remarked_on() -> None:
    run = one({**BEST, "temperature": 0.8, "seed": 1})
    assert run.values["manifest"]["imported"]["remarks"] == ["not read: seed, temperature"]
    many = one({**BEST, **{f"field {at}": at for at in range(100)}})
    [remark] = many.values["manifest"]["imported"]["remarks"]
    assert remark.endswith("others") and len(remark) < 400


# What a file holds is used, and nothing else is told


def test_costs_are_those_of_the_file_and_no_others() -> None:
    assert one({key: BEST[key] for key in ("responses", "selected_index")}).values["ledger"] == {}
    usage = {"completion_tokens": 120, "prompt_tokens": 30, "num_calls": 4}
    ledger = one({**BEST, "usage": usage}).values["ledger"]
    assert (ledger["generated_tokens"], ledger["prompt_tokens"], ledger["model_calls"]) == (
        120,
        30,
        4,
    )
    assert one({**ROW, "completion_tokens": [7, 5]}).values["ledger"]["generated_tokens"] == 12
    assert "generated_tokens" not in one({**ROW, "completion_tokens": [7, None]}).values["ledger"]
    counted = changed(EVAL, "samples", 0, "model_usage", {"m": {"input_tokens": 3, "output_tokens": 9}})  # fmt: skip
    assert one(counted).values["ledger"]["generated_tokens"] == 9
    assert "generated_tokens" not in one(EVAL).values["ledger"]


def test_planning_is_a_plan_with_its_approaches_and_their_responses() -> None:
    run = one(PLANNED)
    by_key = {node.key.removeprefix("its_hub: "): node for node in run.nodes}
    assert run.values["strategy"] == "its_hub Planning, BestOfN"
    assert by_key["approach 1"].parent_id == by_key["plan"].id == 1
    chosen = by_key["approach 2, response 1"]
    assert chosen.parent_id == by_key["approach 2"].id
    assert (run.values["chosen_node"], run.values["answer"]) == (chosen.id, "4")
    with pytest.raises(BadInput, match="best_approach"):
        read({**PLANNED, "best_approach": "guess"})
    with pytest.raises(BadInput, match=r"approach_results"):
        read({**PLANNED, "approach_results": {}})


@pytest.mark.parametrize("inner", [FILTER, {"responses": ANSWERS, "selected_index": 0}])
def test_planning_holds_any_search(inner: Any) -> None:
    run = one({**PLANNED, "approach_results": {"count": inner}})
    assert run.values["chosen_node"] == 3


@pytest.mark.parametrize(
    ("pred", "node", "answer"),
    [
        ("\\boxed{6}", 3, "6"),
        ("\\boxed{5}", 2, "5"),
        ("5", 2, "5"),
        (5, 2, "5"),
        ("\\boxed{\\frac{10}{2}}", 2, "\\frac{10}{2}"),
        ("\\boxed{9}", 4, "9"),
    ],
)
def test_what_was_chosen_is_found_by_its_text_or_its_answer(
    pred: Any, node: int, answer: str
) -> None:
    run = one({**ROW, "pred": pred})
    assert (run.values["chosen_node"], run.values["answer"]) == (node, answer)


@pytest.mark.parametrize(
    ("right", "kept"),
    [
        ({"answer": 5}, ("5", {})),
        ({"answer": ["5", "five"]}, ("5", {"accepted": ["5", "five"]})),
        ({"answer": None, "solution": "so \\boxed{5}"}, ("5", {})),
        ({"answer": None}, (None, {})),
    ],
)
def test_the_right_answer_of_a_row_is_read(right: Any, kept: Any) -> None:
    problem = one({**ROW, **right}).problem
    assert problem is not None and (problem["answer"], problem["meta"]) == kept


def test_scores_of_whole_completions_are_read_as_such() -> None:
    run = one({**ROW, "scores": [0.5, 0.25]})
    assert values(run) == [0.5, 0.25]
    [step] = [event.data for event in run.events if event.kind == "step"]
    assert step is not None and step["values"] == [0.5, 0.25]


def test_several_targets_are_all_right() -> None:
    problem = one(changed(EVAL, "samples", 0, "target", ["5", "five"])).problem
    assert problem is not None and problem["meta"] == {"accepted": ["5", "five"]}


def test_long_thinking_takes_time_in_proportion_to_its_length() -> None:
    def seconds(lines: int) -> float:
        text = "so it goes on\n" * lines
        began = time.process_time()
        assert segments(text) == [text]
        return time.process_time() - began

    seconds(1000)
    short, long = min(seconds(10_000) for _ in range(3)), min(seconds(160_000) for _ in range(3))
    assert long < 16 * 4 * max(short, 0.001)


@pytest.mark.parametrize("name", JSON_FILES)
def test_the_programs_own_files_are_read_in_any_order_of_keys(name: str) -> None:
    content = json.dumps(decoded(name), sort_keys=True).encode()
    assert recognise(content) == FORMATS[name]
    assert parse_file(FORMATS[name], content, ImportHints())
