"""The main job in a real browser: run, watch it grow, click, reload, stop, follow a link."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.conftest import Go
from tests.pages.fake_service import FakeService
from tests.pages.traces import HOSTILE, beam_trace, particle_trace

PROBE = """() => { const seen = {mounts: new Set(), plots: new Set(), sizes: new Set(), blanks: 0, drawn: false}; window.probe = seen;
  const look = () => { const host = document.querySelector('.arboretum-tree'), plot = document.querySelector('.at-plot .main-svg');
    seen.mounts.add(host);
    if (host && host.dataset.nodes) seen.sizes.add(Number(host.dataset.nodes));
    if (plot) { seen.drawn = true; seen.plots.add(plot); } else if (seen.drawn) seen.blanks += 1;
    window.requestAnimationFrame(look); }; look(); }"""
RESULT = (
    "() => ({mounts: window.probe.mounts.size, plots: window.probe.plots.size, blanks: "
    "window.probe.blanks, sizes: [...window.probe.sizes]})"
)
PIXEL = """(id) => { const plot = document.querySelector('.at-plot'), box = plot.getBoundingClientRect(), full = plot._fullLayout;
  for (const trace of plot.data) { const at = (trace.customdata || []).indexOf(id); if (at < 0) continue;
    return {x: box.left + full.xaxis._offset + full.xaxis.d2p(trace.x[at]),
      y: box.top + full.yaxis._offset + full.yaxis.d2p(trace.y[at])}; } return null; }"""


def drawn_nodes(page: Any, count: int) -> None:
    page.wait_for_function(
        "(count) => Number(document.querySelector('.arboretum-tree')?.dataset.nodes || 0) >= count",
        arg=count,
    )


def click_node(page: Any, node: int) -> None:
    page.wait_for_timeout(400)
    place = page.evaluate(PIXEL, node)
    page.mouse.move(place["x"], place["y"])
    page.wait_for_timeout(300)
    page.mouse.click(place["x"], place["y"])


def test_one_click_on_run_grows_a_tree_without_a_remount(
    go: Go, fake: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "pace_s", 0.2)
    page = go("/")
    page.evaluate(PROBE)
    page.get_by_role("button", name="Run", exact=True).click()
    drawn_nodes(page, 33)
    page.get_by_text("24 equals 24").wait_for()
    found = page.evaluate(RESULT)
    sizes = found.pop("sizes")
    assert len(sizes) >= 3 and sizes == sorted(sizes)
    assert found == {"mounts": 1, "plots": 1, "blanks": 0}


def test_a_pan_by_hand_survives_the_growth(go: Go, fake: FakeService) -> None:
    run = fake.add(beam_trace(seed=11), pace_s=0.2)
    run.held = 30
    page = go(f"/trace?run={run.id}")
    drawn_nodes(page, 5)
    page.wait_for_timeout(1000)
    box = page.locator(".at-plot .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 150, steps=6)
    page.mouse.up()
    page.wait_for_timeout(300)
    ranges = (
        "() => { const full = document.querySelector('.at-plot')._fullLayout; return "
        "[full.xaxis.autorange, full.xaxis.range, full.yaxis.range]; }"
    )
    panned, before = (
        page.evaluate(ranges),
        int(page.locator(".arboretum-tree").get_attribute("data-nodes")),
    )
    assert panned[0] is False
    run.go_on()
    drawn_nodes(page, 33)
    assert before < 33 and page.evaluate(ranges) == panned
    page.get_by_role("button", name="Fit").click()
    page.wait_for_function(
        "() => document.querySelector('.at-plot')._fullLayout.xaxis.autorange === true"
    )
    depth = page.evaluate(ranges)[2]
    assert depth[0] > depth[1]


def test_a_click_opens_the_text_of_that_node(go: Go, fake: FakeService) -> None:
    run = fake.add(beam_trace(seed=12))
    page = go(f"/trace?run={run.id}")
    drawn_nodes(page, 33)
    click_node(page, 5)
    page.get_by_text("Node 5", exact=True).wait_for()
    page.wait_for_url(re.compile("node=5"))


def test_a_link_opens_run_and_node(go: Go, fake: FakeService) -> None:
    run = fake.add(particle_trace(seed=13), "particle_filter")
    page = go(f"/trace?run={run.id}&node=9")
    page.get_by_text("Node 9", exact=True).wait_for()
    page.get_by_role("tab", name="Lineage").wait_for()


def test_a_reload_goes_on_with_the_same_run(go: Go, fake: FakeService) -> None:
    page = go("/")
    page.get_by_role("button", name="Run", exact=True).click()
    drawn_nodes(page, 2)
    before = len(fake.specs)
    page.reload(wait_until="commit")
    drawn_nodes(page, 33)
    assert len(fake.specs) == before


def test_stop_stops_the_run_and_keeps_what_was_written(go: Go, fake: FakeService) -> None:
    run = fake.add(beam_trace(seed=14), pace_s=0.4)
    page = go(f"/?run={run.id}")
    drawn_nodes(page, 2)
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("stopped", exact=True).wait_for()
    assert run.status == "cancelled"
    drawn_nodes(page, 2)


def test_arrow_keys_walk_the_tree(go: Go, fake: FakeService) -> None:
    run = fake.add(beam_trace(seed=15))
    page = go(f"/trace?run={run.id}&node=0")
    drawn_nodes(page, 33)
    page.locator(".arboretum-tree").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_text("Node 1", exact=True).wait_for()
    page.locator(".arboretum-tree").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("Node 2", exact=True).wait_for()


def test_how_the_tree_is_looked_at_stands_in_the_address_and_nothing_is_remounted(
    go: Go, fake: FakeService
) -> None:
    run = fake.add(beam_trace(seed=18))
    parent = run.trace.nodes[9].parent_id
    page = go(f"/trace?run={run.id}&node={parent}")
    drawn_nodes(page, 33)
    page.evaluate(PROBE)
    page.locator(".at-colour").select_option("answer")
    page.wait_for_url(re.compile("colour=answer"))
    page.locator(".at-answers", has_text="A: ").wait_for()
    page.locator(".arboretum-tree").focus()
    page.keyboard.press("f")
    page.wait_for_url(re.compile(f"focus={parent}"))
    page.wait_for_function(
        "() => Number(document.querySelector('.arboretum-tree').dataset.nodes) < 33"
    )
    inside = page.locator(".arboretum-tree").get_attribute("data-nodes")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"shut={parent}"))
    page.wait_for_function("() => document.querySelector('.arboretum-tree').dataset.nodes === '1'")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"open={parent}"))
    found = page.evaluate(RESULT)
    assert (found["mounts"], found["plots"], found["blanks"]) == (1, 1, 0)
    page.reload(wait_until="commit")
    page.wait_for_function(
        "(count) => document.querySelector('.arboretum-tree')?.dataset.nodes === count", arg=inside
    )
    assert page.locator(".at-colour").input_value() == "answer"
    page.get_by_role("navigation", name="Subtree shown").get_by_role(
        "button", name="Whole tree"
    ).click()
    drawn_nodes(page, 33)


def test_the_outline_is_a_tree_of_text_that_opens_closes_and_chooses(
    go: Go, fake: FakeService
) -> None:
    run = fake.add(beam_trace(seed=19))
    page = go(f"/trace?run={run.id}&node=0&layout=outline")
    tree = page.get_by_role("tree", name="Search tree as an outline")
    drawn_nodes(page, 33)
    assert tree.get_by_role("treeitem").count() == 33
    tree.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("Node 1", exact=True).wait_for()
    item = tree.locator("[role=treeitem][aria-selected=true]")
    assert (item.get_attribute("data-node"), item.get_attribute("aria-level")) == ("1", "2")
    opened = tree.locator("[role=treeitem][aria-expanded=true]").first
    node = opened.get_attribute("data-node")
    opened.locator(".at-knob").click()
    closed = tree.locator(f"[data-node='{node}'][aria-expanded=false]")
    closed.locator(".at-more").wait_for()
    assert tree.get_by_role("treeitem").count() < 33
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys of the tree").wait_for()


def test_a_node_of_another_run_leads_to_that_run(go: Go, fake: FakeService) -> None:
    run, other = fake.add(beam_trace(seed=20)), fake.add(beam_trace(seed=21))
    page = go(f"/trace?run={run.id}")
    drawn_nodes(page, 33)
    guest = {
        "id": -1,
        "parent": 0,
        "text": "<b>$x$</b>",
        "score": 0.5,
        "done": False,
        "chosen": False,
        "run": other.id,
        "node": 3,
    }
    page.evaluate(
        (
            "(guest) => { document.querySelector('.arboretum-tree').arboretum.data.context = "
            "[guest]; }"
        ),
        guest,
    )
    page.get_by_role("button", name="Fit").click()
    page.wait_for_function(
        "() => document.querySelector('.at-plot').data.some((trace) => (trace.customdata "
        "|| []).includes(-1))"
    )
    click_node(page, -1)
    page.get_by_text(f"Run {other.id}", exact=True).wait_for()
    page.get_by_text("Node 3", exact=True).wait_for()


def test_the_slider_goes_back_in_time_and_the_address_with_it(go: Go, fake: FakeService) -> None:
    run = fake.add(beam_trace(seed=16))
    page = go(f"/trace?run={run.id}")
    drawn_nodes(page, 33)
    page.locator(".at-slider").fill("9")
    page.wait_for_function("() => document.querySelector('.arboretum-tree')?.dataset.nodes === '9'")
    page.wait_for_url(re.compile("event=9"))


def test_hostile_text_never_acts(go: Go, fake: FakeService) -> None:
    run = fake.add(beam_trace(hostile=True))
    node = next(record.id for record in run.trace.nodes if record.text == HOSTILE)
    page = go(f"/trace?run={run.id}&node={node}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    drawn_nodes(page, 33)
    click_node(page, node)
    page.get_by_text(f"Node {node}", exact=True).wait_for()
    for name, drawn in (
        ("Path", ".arb-path"),
        ("Tokens", ".ts-strip"),
        ("Prompt", ".arb-prompt"),
        ("Record", "text=call key"),
    ):
        page.get_by_role("tab", name=name).click()
        page.locator(drawn).first.wait_for()
    assert page.title() == "Trace" or "owned" not in page.title()
    assert not [url for url in asked if "192.0.2.1" in url]


def test_nothing_is_asked_of_another_host(go: Go, fake: FakeService) -> None:
    run = fake.add(beam_trace(seed=17))
    page = go("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page.url.split("?")[0] + f"trace?run={run.id}", wait_until="commit")
    drawn_nodes(page, 33)
    assert not [
        url for url in asked if not re.match(r"(https?://127\.0\.0\.1[:/]|blob:|data:)", url)
    ]
