"""Annotating a run blind, by keyboard alone, on the whole real product."""

from __future__ import annotations

from typing import Any

from backend.client import Client
from backend.core.spec import RunSpec
from tests.browser.conftest import run_to_end

SPEC = RunSpec(
    strategy="stepwise_best_of_n",
    params={"n": 3},
    problem="ledger/3/1000017",
    engine="scripted",
    verifier="logprob",
    seed=5,
)


def test_a_run_is_annotated_blind_by_keyboard_and_scores_are_shown_only_after(
    product: str, tab: Any
) -> None:
    run_id = run_to_end(product, SPEC)
    with Client(product) as client:
        task = client.annotations.open(run_id, "Bo", blind=False)
        step = task.steps[0]
        client.annotations.label(
            run_id,
            "Bo",
            "note",
            node=step.node,
            step=0,
            note="Bo was here <img src=x onerror=alert(1)>",
        )
        assert len(task.steps) >= 3 and step.score is not None
        tab.goto(f"{product}/annotate?author=Ada&run={run_id}", wait_until="commit")
        lines = tab.locator(".sr-list li")
        lines.nth(len(task.steps) - 1).wait_for()
        at = tab.locator(".sr-list li[aria-current]")
        assert tab.locator(".sr-score").all_inner_texts() == [""] * len(task.steps)
        assert "Bo was here" not in tab.inner_text("body") and "score 0" not in tab.inner_text(
            "body"
        )
        for key, number in (("g", 1), ("n", 2)):
            tab.keyboard.press(key)
            tab.wait_for_function(
                (
                    "(n) => document.querySelector('.sr-list li[aria-current]').dataset.number "
                    "=== String(n)"
                ),
                arg=number,
            )
        for key, said in (("b", "bad"), ("2", "Arithmetic slip"), ("f", "first wrong step")):
            tab.keyboard.press(key)
            at.locator(".sr-labels").get_by_text(said).wait_for()
        tab.keyboard.press("k")
        tab.wait_for_function(
            "() => document.querySelector('.sr-list li[aria-current]').dataset.number === '1'"
        )
        assert client.annotations.open(run_id, "Ada").hidden
        tab.keyboard.press("Enter")
        lines.first.get_by_text(f"score {step.score:.3f}").wait_for()
        lines.first.get_by_text("Bo was here <img src=x").wait_for()
        found = [label for label in client.annotations.of(run_id).labels if label.author == "Ada"]
        told = [(label.kind, label.label, label.step, label.blind) for label in found]
        assert told == [
            ("verdict", "good", 0, True),
            ("verdict", "neutral", 1, True),
            ("verdict", "bad", 2, True),
            ("category", "arithmetic", 2, True),
            ("first_error", "2", 2, True),
        ]
        text = lines.nth(2).locator(".sr-text").bounding_box()
        tab.mouse.move(text["x"] + 2, text["y"] + 8)
        tab.mouse.down()
        tab.mouse.move(text["x"] + 60, text["y"] + 8, steps=4)
        tab.mouse.up()
        tab.get_by_text("Marked: ").wait_for()
        tab.keyboard.press("1")
        lines.nth(2).locator("mark").wait_for()
        (marked,) = [
            label for label in client.annotations.of(run_id).labels if label.span is not None
        ]
        assert (
            marked.span is not None
            and task.steps[2].text.startswith(marked.span.quote)
            and (marked.label, marked.blind) == ("misread", False)
        )
        assert marked.span.tokens, "the scripted engine can spell its tokens"
