// The picture: marks become Plotly traces. Redrawn only when what is drawn has changed; a choice
// only moves the light above it.

const CONFIG = {
  scrollZoom: true,
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: "",
  responsive: true,
  doubleClick: "autosize",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  toImageButtonOptions: { format: "svg", filename: "arboretum-tree" },
};
const LIT = "#e69f00",
  FEW = 60,
  COUNTED = 150;

function draw(view) {
  if (!view.plotly || !view.host.isConnected) return;
  view.lastDraw = performance.now();
  status(view);
  if (view.hold && view.drawn) return;
  if (unchanged(view)) {
    light(view);
    return;
  }
  const marks = marksOf(view.state, view.showHidden, {
    focus: view.look.focus,
    opened: view.look.open,
    closed: view.look.shut,
    selected: view.selected,
    context: contextOf(view),
  });
  view.drawn = marks;
  const empty = marks.nodes.length === 0;
  view.part("at-empty").hidden = !empty;
  say(
    view.part("at-empty"),
    refusal(view) ||
      (view.data.run == null
        ? "Press Run: the tree grows here."
        : OVER.has(view.status) && !view.reading
          ? "This run wrote nothing."
          : "Waiting for the first step \u2026"),
  );
  view.part("at-hidden").hidden = !view.state.order.some((id) =>
    HIDDEN_KINDS.has(view.state.nodes.get(id).kind),
  );
  view.paint = paintOf(view, marks);
  const outline = view.look.layout === "outline";
  view.plot.hidden = outline;
  view.part("at-outline").hidden = !outline;
  if (outline) drawOutline(view, marks);
  else drawPlot(view, marks);
  light(view);
  tellTools(view, marks);
  view.draws += 1;
  view.host.dataset.draws = String(view.draws);
  view.host.dataset.nodes = String(marks.nodes.length);
  view.host.dataset.seq = String(view.state.seq);
  view.waitMs = Math.min(
    LONGEST_WAIT_MS,
    Math.max(SHORTEST_WAIT_MS, REST * (performance.now() - view.lastDraw)),
  );
}

// What the picture was made from, but for the selection: that asks for a new picture only where its
// node is not in the old one.
function unchanged(view) {
  const made = [
    view.state,
    view.state.seq,
    JSON.stringify(lookSent(view)),
    view.showHidden,
    view.data.answers?.seq,
    contextOf(view).length,
    view.plot.clientWidth,
    view.plot.clientHeight,
    ink(view).text,
    view.status,
    view.until === null,
    view.pan === null,
    view.reading === null,
  ];
  const same = view.drawn && view.made && made.every((part, at) => part === view.made[at]);
  view.made = made;
  return (
    same &&
    (view.drawn.at.has(view.selected) ||
      !view.state.nodes.has(view.selected) ||
      !inSight(view, view.selected))
  );
}

// Can the node be drawn at all: is it in the subtree shown, of a shown kind, below nothing that was
// closed?
function inSight(view, id) {
  const way = wayTo(view.state, id);
  return (
    (view.look.focus === null || way.includes(view.look.focus)) &&
    !way.slice(0, -1).some((one) => view.look.shut.has(one)) &&
    (view.showHidden || !way.some((one) => HIDDEN_KINDS.has(view.state.nodes.get(one).kind)))
  );
}

function contextOf(view) {
  return view.data.context || [];
}

function drawPlot(view, marks) {
  view.plotly.react(view.plot, traces(view, marks), layoutOf(view, marks), CONFIG);
  if (view.wired) return;
  view.plot.on("plotly_click", (click) => clicked(view, click.points[0]));
  view.plot.on("plotly_relayout", () => {
    keepPan(view);
    light(view);
  });
  view.plot.on("plotly_afterplot", () => light(view));
  view.wired = true;
}

function ink(view) {
  const style = getComputedStyle(view.host);
  const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  return {
    text: read("--st-text-color", "#222"),
    page: read("--st-background-color", "#fff"),
    accent: read("--st-primary-color", "#2f6f4f"),
    font: read("--st-font", "sans-serif"),
  };
}

