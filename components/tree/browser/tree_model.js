// The tree behind the picture, without a page: events fold into a state, a state becomes marks.
// The fold is that of backend/core/tree.py; a test grows every golden trace by both.
// Pure functions, no DOM. An event is {seq, t_ms, kind, node_id, round, phase, label, value, data};
// `node` events carry the node itself.

const HIDDEN_KINDS = new Set(["rollout", "aside"]);
const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

export function emptyState() {
  return {
    seq: -1,
    ms: 0,
    round: 0,
    phase: "",
    nodes: new Map(),
    order: [],
    chosen: null,
    answer: null,
    correct: null,
    limit: null,
    current: new Set(),
    turned: false,
    ledger: { generated_tokens: 0, model_calls: 0, verifier_calls: 0, rounds: 0, seconds: 0 },
  };
}

// Fold one event into the state. Every kind that changes the picture has its line here; the others
// only move the clock.
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
    state.nodes.set(id, {
      id,
      parent: node.parent_id ?? null,
      depth: node.depth || 0,
      kind: node.kind || "step",
      text: node.text || "",
      finish: node.finish || null,
      done: !!node.done,
      tokens: node.n_tokens || 0,
      logprob: node.mean_logprob ?? null,
      role: node.role || "policy",
      score: null,
      reason: null,
      pruned: false,
      visits: 0,
      total: 0,
      value: null,
      weight: null,
      place: state.order.length,
    });
    state.order.push(id);
    extended(state, node.parent_id ?? null);
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
  call(state, _event, data) {
    Object.assign(state.ledger, data.ledger || {});
  },
  status(state, _event, data) {
    Object.assign(state.ledger, data.ledger || {});
  },
  step(state) {
    state.ledger.rounds = Math.max(state.ledger.rounds, state.round + 1);
    state.turned = true;
  },
  pruned(state, _event, data) {
    mark(state, data.nodes, true);
  },
  kept(state, _event, data) {
    mark(state, data.nodes, false);
    turnTo(state, data.nodes);
  },
  resampled(state, _event, data) {
    const kept = new Set((data.ancestors || []).map((slot) => data.particles[slot]));
    mark(
      state,
      (data.particles || []).filter((id) => !kept.has(id)),
      true,
    );
    mark(state, [...kept], false);
    turnTo(state, [...kept]);
  },
  weighed(state, _event, data) {
    const heights = softmax(data.log_weights || []);
    (data.particles || []).forEach((id, slot) => {
      const node = state.nodes.get(id);
      if (node) node.weight = heights[slot];
    });
  },
  backed(state, event, data) {
    (data.path || []).forEach((id, level) =>
      backUp(state.nodes.get(id), event.value, data.means?.[level]),
    );
  },
  selected(state, _event, data) {
    turnTo(state, (data.path || []).slice(-1));
  },
  popped(state, event) {
    turnTo(state, [event.node_id]);
  },
  allocated(state, _event, data) {
    turnTo(
      state,
      (data.nodes || []).filter((_id, at) => data.widths?.[at] > 0),
    );
  },
  answer(state, event, data) {
    state.chosen = event.node_id ?? state.chosen;
    state.answer = data.answer ?? null;
    state.correct = data.correct ?? null;
    if (data.ledger) Object.assign(state.ledger, data.ledger);
  },
  limit(state, event) {
    state.limit = { axis: event.label, value: event.value };
  },
};

function mark(state, ids, pruned) {
  (ids || []).forEach((id) => {
    const node = state.nodes.get(id);
    if (node) node.pruned = pruned;
  });
}

// What a node is worth, Q: as the search recorded it, else the mean of the values that came back
// through it.
function backUp(node, value, recorded) {
  if (!node) return;
  node.visits += 1;
  node.total += value || 0;
  node.value = recorded ?? node.total / node.visits;
}

// The nodes that the search is extending: those that it said it turns to, and those whose children
// it wrote since.
function turnTo(state, ids) {
  state.current = new Set(
    (ids || []).filter((id) => state.nodes.has(id) && !state.nodes.get(id).done),
  );
}

function extended(state, parent) {
  if (parent === null) return;
  if (state.turned && !state.current.has(parent)) state.current = new Set();
  state.turned = false;
  state.current.add(parent);
}

