// Pictures of what is drawn on the page: every Plotly drawing, the tree's too, as SVG or PNG in
// dark ink on white, whatever the theme. Nothing is sent anywhere; names come from the page and go
// in by textContent.

const INK = "#1d2422",
  PAPER = "#ffffff",
  SHORTEST = 260,
  NARROWEST = 480,
  SCALE = 2;

export default function (component) {
  const { parentElement, data } = component;
  const host = parentElement.querySelector(".arb-pictures");
  const list = () => fill(host, data);
  list();
  const again = setInterval(() => {
    if (host.isConnected && signature() !== host.dataset.seen) list();
  }, 700); // charts come and go with their tabs
  return () => clearInterval(again);
}

// Drawings that can be seen now, in the order of the page.
function drawings() {
  return [...document.querySelectorAll(".js-plotly-plot")].filter(
    (plot) => plot.data && plot.layout && plot.offsetWidth > 0,
  );
}

function signature() {
  return drawings().map(nameOf).join("|");
}

function nameOf(plot) {
  if (plot.closest(".arboretum-tree")) return "Tree";
  const named =
    plot.closest("[aria-label]") ||
    plot.closest("[data-testid=stPlotlyChart]")?.querySelector("[aria-label]");
  return named?.getAttribute("aria-label") || "Chart";
}

function fill(host, data) {
  host.dataset.seen = signature();
  const rows = drawings().map((plot) => row(plot, data));
  host.replaceChildren(...(rows.length ? rows : [text("p", "Nothing is drawn here yet.")]));
}

function row(plot, data) {
  const line = document.createElement("div"),
    name = nameOf(plot);
  line.className = "arb-picture";
  line.append(text("span", name));
  for (const format of ["svg", "png"]) {
    const button = text("button", format.toUpperCase());
    button.type = "button";
    button.setAttribute("aria-label", `${name} as ${format.toUpperCase()}`);
    button.addEventListener("click", () =>
      save(plot, format, data, `${fileName(data.of, name)}.${format}`, line),
    );
    line.append(button);
  }
  return line;
}

function text(tag, words) {
  return Object.assign(document.createElement(tag), { textContent: words });
}

function fileName(of, name) {
  return (
    of +
    "-" +
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "")
      .slice(0, 60)
  );
}

async function save(plot, format, data, name, line) {
  line.querySelector(".arb-failed")?.remove();
  try {
    await library(data);
    const url = await drawn(plot, format);
    const link = Object.assign(document.createElement("a"), { href: url, download: name });
    line.append(link); // outside, the click would close the menu
    link.click();
    link.remove();
    if (url.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(url), 60000);
  } catch (problem) {
    line.append(
      Object.assign(text("span", `could not be drawn: ${problem?.message || problem}`), {
        className: "arb-failed",
      }),
    );
  }
}

// The drawing library: the tree's, or loaded now.
function library(data) {
  if (window.Plotly?.toImage) return Promise.resolve();
  window.arboretumPlotly =
    window.arboretumPlotly ||
    new Promise((done, failed) => {
      const script = document.createElement("script"),
        token = data.token ? `?token=${encodeURIComponent(data.token)}` : "";
      script.referrerPolicy = "no-referrer";
      script.src =
        (data.base || window.location.origin).replace(/\/$/, "") +
        "/api/assets/plotly.min.js" +
        token;
      script.onload = done;
      script.onerror = () => {
        window.arboretumPlotly = null;
        failed(new Error("the drawing library could not be loaded"));
      };
      document.head.append(script);
    });
  return window.arboretumPlotly;
}

// The picture's address. A copy is drawn apart, so the page keeps its zoom; the copy has the zoom
// too.
async function drawn(plot, format) {
  const width = Math.max(NARROWEST, plot.offsetWidth),
    height = Math.max(SHORTEST, plot.offsetHeight);
  const figure = {
    data: onWhite(plain(plot.data), plot),
    layout: framed(onWhite(plain(plot.layout), plot), plot, width, height),
    config: { staticPlot: true },
  };
  const address = await window.Plotly.toImage(figure, {
    format,
    width,
    height,
    scale: format === "png" ? SCALE : 1,
  });
  if (format === "png") return address;
  const source = decodeURIComponent(address.slice(address.indexOf(",") + 1));
  return URL.createObjectURL(new Blob([source], { type: "image/svg+xml" }));
}

function framed(layout, plot, width, height) {
  const axes = Object.keys(plot._fullLayout || {}).filter((key) => /^[xy]axis\d*$/.test(key));
  const out = {
    ...layout,
    width,
    height,
    autosize: false,
    paper_bgcolor: PAPER,
    plot_bgcolor: PAPER,
    font: { ...layout.font, color: INK },
    modebar: undefined,
  };
  for (const key of axes) {
    const axis = layout[key] || {};
    const title = typeof axis.title === "string" ? { text: axis.title } : axis.title || {};
    out[key] = {
      ...axis,
      color: INK,
      tickfont: { ...axis.tickfont, color: INK },
      title: { ...title, font: { ...title.font, color: INK } },
    };
  }
  if (layout.legend) out.legend = { ...layout.legend, font: { ...layout.legend.font, color: INK } };
  if (layout.coloraxis)
    out.coloraxis = { ...layout.coloraxis, colorbar: inked(layout.coloraxis.colorbar) };
  return out;
}

function inked(bar) {
  return {
    ...bar,
    tickfont: { ...bar?.tickfont, color: INK },
    title:
      typeof bar?.title === "object"
        ? { ...bar.title, font: { ...bar.title.font, color: INK } }
        : bar?.title,
  };
}

// Ink and page of the theme become ink and paper of the picture, wherever they are named.
function onWhite(value, plot) {
  const style = getComputedStyle(plot.closest(".arboretum-tree") || plot),
    theme = getComputedStyle(document.querySelector(".stApp") || document.body);
  const inks = new Set(
    [style.getPropertyValue("--st-text-color"), theme.color, style.color].map(hex).filter(Boolean),
  );
  const pages = new Set(
    [style.getPropertyValue("--st-background-color"), theme.backgroundColor]
      .map(hex)
      .filter(Boolean),
  );
  const walk = (one) => {
    if (typeof one === "string") {
      const colour = hex(one);
      return colour && inks.has(colour) ? INK : colour && pages.has(colour) ? PAPER : one;
    }
    if (Array.isArray(one)) return one.map(walk);
    if (one === null || typeof one !== "object" || ArrayBuffer.isView(one)) return one;
    return Object.fromEntries(
      Object.entries(one).map(([key, inner]) => [
        key,
        ["text", "hovertext", "customdata", "ids", "labels"].includes(key) &&
        key !== "textfont" &&
        typeof inner !== "object"
          ? inner
          : walk(inner),
      ]),
    );
  };
  return walk(value);
}

function hex(colour) {
  const given = (colour || "").trim().toLowerCase();
  if (/^#[0-9a-f]{6}$/.test(given)) return given;
  if (/^#[0-9a-f]{3}$/.test(given))
    return `#${[...given.slice(1)].map((digit) => digit + digit).join("")}`;
  const parts = /^rgb\((\d+),\s*(\d+),\s*(\d+)\)$/.exec(given);
  return parts
    ? "#" +
        parts
          .slice(1)
          .map((part) => Number(part).toString(16).padStart(2, "0"))
          .join("")
    : "";
}

function plain(value) {
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !key.startsWith("_"))
      .map(([key, inner]) => [key, plain(inner)]),
  );
}
