// Tokens as a heatmap. One token is in the tab order at a time; arrows move it. Pointing or
// focusing shows what else could have stood there, a click or Enter holds it, Escape lets go. Model
// text is set by textContent only.
const BINS = 10,
  UNLIKELY = 0.3;

export default function (component) {
  const host = component.parentElement.querySelector(".ts");
  const data = component.data || {},
    said = JSON.stringify(data);
  if (host.said === said) return;
  host.said = said;
  const view = {
    host,
    strip: host.querySelector(".ts-strip"),
    detail: host.querySelector(".ts-detail"),
    tokens: data.tokens || [],
    kept: !!data.kept,
    held: null,
    at: 0,
  };
  view.strip.replaceChildren(...view.tokens.map((token, at) => spanOf(view, token, at)));
  scale(host.querySelector(".ts-scale"));
  explain(view);
  view.strip.onmouseover = (event) => {
    const at = placeOf(event);
    if (at !== null && view.held === null) show(view, at);
  };
  view.strip.onmouseleave = () => {
    if (view.held === null && !view.strip.matches(":focus-within")) {
      mark(view, null);
      explain(view);
    }
  };
  view.strip.onclick = (event) => {
    const at = placeOf(event);
    if (at !== null) hold(view, view.held === at ? null : at, at);
  };
  view.strip.onkeydown = (event) => keyed(view, event);
}

function placeOf(event) {
  const span = event.target.closest("[data-at]");
  return span ? Number(span.dataset.at) : null;
}

function element(name, text, classes) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

function spanOf(view, token, at) {
  const span = element("span", undefined, token.p !== null && token.p < UNLIKELY ? "unlikely" : "");
  span.dataset.at = String(at);
  span.onfocus = () => {
    view.at = at;
    if (view.held === null) show(view, at);
  };
  span.tabIndex = at === 0 ? 0 : -1;
  span.setAttribute("role", "button");
  span.setAttribute("aria-pressed", "false");
  span.setAttribute(
    "aria-label",
    "token " +
      (at + 1) +
      " " +
      token.text.replace(/\n/g, "\u21b5") +
      (token.p === null ? "" : `, p ${token.p.toFixed(3)}`),
  );
  if (token.bin !== null) span.style.background = colour(token.bin);
  token.text.split("\n").forEach((part, line) => {
    if (line) span.append(element("i", "\u21b5"), "\n");
    span.append(part);
  });
  return span;
}

function colour(bin) {
  return bin ? `rgba(230,159,0,${(0.07 * bin).toFixed(2)})` : "transparent";
}

function scale(place) {
  const boxes = Array.from({ length: BINS }, (_, bin) => {
    const box = element("i");
    box.style.background = colour(bin);
    return box;
  });
  place.replaceChildren(
    element("span", "p = 1"),
    ...boxes,
    element("span", "p = 0"),
    element("span", "underlined: p below .3"),
  );
}

function explain(view) {
  view.detail.replaceChildren(
    element(
      "p",
      view.kept
        ? "Point at a token, or move to it with Tab and the arrow keys, to see what else could have stood there; a click holds it."
        : "Point at a token, or move to it with Tab and the arrow keys, to see its probability; a click holds it.",
    ),
  );
}

function mark(view, at) {
  for (const span of view.strip.querySelectorAll(".at")) span.classList.remove("at");
  if (at !== null) view.strip.children[at].classList.add("at");
}

function hold(view, held, at) {
  if (view.held !== null) view.strip.children[view.held].setAttribute("aria-pressed", "false");
  view.held = held;
  if (held !== null) view.strip.children[held].setAttribute("aria-pressed", "true");
  focusOn(view, at);
  show(view, at);
}

function focusOn(view, at) {
  view.strip.children[view.at].tabIndex = -1;
  view.at = at;
  view.strip.children[at].tabIndex = 0;
  view.strip.children[at].focus();
}

function keyed(view, event) {
  const moves = {
    ArrowLeft: view.at - 1,
    ArrowRight: view.at + 1,
    Home: 0,
    End: view.tokens.length - 1,
  };
  if (event.key in moves) {
    const at = Math.min(view.tokens.length - 1, Math.max(0, moves[event.key]));
    if (view.held !== null) hold(view, at, at);
    else focusOn(view, at);
  } else if (event.key === "Enter" || event.key === " ")
    hold(view, view.held === view.at ? null : view.at, view.at);
  else if (event.key === "Escape") hold(view, null, view.at);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function show(view, at) {
  const token = view.tokens[at],
    line = element("p");
  mark(view, at);
  line.append(
    `token ${at + 1} of ${view.tokens.length} `,
    element("b", token.text.replace(/\n/g, "\u21b5")),
  );
  line.append(
    token.p === null
      ? " not sampled, so it has no probability"
      : `  p ${percent(token.p)}, log p ${token.logp.toFixed(3)}`,
  );
  view.detail.replaceChildren(line);
  if (token.choices.length) view.detail.append(list(token.choices));
}

function list(choices) {
  const made = element("ol");
  for (const [text, p, sampled] of choices) {
    const row = element("li"),
      bar = element("span", undefined, "bar"),
      fill = element("span");
    fill.style.width = `${(100 * p).toFixed(1)}%`;
    bar.append(fill);
    const word = element("span");
    word.append(element("b", text.replace(/\n/g, "\u21b5") || "\u2205"));
    const dot = element("span", sampled ? "\u25cf" : "");
    if (sampled) {
      dot.title = "sampled";
      dot.setAttribute("aria-label", "sampled");
    }
    row.append(dot, word, bar, element("span", percent(p), "n"));
    made.append(row);
  }
  return made;
}

function percent(p) {
  return p >= 0.001 ? p.toFixed(3) : p.toExponential(1);
}
