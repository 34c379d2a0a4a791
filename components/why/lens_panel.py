"""Verifier lens: a stored search scored by a second verifier, and the two side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import streamlit as st

from backend.client import Client
from backend.messages.runs import OVER, Catalog, Run
from backend.messages.why import RUN, Lens, ScoreAsk, ScorePair
from components.frame.address import address, page, put_in_address
from components.frame.prose import plain_markdown, visible
from components.frame.service import refusals
from components.frame.theme import CONFIG
from components.why.lens import (
    curve_figure,
    curve_info,
    curve_sentence,
    depth_figure,
    depth_info,
    depth_sentence,
)

PAGE_SIZE, MOST = 10, 200
WIDTHS = (1.2, 0.7, 1.1, 1.1, 6)


class LensJudge(NamedTuple):
    """A verifier that can be a second opinion: the name of its series, its name for readers, and
    what to ask for."""

    series: str
    title: str
    ask: ScoreAsk


def judges(catalog: Catalog, run: Run) -> Iterator[LensJudge]:
    """The verifiers that can score this run, but for its own: the exact checker where the answer is
    known, the policy's own confidence, and each reward model of an engine that is there."""
    for entry in catalog.verifiers:
        if not entry.available:
            continue
        if "known_answer" in entry.needs and run.right_answer is None:
            continue
        if "reward_model" in entry.needs:
            yield from _reward_models(catalog, entry.name, run)
        elif entry.name != run.verifier:
            ask = ScoreAsk.model_validate({"verifier": entry.name, "aggregation": run.aggregation})
            yield LensJudge(entry.name, entry.title, ask)


def _reward_models(catalog: Catalog, verifier: str, run: Run) -> Iterator[LensJudge]:
    described = run.manifest.get("reward")
    own = described.get("model") if isinstance(described, dict) else None
    seen = {own if run.verifier == verifier else None}
    for engine in catalog.engines:
        for model in engine.reward_models if engine.available else ():
            if model not in seen:
                seen.add(model)
                ask = ScoreAsk.model_validate(
                    {
                        "verifier": verifier,
                        "engine": engine.name,
                        "model": model,
                        "aggregation": run.aggregation,
                    }
                )
                yield LensJudge(f"{verifier} {model}", f"{model} ({engine.title})", ask)


def why_lens(service: Client, catalog: Catalog, run: Run) -> None:
    """Choose a second verifier; have it score the search, or look at the two side by side."""
    st.markdown("**Verifier lens: what does another verifier say of this search?**")
    with refusals():
        listed = service.series(run.id)
        known = {judge.series: judge for judge in judges(catalog, run)}
        names = list(dict.fromkeys([*(name for name in listed.series if name != RUN), *known]))
        if run.status not in OVER or not names:
            st.text("No other verifier can score this run.")
            return
        name = _choose_series(names, known, set(listed.series), run)
        under_way = next(
            (each for each in listed.under_way if each.series == name and not each.failed), None
        )
        if under_way is not None:
            _progress(service, run, name)
        elif name in listed.series:
            _side_by_side(service, run, name)
        else:
            _offer(
                service,
                run,
                known[name],
                next((each.failed for each in listed.under_way if each.series == name), ""),
            )


def _choose_series(
    names: list[str], known: dict[str, LensJudge], scored: set[str], run: Run
) -> str:
    key, given = f"lens.{run.id}", st.query_params.get("series")

    def label_of(name: str) -> str:
        named = known[name].title if name in known else name
        return named if name in scored else f"{named} (not scored yet)"

    at = names.index(given) if given in names else 0
    return str(
        st.selectbox(
            "Second verifier",
            names,
            at,
            format_func=label_of,
            key=key,
            on_change=lambda: put_in_address(series=st.session_state[key]),
            width=420,
        )
    )


def _offer(service: Client, run: Run, judge: LensJudge, failed: str) -> None:
    if failed:
        st.error(f"It could not score this run: {plain_markdown(failed)}", icon=":material/error:")
    st.text(
        f"{judge.title} has not scored this search yet. It scores every step that was "
        "written; the run itself stays as it is."
    )
    if st.button(
        f"Score {max(0, run.nodes - 1)} nodes", icon=":material/play_arrow:", key="lens.score"
    ):
        with refusals():
            service.score(run.id, judge.ask)
            put_in_address(series=judge.series)
            st.rerun()


def _how_far(service: Client, run: Run, name: str) -> None:
    """How far a series is; the page is drawn anew when it is done or has failed."""
    with refusals():
        now = next((each for each in service.series(run.id).under_way if each.series == name), None)
        if now is None or now.failed:
            st.rerun()
        else:
            done = f"{plain_markdown(name)} scores the search: {now.done:d} of {now.total:d} nodes"
            st.progress(now.done / max(1, now.total), text=done)


_progress: Callable[[Client, Run, str], None] = st.fragment(_how_far, run_every=0.7)


def _side_by_side(service: Client, run: Run, name: str) -> None:
    seen = service.lens(run.id, name, most=MOST)
    if not seen.pairs:
        st.text("The two verifiers have no step in common.")
        return
    curve, depths = curve_info(seen.curve, seen.ece), depth_info(seen.depths, seen.auroc)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("Does a score say how often a step is good?")
        st.plotly_chart(
            curve_figure(curve),
            config=CONFIG,
            key="lens.curve",
            alt="Calibration of the run's verifier by the second one",
        )
        st.caption(curve_sentence(curve))
    with right:
        st.markdown("Does it rank good steps above bad ones?")
        if depths.points:
            st.plotly_chart(
                depth_figure(depths),
                config=CONFIG,
                key="lens.depth",
                alt="AUROC of the run's verifier by depth",
            )
        st.caption(plain_markdown(depth_sentence(depths)))
    _disagreements(run, name, seen)


def _disagreements(run: Run, name: str, seen: Lens) -> None:
    """Where the two differ, the widest gap first."""
    pairs = seen.disagreements
    st.markdown(
        f"Where they disagree: {len(pairs)}{' or more' if len(pairs) == MOST else ''} of "
        f"{seen.pairs} steps, the widest gap first"
    )
    apart = sum((pair.one >= 0.5) != (pair.other >= 0.5) for pair in pairs)
    st.caption(
        f"{apart} on different sides of 1/2. A gap does not say which one is right, unless "
        "the second is the exact checker."
    )
    pages = -(-len(pairs) // PAGE_SIZE)
    number = st.pagination(pages, key="lens.page") if pages > 1 else 1
    for column, heading in zip(
        st.columns(WIDTHS), ("Node", "Step", "The run's", plain_markdown(name), "Text"), strict=True
    ):
        column.caption(heading)
    for pair in pairs[PAGE_SIZE * (number - 1) : PAGE_SIZE * number]:
        _row(run, pair)


def _row(run: Run, pair: ScorePair) -> None:
    link, step, one, other, text = st.columns(WIDTHS)
    link.page_link(
        page("trace"),
        label=f"Node {pair.node}",
        query_params=address(run.id, pair.node),
        icon=":material/account_tree:",
    )
    step.text(str(pair.step))
    one.text(f"{pair.one:.3f}")
    other.text(f"{pair.other:.3f}")
    text.text(visible(" ".join(pair.text.split())))
