// A form that calls the model as any client does, filled with a sample that it was proved with.
import { showAnswer } from "./answer.js";
import { infer, sample } from "./api.js";
import { el, setText } from "./dom.js";
import * as format from "./format.js";
import { ImageInput, imageSize } from "./image_input.js";
import { parse, show, sizeOf } from "./tensors.js";

let fields = 0;

// A text of numbers; where the input may be an image, also a picture of it.
class Field {
  #spec;
  #shape;
  #text;
  #image = null;
  node;

  constructor(spec, changed) {
    this.#spec = spec;
    this.#shape = spec.shape.map((size) => Math.max(size, 1));
    const id = `input-${++fields}`;
    const is_text = spec.datatype === "BYTES";
    this.#text = el("textarea", {
      id, rows: is_text ? 2 : 4, spellcheck: "false", autocomplete: "off", autocapitalize: "off",
      "aria-describedby": `${id}-kind`,
      oninput: () => {
        changed();
        this.#redraw();
      },
    });
    const size = imageSize(spec);
    if (size) {
      this.#image = new ImageInput(size, (values) => {
        this.#text.value = show(values, spec.datatype);
        changed();
      });
    }
    this.node = el("div", { class: "field" },
      el("label", { for: id }, spec.name),
      el("span", { id: `${id}-kind`, class: "quiet" }, `${spec.datatype} ${format.shape(spec.shape)}`,
        is_text && sizeOf(this.#shape) > 1 ? ", one a line" : ""),
      this.#image?.node, this.#text);
  }

  fill(tensor) {
    this.#shape = tensor.shape;
    this.#text.value = show(tensor.values, tensor.datatype);
    this.#image?.learnRange(tensor.values);
    this.#redraw();
  }

  zero() {
    const zero = this.#spec.datatype === "BYTES" ? "" : 0;
    const count = sizeOf(this.#shape);
    this.fill({ ...this.#spec, shape: this.#shape, values: new Array(count).fill(zero) });
  }

  // Throws an Error that says what is wrong.
  get tensor() {
    const datatype = this.#spec.datatype;
    const values = parse(this.#text.value, datatype);
    const shape = this.#fitting(values.length);
    if (!shape) {
      throw new Error(`${this.#spec.name}: expected ${format.count(sizeOf(this.#shape))} values, got ${format.count(values.length)}`);
    }
    return { datatype, shape, values };
  }

  // Several samples may be typed where the model takes batches.
  #fitting(count) {
    if (count === sizeOf(this.#shape)) return this.#shape;
    const one = sizeOf(this.#shape.slice(1));
    if (this.#spec.shape[0] !== -1 || count === 0 || count % one !== 0) return null;
    return [count / one, ...this.#shape.slice(1)];
  }

  #redraw() {
    try {
      this.#image?.show(parse(this.#text.value, this.#spec.datatype));
    } catch {
      // What isn't numbers yet has no picture.
    }
  }
}

export class TryForm {
  #model;
  #fields;
  #sample = null; // what the fields hold, untouched
  #next = 0;
  #from = el("p", { class: "quiet", role: "status" });
  #answer = el("div", { class: "answer", "aria-live": "polite" });
  #another = el("button", { type: "button", onclick: () => this.#fill() }, "Another sample");
  node;

  constructor(model) {
    this.#model = model;
    const changed = () => {
      this.#sample = null;
      setText(this.#from, "Your own input");
    };
    this.#fields = Object.fromEntries(
      model.signature.inputs.map((spec) => [spec.name, new Field(spec, changed)]));
    this.node = el("section", { class: "card try" }, el("h3", {}, "Try it"),
      el("form", { onsubmit: (event) => this.#run(event) },
        Object.values(this.#fields).map((field) => field.node), this.#from,
        el("div", { class: "buttons" }, el("button", { class: "primary" }, "Run"), this.#another)),
      this.#answer);
    this.#fill();
  }

  async #fill() {
    try {
      const found = await sample(this.#model, this.#next);
      this.#next = (this.#next + 1) % found.count;
      for (const [name, tensor] of Object.entries(found.inputs)) this.#fields[name].fill(tensor);
      this.#sample = found;
      setText(this.#from, `Sample ${found.sample + 1} of ${found.count} that it was proved with`);
      this.#another.hidden = found.count < 2;
    } catch {
      for (const field of Object.values(this.#fields)) field.zero();
      setText(this.#from, "Zeros: this version carries no samples");
      this.#another.hidden = true;
    }
  }

  async #run(event) {
    event.preventDefault();
    const expected = this.#sample?.outputs;
    try {
      const inputs = Object.fromEntries(
        Object.entries(this.#fields).map(([name, field]) => [name, field.tensor]));
      const answer = await infer(this.#model, inputs);
      this.#answer.replaceChildren(...showAnswer(this.#model, answer, expected));
    } catch (error) {
      this.#answer.replaceChildren(el("p", { class: "reason", role: "alert" }, error.message));
    }
  }
}
