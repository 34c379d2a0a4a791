// The live tree: one DOM element that follows a run by EventSource and redraws with Plotly.react. Streamlit calls the default export again
// at every rerun; the element keeps its stream, its zoom and its events, and only takes over the new data. Text is set by textContent only.

const KINDS = ["node", "score", "step", "weighed", "resampled", "referenced", "swapped", "selected", "backed", "rolled", "jumped", "drawn", "pushed",
               "popped", "kept", "pruned", "replaced", "allocated", "remarked", "call", "answer", "limit"];
const OVER = new Set(["finished", "failed", "cancelled", "crashed", "deleted"]);
const WORDS = { idle: "ready", queued: "queued", loading: "loading model", running: "live", paused: "paused", finished: "finished", failed: "failed",
                cancelled: "stopped", crashed: "cut off", reconnecting: "reconnecting", closing: "server stopped", deleted: "deleted", refused: "refused" };
const TELLING = new Set(["queued", "loading", "paused", "failed", "crashed", "reconnecting", "refused"]);
const SHORTEST_WAIT_MS = 120, LONGEST_WAIT_MS = 2000, REST = 1.5;  // REST: waits this many times as long as a drawing takes
const EDGE = "rgba(128,128,128,0.45)", GREY = "rgba(128,128,128,0.75)";

export default function (component) {
  const host = component.parentElement.querySelector(".arboretum-tree");
  const view = host.arboretum || (host.arboretum = createView(host));
  view.trigger = component.setTriggerValue;
  view.setState = component.setStateValue;
  take(view, component.data || {});
  return () => setTimeout(() => { if (!host.isConnected) close(view); }, 300);
}

function createView(host) {
  const part = (name) => host.querySelector("." + name);
  const view = { host, plot: part("at-plot"), part, events: [], state: emptyState(), data: {}, status: "idle", source: null, timer: null, waitMs: SHORTEST_WAIT_MS,
                 until: null, hold: false, showHidden: false, selected: null, lastDraw: 0, draws: 0, playing: null, since: Date.now() };
  part("at-fit").onclick = () => { view.pan = null; schedule(view); };
  part("at-hold").onclick = (click) => { view.hold = toggle(click.target); schedule(view); };
  part("at-hidden").onclick = (click) => { view.showHidden = toggle(click.target); schedule(view); };
  part("at-slider").oninput = (change) => seek(view, Number(change.target.value));
  part("at-slider").onchange = () => report(view);
  part("at-play").onclick = () => play(view);
  host.onkeydown = (key) => walk(view, key);
  view.clock = setInterval(() => status(view), 1000);
  new ResizeObserver(() => schedule(view)).observe(view.plot);
  return view;
}

function toggle(button) {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  return on;
}

// New data from the page: another run starts afresh, the same run only changes what is marked or shown.
function take(view, data) {
  const other = data.run !== view.data.run || data.base !== view.data.base || data.token !== view.data.token;
  const moved = data.until !== view.data.until;
  view.data = data;
  if (other || moved) view.until = data.until ?? null;
  view.selected = data.selected ?? null;
  view.plot.style.height = "max(" + (data.height || 480) + "px, calc(100vh - " + (data.above || 460) + "px))";
  view.part("at-transport").hidden = !data.replay;
  loadPlotly(view).then(() => schedule(view), () => say(view.part("at-empty"), refusal(view) || "The drawing library could not be loaded from " + baseOf(view)));
  if (other) { close(view); Object.assign(view, { events: [], state: emptyState(), drawn: null, pan: null }); setStatus(view, data.status || "queued", false); }
  if (other || (!view.source && OVER.has(view.status) && !OVER.has(data.status))) open(view);
  schedule(view);
}

function open(view) {
  if (view.data.run === null || view.data.run === undefined) { setStatus(view, "idle", false); return; }
  const after = view.events.length ? view.events[view.events.length - 1].seq : -1;
  const source = new EventSource(addressOf(view, "runs/" + encodeURIComponent(view.data.run) + "/events", { after }));
  view.source = source;
  const listen = (name, act) => source.addEventListener(name, (message) => { if (view.source === source) act(JSON.parse(message.data || "{}")); });
  KINDS.forEach((kind) => listen(kind, (event) => receive(view, event)));
  listen("status", (data) => (data.seq === undefined ? setStatus(view, data.status, true, data.reason) : receive(view, data)));
  listen("done", (data) => { shut(view); setStatus(view, data.status || "finished", true); schedule(view); });
  listen("closing", () => { shut(view); setStatus(view, "closing", false); view.retry = setTimeout(() => open(view), 2000); });
  source.onopen = () => { if (view.status === "reconnecting" || view.status === "closing") setStatus(view, view.lastStatus || "running", false); };
  source.onerror = () => {
    if (view.source !== source) return;
    setStatus(view, "reconnecting", false, view.status === "reconnecting" ? view.reason : "");
    if (source.readyState === EventSource.CLOSED) { shut(view); again(view); }
  };
}

