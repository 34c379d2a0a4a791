// The page of one search. Everything that was written by models, files or people goes in by
// textContent.

const SCALE = [
  [0, 34, 78],
  [67, 78, 108],
  [125, 124, 120],
  [188, 175, 111],
  [254, 232, 56],
]; // Cividis
const SHAPES = {
  circle: "M-1,0a1,1 0 1,0 2,0a1,1 0 1,0 -2,0Z",
  square: "M-.9,-.9H.9V.9H-.9Z",
  diamond: "M0,-1.3L1.3,0L0,1.3L-1.3,0Z",
  x: "M-1,-.6L-.6,-1L0,-.4L.6,-1L1,-.6L.4,0L1,.6L.6,1L0,.4L-.6,1L-1,.6L-.4,0Z",
  "triangle-down": "M-1.1,-.9H1.1L0,1.1Z",
  hexagon: "M-1,0L-.5,-.9H.5L1,0L.5,.9H-.5Z",
  star: "M0,-1.7L.47,-.55L1.6,-.55L.7,.2L1.03,1.4L0,.7L-1.03,1.4L-.7,.2L-1.6,-.55L-.47,-.55Z",
};
const NS = "http://www.w3.org/2000/svg",
  NARROWEST = 3,
  WIDEST = 7,
  SHALLOWEST = 7,
  DEEPEST = 24,
  SIZE = 1.2,
  UNSCORED = "#8a8f94";
const { run, events } = JSON.parse(document.getElementById("data").textContent);
const part = (id) => document.getElementById(id);
const page = {
  state: emptyState(),
  at: -1,
  picked: run.chosen_node ?? 0,
  showHidden: false,
  marks: null,
  box: null,
  playing: null,
  scores: new Map(),
  queued: false,
};

function say(id, text) {
  part(id).textContent = plain(text ?? "");
}

function header() {
  const title = `Run ${run.id}: ${run.strategy.replaceAll("_", " ")}`;
  document.title = plain(title);
  say("title", title);
  say(
    "facts",
    [
      run.status,
      run.model,
      run.manifest?.imported ? `imported (${run.manifest.imported.format})` : "",
      run.created_at.slice(0, 16).replace("T", " "),
      `${events.length} events`,
    ]
      .filter(Boolean)
      .join(" \u00b7 "),
  );
  say("question", run.question || "(the file does not say what was asked)");
  const word =
    run.correct === true ? "right" : run.correct === false ? "wrong" : run.grade || "not graded";
  say(
    "verdict",
    run.answer === null
      ? `No answer${run.reason ? `: ${run.reason}` : ""}`
      : "Answer: " +
          run.answer +
          " (" +
          word +
          (run.right_answer ? `, right answer: ${run.right_answer}` : "") +
          ")",
  );
  say(
    "settings",
    JSON.stringify(
      {
        params: run.params,
        budget: run.budget,
        seed: run.seed,
        verifier: run.verifier,
        selector: run.selector,
        ledger: run.ledger,
        manifest: run.manifest,
      },
      null,
      2,
    ),
  );
}

// Go to a moment: forwards from where the state is, backwards from the beginning.
function seek(at) {
  const target = Math.max(0, Math.min(events.length - 1, at));
  if (target < page.at) Object.assign(page, { state: emptyState(), at: -1, scores: new Map() });
  while (page.at < target) {
    const event = events[++page.at];
    applyEvent(page.state, event);
    if (event.kind === "score")
      page.scores.set(event.node_id, [...(page.scores.get(event.node_id) || []), event]);
  }
  if (!page.queued) {
    page.queued = true;
    requestAnimationFrame(draw);
  }
}

