"""Replay and inspector in a real browser before the real product: slider, keys, jumps, pseudo-code
that follows, tokens with their alternatives."""

from __future__ import annotations

import re
from typing import Any

from backend.client import Client
from backend.core.spec import RunSpec
from tests.browser.conftest import press, run_to_end

WALKS = RunSpec(
    strategy="mcts",
    params={"simulations": 8, "children": 3},
    problem="ledger/3/1000017",
    engine="scripted",
    verifier="prm",
    seed=4,
    sampling={"alternatives": 3},
)
SEQ = "() => Number(document.querySelector('.arboretum-tree').dataset.seq)"


def opened(product: str, tab: Any, more: str = "") -> list[Any]:
    """The Trace page of a search, and the events of its log."""
    run_id = run_to_end(product, WALKS)
    with Client(product) as client:
        events = list(client.events(run_id, limit=5000).events)
    tab.goto(f"{product}/trace?run={run_id}{more}", wait_until="commit")
    tab.wait_for_function(f"() => document.querySelector('.at-slider')?.max === '{events[-1].seq}'")
    return events


def at(tab: Any, seq: int) -> None:
    """Wait until the tree, the address and the slider are at an event."""
    tab.wait_for_function(f"() => ({SEQ})() === {seq}")
    tab.wait_for_url(re.compile(rf"event={seq}\b"))
    tab.wait_for_function(f"() => document.querySelector('.at-slider').value === '{seq}'")


def test_keys_and_marks_move_the_moment_and_the_pseudo_code_with_it(product: str, tab: Any) -> None:
    events = opened(product, tab, "&code=true")
    steps = [event.seq for event in events if event.kind == "step"]
    backed = next(event.seq for event in events if event.kind == "backed")
    tab.locator(".at-slider").fill(str(steps[1]))
    at(tab, steps[1])
    tab.keyboard.press("{")
    at(tab, steps[0])
    tab.locator(".pc-head", has_text="round 1 \u00b7 phase expand").wait_for()
    tab.keyboard.press("[")
    at(tab, backed)
    tab.locator(".pc li.now", has_text=re.compile(r"^\s*back up")).wait_for()
    tab.keyboard.press("}")
    tab.keyboard.press("}")
    at(tab, steps[1])
    pruned = [event.seq for event in events if event.kind == "pruned"]
    tab.locator(".at-marks").select_option(str(pruned[-1]))
    at(tab, pruned[-1])
    nodes = sum(event.kind == "node" and event.seq <= pruned[-1] for event in events)
    tab.wait_for_function(
        "(count) => document.querySelector('.arboretum-tree').dataset.nodes === String(count)",
        arg=nodes,
    )
    press(tab.get_by_role("button", name="To the newest event"))
    tab.wait_for_function(
        f"() => !location.search.includes('event=') && ({SEQ})() === {events[-1].seq}"
    )


def test_the_pseudo_code_follows_while_it_plays_and_a_pause_keeps_the_moment(
    product: str, tab: Any
) -> None:
    events = opened(product, tab, "&event=0&code=true")
    steps = [event for event in events if event.kind == "step"]
    tab.locator(".pc-head", has_text="round 1 \u00b7 phase expand").wait_for()
    tab.locator(".at-speed").select_option("0.25")
    press(tab.get_by_role("button", name="Play"))
    tab.locator(".pc-head", has_text=re.compile("^round ([2-9]|1[0-9])")).wait_for()
    assert "event=0" in tab.url
    tab.get_by_role("button", name="Pause").click()
    tab.wait_for_url(re.compile(r"event=[1-9]"))
    seq = int(re.findall(r"event=(\d+)", tab.url)[0])
    at(tab, seq)
    under_way = next(step.round for step in steps if step.seq >= seq)
    tab.locator(".pc-head", has_text=f"round {under_way + 1} ").wait_for()
    tab.locator(".at-speed").select_option("16")
    press(tab.get_by_role("button", name="Play"))
    tab.wait_for_function(
        f"() => !location.search.includes('event=') && ({SEQ})() === {events[-1].seq}"
    )
    tab.locator(".pc-head", has_text=f"round {steps[-1].round + 1} ").wait_for()


def test_a_token_shows_what_else_could_have_stood_there_by_keyboard(product: str, tab: Any) -> None:
    run_id = run_to_end(product, WALKS)
    with Client(product) as client:
        node = client.node(run_id, 1)
    place = next(place for place, options in enumerate(node.alternatives) if len(options) > 1)
    tab.goto(f"{product}/trace?run={run_id}&node=1&panel=Tokens", wait_until="commit")
    tab.locator(f".ts-strip [data-at='{place + 1}']").focus()
    tab.keyboard.press("ArrowLeft")
    held = f"token {place + 1} of {len(node.tokens)}"
    tab.locator(".ts-detail", has_text=held).wait_for()
    assert tab.locator(".ts-detail li").count() == len(node.alternatives[place])
    assert tab.locator(".ts-detail [aria-label=sampled]").count() == 1
    tab.keyboard.press("Enter")
    other = tab.locator(f".ts-strip [data-at='{place + 3}']")
    other.hover()
    tab.locator(".ts-detail", has_text=held).wait_for()
    tab.keyboard.press("Escape")
    tab.locator(".ts-strip [data-at='0']").hover()
    other.hover()
    tab.locator(".ts-detail", has_text=f"token {place + 4} of").wait_for()
