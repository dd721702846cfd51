// A file is compared by its SHA-256, made here. The file itself goes nowhere unless its owner presses "send".
import { byId, say, words } from "./app.js";

const LARGEST = 64 * 1024 * 1024;

export function listen(form) {
  const input = form.querySelector("input"), place = byId("compared");
  form.classList.add("drop");
  const look = () => input.files[0] && compare(form, input.files[0], place);
  input.addEventListener("change", look);
  for (const kind of ["dragover", "dragleave", "drop"])
    addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.toggle("over", kind === "dragover");
      if (kind !== "drop" || !event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      form.scrollIntoView({ block: "nearest" });
      look();
    });
}

async function compare(form, file, place) {
  const said = words().files, token = form.dataset.token;
  form.querySelector(".send").hidden = true;
  if (file.size > LARGEST) return say(place, said.large, "bad");
  say(place, said.busy);
  try {
    const sha256 = hex(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    const found = token ? await among(token, sha256) : await anywhere(sha256);
    if (!found) {
      say(place, said.other, "bad", named(file));
      form.querySelector(".send").hidden = false;
    } else say(place, found.current ? said.current : said.former, "good", ...link(found.document, said.open), named(file));
  } catch {
    say(place, said.failed, "open");
  }
}

const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function among(token, sha256) {
  const answer = await fetch(`/d/${token}/files.json`);
  if (!answer.ok) throw new Error(answer.status);
  return (await answer.json()).files.find((file) => file.sha256 === sha256);
}

async function anywhere(sha256) {
  const answer = await fetch(`/h/${sha256}`);
  if (!answer.ok && answer.status !== 404) throw new Error(answer.status);
  return answer.ok ? answer.json() : null;
}

/** Its name, so that nobody takes one file for another. */
function named(file) {
  const name = document.createElement("small");
  name.textContent = file.name;
  return name;
}

function link(address, text) {
  if (!address) return [];
  const made = document.createElement("a");
  made.href = `${address}?lang=${document.documentElement.lang}`;
  made.textContent = text;
  return [" ", made];
}
