"""Why: causes over many runs and one run's death, on real runs of the real service over a real
store."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import streamlit as st

from backend.client import Client
from backend.engines.scripted.engine import ScriptedEngine
from backend.messages.why import ScoreAsk
from backend.runs.driver import run
from components.why.other_settings import line_of, summary
from components.why.other_settings_panel import settings
from components.why.words import title
from tests.api.service import Service, serving
from tests.api.test_why import scored, search
from tests.pages.conftest import opened
from tests.pages.test_solve_page import press, texts
from tests.pages.test_why_panel import links
from tests.review.why.searches import table

SEEDS = (6, 30, 31)
"""With these nothing right is written, the answer is right, and a right candidate is passed
over.
"""
RUNS = len(SEEDS) + 1


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server with some finished runs, right and wrong ones, on scripts of their problems."""

    async def launch(asked, *, engine, problem, **given):
        return await run(
            asked, engine=ScriptedEngine(table(problem.id, 2)), problem=problem, **given
        )

    with serving(tmp_path_factory.mktemp("why"), launch) as service:
        client = service.client()
        for seed in SEEDS:
            search(client, seed)
        search(client, 0, strategy="chain", params={})
        yield service


@pytest.fixture
def client(served: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("ARBORETUM_BACKEND", served.url)
    yield served.client()
    st.cache_resource.clear()


def wrong_run(client: Client, cause: str = "not_chosen") -> int:
    return next(found.run_id for found in client.why_counts().runs if found.cause == cause)


def said(page: object) -> str:
    return texts(page).replace("\\", "")  # type: ignore[arg-type]


def test_many_runs_are_counted_by_cause_and_each_wrong_one_leads_to_its_own_page(
    client: Client,
) -> None:
    found, page = client.why_counts(), opened("why")
    assert not page.exception and f"{found.causes['right']} of {RUNS} runs answered right." in said(
        page
    )
    wrong = [each for each in found.runs if each.cause != "right"]
    assert wrong and f"{len(wrong)} run" in said(page)
    leading = {label: to for label, to in links(page).items() if label.startswith("Run ")}
    assert list(leading) == [f"Run {each.run_id}" for each in wrong]
    assert all(
        to.endswith(f"?run={each.run_id}") for each, to in zip(wrong, leading.values(), strict=True)
    )
    assert all(each.sentence in said(page) for each in wrong)


def test_the_list_is_narrowed_to_a_cause_and_a_strategy_by_address_and_widened_again(
    client: Client,
) -> None:
    wanted = next(each for each in client.why_counts().runs if each.cause != "right")
    page = opened("why", cause=wanted.cause, of=wanted.strategy)
    shown = [
        each
        for each in client.why_counts().runs
        if (each.cause, each.strategy) == (wanted.cause, wanted.strategy)
    ]
    assert [label for label in links(page) if label.startswith("Run ")] == [
        f"Run {each.run_id}" for each in shown
    ]
    press(page, "Show all")
    assert not {"cause", "of"} & set(page.query_params)
    assert len([label for label in links(page) if label.startswith("Run ")]) > len(shown)
    assert "No run matches" in said(opened("why", text="nobody asked this"))


def test_one_run_tells_its_sentence_its_numbers_and_the_way_to_node_and_moment(
    client: Client,
) -> None:
    run_id = wrong_run(client)
    found, page = client.why(run_id), opened("why", run=run_id)
    assert not page.exception and found.value is not None and found.cut is not None
    assert f"### {found.sentence}" in said(page)
    assert [metric.value for metric in page.metric] == [f"{found.value:.4g}", f"{found.cut:.4g}"]
    assert links(page)[f"Jump to node {found.node}, event {found.seq}"] == (
        f"trace?run={run_id}&node={found.node}&event={found.seq}"
    )
    line, path = [block.proto.body for block in page.get("html") if "arb-why" in block.proto.body]
    assert line.count("\u2713 right") == len(found.line) and "\u2020" in line
    assert found.first_wrong is not None and path.count("\u2717 first wrong step") == 1
    assert (
        f"First wrong step by the exact checker: step {found.first_wrong.step} (node "
        f"{found.first_wrong.node})"
    ) in said(page)


def test_the_path_to_any_other_node_is_checked_and_in_the_address(client: Client) -> None:
    run_id = wrong_run(client)
    found = client.why(run_id)
    assert found.node is not None and found.node != found.path_node
    page = opened("why", run=run_id, node=found.node)
    assert f"**The path to node {found.node}**" in said(
        page
    ) and "The exact checker finds no wrong step" in said(page)
    page.number_input(key=f"why.node.{run_id}").set_value(found.path_node).run()
    assert page.query_params["node"] == str(
        found.path_node
    ) and "**The path that was chosen**" in said(page)


def test_other_settings_stand_in_a_table_with_those_that_save_the_run_first(client: Client) -> None:
    run_id = wrong_run(client)
    info, page = client.info(run_id), opened("why", run=run_id)
    asked = list(settings(client.catalog(), info, list(client.series(run_id).series)))
    assert {one.name for one in asked} >= {
        "rule majority",
        "scores by min",
    } and "rule best" not in {one.name for one in asked}
    tried = client.what_ifs(run_id, [one.ask for one in asked])
    lines = [
        line_of(one.name, each.found, each.refused) for one, each in zip(asked, tried, strict=True)
    ]
    assert summary(lines, False) in said(page)
    shown = page.dataframe[0].value
    assert sorted(shown["setting"]) == sorted(line.setting for line in lines)
    saving = [line.setting for line in lines if line.saves]
    assert list(shown["setting"])[: len(saving)] == saving
    assert list(shown["verdict"])[: len(saving)] == ["right: would have saved it"] * len(saving)


def test_a_second_verifier_scores_the_search_and_each_disagreement_leads_to_its_node(
    client: Client,
) -> None:
    run_id = wrong_run(client)
    page = opened("why", run=run_id)
    page.selectbox(key=f"lens.{run_id}").select("exact").run()
    assert "has not scored this search yet" in said(page) and page.query_params["series"] == "exact"
    page.button(key="lens.score").click().run()
    scored(client, run_id)
    page.run()
    seen = client.lens(run_id, "exact")
    assert not page.exception and seen.disagreements
    assert f"Where they disagree: {len(seen.disagreements)} of {seen.pairs} steps" in said(page)
    assert all(
        f"trace?run={run_id}&node={pair.node}" in links(page).values()
        for pair in seen.disagreements[:10]
    )
    assert "is too cautious" in said(page) and "verifier exact" in list(
        page.dataframe[0].value["setting"]
    )


def test_a_verifier_that_is_not_there_is_told_with_the_reason(client: Client) -> None:
    run_id = wrong_run(client, "never_generated")
    client.score(run_id, ScoreAsk(verifier="prm", model="classroom-prm"))
    end = time.monotonic() + 60.0
    while not (under_way := client.series(run_id).under_way) or not under_way[0].failed:
        assert time.monotonic() < end
        time.sleep(0.02)
    page = opened("why", run=run_id, series="prm classroom-prm")
    assert (
        not page.exception
        and "It could not score this run: the fake has no reward model" in said(page)
    )


def test_a_missing_run_says_what_there_is(client: Client) -> None:
    page = opened("why", run=4711)
    assert not page.exception and "Run 4711 cannot be shown" in said(page)
    assert title("right") not in said(page)
