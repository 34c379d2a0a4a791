"""Going on from a node: fork it with any strategy, edited if wanted; expand it in a paused run;
continue a run that its budget ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from backend.client import Client
from backend.messages.forks import Fork, Kin, TextEdit
from backend.messages.runs import OVER, Catalog, NodeDetail, Run
from components.form.schema_form import schema_form
from components.form.start_form import MOST, Inputs
from components.frame.address import address, page
from components.frame.prose import plain_markdown
from components.frame.service import refusals
from components.history.fork_edit_form import edit_form
from components.run.words import amount

PUBLISHED = "as published"
FIRST_LIMIT = 1000.0
FINISHED = "this text is finished: it has no children"


def fork_panel(service: Client, run: Run, node_id: int | None, catalog: Catalog, kin: Kin) -> None:
    """Draw what can be done with the chosen node, folded up; nothing is asked while it is closed.
    `kin` tells which limit ended the run."""
    expander = st.expander(
        "Go on from here",
        icon=":material/fork_right:",
        key="fork",
        on_change="rerun",
        bind="query-params",
    )
    if expander.open:
        with expander, refusals():
            _panel(
                service,
                run,
                None if node_id is None else service.node(run.id, node_id),
                catalog,
                kin,
            )


def _inside(service: Client, run: Run, node: NodeDetail | None, catalog: Catalog, kin: Kin) -> None:
    """Draw what is in it; run alone when an input changes."""
    if run.status == "paused" and node is not None:
        _expand(service, run, node)
    elif run.status in OVER and (kin.limit is not None or run.status != "finished"):
        _continue(service, run, kin.limit)
    if node is None:
        st.text("Choose a node of the tree or a line of the table: a fork goes on from it.")
    elif node.kind == "aside":
        st.text("This node answers a prompt beside the search. Choose one below the problem.")
    else:
        _fork(service, run, node, catalog)


_panel: Callable[[Client, Run, NodeDetail | None, Catalog, Kin], None] = st.fragment(_inside)


def _expand(service: Client, run: Run, node: NodeDetail) -> None:
    st.markdown("**Expand this node now**")
    st.caption(
        "The run is paused. Its own model writes more children, on its ledger; the search "
        "itself does not see them."
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        n = st.number_input(
            "Children",
            min_value=1,
            max_value=64,
            value=2,
            step=1,
            key=f"fork.children.{run.id}",
            width=140,
        )
        if st.button(
            "Expand now",
            icon=":material/add:",
            key="fork.expand",
            disabled=node.done,
            help=FINISHED if node.done else None,
        ):
            with refusals(), st.spinner("The run writes them where it waits."):
                made = service.forks.expand(run.id, node.id, int(n))
                st.caption(
                    f"Written: node{'' if len(made) == 1 else 's'} {', '.join(f'{one:d}' for one in made)}."
                )
                st.rerun()
    st.divider()


def _continue(service: Client, run: Run, limit: str | None) -> None:
    st.markdown("**Continue with more budget**")
    ended = (
        f"Its limit of {plain_markdown(limit.replace('_', ' '))} ended this run."
        if limit
        else f"This run ended before its time ({plain_markdown(run.status)})."
    )
    st.caption(
        f"{ended} A new run takes over all that was paid for, free of charge, and goes on "
        "where this one stopped."
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        budget = {
            axis: _limit(axis, old * 2 if axis == limit else old, f"fork.more.{run.id}.{axis}")
            for axis, old in run.budget.items()
        }
        if st.button("Continue", icon=":material/resume:", key="fork.continue"):
            with refusals():
                _open(service.forks.continued(run.id, budget))
    st.divider()


def _limit(axis: str, first: float, key: str) -> float:
    step = 1.0 if first < 100 else 100.0
    title = f"Limit of {axis.replace('_', ' ')}"
    return float(
        st.number_input(
            plain_markdown(title),
            min_value=0.1,
            value=float(first),
            step=step,
            format="%g",
            key=key,
            width=220,
        )
    )


def _fork(service: Client, run: Run, node: NodeDetail, catalog: Catalog) -> None:
    st.markdown(f"**Fork from node {node.id}**")
    st.caption(
        "A new search goes on from this step. The path to it is given and costs nothing; "
        "the problem stays the same."
    )
    left, right = st.columns(2, gap="large")
    with left:
        edit, missing = edit_form(run, node)
    with right:
        settings = _settings(run, catalog)
    if node.done and edit is None and not missing:
        st.caption(
            ":material/info: This text is finished: most strategies have nothing to add. "
            "Edit it, or choose a step above it."
        )
    if st.button(
        "Start the fork",
        type="primary",
        icon=":material/fork_right:",
        key="fork.start",
        disabled=bool(missing),
        help=plain_markdown(missing) or None,
    ):
        _start(service, run, node, edit, settings)


def _start(
    service: Client, run: Run, node: NodeDetail, edit: TextEdit | None, settings: dict[str, Any]
) -> None:
    with refusals():
        _open(service.forks.ask(run.id, Fork(node=node.id, edit=edit, settings=settings)))


def _open(run_id: int) -> None:
    st.switch_page(page("trace"), query_params=address(run=run_id))


def _settings(run: Run, catalog: Catalog) -> dict[str, Any]:
    """What is to be different from the run, as fields of a `RunSpec`; the rest stays."""
    at = f"fork.{run.id}"
    known = {entry.name: entry for entry in catalog.strategies if entry.available}
    name = _choice(
        "Strategy",
        list(known),
        run.strategy,
        f"{at}.strategy",
        {entry.name: entry.title for entry in catalog.strategies},
    )
    with st.expander("Parameters"):
        params = schema_form(
            known[name].params_schema,
            key=f"{at}.{name}",
            given=run.params if name == run.strategy else {},
            start=Inputs(),
        )
    rules = {
        PUBLISHED: f"{PUBLISHED} ({known[name].selector})",
        **{rule.name: rule.title for rule in catalog.selectors},
    }
    rule = _choice("Selector", list(rules), run.selector or PUBLISHED, f"{at}.rule", rules)
    one, other = st.columns(2)
    with one:
        engines = [entry.name for entry in catalog.engines if entry.available]
        engine = _choice(
            "Engine",
            engines,
            run.engine,
            f"{at}.engine",
            {entry.name: entry.title for entry in catalog.engines},
        )
    with other:
        first = min(run.seed + 1, MOST)
        help_ = f"the origin's seed, {run.seed}, draws from an unedited step what was drawn there"
        seed = st.number_input(
            "Seed", min_value=0, max_value=MOST, value=first, step=1, key=f"{at}.seed", help=help_
        )
    kept = (
        {}
        if rule == (run.selector or PUBLISHED) and name == run.strategy
        else {"selector": None if rule == PUBLISHED else rule}
    )
    return {
        "strategy": name,
        "params": params,
        "engine": engine,
        "seed": int(seed),
        "budget": _budget(run, catalog, at),
        **kept,
    }


def _choice(label: str, names: list[str], first: str, key: str, titles: dict[str, str]) -> str:
    index = names.index(first) if first in names else 0
    return str(
        st.selectbox(
            label, names, index=index, format_func=lambda name: titles.get(name, name), key=key
        )
    )


def _budget(run: Run, catalog: Catalog, at: str) -> dict[str, float]:
    titles = {axis.name: axis.title for axis in catalog.budget_axes}
    chosen = st.multiselect(
        "Budget of the fork",
        list(titles),
        default=[axis for axis in run.budget if axis in titles],
        format_func=lambda name: titles[name],
        key=f"{at}.axes",
        placeholder="No limit",
        help=f"the path is free; run {run.id} spent {_describe_costs(run)}",
    )
    return {
        axis: _limit(axis, run.budget.get(axis, FIRST_LIMIT), f"{at}.limit.{axis}")
        for axis in chosen
    }


def _describe_costs(run: Run) -> str:
    return plain_markdown(f"{amount(run.ledger.get('generated_tokens', 0))} generated tokens")
