// Runs layers models in TensorFlow.js, and writes some of its own.
//
// usage: node tfjs.cjs NODE_MODULES JOBS
//        node tfjs.cjs NODE_MODULES --write DIRECTORY
//
// JOBS is a file with a list of {model, input, shape, output, labels}: input and output are files of
// float32 values, labels whole numbers, one for each sample, or absent. Prints the shapes of the outputs. --write saves models with their inputs and
// outputs, and models.json, which lists them.
const fs = require('fs');
const path = require('path');
const [modules, what, directory] = process.argv.slice(2);
const tf = require(path.join(modules, '@tensorflow/tfjs'));

const floats = (file) => {
  const bytes = fs.readFileSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};
const write = (file, data) => fs.writeFileSync(file, Buffer.from(data.buffer, data.byteOffset, data.byteLength));

async function run(jobs) {
  const shapes = [];
  for (const job of jobs) {
    try {
      shapes.push(await predict(job));
    } catch (e) {
      throw new Error(`${job.model}: ${e.message}`);
    }
  }
  console.log(JSON.stringify(shapes));
}

async function predict(job) {
  const json = JSON.parse(fs.readFileSync(job.model));
  const [group] = json.weightsManifest;
  const bytes = fs.readFileSync(path.join(path.dirname(job.model), group.paths[0]));
  const model = await tf.loadLayersModel({load: async () => ({modelTopology: json.modelTopology, weightSpecs: group.weights,
    weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)})});
  const y = model.predict(inputs(tf.tensor(floats(job.input), job.shape), job.labels));
  write(job.output, y.dataSync());
  return y.shape;
}

// inputs returns what a model takes: samples, and labels where there are some.
const inputs = (x, labels) => labels ? [x, tf.tensor(labels, [labels.length, 1], 'int32')] : x;

// noise returns numbers in [-1, 1) that are a function of index and salt.
function noise(shape, salt, scale = 0.4) {
  const n = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(Float32Array.from({length: n}, (_, i) => scale * Math.sin(i * i + 3 * salt + 1)), shape);
}

