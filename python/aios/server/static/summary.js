// Four figures over all models.
import { Sparkline } from "./charts.js";
import { el, setText } from "./dom.js";
import * as format from "./format.js";

export class Summary {
  #figures;

  constructor(place) {
    this.#figures = {
      rate: figure("Requests a second", ["per_s"]),
      p50: figure("Median latency", ["p50_us"]),
      p99: figure("99th percentile", ["p99_us"]),
      open: figure("Open connections"),
    };
    place.append(el("dl", {}, Object.values(this.#figures).map((each) => each.node)));
  }

  draw(history, totals) {
    const { rate, p50, p99, open } = this.#figures;
    const now = history.now;
    rate.set(format.count(now?.per_s), now?.failed_per_s ? `${format.count(now.failed_per_s)} failed` : "");
    p50.set(format.duration(now?.p50_us), "in the server");
    p99.set(format.duration(now?.p99_us), "in the server");
    open.set(format.count(totals.connections), waiting(totals));
    for (const each of [rate, p50, p99]) each.draw(history.points);
  }
}

function waiting(totals) {
  const parts = [`${format.count(totals.waiting_calls)} calls wait`];
  if (totals.refused) parts.push(`${format.count(totals.refused)} refused`);
  return parts.join(", ");
}

function figure(title, names) {
  const value = el("span", { class: "figure-value" }, "–");
  const note = el("span", { class: "figure-note" });
  const spark = names && new Sparkline(names, 40);
  return {
    node: el("div", { class: "figure" }, el("dt", {}, title), el("dd", {}, value, note), spark?.node),
    set(text, noted) {
      setText(value, text);
      setText(note, noted);
    },
    draw: (points) => spark?.draw(points),
  };
}
