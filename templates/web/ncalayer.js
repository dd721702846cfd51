// Signing with NCALayer: one socket to this computer, one request in flight, nothing decided here.
// The request comes from our server as it is to be sent; the answers are those of kz.gov.pki.knca.basics.

const GREETING_WAIT = 6000;
const HEARTBEAT = "--heartbeat--";

/** Why signing did not come about; `name` is a word of the page. */
class NotSigned extends Error {
  constructor(word) {
    super(word);
    this.word = word;
  }
}

/** NCALayer on this computer. */
class NCALayer {
  constructor(address) {
    this.address = address;
    this.busy = false;
  }

  /** Send one request and give its answer; refuses a second one while the first is under way. */
  async ask(request, onSent) {
    if (this.busy) throw new NotSigned("waiting");
    this.busy = true;
    let socket;
    try {
      socket = await this.connect();
      return await this.exchange(socket, request, onSent);
    } finally {
      this.busy = false;
      if (socket) socket.close();
    }
  }

  /** An open socket on which NCALayer has said its version. */
  connect() {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.address);
      const give = (word) => { clearTimeout(timer); socket.close(); reject(new NotSigned(word)); };
      // Before it is open the browser may be asking for leave, which takes as long as it takes.
      let timer;
      socket.onopen = () => { timer = setTimeout(() => give("not_running"), GREETING_WAIT); };
      socket.onclose = () => blocked().then((yes) => give(yes ? "blocked" : "not_running"));
      socket.onmessage = ({ data }) => {
        const frame = parse(data);
        if (frame === undefined) return;
        clearTimeout(timer);
        if (frame && frame.result && frame.result.version) resolve(socket);
        else give("unclear");
      };
    });
  }

  /** The first frame that answers the request. */
  exchange(socket, request, onSent) {
    return new Promise((resolve, reject) => {
      socket.onclose = () => reject(new NotSigned("closed"));
      socket.onmessage = ({ data }) => {
        const frame = parse(data);
        if (frame === undefined || (frame && frame.result && frame.result.version)) return;
        resolve(frame);
      };
      socket.send(JSON.stringify(request));
      onSent();
    });
  }
}

/** A frame as a value; undefined for what keeps the connection alive, null for what is no JSON. */
function parse(data) {
  if (data === HEARTBEAT || data === "{}") return undefined;
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}

/** Whether the browser itself was told not to let pages reach programs on this computer. */
async function blocked() {
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      if ((await navigator.permissions.query({ name })).state === "denied") return true;
    } catch {
      // This browser does not know such a permission.
    }
  }
  return false;
}

/** The signatures in an answer, `count` of them. */
function signaturesOf(answer, count) {
  if (!answer || typeof answer !== "object") throw new NotSigned("unclear");
  if (answer.errorCode === "MODULE_NOT_FOUND") throw new NotSigned("outdated");
  if (/cancell?ed/i.test(`${answer.message} ${answer.code}`)) throw new NotSigned("cancelled");
  if (answer.status !== true) throw new NotSigned("status" in answer || "code" in answer ? "failed" : "unclear");
  if (!answer.body || answer.body.result === undefined || answer.body.result === null) throw new NotSigned("cancelled");
  const found = [].concat(answer.body.result);
  const whole = found.length === count && found.every((one) => typeof one === "string" && one.length > 0);
  if (!whole) throw new NotSigned("unclear");
  return found;
}

const words = JSON.parse(document.getElementById("words").textContent);
const { source, ncalayer, open, after } = document.body.dataset;
const language = document.documentElement.lang;
const button = document.getElementById("sign");
const line = document.getElementById("status");
const layer = new NCALayer(ncalayer);

function say(text, kind) {
  line.textContent = text;
  line.className = kind;
}

/** Our own server: its JSON, or NotSigned with what it says. */
async function ours(options = {}) {
  let response;
  try {
    response = await fetch(`${source}?lang=${language}`, { cache: "no-store", ...options });
  } catch {
    throw new NotSigned("no_server");
  }
  const told = await response.json().catch(() => ({}));
  if (response.ok) return told;
  if (response.status === 410) throw new NotSigned("over");
  throw Object.assign(new NotSigned("no_server"), { text: told.message });
}

async function sign() {
  button.disabled = true;
  say(words.connecting, "busy");
  const { request, ids } = await ours();
  const answer = await layer.ask(request, () => say(words.waiting, "busy"));
  const found = signaturesOf(answer, ids.length);
  say(words.sending, "busy");
  const signatures = ids.map((id, index) => ({ id, cms: found[index] }));
  const headers = { "Content-Type": "application/json" };
  await ours({ method: "POST", headers, body: JSON.stringify({ signatures }) });
  say(words.signed, "good");
  button.hidden = true;
  if (after) location.assign(after);
}

async function press() {
  try {
    await sign();
  } catch (error) {
    const word = error instanceof NotSigned ? error.word : "unclear";
    say(error.text || words[word], word === "cancelled" ? "busy" : "bad");
    button.textContent = words.again;
    button.disabled = false;
    button.hidden = word === "over";
  }
}

if (open === "yes") {
  button.disabled = false;
  button.addEventListener("click", press);
} else {
  button.hidden = true;
  say(words.over, "bad");
}
