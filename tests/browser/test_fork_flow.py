"""A reader forks a search with an edited step and sees the new one with its provenance, in the
whole product."""

from __future__ import annotations

from typing import Any

from backend.client import Client
from backend.core.spec import RunSpec
from tests.browser.conftest import press, run_to_end

SPEC = RunSpec(
    strategy="beam_search", question="What is 12 + 7 + 25?", answer="44", engine="scripted", seed=3
)


def test_a_step_is_edited_and_the_fork_opens_with_its_provenance(product: str, tab: Any) -> None:
    origin = run_to_end(product, SPEC)
    tab.goto(f"{product}/trace?run={origin}&node=1", wait_until="commit")
    press(tab.get_by_text("Go on from here", exact=True))
    press(tab.get_by_text("Edit the text", exact=True))
    tab.get_by_role("textbox", name="Text of the step").fill("Start with 12 + 7 = 20.")
    tab.keyboard.press("Tab")
    press(tab.get_by_role("button", name="Start the fork").and_(tab.locator(":enabled")))
    tab.get_by_text(
        f"forked from run {origin} (beam search) at node 1, its text edited by hand"
    ).wait_for()
    with Client(product) as client:
        [fork] = client.forks.of(origin).forks
        assert [message.kind for message in client.follow(fork.run)][-1] == "done"
        nodes, run = client.nodes(fork.run), client.info(fork.run)
        [told] = client.forks.of(fork.run).origins
    assert f"run={fork.run}" in tab.url and run.status == "finished"
    assert (told.run, told.node, told.edited, told.words) == (
        origin,
        1,
        "text",
        "Start with 12 + 7 = 20.",
    )
    assert (nodes[1].kind, nodes[1].text) == ("injected", "Start with 12 + 7 = 20.\n\n")
    assert "19" not in nodes[2].text, "the search went on from what the human wrote"
    tab.goto(f"{product}/trace?run={origin}", wait_until="commit")
    tab.get_by_text(f"forked at node 1 into run {fork.run}").wait_for()
