// Where the events come from: what is stored already in big pages, what is still to come as a
// stream.

const PAGE = 20000;

async function open(view) {
  if (view.data.run === null || view.data.run === undefined) {
    setStatus(view, "idle", false);
    return;
  }
  const asked = {};
  view.reading = asked;
  // whatever went wrong, the stream finds out and says so
  await readStored(view, asked).catch(() => null);
  if (view.reading === asked) {
    view.reading = null;
    follow(view);
  }
}

function lastSeq(view) {
  return view.events.length ? view.events[view.events.length - 1].seq : -1;
}

async function readStored(view, asked) {
  for (let full = true; full; ) {
    const answer = await fetch(
      addressOf(view, `runs/${encodeURIComponent(view.data.run)}/events`, {
        after: lastSeq(view),
        limit: PAGE,
      }),
      { headers: { Accept: "application/json" } },
    );
    if (!answer.ok) return;
    const page = await answer.json();
    if (view.reading !== asked) return;
    page.events.forEach((event) => receive(view, event));
    full = page.events.length === PAGE;
  }
}

function follow(view) {
  const source = new EventSource(
    addressOf(view, `runs/${encodeURIComponent(view.data.run)}/events`, {
      after: lastSeq(view),
    }),
  );
  view.source = source;
  const listen = (name, act) =>
    source.addEventListener(name, (message) => {
      if (view.source === source) act(JSON.parse(message.data || "{}"));
    });
  KINDS.forEach((kind) => listen(kind, (event) => receive(view, event)));
  listen("status", (data) =>
    data.seq === undefined ? setStatus(view, data.status, true, data.reason) : receive(view, data),
  );
  listen("done", (data) => {
    shut(view);
    setStatus(view, data.status || "finished", true);
    schedule(view);
  });
  listen("closing", () => {
    shut(view);
    setStatus(view, "closing", false);
    view.retry = setTimeout(() => open(view), 2000);
  });
  source.onopen = () => {
    if (view.status === "reconnecting" || view.status === "closing")
      setStatus(view, view.lastStatus || "running", false);
  };
  source.onerror = () => {
    if (view.source !== source) return;
    setStatus(view, "reconnecting", false, view.status === "reconnecting" ? view.reason : "");
    if (source.readyState === EventSource.CLOSED) {
      shut(view);
      again(view);
    }
  };
}

// A stream does not say why it was turned away, so a plain request asks. A token that was refused
// once is refused again: then there is an end.
async function again(view) {
  const asked = setTimeout(() => open(view), 2000);
  view.retry = asked;
  const address = addressOf(view, "health");
  const answer = await fetch(address, { cache: "no-store" }).catch(() => null);
  // No answer that this page may read: does anybody answer at all?
  const somebody =
    answer || (await fetch(address, { cache: "no-store", mode: "no-cors" }).catch(() => null));
  if (view.retry !== asked || view.source) return;
  if (answer && (answer.status === 401 || answer.status === 403)) {
    clearTimeout(asked);
    refuse(view, answer.status);
  } else if (somebody && !answer)
    setStatus(
      view,
      "reconnecting",
      false,
      baseOf(view) +
        " answers, but not to pages of " +
        window.location.origin +
        ": is it among its ARBORETUM_ORIGINS?",
    );
}

function refuse(view, code) {
  const token = view.data.token ? "the token of these pages" : "pages without its token";
  const remedy = view.data.base
    ? "Start the pages with its token in ARBORETUM_TOKEN."
    : "Open the page again with ?token= in its address.";
  setStatus(
    view,
    "refused",
    false,
    baseOf(view) + (code === 401 ? ` refuses ${token}. ${remedy}` : " does not let this page in."),
  );
  say(view.part("at-empty"), view.reason);
}

function refusal(view) {
  return view.status === "refused" ? view.reason : "";
}

function baseOf(view) {
  return (view.data.base || window.location.origin).replace(/\/$/, "");
}

// Neither a stream nor a script can carry a header, and a cookie is not sent to another origin: a
// remote backend finds its token in the address.
function addressOf(view, path, query) {
  const asked = new URLSearchParams(query);
  if (view.data.token) asked.set("token", view.data.token);
  return [`${baseOf(view)}/api/${path}`, asked.toString()].filter(Boolean).join("?");
}