function draw() {
  page.queued = false;
  page.marks = marksOf(page.state, page.showHidden);
  const { nodes, x, y, hidden } = page.marks;
  const wide = Math.max(NARROWEST, Math.min(WIDEST, 240 / Math.max(1, page.marks.leaves))),
    width = Math.max(1, page.marks.leaves - 1) * wide;
  const frame = part("tree").getBoundingClientRect(),
    levels = Math.max(1, page.marks.deepest);
  const deep = Math.max(
    SHALLOWEST,
    Math.min(DEEPEST, (width * frame.height) / Math.max(1, frame.width) / levels),
  );
  page.unit = [wide, deep];
  page.whole = [-4, -4, width + 8, levels * deep + 8];
  part("edges").replaceChildren(line(page.marks.edges, ""), line(page.marks.thick, "thick"));
  part("marks").replaceChildren(
    ...nodes.map((node, index) => shape(node, x[index], y[index])),
    ...hidden.map(count),
  );
  view(page.box);
  const seq = events.length ? page.at : 0,
    ledger = page.state.ledger;
  const facts = [
    `${nodes.length} nodes`,
    ledger.generated_tokens ? `${ledger.generated_tokens} tokens` : "",
    ledger.verifier_calls ? `${ledger.verifier_calls} scores` : "",
    page.state.answer === null ? "" : `answer so far: ${page.state.answer}`,
  ];
  say("totals", facts.filter(Boolean).join(" \u00b7 "));
  Object.assign(part("slider"), {
    max: String(Math.max(0, events.length - 1)),
    value: String(seq),
  });
  say("position", `event ${seq} of ${Math.max(0, events.length - 1)}`);
  say("event", events[page.at] ? told(events[page.at]) : "");
  part("rollouts").hidden = !page.state.order.some((id) =>
    ["rollout", "aside"].includes(page.state.nodes.get(id).kind),
  );
  inspect();
}

function told(event) {
  const about = [
    event.kind,
    event.phase,
    event.label,
    event.track,
    event.node_id === null ? "" : `node ${event.node_id}`,
    event.value === null ? "" : String(event.value),
    event.data?.text || "",
  ];
  return `Event ${event.seq}, round ${event.round}: ${about.filter(Boolean).join(" \u00b7 ")}`;
}

function line(points, name) {
  const path = document.createElementNS(NS, "path");
  const [wide, deep] = page.unit;
  let d = "";
  for (let i = 0; i + 1 < points.x.length; i += 3) {
    const [x0, y0, x1, y1] = [
      points.x[i] * wide,
      points.y[i] * deep,
      points.x[i + 1] * wide,
      points.y[i + 1] * deep,
    ];
    d +=
      "M" +
      x0 +
      "," +
      y0 +
      "C" +
      x0 +
      "," +
      (y0 + y1) / 2 +
      " " +
      x1 +
      "," +
      (y0 + y1) / 2 +
      " " +
      x1 +
      "," +
      y1;
  }
  path.setAttribute("d", d);
  if (name) path.setAttribute("class", name);
  return path;
}

function shape(node, x, y) {
  const path = document.createElementNS(NS, "path");
  path.setAttribute("d", SHAPES[shapeOf(node, page.state.chosen)] || SHAPES.circle);
  path.setAttribute(
    "transform",
    "translate(" +
      x * page.unit[0] +
      "," +
      y * page.unit[1] +
      ") scale(" +
      (node.pruned ? 0.8 : SIZE) +
      ")",
  );
  path.setAttribute("fill", node.score === null ? UNSCORED : colour(node.score));
  path.dataset.node = String(node.id);
  path.classList.toggle("picked", node.id === page.picked);
  path.classList.toggle("unscored", node.score === null);
  const title = document.createElementNS(NS, "title");
  title.textContent =
    "node " +
    node.id +
    ", " +
    stateOf(node, page.state.chosen) +
    (node.score === null ? "" : `, score ${node.score.toFixed(3)}`) +
    "\n" +
    plain(node.text.slice(0, 200));
  path.append(title);
  return path;
}

function count(each) {
  const label = document.createElementNS(NS, "text");
  label.setAttribute("x", String(each.x * page.unit[0]));
  label.setAttribute("y", String(each.y * page.unit[1] + 4.5));
  label.textContent = `+${each.count}`;
  return label;
}

function colour(score) {
  const at = Math.max(0, Math.min(1, score)) * (SCALE.length - 1),
    low = Math.min(SCALE.length - 2, Math.floor(at));
  return (
    "rgb(" +
    SCALE[low]
      .map((value, i) => Math.round(value + (SCALE[low + 1][i] - value) * (at - low)))
      .join(",") +
    ")"
  );
}

function view(box) {
  part("tree").setAttribute("viewBox", (box || page.whole).join(" "));
}

function inspect() {
  const node = page.state.nodes.get(page.picked);
  if (!node) {
    say("name", `Node ${page.picked}`);
    say("numbers", "not yet written at this moment");
    say("text", "");
    part("path").replaceChildren();
    part("scores").replaceChildren();
    return;
  }
  const numbers = [
    stateOf(node, page.state.chosen),
    `step ${node.depth}`,
    node.role,
    node.score === null ? "" : `score ${node.score.toFixed(4)}`,
    node.weight === null ? "" : `weight ${node.weight.toFixed(4)}`,
    node.visits ? `${node.visits} visits` : "",
    node.tokens ? `${node.tokens} tokens` : "",
    node.logprob === null ? "" : `mean log p ${node.logprob.toFixed(3)}`,
  ];
  say("name", `Node ${node.id}`);
  say("numbers", numbers.filter(Boolean).join(" \u00b7 "));
  say("text", node.text || "(no text)");
  const path = [];
  for (let one = node; one; one = page.state.nodes.get(one.parent)) path.unshift(one);
  part("path").replaceChildren(...path.map(step));
  part("scores").replaceChildren(...(page.scores.get(node.id) || []).map(score));
}

