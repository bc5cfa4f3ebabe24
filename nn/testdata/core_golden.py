#!/usr/bin/env python3
"""Writes the golden files of the engine's core with PyTorch and NumPy.

    python3 nn/testdata/core_golden.py     # from the module's root; made with PyTorch 1.13, NumPy 1.24

    nn/testdata/core_golden.json     a Dense net with each activation, forward and gradients (PyTorch, float64)
    loss/testdata/core_golden.json   losses and their gradients (PyTorch, float64)
    optim/testdata/core_golden.json  weights after some steps of each rule (torch.optim, and Keras' formulas in NumPy)
    train/testdata/core_golden.json  losses of 50 training steps (PyTorch in float32; Keras' Adam in NumPy, float64)

Inputs and weights are not stored: values() gives the same numbers here and in package internal/golden.
"""

import json
import math

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(0)


def values(seed, shape, lo=-1.0, hi=1.0):
    """float32 numbers in [lo, hi) from SplitMix64 (Steele et al. 2014) at counters seed·2³² + 0, 1, 2, …"""
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        x = (np.uint64(seed) << np.uint64(32)) + np.arange(n, dtype=np.uint64)
        x = x * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    u = (x >> np.uint64(40)).astype(np.float64) / 2**24
    return (lo + (hi - lo) * u).astype(np.float32).reshape(shape)


def double(a):
    return torch.tensor(a, dtype=torch.float64)


def numbers(a):
    """A flat list with ten digits."""
    a = a.detach().numpy() if isinstance(a, torch.Tensor) else np.asarray(a)
    return [float("%.10g" % x) for x in a.astype(np.float64).ravel()]


def write(path, golden):
    with open(path, "w") as f:
        json.dump({"script": "nn/testdata/core_golden.py", **golden}, f, separators=(",", ":"))
        f.write("\n")


# ---------------------------------------------------------------- nn

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": F.relu,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "elu": F.elu,
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": F.softplus,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "hard_sigmoid": F.hardsigmoid,
    "hard_silu": F.hardswish,
    "relu6": F.relu6,
}


def dense_net(f):
    """6 → Dense 5 f → Dense 4 f on 3 samples; the loss is Σ r·y."""
    x, r = double(values(1, (3, 6), -2, 2)), double(values(2, (3, 4)))
    params = [double(values(seed, shape)).requires_grad_()
              for seed, shape in [(3, (6, 5)), (4, (5,)), (5, (5, 4)), (6, (4,))]]
    w1, b1, w2, b2 = params
    y = f(f(x @ w1 + b1) @ w2 + b2)
    (r * y).sum().backward()
    return {"y": numbers(y), "gradient": [g for p in params for g in numbers(p.grad)]}


write("nn/testdata/core_golden.json", {name: dense_net(f) for name, f in ACTIVATIONS.items()})

# ---------------------------------------------------------------- loss


def loss_golden(function, pred, target):
    p = double(pred).requires_grad_()
    value = function(p, double(target))
    value.backward()
    return {"pred": numbers(pred), "target": numbers(target), "loss": float("%.12g" % value.item()), "grad": numbers(p.grad)}


def keras_bce(p, t):
    return F.binary_cross_entropy(p.clamp(1e-7, 1 - 1e-7), t, reduction="sum")


probabilities = np.concatenate([values(10, 9, 0, 1), np.float32([0, 1, 0, 1, 1e-8, 1e-6, 0.99999994, 0.999999, 0.5])])
targets = np.concatenate([values(11, 9, 0, 1), np.float32([0, 1, 1, 0, 0.5, 1, 0, 0, 1])])
logits = np.concatenate([values(12, 11, -8, 8), np.float32([-100, -60, -40, -20, -1e-3, 0, 1e-3, 20, 40, 60, 100] * 2)])
logit_targets = np.concatenate([values(13, 11, 0, 1), np.float32([0] * 11 + [1] * 11)])
p, t = values(14, 37, -3, 3), values(15, 37, -1, 1)
p[5] = t[5]

write("loss/testdata/core_golden.json", {
    "binary_crossentropy": loss_golden(keras_bce, probabilities, targets),
    "binary_crossentropy_logits": loss_golden(
        lambda z, y: F.binary_cross_entropy_with_logits(z, y, reduction="sum"), logits, logit_targets),
    "mse": loss_golden(lambda a, b: F.mse_loss(a, b, reduction="sum"), p, t),
    "mae": loss_golden(lambda a, b: F.l1_loss(a, b, reduction="sum"), p, t),
    "huber_0.5": loss_golden(lambda a, b: F.huber_loss(a, b, reduction="sum", delta=0.5), p, t),
    "huber_1": loss_golden(lambda a, b: F.huber_loss(a, b, reduction="sum", delta=1.0), p, t),
    "huber_2": loss_golden(lambda a, b: F.huber_loss(a, b, reduction="sum", delta=2.0), p, t),
})

