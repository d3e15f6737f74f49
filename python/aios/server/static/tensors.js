// Tensors as KServe's binary extension has them: little-endian, row-major, strings with lengths.
const TYPED = {
  BOOL: Uint8Array, UINT8: Uint8Array, UINT16: Uint16Array, UINT32: Uint32Array,
  UINT64: BigUint64Array, INT8: Int8Array, INT16: Int16Array, INT32: Int32Array,
  INT64: BigInt64Array, FP32: Float32Array, FP64: Float64Array,
};
const SIXTEEN = {
  FP16: { read: halfToFloat, write: floatToHalf },
  BF16: { read: (bits) => floatOf(bits << 16), write: (value) => roundedUpperHalf(bitsOf(value)) },
};
const scratch = new DataView(new ArrayBuffer(4));

export const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);

// An array of numbers, bigints, booleans or strings.
export function decode(datatype, data) {
  const owned = data.slice();
  if (datatype === "BYTES") return strings(owned);
  if (datatype === "BOOL") return Array.from(owned, Boolean);
  const sixteen = SIXTEEN[datatype];
  if (sixteen) return Array.from(new Uint16Array(owned.buffer), sixteen.read);
  return Array.from(new TYPED[datatype](owned.buffer));
}

export function encode(datatype, values) {
  if (datatype === "BYTES") return lengthsAndBytes(values);
  const sixteen = SIXTEEN[datatype];
  const array = sixteen
    ? Uint16Array.from(values, sixteen.write)
    : TYPED[datatype].from(values, is64(datatype) ? BigInt : Number);
  return new Uint8Array(array.buffer);
}

const is64 = (datatype) => datatype === "INT64" || datatype === "UINT64";

// What a person typed; throws an Error that says what is wrong with it.
export function parse(text, datatype) {
  if (datatype === "BYTES") return text.split("\n");
  const words = text.split(/[\s,;[\]]+/).filter(Boolean);
  return words.map((word) => numberOf(word, datatype));
}

function numberOf(word, datatype) {
  const lower = word.toLowerCase();
  if (datatype === "BOOL" && (lower === "true" || lower === "false")) return lower === "true";
  if (is64(datatype) && /^[+-]?\d+$/.test(word)) return BigInt(word);
  const special = { nan: NaN, inf: Infinity, "-inf": -Infinity, infinity: Infinity, "-infinity": -Infinity };
  const number = lower in special ? special[lower] : Number(word);
  if (Number.isNaN(number) && lower !== "nan") throw new Error(`“${word}” isn't a number`);
  const whole = datatype.includes("INT") || datatype === "BOOL";
  if (whole && !Number.isInteger(number)) throw new Error(`${datatype} takes whole numbers, not “${word}”`);
  return is64(datatype) ? BigInt(number) : number;
}

export function show(values, datatype) {
  if (datatype === "BYTES") return values.join("\n");
  const digits = datatype === "FP64" ? 17 : datatype === "FP16" || datatype === "BF16" ? 5 : 9;
  const text = (number) =>
    typeof number === "number" && !Number.isInteger(number) && Number.isFinite(number)
      ? String(Number(number.toPrecision(digits)))
      : String(number);
  return values.map(text).join(", ");
}

function strings(data) {
  const view = new DataView(data.buffer);
  const found = [];
  for (let at = 0; at < data.length; ) {
    const size = view.getUint32(at, true);
    found.push(new TextDecoder().decode(data.subarray(at + 4, at + 4 + size)));
    at += 4 + size;
  }
  return found;
}

function lengthsAndBytes(values) {
  const parts = values.map((value) => new TextEncoder().encode(value));
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  let at = 0;
  for (const part of parts) {
    new DataView(joined.buffer).setUint32(at, part.length, true);
    joined.set(part, at + 4);
    at += 4 + part.length;
  }
  return joined;
}

function floatOf(bits) {
  scratch.setUint32(0, bits >>> 0);
  return scratch.getFloat32(0);
}

function bitsOf(value) {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

// To the nearest, ties to even.
function roundedUpperHalf(bits) {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function halfToFloat(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function floatToHalf(value) {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const steps = roundedToEven(size * 2 ** (10 - exponent));
  // A fraction that was rounded up to the next power of two carries into the exponent by itself.
  return sign | (size < 2 ** -14 ? steps : ((exponent + 15) << 10) + (steps - 1024));
}

function roundedToEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
