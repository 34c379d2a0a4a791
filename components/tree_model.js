// The tree behind the picture, without a page: events fold into a state, a state becomes marks. Pure functions, no DOM.
// An event is {seq, t_ms, kind, node_id, round, phase, label, value, data}; `node` events carry the node itself.

export const NODE_LIMIT = 2000;
const HIDDEN_KINDS = new Set(["rollout", "aside"]);
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

export function emptyState() {
  return { seq: -1, ms: 0, round: 0, phase: "", nodes: new Map(), order: [], chosen: null, answer: null, correct: null, limit: null,
           ledger: { generated_tokens: 0, model_calls: 0, verifier_calls: 0, rounds: 0, seconds: 0 } };
}

// Fold one event into the state. Every kind that changes the picture has its line here; the others only move the clock.
export function applyEvent(state, event) {
  state.seq = event.seq;
  state.ms = Math.max(state.ms, event.t_ms || 0);
  state.round = event.round ?? state.round;
  state.phase = event.phase || state.phase;
  const data = event.data || {};
  const fold = FOLDS[event.kind];
  if (fold) fold(state, event, data);
  return state;
}

const FOLDS = {
  node(state, event, data) {
    const node = event.node || data.node || {};
    const id = node.id ?? event.node_id;
    state.nodes.set(id, { id, parent: node.parent_id ?? null, depth: node.depth || 0, kind: node.kind || "step", text: node.text || "",
      finish: node.finish || null, done: !!node.done, tokens: node.n_tokens || 0, logprob: node.mean_logprob ?? null, role: node.role || "policy",
      score: null, reason: null, pruned: false, visits: 0, weight: null });
    state.order.push(id);
    if (node.kind === "step" || node.kind === "rollout") {
      state.ledger.generated_tokens += node.n_tokens || 0;
      state.ledger.model_calls += 1;
    }
  },
  score(state, event, data) {
    const node = state.nodes.get(event.node_id);
    state.ledger.verifier_calls += 1;
    if (!node) return;
    node.score = event.value ?? null;
    node.reason = event.value == null ? data.reason || "no score" : null;
  },
  call(state, _event, data) { Object.assign(state.ledger, data.ledger || {}); },
  status(state, _event, data) { Object.assign(state.ledger, data.ledger || {}); },
  step(state) { state.ledger.rounds = Math.max(state.ledger.rounds, state.round + 1); },
  pruned(state, _event, data) { mark(state, data.nodes, true); },
  kept(state, _event, data) { mark(state, data.nodes, false); },
  resampled(state, _event, data) {
    const kept = new Set((data.ancestors || []).map((slot) => data.particles[slot]));
    mark(state, (data.particles || []).filter((id) => !kept.has(id)), true);
    mark(state, [...kept], false);
  },
  weighed(state, _event, data) {
    const heights = softmax(data.log_weights || []);
    (data.particles || []).forEach((id, slot) => { const node = state.nodes.get(id); if (node) node.weight = heights[slot]; });
  },
  backed(state, _event, data) { (data.path || []).forEach((id) => { const node = state.nodes.get(id); if (node) node.visits += 1; }); },
  answer(state, event, data) {
    state.chosen = event.node_id ?? state.chosen;
    state.answer = data.answer ?? null;
    state.correct = data.correct ?? null;
    if (data.ledger) Object.assign(state.ledger, data.ledger);
  },
  limit(state, event) { state.limit = { axis: event.label, value: event.value }; },
};

function mark(state, ids, pruned) {
  (ids || []).forEach((id) => { const node = state.nodes.get(id); if (node) node.pruned = pruned; });
}

function softmax(logs) {
  const finite = logs.map((value) => (typeof value === "number" ? value : -Infinity));
  const top = Math.max(...finite, -1e300);
  const powers = finite.map((value) => Math.exp(value - top));
  const total = powers.reduce((sum, value) => sum + value, 0) || 1;
  return powers.map((value) => value / total);
}

// Leaves take successive x in order of creation, a parent stands midway between its first and last child, y is depth.
// `parents[i]` is the position of i's parent (always earlier) or null. Same rule as components/layout.py.
export function layoutTree(parents) {
  const count = parents.length;
  const first = new Array(count).fill(-1), last = new Array(count).fill(-1), next = new Array(count).fill(-1);
  const x = new Array(count).fill(0), y = new Array(count).fill(0), roots = [];
  for (let i = 0; i < count; i++) {
    const parent = parents[i];
    if (parent === null || parent === undefined) { roots.push(i); continue; }
    y[i] = y[parent] + 1;
    if (first[parent] < 0) first[parent] = i; else next[last[parent]] = i;
    last[parent] = i;
  }
  let leaf = 0;
  const stack = roots.reverse();
  while (stack.length) {
    const i = stack.pop();
    if (first[i] < 0) { x[i] = leaf++; continue; }
    const children = [];
    for (let child = first[i]; child >= 0; child = next[child]) children.push(child);
    for (let at = children.length - 1; at >= 0; at--) stack.push(children[at]);
  }
  for (let i = count - 1; i >= 0; i--) if (first[i] >= 0) x[i] = (x[first[i]] + x[last[i]]) / 2;
  return { x, y, leaves: leaf };
}