// How nodes look now: `fill` is a colour of its own for each node, `letter` the answer's, `shape`
// Plotly's name of the symbol.
function paintOf(view, marks) {
  const over = OVER.has(view.status) && view.until === null,
    answers = view.data.answers || null;
  const lit = {
    path: marks.path,
    current: over ? new Set() : view.state.current,
    repeats: new Set(view.look.colour === "answer" && answers ? answers.repeats : []),
  };
  const shape = (node) => shapeOf(node, view.state.chosen, lit);
  if (view.look.colour !== "answer") {
    const scale = scaleOf(view.look.colour, view.state);
    return {
      scale,
      lit,
      shape,
      fill: (node) => (scale.of(node) === null ? UNKNOWN : cividis(scale.share(node))),
      letter: () => "",
      classes: null,
    };
  }
  const reached = answers ? answersReached(view.state, answers) : new Map(),
    classes = answers ? answerClasses(view.state, answers) : [];
  const by = new Map(classes.map((one) => [one.label, one]));
  const fill = (node) =>
    !reached.has(node.id)
      ? NONE
      : reached.get(node.id) === -1
        ? SEVERAL
        : (by.get(reached.get(node.id))?.colour ?? OTHER);
  return {
    scale: null,
    lit,
    shape,
    fill,
    letter: (node) => by.get(reached.get(node.id))?.letter ?? "",
    classes,
    answer: (node) => by.get(reached.get(node.id))?.text,
  };
}

function traces(view, marks) {
  const colours = ink(view),
    { paint, look } = view,
    most = mostOf(look.size, marks.nodes);
  const size = Math.max(
    6,
    Math.min(
      15,
      (0.62 * (look.layout === "right" ? view.plot.clientHeight : view.plot.clientWidth)) /
        Math.max(marks.leaves, 1),
    ),
  );
  const few = marks.nodes.length <= FEW && marks.leaves <= 14;
  const place = (points) => turned(points, look.layout);
  const line = (points, width, color, dash) => ({
    type: "scatter",
    mode: "lines",
    x: place(points).x,
    y: place(points).y,
    line: { width, color, dash: dash || "solid" },
    hoverinfo: "skip",
  });
  const words = (node) =>
    look.colour === "answer"
      ? paint.letter(node)
      : paint.scale.of(node) === null
        ? ""
        : look.colour === "visits"
          ? String(node.visits)
          : paint.scale.of(node).toFixed(look.colour === "order" ? 0 : 2);
  const label = (node) =>
    labelOf(node, view.state.chosen) +
    (paint.answer?.(node) ? `<br>reaches only the answer ${escapeLabel(paint.answer(node))}` : "");
  const dots = (test, marker) => {
    const at = marks.nodes.map((_node, index) => index).filter((index) => test(marks.nodes[index]));
    const of = (read) => at.map((index) => read(marks.nodes[index]));
    const points = place({
      x: at.map((index) => marks.x[index]),
      y: at.map((index) => marks.y[index]),
    });
    return {
      type: "scatter",
      mode: few ? "markers+text" : "markers",
      x: points.x,
      y: points.y,
      customdata: of((node) => node.id),
      hovertext: of(label),
      hoverinfo: "text",
      cliponaxis: false,
      text: few ? of(words) : [],
      textposition: look.layout === "right" ? "bottom center" : "middle right",
      textfont: { size: 11, color: colours.text },
      marker: {
        symbol: of(paint.shape),
        line: { width: 1.2, color: colours.text },
        size: of((node) =>
          Math.max(
            5,
            sizeOf(look.size, node, most) *
              (node.id === view.state.chosen
                ? size * 1.7
                : node.parent === null
                  ? size * 1.15
                  : size),
          ),
        ),
        opacity: of((node) => (node.pruned && !node.done ? 0.6 : 1)),
        ...marker(of),
      },
    };
  };
  const known = (node) => paint.scale !== null && paint.scale.of(node) !== null;
  const scored = () =>
    dots(known, (of) => ({
      color: of((node) => paint.scale.of(node)),
      colorscale: "Cividis",
      cmin: paint.scale.low,
      cmax: paint.scale.high,
      showscale: true,
      colorbar: {
        title: { text: BARS[look.colour], side: "top", font: { size: 11 } },
        thickness: 9,
        len: 0.72,
        outlinewidth: 0,
        tickvals: paint.scale.ticks,
        ticktext: paint.scale.words,
        tickfont: { size: 11 },
        x: 1.01,
        xpad: 4,
      },
    }));
  const bare = dots(
    (node) => !known(node),
    (of) => ({ color: of(paint.fill) }),
  );
  return [
    line(marks.edges, 1.1, EDGE),
    line(marks.dashed, 1.1, GREY, "dash"),
    line(marks.thick, 4, colours.accent),
    guestDots(view, marks, size, place),
    bare,
    ...(paint.scale ? [scored()] : []),
    ...foldedMarks(view, marks, size, place, colours),
  ];
}

