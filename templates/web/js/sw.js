// VERSION and KEPT (addresses to keep from the first visit) are written above this line by the server.
const STORE = `qujat-${VERSION}`, PATIENCE = 8000;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(STORE).then((store) => store.addAll(KEPT)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("qujat-") && name !== STORE);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))).then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/assets/")) event.respondWith(keptForEver(request));
  else if (url.pathname === "/keys.json") event.respondWith(newest(request));
  else if (request.mode === "navigate" && isPage(url.pathname)) event.respondWith(fromNetwork(request, url));
});

const isPage = (path) => path === "/" || path === "/offline" || path === "/d" || path.startsWith("/d/") || path.startsWith("/c");

async function keptForEver(request) {
  const held = await caches.match(request);
  if (held) return held;
  const answer = await fetch(request);
  if (answer.ok) (await caches.open(STORE)).put(request, answer.clone());
  return answer;
}

/** The list of keys: new if the network gives it, else as it was when it was last seen. */
async function newest(request) {
  try {
    const answer = await soon(request);
    if (answer.ok) (await caches.open(STORE)).put(request, answer.clone());
    return answer;
  } catch {
    return (await caches.match(request)) ?? Response.error();
  }
}

/** A page: what the register says, never a copy of it. Without a network, what needs none. */
async function fromNetwork(request, url) {
  try {
    return await soon(request);
  } catch {
    const path = ["/", "/d", "/c"].includes(url.pathname) ? "/" : "/offline";
    return (await caches.match(`${path}?lang=${tongue(url)}`)) ?? Response.error();
  }
}

/** The answer, unless it takes too long: a network that does not answer is none. */
function soon(request) {
  const late = new Promise((_, reject) => setTimeout(reject, PATIENCE, new Error("late")));
  return Promise.race([fetch(request), late]);
}

function tongue(url) {
  const known = ["kk", "ru", "en"], asked = url.searchParams.get("lang");
  return known.includes(asked) ? asked : navigator.languages.map((name) => name.slice(0, 2)).find((name) => known.includes(name)) ?? "kk";
}
