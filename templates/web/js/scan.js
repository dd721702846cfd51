// The camera: BarcodeDetector where the browser has it, else zxing in a worker. Pictures never leave the device.
import { say, words } from "./app.js";

const MARK = /\/d\/([a-z2-7]{20})(#[1-9][0-9]*)?$/;
const READER = ["/assets/zxing-wasm-3.1.4/reader.js", "/assets/zxing-wasm-3.1.4/reader.wasm"];

export async function start(button, place) {
  const said = words().scan, first = button.textContent;
  let stream;
  try {
    const video = { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } };
    stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch {
    return say(place, said.no_camera, "bad");
  }
  const film = document.createElement("video");
  Object.assign(film, { srcObject: stream, muted: true, playsInline: true });
  film.setAttribute("aria-label", said.title);
  place.before(film);
  say(place, said.aim);
  const over = () => {
    stream.getTracks().forEach((track) => track.stop());
    film.remove();
    button.textContent = first;
    button.onclick = () => start(button, place);
  };
  button.textContent = said.stop;
  button.onclick = () => {
    over();
    place.hidden = true;
  };
  await film.play();
  const mark = await found(film, await reader(), () => stream.active && film.isConnected, () => say(place, said.stranger, "bad"));
  if (!mark) return;
  over();
  // Only the path and the fragment: a code leads nowhere but here.
  location.href = `/d/${mark[1]}?lang=${document.documentElement.lang}${mark[2] ?? ""}`;
}

/** Look at one picture after the other until one holds a mark of ours; null if the camera was turned off first. */
async function found(film, read, goesOn, stranger) {
  while (goesOn()) {
    for (const text of await read(film)) {
      const mark = MARK.exec(text);
      if (mark) return mark;
      stranger();
    }
    await new Promise((next) => setTimeout(next, 80));
  }
  return null;
}

async function reader() {
  if ("BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (film) => (await detector.detect(film)).map((code) => code.rawValue);
  }
  const worker = new Worker(new URL("./scan-worker.js", import.meta.url));
  const canvas = document.createElement("canvas");
  return (film) => new Promise((answer) => {
    worker.onmessage = (event) => answer(event.data);
    worker.onerror = () => answer([]);
    const picture = drawn(film, canvas);
    if (picture) worker.postMessage(picture, [picture.data.buffer]);
    else answer([]);
  });
}

function drawn(film, canvas) {
  [canvas.width, canvas.height] = [film.videoWidth, film.videoHeight];
  if (!canvas.width) return null;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(film, 0, 0);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

/** Have the service worker keep the reader where the browser has none of its own. */
export function keep() {
  if (!("BarcodeDetector" in window)) READER.concat(new URL("./scan-worker.js", import.meta.url).href).forEach((file) => fetch(file));
}