// A stream does not say why it was turned away, so a plain request asks. A token that was refused once is refused again: then there is an end.
async function again(view) {
  const asked = (view.retry = setTimeout(() => open(view), 2000)), address = addressOf(view, "health");
  const answer = await fetch(address, { cache: "no-store" }).catch(() => null);
  // No answer that this page may read: does anybody answer at all?
  const somebody = answer || (await fetch(address, { cache: "no-store", mode: "no-cors" }).catch(() => null));
  if (view.retry !== asked || view.source) return;
  if (answer && (answer.status === 401 || answer.status === 403)) { clearTimeout(asked); refuse(view, answer.status); }
  else if (somebody && !answer) setStatus(view, "reconnecting", false, baseOf(view) + " answers, but not to pages of " + window.location.origin + ": is it among its ARBORETUM_ORIGINS?");
}

function refuse(view, code) {
  const token = view.data.token ? "the token of these pages" : "pages without its token";
  const remedy = view.data.base ? "Start the pages with its token in ARBORETUM_TOKEN." : "Open the page again with ?token= in its address.";
  setStatus(view, "refused", false, baseOf(view) + (code === 401 ? " refuses " + token + ". " + remedy : " does not let this page in."));
  say(view.part("at-empty"), view.reason);
}

function refusal(view) { return view.status === "refused" ? view.reason : ""; }

function baseOf(view) { return (view.data.base || window.location.origin).replace(/\/$/, ""); }

// Neither a stream nor a script can carry a header, and a cookie is not sent to another origin: a remote backend finds its token in the address.
function addressOf(view, path, query) {
  const asked = new URLSearchParams(query);
  if (view.data.token) asked.set("token", view.data.token);
  return [baseOf(view) + "/api/" + path, asked.toString()].filter(Boolean).join("?");
}

function shut(view) { if (view.source) view.source.close(); view.source = null; clearTimeout(view.retry); }

function close(view) {
  shut(view);
  clearTimeout(view.timer);
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
  if (fresh && tell && name !== view.data.status) view.trigger("status", { run: view.data.run, status: name });
  status(view);
}

// ---- drawing: the first event at once, then no more often than the machine can bear ----
function schedule(view) {
  if (view.timer !== null) return;
  const wait = Math.max(8, view.waitMs - (performance.now() - view.lastDraw));
  view.timer = setTimeout(() => { view.timer = null; draw(view); }, wait);
}

function draw(view) {
  if (!window.Plotly || !view.host.isConnected) return;
  view.lastDraw = performance.now();
  status(view);
  if (view.hold && view.drawn) return;
  const marks = marksOf(view.state, view.showHidden);
  view.part("at-empty").hidden = marks.nodes.length > 0;
  say(view.part("at-empty"), refusal(view) || (view.data.run == null ? "Press Run: the tree grows here." : OVER.has(view.status) ? "This run wrote nothing." : "Waiting for the first step \u2026"));
  view.part("at-hidden").hidden = !view.state.order.some((id) => ["rollout", "aside"].includes(view.state.nodes.get(id).kind));
  window.Plotly.react(view.plot, traces(view, marks), layoutOf(view, marks), CONFIG);
  if (!view.wired) {
    view.plot.on("plotly_click", (click) => pick(view, click.points[0] && click.points[0].customdata));
    view.plot.on("plotly_relayout", () => { keepPan(view); schedule(view); });
    view.wired = true;
  }
  view.drawn = marks;
  view.draws += 1;
  view.host.dataset.draws = String(view.draws);
  view.host.dataset.nodes = String(marks.nodes.length);
  view.host.dataset.seq = String(view.state.seq);
  view.waitMs = Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, REST * (performance.now() - view.lastDraw)));
}

