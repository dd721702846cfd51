// The mark without a server: digits → COSE_Sign1 (RFC 9052) → claims (RFC 8392), signed with a published key (ES256).
import { decode, Tagged } from "./cbor.js";

const CLAIMS = -70001, VERSION = 1;

/** What cannot be decided here: a key or a version that this device does not know. */
export class Unknown extends Error {}

const refuse = (what) => {
  throw new Error(what);
};
const isBytes = (value, length) => value instanceof Uint8Array && value.length === length;
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The claims of a mark about the document `token` (as it stands in the path). Throws Unknown, or Error if refuted. */
export async function verify(token, digits, keys) {
  const { head, payload, signed, signature } = open(framed(digits));
  const claims = decode(payload);
  if (!(claims instanceof Map) || tokenText(claims.get(7)) !== token) refuse("another document");
  const key = keys.find((one) => one.kid === hex(head.get(4)));
  if (!key) throw new Unknown("key");
  if (head.get(1) !== -7) refuse("algorithm");
  if (!(await fits(key, signature, signed))) refuse("signature");
  const read = document_(claims);
  inUse(read.issuedAt, key);
  return read;
}

function framed(digits) {
  if (!/^[1-9][0-9]{0,1400}$/.test(digits)) refuse("digits");
  const text = BigInt(digits).toString(16);
  const bytes = Uint8Array.from((text.length % 2 ? `0${text}` : text).match(/../g), (pair) => parseInt(pair, 16));
  return bytes[0] === 1 && bytes.length <= 513 ? bytes.subarray(1) : refuse("frame");
}

function open(cose) {
  const whole = decode(cose);
  if (!(whole instanceof Tagged) || whole.tag !== 18 || !Array.isArray(whole.value)) refuse("shape");
  const [protected_, unprotected, payload, signature] = whole.value;
  const bare = unprotected instanceof Map && unprotected.size === 0 && whole.value.length === 4;
  if (!bare || !isBytes(signature, 64) || !(payload instanceof Uint8Array)) refuse("shape");
  const head = decode(protected_);
  if (!(head instanceof Map) || head.size !== 2 || !head.has(1) || !isBytes(head.get(4), 8)) refuse("header");
  return { head, payload, signature, signed: toBeSigned(protected_, payload) };
}

/** Sig_structure (RFC 9052, 4.4): ["Signature1", protected, h'', payload]. */
function toBeSigned(protected_, payload) {
  const bytes = (of) => [...sized(of.length), ...of];
  const sized = (count) => (count < 24 ? [0x40 + count] : count < 256 ? [0x58, count] : [0x59, count >> 8, count & 255]);
  return Uint8Array.from([0x84, 0x6a, ...new TextEncoder().encode("Signature1"), ...bytes(protected_), 0x40, ...bytes(payload)]);
}

async function fits(key, signature, signed) {
  const spki = Uint8Array.from(atob(key.public_key), (one) => one.charCodeAt(0));
  const way = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  return crypto.subtle.verify(way, await crypto.subtle.importKey("spki", spki, way, false, ["verify"]), signature, signed);
}

function document_(claims) {
  const said = claims.get(CLAIMS), ends = claims.get(4);
  if (Array.isArray(said) && Number.isInteger(said[0]) && said[0] !== VERSION) throw new Unknown("version");
  const known = [1, 6, 7, CLAIMS].every((name) => claims.has(name)) && claims.size === (claims.has(4) ? 5 : 4);
  if (!known || claims.get(1) !== "KZ" || !Array.isArray(said) || said.length !== 8) refuse("claims");
  const [, form, edition, kind, number, day, digest, subject] = said;
  const words = [form, kind, number].every((text) => typeof text === "string" && /^[^\p{C}]{1,64}$/u.test(text));
  const masked = typeof subject === "string" && /^(\p{L}\*{3}( (\p{L}\.){1,2})?)?$/u.test(subject);
  const packed = Number.isInteger(edition) || (typeof edition === "string" && /^(?!\d{4}-\d\d-\d\d$)[^\p{C}]{1,64}$/u.test(edition));
  const days = [claims.get(6), day, ends ?? 0].every(Number.isInteger);
  if (said[0] !== VERSION || !words || !masked || !packed || !days || !isBytes(digest, 32)) refuse("claims");
  const iso = (count) => new Date(count * 864e5).toISOString().slice(0, 10);
  const named = typeof edition === "number" ? iso(edition) : edition;
  return { form, edition: named, number, day: iso(day), subject, issuedAt: claims.get(6), expiresAt: ends };
}

/** [valid_from, retired_at), and before it was stolen. Seconds, since a mark has no fractions. */
function inUse(issuedAt, key) {
  const seconds = (moment) => Date.parse(moment) / 1000;
  if (issuedAt < Math.floor(seconds(key.valid_from))) refuse("before its key");
  if (key.retired_at && issuedAt >= seconds(key.retired_at)) refuse("after its key");
  if (key.compromised_at && issuedAt >= Math.floor(seconds(key.compromised_at))) refuse("stolen key");
}

/** Base32 in small letters, without padding (RFC 4648, section 6). */
function tokenText(bytes) {
  if (!isBytes(bytes, 12)) refuse("token");
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.match(/.{1,5}/g).map((five) => "abcdefghijklmnopqrstuvwxyz234567"[parseInt(five.padEnd(5, "0"), 2)]).join("");
}
