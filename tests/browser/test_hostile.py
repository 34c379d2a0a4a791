"""Texts of models, files and people on every page: nothing runs, nothing is fetched, nothing leaves
its frame."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import pytest

from backend.client import Client
from backend.core.spec import RunSpec
from backend.experiments.spec import Experiment
from backend.messages.annotations import CategoryAsk
from tests.browser.conftest import run_to_end, streamlit
from tests.experiments.examples import small

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
    "{{7*7}} ${7*7} %{y} <%= 7 %>",
    "=HYPERLINK(\"http://192.0.2.1\",\"x\")", "'; DROP TABLE run; --", ("]]><!-- --> &lt;b&gt; "
"&#x3C;script&#x3E;"),
)  # fmt: skip
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


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
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
        yield Place(url, run_id, client.info(run_id).nodes - 1, name)


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
        **{
            f"trace {panel}": f"/trace?run={run}&node={node}&panel={panel}"
            for panel in ("Rendered", "Path", "Scores", "Record")
        },
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
        "why run",
    }
    home = {urlsplit(place.url).netloc}
    assert {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))} == home
