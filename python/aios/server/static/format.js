// Numbers as people read them.
const NONE = "–";

function rounded(value, digits = 3) {
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.max(Math.abs(value), 1e-9))));
  return value.toLocaleString("en", { maximumFractionDigits: Math.min(places, 6) });
}

export function count(value) {
  if (value === null || value === undefined) return NONE;
  if (value >= 1e6) return `${rounded(value / 1e6)} M`;
  if (value >= 1e5) return `${rounded(value / 1e3)} k`;
  return value >= 100 || Number.isInteger(value)
    ? Math.round(value).toLocaleString("en")
    : rounded(value, 2);
}

export function duration(us) {
  if (us === null || us === undefined) return NONE;
  if (us >= 1e6) return `${rounded(us / 1e6)} s`;
  if (us >= 1e3) return `${rounded(us / 1e3)} ms`;
  return `${rounded(us, us < 10 ? 2 : 3)} µs`;
}

// Of a tolerance of 1.
export function share(value) {
  if (value === null || value === undefined) return NONE;
  const percent = value * 100;
  if (percent === 0) return "0 %";
  return percent < 0.1 ? "< 0.1 %" : `${rounded(percent, 2)} %`;
}

export function bytes(value) {
  if (value >= 1 << 20) return `${rounded(value / (1 << 20))} MB`;
  return value >= 1024 ? `${rounded(value / 1024)} KB` : `${value} B`;
}

export function uptime(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

// One number of an answer.
export function value(number) {
  if (typeof number !== "number" || !Number.isFinite(number)) return String(number);
  if (Number.isInteger(number)) return number.toLocaleString("en");
  const size = Math.abs(number);
  return size >= 1e6 || size < 1e-4 ? number.toExponential(2) : Number(number.toPrecision(4)).toString();
}

export const shape = (sizes) => sizes.map((size) => (size < 0 ? "any" : size)).join(" × ") || "one";
