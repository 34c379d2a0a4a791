// The chosen node in short, beside the tree. The browser has every node, so a click in the tree is
// answered here at once; what the page then sends is the same in its own words. Messages of this
// element run the fragment that it lies in, so the tree speaks through it: its own element is
// large, and has nothing new to show after a click. Text is set by textContent only.
const PENDING_MS = 3000; // so long the page may be about an older choice

export default function (component) {
  const host = component.parentElement.querySelector(".arboretum-node"),
    data = component.data || {};
  window.arboretumNodes ||= {};
  host.link ||= { run: null, pending: null, since: 0 };
  const links = window.arboretumNodes,
    link = host.link;
  link.trigger = component.setTriggerValue;
  link.choose = (head) => {
    Object.assign(link, { pending: head.id, since: performance.now() });
    show(host, head);
    link.trigger("picked", { run: link.run, node: head.id });
  };
  if (link.run !== data.run) {
    if (links[link.run] === link) delete links[link.run];
    link.run = data.run;
    link.pending = null;
  }
  links[data.run] = link;
  if (link.told !== data.told) {
    // old data come again whenever the page is drawn
    link.told = data.told;
    const selected = data.head?.id ?? null,
      older =
        link.pending !== null &&
        link.pending !== selected &&
        performance.now() - link.since < PENDING_MS;
    if (!older) {
      link.pending = null;
      show(host, data.head);
      // what lies below is of this node too
      host.dataset.whole = selected === null ? "" : String(selected);
      document
        .querySelector(".arboretum-tree")
        ?.arboretum?.linked({ run: data.run, selected, behind: data.behind });
    }
  }
  return () => {
    if (links[link.run] === link) delete links[link.run];
  };
}

function show(host, head) {
  const part = (name) => host.querySelector(`.${name}`),
    set = (name, text) => {
      const one = part(name);
      one.textContent = text;
      one.hidden = !text;
    };
  part("an-empty").hidden = !!head;
  part("an-node").hidden = !head;
  if (!head) return;
  set("an-name", `Node ${head.id}`);
  set("an-state", head.state);
  set("an-facts", head.facts.join(" \u00b7 "));
  set("an-reason", head.reason ? `No score: ${head.reason}` : "");
  set("an-text", head.text);
}