async function save(directory) {
  const list = [];
  const add = async (name, model, labels) => {
    model.setWeights(model.getWeights().map((w, i) => model.weights[i].originalName.endsWith('variance') ? noise(w.shape, i).abs().add(0.5) : noise(w.shape, i)));
    const shape = [3, ...model.inputs[0].shape.slice(1)];
    const x = noise(shape, 77, 1), y = model.predict(inputs(x, labels));
    await model.save(tf.io.withSaveHandler(async (a) => {
      const manifest = [{paths: [name + '.bin'], weights: a.weightSpecs}];
      fs.writeFileSync(path.join(directory, name + '.json'), JSON.stringify({format: 'layers-model', modelTopology: a.modelTopology, weightsManifest: manifest}));
      const data = Array.isArray(a.weightData) ? Buffer.concat(a.weightData.map((b) => Buffer.from(b))) : Buffer.from(a.weightData);
      fs.writeFileSync(path.join(directory, name + '.bin'), data);
      return {modelArtifactsInfo: {dateSaved: new Date()}};
    }));
    write(path.join(directory, name + '.in'), x.dataSync());
    write(path.join(directory, name + '.out'), y.dataSync());
    list.push({name, input: shape, output: y.shape, labels});
  };
  const L = tf.layers;
  await add('dense', tf.sequential({layers: [L.inputLayer({inputShape: [4, 3, 1]}), L.flatten(), L.dense({units: 5, activation: 'relu'}),
    L.dropout({rate: 0.2}), L.dense({units: 2, activation: 'selu'}), L.dense({units: 5, activation: 'elu'}), L.dense({units: 12, activation: 'sigmoid'}), L.reshape({targetShape: [4, 3, 1]})]}));
  await add('convolutional', tf.sequential({layers: [L.inputLayer({inputShape: [8, 6, 2]}), L.conv2d({filters: 3, kernelSize: 3, padding: 'same', activation: 'relu'}),
    L.batchNormalization(), L.maxPooling2d({poolSize: 2}), L.conv2d({filters: 2, kernelSize: [3, 2], strides: 1, padding: 'same', useBias: false}), L.leakyReLU({alpha: 0.1}),
    L.conv2dTranspose({filters: 3, kernelSize: 3, strides: 2, padding: 'same', activation: 'tanh'}), L.zeroPadding2d({padding: [[1, 0], [0, 2]]}), L.cropping2D({cropping: [[1, 0], [0, 2]]}),
    L.conv2d({filters: 2, kernelSize: 1})]}));
  await add('recurrent', tf.sequential({layers: [L.inputLayer({inputShape: [5, 3]}), L.lstm({units: 4, returnSequences: true, recurrentActivation: 'sigmoid'}),
    L.gru({units: 2, recurrentActivation: 'sigmoid', resetAfter: false}), L.repeatVector({n: 5}), L.bidirectional({layer: L.simpleRNN({units: 3, returnSequences: true}), mergeMode: 'concat'}),
    L.timeDistributed({layer: L.dense({units: 3})})]}));
  // Keras' way: a model of two models.
  const encoder = tf.sequential({name: 'encoder', layers: [L.inputLayer({inputShape: [6]}), L.dense({units: 5, activation: 'tanh'}), L.dense({units: 4})]});
  const decoder = tf.sequential({name: 'decoder', layers: [L.inputLayer({inputShape: [4]}), L.dense({units: 3, activation: 'softplus'}), L.dense({units: 6})]});
  await add('nested', tf.sequential({layers: [encoder, decoder]}));
  const x = tf.input({shape: [6, 2]});
  const code = L.globalMaxPooling1d ? L.conv1d({filters: 2, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu'}).apply(x) : x;
  await add('functional', tf.model({inputs: x, outputs: L.reshape({targetShape: [6, 2]}).apply(L.dense({units: 12}).apply(L.flatten().apply(L.layerNormalization().apply(code))))}));
  // Branches: a residual block, a convolution of two kinds side by side, a skip from the encoder to the decoder.
  const image = tf.input({shape: [4, 6, 2]});
  const conv = (filters, name, activation) => L.conv2d({filters, kernelSize: 3, padding: 'same', activation, name});
  const skip = conv(3, 'encoder_1', 'relu').apply(image);
  const block = L.activation({activation: 'elu'}).apply(L.add().apply([skip, conv(3, 'encoder_2').apply(skip)]));
  const small = L.maxPooling2d({poolSize: 2, name: 'encoder_3'}).apply(block);
  const both = L.concatenate({name: 'encoder_4'}).apply([L.separableConv2d({filters: 2, kernelSize: 3, padding: 'same', depthMultiplier: 2}).apply(small),
    L.depthwiseConv2d({kernelSize: 3, padding: 'same', activation: 'tanh'}).apply(small)]);
  const large = L.conv2dTranspose({filters: 3, kernelSize: 2, strides: 2, name: 'decoder_1'}).apply(both);
  await add('branches', tf.model({inputs: image, outputs: conv(2, 'decoder_3').apply(L.concatenate({name: 'decoder_2'}).apply([large, skip]))}));
  // Labels beside the samples: in one model, and in one of two models, Keras' way.
  const samples = tf.input({shape: [6]}), labels = tf.input({shape: [1], dtype: 'int32'});
  const told = (x, labels, name) => L.concatenate({name}).apply([x, L.flatten().apply(L.embedding({inputDim: 3, outputDim: 2}).apply(labels))]);
  const codes = L.dense({units: 2}).apply(L.dense({units: 4, activation: 'tanh'}).apply(told(samples, labels, 'encoder_told')));
  await add('conditional', tf.model({inputs: [samples, labels], outputs: L.dense({units: 6, activation: 'softmax'}).apply(told(codes, labels, 'decoder_told'))}), [2, 0, 1]);
  const part = (name, shape, units) => {
    const x = tf.input({shape}), labels = tf.input({shape: [1], dtype: 'int32'});
    const repeated = L.repeatVector({n: 4}).apply(L.reshape({targetShape: [2]}).apply(L.embedding({inputDim: 3, outputDim: 2}).apply(labels)));
    return tf.model({name, inputs: [labels, x], outputs: L.dense({units}).apply(L.concatenate().apply([x, repeated]))});
  };
  const steps = tf.input({shape: [4, 3]}), classes = tf.input({shape: [1], dtype: 'int32'});
  const made = part('decoder', [4, 2], 3).apply([classes, part('encoder', [4, 3], 2).apply([classes, steps])]);
  await add('told', tf.model({inputs: [steps, classes], outputs: made}), [1, 1, 0]);
  fs.writeFileSync(path.join(directory, 'models.json'), JSON.stringify(list, null, 1));
}

(what === '--write' ? save(directory) : run(JSON.parse(fs.readFileSync(what)))).catch((e) => { console.error(e.message); process.exit(1); });
