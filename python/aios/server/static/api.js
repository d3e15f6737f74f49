// What the page asks the server.
import { decode, encode } from "./tensors.js";

const LENGTH = "Inference-Header-Content-Length";
const TOKEN = "aios-token";

export class ServerError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
  get asksForToken() {
    return this.status === 401 || this.status === 403;
  }
}

export const keepToken = (token) => sessionStorage.setItem(TOKEN, token);

async function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) };
  const response = await fetch(path, { ...options, headers, cache: "no-store" });
  if (response.ok) return response;
  const text = await response.text();
  let message = text || `the server answered ${response.status}`;
  try {
    message = JSON.parse(text).error ?? message;
  } catch {
    // It isn't JSON: shown as it is.
  }
  throw new ServerError(response.status, message);
}

const asked = async (path) => (await ask(path)).json();
const place = (key) => `/dashboard/models/${encodeURIComponent(key.name)}/versions/${key.version}`;

export const look = () => asked("/dashboard/data");
export const details = (key) => asked(place(key));

// A sample's tensors as {name: {datatype, shape, values}}.
export async function sample(key, index) {
  const found = await asked(`${place(key)}/samples/${index}`);
  const read = (tensors) => Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => {
    const data = Uint8Array.from(atob(tensor.data), (character) => character.charCodeAt(0));
    return [name, { ...tensor, values: decode(tensor.datatype, data) }];
  }));
  return { ...found, inputs: read(found.inputs), outputs: read(found.outputs) };
}

// Calls the model as any client does; `inputs` and the answer as of sample().
export async function infer(key, inputs) {
  const blobs = Object.values(inputs).map((tensor) => encode(tensor.datatype, tensor.values));
  const head = new TextEncoder().encode(JSON.stringify({
    inputs: Object.entries(inputs).map(([name, { datatype, shape }], i) => ({
      name, datatype, shape, parameters: { binary_data_size: blobs[i].length },
    })),
    parameters: { binary_data_output: true },
  }));
  const path = `/v2/models/${encodeURIComponent(key.name)}/versions/${key.version}/infer`;
  const began = performance.now();
  const response = await ask(path, {
    method: "POST",
    headers: { [LENGTH]: String(head.length), "Content-Type": "application/octet-stream" },
    body: new Blob([head, ...blobs]),
  });
  const body = new Uint8Array(await response.arrayBuffer());
  const took_us = (performance.now() - began) * 1000;
  return { took_us, outputs: outputs(body, Number(response.headers.get(LENGTH) ?? body.length)) };
}

function outputs(body, length) {
  const found = {};
  let at = length;
  for (const output of JSON.parse(new TextDecoder().decode(body.subarray(0, length))).outputs) {
    const size = output.parameters?.binary_data_size ?? 0;
    const values = output.data ?? decode(output.datatype, body.subarray(at, at + size));
    found[output.name] = { datatype: output.datatype, shape: output.shape, values };
    at += size;
  }
  return found;
}
