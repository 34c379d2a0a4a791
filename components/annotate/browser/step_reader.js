// The steps of a path: click to choose one, select text within one to mark it. Texts go in by
// textContent only; places are counted in characters of the step as it is stored, however an unseen
// character is spelled here.

const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;

export default function (component) {
  const list = component.parentElement.querySelector(".sr-list");
  list.reader = component;
  const data = component.data || {},
    told = JSON.stringify(data);
  if (list.told === told) return;
  const moved =
    !list.told ||
    JSON.parse(list.told).current !== data.current ||
    JSON.parse(list.told).path !== data.path;
  list.told = told;
  list.style.maxHeight = `max(320px, calc(100vh - ${data.above || 420}px))`;
  list.replaceChildren(...(data.steps || []).map((step) => item(list, step, data.current)));
  const current = list.querySelector("[aria-current]");
  if (moved && current) keepInView(list, current);
}

function item(list, step, current) {
  const line = document.createElement("li");
  line.dataset.number = step.number;
  if (step.number === current) line.setAttribute("aria-current", "step");
  const text = part("div", "sr-text");
  fill(text, [...step.text], step.spans || []);
  const labels = part("div", "sr-labels");
  labels.append(
    ...step.labels.map((label) => part("span", label.mine ? "sr-mine" : "", label.text)),
  );
  line.append(
    part("div", "sr-number", String(step.number + 1)),
    text,
    part("div", "sr-score", step.score || ""),
    labels,
  );
  line.onclick = () => {
    if (window.getSelection().isCollapsed) tell(list, "picked", { number: step.number });
  };
  text.onmouseup = () => setTimeout(() => mark(list, text, step.number), 0);
  return line;
}

// The characters of a step, those of marked spans within a <mark>, unseen ones by their code.
function fill(host, characters, spans) {
  const inside = (at) => spans.filter((span) => span.start <= at && at < span.end);
  let run = "",
    open = [];
  const flush = () => {
    if (!run) return;
    const target = open.length ? part("mark", "") : host;
    if (open.length) {
      target.title = open.map((span) => span.title).join("; ");
      host.append(target);
    }
    for (const piece of run.split(new RegExp(`(${UNSEEN.source})`))) {
      if (!piece) continue;
      target.append(
        UNSEEN.test(piece)
          ? part(
              "i",
              "sr-unseen",
              "\u27e8U+" +
                piece.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") +
                "\u27e9",
            )
          : piece,
      );
    }
    run = "";
  };
  characters.forEach((character, at) => {
    const now = inside(at);
    if (now.length !== open.length || now.some((span, index) => span !== open[index])) {
      flush();
      open = now;
    }
    run += character;
  });
  flush();
}

function mark(list, text, number) {
  const selection = window.getSelection();
  if (selection.isCollapsed || !selection.rangeCount) return;
  const range = selection.getRangeAt(0);
  if (!text.contains(range.startContainer) || !text.contains(range.endContainer)) return;
  const start = before(text, range.startContainer, range.startOffset),
    end = before(text, range.endContainer, range.endOffset);
  if (start < end) tell(list, "marked", { number, start, end });
}

// How many stored characters stand before a place in the text.
function before(text, node, offset) {
  const range = document.createRange();
  range.setStart(text, 0);
  range.setEnd(node, offset);
  const copy = range.cloneContents();
  copy.querySelectorAll(".sr-unseen").forEach((each) => each.replaceWith("\u0001"));
  return [...copy.textContent].length;
}

function keepInView(list, line) {
  const top = line.offsetTop - list.offsetTop,
    bottom = top + line.offsetHeight;
  if (top < list.scrollTop) list.scrollTop = top - 8;
  else if (bottom > list.scrollTop + list.clientHeight)
    list.scrollTop = bottom - list.clientHeight + 8;
}

function tell(list, name, value) {
  list.reader.setTriggerValue(name, { ...value, path: list.reader.data.path });
}

function part(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}
