#!/usr/bin/env python3
"""Writes conv_golden.gz, rnn_golden.gz, block_golden.gz and rnn_pytorch.json: what PyTorch computes for a grid of layers.

usage: layers_golden.py [DIRECTORY]      (needs PyTorch, any version since 1.10)

A .gz file is gzip of one line of JSON, the list of cases, and then float32 values in little-endian
order: of every case output, gradient of the input and gradients of the parameters in Keras' layout.
Inputs, weights and output gradients are not stored but hashed from their index (see noise), here and
in golden_test.go alike. Of an array longer than KEEP values only every n-th is stored, n = ceil(length / KEEP).
Everything is computed in float64.
"""
import gzip, json, pathlib, sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
KEEP = 600
ACTIVATIONS = {"linear": lambda x: x, "relu": F.relu, "selu": F.selu, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
               "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "mish": F.mish}


def noise(shape, salt):
    """Numbers in [-1, 1) that are a function of index and salt."""
    n, mask = int(np.prod(shape)), np.uint64(0xFFFFFFFF)
    h = (np.arange(n, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(salt * 2246822519 + 374761393)) & mask
    h ^= h >> np.uint64(15)
    h = (h * np.uint64(2246822519)) & mask
    h ^= h >> np.uint64(13)
    return ((h >> np.uint64(8)).astype(np.float64) / 2**23 - 1).reshape(shape)


def leaf(shape, salt, scale=1.0):
    return torch.tensor(noise(shape, salt).astype(np.float32).astype(np.float64) * scale, requires_grad=True)


class Golden:
    def __init__(self):
        self.cases, self.values = [], []

    def add(self, layer, config, input, batch, shapes, forward, scale=0.5, training=False):
        """forward(x, *params) -> y, everything in Keras' layout."""
        x = leaf([batch, *input], 1)
        params = [leaf(s, 3 + i, scale) for i, s in enumerate(shapes)]
        y = forward(x, *params)
        dy = torch.tensor(noise(y.shape, 2).astype(np.float32).astype(np.float64))
        y.backward(dy)
        arrays = [y.detach(), x.grad] + [torch.zeros_like(p) if p.grad is None else p.grad for p in params]
        for a in arrays:
            flat = a.numpy().ravel()
            self.values.append(flat[:: -(-flat.size // KEEP)].astype("<f4"))
        self.cases.append(dict(layer={"layer": layer, "config": config}, input=input, batch=batch,
                               output=list(y.shape[1:]), scale=scale, training=training))

    def write(self, path):
        raw = json.dumps(self.cases, separators=(",", ":")).encode() + b"\n" + np.concatenate(self.values).tobytes()
        path.write_bytes(gzip.compress(raw, 9, mtime=0))
        print(path, len(self.cases), "cases", path.stat().st_size, "bytes")


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def same(n, k, s, d=1):
    total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
    return total // 2, total - total // 2


def padded(x, k, s, d, value=0.0):
    (t, b), (l, r) = same(x.shape[2], k[0], s[0], d[0]), same(x.shape[3], k[1], s[1], d[1])
    return F.pad(x, (l, r, t, b), value=value)


def conv(k, s, d, padding, act):
    def forward(x, w, b=None):
        x = nchw(x)
        x = padded(x, k, s, d) if padding == "same" else x
        return nhwc(ACTIVATIONS[act](F.conv2d(x, w.permute(3, 2, 0, 1).contiguous(), b, s, dilation=d)))
    return forward


def transposed_length(n, k, s, d, padding, extra):
    """Keras' deconv_output_length and how many positions are cut off in front."""
    e = (k - 1) * d + 1
    full = (n - 1) * s + e
    if extra is None:
        length = n * s if padding == "same" else n * s + max(e - s, 0)
    else:
        length = full + extra - (2 * (e // 2) if padding == "same" else 0)
    return length, max(full - length, 0) // 2 if padding == "same" else 0


def conv_transpose(k, s, d, padding, extra, act):
    extra = extra or (None, None)

    def forward(x, w, b=None):
        x = nchw(x)
        (h, top), (v, left) = (transposed_length(x.shape[2 + i], k[i], s[i], d[i], padding, extra[i]) for i in (0, 1))
        y = F.conv_transpose2d(x, w.permute(3, 2, 0, 1).contiguous(), None, s, dilation=d)
        y = F.pad(y, (0, max(left + v - y.shape[3], 0), 0, max(top + h - y.shape[2], 0)))
        y = y[:, :, top:top + h, left:left + v]
        if b is not None:
            y = y + b.view(1, -1, 1, 1)
        return nhwc(ACTIVATIONS[act](y))
    return forward


def convolutions(g):
    grid = [  # height, width, channels, filters, kernel, strides, dilation, padding, batch, activation
        (28, 28, 1, 16, (3, 3), (1, 1), (1, 1), "same", 3, "selu"),
        (14, 14, 16, 32, (3, 3), (1, 1), (1, 1), "same", 2, "selu"),
        (7, 7, 32, 64, (3, 3), (1, 1), (1, 1), "same", 5, "selu"),
        (9, 7, 3, 5, (3, 3), (1, 1), (1, 1), "valid", 33, "linear"),
        (9, 7, 3, 5, (3, 3), (2, 2), (1, 1), "valid", 4, "relu"),
        (9, 7, 3, 5, (3, 3), (2, 2), (1, 1), "same", 4, "sigmoid"),
        (10, 8, 2, 7, (3, 3), (2, 2), (1, 1), "same", 2, "tanh"),
        (11, 13, 4, 6, (3, 3), (3, 3), (1, 1), "same", 3, "linear"),
        (11, 13, 4, 6, (3, 3), (3, 3), (1, 1), "valid", 3, "linear"),
        (12, 13, 4, 6, (2, 5), (3, 2), (1, 1), "same", 3, "selu"),
        (12, 13, 4, 6, (5, 2), (1, 3), (1, 1), "valid", 1, "selu"),
        (9, 9, 3, 4, (3, 3), (1, 1), (2, 2), "same", 3, "linear"),
        (9, 9, 5, 4, (3, 3), (1, 1), (2, 3), "valid", 3, "linear"),
        (15, 14, 3, 8, (3, 2), (2, 3), (2, 2), "same", 2, "linear"),
        (15, 14, 3, 8, (3, 3), (3, 2), (2, 3), "valid", 2, "linear"),
        (15, 14, 3, 8, (3, 3), (2, 2), (2, 4), "same", 2, "linear"),
        (6, 5, 64, 64, (1, 1), (1, 1), (1, 1), "valid", 2, "relu"),
        (6, 5, 64, 3, (1, 1), (2, 2), (1, 1), "same", 2, "linear"),
        (5, 6, 64, 33, (3, 3), (1, 1), (1, 1), "same", 2, "linear"),
        (5, 6, 17, 64, (3, 3), (2, 1), (1, 1), "same", 1, "linear"),
        (4, 4, 2, 1, (4, 4), (1, 1), (1, 1), "same", 2, "linear"),
        (4, 4, 2, 3, (4, 4), (1, 1), (1, 1), "valid", 2, "linear"),
        (5, 1, 2, 3, (3, 1), (1, 1), (1, 1), "same", 2, "linear"),
        (1, 1, 1, 1, (1, 1), (1, 1), (1, 1), "valid", 1, "linear"),
        (7, 7, 2, 3, (1, 1), (3, 3), (1, 1), "same", 2, "linear"),
        (6, 7, 2, 3, (2, 2), (3, 3), (1, 1), "same", 2, "linear"),
    ]
    for h, w, c, n, k, s, d, padding, batch, act in grid:
        config = dict(filters=n, kernel_size=k, strides=s, dilation_rate=d, padding=padding, activation=act)
        g.add("Conv2D", config, [h, w, c], batch, [[*k, c, n], [n]], conv(k, s, d, padding, act))
    g.add("Conv2D", dict(filters=3, kernel_size=(3, 3), padding="same", activation="relu", no_bias=True), [5, 4, 2], 2,
          [[3, 3, 2, 3]], conv((3, 3), (1, 1), (1, 1), "same", "relu"))
    for t, c, n, k, s, d, padding, batch in [(20, 3, 8, 5, 1, 1, "same", 4), (21, 1, 16, 4, 2, 1, "valid", 3), (17, 6, 2, 3, 1, 4, "same", 2)]:
        config = dict(filters=n, kernel_size=k, strides=s, dilation_rate=d, padding=padding, activation="selu")
        f = conv((1, k), (1, s), (1, d), padding, "selu")
        g.add("Conv1D", config, [t, c], batch, [[k, c, n], [n]], lambda x, w, b: f(x[:, None], w[None], b)[:, 0])


def transposed_convolutions(g):
    grid = [  # height, width, channels, filters, kernel, strides, dilation, padding, output padding, batch, activation
        (3, 3, 64, 32, (3, 3), (2, 2), (1, 1), "valid", None, 3, "selu"),
        (7, 7, 32, 16, (3, 3), (2, 2), (1, 1), "same", None, 2, "selu"),
        (14, 14, 16, 1, (3, 3), (2, 2), (1, 1), "same", None, 2, "sigmoid"),
        (5, 4, 3, 2, (3, 3), (1, 1), (1, 1), "same", None, 33, "linear"),
        (5, 4, 3, 7, (3, 3), (1, 1), (1, 1), "valid", None, 2, "linear"),
        (5, 4, 3, 7, (2, 2), (2, 2), (1, 1), "same", None, 2, "tanh"),
        (5, 4, 3, 7, (2, 2), (3, 3), (1, 1), "valid", None, 2, "linear"),
        (5, 4, 3, 7, (2, 1), (3, 2), (1, 1), "same", None, 2, "linear"),
        (5, 4, 3, 7, (4, 5), (3, 2), (1, 1), "same", None, 2, "linear"),
        (5, 4, 3, 7, (4, 5), (3, 2), (1, 1), "valid", None, 2, "linear"),
        (5, 4, 3, 6, (3, 3), (2, 2), (1, 1), "same", (1, 1), 2, "linear"),
        (5, 4, 3, 6, (3, 3), (2, 2), (1, 1), "same", (0, 1), 2, "linear"),
        (5, 4, 3, 6, (3, 3), (2, 3), (1, 1), "valid", (1, 2), 2, "linear"),
        (5, 4, 3, 6, (5, 5), (3, 3), (1, 1), "same", (2, 1), 2, "linear"),
        (5, 4, 3, 6, (3, 3), (1, 1), (2, 2), "same", None, 2, "linear"),
        (5, 4, 3, 6, (3, 2), (2, 3), (2, 2), "same", None, 2, "linear"),
        (5, 4, 3, 6, (3, 3), (3, 2), (2, 4), "valid", None, 2, "linear"),
        (5, 4, 3, 3, (3, 3), (3, 2), (2, 4), "valid", None, 2, "linear"),
        (5, 4, 3, 1, (4, 2), (3, 2), (1, 1), "same", None, 2, "linear"),
        (5, 4, 64, 17, (3, 3), (2, 2), (1, 1), "same", None, 1, "linear"),
        (1, 1, 1, 1, (1, 1), (1, 1), (1, 1), "valid", None, 1, "linear"),
    ]
    for h, w, c, n, k, s, d, padding, extra, batch, act in grid:
        config = dict(filters=n, kernel_size=k, strides=s, dilation_rate=d, padding=padding, activation=act)
        if extra:
            config["output_padding"] = extra
        g.add("Conv2DTranspose", config, [h, w, c], batch, [[*k, n, c], [n]], conv_transpose(k, s, d, padding, extra, act))
    for t, c, n, k, s, padding in [(9, 3, 8, 5, 2, "same"), (8, 6, 1, 4, 3, "valid")]:
        config = dict(filters=n, kernel_size=k, strides=s, padding=padding, activation="selu")
        f = conv_transpose((1, k), (1, s), (1, 1), padding, None, "selu")
        g.add("Conv1DTranspose", config, [t, c], 3, [[k, n, c], [n]], lambda x, w, b: f(x[:, None], w[None], b)[:, 0])


def pooling(g):
    for h, w, c, k, s, padding, batch in [
            (28, 28, 16, (2, 2), (2, 2), "valid", 2), (7, 7, 64, (2, 2), (2, 2), "valid", 3), (9, 8, 5, (3, 2), (2, 3), "same", 2),
            (9, 8, 5, (3, 3), (1, 1), "same", 2), (9, 8, 3, (3, 3), (2, 2), "valid", 2), (5, 5, 2, (2, 2), (3, 3), "same", 2)]:
        config = dict(pool_size=k, strides=s, padding=padding)
        pad = (lambda x, v: padded(x, k, s, (1, 1), v)) if padding == "same" else (lambda x, v: x)
        g.add("MaxPooling2D", config, [h, w, c], batch, [], lambda x: nhwc(F.max_pool2d(pad(nchw(x), -np.inf), k, s)))
        g.add("AveragePooling2D", config, [h, w, c], batch, [], lambda x: nhwc(
            F.avg_pool2d(pad(nchw(x), 0), k, s) / F.avg_pool2d(pad(torch.ones_like(nchw(x)), 0), k, s)))
    g.add("GlobalAveragePooling2D", {}, [5, 7, 6], 3, [], lambda x: x.mean((1, 2)))
    g.add("UpSampling2D", dict(size=(2, 3)), [4, 3, 5], 2, [], lambda x: x.repeat_interleave(2, 1).repeat_interleave(3, 2))
    g.add("ZeroPadding2D", dict(padding=dict(top=1, bottom=2, left=3, right=0)), [3, 4, 2], 2, [],
          lambda x: F.pad(x, (0, 0, 3, 0, 1, 2)))
    g.add("Cropping2D", dict(cropping=dict(top=1, bottom=2, left=0, right=1)), [5, 4, 2], 2, [], lambda x: x[:, 1:-2, :-1])
    g.add("Permute", [3, 1, 2], [3, 4, 2], 2, [], lambda x: x.permute(0, 3, 1, 2))


def normalization(g):
    for shape, batch in [([4, 5, 3], 6), ([7], 33), ([3, 20], 2)]:
        dims = tuple(range(len(shape)))

        def train(x, gamma, beta, mean, variance):
            m, v = x.mean(dims), x.var(dims, unbiased=False)
            return gamma * (x - m) / torch.sqrt(v + 1e-3) + beta
        c = shape[-1]
        g.add("BatchNormalization", {}, shape, batch, [[c]] * 4, train, training=True)
        g.add("LayerNormalization", {}, shape, batch, [[c]] * 2, lambda x, gamma, beta: F.layer_norm(x, [c], gamma, beta, 1e-3))
    g.add("LayerNormalization", dict(epsilon=1e-5), [6], 4, [[6]] * 2, lambda x, gamma, beta: F.layer_norm(x, [6], gamma, beta, 1e-5))


def gates(w, order, units):
    """Keras' (n, gates·units) from the gates of PyTorch's order, or back."""
    return torch.cat([w[..., i * units:(i + 1) * units] for i in order], -1)


def run(kind, x, units, w, r, b):
    """PyTorch's layer of Keras' weights; b holds both biases."""
    module = getattr(torch.nn, kind)(x.shape[2], units, batch_first=True)
    order = [1, 0, 2] if kind == "GRU" else list(range(w.shape[1] // units))
    weights = [gates(w, order, units).T, gates(r, order, units).T, *(gates(v, order, units) for v in b)]
    names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    for name, value in zip(names, weights):
        delattr(module, name)
        setattr(module, name, value)
    # The weights are no parameters here, so call what the module calls.
    state = torch.zeros(1, x.shape[0], units)
    function = {"LSTM": torch._VF.lstm, "GRU": torch._VF.gru, "RNN": torch._VF.rnn_tanh}[kind]
    return function(x, (state, state) if kind == "LSTM" else state, weights, True, 1, 0.0, False, False, True)[0]


def recurrent(g):
    kinds = {"LSTM": ("LSTM", 4), "GRU": ("GRU", 3), "SimpleRNN": ("RNN", 1)}
    for layer, (kind, n) in kinds.items():
        for t, f, u, sequences, batch in [(1, 3, 4, True, 2), (1, 3, 5, False, 1), (7, 5, 6, True, 33), (7, 5, 17, False, 3),
                                          (30, 4, 10, True, 2), (28, 28, 30, False, 2), (3, 1, 1, True, 1)]:
            def forward(x, w, r, b):
                both = b if kind == "GRU" else (b, torch.zeros_like(b))
                y = run(kind, x, u, w, r, both)
                return y if sequences else y[:, -1]
            shapes = [[f, n * u], [u, n * u], [2, 3 * u] if kind == "GRU" else [n * u]]
            g.add(layer, dict(units=u, return_sequences=sequences), [t, f], batch, shapes, forward)

            def both_ways(x, w, r, b, w2, r2, b2):
                y, z = forward(x, w, r, b), forward(x.flip(1), w2, r2, b2)
                return torch.cat([y, z.flip(1) if sequences else z], -1)
            if t == 7:
                g.add("Bidirectional", dict(layer=dict(layer=layer, config=dict(units=u, return_sequences=sequences))),
                      [t, f], batch, shapes * 2, both_ways)
        def without_bias(x, w, r):
            zeros = torch.zeros(n * 4)
            return run(kind, x, 4, w, r, (zeros, zeros))
        g.add(layer, dict(units=4, return_sequences=True, no_bias=True), [5, 3], 2, [[3, n * 4], [4, n * 4]], without_bias)
    g.add("Bidirectional", dict(layer=dict(layer="Dense", config=dict(units=3))), [5, 2], 2, [[2, 3], [3]] * 2,
          lambda x, w, b, w2, b2: torch.cat([x @ w + b, x @ w2 + b2], -1))
    g.add("RepeatVector", dict(n=5), [3], 4, [], lambda x: x[:, None].repeat(1, 5, 1))
    g.add("TimeDistributed", dict(layer=dict(layer="Dense", config=dict(units=4, activation="sigmoid"))), [6, 3], 5,
          [[3, 4], [4]], lambda x, w, b: torch.sigmoid(x @ w + b))
    f = conv((3, 3), (2, 2), (1, 1), "same", "selu")
    g.add("TimeDistributed", dict(layer=dict(layer="Conv2D", config=dict(
        filters=4, kernel_size=(3, 3), strides=(2, 2), padding="same", activation="selu"))), [3, 7, 6, 2], 3,
        [[3, 3, 2, 4], [4]], lambda x, w, b: f(x.flatten(0, 1), w, b).unflatten(0, x.shape[:2]))


def activations(g):
    for slope in (0.3, 0.01):
        g.add("Activation", dict(activation="leaky_relu", slope=slope), [3, 5], 4, [], lambda x: F.leaky_relu(x, slope))
    g.add("Activation", dict(activation="mish"), [4, 5], 3, [], F.mish)
    g.add("Conv2D", dict(filters=5, kernel_size=(3, 3), strides=(2, 2), padding="same", activation="gelu"), [7, 6, 3], 3,
          [[3, 3, 3, 5], [5]], conv((3, 3), (2, 2), (1, 1), "same", "gelu"))
    g.add("Conv2DTranspose", dict(filters=4, kernel_size=(3, 3), strides=(2, 2), padding="same", activation="silu"), [4, 3, 2], 3,
          [[3, 3, 4, 2], [4]], conv_transpose((3, 3), (2, 2), (1, 1), "same", None, "silu"))
    f = conv((1, 3), (1, 1), (1, 1), "same", "gelu_tanh")
    g.add("TimeDistributed", dict(layer=dict(layer="Conv1D", config=dict(filters=4, kernel_size=3, padding="same", activation="gelu_tanh"))),
          [2, 6, 3], 3, [[3, 3, 4], [4]], lambda x, w, b: f(x, w[None], b))
    g.add("TimeDistributed", dict(layer=dict(layer="Dense", config=dict(units=4, activation="mish"))), [6, 3], 5,
          [[3, 4], [4]], lambda x, w, b: F.mish(x @ w + b))


def depthwise(x, w, b, k, s, d, padding):
    """Keras' depthwise convolution of NHWC images, with w of (rows, columns, channels, multiplier)."""
    x = padded(nchw(x), k, s, d) if padding == "same" else nchw(x)
    return nhwc(F.conv2d(x, w.permute(2, 3, 0, 1).flatten(0, 1)[:, None], b, s, dilation=d, groups=w.shape[2]))


def depthwise_convolutions(g):
    grid = [  # height, width, channels, multiplier, filters, kernel, strides, dilation, padding, batch, activation
        (14, 14, 16, 1, 8, (3, 3), (1, 1), (1, 1), "same", 2, "relu"),
        (9, 7, 3, 1, 5, (3, 3), (1, 1), (1, 1), "valid", 3, "linear"),
        (9, 8, 3, 2, 4, (3, 3), (2, 2), (1, 1), "same", 3, "silu"),
        (11, 13, 4, 3, 6, (2, 5), (3, 2), (1, 1), "same", 2, "tanh"),
        (11, 13, 5, 1, 3, (5, 2), (1, 3), (1, 1), "valid", 2, "selu"),
        (9, 9, 33, 1, 2, (3, 3), (1, 1), (2, 2), "same", 1, "linear"),
        (15, 14, 3, 2, 4, (3, 2), (2, 3), (2, 2), "same", 2, "linear"),
        (15, 14, 3, 1, 4, (3, 3), (2, 2), (2, 4), "valid", 2, "linear"),
        (4, 4, 2, 1, 3, (4, 4), (1, 1), (1, 1), "valid", 2, "sigmoid"),
        (6, 7, 2, 2, 3, (2, 2), (3, 3), (1, 1), "valid", 2, "linear"),
        (1, 1, 1, 1, 1, (1, 1), (1, 1), (1, 1), "valid", 1, "linear"),
        (5, 5, 2, 4, 3, (1, 1), (2, 2), (1, 1), "valid", 2, "linear"),
    ]
    for h, w, c, m, n, k, s, d, padding, batch, act in grid:
        config = dict(kernel_size=k, strides=s, dilation_rate=d, padding=padding, activation=act, depth_multiplier=m)
        f = ACTIVATIONS[act]
        g.add("DepthwiseConv2D", config, [h, w, c], batch, [[*k, c, m], [c * m]],
              lambda x, w, b: f(depthwise(x, w, b, k, s, d, padding)))
        g.add("SeparableConv2D", dict(filters=n, **config), [h, w, c], batch, [[*k, c, m], [1, 1, c * m, n], [n]],
              lambda x, w, p, b: f(depthwise(x, w, None, k, s, d, padding) @ p[0, 0] + b))
    g.add("DepthwiseConv2D", dict(kernel_size=(3, 3), padding="same", activation="gelu", no_bias=True), [5, 4, 2], 2,
          [[3, 3, 2, 1]], lambda x, w: F.gelu(depthwise(x, w, None, (3, 3), (1, 1), (1, 1), "same")))
    g.add("SeparableConv2D", dict(filters=3, kernel_size=(3, 3), padding="same", activation="gelu", no_bias=True), [5, 4, 2], 2,
          [[3, 3, 2, 1], [1, 1, 2, 3]], lambda x, w, p: F.gelu(depthwise(x, w, None, (3, 3), (1, 1), (1, 1), "same") @ p[0, 0]))
    for t, c, m, n, k, s, d, padding, batch in [(20, 3, 1, 8, 5, 1, 1, "same", 4), (21, 1, 4, 3, 4, 2, 1, "valid", 3),
                                                (17, 6, 2, 4, 3, 1, 4, "same", 2), (16, 3, 2, 4, 3, 2, 2, "causal", 2)]:
        config = dict(kernel_size=k, strides=s, dilation_rate=d, padding=padding, activation="selu", depth_multiplier=m)

        def sequence(x, w, b):
            if padding == "causal":
                x = F.pad(x, (0, 0, (k - 1) * d, 0))
            return depthwise(x[:, None], w[None], b, (1, k), (1, s), (1, d), padding)[:, 0]
        if padding != "causal":
            g.add("DepthwiseConv1D", config, [t, c], batch, [[k, c, m], [c * m]], lambda x, w, b: F.selu(sequence(x, w, b)))
        g.add("SeparableConv1D", dict(filters=n, **config), [t, c], batch, [[k, c, m], [1, c * m, n], [n]],
              lambda x, w, p, b: F.selu(sequence(x, w, None) @ p[0] + b))


def causal_convolutions(g):
    for t, c, n, k, s, d, batch in [(9, 3, 4, 3, 1, 1, 3), (10, 2, 5, 3, 2, 1, 2), (11, 4, 3, 2, 1, 4, 2), (12, 3, 4, 3, 2, 3, 2), (4, 2, 3, 1, 1, 1, 2)]:
        config = dict(filters=n, kernel_size=k, strides=s, dilation_rate=d, padding="causal", activation="tanh")
        g.add("Conv1D", config, [t, c], batch, [[k, c, n], [n]], lambda x, w, b: torch.tanh(F.conv1d(
            F.pad(x.transpose(1, 2), ((k - 1) * d, 0)), w.permute(2, 1, 0), b, s, dilation=d)).transpose(1, 2))


def resizing(g):
    for h, w, c, size in [(3, 4, 2, (2, 2)), (4, 3, 3, (3, 2)), (1, 5, 1, (4, 3)), (2, 1, 18, (1, 2))]:
        g.add("UpSampling2D", dict(size=size, interpolation="bilinear"), [h, w, c], 2, [],
              lambda x: nhwc(F.interpolate(nchw(x), scale_factor=size, mode="bilinear", align_corners=False)))
    for h, w, c, r in [(3, 2, 4, 2), (2, 3, 18, 3), (2, 2, 3, 1)]:
        # PyTorch reads channel c·r² + k·r + l where we read (k·r + l)·channels + c.
        g.add("PixelShuffle", dict(upscale_factor=r), [h, w, c], 2, [],
              lambda x: nhwc(F.pixel_shuffle(nchw(x.unflatten(3, (r * r, -1)).transpose(3, 4).flatten(3)), r)))


def more_normalization(g):
    for shape, groups, batch in [([4, 5, 6], 3, 3), ([7, 40], 2, 2), ([12], 4, 5), ([3, 3, 5], -1, 2), ([2, 64], 0, 3)]:
        c = shape[-1]
        config, count = (dict(groups=groups), c if groups < 0 else groups) if groups else ({}, 32)
        g.add("GroupNormalization", config, shape, batch, [[c]] * 2, lambda x, gamma, beta: F.group_norm(
            x.movedim(-1, 1), count, gamma, beta, 1e-3).movedim(1, -1))
    g.add("GroupNormalization", dict(groups=1, epsilon=1e-5), [3, 4], 2, [[4]] * 2, lambda x, gamma, beta: F.group_norm(
        x.movedim(-1, 1), 1, gamma, beta, 1e-5).movedim(1, -1))


def slopes(g):
    for shape, shared in [([4, 3, 5], [1, 2]), ([4, 3, 5], []), ([4, 3, 5], [3]), ([4, 3, 5], [1, 2, 3]), ([4, 3, 5], [2]), ([7], []), ([7], [1])]:
        alpha = [1 if i + 1 in shared else n for i, n in enumerate(shape)]
        config = dict(shared_axes=shared) if shared else {}
        if shared == [1, 2]:
            f = lambda x, a: F.prelu(x.movedim(-1, 1), a.flatten()).movedim(1, -1)
        else:
            f = lambda x, a: torch.where(x > 0, x, a * x)
        g.add("PReLU", config, shape, 3, [alpha], f)


def positions(g):
    g.add("PositionEmbedding", {}, [5, 3], 4, [[5, 3]], lambda x, e: x + e)
    for t, n in [(6, 4), (50, 7)]:
        i = torch.arange(n)
        angle = torch.arange(t)[:, None] / 10000 ** (2 * (i // 2) / n)
        g.add("PositionEmbedding", dict(sinusoidal=True), [t, n], 2, [], lambda x: x + torch.where(i % 2 == 0, angle.sin(), angle.cos()))


def gru_reset_before(g):
    """Keras' GRU with reset_after=False, in its own words (keras/layers/rnn/gru.py)."""
    def forward(x, w, r, b, sequences):
        u, h, states = r.shape[0], torch.zeros(x.shape[0], r.shape[0]), []
        for x_t in x.unbind(1):
            matrix_x, matrix_inner = x_t @ w + b, h @ r[:, :2 * u]
            z = torch.sigmoid(matrix_x[:, :u] + matrix_inner[:, :u])
            reset = torch.sigmoid(matrix_x[:, u:2 * u] + matrix_inner[:, u:])
            h = z * h + (1 - z) * torch.tanh(matrix_x[:, 2 * u:] + (reset * h) @ r[:, 2 * u:])
            states.append(h)
        return torch.stack(states, 1) if sequences else h
    for t, f, u, sequences, batch in [(1, 3, 4, True, 2), (7, 5, 6, True, 33), (7, 5, 17, False, 3), (28, 28, 30, False, 2), (3, 1, 1, True, 1)]:
        g.add("GRU", dict(units=u, return_sequences=sequences, reset_before=True), [t, f], batch, [[f, 3 * u], [u, 3 * u], [3 * u]],
              lambda x, w, r, b: forward(x, w, r, b, sequences))
    g.add("GRU", dict(units=4, no_bias=True, reset_before=True), [5, 3], 2, [[3, 12], [4, 12]],
          lambda x, w, r: forward(x, w, r, torch.zeros(12), False))
    g.add("Bidirectional", dict(layer=dict(layer="GRU", config=dict(units=3, return_sequences=True, reset_before=True))), [4, 2], 3,
          [[2, 9], [3, 9], [9]] * 2, lambda x, w, r, b, w2, r2, b2: torch.cat(
              [forward(x, w, r, b, True), forward(x.flip(1), w2, r2, b2, True).flip(1)], -1))


def attention(g):
    grid = [  # steps, features, heads, key dim, value dim, bias, causal, batch
        (6, 8, 2, 4, 4, True, False, 3), (5, 7, 3, 5, 2, True, False, 2), (9, 4, 1, 3, 6, True, True, 2), (4, 6, 5, 2, 3, False, False, 3),
        (1, 3, 2, 2, 2, True, False, 2), (17, 33, 4, 9, 9, True, False, 2), (28, 28, 2, 14, 14, True, True, 2)]
    for t, f, h, k, v, bias, causal, batch in grid:
        def forward(x, wq, bq, wk, bk, wv, bv, wo, bo):
            mask = torch.full((t, t), -torch.inf).triu(1) if causal else None
            if h * k == f and k == v:  # PyTorch's own
                flat = lambda w: w.flatten(1).T
                y, _ = F.multi_head_attention_forward(
                    x.transpose(0, 1), x.transpose(0, 1), x.transpose(0, 1), f, h, torch.cat([flat(wq), flat(wk), flat(wv)]),
                    torch.cat([bq.flatten(), bk.flatten(), bv.flatten()]), None, None, False, 0.0, wo.flatten(0, 1).T, bo,
                    attn_mask=mask, need_weights=False)
                return y.transpose(0, 1)
            q, key, value = (torch.einsum("btf,fhk->bhtk", x, w) + b[:, None] for w, b in ((wq, bq), (wk, bk), (wv, bv)))
            scores = q @ key.transpose(-1, -2) / k**0.5
            a = torch.softmax(scores if mask is None else scores + mask, -1)
            return torch.einsum("bhtv,hvf->btf", a @ value, wo) + bo
        shapes = [[f, h, k], [h, k], [f, h, k], [h, k], [f, h, v], [h, v], [h, v, f], [f]]
        config = dict(num_heads=h, key_dim=k, value_dim=v)
        if causal:
            config["causal"] = True
        if bias:
            g.add("MultiHeadAttention", config, [t, f], batch, shapes, forward)
        else:
            zeros = [torch.zeros(s) for s in shapes[1::2]]
            g.add("MultiHeadAttention", dict(no_bias=True, **config), [t, f], batch, shapes[::2], lambda x, wq, wk, wv, wo: forward(
                x, wq, zeros[0], wk, zeros[1], wv, zeros[2], wo, zeros[3]))


def from_pytorch():
    """A layer each with weights in PyTorch's own layout: noise with salts from 11 on, as is the input with salt 1."""
    outputs = {}
    for kind, n in [("LSTM", 4), ("GRU", 3)]:
        module = getattr(torch.nn, kind)(2, 3, batch_first=True)
        shapes = [(3 * n, 2), (3 * n, 3), (3 * n,), (3 * n,)]
        with torch.no_grad():
            for i, p in enumerate(module.parameters()):
                p.copy_(torch.tensor(noise(shapes[i], 11 + i)))
            outputs[kind] = module(torch.tensor(noise((2, 4, 2), 1)))[0].flatten().tolist()
    module = torch.nn.MultiheadAttention(6, 2, batch_first=True)
    with torch.no_grad():
        for i, p in enumerate([module.in_proj_weight, module.in_proj_bias, module.out_proj.weight, module.out_proj.bias]):
            p.copy_(torch.tensor(noise(p.shape, 11 + i)))
        x = torch.tensor(noise((2, 4, 6), 1))
        outputs["MultiheadAttention"] = module(x, x, x, need_weights=False)[0].flatten().tolist()
    return outputs


def main():
    where = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__)
    where = where if where.is_dir() else where.parent
    g = Golden()
    convolutions(g), transposed_convolutions(g), pooling(g), normalization(g)
    g.write(where / "conv_golden.gz")
    g = Golden()
    recurrent(g)
    g.write(where / "rnn_golden.gz")
    g = Golden()
    activations(g), depthwise_convolutions(g), causal_convolutions(g), resizing(g), more_normalization(g), slopes(g), positions(g), gru_reset_before(g), attention(g)
    g.write(where / "block_golden.gz")
    (where / "rnn_pytorch.json").write_text(json.dumps(from_pytorch()) + "\n")


if __name__ == "__main__":
    main()
