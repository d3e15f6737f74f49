// Challengers that get copies of calls, and how their answers compare with those of the champions.
import { table } from "./dom.js";
import * as format from "./format.js";
import { quantile } from "./traffic.js";

const COLUMNS = [
  { title: "Model" },
  { title: "Compared", number: true },
  { title: "Agree", number: true },
  { title: "Largest difference", number: true, wide: true },
  { title: "Failed", number: true, wide: true },
  { title: "Dropped", number: true, wide: true },
  { title: "Champion’s median", number: true, wide: true },
  { title: "Challenger’s", number: true },
];

function cells(shadow, bounds_us) {
  const median = (buckets) => format.duration(quantile(buckets, bounds_us, 0.5));
  return Object.assign([
    `${shadow.name} ${shadow.challenger} beside ${shadow.champion}`,
    format.count(shadow.compared),
    shadow.compared ? `${(100 * shadow.agreement).toFixed(2)} %` : format.share(null),
    shadow.worst === null ? "another shape" : `${format.count(shadow.worst)} tolerances`,
    format.count(shadow.failed),
    format.count(shadow.dropped),
    median(shadow.champion_us),
    median(shadow.challenger_us),
  ], { note: shadow.reason });
}

export class ShadowsTable {
  #section;
  #shown = "";

  constructor(section) {
    this.#section = section;
  }

  draw(shadows, bounds_us) {
    const told = JSON.stringify(shadows);
    if (told === this.#shown) return;
    this.#shown = told;
    this.#section.hidden = shadows.length === 0;
    this.#section.querySelector(".table-frame").replaceChildren(
      table("Challengers", COLUMNS, shadows.map((shadow) => cells(shadow, bounds_us))));
  }
}
