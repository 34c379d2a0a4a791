// What the keys do, and where they lead. Pure functions, no DOM.
// The letters C and R belong to Streamlit.

const ARROWS = {
  down: { ArrowUp: "parent", ArrowDown: "child", ArrowLeft: "before", ArrowRight: "after" },
  right: { ArrowLeft: "parent", ArrowRight: "child", ArrowUp: "before", ArrowDown: "after" },
  outline: { ArrowUp: "above", ArrowDown: "below", ArrowLeft: "parent", ArrowRight: "inwards" },
};
const LETTERS = {
  j: "next",
  k: "previous",
  p: "parent",
  a: "answer",
  d: "disagreement",
  Home: "first",
  End: "last",
  Enter: "toggle",
  o: "toggle",
  f: "focus",
  u: "outwards",
  Escape: "leave",
  l: "layout",
  0: "fit",
  "?": "help",
};

export const HELP = [
  ["Arrows", "parent, child, siblings (in the outline: line up and down, into and out of a node)"],
  ["J  K", "next and previous node in order of creation"],
  ["P", "parent"],
  ["A", "the node that gives the answer"],
  [
    "D",
    "next disagreement: a node that was pruned, or left without a continuation, although the verifier scored it above a sibling that went on",
  ],
  ["Home  End", "first and newest node"],
  ["Enter or O", "close or open what is below the node"],
  ["F", "show only the subtree of the node"],
  ["U", "one step out of the subtree"],
  ["L", "next layout"],
  ["0", "fit the whole tree"],
  ["Esc", "leave the subtree, close this help"],
  ["[  ]", "replay: one event back, on"],
  ["{  }", "replay: one round back, on"],
  ["?", "this help"],
];

export function actionOf(key, layout) {
  return (ARROWS[layout] || ARROWS.down)[key] || LETTERS[key] || LETTERS[key.toLowerCase()] || null;
}

// The node that an action leads to, or null. `marks` are what is drawn now, in which rows and
// siblings are looked up; the order of creation is that of `state`.
export function moved(action, state, marks, selected, showHidden) {
  const here = state.nodes.get(selected);
  if (action === "answer") return state.chosen;
  if (action === "disagreement") return following(disagreements(state), selected);
  const order = () =>
    state.order.filter((id) => showHidden || !HIDDEN_KINDS.has(state.nodes.get(id).kind));
  if (action === "first" || !here) return order()[0] ?? null;
  if (action === "last") return order().pop() ?? null;
  if (action === "next")
    return order().find((id) => state.nodes.get(id).place > here.place) ?? null;
  if (action === "previous")
    return (
      order()
        .reverse()
        .find((id) => state.nodes.get(id).place < here.place) ?? null
    );
  if (action === "parent") return here.parent;
  if (action === "child" || action === "inwards")
    return order().find((id) => state.nodes.get(id).parent === selected) ?? null;
  return action === "above" || action === "below"
    ? beside(
        outlineOf(marks.parents.slice(0, marks.ids.length)).map((row) => marks.ids[row.at]),
        selected,
        action === "below" ? 1 : -1,
      )
    : acrossTo(marks, selected, action === "after" ? 1 : -1);
}

// Along the row of the drawn nodes of one depth: siblings first, then those of the next parent.
function acrossTo(marks, selected, step) {
  const here = marks.at.get(selected);
  if (here === undefined) return null;
  const row = marks.ids
    .map((_id, at) => at)
    .filter((at) => marks.y[at] === marks.y[here])
    .sort((a, b) => marks.x[a] - marks.x[b]);
  return beside(
    row.map((at) => marks.ids[at]),
    selected,
    step,
  );
}

function beside(ids, selected, step) {
  return ids[ids.indexOf(selected) + step] ?? null;
}

function following(ids, selected) {
  return ids.find((id) => id > selected) ?? ids[0] ?? null;
}

// Where verifier and fate disagree. A node is lost if it was pruned, or has no children, is not
// finished and is not the answer; its sibling went on if it was not pruned and has children, is
// finished, or is the answer. A disagreement is a lost node that scored above a sibling that went
// on, in order of creation.
export function disagreements(state) {
  const parents = new Set(),
    least = new Map();
  for (const node of state.nodes.values())
    if (node.parent !== null && !HIDDEN_KINDS.has(node.kind)) parents.add(node.parent);
  const wentOn = (node) =>
    !node.pruned && (parents.has(node.id) || node.done || node.id === state.chosen);
  const judged = state.order
    .map((id) => state.nodes.get(id))
    .filter((node) => node.parent !== null && node.score !== null && !HIDDEN_KINDS.has(node.kind));
  judged.forEach((node) => {
    if (wentOn(node))
      least.set(node.parent, Math.min(least.get(node.parent) ?? Infinity, node.score));
  });
  return judged
    .filter(
      (node) =>
        !wentOn(node) &&
        !state.current.has(node.id) &&
        node.score > (least.get(node.parent) ?? Infinity),
    )
    .map((node) => node.id);
}

// The ids from the root to the node, and all below it.
export function lineage(state, id) {
  const path = new Set(wayTo(state, id)),
    below = new Set();
  if (state.nodes.has(id))
    for (const other of state.order) {
      const parent = state.nodes.get(other).parent;
      if (parent === id || below.has(parent)) below.add(other);
    }
  return { path, below };
}
