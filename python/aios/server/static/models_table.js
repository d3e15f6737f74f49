// Every version in a table; the name of one is the link that shows it below.
import { Sparkline } from "./charts.js";
import { el, setText } from "./dom.js";
import * as format from "./format.js";

const FILTER_FROM = 9; // rows

// Also told by its word: colour alone tells nobody who can't see it.
const STATES = {
  AVAILABLE: ["good", "Answers"],
  START: ["waits", "Waits"],
  LOADING: ["waits", "Loads"],
  UNLOADING: ["waits", "Ends"],
  END: ["bad", "Failed"],
};

export function stateOf(row) {
  const [kind, word] = STATES[row.state] ?? ["waits", row.state];
  if (row.state === "AVAILABLE" && !row.proven) return ["waits", "Answers, unproven"];
  if (row.state === "AVAILABLE" && row.reason) return ["waits", "Answers; its successor failed"];
  return [kind, word];
}

const COLUMNS = [
  ["Model"], ["State"], ["Engine", "wide"], ["Error / tolerance", "wide number"],
  ["Requests/s", "number"], ["Median", "wide number"], ["p99", "number"],
  ["Lately", "wide"],
];

export class ModelsTable {
  #body = el("tbody");
  #rows = new Map();
  #filter;
  #place;
  #empty = el("p", { class: "empty" },
    "No models yet. Put a bundle into the folder, as NAME/VERSION.cell, and it appears here.");
  #table;

  constructor(place, filter) {
    this.#place = place;
    this.#filter = filter;
    filter.querySelector("input").addEventListener("input", () => this.#sift());
    this.#table = el("table", { class: "models" },
      el("caption", { class: "visually-hidden" }, "Models and their versions"),
      el("thead", {}, el("tr", {}, COLUMNS.map(([title, kind]) =>
        el("th", { scope: "col", class: kind }, title)))),
      this.#body);
    place.append(this.#table, this.#empty);
  }

  draw(rows, selected) {
    const wanted = new Set(rows.map((row) => row.address));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.node.remove();
      this.#rows.delete(key);
    }
    rows.forEach((row, i) => {
      if (!this.#rows.has(row.address)) this.#rows.set(row.address, new Row(row));
      const shown = this.#rows.get(row.address);
      if (this.#body.children[i] !== shown.node) this.#body.insertBefore(shown.node, this.#body.children[i] ?? null);
      shown.draw(row, `${row.name}/${row.version}` === selected);
    });
    this.#table.hidden = rows.length === 0;
    this.#empty.hidden = rows.length !== 0;
    this.#filter.hidden = rows.length < FILTER_FROM;
    this.#sift();
  }

  #sift() {
    const words = this.#filter.hidden ? "" : this.#filter.querySelector("input").value.toLowerCase();
    for (const row of this.#rows.values()) row.node.hidden = !row.name.toLowerCase().includes(words);
  }
}

class Row {
  #link;
  #cells;
  #spark = new Sparkline(["per_s"], 24);
  node;

  constructor(row) {
    this.name = row.name;
    this.#link = el("a", { href: row.address }, row.name);
    const kinds = COLUMNS.slice(1).map(([, kind]) => kind);
    this.#cells = kinds.map((kind) => el("td", { class: kind }));
    this.#cells[0].append(el("span", { class: "state" }));
    this.#cells.at(-1).append(this.#spark.node);
    this.node = el("tr", {},
      el("th", { scope: "row" }, this.#link, " ", el("span", { class: "tag" }, `version ${row.version}`)),
      this.#cells);
  }

  draw(row, is_selected) {
    const [state, engine, error, rate, p50, p99] = this.#cells;
    const [kind, word] = stateOf(row);
    state.firstChild.className = `state ${kind}`;
    setText(state.firstChild, word);
    setText(engine, [row.engine, row.precision].filter(Boolean).join(" · ") || "–");
    setText(error, row.worst === null ? "–" : format.share(row.worst));
    const now = row.traffic ? row.history.now : null;
    setText(rate, format.count(now?.per_s));
    setText(p50, format.duration(now?.p50_us));
    setText(p99, format.duration(now?.p99_us));
    this.#spark.draw(row.history.points);
    this.node.classList.toggle("selected", is_selected);
    if (is_selected) this.#link.setAttribute("aria-current", "true");
    else this.#link.removeAttribute("aria-current");
  }
}
