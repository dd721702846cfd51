// What every page does once it has JavaScript: works without a network later, and loads the rest when it is wanted.
export const byId = (id) => document.getElementById(id);
export const words = () => JSON.parse(byId("words").textContent);
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

/** Put a text, and how it is meant ("good", "bad", "open"), where people are told; `parts` come after it. */
export function say(place, text, state = "", ...parts) {
  place.className = `note ${state}`;
  place.replaceChildren(text, ...parts);
  place.hidden = false;
}

navigator.serviceWorker?.register("/sw.js").catch(() => {});

const file = byId("file"), scan = byId("scan"), asked = byId("asked");
if (file && crypto.subtle) {
  file.querySelector(".local").hidden = false;
  import("./files.js").then((files) => files.listen(file));
}
if (scan && navigator.mediaDevices) {
  const [button, place] = [scan.querySelector("button"), scan.querySelector(".note")];
  button.parentNode.hidden = false;
  button.onclick = () => import("./scan.js").then((scanner) => scanner.start(button, place));
  // An installed page should scan without a network too.
  if (matchMedia("(display-mode: standalone)").matches) import("./scan.js").then((scanner) => scanner.keep());
}
if (asked) {
  const prove = () => crypto.subtle && location.hash.length > 99 && import("./proof.js").then((proof) => proof.show());
  addEventListener("hashchange", prove);
  prove();
}
