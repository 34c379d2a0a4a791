// What the reader chooses about the picture: layout, colour, size, the subtree in focus, what is
// open. Kept by the address, so told to the page.

const LAYOUTS = { down: "Layered", right: "Left to right", outline: "Outline" };

function lookFrom(data) {
  const known = (name, choices) =>
    Object.hasOwn(choices, data?.[name]) ? data[name] : Object.keys(choices)[0];
  return {
    layout: known("layout", LAYOUTS),
    colour: known("colour", COLOURS),
    size: known("size", SIZES),
    focus: Number.isInteger(data?.focus) ? data.focus : null,
    open: new Set(data?.open || []),
    shut: new Set(data?.shut || []),
  };
}

function lookSent(view) {
  return { ...view.look, open: [...view.look.open], shut: [...view.look.shut] };
}

// The page gives back what it was told. Only what was never sent from here (another address) is
// news.
function takeLook(view, data, other) {
  const given = JSON.stringify(data.look || {});
  if (other) view.sent = new Set();
  if (!other && (view.sent.has(given) || given === view.given)) return;
  const before = view.look;
  Object.assign(view, { given, look: lookFrom(data.look) });
  if (before && (before.layout !== view.look.layout || before.focus !== view.look.focus))
    view.pan = null;
  showLook(view);
}

function changeLook(view, change) {
  const moves = ["layout", "focus"].some(
    (name) => name in change && change[name] !== view.look[name],
  );
  Object.assign(view.look, change);
  if (moves) view.pan = null;
  const sent = lookSent(view);
  view.sent.add(JSON.stringify(sent));
  view.trigger("look", { run: view.data.run, ...sent });
  showLook(view);
  schedule(view);
}

function showLook(view) {
  ["layout", "colour", "size"].forEach((name) => {
    view.part(`at-${name}`).value = view.look[name];
  });
}

function wireTools(view) {
  const choices = { layout: LAYOUTS, colour: COLOURS, size: SIZES };
  Object.entries(choices).forEach(([name, words]) => {
    const select = view.part(`at-${name}`);
    select.replaceChildren(
      ...Object.entries(words).map(([value, text]) => new Option(text, value)),
    );
    select.onchange = () => changeLook(view, { [name]: select.value });
  });
  view.part("at-focus").onclick = () => act(view, "focus");
  view.part("at-unfold").onclick = () => act(view, "toggle");
  view.part("at-odd").onclick = () => act(view, "disagreement");
  view.part("at-keys").onclick = () => act(view, "help");
  view.part("at-help-close").onclick = () => act(view, "help");
  view
    .part("at-help-rows")
    .replaceChildren(...HELP.flatMap(([keys, what]) => [entry("dt", keys), entry("dd", what)]));
  showLook(view);
}