# ---------------------------------------------------------------- optim

WEIGHTS, STEPS, KEPT = 13, 15, (1, 2, 15)


def gradient(step):
    """Gradients from 1 down to 1e-6, where ε matters."""
    scale = (10.0 ** -(np.arange(WEIGHTS) % 7)).astype(np.float32)
    return values(100 + step, WEIGHTS) * scale


def torch_rule(make):
    w = double(values(20, WEIGHTS)).requires_grad_()
    optimizer = make([w])
    kept = []
    for step in range(1, STEPS + 1):
        w.grad = double(gradient(step))
        optimizer.step()
        if step in KEPT:
            kept += numbers(w)
    return kept


def numpy_rule(rule):
    """rule(t, g, state, w) returns what is subtracted from the weights w in step t."""
    w, state, kept = values(20, WEIGHTS).astype(np.float64), {}, []
    for step in range(1, STEPS + 1):
        w = w - rule(step, gradient(step).astype(np.float64), state, w)
        if step in KEPT:
            kept += numbers(w)
    return kept


def moments(g, state, b1, b2):
    state["m"] = b1 * state.get("m", 0) + (1 - b1) * g
    state["v"] = b2 * state.get("v", 0) + (1 - b2) * g * g
    return state["m"], state["v"]


# The formulas of keras/src/optimizers (2.11 and later). With the schedule of torch.optim.NAdam the one of
# Nadam is also PyTorch's, from 2.0 on: 1.13 counts a factor of the product of momenta twice.
def keras_adam(lr=0.001, b1=0.9, b2=0.999, eps=1e-7, decay=0.0):
    def rule(t, g, state, w):
        m, v = moments(g, state, b1, b2)
        alpha = lr * math.sqrt(1 - b2**t) / (1 - b1**t)
        return decay * lr * w + alpha * m / (np.sqrt(v) + eps)
    return rule


def nadam(lr=0.001, b1=0.9, b2=0.999, eps=1e-7, decay=1.0):
    def rule(t, g, state, w):
        u_t, u_next = b1 * (1 - 0.5 * 0.96 ** (decay * t)), b1 * (1 - 0.5 * 0.96 ** (decay * (t + 1)))
        state["product"] = state.get("product", 1) * u_t
        m, v = moments(g, state, b1, b2)
        m_hat = u_next * m / (1 - state["product"] * u_next) + (1 - u_t) * g / (1 - state["product"])
        return lr * m_hat / (np.sqrt(v / (1 - b2**t)) + eps)
    return rule


def keras_rmsprop(lr=0.001, rho=0.9, eps=1e-7):
    def rule(t, g, state, w):
        state["v"] = rho * state.get("v", 0) + (1 - rho) * g * g
        return lr * g / np.sqrt(state["v"] + eps)
    return rule


def keras_sgd(lr, mu, nesterov):
    def rule(t, g, state, w):
        state["v"] = mu * state.get("v", 0) - lr * g
        return -(mu * state["v"] - lr * g) if nesterov else -state["v"]
    return rule


write("optim/testdata/core_golden.json", {
    "sgd": torch_rule(lambda w: torch.optim.SGD(w, lr=0.01)),
    "sgd momentum": torch_rule(lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.9)),
    "sgd nesterov": torch_rule(lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.8, nesterov=True)),
    "keras sgd momentum": numpy_rule(keras_sgd(0.1, 0.9, False)),
    "keras sgd nesterov": numpy_rule(keras_sgd(0.1, 0.8, True)),
    "torch adam": torch_rule(lambda w: torch.optim.Adam(w)),
    "torch adam options": torch_rule(lambda w: torch.optim.Adam(w, lr=0.05, betas=(0.8, 0.95), eps=1e-3)),
    "keras adam": numpy_rule(keras_adam()),
    "keras adam options": numpy_rule(keras_adam(0.05, 0.8, 0.95, 1e-3)),
    "torch adamw": torch_rule(lambda w: torch.optim.AdamW(w)),
    "torch adamw options": torch_rule(lambda w: torch.optim.AdamW(w, lr=0.05, weight_decay=0.2)),
    "keras adamw": numpy_rule(keras_adam(decay=0.004)),
    "keras adamw options": numpy_rule(keras_adam(0.05, decay=0.2)),
    "torch nadam": numpy_rule(nadam(0.002, eps=1e-8, decay=0.004)),
    "torch nadam options": numpy_rule(nadam(0.05, 0.8, 0.95, 1e-3, decay=0.004)),
    "keras nadam": numpy_rule(nadam()),
    "keras nadam options": numpy_rule(nadam(0.05, 0.8, 0.95, 1e-3)),
    "torch rmsprop": torch_rule(lambda w: torch.optim.RMSprop(w)),
    "torch rmsprop options": torch_rule(lambda w: torch.optim.RMSprop(w, lr=0.05, alpha=0.8, eps=1e-3)),
    "keras rmsprop": numpy_rule(keras_rmsprop()),
    "keras rmsprop options": numpy_rule(keras_rmsprop(0.05, 0.8, 1e-3)),
})

