// What the fragment of the address proves, shown beside what the server says, or alone when there is no network.
import { byId, fill, say, words } from "./app.js";
import { Unknown, verify } from "./mark.js";

const CROSS = "M8 2h8l6 6v8l-6 6H8l-6-6V8zM8.7 8.7l6.6 6.6m0-6.6-6.6 6.6";
const day = (moment) => new Date(moment).toLocaleDateString("ru-RU", { timeZone: "Asia/Almaty" });
const plain = (iso) => iso.split("-").reverse().join(".");

export async function show() {
  const digits = location.hash.slice(1), token = location.pathname.split("/").pop();
  leave(location.hash);
  const { state, claims, keysOf } = await proved(token, digits);
  const said = { good: "proved", bad: "refuted", open: "unknown" }[state];
  say(byId("proof"), words().js[said], state);
  if (byId("shapes")) alone(state, claims, keysOf);
  else if (state === "bad") condemn();
}

/** Out of the address bar, so that it is not passed on by accident; another language of the page keeps it. */
function leave(hash) {
  for (const link of document.querySelectorAll(".tongues a")) link.href = link.href.split("#")[0] + hash;
  history.replaceState(null, "", location.pathname + location.search);
}

async function proved(token, digits) {
  let keys, keysOf;
  try {
    const answer = await fetch("/keys.json");
    ({ keys } = await answer.json());
    keysOf = answer.headers.get("date");
  } catch {
    return { state: "open" };
  }
  try {
    const claims = await verify(token, digits, keys);
    const shown = byId("shapes") ? claims.number : byId("number").textContent;
    return { claims, keysOf, state: shown === claims.number ? "good" : "bad" };
  } catch (error) {
    return { state: error instanceof Unknown ? "open" : "bad" };
  }
}

/** The server knows a document, but this code is not its mark: what holds for the document says nothing of the paper. */
function condemn() {
  const said = byId("said"), [first, ...others] = byId("asked").children;
  said.className = "said bad";
  said.querySelector("h1").textContent = words().forged;
  first.className = "bad";
  first.querySelector("b").textContent = words().no;
  first.querySelector(".line").textContent = words().line;
  for (const row of others) row.hidden = true;
  for (const place of [said, first]) place.querySelector("path").setAttribute("d", CROSS);
  for (const place of [said, first]) place.querySelector("circle")?.remove();
}

/** Without a server: the three verdicts as far as the mark alone can tell, and what to compare with the paper. */
function alone(state, claims, keysOf) {
  const { js, forged, answers, titles } = words();
  const rows = [...byId("asked").children];
  byId("asked").hidden = false;
  answer(rows[0], state, state === "good" ? js.genuine : answers[state], keysOf ? fill(js.keys, { when: day(keysOf) }) : "");
  answer(rows[1], "open", js.effect, claims ? fill(js.status, { when: day(claims.issuedAt * 1000) }) : "");
  answer(rows[2], "open", js.effect, claims ? js.edition : "");
  if (claims?.expiresAt && claims.expiresAt * 1000 <= Date.now())
    answer(rows[1], "bad", fill(js.over, { when: day(claims.expiresAt * 1000) }), "");
  if (state === "bad") headline("bad", forged);
  if (state === "good") headline("open", js.offline);
  if (claims) facts(claims, titles);
}

function headline(state, text) {
  byId("said").className = `said ${state}`;
  byId("said").querySelector("h1").textContent = text;
  draw(byId("said"), state);
}

function answer(row, state, word, line) {
  row.className = state;
  row.querySelector("b").textContent = word;
  row.querySelector(".line").textContent = line;
  draw(row, state);
}

function draw(place, state) {
  const shapes = byId("shapes").content.querySelectorAll("svg");
  place.querySelector("svg").replaceWith(shapes[["good", "bad", "open"].indexOf(state)].cloneNode(true));
}

function facts(claims, titles) {
  const said = { form: titles[claims.form] ?? claims.form, number: claims.number, day: plain(claims.day), subject: claims.subject };
  for (const [name, text] of Object.entries(said)) {
    byId(name).textContent = text;
  }
  byId("about").hidden = !claims.subject;
  byId("facts").hidden = false;
}
