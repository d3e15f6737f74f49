// Which engine answers, at which batch size, and why: a row an artifact, a column a batch size.
import { el, table } from "./dom.js";
import * as format from "./format.js";

export const keyOf = (artifact) => [artifact.engine, artifact.target, artifact.precision].join("/");

// What answers single samples; undefined where nothing was chosen.
export const chosenOf = (choices) =>
  choices.filter((choice) => choice.chosen).sort((a, b) => a.batch - b.batch)[0];

export function named(artifact) {
  const parts = [artifact.target, artifact.precision].filter((part) => part && part !== "any");
  return el("span", { class: "named" }, artifact.engine, " ", el("span", { class: "tag" }, parts.join(" · ")));
}

export function enginesTable(choices) {
  const batches = [...new Set(choices.map((choice) => choice.batch))].filter((batch) => batch > 0).sort((a, b) => a - b);
  const chosen = chosenOf(choices);
  const artifacts = [...new Map(choices.map((choice) => [keyOf(choice), choice])).values()];
  const columns = [
    { title: "Engine" },
    ...batches.map((batch, i) => ({
      title: batch === 1 ? "1 sample" : `to ${format.count(batch)}`,
      number: true,
      wide: i > 0 && i < batches.length - 1,
    })),
  ];
  const rows = artifacts.map((artifact) => Object.assign([
    named(artifact),
    ...batches.map((batch) => call(choices, artifact, batch)),
  ], {
    kind: chosen && keyOf(chosen) === keyOf(artifact) ? "chosen" : null,
    note: reasons(choices.filter((choice) => keyOf(choice) === keyOf(artifact))),
  }));
  return table("What a call takes on each engine, by batch size, and why one was chosen", columns, rows);
}

function call(choices, artifact, batch) {
  const choice = choices.find((each) => keyOf(each) === keyOf(artifact) && each.batch === batch);
  if (!choice) return "–";
  const text = format.duration(choice.p50_us);
  return choice.chosen
    ? el("b", { class: "mark" }, text, el("span", { class: "visually-hidden" }, " (chosen)"))
    : text;
}

// Each once; the first is of single samples.
const reasons = (choices) => [...new Set(choices.map((choice) => choice.reason))].join("; ");
