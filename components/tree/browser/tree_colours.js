// What a colour and a size of a mark say. Pure functions, no DOM.

export const COLOURS = {
  score: "Verifier score",
  value: "Value Q",
  visits: "Visits",
  weight: "Weight",
  logprob: "Mean log-probability",
  order: "Order of creation",
  answer: "Answer reached",
};
export const SIZES = { same: "All the same", visits: "Visits", weight: "Weight" };
export const CLASS_COLOURS = [
  "#e69f00",
  "#56b4e9",
  "#009e73",
  "#0072b2",
  "#d55e00",
  "#cc79a7",
  "#f0e442",
]; // Okabe and Ito
export const SEVERAL = "rgba(128,128,128,0.9)",
  NONE = "rgba(128,128,128,0.25)",
  OTHER = "#444c54",
  UNKNOWN = "rgba(128,128,128,0.75)";
const CIVIDIS = [
  [0, 34, 78],
  [67, 78, 108],
  [125, 124, 120],
  [188, 175, 111],
  [254, 232, 56],
];
const READ = {
  score: (node) => node.score,
  value: (node) => node.value,
  visits: (node) => (node.visits ? Math.log10(node.visits) : null),
  weight: (node) => node.weight,
  logprob: (node) => node.logprob,
  order: (node) => node.place,
};

export function cividis(share) {
  const at = Math.max(0, Math.min(1, share)) * (CIVIDIS.length - 1),
    low = Math.min(CIVIDIS.length - 2, Math.floor(at));
  return (
    "rgb(" +
    CIVIDIS[low]
      .map((value, i) => Math.round(value + (CIVIDIS[low + 1][i] - value) * (at - low)))
      .join(",") +
    ")"
  );
}

// A number a node (null: it has none) and the ends of its scale: scores always 0 to 1, values from
// -1 where a search has negative ones, the others as far as the run goes.
export function scaleOf(mode, state) {
  const of = READ[mode] || READ.score;
  const scale = (low, high, ticks, words) => ({
    of,
    low,
    high,
    ticks,
    words: words || ticks.map(String),
    share: (node) => (of(node) - low) / (high - low || 1),
  });
  if (mode === "order")
    return scale(0, Math.max(1, state.order.length - 1), [0, Math.max(1, state.order.length - 1)]);
  let low = Infinity,
    high = -Infinity;
  if (mode !== "score")
    for (const node of state.nodes.values()) {
      const value = of(node);
      if (value !== null) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
  if (mode === "visits") {
    const powers = Array.from({ length: Math.floor(Math.max(high, 0)) + 1 }, (_, power) => power);
    return scale(
      0,
      Math.max(high, 0.31),
      powers,
      powers.map((power) => String(10 ** power)),
    );
  }
  if (mode === "logprob") {
    const least = Math.min(low, -0.1);
    return scale(
      least,
      0,
      [least, least / 2, 0],
      [least, least / 2, 0].map((value) => value.toFixed(2)),
    );
  }
  if (mode === "value" && low < 0) return scale(-1, 1, [-1, 0, 1]);
  return scale(0, 1, [0, 0.25, 0.5, 0.75, 1]);
}

// The answer that each subtree reaches, by node: an index into the labels, -1 for several answers;
// nodes from which no read answer was reached are absent.
export function answersReached(state, answers) {
  const reached = new Map();
  for (let at = state.order.length - 1; at >= 0; at--) {
    const id = state.order[at],
      node = state.nodes.get(id),
      own = answers.of[id];
    if (own !== undefined && node.done) join(reached, id, own);
    if (reached.has(id) && node.parent !== null) join(reached, node.parent, reached.get(id));
  }
  return reached;
}

function join(reached, id, label) {
  reached.set(id, reached.has(id) && reached.get(id) !== label ? -1 : label);
}

// The legend of the answers: the commonest first, each with its letter, its colour and its number
// of solutions; those beyond the colours share one.
export function answerClasses(state, answers) {
  const counts = answers.labels.map(() => 0);
  for (const [id, label] of Object.entries(answers.of))
    if (state.nodes.get(Number(id))?.done) counts[label] += 1;
  const ranked = counts
    .map((count, label) => ({ label, count }))
    .filter((one) => one.count)
    .sort((a, b) => b.count - a.count || a.label - b.label);
  return ranked.map((one, rank) => ({
    ...one,
    text: answers.labels[one.label],
    letter: rank < CLASS_COLOURS.length ? String.fromCharCode(65 + rank) : "",
    colour: CLASS_COLOURS[rank] || OTHER,
  }));
}

// The area of a mark grows with the number, hence its width with the root; a node without one keeps
// the least size.
export function sizeOf(mode, node, most) {
  if (mode !== "visits" && mode !== "weight") return 1;
  const value = mode === "visits" ? node.visits : node.weight;
  return value && most ? Math.max(0.55, 2.6 * Math.sqrt(value / most)) : 0.55;
}

export function mostOf(mode, nodes) {
  return nodes.reduce(
    (most, node) =>
      Math.max(most, (mode === "visits" ? node.visits : mode === "weight" ? node.weight : 0) || 0),
    0,
  );
}
