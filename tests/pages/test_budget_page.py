"""Budget curves: what the curves teach, analysis by analysis."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from backend.client import Client
from backend.engines.models import Models
from backend.runs.driver import run
from tests.api.service import serving
from tests.experiments.analyses.test_registry import dummy_analysis
from tests.experiments.examples import carried_out, small
from tests.pages.conftest import opened
from tests.pages.test_solve_page import texts


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A service with one finished experiment."""
    asyncio.run(carried_out(small(3), tmp_path / "experiments"))
    with serving(tmp_path, run, models=Models()) as service:  # type: ignore[arg-type]
        monkeypatch.setenv("ARBORETUM_BACKEND", service.url)
        yield service.client()
    st.cache_resource.clear()


def test_an_analysis_added_from_outside_is_in_the_api_and_on_the_page(client: Client) -> None:
    [experiment] = client.experiments.all()
    with dummy_analysis():
        [first, *_] = client.experiments.analyses(experiment.hash, threshold=0.75)
        assert (first.name, first.sentence) == ("dummy", "Accepted from 0.75.")
        page = opened("budget", experiment=experiment.hash)
        assert not page.exception
        assert page.selectbox(key="choice.analysis").options[0] == "A dummy from outside"
        assert "Accepted from 0.5." in texts(page)


def test_only_an_analysis_that_reads_a_choice_asks_for_it(client: Client) -> None:
    [experiment] = client.experiments.all()
    with dummy_analysis():
        page = opened("budget", experiment=experiment.hash, accepts=0.3)
        assert [slider.key for slider in page.slider] == ["choice.accepts"]
        assert "Accepted from 0.3." in texts(page)
        page.slider(key="choice.accepts").set_value(0.6).run()
        assert "Accepted from 0.6." in texts(page)
        page.selectbox(key="choice.analysis").select("imperfect").run()
        assert [slider.key for slider in page.slider] == ["choice.wrong", "choice.accepts"]
        page.selectbox(key="choice.analysis").select("spread").run()
        assert not page.slider and not page.exception