function entry(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

// Buttons, breadcrumb and legend as they fit what is drawn.
function tellTools(view, marks) {
  const here = view.state.nodes.get(view.selected),
    below = here ? marks.below.get(view.selected) || 0 : 0;
  view.part("at-focus").disabled = !below || view.look.focus === view.selected;
  view.part("at-unfold").disabled = !below;
  say(view.part("at-unfold"), isOpen(view, view.selected) ? "Close" : "Open");
  const crumbs = view.part("at-crumbs"),
    focus =
      view.look.focus !== null && view.state.nodes.has(view.look.focus) ? view.look.focus : null;
  crumbs.hidden = focus === null;
  const way = focus === null ? [] : wayTo(view.state, focus);
  const shown = way.length > 7 ? [...way.slice(0, 2), null, ...way.slice(-4)] : way;
  crumbs.replaceChildren(
    ...shown.map((id) => (id === null ? entry("span", "\u2026") : crumb(view, id, focus))),
  );
  say(
    view.part("at-drawn"),
    marks.total > marks.nodes.length
      ? number(marks.nodes.length) +
          " of " +
          number(marks.total) +
          " nodes drawn, the others are folded into +"
      : "",
  );
  legend(view, marks);
}

function crumb(view, id, focus) {
  const button = entry(
    "button",
    view.state.nodes.get(id).parent === null ? "Whole tree" : `node ${id}`,
  );
  button.type = "button";
  if (id === focus) button.setAttribute("aria-current", "true");
  button.onclick = () =>
    changeLook(view, { focus: view.state.nodes.get(id).parent === null ? null : id });
  return button;
}

function legend(view, _marks) {
  const { paint } = view,
    list = view.part("at-answers");
  list.hidden = view.look.colour !== "answer";
  if (list.hidden) return;
  if (!view.data.answers) {
    list.replaceChildren(entry("span", "Reading the answers \u2026"));
    return;
  }
  const item = (colour, text) => {
    const line = entry("span", ` ${text}`),
      swatch = document.createElement("i");
    swatch.style.background = colour;
    line.prepend(swatch);
    return line;
  };
  const lettered = paint.classes.filter((one) => one.letter),
    rest = paint.classes.filter((one) => !one.letter),
    repeats = view.data.answers.repeats.filter((id) => view.state.nodes.has(id)).length;
  const solutions = (count) => number(count) + (count === 1 ? " solution" : " solutions");
  list.replaceChildren(
    ...lettered.map((one) =>
      item(one.colour, `${one.letter}: ${plain(one.text).slice(0, 40)} (${solutions(one.count)})`),
    ),
    ...(rest.length
      ? [
          item(
            OTHER,
            number(rest.length) +
              " other answers (" +
              solutions(rest.reduce((sum, one) => sum + one.count, 0)) +
              ")",
          ),
        ]
      : []),
    item(SEVERAL, "leads to several answers"),
    item(NONE, "no answer below"),
    ...(repeats
      ? [entry("span", `\u22a0 ${number(repeats)} wasted: word for word an earlier solution`)]
      : []),
  );
}

function isOpen(view, id) {
  return !view.look.shut.has(id) && !(view.drawn?.hidden || []).some((mark) => mark.id === id);
}

// Open what is closed or folded below a node, close what is open.
function unfold(view, id) {
  const open = new Set(view.look.open),
    shut = new Set(view.look.shut);
  if (isOpen(view, id)) {
    shut.add(id);
    open.delete(id);
  } else {
    shut.delete(id);
    open.add(id);
  }
  changeLook(view, { open, shut });
}

// ---- choosing a node ----
function clicked(view, point) {
  if (!point) return;
  if (point.data.meta === "folded") {
    unfold(view, Number(point.data.ids[point.pointNumber]));
    return;
  }
  if (point.customdata < 0) foreign(view, point.customdata);
  else pick(view, point.customdata);
}

function foreign(view, id) {
  const guest = contextOf(view).find((one) => one.id === id);
  if (guest) view.trigger("foreign", { run: view.data.run, other: guest.run, node: guest.node });
}

function pick(view, id) {
  if (id === undefined || id === null) return;
  settling(view, false);
  const link = linkOf(view),
    node = view.state.nodes.get(id);
  if (link && node) link.choose(headOf(node, view.state.chosen));
  else view.trigger("picked", { run: view.data.run, node: id });
  view.selected = id;
  view.part("at-said").textContent = node
    ? "node " +
      id +
      " selected, " +
      stateOf(node, view.state.chosen) +
      (node.score === null ? "" : `, score ${node.score.toFixed(2)}`)
    : "";
  reveal(view, id);
  light(view);
  if (view.drawn) tellTools(view, view.drawn);
  schedule(view);
}

// A chosen node is never left in what was closed or outside of the subtree shown.
function reveal(view, id) {
  const way = wayTo(view.state, id).slice(0, -1),
    shut = way.filter((one) => view.look.shut.has(one)),
    outside = view.look.focus !== null && id !== view.look.focus && !way.includes(view.look.focus);
  if (!shut.length && !outside) return;
  changeLook(view, {
    shut: new Set([...view.look.shut].filter((one) => !shut.includes(one))),
    focus: outside ? null : view.look.focus,
  });
}

function walk(view, key) {
  if (
    !view.drawn ||
    ["INPUT", "SELECT"].includes(key.target.tagName) ||
    key.ctrlKey ||
    key.metaKey ||
    key.altKey
  )
    return;
  if (key.target.tagName === "BUTTON" && key.key === "Enter") return;
  const action = actionOf(key.key, view.look.layout);
  if (!action) return;
  key.preventDefault();
  key.stopPropagation(); // the page has buttons with the same letters
  act(view, action);
}

function act(view, action) {
  const { look } = view,
    help = view.part("at-help");
  if (action === "help") {
    help.hidden = !help.hidden;
    (help.hidden ? view.host : view.part("at-help-close")).focus();
    return;
  }
  if (action === "leave" && !help.hidden) {
    help.hidden = true;
    view.host.focus();
    return;
  }
  if (action === "fit") {
    view.pan = null;
    schedule(view);
    return;
  }
  if (action === "layout") {
    const names = Object.keys(LAYOUTS);
    changeLook(view, { layout: names[(names.indexOf(look.layout) + 1) % names.length] });
    return;
  }
  if (action === "toggle") {
    if (view.drawn?.below.get(view.selected)) unfold(view, view.selected);
    return;
  }
  if (action === "focus") {
    if (view.drawn?.below.get(view.selected) && view.selected !== look.focus)
      changeLook(view, {
        focus: view.state.nodes.get(view.selected).parent === null ? null : view.selected,
      });
    return;
  }
  if (action === "leave") {
    if (look.focus !== null) changeLook(view, { focus: null });
    return;
  }
  if (action === "outwards") {
    outwards(view);
    return;
  }
  const to = moved(action, view.state, view.drawn, view.selected, view.showHidden);
  if (to === null && action === "disagreement")
    ["at-said", "at-drawn"].forEach((name) =>
      say(view.part(name), "no disagreement in this search"),
    );
  pick(view, to);
}

function outwards(view) {
  if (view.look.focus === null) return;
  const up = view.state.nodes.get(view.look.focus)?.parent ?? null;
  changeLook(view, { focus: up === null || view.state.nodes.get(up)?.parent === null ? null : up });
}
