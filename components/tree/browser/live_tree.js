// The live tree: one DOM element that follows a run (live_stream.js) and draws it (live_draw.js,
// live_outline.js) as the reader wishes (live_tools.js). Streamlit calls the default export again
// at every rerun; the element keeps its stream, its zoom and its events, and only takes over the
// new data. Text is set by textContent only.

const KINDS = [
  "node",
  "score",
  "step",
  "weighed",
  "resampled",
  "referenced",
  "swapped",
  "selected",
  "backed",
  "rolled",
  "jumped",
  "drawn",
  "pushed",
  "popped",
  "kept",
  "pruned",
  "replaced",
  "allocated",
  "remarked",
  "call",
  "likelihood",
  "compared",
  "answer",
  "limit",
];
const OVER = new Set(["finished", "failed", "cancelled", "crashed", "deleted"]);
const WORDS = {
  idle: "ready",
  queued: "queued",
  loading: "loading model",
  running: "live",
  paused: "paused",
  finished: "finished",
  failed: "failed",
  cancelled: "stopped",
  crashed: "cut off",
  reconnecting: "reconnecting",
  closing: "server stopped",
  deleted: "deleted",
  refused: "refused",
};
const TELLING = new Set([
  "queued",
  "loading",
  "paused",
  "failed",
  "crashed",
  "reconnecting",
  "refused",
]);
// after the inspector has come, and before the reader's eyes have gone on to the table
const SETTLED_MS = 250;
const SHORTEST_WAIT_MS = 120,
  LONGEST_WAIT_MS = 2000,
  REST = 1.5; // REST: waits this many times as long as a drawing takes
const EDGE = "rgba(128,128,128,0.45)",
  GREY = "rgba(128,128,128,0.75)";

export default function (component) {
  const host = component.parentElement.querySelector(".arboretum-tree");
  host.arboretum ||= createView(host);
  const view = host.arboretum;
  view.trigger = component.setTriggerValue;
  view.setState = component.setStateValue;
  take(view, component.data || {});
  return () =>
    setTimeout(() => {
      if (!host.isConnected) close(view);
    }, 300);
}

function createView(host) {
  const part = (name) => host.querySelector(`.${name}`);
  const view = {
    host,
    plot: part("at-plot"),
    part,
    events: [],
    state: emptyState(),
    data: {},
    status: "idle",
    source: null,
    timer: null,
    waitMs: SHORTEST_WAIT_MS,
    until: null,
    hold: false,
    showHidden: false,
    selected: null,
    lastDraw: 0,
    draws: 0,
    playing: null,
    since: Date.now(),
    reading: null,
    pan: null,
    look: lookFrom({}),
    sent: new Set(),
  };
  part("at-fit").onclick = () => {
    view.pan = null;
    schedule(view);
  };
  part("at-hold").onclick = (click) => {
    view.hold = toggle(click.target);
    schedule(view);
  };
  part("at-hidden").onclick = (click) => {
    view.showHidden = toggle(click.target);
    schedule(view);
  };
  makeTransport(view);
  view.linked = (told) => linked(view, told);
  host.onkeydown = (key) => walk(view, key);
  wireTools(view);
  wireOutline(view);
  view.clock = setInterval(() => status(view), 1000);
  new ResizeObserver(() => schedule(view)).observe(view.plot);
  return view;
}

function toggle(button) {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  return on;
}

// New data from the page: another run starts afresh, the same run only changes what is marked or
// shown.
function take(view, data) {
  const other =
    data.run !== view.data.run || data.base !== view.data.base || data.token !== view.data.token;
  const moved = data.until !== view.data.until;
  view.data = data;
  if (other || (moved && !ahead(view, data.until))) view.until = data.until ?? null;
  // old data come again whenever the page is drawn
  if (other || data.told !== view.told) view.selected = data.selected ?? null;
  view.told = data.told;
  view.plot.style.height = view.part("at-outline").style.height =
    `max(${data.height || 480}px, calc(100vh - ${data.above || 460}px))`;
  takeLook(view, data, other);
  view.part("at-transport").hidden = !data.replay;
  loadPlotly(view).then(
    () => {
      // Kept: charts of the page bring a Plotly of their own under the same name, and one that did
      // not make a drawing would make it anew.
      view.plotly = view.plotly || window.Plotly;
      schedule(view);
    },
    () =>
      say(
        view.part("at-empty"),
        refusal(view) || `The drawing library could not be loaded from ${baseOf(view)}`,
      ),
  );
  if (other) {
    close(view);
    Object.assign(view, {
      events: [],
      state: emptyState(),
      drawn: null,
      pan: null,
      made: null,
      shownAt: null,
    });
    setStatus(view, data.status || "queued", false);
  }
  if (other || (!view.source && OVER.has(view.status) && !OVER.has(data.status))) open(view);
  schedule(view);
}

// Parts of the page that are slower than the inspector follow when no other node was chosen for a
// moment.
function settling(view, behind) {
  clearTimeout(view.settle);
  if (behind)
    view.settle = setTimeout(
      () => linkOf(view)?.trigger("settled", { run: view.data.run }),
      SETTLED_MS,
    );
}

function linkOf(view) {
  return window.arboretumNodes?.[view.data.run];
}