const BARS = { score: "score", value: "Q", visits: "visits", logprob: "log p", order: "order" };

// Nodes of another run: the shape of their state, half as strong.
function guestDots(_view, marks, size, place) {
  const start = marks.ids.length,
    points = place({ x: marks.x.slice(start), y: marks.y.slice(start) });
  const shape = (guest) => (guest.chosen ? "star" : guest.done ? "square" : "circle");
  return {
    type: "scatter",
    mode: "markers",
    ...points,
    customdata: marks.guests.map((guest) => guest.id),
    hoverinfo: "text",
    cliponaxis: false,
    opacity: 0.5,
    hovertext: marks.guests.map(
      (guest) =>
        "<b>run " +
        guest.run +
        ", node " +
        guest.node +
        (typeof guest.score === "number" ? ` \u00b7 score ${guest.score.toFixed(3)}` : "") +
        "</b><br>" +
        wrapped(String(guest.text)),
    ),
    marker: {
      symbol: marks.guests.map(shape),
      size,
      color: marks.guests.map((guest) =>
        typeof guest.score === "number" ? cividis(guest.score) : UNKNOWN,
      ),
      line: { width: 1.2, color: GREY },
    },
  };
}

// What is folded: a plus below the node that holds it, as bright as the best score in there, with
// the count where there is room for it.
function foldedMarks(view, marks, size, place, colours) {
  if (!marks.hidden.length) return [];
  const points = place({
    x: marks.hidden.map((mark) => mark.x),
    y: marks.hidden.map((mark) => mark.y + 0.36),
  });
  const best = (mark) =>
    mark.best === null ? "none of them scored" : `best score ${mark.best.toFixed(3)}`;
  return [
    {
      type: "scatter",
      mode: marks.hidden.length <= COUNTED ? "markers+text" : "markers",
      ...points,
      hoverinfo: "text",
      cliponaxis: false,
      meta: "folded",
      customdata: marks.hidden.map(() => null),
      ids: marks.hidden.map((mark) => String(mark.id)),
      hovertext: marks.hidden.map(
        (mark) =>
          "<b>" +
          number(mark.count) +
          " more below node " +
          mark.id +
          "</b><br>" +
          best(mark) +
          "<br>click to open",
      ),
      text: marks.hidden.map((mark) => `+${number(mark.count)}`),
      textposition: view.look.layout === "right" ? "middle right" : "bottom center",
      textfont: { size: 10, color: colours.text },
      marker: {
        symbol: "cross",
        size: Math.max(6, 0.75 * size),
        line: { width: 1, color: colours.text },
        color: marks.hidden.map((mark) => (mark.best === null ? UNKNOWN : cividis(mark.best))),
      },
    },
  ];
}

// Plotly forgets a pan when the automatic range has changed in the meantime, so what the reader
// chose is kept here until Fit or a double click.
function keepPan(view) {
  const { xaxis, yaxis } = view.plot._fullLayout;
  view.pan =
    xaxis.autorange && yaxis.autorange ? null : { x: [...xaxis.range], y: [...yaxis.range] };
  if (view.made) view.made[view.made.length - 2] = view.pan === null;
}

