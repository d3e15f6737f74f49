// One version: how it does, why its engine was chosen, its proof, and a form to try it.
import { bar, Chart } from "./charts.js";
import { el, setText, table } from "./dom.js";
import { queueAndBatches } from "./batches.js";
import { enginesTable, named } from "./engines.js";
import * as format from "./format.js";
import { stateOf } from "./models_table.js";
import { TryForm } from "./try_form.js";

const LATENCY = [{ name: "p50_us", title: "median" }, { name: "p99_us", title: "p99" }];

export class ModelPanel {
  #place;
  #rate = new Chart("Requests a second", [{ name: "per_s", title: "now" }], format.count);
  #latency = new Chart("Latency", LATENCY, format.duration);
  #totals = el("p", { class: "quiet" });
  #batches = el("div");
  #batched = ""; // what that shows
  #form = null;
  #tried = null; // the signature that the form is for

  constructor(place, id) {
    this.id = id;
    this.#place = place;
  }

  show(model) {
    const signature = JSON.stringify([model.signature, model.labels]);
    if (model.signature && signature !== this.#tried) {
      this.#form = new TryForm(model);
      this.#tried = signature;
    }
    const live = section("Live", this.#rate.node, this.#latency.node, this.#totals, this.#batches);
    this.#place.replaceChildren(
      heading(model),
      el("div", { class: "columns" }, model.signature && live, model.signature && this.#form.node,
        engines(model), proof(model)),
    );
    this.#place.hidden = false;
  }

  draw(row, history) {
    this.#rate.draw(history.points, history.now);
    this.#latency.draw(history.points, history.now);
    const traffic = row.traffic;
    if (!traffic) return;
    const [good, client, server] = traffic.requests;
    const parts = [`${format.count(good)} answered`, `${format.count(traffic.samples)} samples`];
    if (client) parts.push(`${format.count(client)} refused as wrong`);
    if (server) parts.push(`${format.count(server)} failed here`);
    setText(this.#totals, `Since it was loaded: ${parts.join(", ")}.`);
    this.#drawBatches(row.execution);
  }

  #drawBatches(execution) {
    const told = JSON.stringify(execution);
    if (told === this.#batched) return;
    this.#batched = told;
    this.#batches.replaceChildren(...queueAndBatches(execution));
  }
}

function section(title, ...content) {
  return el("section", { class: "card" }, el("h3", {}, title), content);
}

function heading(model) {
  const [kind, word] = stateOf(model);
  return el("header", { class: "model-head" },
    el("h2", { id: "model-name" }, model.name, " ", el("span", { class: "tag" }, `version ${model.version}`)),
    el("p", { class: `state ${kind}` }, word),
    model.reason && el("p", { class: "reason" }, model.reason),
    model.signature && el("p", { class: "quiet" }, tensors(model.signature.inputs), " → ", tensors(model.signature.outputs)));
}

const tensors = (specs) =>
  specs.map((spec) => `${spec.name}: ${spec.datatype} ${format.shape(spec.shape)}`).join(", ");

function engines(model) {
  if (model.choices.length === 0) return null;
  return section("Engine, and why",
    el("p", { class: "quiet" }, "Median time of a call, measured on this machine. The fastest that is proved answers."),
    enginesTable(model.choices));
}

function proof(model) {
  if (!model.proof) {
    return section("Proof", el("p", {}, model.proven
      ? "Its bundle can’t be read any more."
      : "Nothing is proved: this SavedModel runs as TensorFlow runs it. aios export makes a bundle of it that carries its proof."));
  }
  const { samples, artifacts } = model.proof;
  const columns = [
    { title: "Artifact" },
    { title: "Error / tolerance", number: true },
    { title: "Share of the tolerance", hidden: true, wide: true },
    { title: "Same class", number: true, wide: true },
    { title: "Verdict" },
  ];
  const rows = artifacts.map((artifact) => Object.assign([
    named(artifact),
    format.share(artifact.worst),
    artifact.worst === null ? "" : bar(artifact.worst, artifact.worst > 1 ? "over" : ""),
    format.share(artifact.top1_agreement),
    artifact.verdict,
  ], { note: artifact.reason }));
  const told = samples
    ? `Largest difference from the training model’s own answers to ${samples} samples; 100 % is what is allowed.`
    : "Largest difference from the training model’s own answers; 100 % is what is allowed.";
  return section("Proof", el("p", { class: "quiet" }, told), table("Proof of each artifact", columns, rows));
}