# ---------------------------------------------------------------- train

WIDTHS, BATCH, TRAINED = (144, 20, 7, 20, 144), 8, 50


def images(n):
    """Pictures in [0, 1) that two patterns make up."""
    c, b = values(30, (n, 2), 0, 1).astype(np.float64), values(31, (2, 144), 0, 1).astype(np.float64)
    return ((c[:, :1] * b[0] + c[:, 1:] * b[1]) / 2).astype(np.float32)


def start():
    """Glorot's limits for the kernels, ±0.1 for the biases."""
    params = []
    for i, (fan_in, fan_out) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        limit = math.sqrt(6 / (fan_in + fan_out))
        params += [values(40 + i, (fan_in, fan_out), -limit, limit), values(50 + i, fan_out, -0.1, 0.1)]
    return params


def batches(stream):
    """Fifty batches of eight, or the first of them fifty times."""
    x = images(BATCH * TRAINED)
    return [x[BATCH * k * stream:BATCH * (k * stream + 1)] for k in range(TRAINED)]


def forward(x, params, hidden):
    for i in range(0, len(params) - 2, 2):
        x = hidden(x @ params[i] + params[i + 1])
    return x @ params[-2] + params[-1]


def losses(hidden, logits_loss, make, stream):
    """Losses of fifty steps and the output bias after them, in float32."""
    params = [torch.tensor(p).requires_grad_() for p in start()]
    optimizer, history = make(params), []
    for x in map(torch.tensor, batches(stream)):
        optimizer.zero_grad()
        loss = logits_loss(forward(x, params, hidden), x)
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    return {"losses": numbers(np.float64(history)), "bias": numbers(params[-1])[:8]}


def keras_adam_losses(hidden, logits_loss, lr, stream):
    """The same with Keras' Adam, in NumPy and float64; the gradients are PyTorch's."""
    arrays = [p.astype(np.float64) for p in start()]
    rule, states, history = keras_adam(lr), [{} for _ in arrays], []
    for step, x in enumerate(batches(stream), 1):
        params = [torch.tensor(a).requires_grad_() for a in arrays]
        loss = logits_loss(forward(double(x), params, hidden), double(x))
        loss.backward()
        arrays = [a - rule(step, p.grad.numpy(), s, a) for a, p, s in zip(arrays, params, states)]
        history.append(loss.item())
    return {"losses": numbers(history), "bias": numbers(arrays[-1])[:8]}


def mse_of_sigmoid(z, t):
    return F.mse_loss(torch.sigmoid(z), t)


def both(run):
    return {"stream": run(True), "repeated": run(False)}


bce = F.binary_cross_entropy_with_logits
write("train/testdata/core_golden.json", {
    "selu bce sgd": both(lambda s: losses(F.selu, bce, lambda p: torch.optim.SGD(p, lr=1.0), s)),
    "selu bce adam torch": both(lambda s: losses(F.selu, bce, lambda p: torch.optim.Adam(p, lr=0.01), s)),
    "selu bce adam keras": both(lambda s: keras_adam_losses(F.selu, bce, 0.01, s)),
    "sigmoid mse sgd": both(lambda s: losses(torch.sigmoid, mse_of_sigmoid, lambda p: torch.optim.SGD(p, lr=1.5), s)),
    "sigmoid mse adam torch": both(lambda s: losses(torch.sigmoid, mse_of_sigmoid, lambda p: torch.optim.Adam(p, lr=0.01), s)),
    "sigmoid mse adam keras": both(lambda s: keras_adam_losses(torch.sigmoid, mse_of_sigmoid, 0.01, s)),
})