const CONFIG = { scrollZoom: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "", responsive: true, doubleClick: "autosize",
                 modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"], toImageButtonOptions: { format: "svg", filename: "arboretum-tree" } };

function ink(view) {
  const style = getComputedStyle(view.host);
  const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  return { text: read("--st-text-color", "#222"), page: read("--st-background-color", "#fff"), accent: read("--st-primary-color", "#2f6f4f"),
           font: read("--st-font", "sans-serif") };
}

function traces(view, marks) {
  const colours = ink(view);
  const size = Math.max(6, Math.min(15, (0.62 * view.plot.clientWidth) / Math.max(marks.leaves, 1)));
  const few = marks.nodes.length <= 60 && marks.leaves <= 14;
  const line = (points, width, color) => ({ type: "scatter", mode: "lines", x: points.x, y: points.y, line: { width, color }, hoverinfo: "skip" });
  const dots = (test, marker) => {
    const at = marks.nodes.map((_node, index) => index).filter((index) => test(marks.nodes[index]));
    const of = (read) => at.map((index) => read(marks.nodes[index]));
    return { type: "scatter", mode: few ? "markers+text" : "markers", x: at.map((index) => marks.x[index]), y: at.map((index) => marks.y[index]),
      customdata: of((node) => node.id), hovertext: of((node) => labelOf(node, view.state.chosen)), hoverinfo: "text", cliponaxis: false,
      text: of((node) => (node.score === null ? "" : node.score.toFixed(2))), textposition: "middle right", textfont: { size: 11, color: colours.text },
      marker: { symbol: of((node) => shapeOf(node, view.state.chosen)), line: { width: 1.2, color: colours.text },
        size: of((node) => (node.id === view.state.chosen ? size * 1.7 : node.parent === null ? size * 1.15 : size)),
        opacity: of((node) => (node.pruned && !node.done ? 0.6 : 1)), ...marker(of) } };
  };
  const scored = dots((node) => node.score !== null, (of) => ({ color: of((node) => node.score), colorscale: "Cividis", cmin: 0, cmax: 1, showscale: true,
    colorbar: { title: { text: "score", side: "top", font: { size: 11 } }, thickness: 9, len: 0.72, outlinewidth: 0, tickvals: [0, 0.25, 0.5, 0.75, 1], tickfont: { size: 11 }, x: 1.01, xpad: 4 } }));
  const bare = dots((node) => node.score === null, () => ({ color: GREY }));
  const chosenAt = marks.ids.indexOf(view.selected);
  const ring = { type: "scatter", mode: "markers", x: chosenAt < 0 ? [] : [marks.x[chosenAt]], y: chosenAt < 0 ? [] : [marks.y[chosenAt]], hoverinfo: "skip", cliponaxis: false,
    marker: { symbol: "circle-open", size: size * 1.9 + 3, color: colours.accent, line: { width: 3 } } };
  const counts = { type: "scatter", mode: "text", x: marks.hidden.map((mark) => mark.x), y: marks.hidden.map((mark) => mark.y), hoverinfo: "skip",
    text: marks.hidden.map((mark) => "+" + mark.count), textposition: "bottom center", textfont: { size: 10, color: colours.text } };
  return [line(marks.edges, 1.1, EDGE), line(marks.thick, 4, colours.accent), bare, scored, ring, counts];
}

// Plotly forgets a pan when the automatic range has changed in the meantime, so what the reader chose is kept here until Fit or a double click.
function keepPan(view) {
  const { xaxis, yaxis } = view.plot._fullLayout;
  view.pan = xaxis.autorange && yaxis.autorange ? null : { x: [...xaxis.range], y: [...yaxis.range] };
}

function layoutOf(view, marks) {
  const colours = ink(view);
  const step = Math.max(1, Math.ceil(marks.deepest / 12));
  return { uirevision: String(view.data.run), dragmode: "pan", hovermode: "closest", hoverdistance: 18, showlegend: false, autosize: true,
    margin: { l: 34, r: 8, t: 26, b: 10 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: colours.font, size: 12, color: colours.text },
    hoverlabel: { bgcolor: colours.page, bordercolor: GREY, font: { family: colours.font, size: 12, color: colours.text }, align: "left" },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: GREY, activecolor: colours.accent },
    xaxis: { visible: false, ...(view.pan ? { autorange: false, range: [...view.pan.x] } : { autorange: true }) },
    yaxis: { visible: marks.deepest > 0, ...(view.pan ? { autorange: false, range: [...view.pan.y] } : { autorange: "reversed" }), zeroline: false, dtick: step, gridcolor: "rgba(128,128,128,0.13)", tickfont: { size: 11, color: GREY }, title: { text: "step", font: { size: 11, color: GREY }, standoff: 4 } } };
}

// ---- choosing a node ----
function pick(view, id) {
  if (id === undefined || id === null) return;
  view.selected = id;
  const node = view.state.nodes.get(id);
  view.part("at-said").textContent = node ? "node " + id + " selected, " + stateOf(node, view.state.chosen) + (node.score === null ? "" : ", score " + node.score.toFixed(2)) : "";
  schedule(view);
  view.trigger("picked", { run: view.data.run, node: id });
}

