"""How a tree is looked at goes into an address and comes back; what an address or a browser says
wrongly is left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from components.frame.look import COLOURS, LAYOUTS, MOST_OPEN, SIZES, Look, look_of, read_look
from components.run.context import ContextNode
from components.tree.live_tree_panel import TreeEvents, TreeView, read_events

ids = st.integers(0, 10**9)
looks = st.builds(
    Look,
    st.sampled_from(LAYOUTS),
    st.sampled_from(COLOURS),
    st.sampled_from(SIZES),
    st.none() | ids,
    st.lists(ids, max_size=9).map(tuple),
    st.lists(ids, max_size=9).map(tuple),
)


@given(looks)
def test_a_look_comes_back_from_its_address_and_from_the_browser(look: Look) -> None:
    assert look_of({name: part for name, part in look.parts().items() if part is not None}) == look
    assert read_look({"run": 1, **look.data()}) == look


def test_what_a_reader_finds_needs_no_address() -> None:
    assert set(Look().parts().values()) == {None} and look_of({}) == Look()


def test_what_is_none_of_ours_is_left_out() -> None:
    assert look_of(
        {
            "layout": "<b>",
            "colour": "red",
            "size": "",
            "focus": "-1",
            "open": "1.x.2.\u0663",
            "shut": "..",
        }
    ) == Look(open=(1, 2))
    assert read_look({"layout": 3, "focus": True, "open": "1.2", "shut": [None, 4, "5<"]}) == Look(
        shut=(4,)
    )


def test_an_address_holds_only_the_last_of_many_opened_nodes() -> None:
    assert look_of({"open": ".".join(map(str, range(500)))}).open == tuple(
        range(500 - MOST_OPEN, 500)
    )


def test_a_click_on_a_node_of_another_run_and_a_look_are_believed_for_their_own_run_only() -> None:
    foreign, look = {"run": 3, "other": 4, "node": 7}, {"run": 3, "layout": "outline"}
    assert read_events(3, None, None, None, foreign, look) == TreeEvents(
        None, None, None, (4, 7), Look("outline")
    )
    assert read_events(2, None, None, None, foreign, look) == TreeEvents(None, None, None)
    assert read_events(3, None, None, None, {"run": 3, "other": "4", "node": 7}, "x") == TreeEvents(
        None, None, None
    )


def test_nodes_of_another_run_travel_as_plain_data() -> None:
    node = ContextNode(-1, 0, "t", None, True, False, 8, 2)
    sent = TreeView(1, context=(node,)).data()["context"]
    assert sent == [
        {
            "id": -1,
            "parent": 0,
            "text": "t",
            "score": None,
            "done": True,
            "chosen": False,
            "run": 8,
            "node": 2,
        }
    ]
