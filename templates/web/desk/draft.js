// A draft while it is typed: kept after a pause, told what is wrong already, shown as it will be. Nothing is decided here.
const PAUSE = 900, AGAIN = 2000;
const form = document.querySelector("form.typing"), said = document.getElementById("said");
const leaf = document.getElementById("leaf"), words = JSON.parse(form.dataset.words);
const tabs = [...document.querySelectorAll("[data-shown]")];
let timer, asking = 0, changed = false, drawn = "";

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const named = (name) => [...form.elements].filter((one) => one.name === name);

/** Say what is wrong at each place, and only there; what the page came with stays until its field is changed. */
function tell(errors) {
  const at = Object.groupBy ? Object.groupBy(errors, (one) => one.path) : group(errors);
  for (const place of form.querySelectorAll("[data-wrong]")) {
    const path = place.dataset.wrong, now = (at[path] || []).map((one) => one.text).join(" ");
    if (!now && place.dataset.stays !== "no" && !place.hidden) continue;
    place.textContent = now;
    place.hidden = !now;
    document.getElementById(path)?.toggleAttribute("aria-invalid", Boolean(now));
    if (now) document.getElementById(path)?.setAttribute("aria-invalid", "true");
    place.closest(".asked")?.classList.toggle("faulty", Boolean(now));
    place.dataset.stays = "no";
  }
}

function group(errors) {
  const found = {};
  for (const one of errors) (found[one.path] ||= []).push(one);
  return found;
}

/** Show the pages; each picture takes the place of the one before when it is there, so that nothing flickers. */
function show(pages) {
  if (pages.join() === drawn) return;
  drawn = pages.join();
  const before = [...leaf.querySelectorAll("img")];
  pages.forEach((address, n) => {
    const picture = new Image(1041, 1473);
    picture.className = "leaf";
    picture.alt = fill(leaf.dataset.alt, { number: n + 1 });
    picture.onload = () => before[n] ? before[n].replaceWith(picture) : leaf.append(picture);
    picture.src = address;
  });
  before.slice(pages.length).forEach((picture) => picture.remove());
}

async function keep() {
  clearTimeout(timer);
  const mine = ++asking, sent = new FormData(form);
  sent.delete("do");
  sent.append("shown", tabs.find((tab) => tab.getAttribute("aria-pressed") === "true")?.dataset.shown || "");
  changed = false;
  said.textContent = words.keeping;
  leaf.classList.add("stale");
  try {
    const answer = await fetch(form.dataset.kept, { method: "POST", body: new URLSearchParams(sent), redirect: "manual" });
    if (answer.type === "opaqueredirect") return out();
    if (!answer.ok) throw new Error(answer.status);
    const told = await answer.json();
    if (mine !== asking) return;
    tell(told.errors);
    show(told.pages);
    said.textContent = told.left ? fill(words.left, told) : words.kept;
  } catch {
    if (mine !== asking) return;
    changed = true;
    said.textContent = words.lost;
    timer = setTimeout(keep, AGAIN);
  } finally {
    if (mine === asking) leaf.classList.remove("stale");
  }
}

function out() {
  changed = true;
  said.textContent = words.out;
}

/** A field that belongs to other choices is not shown, unless something stands in it: then it must be seen. */
function choose() {
  for (const place of form.querySelectorAll("[data-when]")) {
    const chosen = named(place.dataset.when).find((one) => one.checked || one.tagName === "SELECT")?.value || "";
    const inside = [...place.querySelectorAll("input:not([type=hidden]), textarea, select")];
    const filled = inside.some((one) => one.type === "checkbox" || one.type === "radio" ? one.checked : one.value);
    place.hidden = !place.dataset.codes.split(" ").includes(chosen) && !filled;
  }
}

form.addEventListener("input", ({ target }) => {
  changed = true;
  clearTimeout(timer);
  timer = setTimeout(keep, PAUSE);
  const place = target.closest(".asked")?.querySelector("[data-wrong]");
  if (place) place.dataset.stays = "no";
  choose();
});
form.addEventListener("change", async ({ target }) => {
  if (!("reload" in target.dataset) && target.id !== "/day") return;
  // Another day or language asks for other fields: the page comes anew, with all that was typed.
  form.querySelector(`[name=do][value=${target.id === "/day" ? "day" : "save"}]`).click();
});
form.addEventListener("submit", (event) => {
  clearTimeout(timer);
  asking++;
  changed = false;
  if (event.submitter?.value === "sign") setTimeout(() => { event.submitter.disabled = true; });
});
for (const tab of tabs) {
  tab.hidden = tabs.length < 2;
  tab.onclick = () => {
    for (const one of tabs) one.setAttribute("aria-pressed", String(one === tab));
    keep();
  };
}
for (const link of document.querySelectorAll("a[data-tongue], .preview a[target]")) {
  link.addEventListener("click", async (event) => {
    if (!changed || link.target) return;
    event.preventDefault();
    await keep();
    location.assign(link.href);
  });
}
addEventListener("beforeunload", (event) => changed && event.preventDefault());
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of form.querySelectorAll("button:disabled")) button.disabled = false;
});

choose();
document.getElementById("faults")?.focus();
keep();
