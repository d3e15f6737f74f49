// The page: looks at the server once a second, and shows what changed.
import { details, keepToken, look, ServerError } from "./api.js";
import { byId, setText } from "./dom.js";
import * as format from "./format.js";
import { ModelPanel } from "./model_panel.js";
import { ModelsTable } from "./models_table.js";
import { ShadowsTable } from "./shadows_table.js";
import { Summary } from "./summary.js";
import { History, together } from "./traffic.js";

const LOOK_MS = 1000;
const ALL = Symbol("all models");

const histories = new Map();
const summary = new Summary(byId("summary"));
const models = new ModelsTable(byId("table"), byId("filter"));
const shadows = new ShadowsTable(byId("shadows"));
let panel = null;
let shown = null; // of the details that the panel shows

const textOf = (key) => `${key.name}/${key.version}`;
const address = (key) => `#/${encodeURIComponent(key.name)}/${key.version}`;

function asked() {
  const found = /^#\/([^/]+)\/(\d+)$/.exec(location.hash);
  return found && `${decodeURIComponent(found[1])}/${found[2]}`;
}

function historyOf(id, at_s, traffic, bounds_us) {
  if (!histories.has(id)) histories.set(id, new History());
  histories.get(id).add(at_s, traffic, bounds_us);
  return histories.get(id);
}

// What is asked for, else the first that answers.
function selected(rows) {
  const wanted = asked();
  return rows.find((row) => textOf(row) === wanted) ?? rows.find((row) => row.traffic) ?? rows[0];
}

function showHealth(data) {
  const health = byId("health");
  health.className = `health ${data.ready ? "good" : "waits"}`;
  setText(health, data.ready ? "Ready" : "Not ready");
  setText(byId("version"), `aios ${data.version} · up ${format.uptime(data.uptime_s)}`);
}

async function showModel(row, history) {
  if (!row) {
    byId("model").hidden = true;
    return;
  }
  // What changes seldom is asked for again when something about the version did.
  const marks = [textOf(row), row.state, row.reason, row.engine, row.worst, row.precision].join("|");
  if (marks !== shown) {
    const found = await details(row);
    if (panel?.id !== textOf(row)) panel = new ModelPanel(byId("model"), textOf(row));
    panel.show(found);
    shown = marks;
  }
  panel.draw(row, history);
}

async function update() {
  const data = await look();
  const at_s = data.uptime_s;
  const rows = data.models.map((row) => ({
    ...row,
    address: address(row),
    history: historyOf(textOf(row), at_s, row.traffic, data.bounds_us),
  }));
  const all = together(data.models.map((row) => row.traffic));
  summary.draw(historyOf(ALL, at_s, all, data.bounds_us), data.totals);
  showHealth(data);
  const row = selected(rows);
  models.draw(rows, row && textOf(row));
  shadows.draw(data.shadows, data.bounds_us);
  await showModel(row, row?.history);
}

function tell(error) {
  const notice = byId("notice");
  notice.hidden = !error;
  byId("token").hidden = !(error instanceof ServerError && error.asksForToken);
  if (!error) return;
  const health = byId("health");
  health.className = "health bad";
  setText(health, "No answer");
  setText(notice, error instanceof ServerError
    ? `The server says: ${error.message}`
    : "The server doesn’t answer. This page asks again each second.");
}

let timer = null;
async function turn() {
  clearTimeout(timer);
  if (!document.hidden) await update().then(() => tell(null), tell);
  timer = setTimeout(turn, LOOK_MS);
}

byId("token").addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(byId("token-text").value);
  turn();
});
addEventListener("hashchange", turn);
document.addEventListener("visibilitychange", turn);
turn();
