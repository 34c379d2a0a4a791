"""Solve: one click starts a sensible run; everything else can be chosen; every refusal says what to
do."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from backend.judging.rules import SELECTORS
from components.frame.prose import plain_markdown
from tests.pages.conftest import Open
from tests.pages.fake_service import FakeService
from tests.pages.traces import QUESTION, beam_trace


def texts(page: AppTest) -> str:
    return "\n".join(
        str(element.value)
        for kind in ("text", "caption", "markdown", "code", "error", "warning", "info")
        for element in page.get(kind)
    )


def press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()


def test_one_click_on_run_submits_a_search_that_grows_a_tree(
    service: FakeService, open_page: Open
) -> None:
    page = press(open_page("solve"), "Run")
    assert not page.exception
    spec = service.specs[0]
    assert (spec.strategy, spec.problem, spec.engine, spec.verifier, spec.params) == (
        "particle_filter",
        "ledger/3/1000017",
        "torch",
        "prm",
        {},
    )
    assert page.query_params["run"] == "1"


def test_the_question_is_shown_before_it_is_run(open_page: Open) -> None:
    assert QUESTION in texts(open_page("solve"))


def test_the_estimate_is_shown_before_it_is_run(open_page: Open) -> None:
    assert "about 640 tokens" in texts(open_page("solve"))


def test_what_the_service_would_refuse_is_said_before_run(
    service: FakeService, open_page: Open
) -> None:
    service.estimates_fail = True
    page = open_page("solve")
    assert "Accepted: at most 256" in texts(page) and not page.exception


def test_next_seed_asks_for_the_next_problem(open_page: Open) -> None:
    assert "ledger/3/1000018" in texts(press(open_page("solve"), "Next"))


def test_the_form_of_a_strategy_is_drawn_from_its_schema_and_only_changes_are_sent(
    service: FakeService, open_page: Open
) -> None:
    page = open_page("solve")
    page.selectbox(key="form.strategy").select("beam_search").run()
    page.number_input(key="form.beam_search.n").set_value(8).run()
    press(page, "Run")
    assert service.specs[0].strategy == "beam_search" and service.specs[0].params == {"n": 8}


def test_a_strategy_that_cannot_run_says_why_and_cannot_be_started(open_page: Open) -> None:
    page = open_page("solve")
    page.selectbox(key="form.strategy").select("best_of_n").run()
    assert plain_markdown("needs log-probabilities, which openai does not give") in texts(page)
    assert next(button for button in page.button if button.label == "Run").disabled


def test_an_engine_that_is_not_there_says_why(open_page: Open) -> None:
    page = open_page("solve")
    page.selectbox(key="form.engine").select("vllm").run()
    assert (
        "vllm is not installed" in texts(page)
        and next(button for button in page.button if button.label == "Run").disabled
    )


def test_the_parameters_of_a_selector_are_drawn_from_its_schema_and_only_changes_are_sent(
    service: FakeService, open_page: Open
) -> None:
    page = open_page("solve")
    page.selectbox(key="form.selector.particle_filter").select("marker_vote").run()
    assert plain_markdown("Parameters of the selector marker_vote") in texts(page)
    assert page.number_input(key="form.rule.marker_vote.share").value == 0.5
    assert page.text_input(key="form.rule.marker_vote.opening").value == "<think>"
    hedges = page.text_area(key="form.rule.marker_vote.hedges")
    assert hedges.label == "Hedges, one a line" and hedges.value.split("\n") == list(
        SELECTORS["marker_vote"].settings.hedges
    )
    hedges.set_value(hedges.value.replace("maybe\n", "  let me see \n\n"))
    page.number_input(key="form.rule.marker_vote.share").set_value(0.25)
    page.text_input(key="form.rule.marker_vote.closing").set_value("").run()
    press(page, "Run")
    spec = service.specs[0]
    assert spec.selector == "marker_vote"
    assert spec.selector_params == {
        "share": 0.25,
        "hedges": ["let me see", *SELECTORS["marker_vote"].settings.hedges[1:]],
        "closing": "",
    }
    SELECTORS["marker_vote"].with_params(spec.selector_params)


def test_the_parameters_follow_the_selector_and_one_without_any_has_no_inputs(
    service: FakeService, open_page: Open
) -> None:
    page = open_page("solve")
    assert "Parameters of the selector" not in texts(page)
    page.selectbox(key="form.selector.particle_filter").select("softmax").run()
    page.number_input(key="form.rule.softmax.tau").set_value(0.1).run()
    page.selectbox(key="form.selector.particle_filter").select("majority").run()
    assert "Parameters of the selector" not in texts(page)
    press(page, "Run")
    assert (service.specs[0].selector, service.specs[0].selector_params) == ("majority", {})


def test_a_parameter_that_may_be_absent_is_so_until_it_is_given(
    service: FakeService, open_page: Open
) -> None:
    page = open_page("solve")
    page.selectbox(key="form.selector.particle_filter").select("shortest_vote").run()
    assert page.number_input(key="form.rule.shortest_vote.m").value is None
    press(page, "Run")
    page.number_input(key="form.rule.shortest_vote.m").set_value(3).run()
    press(page, "Run")
    assert [spec.selector_params for spec in service.specs] == [{}, {"m": 3}]


def test_a_question_of_ones_own_goes_with_its_answer(service: FakeService, open_page: Open) -> None:
    page = open_page("solve")
    page.selectbox(key="form.set").select("own").run()
    assert plain_markdown("Write a question first.") in texts(page)
    page.text_area(key="form.question").set_value("What is 17 * 23?")
    page.text_input(key="form.answer").set_value("391").run()
    press(page, "Run")
    assert (service.specs[0].question, service.specs[0].answer, service.specs[0].problem) == (
        "What is 17 * 23?",
        "391",
        None,
    )


def test_budget_seed_and_sampling_reach_the_run(service: FakeService, open_page: Open) -> None:
    page = open_page("solve")
    page.multiselect(key="form.axes").select("generated_tokens").select("seconds").run()
    page.number_input(key="form.limit.generated_tokens").set_value(500.0)
    page.number_input(key="form.seed").set_value(9)
    page.number_input(key="form.temperature").set_value(0.5).run()
    press(page, "Run")
    spec = service.specs[0]
    assert (spec.budget, spec.seed, spec.sampling.temperature) == (
        {"generated_tokens": 500.0, "seconds": 60.0},
        9,
        0.5,
    )


def test_the_answer_stands_beside_the_right_one_with_the_reason(
    service: FakeService, open_page: Open
) -> None:
    service.add(beam_trace())
    shown = texts(open_page("solve", run=1))
    assert "given  24\nright  24" in shown and "24 equals 24" in shown


def test_the_ledger_of_a_run_is_shown(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace())
    metrics = {metric.label: metric.value for metric in open_page("solve", run=1).metric}
    assert metrics["Model calls"] == "32" and metrics["Scores"] == "32"


def test_a_live_run_can_be_paused_resumed_and_stopped(
    service: FakeService, open_page: Open
) -> None:
    run = service.add(beam_trace(), pace_s=60.0)
    page = press(open_page("solve", run=1), "Pause")
    assert run.status == "paused" and "Pause" not in [button.label for button in page.button]
    page = press(page, "Resume")
    assert run.status == "running"
    page = press(page, "Stop")
    assert run.status == "cancelled" and not {"Pause", "Stop"} & {
        button.label for button in page.button
    }


def test_a_failed_run_says_why_and_what_to_do(service: FakeService, open_page: Open) -> None:
    service.add(
        beam_trace(),
        status="failed",
        error="context full: 2,100 tokens",
        remedy="Shorten the question",
        held=20,
    )
    shown = texts(open_page("solve", run=1))
    assert "context full" in shown and "What to do: Shorten the question" in shown


def test_a_run_that_was_cut_off_can_be_resumed(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace(), status="crashed", held=20)
    assert "Resume" in [button.label for button in open_page("solve", run=1).button]


def test_a_run_that_is_not_there_is_said_to_be_missing(open_page: Open) -> None:
    page = open_page("solve", run=77)
    assert "Run 77 cannot be shown" in texts(page) and not page.exception


def test_the_tree_gets_the_run_and_its_state(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace())
    tree = open_page("solve", run=1).get("bidi_component")[0]
    assert '"run":1' in tree.proto.json.replace(
        " ", ""
    ) and '"status":"finished"' in tree.proto.json.replace(" ", "")
