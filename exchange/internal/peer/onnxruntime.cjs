// Runs models in ONNX Runtime.
//
// usage: node onnxruntime.cjs NODE_MODULES JOBS
//
// JOBS is a file with a list of {model, input, shape, output, labels}: input and output are files of
// float32 values, labels whole numbers, one for each sample, or absent. Prints the shapes of the outputs.
const fs = require('fs');
const path = require('path');
const [modules, list] = process.argv.slice(2);
const ort = require(path.join(modules, 'onnxruntime-node'));

const floats = (file) => {
  const bytes = fs.readFileSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

(async () => {
  const shapes = [];
  for (const job of JSON.parse(fs.readFileSync(list))) {
    try {
      const session = await ort.InferenceSession.create(job.model, {intraOpNumThreads: 1, logSeverityLevel: 3});
      const feeds = {[session.inputNames[0]]: new ort.Tensor('float32', floats(job.input), job.shape)};
      if (job.labels && session.inputNames.length > 1) {
        feeds[session.inputNames[1]] = new ort.Tensor('int64', BigInt64Array.from(job.labels, BigInt), [job.labels.length]);
      }
      const output = await session.run(feeds);
      const first = output[session.outputNames[0]];
      fs.writeFileSync(job.output, Buffer.from(first.data.buffer, first.data.byteOffset, first.data.byteLength));
      shapes.push(first.dims.map(Number));
    } catch (e) {
      console.error(`${job.model}: ${e.message}`);
      process.exit(1);
    }
  }
  console.log(JSON.stringify(shapes));
})();