function step(node) {
  const item = document.createElement("li"),
    button = document.createElement("button");
  button.type = "button";
  button.textContent = plain(
    node.id +
      ": " +
      (node.parent === null
        ? "(the problem)"
        : node.text.trim().split("\n")[0] || "(no text)"
      ).slice(0, 160),
  );
  button.onclick = () => pick(node.id);
  item.append(button);
  return item;
}

function score(event) {
  const item = document.createElement("li"),
    steps = event.data?.steps || [];
  item.textContent = plain(
    event.label +
      ": " +
      (event.value === null
        ? `none (${event.data?.reason || "no reason given"})`
        : event.value.toFixed(4)) +
      (steps.length > 1 ? `, by step ${steps.map((one) => one.toFixed(3)).join(", ")}` : "") +
      " (event " +
      event.seq +
      ")",
  );
  return item;
}

function pick(id) {
  page.picked = id;
  part("marks")
    .querySelectorAll("path")
    .forEach((path) => path.classList.toggle("picked", path.dataset.node === String(id)));
  inspect();
}

function walk(key) {
  const { nodes } = page.marks,
    here = page.state.nodes.get(page.picked);
  const beside = nodes.filter((node) => here && node.parent === here.parent),
    place = beside.findIndex((node) => node.id === page.picked);
  const to = {
    ArrowUp: () => here?.parent,
    ArrowDown: () => nodes.find((node) => node.parent === page.picked)?.id,
    ArrowLeft: () => beside[place - 1]?.id,
    ArrowRight: () => beside[place + 1]?.id,
  }[key.key];
  if (to) {
    const id = to();
    if (id !== undefined && id !== null) pick(id);
    key.preventDefault();
  }
  if (key.key === "+" || key.key === "-") zoom(key.key === "+" ? 0.8 : 1.25, 0.5, 0.5);
}

function zoom(factor, fx, fy) {
  const [x, y, w, h] = page.box || page.whole;
  page.box = [x + w * fx * (1 - factor), y + h * fy * (1 - factor), w * factor, h * factor];
  view(page.box);
}

function play() {
  clearInterval(page.playing);
  if (page.playing) {
    page.playing = null;
    say("play", "Play");
    return;
  }
  if (page.at >= events.length - 1) seek(0);
  const stride = Math.max(1, Math.round(events.length / 300));
  page.playing = setInterval(() => {
    if (page.at >= events.length - 1) play();
    else seek(page.at + stride);
  }, 100);
  say("play", "Pause");
}

part("marks").onclick = (click) => {
  if (click.target.dataset.node !== undefined) pick(Number(click.target.dataset.node));
};
part("slider").oninput = (change) => seek(Number(change.target.value));
part("play").onclick = play;
part("fit").onclick = () => {
  page.box = null;
  view(null);
};
part("rollouts").onclick = (click) => {
  page.showHidden = !page.showHidden;
  click.target.setAttribute("aria-pressed", String(page.showHidden));
  draw();
};
part("tree").onkeydown = walk;
part("tree").addEventListener(
  "wheel",
  (turn) => {
    turn.preventDefault();
    const frame = part("tree").getBoundingClientRect();
    zoom(
      turn.deltaY < 0 ? 0.85 : 1.18,
      (turn.clientX - frame.left) / frame.width,
      (turn.clientY - frame.top) / frame.height,
    );
  },
  { passive: false },
);
part("tree").onpointerdown = (down) => {
  if (down.target.dataset.node !== undefined) return;
  const start = page.box || page.whole,
    frame = part("tree").getBoundingClientRect();
  const scale = Math.max(start[2] / frame.width, start[3] / frame.height);
  part("tree").setPointerCapture(down.pointerId);
  part("tree").onpointermove = (move) => {
    page.box = [
      start[0] - (move.clientX - down.clientX) * scale,
      start[1] - (move.clientY - down.clientY) * scale,
      start[2],
      start[3],
    ];
    view(page.box);
  };
  part("tree").onpointerup = () => {
    part("tree").onpointermove = null;
  };
};
header();
seek(events.length - 1);