// What the page says of the chosen node beside the tree's own data (node_head.js).
function linked(view, { run, selected, behind }) {
  if (run !== view.data.run) return;
  view.selected = selected ?? null;
  settling(view, behind);
  light(view);
  if (view.drawn) tellTools(view, view.drawn);
  schedule(view);
}

function shut(view) {
  if (view.source) view.source.close();
  view.source = view.reading = null;
  clearTimeout(view.retry);
}

function close(view) {
  shut(view);
  clearTimeout(view.timer);
  clearTimeout(view.settle);
  clearInterval(view.playing);
  view.timer = view.playing = null;
}

function receive(view, event) {
  const last = view.events.length ? view.events[view.events.length - 1].seq : -1;
  if (event.seq <= last) return;
  view.events.push(event);
  if (view.status === "reconnecting" || view.status === "queued") setStatus(view, "running", false);
  if (view.until === null) applyEvent(view.state, event);
  schedule(view);
}

function setStatus(view, name, tell, reason) {
  if (!name) return;
  const fresh = name !== view.status;
  if (fresh) view.since = Date.now();
  view.status = name;
  view.reason = TELLING.has(name) ? reason || "" : "";
  if (!["reconnecting", "closing", "refused"].includes(name)) view.lastStatus = name;
  if (fresh && tell && name !== view.data.status)
    view.trigger("status", { run: view.data.run, status: name });
  status(view);
}

// ---- drawing: the first event at once, then no more often than the machine can bear ----
function schedule(view) {
  if (view.timer !== null) return;
  const wait = Math.max(8, view.waitMs - (performance.now() - view.lastDraw));
  view.timer = setTimeout(() => {
    view.timer = null;
    draw(view);
  }, wait);
}

// ---- the line above the tree ----
function status(view) {
  settle(view);
  const { ledger, answer } = view.state,
    chip = view.part("at-status");
  const waited = Math.round((Date.now() - view.since) / 1000);
  const word =
    (WORDS[view.status] || view.status) +
    (["queued", "loading", "reconnecting"].includes(view.status) ? ` ${waited} s` : "") +
    (view.until === null ? "" : ", looking back");
  chip.dataset.state = view.status;
  say(chip.querySelector(".at-word"), word);
  say(view.part("at-reason"), view.reason || "");
  say(
    view.part("at-totals"),
    view.events.length
      ? [counted(view.state.order.length, "node"), ...costs(view, ledger)].join("  \u00b7  ")
      : "",
  );
  say(
    view.part("at-answer"),
    answer === null || answer === undefined ? "" : `answer so far: ${plain(answer)}`,
  );
  view.part("at-answer").hidden = OVER.has(view.status) && view.until === null;
  spent(view, ledger);
  showTransport(view);
}

// What was spent by now; of a run that another program made only what its file holds.
function costs(view, ledger) {
  const known = view.data.recorded;
  if (!known)
    return [
      counted(ledger.generated_tokens, "token"),
      counted(ledger.model_calls, "call"),
      counted(ledger.verifier_calls, "score"),
      `round ${number(ledger.rounds)}`,
      `${((view.state.ms || 0) / 1000).toFixed(1)} s`,
    ];
  const kept = [
    ["generated_tokens", "token"],
    ["model_calls", "call"],
  ].filter(([axis]) => known[axis] !== undefined);
  return [
    ...kept.map(([axis, word]) => counted(known[axis], word)),
    ...(ledger.verifier_calls ? [counted(ledger.verifier_calls, "score")] : []),
    ...(known.seconds === undefined ? [] : [`${known.seconds.toFixed(1)} s`]),
    ...(known.generated_tokens === undefined ? ["tokens not recorded"] : []),
  ];
}

function spent(view, ledger) {
  const [axis, limit] = Object.entries(view.data.budget || {})[0] || [];
  const bar = view.part("at-budget");
  bar.hidden = !axis;
  if (!axis) return;
  const used = axis === "seconds" ? view.state.ms / 1000 : ledger[axis] || 0;
  bar.querySelector(".at-fill").style.width = `${Math.min(100, (100 * used) / limit)}%`;
  bar.setAttribute("aria-valuenow", String(Math.round(used)));
  bar.setAttribute("aria-valuemax", String(limit));
  bar.title =
    number(Math.round(used)) +
    " of " +
    number(limit) +
    " " +
    axis.replace("_", " ") +
    (view.state.limit ? " (spent)" : "");
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
function counted(value, what) {
  return `${number(value)} ${what}${Math.round(value || 0) === 1 ? "" : "s"}`;
}
function number(value) {
  return Math.round(value || 0).toLocaleString("en-US");
}

function loadPlotly(view) {
  if (window.Plotly?.react) return Promise.resolve();
  window.arboretumPlotly =
    window.arboretumPlotly ||
    new Promise((done, failed) => {
      const script = document.createElement("script");
      script.referrerPolicy = "no-referrer";
      script.src = addressOf(view, "assets/plotly.min.js");
      script.onload = done;
      script.onerror = () => {
        window.arboretumPlotly = null;
        failed(new Error("no plotly"));
      };
      document.head.append(script);
    });
  return window.arboretumPlotly;
}