export function chosenPath(state) {
  const path = new Set();
  for (let id = state.chosen; id !== null && state.nodes.has(id); id = state.nodes.get(id).parent) path.add(id);
  return path;
}

// Which nodes are drawn. Above the limit pruned leaves go first, then the newest; a hidden node is counted on its nearest drawn ancestor.
export function visible(state, showHidden, limit = NODE_LIMIT) {
  const path = chosenPath(state);
  let ids = state.order.filter((id) => showHidden || !HIDDEN_KINDS.has(state.nodes.get(id).kind));
  const children = new Map();
  ids.forEach((id) => { const parent = state.nodes.get(id).parent; children.set(parent, (children.get(parent) || 0) + 1); });
  const all = ids;
  if (ids.length > limit) ids = ids.filter((id) => path.has(id) || children.has(id) || !state.nodes.get(id).pruned);
  if (ids.length > limit) { let room = limit - path.size; ids = ids.filter((id) => path.has(id) || room-- > 0); }
  const drawn = new Set(ids), hidden = new Map();
  if (ids.length < all.length) all.forEach((id) => {
    if (drawn.has(id)) return;
    let parent = state.nodes.get(id).parent;
    while (parent !== null && !drawn.has(parent)) parent = state.nodes.get(parent)?.parent ?? null;
    if (parent !== null) hidden.set(parent, (hidden.get(parent) || 0) + 1);
  });
  return { ids, hidden, path };
}

export function shapeOf(node, chosen) {
  if (node.id === chosen) return "star";
  if (node.parent === null) return "diamond";
  if (node.finish === "aborted" || (node.score === null && node.reason)) return "triangle-down";
  if (node.done) return "square";
  if (node.pruned) return "x";
  if (node.kind === "injected") return "hexagon";
  return "circle";
}

export function stateOf(node, chosen) {
  const words = [];
  if (node.parent === null) words.push("problem");
  if (node.id === chosen) words.push("answer");
  if (node.finish === "aborted") words.push("aborted");
  if (node.reason) words.push("no score: " + node.reason);
  if (node.done) words.push("finished");
  if (node.pruned) words.push("pruned");
  if (node.kind !== "step" && node.kind !== "prompt") words.push(node.kind);
  return words.length ? words.join(", ") : "open";
}

// Model text may hold anything: Plotly reads a little HTML in labels, and bidi or control characters deceive the eye.
export function plain(text) {
  return String(text).replace(UNSAFE, (char) => "\u27e8U+" + char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "\u27e9");
}

export function escapeLabel(text) {
  return plain(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

function wrapped(text, width = 64, most = 320) {
  const short = text.length > most ? text.slice(0, most) + " \u2026" : text;
  const lines = [];
  for (const paragraph of short.trim().split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line && (line + " " + word).length > width) { lines.push(line); line = word; } else line = line ? line + " " + word : word;
      while (line.length > width) { lines.push(line.slice(0, width)); line = line.slice(width); }
    }
    lines.push(line);
  }
  return lines.map(escapeLabel).join("<br>");
}

export function labelOf(node, chosen) {
  const facts = ["node " + node.id, stateOf(node, chosen)];
  if (node.score !== null) facts.push("score " + node.score.toFixed(3));
  if (node.weight !== null) facts.push("weight " + node.weight.toFixed(3));
  if (node.visits) facts.push(node.visits + " visits");
  if (node.tokens) facts.push(node.tokens + " tokens");
  return "<b>" + facts.map(escapeLabel).join(" \u00b7 ") + "</b><br>" + wrapped(node.text);
}

// State -> what is drawn, as plain arrays.
export function marksOf(state, showHidden, limit = NODE_LIMIT) {
  const { ids, hidden, path } = visible(state, showHidden, limit);
  const at = new Map(ids.map((id, index) => [id, index]));
  const nodes = ids.map((id) => state.nodes.get(id));
  const places = layoutTree(nodes.map((node) => (node.parent !== null && at.has(node.parent) ? at.get(node.parent) : null)));
  const edges = { x: [], y: [] }, thick = { x: [], y: [] };
  nodes.forEach((node, index) => {
    const parent = at.get(node.parent);
    if (parent === undefined) return;
    const into = path.has(node.id) ? thick : edges;
    into.x.push(places.x[parent], places.x[index], null);
    into.y.push(places.y[parent], places.y[index], null);
  });
  const deepest = places.y.reduce((most, depth) => Math.max(most, depth), 0);
  return { ids, nodes, ...places, deepest, edges, thick, hidden: [...hidden].map(([id, count]) => ({ x: places.x[at.get(id)], y: places.y[at.get(id)], count })) };
}
