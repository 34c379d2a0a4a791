"""A race in a real browser, the whole product behind it: both searches end, one clock moves both
trees, and the first difference is named."""

from __future__ import annotations

import re
from typing import Any

from backend.client import Client
from backend.core.spec import RunSpec
from tests.browser.conftest import press, run_to_end

SPEC = RunSpec(
    strategy="beam_search", problem="ledger/3/1000017", engine="scripted", verifier="prm", seed=3
)
SIZES = (
    "() => [...document.querySelectorAll('.arboretum-tree')].map((tree) => "
    "Number(tree.dataset.nodes || 0))"
)
TREES = "(count) => document.querySelectorAll('.arboretum-tree[data-nodes]').length === count"


def test_a_race_of_two_strategies_is_watched_and_then_looked_through(
    product: str, tab: Any
) -> None:
    with Client(product) as client:
        client.save_settings(client.settings().model_copy(update={"default_engine": "scripted"}))
    tab.goto(f"{product}/compare?way=Race", wait_until="commit")
    press(tab.get_by_role("button", name="Start the race"))
    tab.wait_for_function(TREES, arg=2)
    tab.get_by_text("No answer and no score yet").wait_for(state="hidden")
    runs = [int(each) for each in re.findall(r"\d+", tab.url.split("runs=")[1].replace("%2C", ","))]
    with Client(product) as client:
        for run in runs:
            assert [message.kind for message in client.follow(run)][-1] == "done"
        stored = [client.info(run) for run in runs]
        sizes = [run.nodes for run in stored]
    assert [run.status for run in stored] == ["finished", "finished"] and len(
        {run.strategy for run in stored}
    ) == 2
    tab.wait_for_function(
        f"(sizes) => JSON.stringify(({SIZES})()) === JSON.stringify(sizes)", arg=sizes
    )
    named = tab.get_by_text(
        re.compile(r"(the first difference is step|the same, word for word)")
    ).first
    assert re.search(
        rf"Runs {runs[0]} and {runs[1]}: \d+ of \d+ and \d+ beginnings in common",
        named.inner_text(),
    )
    assert "at=" not in tab.url and "nodes=" not in tab.url  # nobody has chosen anything yet
    tab.get_by_role("slider").first.press("Home")
    tab.wait_for_url(re.compile("at=0"))
    tab.wait_for_function(f"() => ({SIZES})().every((size) => size === 1)")
    tab.reload(wait_until="commit")
    tab.wait_for_function(
        f"() => ({SIZES})().length === 2 && ({SIZES})().every((size) => size === 1)"
    )


def test_a_rerun_says_that_no_token_differs(product: str, tab: Any) -> None:
    first, other = (
        run_to_end(product, SPEC),
        run_to_end(product, SPEC.model_copy(update={"seed": 4})),
    )
    tab.goto(f"{product}/compare?runs={first},{other}", wait_until="commit")
    press(tab.get_by_text("more_horiz").first)
    press(tab.get_by_role("button", name="Run again and compare"))
    tab.get_by_text(re.compile(r"All \d+ nodes and \d+ tokens are the same")).wait_for()
    # and nothing of the earlier pair, nor a clock that nobody moved
    assert re.search(rf"/compare\?runs={first}%2C\d+$", tab.url)
    tab.get_by_text("same settings, same seed, same models, same versions").wait_for()