function layoutOf(view, marks) {
  const colours = ink(view),
    across = view.look.layout === "right";
  const step = Math.max(1, Math.ceil(marks.deepest / 12)),
    above =
      view.look.focus === null ? 0 : Math.max(0, wayTo(view.state, view.look.focus).length - 1);
  const ticks = Array.from({ length: Math.floor(marks.deepest / step) + 1 }, (_, at) => at * step);
  const depth = {
    visible: marks.deepest > 0,
    zeroline: false,
    tickvals: ticks,
    ticktext: ticks.map((tick) => String(tick + above)),
    gridcolor: "rgba(128,128,128,0.13)",
    tickfont: { size: 11, color: GREY },
    title: { text: "step", font: { size: 11, color: GREY }, standoff: 4 },
  };
  const range = (axis, otherwise) =>
    view.pan ? { autorange: false, range: [...view.pan[axis]] } : { autorange: otherwise };
  return {
    uirevision: [view.data.run, view.look.layout, view.look.focus].join("/"),
    dragmode: "pan",
    hovermode: "closest",
    hoverdistance: 18,
    showlegend: false,
    autosize: true,
    margin: { l: 34, r: 8, t: 26, b: across ? 34 : 10 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colours.font, size: 12, color: colours.text },
    hoverlabel: {
      bgcolor: colours.page,
      bordercolor: GREY,
      font: { family: colours.font, size: 12, color: colours.text },
      align: "left",
    },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: GREY, activecolor: colours.accent },
    xaxis: { ...(across ? depth : { visible: false }), ...range("x", true) },
    yaxis: { ...(across ? { visible: false } : depth), ...range("y", "reversed") },
  };
}

// ---- the light: the way to the selected node, what is below it, and a ring around it, above the
// picture and without redrawing it ----
const SVG = "http://www.w3.org/2000/svg";

function light(view) {
  if (!view.drawn) return;
  if (view.look.layout === "outline") {
    lightOutline(view);
    return;
  }
  const full = view.plot._fullLayout,
    stage = view.plot.querySelector(".cartesianlayer .scatterlayer")?.parentNode;
  if (!full?.xaxis || !stage) return;
  const clip = full._plots?.xy?.clipId,
    spot = drawnFor(view, view.selected),
    { path, below } = lineage(view.state, view.selected),
    marks = view.drawn;
  const to = (at) => {
    const point = turned({ x: marks.x[at], y: marks.y[at] }, view.look.layout);
    return `${full.xaxis.d2p(point.x).toFixed(1)},${full.yaxis.d2p(point.y).toFixed(1)}`;
  };
  const strokes = (among) =>
    marks.ids
      .map((id, at) =>
        among.has(id) && marks.parents[at] !== null ? `M${to(marks.parents[at])}L${to(at)}` : "",
      )
      .join("");
  layer(stage, "at-below", true, clip).setAttribute("d", strokes(below));
  layer(stage, "at-way", true, clip).setAttribute("d", strokes(path));
  const ring = layer(stage, "at-ring", false, clip),
    radius = ringWidth(view);
  const at = spot === null ? undefined : marks.at.get(spot);
  ring.setAttribute(
    "d",
    at === undefined
      ? ""
      : "M" +
          to(at) +
          "m-" +
          radius +
          ",0a" +
          radius +
          "," +
          radius +
          " 0 1,0 " +
          2 * radius +
          ",0a" +
          radius +
          "," +
          radius +
          " 0 1,0 -" +
          2 * radius +
          ",0",
  );
}

function ringWidth(view) {
  const leaves = Math.max(view.drawn.leaves, 1),
    room = view.look.layout === "right" ? view.plot.clientHeight : view.plot.clientWidth;
  return 1.5 + 0.95 * Math.max(6, Math.min(15, (0.62 * room) / leaves));
}

function layer(stage, name, behind, clip) {
  let path = stage.querySelector(`.${name}`);
  if (!path) {
    path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    if (clip) path.setAttribute("clip-path", `url(#${clip})`);
    const marks = stage.querySelector(".scatterlayer");
    if (behind && marks) stage.insertBefore(path, marks);
    else stage.append(path);
  }
  return path;
}

// The node itself or, where it is folded away, the nearest one above it that is drawn.
function drawnFor(view, id) {
  for (let node = view.state.nodes.get(id); node; node = view.state.nodes.get(node.parent))
    if (view.drawn.at.has(node.id)) return node.id;
  return null;
}
