// Pseudo-code with the lines of the step under way lit, and marked the one that the event of the
// moment tells of. The page says which step that is at every rerun; between reruns, while the
// replay moves, the tree says it by the window event `arboretum:moment`. Text is set by textContent
// only.
export default function (component) {
  const host = component.parentElement.querySelector(".pc"),
    data = component.data || {};
  const lines = JSON.stringify(data.lines || []),
    moment = JSON.stringify([data.run, data.step]);
  if (host.lines !== lines) {
    host.lines = lines;
    host.querySelector(".pc-lines").replaceChildren(...(data.lines || []).map(lineOf));
    host.moment = null;
  }
  if (host.moment !== moment) {
    host.moment = moment;
    light(host, data.step);
  }
  host.run = data.run;
  if (host.listening) return;
  host.listening = (event) => {
    if (!host.isConnected) {
      window.removeEventListener("arboretum:moment", host.listening);
      return;
    }
    if (event.detail.run === host.run) light(host, event.detail);
  };
  window.addEventListener("arboretum:moment", host.listening);
}

function lineOf(line) {
  const item = document.createElement("li"),
    text = line.text.trimStart(),
    indent = line.text.length - text.length;
  item.textContent = text;
  item.style.paddingLeft = `${4.5 + indent / 2}ch`;
  item.style.textIndent = "-1.5ch";
  item.dataset.phases = line.phases.join(" ");
  item.dataset.kinds = line.kinds.join(" ");
  return item;
}

function light(host, step) {
  const phase = step ? step.phase : "";
  for (const item of host.querySelectorAll("li")) {
    const lit = !!phase && item.dataset.phases.split(" ").includes(phase),
      now = lit && !!step.kind && item.dataset.kinds.split(" ").includes(step.kind);
    item.classList.toggle("lit", lit);
    item.classList.toggle("now", now);
    if (lit) item.setAttribute("aria-current", now ? "step" : "true");
    else item.removeAttribute("aria-current");
  }
  const words =
    step && phase
      ? [`round ${step.round + 1}`, step.track, `phase ${phase}`].filter(Boolean)
      : ["no round yet"];
  host.querySelector(".pc-head").textContent = words.join(" \u00b7 ");
}
