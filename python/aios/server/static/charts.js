// Lines over the last two minutes at most, as SVG that scales with its place.
import { el, setText, svg } from "./dom.js";

const SPAN_S = 120;
const SHORTEST_SPAN_S = 20; // at the beginning
const WIDTH = 600;

function spanOf(points) {
  const seconds = points.length ? points.at(-1).at_s - points[0].at_s : 0;
  return Math.min(Math.max(seconds, SHORTEST_SPAN_S), SPAN_S);
}

// Lists of [x, y]: a new one after each gap, where a value is null.
function strokes(points, name, height, top) {
  const end_s = points.at(-1)?.at_s;
  const span_s = spanOf(points);
  const found = [[]];
  for (const point of points) {
    const value = point[name];
    if (value === null) {
      if (found.at(-1).length) found.push([]);
      continue;
    }
    const x = WIDTH * (1 - (end_s - point.at_s) / span_s);
    const y = height - (top > 0 ? value / top : 0) * (height - 2) - 1;
    found.at(-1).push([x.toFixed(1), y.toFixed(1)]);
  }
  return found.filter((stroke) => stroke.length);
}

const line = (stroke) => `M${stroke.map((place) => place.join(" ")).join("L")}`;
const area = (stroke, height) => `${line(stroke)}V${height}H${stroke[0][0]}Z`;

const largest = (points, names) =>
  points.reduce((most, point) => Math.max(most, ...names.map((name) => point[name] ?? 0)), 0);

// A power of ten times 1, 2 or 5: it moves seldom.
function roundTop(value) {
  if (value <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * [1, 2, 5, 10].find((step) => step * unit >= value);
}

// A line without axes; `series` as of Chart.
export class Sparkline {
  #names;
  #height;
  #lines;
  #area;
  node;

  constructor(names, height) {
    this.#names = names;
    this.#height = height;
    this.#area = svg("path", { class: "area" });
    this.#lines = names.map((_, i) => svg("path", { class: `line line-${i}` }));
    this.node = svg("svg", {
      class: "spark", viewBox: `0 0 ${WIDTH} ${height}`, preserveAspectRatio: "none",
      "aria-hidden": "true", focusable: "false",
    }, this.#area, this.#lines);
  }

  // Returns the value at the top.
  draw(points) {
    const top = roundTop(largest(points, this.#names));
    this.#names.forEach((name, i) => {
      const drawn = strokes(points, name, this.#height, top);
      this.#lines[i].setAttribute("d", drawn.map(line).join(""));
      if (this.#names.length > 1) return;
      this.#area.setAttribute("d", drawn.map((stroke) => area(stroke, this.#height)).join(""));
    });
    return top;
  }
}

// With a title, the value at the top, and what each line is now.
export class Chart {
  #spark;
  #series;
  #format;
  #top = el("span", { class: "chart-top" });
  #now;
  #since = el("span");
  #plot;
  node;

  // `series` are {name, title}.
  constructor(title, series, format) {
    this.#series = series;
    this.#format = format;
    this.#spark = new Sparkline(series.map((each) => each.name), 120);
    this.#now = series.map(() => el("b"));
    this.#plot = el("div", { class: "plot", role: "img" }, this.#spark.node, this.#top);
    this.node = el("figure", { class: "chart" },
      el("figcaption", {}, el("span", {}, title), el("span", { class: "legend" },
        series.map((each, i) => el("span", { class: `key key-${i}` }, each.title, " ", this.#now[i])))),
      this.#plot,
      el("div", { class: "axis", "aria-hidden": "true" }, this.#since, el("span", {}, "now")));
  }

  draw(points, now) {
    const top = this.#spark.draw(points);
    setText(this.#top, this.#format(top));
    setText(this.#since, `${Math.round(spanOf(points))} s ago`);
    const told = this.#series.map((each, i) => {
      const text = this.#format(now?.[each.name] ?? null);
      setText(this.#now[i], text);
      return `${each.title} ${text}`;
    });
    this.#plot.setAttribute("aria-label", `Lately. Now: ${told.join(", ")}.`);
  }
}

// How much of a whole, as a bar of its own; nothing for null.
export function bar(part, kind = "") {
  const node = el("span", { class: `bar ${kind}`, "aria-hidden": "true" }, el("i"));
  node.firstChild.style.width = `${100 * Math.min(Math.max(part ?? 0, 0), 1)}%`;
  return node;
}
