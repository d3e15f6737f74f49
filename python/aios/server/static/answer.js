// What a model answered: scores as bars with their labels, other tensors as tables.
import { bar } from "./charts.js";
import { el, table } from "./dom.js";
import { chosenOf, keyOf } from "./engines.js";
import * as format from "./format.js";

const MOST_ROWS = 12;

// Elements; `expected` are the training model's outputs, where the inputs are a sample's.
export function showAnswer(model, answer, expected) {
  const told = [`Answered in ${format.duration(answer.took_us)}, with the way there and back.`];
  const apart = expected && apartInTolerances(model, answer.outputs, expected);
  if (typeof apart === "number") {
    told.push(apart <= 1
      ? ` The training model answered the same; the two are ${format.share(apart)} of the tolerance apart.`
      : ` The training model answered otherwise: the two are ${format.share(apart)} of the tolerance apart.`);
  }
  const names = Object.keys(answer.outputs);
  return [
    el("p", {}, told.join("")),
    ...names.map((name) => output(name, answer.outputs[name], names.length === 1 ? model.labels : null)),
  ];
}

function output(name, tensor, labels) {
  const batched = tensor.shape.length > 1 && tensor.shape[0] > 1;
  const width = tensor.shape.at(-1) ?? 1;
  const told = `${name}: ${tensor.datatype} ${format.shape(tensor.shape)}`;
  if (!batched && tensor.shape.length <= 2 && width > 1 && numeric(tensor.values)) {
    return el("div", {}, el("h4", {}, told), scores(told, tensor.values, labels));
  }
  return el("div", {}, el("h4", {}, told), values(told, tensor, batched ? tensor.shape : null));
}

const numeric = (list) => list.every((value) => typeof value === "number");

// In their order where there are few, else the largest first.
function scores(caption, numbers, labels) {
  const named = numbers.map((number, i) => ({ number, label: labels?.[i] ?? String(i) }));
  const best = named.reduce((most, each) => (each.number > most.number ? each : most));
  const few = named.length <= MOST_ROWS;
  const shown = few ? named : [...named].sort((a, b) => b.number - a.number).slice(0, MOST_ROWS);
  const low = Math.min(0, ...numbers);
  const span = Math.max(...numbers) - low || 1;
  const columns = [
    { title: labels?.length === numbers.length ? "Class" : "Index" },
    { title: "Size", hidden: true },
    { title: "Score", number: true },
  ];
  const rows = shown.map((each) => Object.assign([
    each.label, bar((each.number - low) / span, each === best ? "" : "faint"), format.value(each.number),
  ], { kind: each === best ? "chosen" : null }));
  return [table(caption, columns, rows), more(named.length - shown.length)];
}

function values(caption, tensor, batch) {
  const one = batch ? tensor.values.length / batch[0] : 1;
  const all = Math.ceil(tensor.values.length / one);
  const rows = Array.from({ length: Math.min(all, MOST_ROWS) }, (_, i) => {
    const part = tensor.values.slice(i * one, i * one + Math.min(one, MOST_ROWS));
    return [String(i), part.map(format.value).join("  ") + (one > MOST_ROWS ? " …" : "")];
  });
  const columns = [{ title: batch ? "Sample" : "Index" }, { title: "Value", number: true }];
  return [table(caption, columns, rows), more(all - rows.length)];
}

const more = (count) => (count > 0 ? el("p", { class: "quiet" }, `and ${format.count(count)} more`) : null);

// |a - b| over absolute * max(1, max|b|) + relative * |b|, the largest; null where it isn't known.
function apartInTolerances(model, outputs, expected) {
  const chosen = chosenOf(model.choices);
  const artifact = chosen && model.proof?.artifacts.find((each) => keyOf(each) === keyOf(chosen));
  if (!artifact) return null;
  let worst = 0;
  for (const [name, { values: wanted }] of Object.entries(expected)) {
    const got = outputs[name]?.values ?? [];
    if (got.length !== wanted.length || !numeric(wanted)) return null;
    const scale = artifact.absolute * wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    wanted.forEach((value, i) => {
      if (Object.is(got[i], value) || got[i] === value) return;
      worst = Math.max(worst, Math.abs(got[i] - value) / (scale + artifact.relative * Math.abs(value)));
    });
  }
  return Number.isNaN(worst) ? null : worst;
}
