// Rates and latencies of one model, or of all, from the differences of two looks at its counters.
const LOOKS = 121; // two minutes
const WINDOW = 5; // looks that a figure in a table is of

const added = (one, other) => one.map((value, i) => value + (other[i] ?? 0));

export function together(traffics) {
  const present = traffics.filter(Boolean);
  if (present.length === 0) return null;
  return present.reduce((sum, each) => ({
    requests: added(sum.requests, each.requests),
    latency: added(sum.latency, each.latency),
    samples: sum.samples + each.samples,
  }));
}

// In the bucket that holds it, as if values were spread evenly there.
export function quantile(buckets, bounds_us, part) {
  const total = buckets.reduce((sum, value) => sum + value, 0);
  if (total === 0) return null;
  let left = total * part;
  for (let i = 0; i < buckets.length; ++i) {
    if (left > buckets[i]) {
      left -= buckets[i];
      continue;
    }
    const low = i === 0 ? 0 : bounds_us[i - 1];
    return low + (left / buckets[i]) * ((bounds_us[i] ?? low) - low);
  }
  return bounds_us.at(-1);
}

function between(before, after, bounds_us) {
  const seconds = after.at_s - before.at_s;
  // Fewer than before: another bundle took the version's place, and counts anew.
  const anew = after.requests.some((value, i) => value < before.requests[i]);
  const change = (name) => after[name].map((value, i) => value - (anew ? 0 : before[name][i]));
  const requests = change("requests");
  const latency = change("latency");
  return {
    at_s: after.at_s,
    per_s: requests.reduce((sum, value) => sum + value, 0) / seconds,
    failed_per_s: (requests[1] + requests[2]) / seconds,
    p50_us: quantile(latency, bounds_us, 0.5),
    p99_us: quantile(latency, bounds_us, 0.99),
  };
}

export class History {
  #looks = [];
  #points = [];
  #now = null;

  add(at_s, traffic, bounds_us) {
    if (!traffic) return;
    const look = { at_s, requests: traffic.requests, latency: traffic.latency };
    const last = this.#looks.at(-1);
    if (last && at_s <= last.at_s) this.#looks = this.#points = [];
    if (this.#looks.length) {
      this.#points.push(between(this.#looks.at(-1), look, bounds_us));
      this.#now = between(this.#looks.at(-WINDOW) ?? this.#looks[0], look, bounds_us);
    }
    this.#looks.push(look);
    if (this.#looks.length > LOOKS) this.#looks.shift();
    if (this.#points.length >= LOOKS) this.#points.shift();
  }

  // One a look: {at_s, per_s, failed_per_s, p50_us, p99_us}; latencies are null without calls.
  get points() {
    return this.#points;
  }

  // Over the last few looks; null before the second.
  get now() {
    return this.#now;
  }
}
