"""Texts of models, files and people on every page: nothing runs, nothing is fetched, nothing leaves
its frame."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import pytest

from backend.client import Client
from backend.core.spec import RunSpec
from backend.experiments.spec import Experiment
from backend.messages.annotations import CategoryAsk
from tests.browser.conftest import ROOT, run_to_end, streamlit
from tests.experiments.examples import small

PANELS = ("Path", "Rendered", "Tokens", "Scores", "Formula", "Prompt", "Record")
HIT = "window.hit=(window.hit||0)+1"
FAR = "http://192.0.2.1"
CORPUS = (
    f"<script>{HIT}</script>", f"<img src=x onerror=\"{HIT}\">", f"<svg onload=\"{HIT}\">", ("</div></span><iframe "
f"src=\"{FAR}/f\"></iframe>"),
    (f"![i]({FAR}/i.png) [go]({FAR}/l) <a "
f"href=\"javascript:{HIT}\">here</a>"), (f"[x](javascript:{HIT}) "
f"![y](data:text/html,<script>{HIT}</script>)"),
    (f"<style>@import url({FAR}/s.css); "
f"body{{display:none}}</style>"), f"<link rel=stylesheet href={FAR}/c.css><base href={FAR}>",
    ("`code` **bold** # title\n> quote\n- item\n| a | b "
"|\n|---|---|"), ("$\\href{javascript:alert(1)}{x}$ "
"\\[\\includegraphics{http://192.0.2.1/m.png}\\]"),
    ("\u202egnp.exe \u2066\u200b\u200e\ufeff "
"\u0007\u001b[31m"), ":material/delete: :red[text] :streamlit:", "a" * 400, "\u0301" * 200,
    f"`$x`![r1]({FAR}/r1.png)`$`", f"$a\\$![r2]({FAR}/r2.png)$",
    f"$$\na\n$$![r3]({FAR}/r3.png) \\(b$![r4]({FAR}/r4.png)\\)",
    f"\\$1![r5]({FAR}/r5.png)\\$ [![r6]({FAR}/r6.png)]({FAR}/l) ![r7][r8]\n\n[r8]: {FAR}/r7.png",
    "{{7*7}} ${7*7} %{y} <%= 7 %>",
    "=HYPERLINK(\"http://192.0.2.1\",\"x\")", "'; DROP TABLE run; --", ("]]><!-- --> &lt;b&gt; "
"&#x3C;script&#x3E;"),
)  # fmt: skip
PICTURES = " ".join(text for text in CORPUS if "![" in text)
"""All that would load a picture, on few lines."""
WHOLE = "\n\n".join(CORPUS) + "\n\nThe answer is \\boxed{4}."
SCAN = """(far) => { const all = [...document.querySelectorAll('script,img,iframe,link,a,base,object,embed,svg image,use,form')];
  const told = (one) => ['src', 'href', 'xlink:href', 'action', 'data'].map((name) => one.getAttribute(name) || '').join(' ');
  return { hit: window.hit || 0, title: document.title, shown: getComputedStyle(document.body).display,
    reaching: all.map(told).filter((text) => text.includes(far) || /^\\s*javascript:/i.test(text)).slice(0, 5),
    handlers: [...document.querySelectorAll('[onerror],[onload],[onclick]')].map((one) => one.outerHTML.slice(0, 80)).slice(0, 5),
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth }; }"""


class Place(NamedTuple):
    """The whole product with hostile texts wherever somebody can write one."""

    url: str
    run: int
    node: int
    experiment: str
    stored: int
    failed: int


def retold(status: str) -> bytes:
    """A run of this program, in whose file somebody has written texts of his own."""
    lines = (ROOT / "backend/service/samples/3-mcts.jsonl").read_text().splitlines()
    head, *rest = (json.loads(line) for line in lines)
    head["run"] |= {"status": status, "model": PICTURES, "answer": PICTURES}
    head["run"] |= {"error": PICTURES, "reason": PICTURES, "remedy": PICTURES}
    head["problem"] |= {"id": PICTURES, "question": WHOLE, "answer": PICTURES}
    for line in rest:
        data = line.get("data") or {}
        if line.get("id"):
            line["text"] = PICTURES if line["id"] % 2 else WHOLE
        elif line["kind"] == "score":
            line["label"] = PICTURES
        elif line["kind"] == "pruned":
            data["reason"] = PICTURES
        elif line["kind"] == "answer":
            data |= {"answer": PICTURES, "reason": PICTURES}
    return "".join(json.dumps(each) + "\n" for each in (head, *rest)).encode()


class Rude(BaseHTTPRequestHandler):
    """A completions server whose names and refusals are hostile texts."""

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        models = {"data": [{"id": PICTURES, "max_model_len": 99}]}
        self._answer(*(200, models) if self.path.endswith("/models") else (404, {}))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(400, {"error": {"message": PICTURES}})

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def rude() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Rude)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, rude: str) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("hostile")
    with (
        streamlit("app.py", ARBORETUM_DB=str(root / "runs.duckdb")) as (url, _),
        Client(url) as client,
    ):
        run_id = client.import_runs(
            WHOLE.encode(), format="thinking", name=CORPUS[1] + ".txt", question=WHOLE, answer="5"
        ).run_ids[0]
        run_to_end(
            url,
            RunSpec(
                question=CORPUS[1] + CORPUS[4],
                strategy="stepwise_best_of_n",
                engine="scripted",
                verifier="logprob",
            ),
        )
        client.annotations.open(run_id, CORPUS[1], blind=False)
        client.annotations.label(run_id, CORPUS[1], "note", note=WHOLE[:900])
        client.annotations.keep_category(
            CategoryAsk(author=CORPUS[1], name=CORPUS[1], description=WHOLE[:200], mark="circle")
        )
        experiment = small(2).model_copy(update={"name": CORPUS[1], "note": WHOLE[:3000]})
        arms = [
            arm.model_copy(update={"name": f"{CORPUS[place][:70]}{place}"})
            for place, arm in enumerate(experiment.arms)
        ]
        name = carried_out(client, experiment.model_copy(update={"arms": tuple(arms)}))
        client.add_server("rude", rude)
        rows = [{"question": text, "answer": text} for text in (PICTURES, WHOLE)]
        client.add_problem_file("\n".join(map(json.dumps, rows)).encode(), name="rude")
        stored, failed = (
            client.import_runs(retold(status), format="jsonl", name="own.jsonl").run_ids[0]
            for status in ("finished", "failed")
        )
        last = client.info(run_id).nodes - 1
        yield Place(url, run_id, last, name, stored, failed)


def carried_out(client: Client, experiment: Experiment) -> str:
    """The hash of an experiment that the service has finished."""
    name = client.experiments.start(experiment).hash
    while client.experiments.info(name).status == "running":
        time.sleep(0.1)
    return name


def addresses(place: Place) -> dict[str, str]:
    """Every page with the hostile texts on it."""
    run, node, experiment = place.run, place.node, place.experiment
    sql = quote("SELECT text, run_id, id AS node_id FROM node ORDER BY length(text) DESC LIMIT 20")
    return {
        **{f"trace {panel}": f"/trace?run={run}&node={node}&panel={panel}" for panel in PANELS},
        **{
            f"stored {panel}": f"/trace?run={place.stored}&node=9&panel={panel}" for panel in PANELS
        },
        **{f"rendered {at}": f"/trace?run={run}&node={at}&panel=Rendered" for at in range(1, node)},
        "stored pseudo-code": f"/trace?run={place.stored}&pseudocode=true",
        "stored why": f"/why?run={place.stored}",
        "stored compare": f"/compare?runs={place.stored},{place.failed}",
        "stored solve": f"/?run={place.stored}",
        "stored annotate": f"/annotate?run={place.stored}&author=Ada",
        "failed": f"/trace?run={place.failed}",
        "failed solve": f"/?run={place.failed}",
        "failed why": f"/why?run={place.failed}",
        "address": f"/experiments?experiment={quote(PICTURES)}",
        "address budget": f"/budget?experiment={quote(PICTURES)}&axis={quote(PICTURES)}",
        "address trace": f"/trace?run=1&panel={quote(PICTURES)}&chart={quote(PICTURES)}",
        "address why": f"/why?strategy={quote(PICTURES)}&of={quote(PICTURES)}&cause=right",
        "address history": f"/history?strategy={quote(PICTURES)}&problem={quote(PICTURES)}",
        "problems": "/problems",
        "trace outline": f"/trace?run={run}&node=1&layout=outline",
        "trace why": f"/trace?run={run}&why=true",
        "trace scripted": f"/trace?run={run + 1}",
        "why": "/why",
        "why run": f"/why?run={run}",
        "compare": f"/compare?runs={run},{run + 1}",
        "history": "/history",
        "sql": f"/sql?q={sql}",
        "annotate": f"/annotate?run={run}&author=Ada",
        "annotate open": f"/annotate?run={run}&author={quote(CORPUS[1])}",
        "solve": f"/?run={run}",
        "solve like": f"/?like={run + 1}",
        "experiments": f"/experiments?experiment={experiment}",
        "budget": f"/budget?experiment={experiment}",
        "matrix": f"/matrix?experiment={experiment}",
        "settings": "/settings",
    }


def test_hostile_texts_do_nothing_on_any_page(place: Place, tab: Any) -> None:
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("dialog", lambda dialog: asked.append(f"dialog {dialog.message}"))
    blocked: list[str] = []
    tab.on(
        "console",
        lambda said: (
            blocked.append(f"{tab.url} {said.text}")
            if "Content Security Policy" in said.text
            else None
        ),
    )
    found, read = {}, set[str]()
    for name, address in addresses(place).items():
        tab.goto(place.url + address, wait_until="commit")
        tab.wait_for_selector("[data-testid=stMainBlockContainer] *")
        tab.wait_for_function(
            "() => !document.querySelector('[data-testid=stStatusWidget]') && "
            "!document.querySelector('[data-stale=true]')"
        )
        tab.wait_for_timeout(700)
        assert not tab.locator("[data-testid=stException]").count(), name
        told = tab.evaluate(SCAN, urlsplit(FAR).netloc)
        if "window.hit=" in tab.inner_text("body"):
            read.add(name)
        found[name] = {
            key: value
            for key, value in told.items()
            if key != "title" and value not in (0, [], "block")
        }
    assert found == {name: {} for name in found}
    # they are there, to be read
    assert read >= {
        "annotate",
        "compare",
        "experiments",
        "solve",
        "trace Path",
        "trace outline",
        "stored why",  # of a run of another program it says one sentence, without its texts
        "failed why",
    }
    # the second wall had nothing to hold back
    assert blocked == []
    home = {urlsplit(place.url).netloc}
    assert {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))} == home
