// Measures ONNX Runtime.
//
// usage: node -e "$(cat ort.cjs)" NODE_MODULES
//
// Reads a request {model, shape, threads, seconds} from each line and answers with {seconds}, the
// median time of a run, or {error}. {} is answered with {version}.
const path = require('path');
const readline = require('readline');
const modules = path.resolve(process.argv.at(-1));
const ort = require(path.join(modules, 'onnxruntime-node'));
const sessions = {};

async function answer({model, shape, threads, seconds}) {
  if (!model) return {version: require(path.join(modules, 'onnxruntime-node', 'package.json')).version};
  const key = model + threads;
  sessions[key] ??= await ort.InferenceSession.create(model, {intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3});
  const session = sessions[key];
  const data = Float32Array.from({length: shape.reduce((a, b) => a * b, 1)}, (_, i) => (i * 7919 % 997) / 997);
  const feed = {[session.inputNames[0]]: new ort.Tensor('float32', data, shape)};
  await session.run(feed);
  const times = [], start = performance.now();
  while (times.length < 3 || performance.now() - start < 1000 * seconds) {
    const at = performance.now();
    await session.run(feed);
    times.push((performance.now() - at) / 1000);
  }
  times.sort((a, b) => a - b);
  return {seconds: times[times.length >> 1]};
}

(async () => {
  for await (const line of readline.createInterface({input: process.stdin})) {
    let reply;
    try { reply = await answer(JSON.parse(line)); } catch (e) { reply = {error: e.message}; }
    console.log(JSON.stringify(reply));
  }
})();
