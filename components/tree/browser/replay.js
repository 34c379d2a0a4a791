// Replay: the same fold as live, up to an earlier event. Slider, play and pause, speed, steps by
// event and by round, jumps to marked events. The rest of the page hears of the moment by the
// window event `arboretum:moment` {run, seq, round, phase, track, kind}.

const { makeTransport, settle, showTransport, seek, ahead } = (() => {
  const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];
  const STEADY_SECONDS = 20,
    STEADY_LEAST = 5,
    TICK_MS = 60,
    SETTLE_MS = 300,
    ANSWER_MS = 2500; // steady at 1x: the whole log in 20 s, but 5 events a second at least
  const LISTED = 300,
    TICK_PIXELS = 5,
    THUMB = 16;
  const FINAL = 1e15;

  // kind: [word, shape, colour]. Every kind has a lane of its own under the slider, so that neither
  // shape nor colour has to carry it alone.
  const MARKS = {
    answer: ["answer changed", "\u2605", "#e69f00"],
    limit: ["budget spent", "\u25ae", "#d55e00"],
    goal: ["goal accepted", "\u25bc", "#009e73"],
    best: ["best value backed up", "\u25b2", "#009e73"],
    resampled: ["resampled", "\u25c6", "#0072b2"],
    swapped: ["references swapped", "\u25d1", "#cc79a7"],
    referenced: ["new reference", "\u25cf", "#56b4e9"],
    jumped: ["jump in the tree", "\u25b6", "#56b4e9"],
    replaced: ["part replaced", "\u25a0", "#cc79a7"],
    pruned: ["pruned", "\u2715", "#8a8f94"],
    remarked: ["remark", "\u25cb", "#8a8f94"],
  };

  function made(name, classes, text, more) {
    const element = document.createElement(name);
    element.className = classes;
    if (text !== undefined) element.textContent = text;
    return Object.assign(element, more || {});
  }

  // The transport is built once a view, inside the element that the page leaves for it.
  function makeTransport(view) {
    const button = (classes, text, title, act) =>
      made("button", `at-step ${classes}`, text, {
        type: "button",
        title,
        onclick: act,
        ariaLabel: title,
      });
    const slider = made("input", "at-slider", undefined, {
      type: "range",
      min: "0",
      max: "0",
      step: "1",
      ariaLabel: "Event",
    });
    slider.oninput = () => {
      const to = Number(slider.value);
      pause(view);
      seek(view, to);
    };
    slider.onchange = () => report(view);
    const speed = made("select", "at-speed", undefined, { ariaLabel: "Speed", title: "Speed" });
    speed.append(
      ...SPEEDS.map((rate) =>
        made("option", "", `${rate}\u00d7`, { value: String(rate), selected: rate === 1 }),
      ),
    );
    const pace = made("select", "at-pace", undefined, {
      ariaLabel: "Pace",
      title: "Steady: every event takes the same time. As it ran: with the pauses of the run.",
    });
    pace.append(
      made("option", "", "steady", { value: "steady" }),
      made("option", "", "as it ran", { value: "clock" }),
    );
    speed.onchange = pace.onchange = () => restart(view);
    const menu = made("select", "at-marks", undefined, { ariaLabel: "Jump to a marked event" });
    menu.onchange = () => {
      if (menu.value) jump(view, Number(menu.value));
      menu.value = "";
    };
    const ticks = made("div", "at-ticks");
    ticks.setAttribute("aria-hidden", "true");
    ticks.onclick = (click) => {
      const mark = click.target.closest("[data-seq]");
      if (mark) jump(view, Number(mark.dataset.seq));
    };
    const row = made("div", "at-controls");
    row.append(
      made("button", "at-play", "Play", { type: "button", onclick: () => play(view) }),
      button("at-round-back", "\u00ab", "One round back, key {", () => byRound(view, -1)),
      button("at-event-back", "\u2039", "One event back, key [", () => byEvent(view, -1)),
      button("at-event-on", "\u203a", "One event on, key ]", () => byEvent(view, 1)),
      button("at-round-on", "\u00bb", "One round on, key }", () => byRound(view, 1)),
      button("at-newest", "Newest", "To the newest event", () => jump(view, FINAL)),
      speed,
      pace,
      menu,
      made("span", "at-position"),
    );
    view.part("at-transport").replaceChildren(slider, ticks, row);
    view.replay = {
      ...emptyLog(null),
      soon: null,
      reported: null,
      reportedAt: -Infinity,
      told: "",
    };
    const keyed = (key) =>
      view.host.isConnected ? replayKey(view, key) : document.removeEventListener("keydown", keyed);
    document.addEventListener("keydown", keyed);
  }

  function replayKey(view, key) {
    const act = {
      "[": () => byEvent(view, -1),
      "]": () => byEvent(view, 1),
      "{": () => byRound(view, -1),
      "}": () => byRound(view, 1),
    }[key.key];
    const typing = key.target.closest?.(
      "input:not([type=range]), textarea, select, [contenteditable=true]",
    );
    if (!act || typing || key.ctrlKey || key.metaKey || !view.data.replay) return;
    key.preventDefault();
    act();
  }

  function emptyLog(run) {
    return {
      run,
      read: 0,
      steps: [],
      marks: [],
      answer: undefined,
      best: -Infinity,
      done: new Set(),
      drawn: "",
    };
  }

  // ---- moments ----
  function lastSeq(view) {
    return view.events.length ? view.events[view.events.length - 1].seq : -1;
  }

  function here(view) {
    return view.until === null ? lastSeq(view) : view.until;
  }

  // Forward only what is new is folded, backward all of it: the state is that of a fresh fold
  // either way.
  function seek(view, seq) {
    view.until = seq >= lastSeq(view) ? null : Math.max(0, seq);
    const to = view.until ?? Infinity;
    if (view.state.seq > to) Object.assign(view, { state: emptyState() });
    for (
      let at = placeAfter(view.events, view.state.seq);
      at < view.events.length && view.events[at].seq <= to;
      at++
    )
      applyEvent(view.state, view.events[at]);
    schedule(view);
    showTransport(view);
  }

  // The position of the first element with a greater seq.
  function placeAfter(list, seq) {
    let low = 0,
      high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle].seq > seq) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  // A moment that the page asked for is taken up as soon as the log is there, and again if the log
  // has grown up to it since.
  function settle(view) {
    if (view.replay.run !== view.data.run || view.replay.read > view.events.length)
      Object.assign(view.replay, emptyLog(view.data.run));
    const to = view.until === null ? lastSeq(view) : Math.min(view.until, lastSeq(view));
    if (!view.events.length || view.state.seq === to) return;
    const asked = view.until;
    seek(view, to);
    if (view.source) view.until = asked;
  }

  // -1 stands for the newest event, so that the page can tell it from "never moved".
  function report(view) {
    clearTimeout(view.replay.soon);
    Object.assign(view.replay, { soon: null, reported: view.until, reportedAt: performance.now() });
    view.setState("until", { run: view.data.run, seq: view.until === null ? -1 : view.until });
  }

  // Whether the reader is already further than what the page now repeats: a rerun answers an
  // earlier report while keys go on being pressed.
  function ahead(view, until) {
    const { soon, reported, reportedAt } = view.replay;
    return (
      !!view.playing ||
      !!soon ||
      (performance.now() - reportedAt < ANSWER_MS && reported !== (until ?? null))
    );
  }

  function reportSoon(view) {
    clearTimeout(view.replay.soon);
    view.replay.soon = setTimeout(() => report(view), SETTLE_MS);
  }

  function jump(view, seq) {
    pause(view);
    seek(view, seq);
    report(view);
  }

  function byEvent(view, by) {
    pause(view);
    seek(view, here(view) + by);
    reportSoon(view);
  }

  function byRound(view, by) {
    const steps = view.replay.steps,
      at = here(view);
    pause(view);
    const on = steps[placeAfter(steps, at)],
      back = steps[placeAfter(steps, at - 1) - 1];
    seek(view, by > 0 ? (on ? on.seq : FINAL) : back ? back.seq : 0);
    reportSoon(view);
  }

  // ---- playing ----
  function play(view) {
    if (view.playing) {
      pause(view);
      report(view);
      return;
    }
    if (!view.events.length) return;
    if (view.until === null) seek(view, 0);
    start(view);
  }

  function start(view) {
    const asItRan = view.part("at-pace").value === "clock",
      from = here(view),
      events = view.events;
    const first = events[Math.max(0, placeAfter(events, from) - 1)],
      began = performance.now(),
      rate = Number(view.part("at-speed").value);
    view.playing = setInterval(() => {
      const passed = rate * (performance.now() - began);
      if (asItRan) {
        let at = placeAfter(events, here(view)) - 1;
        while (at + 1 < events.length && events[at + 1].t_ms <= first.t_ms + passed) at++;
        if (events[Math.max(at, 0)].seq !== here(view)) seek(view, events[Math.max(at, 0)].seq);
      } else {
        const to =
          from +
          Math.floor((passed / 1000) * Math.max(STEADY_LEAST, lastSeq(view) / STEADY_SECONDS));
        if (to !== here(view)) seek(view, to);
      }
      if (view.until === null) {
        pause(view);
        report(view);
      }
    }, TICK_MS);
    showTransport(view);
  }

  function restart(view) {
    if (view.playing) {
      pause(view);
      start(view);
    }
  }

  function pause(view) {
    clearInterval(view.playing);
    view.playing = null;
    showTransport(view);
  }

  // ---- what the log holds for the slider: ends of rounds, marked events ----
  function readLog(view) {
    const replay = view.replay;
    for (; replay.read < view.events.length; replay.read++) {
      const event = view.events[replay.read],
        data = event.data || {},
        kind = markOf(replay, event, data);
      if (event.kind === "step")
        replay.steps.push({
          seq: event.seq,
          round: event.round || 0,
          phase: event.phase || "",
          track: event.track || "",
        });
      if (event.kind === "node" && (event.node || data.node)?.done)
        replay.done.add((event.node || data.node).id ?? event.node_id);
      if (kind)
        replay.marks.push({
          seq: event.seq,
          round: event.round || 0,
          kind,
          said: saidOf(kind, event, data),
        });
    }
  }

  function markOf(replay, event, data) {
    switch (event.kind) {
      case "answer": {
        const fresh = data.answer !== replay.answer;
        replay.answer = data.answer;
        return fresh ? "answer" : null;
      }
      case "backed": {
        const fresh = event.value > replay.best;
        replay.best = Math.max(replay.best, event.value ?? -Infinity);
        return fresh ? "best" : null;
      }
      case "popped":
        return replay.done.has(event.node_id) ? "goal" : null;
      case "swapped":
        return data.accepted ? "swapped" : null;
      case "pruned":
        return (data.nodes || []).length ? "pruned" : null;
      default:
        return event.kind in MARKS ? event.kind : null;
    }
  }

  function saidOf(kind, event, data) {
    const count = (nodes) => nodes + (nodes === 1 ? " node" : " nodes");
    switch (kind) {
      case "answer":
        return data.answer === null || data.answer === undefined
          ? "none"
          : plain(data.answer).slice(0, 40);
      case "limit":
        return plain(event.label || "");
      case "pruned":
        return (
          count(data.nodes.length) + (data.reason ? `: ${plain(data.reason).slice(0, 60)}` : "")
        );
      case "best":
        return Number(event.value).toFixed(3);
      case "resampled":
        return `ESS ${Number(data.ess).toFixed(1)} of ${(data.particles || []).length}`;
      case "swapped":
        return (data.chains || []).map(plain).join(", ");
      case "remarked":
        return plain(data.text || "").slice(0, 60);
      default:
        return event.node_id === null || event.node_id === undefined ? "" : `node ${event.node_id}`;
    }
  }

  // The step under way at a moment: the first that ends at it or after it; where nobody knows yet,
  // the last one recorded.
  function stepAt(view) {
    const steps = view.replay.steps,
      at = view.until === null ? steps.length - 1 : placeAfter(steps, view.until - 1);
    return steps[Math.min(at, steps.length - 1)] || null;
  }

  function roundOf(view, step) {
    return (
      "round " +
      number(step.round + 1) +
      " of " +
      number(view.replay.steps[view.replay.steps.length - 1].round + 1)
    );
  }

  // ---- drawing ----
  function showTransport(view) {
    if (!view.data.replay) return;
    readLog(view);
    const last = Math.max(0, lastSeq(view)),
      slider = view.part("at-slider"),
      at = view.until ?? last,
      step = stepAt(view);
    slider.max = String(last);
    slider.value = String(at);
    slider.setAttribute(
      "aria-valuetext",
      `event ${at} of ${last}${step ? `, ${roundOf(view, step)}` : ""}`,
    );
    say(
      view.part("at-position"),
      "event " +
        number(at) +
        " of " +
        number(last) +
        (step ? ` \u00b7 ${roundOf(view, step)}` : ""),
    );
    say(view.part("at-play"), view.playing ? "Pause" : "Play");
    view.part("at-newest").disabled = view.until === null;
    const drawn = [view.data.run, last, view.replay.marks.length, slider.clientWidth].join();
    if (view.replay.drawn !== drawn) {
      view.replay.drawn = drawn;
      showMarks(view, last, slider.clientWidth || 400);
    }
    tell(view, at, step);
  }

  function showMarks(view, last, width) {
    const kinds = Object.keys(MARKS).filter((kind) =>
      view.replay.marks.some((mark) => mark.kind === kind),
    );
    const lanes = kinds.map((kind) =>
      lane(
        kind,
        view.replay.marks.filter((mark) => mark.kind === kind),
        last,
        width,
      ),
    );
    view.part("at-ticks").replaceChildren(...lanes);
    const menu = view.part("at-marks");
    if (document.activeElement === menu) return;
    menu.disabled = !kinds.length;
    menu.replaceChildren(
      made("option", "", kinds.length ? "Jump to \u2026" : "No marked events", { value: "" }),
      ...kinds.map((kind) =>
        group(
          kind,
          view.replay.marks.filter((mark) => mark.kind === kind),
        ),
      ),
    );
  }

  function lane(kind, marks, last, width) {
    const [word, shape, colour] = MARKS[kind],
      line = made("div", "at-lane");
    let right = -Infinity;
    for (const mark of marks) {
      const left = THUMB / 2 + ((width - THUMB) * mark.seq) / Math.max(1, last);
      if (left < right + TICK_PIXELS) continue;
      right = left;
      const tick = made("span", "at-tick", shape, {
        title: `event ${mark.seq}: ${word}${mark.said ? `, ${mark.said}` : ""}`,
      });
      tick.dataset.seq = String(mark.seq);
      tick.style.left = `${left.toFixed(1)}px`;
      tick.style.color = colour;
      line.append(tick);
    }
    return line;
  }

  function group(kind, marks) {
    const list = document.createElement("optgroup"),
      [word, shape] = MARKS[kind];
    list.label = `${shape} ${word} (${marks.length})`;
    list.append(
      ...marks
        .slice(-LISTED)
        .map((mark) =>
          made(
            "option",
            "",
            "round " +
              (mark.round + 1) +
              (mark.said ? `: ${mark.said}` : "") +
              " (event " +
              mark.seq +
              ")",
            { value: String(mark.seq) },
          ),
        ),
    );
    return list;
  }

  function tell(view, seq, step) {
    const event = view.events[placeAfter(view.events, seq) - 1];
    const detail = {
      run: view.data.run,
      seq,
      round: step ? step.round : 0,
      phase: step ? step.phase : "",
      track: step ? step.track : "",
      kind: event ? event.kind : "",
    };
    const told = JSON.stringify([
      detail.run,
      detail.round,
      detail.phase,
      detail.track,
      detail.kind,
    ]);
    if (view.replay.told === told) return;
    view.replay.told = told;
    window.dispatchEvent(new CustomEvent("arboretum:moment", { detail }));
  }

  return { makeTransport, settle, showTransport, seek, ahead };
})();
