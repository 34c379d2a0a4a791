"""In and out through the pages: a file of another program, a query that leads to a trace, a picture
of what is drawn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from backend.client import Client
from tests.browser.conftest import press
from tests.browser.test_pages import drawn_nodes
from tests.exchange.files import DATA, THOUGHT

QUERY = "SELECT run_id, node_id, value FROM step_score WHERE run_id = 2 ORDER BY seq LIMIT 3"
ONE_OF_EACH = {
    "treequest-mcts.json": "treequest 0.3.3", "llm-reasoners-beam.json": "llm-reasoners", "llamppl-smc.json": "llamppl",
    "genlm-smc.json": "genlm-control", "its_hub-particle-filtering.json": "its_hub", "inspect.eval": "inspect_ai", "thought.txt": "plain text",
}  # fmt: skip
"""A file of each program, and the origin that its run names."""
SVG = "{http://www.w3.org/2000/svg}"


def test_a_query_leads_to_the_node_that_it_found(product: str, tab: Any) -> None:
    tab.goto(f"{product}/sql?q={quote(QUERY)}", wait_until="commit")
    tab.get_by_text("3 rows in").wait_for()
    press(tab.get_by_role("link", name="Run 2, node 1"))
    drawn_nodes(tab, 5)
    tab.get_by_text("Node 1", exact=True).wait_for()
    assert tab.url.endswith("/trace?run=2&node=1")


@pytest.mark.parametrize(("name", "origin"), ONE_OF_EACH.items())
def test_a_file_of_another_program_comes_in_and_opens(
    product: str, tab: Any, tmp_path: Path, name: str, origin: str
) -> None:
    thought = tmp_path / "thought.txt"
    thought.write_text(THOUGHT, encoding="utf-8")
    with Client(product) as client:
        before = {run.id for run in client.runs().runs}
    tab.goto(f"{product}/history", wait_until="commit")
    press(tab.get_by_text("Import a file"))
    tab.locator("input[type=file]").set_input_files(
        thought if name == thought.name else DATA / name
    )
    press(tab.get_by_role("button", name="Import", exact=True).and_(tab.locator(":enabled")))
    tab.get_by_text(re.compile(r"runs? came in, read as")).wait_for()
    with Client(product) as client:
        run = min(
            (run for run in client.runs().runs if run.id not in before), key=lambda each: each.id
        )
    press(tab.get_by_role("link", name=f"Run {run.id}", exact=True))
    tab.get_by_text(f"imported from {origin}").first.wait_for()
    drawn_nodes(tab, run.nodes)


def test_the_tree_is_saved_as_a_picture_with_its_marks_and_no_script(
    product: str, tab: Any, tmp_path: Path
) -> None:
    tab.emulate_media(color_scheme="dark")
    tab.goto(f"{product}/trace?run=2", wait_until="commit")
    drawn_nodes(tab, 100)
    press(tab.get_by_role("button", name="Export"))
    with tab.expect_download() as download:
        press(tab.get_by_role("button", name="Tree as SVG"))
    assert download.value.suggested_filename == "run-2-tree.svg"
    download.value.save_as(tmp_path / "tree.svg")
    source = (tmp_path / "tree.svg").read_text("utf-8")
    drawn = ElementTree.fromstring(source)
    with Client(product) as client:
        nodes = client.info(2).nodes
    assert (
        len([path for path in drawn.iter(f"{SVG}path") if "point" in path.get("class", "")])
        >= nodes
    )
    assert not list(drawn.iter(f"{SVG}script")) and not re.search(
        r"\son\w+=|javascript:|<foreignObject", source
    )
    # dark ink on white
    assert (
        "fill: rgb(255, 255, 255)" in source
        and "rgb(29, 36, 34)" in source
        and "rgb(228, 233, 231)" not in source
    )
