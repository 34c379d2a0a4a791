// The indented outline: the tree as text with the roles of a tree, for screen readers and for
// everybody who would rather read.

const GLYPHS = {
  star: "\u2605",
  diamond: "\u25c6",
  "triangle-down": "\u25bd",
  "square-x": "\u22a0",
  square: "\u25a0",
  x: "\u2715",
  "triangle-up": "\u25b3",
  hexagon: "\u2b21",
  "circle-dot": "\u25c9",
  circle: "\u25cb",
};
const DEEPEST_INDENT = 24,
  INDENT_PX = 16,
  SNIPPET = 160;

function drawOutline(view, marks) {
  const list = view.part("at-outline"),
    counts = new Map(marks.hidden.map((mark) => [mark.id, mark]));
  list.replaceChildren(
    ...outlineOf(marks.parents).map((row) => {
      const guest = row.at >= marks.ids.length ? marks.guests[row.at - marks.ids.length] : null;
      return guest
        ? guestRow(view, row, guest)
        : nodeRow(
            view,
            row,
            marks.nodes[row.at],
            marks.below.get(marks.ids[row.at]),
            counts.get(marks.ids[row.at]),
          );
    }),
  );
}

function rowOf(row, id) {
  const line = document.createElement("div");
  line.setAttribute("role", "treeitem");
  Object.entries({ level: row.level, setsize: row.count, posinset: row.place }).forEach(
    ([name, value]) => line.setAttribute(`aria-${name}`, String(value)),
  );
  line.id = `at-row-${id}`;
  line.dataset.node = String(id);
  line.style.paddingLeft = `${6 + INDENT_PX * Math.min(row.level - 1, DEEPEST_INDENT)}px`;
  return line;
}

function piece(line, name, text) {
  const part = document.createElement("span");
  part.className = name;
  part.textContent = text;
  line.append(part);
  return part;
}

function nodeRow(view, row, node, below, fold) {
  const line = rowOf(row, node.id),
    state = stateOf(node, view.state.chosen);
  if (below) line.setAttribute("aria-expanded", String(row.children > 0));
  const knob = piece(line, "at-knob", below ? (row.children ? "\u25be" : "\u25b8") : "");
  knob.setAttribute("aria-hidden", "true");
  const glyph = piece(line, "at-glyph", GLYPHS[view.paint.shape(node)] || "\u25cb");
  glyph.setAttribute("aria-hidden", "true");
  piece(line, "at-swatch", "").style.background = view.paint.fill(node);
  const letter = view.paint.letter(node);
  piece(line, "at-name", node.id + (letter ? ` ${letter}` : ""));
  piece(
    line,
    "at-number",
    [node.score === null ? "" : `score ${node.score.toFixed(3)}`, state === "open" ? "" : state]
      .filter(Boolean)
      .join(", "),
  );
  piece(
    line,
    "at-text",
    plain(
      node.parent === null
        ? "(the problem)"
        : node.text.trim().replace(/\s+/g, " ").slice(0, SNIPPET) || "(no text)",
    ),
  );
  if (fold)
    piece(
      line,
      "at-more",
      `+${number(fold.count)}${fold.best === null ? "" : `, best ${fold.best.toFixed(3)}`}`,
    );
  return line;
}

function guestRow(_view, row, guest) {
  const line = rowOf(row, guest.id);
  line.classList.add("at-guest");
  piece(line, "at-knob", "");
  piece(line, "at-glyph", guest.chosen ? "\u2605" : guest.done ? "\u25a1" : "\u25cb").setAttribute(
    "aria-hidden",
    "true",
  );
  piece(line, "at-name", `run ${guest.run}, node ${guest.node}`);
  piece(
    line,
    "at-number",
    typeof guest.score === "number" ? `score ${guest.score.toFixed(3)}` : "",
  );
  piece(line, "at-text", plain(String(guest.text).trim().replace(/\s+/g, " ").slice(0, SNIPPET)));
  return line;
}

function wireOutline(view) {
  view.part("at-outline").onclick = (click) => {
    const line = click.target.closest("[role=treeitem]");
    if (!line) return;
    const id = Number(line.dataset.node);
    if (id < 0) {
      foreign(view, id);
      return;
    }
    if (click.target.classList.contains("at-knob") || click.target.classList.contains("at-more"))
      unfold(view, id);
    else pick(view, id);
  };
}

function lightOutline(view) {
  const list = view.part("at-outline"),
    { path, below } = lineage(view.state, view.selected),
    spot = drawnFor(view, view.selected);
  for (const line of list.children) {
    const id = Number(line.dataset.node);
    line.setAttribute("aria-selected", String(id === spot));
    line.classList.toggle("at-on-way", path.has(id));
    line.classList.toggle("at-under", below.has(id));
  }
  const here = spot === null ? null : list.querySelector(`#at-row-${spot}`);
  if (here) list.setAttribute("aria-activedescendant", here.id);
  if (here && view.shownAt !== view.selected) {
    view.shownAt = view.selected;
    here.scrollIntoView({ block: "nearest" });
  }
}
