"""How long the Trace page takes to open, to show a clicked node, and to jump to another moment, for
searches of 1,000, 10,000 and 50,000 nodes.

The real server with stored searches (`benchmarks.explorer_runs`) and a real Chromium. Open: from
the navigation until the whole log is drawn (`tree`) and until the inspector shows the chosen node
(`inspector`). Click: from the press of the mouse on a mark until the inspector shows its node's
number, state, figures and text, as a script on the page sees it; whole: until the rest of the
inspector, which the service draws, is of that node too. Jump: from the move of the slider until the
tree is drawn at that event. To hold, as medians: a click at most 150 ms at 1,000 nodes, 300 ms at
10,000, 1 s at 50,000. Run: `python -m benchmarks.explorer`.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from benchmarks.explorer_runs import make_store
from benchmarks.health import served

LIMITS_MS = {1_000: 150.0, 10_000: 300.0, 50_000: 1000.0}
PATIENCE_MS = 300_000
MARKS = """() => { const plot = document.querySelector('.at-plot'), box = plot.getBoundingClientRect(), full = plot._fullLayout, found = [];
  for (const trace of plot.data) (trace.customdata || []).forEach((id, at) => { if (id === null) return;
    const x = box.left + full.xaxis._offset + full.xaxis.d2p(trace.x[at]), y = box.top + full.yaxis._offset + full.yaxis.d2p(trace.y[at]);
    if (y > 0 && y < innerHeight) found.push([id, x, y]); });
  return found; }"""
WATCH = """(node) => { Object.assign(window, { shown: null, whole: null, pressed: null });
  document.addEventListener('mousedown', () => { window.pressed = performance.now(); }, { once: true, capture: true });
  const head = document.querySelector('.arboretum-node'), name = head.querySelector('.an-name');
  const look = () => { const now = performance.now();
    if (window.pressed !== null && name.textContent === 'Node ' + node) window.shown ??= now;
    if (window.shown !== null && head.dataset.whole === String(node)) window.whole ??= now;
    if (window.whole === null) requestAnimationFrame(look); };
  look(); }"""
JUMP = """(seq) => new Promise((done) => { const start = performance.now();
  const host = document.querySelector('.arboretum-tree'), slider = host.querySelector('.at-slider');
  const look = () => (host.dataset.seq === String(seq) ? done(performance.now() - start) : requestAnimationFrame(look));
  slider.value = String(seq); slider.dispatchEvent(new Event('input')); look(); })"""


def opened(browser: Browser, address: str, events: int) -> tuple[Page, float, float]:
    """The page in a fresh context; milliseconds until the tree holds the whole log, and until the
    inspector shows a node."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_function(
        "(seq) => Number(document.querySelector('.arboretum-tree')?.dataset.seq) >= seq",
        arg=events - 1,
    )
    tree_ms = 1000 * (time.perf_counter() - start)
    page.locator(".arboretum-node[data-whole]:not([data-whole=''])").wait_for()
    inspector_ms = 1000 * (time.perf_counter() - start)
    rest(page)
    return page, tree_ms, inspector_ms


def rest(page: Page) -> None:
    """Wait until the script of the page has run and the browser is idle."""
    page.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget]')")
    page.wait_for_timeout(1000)


def clicks(page: Page, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds from press to the node's head and to the whole inspector, for marks that lie
    apart from each other."""
    heads: list[float] = []
    wholes: list[float] = []
    marks = page.evaluate(MARKS)
    for at in range(count):
        node, x, y = _alone(marks, at, count)
        page.mouse.move(x, y)
        page.wait_for_timeout(500)
        page.evaluate(WATCH, node)
        page.mouse.click(x, y)
        try:
            page.wait_for_function("() => window.whole !== null", timeout=20_000)
        except PlaywrightTimeout:  # another mark lay on top
            print(f"  node {node}: not hit")
            continue
        heads.append(float(page.evaluate("() => window.shown - window.pressed")))
        wholes.append(float(page.evaluate("() => window.whole - window.pressed")))
        page.wait_for_timeout(1500)
    return heads, wholes


def _alone(
    marks: Sequence[tuple[int, float, float]], at: int, count: int
) -> tuple[int, float, float]:
    """The `at`-th of `count` marks, taken evenly from those with most room around them."""

    def room(mark: tuple[int, float, float]) -> float:
        return min(
            (abs(mark[1] - x) + abs(mark[2] - y) for node, x, y in marks if node != mark[0]),
            default=1e9,
        )

    roomy = sorted(sorted(marks[:: max(1, len(marks) // 300)], key=room, reverse=True)[: 2 * count])
    return roomy[at % len(roomy)]


def jumps(page: Page, events: int, count: int) -> list[float]:
    """Milliseconds from a move of the slider to the tree at that event."""
    return [
        float(page.evaluate(JUMP, round(events * (at + 1) / (count + 2)))) for at in range(count)
    ]


def line(name: str, times: Sequence[float]) -> str:
    if not times:
        return f"{name} none"
    return (
        f"{name} {statistics.median(times):.0f} ({min(times):.0f} to {max(times):.0f}, n = "
        f"{len(times)})"
    )


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--sizes", type=int, nargs="+", default=list(LIMITS_MS))
    options.add_argument("--opens", type=int, default=3)
    options.add_argument("--clicks", type=int, default=15)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        ids = make_store(Path(folder) / "store.duckdb", tuple(given.sizes))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        with served(Path(folder)) as client:
            for size, run_id in zip(given.sizes, ids, strict=True):
                events = client.info(run_id).events
                trees, inspectors = [], []
                for _ in range(given.opens):
                    page, tree_ms, inspector_ms = opened(
                        browser, f"{client.url}/trace?run={run_id}", events
                    )
                    trees.append(tree_ms)
                    inspectors.append(inspector_ms)
                (heads, wholes), limit = clicks(page, given.clicks), LIMITS_MS.get(size, 0.0)
                print(
                    f"{size} nodes, {events} events, ms: {line('tree', trees)}; "
                    f"{line('inspector', inspectors)}; {line('click', heads)}; "
                    f"{line('whole', wholes)}; {line('jump', jumps(page, events, 7))}; a click is "
                    f"to take {limit:.0f}",
                    flush=True,
                )
        browser.close()


if __name__ == "__main__":
    main()
