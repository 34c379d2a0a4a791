"""What each reader makes of the other programs' own files: every text, parent, score and weight is
the file's, and nothing else is told."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import BadInput
from backend.core.splitting import AT_BLANK_LINES, Splitting
from backend.exchange.base import Imported, ImportHints
from backend.exchange.formats import FORMATS as READERS
from backend.exchange.formats import parse_file, recognise
from backend.exchange.search_and_learn import ITS_OWN
from backend.exchange.search_and_learn import steps as completion_steps
from backend.exchange.smc import strip_marks
from backend.exchange.thinking import segments
from backend.exchange.treequest import unquote
from tests.exchange.files import FORMATS, THOUGHT, content, decoded

UNKNOWN = ImportHints()


def only(name: str, known: ImportHints = UNKNOWN) -> Imported:
    """The one run of a file."""
    runs = parse_file(FORMATS[name], content(name), known)
    assert len(runs) == 1
    return runs[0]


def of_kind(run: Imported, kind: str) -> list[dict[str, Any]]:
    """The events of a kind as plain values."""
    return [
        {"node": event.node_id, "label": event.label, "value": event.value, **(event.data or {})}
        for event in run.events
        if event.kind == kind
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_recognised_by_its_beginning(name: str) -> None:
    assert recognise(content(name)) == FORMATS[name]
    assert recognise(content(name)[:3000]) == FORMATS[name]


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_names_its_program_and_asks_what_the_user_says(name: str) -> None:
    for run in parse_file(FORMATS[name], content(name), ImportHints("How many?", "72")):
        source = run.values["manifest"]["imported"]
        assert source["format"] == FORMATS[name]
        assert source["program"] in READERS[FORMATS[name]].program
        assert run.problem is not None
        assert (run.problem["question"], run.problem["answer"], run.nodes[0].text) == (
            "How many?",
            "72",
            "How many?",
        )
        assert (run.nodes[0].kind, run.nodes[0].parent_id) == ("prompt", None)


@pytest.mark.parametrize("name", ["treequest-mcts.json", "treequest-abmcts.json"])
def test_a_treequest_tree_has_the_files_nodes_and_scores(name: str) -> None:
    run, file = only(name), decoded(name)
    written = {node["id"] + 1: node for node in file["nodes"]}
    for node in run.nodes[1:]:
        found = written[node.id]
        assert (node.parent_id, node.depth, node.role, repr(node.text)) == (
            found["parent_id"] + 1,
            found["depth"],
            found["action_from_parent"],
            found["state_repr"],
        )
    assert [(score["node"], score["value"]) for score in of_kind(run, "score")] == [
        (id_, written[id_]["score"]) for id_ in list(written)[1:]
    ]
    assert run.values["manifest"]["imported"]["version"] == file["metadata"]["treequest_version"]
    assert run.values["strategy"] == f"treequest {file['metadata']['algorithm']}"
    assert run.events[-1].t_ms > 0


def test_visits_and_means_of_a_treequest_search_are_those_that_it_counted() -> None:
    run, file = only("treequest-mcts.json"), decoded("treequest-mcts.json")
    backed = of_kind(run, "backed")
    for node in file["nodes"]:
        values = [each["value"] for each in backed if node["id"] + 1 in each["path"]]
        metrics = node["algo_metrics"]
        assert (str(len(values)), f"{sum(values) / len(values):.3f}") == (
            metrics["visits"]["display_value"],
            metrics["mean"]["display_value"],
        )
    assert of_kind(only("treequest-abmcts.json"), "backed") == []


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_quoted_state_is_read_as_the_text_it_was(text: str) -> None:
    assert unquote(repr(text)) == text


@pytest.mark.parametrize("state", ["State(x='a')", "'a' + 'b'", "'a", "{'a': 1}", "", "'"])
def test_a_state_that_is_no_text_stays_as_it_is(state: str) -> None:
    assert unquote(state) == state


@pytest.mark.parametrize("name", ["llm-reasoners-mcts.json", "llm-reasoners-beam.json"])
def test_an_llm_reasoners_tree_has_the_edges_of_the_last_snapshot(name: str) -> None:
    run, last = only(name), decoded(name)["logs"][-1]
    numbers = {0: 0} | {node.id: int(node.key.rpartition(" ")[2]) for node in run.nodes[1:]}
    edges = {edge["target"]: edge["source"] for edge in last["edges"].values()}
    assert {
        numbers[node.id]: numbers[node.parent_id]
        for node in run.nodes
        if node.parent_id is not None
    } == edges
    states = {node["id"]: node["data"] for node in last["nodes"].values()}
    assert all(node.text == states[numbers[node.id]].get("text", "") for node in run.nodes[1:])
    latest = {
        (numbers[score["node"]], score["label"]): score["value"] for score in of_kind(run, "score")
    }
    remarked = {
        (numbers[each["nodes"][0]], each["text"].split(" = ")[0]): float(
            each["text"].split(" = ")[1]
        )
        for each in of_kind(run, "remarked")
    }
    given = {
        (edge["target"], name): edge["data"][name]
        for edge in last["edges"].values()
        for name in ("Q", "reward")
        if name in edge["data"]
    }
    assert latest | remarked == given
    assert all(value > 1 for value in remarked.values())


def test_every_iteration_of_an_llm_reasoners_log_is_a_round_with_its_path() -> None:
    run, file = only("llm-reasoners-mcts.json"), decoded("llm-reasoners-mcts.json")
    assert [event.round for event in run.events if event.kind == "step"] == list(
        range(len(file["logs"]))
    )
    paths = of_kind(run, "selected")
    for snapshot, selected in zip(file["logs"], paths, strict=True):
        nodes, edges = snapshot["nodes"], snapshot["edges"]
        walked, current = [], "0"
        while nodes[current]["selected_edge"] is not None:
            current = str(edges[str(nodes[current]["selected_edge"])]["target"])
            walked.append(current)
        assert [run.nodes[id_].key.rpartition(" ")[2] for id_ in selected["path"][1:]] == walked


SMC = [name for name, format_ in FORMATS.items() if format_ == "smc"]


def test_an_edge_to_a_node_that_no_snapshot_has_is_refused_by_its_place() -> None:
    """A node takes the number of another one, so that an edge leads to a number without a node."""
    file = decoded("llm-reasoners-mcts.json")
    nodes = list(file["logs"][0]["nodes"].values())
    lost, nodes[-1]["id"] = nodes[-1]["id"], nodes[-2]["id"]
    with pytest.raises(BadInput, match=rf"target.*{lost}.*the id of a node of this snapshot"):
        parse_file("llm-reasoners", json.dumps(file).encode(), ImportHints("How many?", "72"))


@pytest.mark.parametrize("name", SMC)
def test_particles_have_the_texts_weights_and_ancestors_of_the_record(name: str) -> None:
    run, rows = only(name), decoded(name)
    weighed, resampled = of_kind(run, "weighed"), of_kind(run, "resampled")
    assert len(weighed) == len(rows)
    texts = [
        ["".join(each.text for each in path_of(run, id_)) for id_ in row["particles"]]
        for row in weighed
    ]
    before = [""] * len(rows[0]["particles"])
    for row, found, told in zip(rows, texts, weighed, strict=True):
        before = (
            [before[slot] for slot in row["ancestors"]] if row["mode"] == "resample" else before
        )
        pairs = list(zip(before, row["particles"], strict=True))
        before = [
            strip_marks(each["contents"]) if "contents" in each else old + each["contents_incr"]
            for old, each in pairs
        ]
        assert found == before
        weights = [-math.inf if weight == "-inf" else weight for weight in told["log_weights"]]
        assert weights == [float(particle["logweight"]) for particle in row["particles"]]
    assert [each["ancestors"] for each in resampled] == [
        row["ancestors"] for row in rows if row["mode"] == "resample"
    ]
    assert resampled


def path_of(run: Imported, id_: int) -> list[Any]:
    """The nodes of a run from below the prompt down to one."""
    path, current = [], run.nodes[id_]
    while current.parent_id is not None:
        path.insert(0, current)
        current = run.nodes[current.parent_id]
    return path


@pytest.mark.parametrize("name", SMC)
def test_a_resampled_particle_grows_below_its_ancestor(name: str) -> None:
    run = only(name)
    rows = [event for event in run.events if event.kind in ("weighed", "resampled")]
    for old, new in itertools.pairwise(rows):
        if old.kind == "resampled":
            assert old.data is not None
            assert new.data is not None
            sources = [old.data["particles"][slot] for slot in old.data["ancestors"]]  # type: ignore[index, union-attr]
            for source, particle in zip(sources, new.data["particles"], strict=True):  # type: ignore[arg-type]
                assert particle == source or run.nodes[particle].parent_id == source  # type: ignore[index]


def test_a_text_without_marks_stays_and_one_with_marks_loses_them() -> None:
    assert [
        strip_marks(text) for text in ("<<<>>>abc", "ab<<<c>>>", "abc", "a >>> b", "a<<<b")
    ] == [
        "abc",
        "abc",
        "abc",
        "a >>> b",
        "a<<<b",
    ]


ITS_HUB = {
    "its_hub-best-of-n.json": "BestOfN", "its_hub-self-consistency.json": "SelfConsistency", "its_hub-beam-search.json": "BeamSearch",
    "its_hub-particle-filtering.json": "ParticleFiltering", "its_hub-particle-gibbs.json": "ParticleGibbs",
}  # fmt: skip


@pytest.mark.parametrize("name", ITS_HUB)
def test_an_its_hub_result_is_a_star_of_its_responses(name: str) -> None:
    run, file = only(name), decoded(name)
    responses = [one for many in file.get("responses_lst", [file.get("responses")]) for one in many]
    assert run.values["strategy"] == f"its_hub {ITS_HUB[name]}"
    assert [(node.text, node.parent_id, node.done) for node in run.nodes[1:]] == [
        (one["content"], 0, True) for one in responses
    ]
    last = file["responses_lst"][-1] if "responses_lst" in file else file["responses"]
    assert run.values["chosen_node"] == len(responses) - len(last) + file["selected_index"] + 1
    assert run.nodes[run.values["chosen_node"]].text == last[file["selected_index"]]["content"]
    assert [score["value"] for score in of_kind(run, "score")] == file.get("scores", [])
    weights = file.get("log_weights_lst", [])
    assert [row["log_weights"] for row in of_kind(run, "weighed")] == (
        [weights] if weights and isinstance(weights[0], float) else weights
    )


def test_the_answer_of_an_its_hub_result_is_read_from_its_chosen_response() -> None:
    assert only("its_hub-best-of-n.json").values["answer"] == "72"


@pytest.mark.parametrize("name", ["inspect.json", "inspect.eval"])
def test_an_inspect_log_has_a_run_for_every_sample_and_epoch(name: str) -> None:
    runs = parse_file("inspect", content(name), UNKNOWN)
    told = [
        (run.problem["id"], run.values["manifest"]["imported"]["epoch"])
        for run in runs
        if run.problem
    ]
    assert told == [("task/clips", 1), ("task/sum", 1), ("task/clips", 2), ("task/sum", 2)]
    assert [(run.values["answer"], run.values["correct"]) for run in runs][-1] == (
        "The answer is 5.",
        True,
    )
    assert {run.values["model"] for run in runs} == {"mockllm/model"}


def test_a_conversation_of_inspect_is_a_chain_of_steps_and_of_what_others_said() -> None:
    first = parse_file("inspect", content("inspect.json"), UNKNOWN)[0]
    said = decoded("inspect.json")["samples"][0]["messages"][2:]
    assert "".join(node.text for node in first.nodes[1:]) == "".join(
        message["content"] for message in said
    )
    assert [(node.parent_id, node.kind) for node in first.nodes] == [
        (None, "prompt"),
        (0, "step"),
        (1, "step"),
        (2, "step"),
        (3, "injected"),
        (4, "step"),
    ]
    assert [node.done for node in first.nodes] == [*[False] * 5, True]
    assert [(score["label"], score["value"]) for score in of_kind(first, "score")] == [
        ("match", 0.0)
    ]
    reasoned = parse_file("inspect", content("inspect.json"), UNKNOWN)[2]
    assert [node.text for node in reasoned.nodes[-2:]] == ["2 and 3 make 5.", "The answer is 5."]


def test_an_archive_of_inspect_says_what_its_json_says() -> None:
    both = [
        parse_file("inspect", content(name), UNKNOWN) for name in ("inspect.json", "inspect.eval")
    ]
    texts = [[[node.text for node in run.nodes] for run in runs] for runs in both]
    assert texts[0] == texts[1]


def test_thinking_text_becomes_a_linear_trace_that_is_the_text() -> None:
    (run,) = parse_file("thinking", THOUGHT.encode(), UNKNOWN)
    assert "".join(node.text for node in run.nodes[1:]) == THOUGHT
    assert [node.text.split("\n")[0] for node in run.nodes[1:]] == [
        "<think>",
        "Wait, is it?",
        "Step 2: add them.",
        "So 72.",
        "The answer is 72.",
    ]
    assert [node.parent_id for node in run.nodes] == [None, 0, 1, 2, 3, 4]
    assert (run.values["answer"], run.values["chosen_node"], run.values["strategy"]) == (
        "72",
        5,
        "linear_trace",
    )
    assert "no search was recorded" in run.values["manifest"]["imported"]["label"]


@given(
    st.lists(
        st.sampled_from([*"a \n`~", "Wait,", "Step 1", "<think>", "</think>", "\n\n", "```\n"])
    ).map("".join)
)
def test_the_steps_of_any_text_put_together_are_the_text(text: str) -> None:
    steps = segments(text)
    assert "".join(steps) == text
    assert len(steps) == 1 or all(step.strip() for step in steps)


def learned(**changed: object) -> bytes:
    """A row in the columns of search-and-learn, written by hand: no package of it installs."""
    row = {
        "problem": "What is 2 + 3?",
        "answer": "5",
        "completions": ["Two.\n\nThree.\n\nThe answer is \\boxed{5}.", "It is \\boxed{6}."],
        "scores": [[0.5, 0.75, 0.875], [0.25]],
        "pred": "Two.\n\nThree.\n\nThe answer is \\boxed{5}.",
        "completion_tokens": [9, 4],
        **changed,
    }
    return json.dumps(row).encode()


def test_rows_of_search_and_learn_are_runs_of_finished_paths_with_the_scores_of_their_steps() -> (
    None
):
    content_ = (
        learned() + b"\n\n" + learned(pred=None, scores=[[0.5], [0.25]], problem="Again?") + b"\n"
    )
    assert recognise(content_) == "search_and_learn"
    first, second = parse_file("search_and_learn", content_, ImportHints())
    texts = [node.text for node in first.nodes[1:]]
    assert texts == ["Two.\n\n", "Three.\n\n", "The answer is \\boxed{5}.", "It is \\boxed{6}."]
    assert [event.value for event in first.events if event.kind == "score"] == [
        0.5,
        0.75,
        0.875,
        0.25,
    ]
    assert [node.done for node in first.nodes[1:]] == [False, False, True, True]
    assert (
        (first.values["answer"], first.values["chosen_node"]) == ("5", 3)
        and first.problem is not None
        and first.problem["answer"] == "5"
    )
    assert len(second.nodes) == 3 and second.values["answer"] is None
    assert [event.value for event in second.events if event.kind == "score"] == [0.5, 0.25]


@pytest.mark.parametrize(
    ("content_", "place"),
    [
        (learned(scores=[[0.5]]), "line 1, $"),
        (learned(completions=[], scores=[]), r"line 1, \$.completions"),
        (learned(completions=[3]), "completions"),
        (learned() + b"\n{", "line 1, column|line 2"),
        (b"\n\n", r"line \d, column \d of the file"),
    ],
)
def test_a_broken_row_of_search_and_learn_is_refused_with_its_line(
    content_: bytes, place: str
) -> None:
    with pytest.raises(
        BadInput, match=place.replace("$", r"\$") if place == "line 1, $" else place
    ):
        parse_file("search_and_learn", content_, ImportHints())


@pytest.mark.parametrize("splitting", [AT_BLANK_LINES, ITS_OWN])
@given(text=st.text(alphabet="ab\n`", max_size=16))
def test_the_steps_of_a_completion_put_together_are_the_completion(
    text: str, splitting: Splitting
) -> None:
    assert "".join(completion_steps(text, splitting)) == text
