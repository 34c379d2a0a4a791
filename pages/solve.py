"""How does a search solve this problem? Choose, run, and watch the tree grow."""

from functools import partial

import streamlit as st

from backend.client import public_token, public_url
from components.form.run_again_form import begin
from components.form.run_form import run_form
from components.frame.address import look_in_address, number_in_address, page, put_in_address
from components.frame.service import connect, require
from components.history.run_bar_panel import run_bar
from components.history.run_cards_panel import answer_card, ledger_row, name_of, problem_card
from components.run.log import run_log
from components.tree.colours import with_first_colour
from components.tree.live_tree_panel import TreeView, live_tree

service = connect()
catalog = require(service.catalog, "The catalogue")
preferences = require(service.settings, "The settings")
with st.sidebar:
    wish = run_form(catalog, begin(service, catalog, preferences))

run_id = number_in_address("run")
run = None if run_id is None else require(partial(service.info, run_id), f"Run {run_id}")
if run is not None:
    name, question = name_of(run), run.question
elif wish.chosen.problem:
    problem_id = wish.chosen.problem
    name, question = problem_id, require(lambda: service.problem(problem_id), problem_id).question
else:
    name, question = "your own text", wish.chosen.question or "Write a question on the left."

left, right = st.columns([3, 2], gap="small")
with left:
    problem_card(name, question)
with right:
    answer_card(run)
run_bar(service, wish, run)
status = "idle" if run is None else run.status
node = number_in_address("node")
budget = run.budget if run else None
look = look_in_address()
log = None if run is None else run_log(service, run)
if run is not None and log is not None:
    look = with_first_colour(look, run, log)
answers = log.answers() if log is not None and look.colour == "answer" else None
shown = TreeView(
    run_id,
    status,
    node,
    None,
    budget,
    public_url(),
    public_token(),
    height=400,
    above=480,
    look=look,
    answers=answers,
    recorded=dict(run.ledger) if run is not None and "imported" in run.spec else None,
)
events = live_tree(shown, key="solve")
if events.look is not None:
    put_in_address(**events.look.parts())
    st.rerun()
if events.picked is not None:
    parts = {name: part for name, part in look.parts().items() if part is not None}
    st.switch_page(
        page("trace"), query_params={"run": str(run_id), "node": str(events.picked), **parts}
    )
if events.status is not None:
    st.rerun()
if run is not None:
    ledger_row(run)