function walk(view, key) {
  if (!view.drawn || key.target.tagName === "INPUT" || !["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"].includes(key.key)) return;
  key.preventDefault();
  const nodes = view.drawn.nodes, here = nodes.find((node) => node.id === view.selected);
  if (!here) { pick(view, nodes[0] && nodes[0].id); return; }
  if (key.key === "ArrowUp") { pick(view, here.parent); return; }
  if (key.key === "ArrowDown") { pick(view, nodes.find((node) => node.parent === here.id)?.id); return; }
  const x = new Map(view.drawn.ids.map((id, index) => [id, view.drawn.x[index]]));
  const row = nodes.filter((node) => node.depth === here.depth).sort((a, b) => x.get(a.id) - x.get(b.id));
  pick(view, row[row.indexOf(here) + (key.key === "ArrowLeft" ? -1 : 1)]?.id);
}

// ---- the slider: the same fold, up to an earlier event ----
function seek(view, seq) {
  const last = view.events.length ? view.events[view.events.length - 1].seq : -1;
  view.until = seq >= last && !view.source ? null : seq;
  const state = emptyState();
  for (const event of view.events) { if (view.until !== null && event.seq > view.until) break; applyEvent(state, event); }
  view.state = state;
  schedule(view);
}

// -1 stands for the newest event, so that the page can tell it from "never moved".
function report(view) { view.setState("until", { run: view.data.run, seq: view.until === null ? -1 : view.until }); }

function play(view) {
  if (view.playing) { clearInterval(view.playing); view.playing = null; report(view); status(view); return; }
  const last = view.events.length ? view.events[view.events.length - 1].seq : -1;
  const stride = Math.max(1, Math.round(last / 120));
  let at = view.until === null || view.until >= last ? -1 : view.until;
  view.playing = setInterval(() => {
    at = Math.min(last, at + stride);
    seek(view, at);
    if (at >= last) { clearInterval(view.playing); view.playing = null; view.until = null; report(view); status(view); }
  }, 140);
  status(view);
}

// ---- the line above the tree ----
function status(view) {
  if (view.seekedRun !== view.data.run || (view.until !== null && view.state.seq !== view.until)) {
    view.seekedRun = view.data.run;
    if (view.until !== null && view.events.length) seek(view, view.until);
  }
  const { ledger, answer } = view.state, chip = view.part("at-status");
  const waited = Math.round((Date.now() - view.since) / 1000);
  const word = (WORDS[view.status] || view.status) + (["queued", "loading", "reconnecting"].includes(view.status) ? " " + waited + " s" : "") +
    (view.until === null ? "" : ", looking back");
  chip.dataset.state = view.status;
  say(chip.querySelector(".at-word"), word);
  say(view.part("at-reason"), view.reason || "");
  say(view.part("at-totals"), view.events.length ? [number(view.state.order.length) + " nodes", number(ledger.generated_tokens) + " tokens", number(ledger.model_calls) + " calls",
    number(ledger.verifier_calls) + " scores", "round " + number(ledger.rounds), ((view.state.ms || 0) / 1000).toFixed(1) + " s"].join("  \u00b7  ") : "");
  say(view.part("at-answer"), answer === null || answer === undefined ? "" : "answer so far: " + plain(answer));
  view.part("at-answer").hidden = OVER.has(view.status) && view.until === null;
  spent(view, ledger);
  const last = view.events.length ? view.events[view.events.length - 1].seq : 0, slider = view.part("at-slider");
  slider.max = String(last);
  if (document.activeElement !== slider || view.playing) slider.value = String(view.until ?? last);
  say(view.part("at-position"), "event " + number(view.until ?? last) + " of " + number(last));
  say(view.part("at-play"), view.playing ? "Pause" : "Play");
}

function spent(view, ledger) {
  const [axis, limit] = Object.entries(view.data.budget || {})[0] || [];
  const bar = view.part("at-budget");
  bar.hidden = !axis;
  if (!axis) return;
  const used = axis === "seconds" ? view.state.ms / 1000 : ledger[axis] || 0;
  bar.querySelector(".at-fill").style.width = Math.min(100, (100 * used) / limit) + "%";
  bar.setAttribute("aria-valuenow", String(Math.round(used)));
  bar.setAttribute("aria-valuemax", String(limit));
  bar.title = number(Math.round(used)) + " of " + number(limit) + " " + axis.replace("_", " ") + (view.state.limit ? " (spent)" : "");
}

function say(element, text) { if (element.textContent !== text) element.textContent = text; }
function number(value) { return Math.round(value || 0).toLocaleString("en-US"); }

function loadPlotly(view) {
  if (window.Plotly && window.Plotly.react) return Promise.resolve();
  window.arboretumPlotly = window.arboretumPlotly || new Promise((done, failed) => {
    const script = document.createElement("script");
    script.referrerPolicy = "no-referrer";
    script.src = addressOf(view, "assets/plotly.min.js");
    script.onload = done;
    script.onerror = () => { window.arboretumPlotly = null; failed(new Error("no plotly")); };
    document.head.append(script);
  });
  return window.arboretumPlotly;
}
