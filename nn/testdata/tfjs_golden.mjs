// Writes tfjs_golden.gz: what TensorFlow.js' layers, which are Keras', compute for some of the
// layers. Where PyTorch has no such layer or other conventions, this is the reference; the format is
// that of layers_golden.py.
//
// usage: npm install @tensorflow/tfjs && node tfjs_golden.mjs [DIRECTORY]
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import {createRequire} from 'node:module';
const tf = createRequire(path.join(process.cwd(), 'here.js'))('@tensorflow/tfjs');

const KEEP = 600;

// noise returns numbers in [-1, 1) that are a function of index and salt.
function noise(shape, salt, scale = 1) {
  const n = shape.reduce((a, b) => a * b, 1), x = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    let h = Number((BigInt(i) * 2654435761n + BigInt(salt) * 2246822519n + 374761393n) & 0xffffffffn);
    h ^= h >>> 15;
    h = Math.imul(h, 2246822519);
    h ^= h >>> 13;
    x[i] = ((h >>> 8) / 2 ** 23 - 1) * scale;
  }
  return tf.tensor(x, shape);
}

const cases = [], values = [];

// add runs a layer of TensorFlow.js; kind and config are what it is called here.
function add(kind, config, layer, input, batch, {scale = 0.5, training = false} = {}) {
  const x = noise([batch, ...input], 1);
  layer.apply(x); // builds it
  // Weights and their count are in Keras' order, trainable ones first.
  const weights = [...layer.trainableWeights, ...layer.nonTrainableWeights];
  layer.setWeights(layer.getWeights().map((w, i) => noise(w.shape, 3 + i, scale)));
  const run = (x) => layer.apply(x, {training});
  const y = run(x), dy = noise(y.shape, 2);
  const dx = tf.grad((x) => run(x).mul(dy).sum())(x);
  const trainable = layer.trainableWeights.map((w) => w.val);
  const grads = trainable.length ? tf.variableGrads(() => run(x).mul(dy).sum(), trainable).grads : {};
  const arrays = [y, dx, ...weights.map((w) => grads[w.val.name] ?? tf.zeros(w.shape))];
  for (const a of arrays) {
    const flat = a.dataSync(), step = Math.ceil(flat.length / KEEP);
    values.push(Float32Array.from({length: Math.ceil(flat.length / step)}, (_, i) => flat[i * step]));
  }
  cases.push({layer: {layer: kind, config}, input, batch, output: y.shape.slice(1), scale, training});
}

for (const [h, w, c, filters, k, s, padding, batch] of [
  [9, 7, 3, 5, [3, 3], [2, 2], 'same', 3], [10, 8, 2, 7, [3, 2], [2, 3], 'same', 2],
  [10, 8, 2, 7, [4, 3], [3, 1], 'valid', 2], [6, 5, 3, 4, [2, 2], [1, 1], 'same', 2]]) {
  add('Conv2D', {filters, kernel_size: k, strides: s, padding, activation: 'selu'},
    tf.layers.conv2d({filters, kernelSize: k, strides: s, padding, activation: 'selu'}), [h, w, c], batch);
}
for (const [h, w, c, filters, k, s, padding, batch] of [
  [3, 3, 64, 32, [3, 3], [2, 2], 'valid', 2], [7, 7, 32, 16, [3, 3], [2, 2], 'same', 2], [14, 14, 16, 1, [3, 3], [2, 2], 'same', 2],
  [5, 4, 3, 6, [2, 2], [3, 3], 'same', 2], [5, 4, 3, 6, [2, 2], [3, 3], 'valid', 2], [5, 4, 3, 6, [4, 5], [3, 2], 'same', 2],
  [5, 4, 3, 6, [5, 4], [2, 3], 'valid', 2], [5, 4, 3, 6, [3, 3], [1, 1], 'same', 2], [5, 4, 3, 6, [4, 4], [1, 1], 'valid', 2]]) {
  add('Conv2DTranspose', {filters, kernel_size: k, strides: s, padding, activation: 'tanh'},
    tf.layers.conv2dTranspose({filters, kernelSize: k, strides: s, padding, activation: 'tanh'}), [h, w, c], batch);
}
add('Conv1D', {filters: 4, kernel_size: 3, strides: 2, padding: 'same', activation: 'relu'},
  tf.layers.conv1d({filters: 4, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu'}), [12, 3], 2);
for (const padding of ['valid', 'same']) {
  for (const [pool, strides] of [[[2, 2], [2, 2]], [[3, 2], [2, 3]], [[2, 3], [1, 1]]]) {
    const config = {pool_size: pool, strides, padding}, theirs = {poolSize: pool, strides, padding};
    add('MaxPooling2D', config, tf.layers.maxPooling2d(theirs), [9, 8, 3], 2);
    // With padding, and of UpSampling2D, TensorFlow.js 4.22 has gradients that are not those of what it
    // computes; PyTorch's are right.
    if (padding === 'valid') add('AveragePooling2D', config, tf.layers.averagePooling2d(theirs), [9, 8, 3], 2);
  }
}
add('GlobalAveragePooling2D', {}, tf.layers.globalAveragePooling2d({}), [4, 5, 3], 2);
add('ZeroPadding2D', {padding: {top: 1, bottom: 2, left: 0, right: 3}},
  tf.layers.zeroPadding2d({padding: [[1, 2], [0, 3]]}), [3, 4, 2], 2);
add('Cropping2D', {cropping: {top: 1, bottom: 0, left: 2, right: 1}},
  tf.layers.cropping2D({cropping: [[1, 0], [2, 1]]}), [3, 5, 2], 2);
add('Permute', [2, 3, 1], tf.layers.permute({dims: [2, 3, 1]}), [3, 4, 2], 2);
add('RepeatVector', {n: 4}, tf.layers.repeatVector({n: 4}), [3], 2);
add('BatchNormalization', {}, tf.layers.batchNormalization({}), [4, 3, 5], 6, {training: true});
add('LayerNormalization', {}, tf.layers.layerNormalization({}), [4, 6], 3);
for (const returnSequences of [true, false]) {
  const config = {units: 5, return_sequences: returnSequences};
  add('LSTM', config, tf.layers.lstm({units: 5, returnSequences, recurrentActivation: 'sigmoid'}), [6, 3], 4);
  add('SimpleRNN', config, tf.layers.simpleRNN({units: 5, returnSequences}), [6, 3], 4);
  add('Bidirectional', {layer: {layer: 'LSTM', config}}, tf.layers.bidirectional({
    layer: tf.layers.lstm({units: 5, returnSequences, recurrentActivation: 'sigmoid'}), mergeMode: 'concat'}), [6, 3], 4);
}
add('TimeDistributed', {layer: {layer: 'Dense', config: {units: 4, activation: 'sigmoid'}}},
  tf.layers.timeDistributed({layer: tf.layers.dense({units: 4, activation: 'sigmoid'})}), [6, 3], 4);

const raw = Buffer.concat([Buffer.from(JSON.stringify(cases) + '\n'), ...values.map((v) => Buffer.from(v.buffer))]);
const file = path.join(process.argv[2] ?? import.meta.dirname, 'tfjs_golden.gz');
fs.writeFileSync(file, zlib.gzipSync(raw, {level: 9}));
console.log(file, cases.length, 'cases', fs.statSync(file).size, 'bytes');
