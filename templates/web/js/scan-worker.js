// zxing in a worker: the page stays quick, and its own policy needs no leave for WebAssembly.
const READER = "/assets/zxing-wasm-3.1.4/";
importScripts(`${READER}reader.js`);
ZXingWASM.setZXingModuleOverrides({ locateFile: () => `${READER}reader.wasm` });

onmessage = async (event) => {
  const options = { formats: ["QRCode"], tryHarder: true, tryInvert: false, maxNumberOfSymbols: 4 };
  const found = await ZXingWASM.readBarcodes(event.data, options).catch(() => []);
  postMessage(found.filter((code) => code.isValid).map((code) => code.text));
};
