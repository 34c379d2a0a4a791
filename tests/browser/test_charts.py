"""Charts of a run in a real browser: the open one stands in the address, and a click on a mark
chooses its node for the whole page."""

from __future__ import annotations

import re

from tests.browser.conftest import Go
from tests.pages.fake_service import FakeService
from tests.pages.traces import particle_trace

PLOT = "[class*='st-key-view'][class*='lineage'] .js-plotly-plot"
MARK = """([plot, node]) => { const found = document.querySelector(plot); found.scrollIntoView({block: 'center'});
  const box = found.getBoundingClientRect(), full = found._fullLayout;
  for (const points of found.calcdata) { const trace = points[0].trace;
    const at = Array.from(trace.customdata || []).findIndex((data) => data[0] === node); if (at < 0) continue;
    return {x: box.left + full.xaxis._offset + full.xaxis.d2p(points[at].x), y: box.top + full.yaxis._offset + full.yaxis.d2p(points[at].y)}; } }"""


def test_a_click_on_a_particle_opens_its_node_and_lights_its_lineage(
    go: Go, fake: FakeService
) -> None:
    run = fake.add(particle_trace(), "particle_filter")
    page = go(f"/trace?run={run.id}&chart=Lineage")
    page.locator(PLOT).wait_for()
    assert page.get_by_role("tab", name="Lineage").get_attribute("aria-selected") == "true"
    page.wait_for_timeout(500)
    page.evaluate(MARK, [PLOT, 3])
    place = page.evaluate(MARK, [PLOT, 3])  # again, because the first look has scrolled
    page.mouse.move(place["x"], place["y"])
    page.wait_for_timeout(300)
    page.mouse.click(place["x"], place["y"])
    page.get_by_text("Node 3", exact=True).first.wait_for()
    page.locator(PLOT).get_by_text("lineage of the chosen node").wait_for()
    assert re.search(r"[?&]node=3\b", page.url) and "chart=Lineage" in page.url
