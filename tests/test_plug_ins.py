"""One file, one test: an engine, a verifier, a problem set and a labeller of steps that no file of
the project names are found in catalogue and form, and a real run uses them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from backend.client import Client, Refused
from backend.core.registry import STRATEGIES, Registry, import_modules
from backend.core.settings import ROOT, Preferences
from backend.core.spec import RunSpec
from backend.engines.entry import ENGINES
from backend.engines.models import Models
from backend.judging.rules import SELECTORS
from backend.judging.scorers import VERIFIERS
from backend.messages.runs import Run
from backend.problems.base import SETS
from backend.review.labelling import LABELLERS
from backend.runs.driver import run
from backend.service.preferences import PREFERENCES, PreferenceBook
from storage import Store
from tests.api.service import serving
from tests.api.test_routes import finished
from tests.pages.conftest import opened
from tests.pages.test_solve_page import press, texts
from tests.support.plugged import ABACUS, COIN, CRITIC, ParrotSet, plugged


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service with real models, jobs, store and driver."""
    folder = tmp_path_factory.mktemp("plugged")
    with serving(folder, run, models=Models()) as service:  # type: ignore[arg-type]
        yield service.url


@pytest.fixture
def client(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("ARBORETUM_BACKEND", url)
    with Client(url) as made:
        yield made
    st.cache_resource.clear()


def ask(**changes: object) -> RunSpec:
    given = {
        "strategy": "beam_search",
        "params": {"n": 2, "beam_width": 2},
        "question": "What is 1 + 2 + 3?",
        "answer": "6",
        "engine": "scripted",
        "verifier": "logprob",
        **changes,
    }
    return RunSpec.model_validate(given)


def finished_from(page: AppTest, client: Client) -> Run:
    """The run that a click on the page began, at its end."""
    assert not page.exception
    run_of_page = finished(client, int(page.query_params["run"][0]))
    assert run_of_page.status == "finished", run_of_page.error
    return run_of_page


def solve_with(engine: str, verifier: str) -> AppTest:
    page = opened("solve")
    page.selectbox(key="form.engine").select(engine).run()
    return page.selectbox(key="form.verifier").select(verifier).run()


def test_an_engine_of_ones_own_is_in_catalogue_and_form_and_carries_out_a_run(
    client: Client,
) -> None:
    with plugged(ENGINES, "abacus", ABACUS):
        [found] = [each for each in client.catalog().engines if each.name == "abacus"]
        assert (found.title, found.available, found.models) == (
            "An abacus",
            True,
            ["wooden", "steel"],
        )
        page = solve_with("abacus", "logprob")
        assert page.selectbox(key="form.model.abacus").options == ["default", "wooden", "steel"]
        done = finished_from(press(page, "Run"), client)
        assert (done.engine, done.manifest["engine"]["model"]) == ("abacus", "scripted")  # type: ignore[index, call-overload]
        scored = finished(client, client.submit(ask(engine="abacus", verifier="prm")))
        assert scored.status == "finished"
        assert any(
            (state.engine, state.model) == ("abacus", "wooden") for state in client.engines()
        )
    with pytest.raises(Refused, match="got 'abacus', accepted: torch, vllm, openai, scripted"):
        client.submit(ask(engine="abacus"))


def test_a_verifier_of_ones_own_is_in_catalogue_and_form_and_scores_a_run_with_its_parameter(
    client: Client,
) -> None:
    with plugged(VERIFIERS, "coin", COIN):
        [found] = [each for each in client.catalog().verifiers if each.name == "coin"]
        assert (found.title, found.needs, list(found.params_schema["properties"])) == (  # type: ignore[arg-type]
            "A coin",
            [],
            ["bias"],
        )
        page = solve_with("scripted", "coin")
        assert "Parameters of the verifier coin" in texts(page)
        page.number_input(key="form.verifier.coin.bias").set_value(0.25).run()
        done = finished_from(press(page, "Run"), client)
        assert done.spec["verifier_params"] == {"bias": 0.25}
        scores = [event for event in client.events(done.id).events if event.kind == "score"]
        assert scores and {(event.label, event.value) for event in scores} == {("coin", 0.25)}
        with pytest.raises(Refused, match="bias of the verifier coin: got 2"):
            client.submit(ask(verifier="coin", verifier_params={"bias": 2}))
    with pytest.raises(Refused, match="got 'coin', accepted: prm, exact, logprob"):
        client.submit(ask(verifier="coin"))


def test_a_problem_set_of_ones_own_is_in_catalogue_and_form_and_grades_a_run(
    client: Client,
) -> None:
    with plugged(SETS, "parrot", ParrotSet()):
        [found] = [each for each in client.catalog().problem_sets if each.name == "parrot"]
        assert (found.title, found.levels, found.size) == ("Parrot: add and repeat", [1, 2], None)
        page = solve_with("scripted", "exact")
        page.selectbox(key="form.set").select("parrot").run()
        done = finished_from(press(page, "Run"), client)
        assert done.problem is not None and (done.problem.set, done.problem.level) == ("parrot", 2)
        assert done.grade_reason in ("the parrot nods", "the parrot shrieks")
        assert {step.reason for step in client.why(done.id).path} == {"the parrot listens"}
    with pytest.raises(Refused, match="SET one of countdown, ledger, procedure"):
        client.problem("parrot/1/1")


def test_a_labeller_of_ones_own_is_in_catalogue_and_on_the_page_and_judges_a_run(
    client: Client,
) -> None:
    done = finished(client, client.submit(ask(question="What is 4 + 5 + 6 + 7?", answer="22")))
    assert not client.why(done.id).checked
    if len(client.catalog().labellers) == 1:
        plain = opened("why", run=done.id)
        assert "why.labeller" not in {box.key for box in plain.selectbox}
    with plugged(LABELLERS, "critic", CRITIC):
        names = [each.name for each in client.catalog().labellers]
        assert names[0] == "exact" and "critic" in names
        found = client.why(done.id, labeller="critic")
        assert found.checked and [step.ok for step in found.path][:3] == [True, False, None]
        assert found.first_wrong is not None and found.first_wrong.kind == "dull"
        st.cache_data.clear()
        page = opened("why", run=done.id)
        assert "has no exact checker of steps" in texts(page)
        page.selectbox(key="why.labeller").select("critic").run()
        assert "First wrong step by the tired critic: step 2" in texts(page)
        unknown = finished(client, client.submit(ask(answer=None)))
        refused = client.why(unknown.id, labeller="critic")
        assert (refused.checked, refused.unchecked) == (False, "the right answer is not known")
    with pytest.raises(Refused, match="labeller: got 'critic', accepted: exact"):
        client.why(done.id, labeller="critic")


@pytest.mark.parametrize(
    ("registry", "names"),
    [
        (ENGINES, ["torch", "vllm", "openai", "scripted"]),
        (VERIFIERS, ["prm", "exact", "logprob"]),
        (SETS, ["ledger", "countdown", "procedure"]),
        (LABELLERS, ["exact"]),
    ],
    ids=lambda one: one.family if isinstance(one, Registry) else "",
)
def test_the_catalogue_keeps_its_order(registry: Registry[object], names: list[str]) -> None:
    """What is new comes after what was there."""
    assert list(registry)[: len(names)] == names


@pytest.mark.parametrize(
    ("registry", "room"),
    [
        (STRATEGIES, "backend/strategies"),
        (SELECTORS, "backend/judging/selectors"),
        (VERIFIERS, "backend/judging/verifiers"),
        (LABELLERS, "backend/review/labellers"),
    ],
    ids=lambda one: one.family if isinstance(one, Registry) else "",
)
def test_a_file_that_is_laid_into_the_room_of_its_family_is_found(
    registry: Registry[object], room: str
) -> None:
    """Every module there is imported, whatever it is called."""
    list(registry)
    files = {path.stem for path in (ROOT / room).glob("*.py")} - {"__init__"}
    assert files <= {
        name.rpartition(".")[2] for name in sys.modules if name.startswith(room.replace("/", "."))
    }


def test_modules_come_in_the_order_of_reading_and_then_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name in the order that no file has is passed over: taking a plug-in out is one file, too."""
    (tmp_path / "family" / "folder").mkdir(parents=True)
    for name in ("__init__", "bee", "ant", "cow", "folder/__init__"):
        (tmp_path / "family" / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("family")
    files = import_modules("family", first=("cow", "elk"))
    assert [each.__name__ for each in files] == ["family.cow", "family.ant", "family.bee"]
    assert [each.__name__ for each in import_modules("family", folders=True)] == ["family.folder"]


def test_the_entry_of_an_engine_imports_no_model_library_and_no_http_client() -> None:
    code = (
        "import sys, backend.engines.entry as entry; list(entry.ENGINES); "
        "print(sorted({'torch', 'vllm', 'transformers', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_many_threads_that_ask_first_all_find_everything() -> None:
    code = (
        "import threading\n"
        "from backend.core.registry import STRATEGIES\n"
        "found, start = [], threading.Barrier(8)\n"
        "def look():\n    start.wait(); found.append(len(STRATEGIES))\n"
        "threads = [threading.Thread(target=look) for _ in range(8)]\n"
        "[each.start() for each in threads]; [each.join() for each in threads]\n"
        "print(set(found) == {len(STRATEGIES)} and len(found) == 8)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"


def test_an_entry_that_came_can_go_and_a_name_is_taken_once() -> None:
    family: Registry[int] = Registry("number")
    family.add("one", 1)
    with pytest.raises(ValueError, match="number 'one' is registered twice"):
        family.add("one", 2)
    assert (family.find("one"), family.find("two"), "one" in family, len(family)) == (
        1,
        None,
        True,
        1,
    )
    assert family.remove("one") == 1 and not list(family)


def test_a_stored_engine_that_is_gone_gives_way_to_the_default_and_the_rest_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Preferences that an older version stored are read as they are."""
    store = Store.open(tmp_path / "store.duckdb")
    try:
        store.set_setting(PREFERENCES, {"default_engine": "vllm", "runs_at_once": 2})
        assert PreferenceBook(store).current == Preferences(default_engine="vllm", runs_at_once=2)
        with plugged(ENGINES, "abacus", ABACUS):
            book = PreferenceBook(store)
            book.save(Preferences(default_engine="abacus", default_model="wooden", runs_at_once=3))
            assert PreferenceBook(store).current.default_model == "wooden"
        assert PreferenceBook(store).current == Preferences(runs_at_once=3)
        assert "'abacus' is not here any more" in caplog.text
    finally:
        store.close()


def test_a_preference_for_an_engine_that_is_not_there_is_refused_by_name(client: Client) -> None:
    with pytest.raises(Refused, match="default_engine: got 'abacus', accepted: torch, vllm"):
        client.save_settings(Preferences(default_engine="abacus"))
