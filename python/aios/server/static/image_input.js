// A picture of an input: from a file, drawn by hand, or of the numbers that were typed.
import { el } from "./dom.js";

const SHOWN = 168; // CSS pixels on the longer side
const LEAST = 8; // pixels on a side: what is smaller is hardly a picture

// {height, width, channels, whole} where an input may be a picture, else null; `whole` is whether
// its values are whole numbers.
export function imageSize(spec) {
  if (spec.datatype === "BYTES" || spec.datatype === "BOOL") return null;
  const whole = spec.datatype.includes("INT");
  const sizes = spec.shape[0] === -1 ? spec.shape.slice(1) : spec.shape;
  if (sizes.some((size) => size < 1)) return null;
  if (sizes.length === 1) {
    const side = Math.sqrt(sizes[0]);
    return Number.isInteger(side) && side >= LEAST ? { height: side, width: side, channels: 1, whole } : null;
  }
  const [height, width, channels = 1] = sizes;
  const fits = sizes.length <= 3 && [1, 3, 4].includes(channels);
  return fits && Math.min(height, width) >= LEAST ? { height, width, channels, whole } : null;
}

export class ImageInput {
  #size;
  #changed;
  #canvas;
  #context;
  #low = field("Darkest", 0);
  #high = field("Brightest", 1);
  #inverted = el("input", { type: "checkbox", onchange: () => {
    this.#invert();
    this.#take();
  } });
  #pen = null;
  node;

  // `changed` is given the values of a picture that was chosen or drawn.
  constructor(size, changed) {
    this.#size = size;
    this.#changed = changed;
    this.#canvas = el("canvas", { width: size.width, height: size.height, role: "img",
      "aria-label": "A picture of the input. Draw on it with a pointer." });
    const scale = SHOWN / Math.max(size.width, size.height);
    this.#canvas.style.width = `${Math.round(size.width * scale)}px`;
    this.#canvas.style.height = `${Math.round(size.height * scale)}px`;
    this.#canvas.classList.toggle("coarse", scale > 2);
    this.#context = this.#canvas.getContext("2d", { willReadFrequently: true });
    this.#listen();
    const file = el("input", { type: "file", accept: "image/*", class: "visually-hidden",
      onchange: () => this.#load(file.files[0]) });
    this.node = el("div", { class: "image" }, this.#canvas,
      el("div", { class: "image-tools" },
        el("label", { class: "button" }, file, "Choose an image"),
        el("button", { type: "button", onclick: () => this.#clear() }, "Clear"),
        el("div", { class: "range" }, this.#low.node, this.#high.node),
        el("label", { class: "check" }, this.#inverted, "Invert")));
  }

  // The range of pixels' values that the model was trained with, as one of its samples tells it.
  learnRange(values) {
    const numbers = values.map(Number);
    const least = Math.min(...numbers.slice(0, 1e5));
    const most = Math.max(...numbers.slice(0, 1e5));
    this.#low.value = least < 0 ? Math.min(-1, Math.floor(least)) : 0;
    this.#high.value = [1, 16, 255].find((top) => most <= top) ?? Math.ceil(most);
  }

  show(values) {
    const { height, width, channels } = this.#size;
    if (values.length < height * width * channels) return;
    const image = this.#context.createImageData(width, height);
    const low = this.#low.value;
    const span = this.#high.value - low || 1;
    const level = (i) => (255 * (Number(values[i]) - low)) / span;
    for (let pixel = 0; pixel < height * width; ++pixel) {
      const at = pixel * channels;
      const colours = channels === 1 ? [level(at), level(at), level(at)] : [level(at), level(at + 1), level(at + 2)];
      image.data.set([...colours, 255], pixel * 4);
    }
    this.#context.putImageData(image, 0, 0);
  }

  async #load(file) {
    if (!file) return;
    const { height, width } = this.#size;
    const picture = await createImageBitmap(file);
    // Fills the shape; what is over on the longer side is cut off.
    const scale = Math.max(width / picture.width, height / picture.height);
    const [across, down] = [picture.width * scale, picture.height * scale];
    this.#context.imageSmoothingQuality = "high";
    this.#context.fillStyle = "#fff";
    this.#context.fillRect(0, 0, width, height);
    this.#context.drawImage(picture, (width - across) / 2, (height - down) / 2, across, down);
    if (this.#inverted.checked) this.#invert();
    this.#take();
  }

  #clear() {
    this.#context.fillStyle = "#000";
    this.#context.fillRect(0, 0, this.#size.width, this.#size.height);
    this.#take();
  }

  #invert() {
    const image = this.#context.getImageData(0, 0, this.#size.width, this.#size.height);
    for (let i = 0; i < image.data.length; ++i) if (i % 4 !== 3) image.data[i] = 255 - image.data[i];
    this.#context.putImageData(image, 0, 0);
  }

  // Gives the picture's pixels as values of the input.
  #take() {
    const { height, width, channels } = this.#size;
    const pixels = this.#context.getImageData(0, 0, width, height).data;
    const low = this.#low.value;
    const step = (this.#high.value - low) / 255;
    const values = [];
    for (let i = 0; i < pixels.length; i += 4) {
      const [red, green, blue] = pixels.subarray(i, i + 3);
      const colours = channels === 1
        ? [0.299 * red + 0.587 * green + 0.114 * blue] : [red, green, blue, 255];
      values.push(...colours.slice(0, channels).map((colour) => this.#rounded(low + colour * step)));
    }
    this.#changed(values);
  }

  #rounded(value) {
    return this.#size.whole ? Math.round(value) : Number(value.toFixed(4));
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#pen = this.#placeOf(event);
      this.#stroke(event);
    });
    canvas.addEventListener("pointermove", (event) => this.#pen && this.#stroke(event));
    canvas.addEventListener("pointerup", () => {
      this.#pen = null;
      this.#take();
    });
    canvas.addEventListener("pointercancel", () => (this.#pen = null));
  }

  #placeOf(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [((event.clientX - box.x) * this.#size.width) / box.width,
      ((event.clientY - box.y) * this.#size.height) / box.height];
  }

  #stroke(event) {
    const to = this.#placeOf(event);
    const context = this.#context;
    context.strokeStyle = "#fff";
    context.lineCap = "round";
    context.lineWidth = Math.max(1, this.#size.width / 9);
    context.beginPath();
    context.moveTo(...this.#pen);
    context.lineTo(...to);
    context.stroke();
    this.#pen = to;
  }
}

function field(title, value) {
  const input = el("input", { type: "number", step: "any", value });
  return {
    node: el("label", {}, title, input),
    get value() {
      return Number(input.value);
    },
    set value(number) {
      input.value = number;
    },
  };
}