function softmax(logs) {
  const finite = logs.map((value) => (typeof value === "number" ? value : -Infinity));
  const top = Math.max(...finite, -1e300);
  const powers = finite.map((value) => Math.exp(value - top));
  const total = powers.reduce((sum, value) => sum + value, 0) || 1;
  return powers.map((value) => value / total);
}

export function chosenPath(state) {
  const path = new Set();
  for (let id = state.chosen; id !== null && state.nodes.has(id); id = state.nodes.get(id).parent)
    path.add(id);
  return path;
}

// `lit` may name the nodes on the answer's path, those being extended now, and solutions that
// repeat an earlier one word for word.
export function shapeOf(node, chosen, lit = {}) {
  if (node.id === chosen) return "star";
  if (node.parent === null) return "diamond";
  if (node.finish === "aborted" || (node.score === null && node.reason)) return "triangle-down";
  if (node.done) return lit.repeats?.has(node.id) ? "square-x" : "square";
  if (node.pruned) return "x";
  if (lit.current?.has(node.id)) return "triangle-up";
  if (node.kind === "injected") return "hexagon";
  if (lit.path?.has(node.id)) return "circle-dot";
  return "circle";
}

export function stateOf(node, chosen) {
  const words = [];
  if (node.parent === null) words.push("problem");
  if (node.id === chosen) words.push("answer");
  if (node.finish === "aborted") words.push("aborted");
  if (node.reason) words.push(`no score: ${node.reason}`);
  if (node.done) words.push("finished");
  if (node.pruned) words.push("pruned");
  if (node.kind !== "step" && node.kind !== "prompt") words.push(node.kind);
  return words.length ? words.join(", ") : "open";
}

// The node in short, in the words of components/tree/inspector/head.py, which has the same of the
// service's own table.
export function headOf(node, chosen) {
  const facts = [
    ...(node.score === null ? [] : [`score ${node.score.toFixed(3)}`]),
    `step ${node.depth}`,
    ...(node.tokens ? [`${node.tokens} tokens`] : []),
    ...(node.visits ? [node.visits + (node.visits === 1 ? " visit" : " visits")] : []),
    ...(node.logprob === null
      ? []
      : [`mean log p ${node.logprob.toFixed(2).replace("-0.00", "0.00")}`]),
  ];
  const words = [
    [node.parent === null && node.kind === "prompt", "problem"],
    [node.id === chosen, "answer"],
    [node.finish === "aborted", "aborted"],
    [node.done, "finished"],
    [node.pruned, "pruned"],
    [node.reason, "unscored"],
  ]
    .filter(([holds]) => holds)
    .map(([, word]) => word);
  return {
    id: node.id,
    state: words.join(", ") || "open",
    facts,
    reason: plain(node.reason || ""),
    text: plain(node.text.replace(/\n+$/, "")),
  };
}

// Model text may hold anything: Plotly reads a little HTML in labels, and bidi or control
// characters deceive the eye.
export function plain(text) {
  return String(text).replace(
    UNSAFE,
    (char) => `\u27e8U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`,
  );
}

export function escapeLabel(text) {
  return plain(text)
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;");
}

function wrapped(text, width = 64, most = 320) {
  const short = text.length > most ? `${text.slice(0, most)} \u2026` : text;
  const lines = [];
  for (const paragraph of short.trim().split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line && `${line} ${word}`.length > width) {
        lines.push(line);
        line = word;
      } else line = line ? `${line} ${word}` : word;
      while (line.length > width) {
        lines.push(line.slice(0, width));
        line = line.slice(width);
      }
    }
    lines.push(line);
  }
  return lines.map(escapeLabel).join("<br>");
}

export function labelOf(node, chosen) {
  const facts = [`node ${node.id}`, stateOf(node, chosen)];
  if (node.score !== null) facts.push(`score ${node.score.toFixed(3)}`);
  if (node.weight !== null) facts.push(`weight ${node.weight.toFixed(3)}`);
  if (node.visits) facts.push(`${node.visits} visits`, `Q ${node.value.toFixed(3)}`);
  if (node.tokens) facts.push(`${node.tokens} tokens`);
  return `<b>${facts.map(escapeLabel).join(" \u00b7 ")}</b><br>${wrapped(node.text)}`;
}
