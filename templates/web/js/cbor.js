// CBOR in its one deterministic form (RFC 8949, 4.2.1): integers, bytes, text, arrays, maps, tags. Anything else throws.
export class Tagged {
  constructor(tag, value) {
    Object.assign(this, { tag, value });
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The one value that the bytes hold. Maps become Map; integers are exact numbers. */
export function decode(bytes) {
  let at = 0;
  const wrong = () => new Error("not deterministic CBOR");
  const take = (count) => {
    if (at + count > bytes.length) throw wrong();
    return bytes.subarray(at, (at += count));
  };
  const head = () => {
    const [first] = take(1), low = first & 31;
    if (low < 24) return [first >> 5, low];
    if (low > 27) throw wrong();
    const size = 1 << (low - 24);
    const value = take(size).reduce((sum, byte) => sum * 256 + byte, 0);
    // The shortest form only; beyond 2^53 a number would not be exact.
    if (value < (size === 1 ? 24 : 2 ** (4 * size)) || value > Number.MAX_SAFE_INTEGER) throw wrong();
    return [first >> 5, value];
  };
  const map = (count, depth) => {
    const found = new Map();
    let before = null;
    for (let n = 0; n < count; n++) {
      const from = at, key = value(depth), written = bytes.subarray(from, at);
      if (before && !follows(before, written)) throw wrong();
      before = written;
      found.set(key, value(depth));
    }
    return found;
  };
  const value = (depth) => {
    if (depth > 5) throw wrong();
    const [kind, number] = head();
    if (kind === 0) return number;
    if (kind === 1) return -1 - number;
    if (kind === 2) return take(number);
    if (kind === 3) return utf8.decode(take(number));
    if (kind === 4) {
      const found = [];
      for (let n = 0; n < number; n++) found.push(value(depth + 1));
      return found;
    }
    if (kind === 5) return map(number, depth + 1);
    if (kind === 6) return new Tagged(number, value(depth + 1));
    throw wrong();
  };
  const whole = value(0);
  if (at !== bytes.length) throw wrong();
  return whole;
}

/** Keys stand in order, shorter first, and none twice. */
function follows(before, after) {
  if (before.length !== after.length) return before.length < after.length;
  const differs = before.findIndex((byte, n) => byte !== after[n]);
  return differs >= 0 && before[differs] < after[differs];
}
