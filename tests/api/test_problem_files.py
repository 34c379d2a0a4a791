"""Problem files over HTTP: brought, listed, used and removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.api.routes import problem_files as routes
from backend.client import Client, Refused
from backend.core.settings import Settings
from backend.core.spec import RunSpec
from backend.experiments.spec import Experiment
from backend.problems import file as file_module
from tests.api.service import Service, serving
from tests.service.jobs.fakes import quick

ROWS = "\n".join(
    json.dumps({"problem": f"What is {at} + 1?", "answer": [at + 1, "x"], "level": f"Level {at % 2 + 1}"})
    for at in range(6)
)  # fmt: skip


def test_a_file_is_brought_listed_run_and_removed(service: Service) -> None:
    with Client(service.url) as client:
        assert client.problem_files().files == []
        added = client.add_problem_file(ROWS.encode(), file="../my sums.jsonl")
        assert (added.name, added.problems, added.answered) == ("file:my-sums", 6, 6)
        assert added.levels == {1: 3, 2: 3} and added.first[0].answers == ["1", "x"]
        assert client.problem_files().files == [added]
        assert client.problem("file:my-sums/3").answer == "3"
        listed = {each.name: each.size for each in client.catalog().problem_sets}
        assert listed["file:my-sums"] == 6
        run_id = client.submit(RunSpec(strategy="best_of_n", problem="file:my-sums/2"))
        assert client.info(run_id).question == "What is 1 + 1?"
        with pytest.raises(Refused) as refused:
            client.add_problem_file(ROWS.encode(), name="my-sums")
        assert refused.value.status == 409
        client.remove_problem_file("my-sums")
        assert client.problem_files().files == []
        with pytest.raises(Refused) as gone:
            client.remove_problem_file("my-sums")
        assert gone.value.status == 404
        assert client.info(run_id).question == "What is 1 + 1?"


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b'{"question": ""}', "a", "line 1: question"),
        (b'{"question": "q"}', "../../a", "cannot be called"),
        (b"\xff\xfe{\x00", "a", "UTF-16"),
        (b"", "a", "holds no problem"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    service: Service, content: bytes, name: str, said: str
) -> None:
    with Client(service.url) as client, pytest.raises(Refused, match=said) as refused:
        client.add_problem_file(content, name=name)
    assert refused.value.status == 422


def test_a_file_that_is_too_long_is_refused_with_the_limit(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "PROBLEM_FILE_LIMIT_BYTES", 100)
    with Client(service.url) as client:
        for content in (ROWS.encode(), b"x" * 24 * 2**20):
            with pytest.raises(Refused, match="at most 100") as refused:
                client.add_problem_file(content, name="a")
            assert refused.value.status == 413
    monkeypatch.setattr(file_module, "LARGEST_FILE_BYTES", 10)
    with Client(service.url) as client, pytest.raises(Refused, match="accepted: up to 10"):
        client.add_problem_file(b'{"question": "q"}', name="a")


def test_a_service_that_others_reach_takes_no_files_unless_told(tmp_path: Path) -> None:
    settings = Settings(
        db=tmp_path / "a.duckdb", host="0.0.0.0", token="t" * 20, samples=None, hosts=("127.0.0.1",)
    )
    with (
        serving(tmp_path, quick, settings=settings) as service,
        Client(service.url, token="t" * 20) as client,
    ):
        assert client.problem_files().allowed is False
        with pytest.raises(Refused, match="switched off"):
            client.add_problem_file(ROWS.encode(), name="a")


def test_an_experiment_names_the_problems_of_a_level(service: Service) -> None:
    described = {
        "name": "own",
        "problems": [{"set": "file:sums", "level": 2, "count": 2}],
        "budgets": {"axis": "generated_tokens", "values": [100]},
        "arms": [{"name": "a", "strategy": "best_of_n"}],
    }
    experiment = Experiment.model_validate(described)
    with Client(service.url) as client:
        with pytest.raises(Refused, match="there is no problem set 'file:sums'"):
            client.experiments.estimate(experiment)
        client.add_problem_file(ROWS.encode(), name="sums")
        about = client.experiments.estimate(experiment)
        assert about.planned == 2
        started = client.experiments.start(experiment)
        assert started.experiment.problem_ids() == ["file:sums/2", "file:sums/4"]
        few = experiment.model_copy(
            update={"problems": (experiment.problems[0].model_copy(update={"count": 9}),)}
        )
        with pytest.raises(Refused, match=r"the 3 that there are \(levels: 1, 2\)"):
            client.experiments.estimate(few)
        client.remove_problem_file("sums")
