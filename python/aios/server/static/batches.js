// How calls waited for a worker, and how many were answered together.
import { bar } from "./charts.js";
import { el, table } from "./dom.js";
import * as format from "./format.js";

// Of which single samples, as fast models answer them in the I/O thread, are no news.
const isNews = (batches) => batches.some(([samples]) => samples !== 1);

export function queueAndBatches(execution) {
  return [waited(execution), isNews(execution.batches) && sizes(execution.batches)].filter(Boolean);
}

function waited({ queued, queue_us, refused, expired, cancelled }) {
  if (queued + refused + expired + cancelled === 0) return null;
  const parts = [];
  if (queued) {
    parts.push(`${format.count(queued)} calls waited for a worker, ${format.duration(queue_us / queued)} on average`);
  }
  if (refused) parts.push(`${format.count(refused)} were too many`);
  if (expired) parts.push(`${format.count(expired)} waited too long`);
  if (cancelled) parts.push(`${format.count(cancelled)} clients left`);
  return el("p", { class: "quiet" }, `${parts.join("; ")}.`);
}

function sizes(batches) {
  const runs = batches.reduce((sum, [, count]) => sum + count, 0);
  const columns = [
    { title: "Batch" },
    { title: "Share of the runs", hidden: true, wide: true },
    { title: "Runs", number: true },
  ];
  const rows = inOrder(batches).map(([samples, count]) => [
    samples === 0 ? "over 64" : format.count(samples), bar(count / runs), format.count(count),
  ]);
  return table("How many samples were answered together", columns, rows);
}

// Those over 64, which have no size of their own, come last.
const inOrder = (batches) => [...batches].sort(([a], [b]) => (a || Infinity) - (b || Infinity));
