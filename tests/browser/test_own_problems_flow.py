"""Problems of one's own through the pages: bring a file, choose a problem of it, run it, remove
the file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from backend.client import Client
from tests.browser.conftest import choose, press

QUESTION = "What is 2 + 3 + 4? <img src='http://127.0.0.1:9/x.png'>"


def test_a_file_is_brought_a_problem_of_it_is_run_and_the_file_is_removed(
    product: str, tab: Any, tmp_path: Path
) -> None:
    asked = list[str]()
    tab.on("request", lambda request: asked.append(request.url))
    file = tmp_path / "my sums.csv"
    file.write_text(f'question,answer,level\n"{QUESTION}",9,Level 2\n1+1?,2,1\n', "utf-8")
    with Client(product) as client:
        client.save_settings(client.settings().model_copy(update={"default_engine": "scripted"}))
    tab.goto(f"{product}/problems", wait_until="commit")
    tab.get_by_text("No file has been brought yet.").wait_for()
    tab.locator("input[type=file]").set_input_files(file)
    press(tab.get_by_role("button", name="Add", exact=True).and_(tab.locator(":enabled")))
    tab.get_by_text("file:my-sums: 2 problems came in.").wait_for()

    press(tab.get_by_role("link", name="Solve one"))
    choose(tab, "Problem", "my-sums")
    tab.get_by_text("What is 2 + 3 + 4?").first.wait_for()
    press(tab.get_by_role("button", name="Run", exact=True))
    tab.get_by_text("finished", exact=True).first.wait_for()
    with Client(product) as client:
        run = client.runs(limit=1).runs[0]
    assert run.problem is not None and run.problem.id == "file:my-sums/1"

    tab.goto(f"{product}/problems", wait_until="commit")
    press(tab.get_by_role("button", name="Remove", exact=True))
    press(tab.get_by_role("button", name="Remove it"))
    tab.get_by_text("No file has been brought yet.").wait_for()
    with Client(product) as client:
        assert client.problem_files().files == []
        assert client.info(run.id).question == QUESTION
    assert not [url for url in asked if re.search(r":9/", url)]
