#!/usr/bin/env python3
"""Trains the lecture's systems in PyTorch, as their own framework would.

usage: train.py [--dataset mnist|fashion-mnist] [--seeds 42,1,2,3] [--epochs N] [--threads N] [--data-dir DIR] SYSTEM ...

Layers, initialisation, loss, optimiser, data split and order of epochs are those
of the recipe of the same name, so that Hourglass' losses can be compared with
these, within the spread over seeds. Prints one JSON object per system and seed
(the losses of every epoch and what they end at), and one per system with mean
and standard deviation over the seeds.

Where a system is Keras', this is what Keras does and PyTorch does not by itself:
Glorot-uniform kernels, also of convolutions and of an LSTM's input; orthogonal
recurrent kernels; zero biases but for an LSTM's forget gate, which starts at 1,
with one trainable bias per gate where PyTorch has two; Adam with its epsilon
outside of the bias correction; "same" transposed convolutions that cut the odd
pixel off at the end. Cross-entropies are computed from logits, as Keras does
behind a sigmoid.
"""
import argparse
import gzip
import json
import math
import os
import pathlib
import statistics
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SHARED = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"


# Layers and initialisation as Keras has them.

def glorot(weight, fan_in, fan_out):
    limit = math.sqrt(6 / (fan_in + fan_out))
    nn.init.uniform_(weight, -limit, limit)


def keras_linear(n, m):
    layer = nn.Linear(n, m)
    glorot(layer.weight, n, m)
    nn.init.zeros_(layer.bias)
    return layer


def keras_conv(kind, n, m, **options):
    layer = kind(n, m, 3, **options)
    glorot(layer.weight, 9 * n, 9 * m)
    nn.init.zeros_(layer.bias)
    return layer


def keras_lstm(n, units):
    layer = nn.LSTM(n, units, batch_first=True)
    glorot(layer.weight_ih_l0, n, 4 * units)
    nn.init.orthogonal_(layer.weight_hh_l0)
    nn.init.zeros_(layer.bias_ih_l0)
    nn.init.ones_(layer.bias_ih_l0.data[units:2 * units])  # PyTorch's gates are ordered i, f, g, o
    nn.init.zeros_(layer.bias_hh_l0).requires_grad_(False)
    return layer


class KerasAdam(torch.optim.Optimizer):
    """w -= rate sqrt(1-b2^t)/(1-b1^t) m / (sqrt(v) + epsilon)"""

    def __init__(self, parameters, rate=1e-3, betas=(0.9, 0.999), epsilon=1e-7):
        super().__init__(parameters, dict(rate=rate, betas=betas, epsilon=epsilon))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for w in group["params"]:
                s = self.state[w]
                if not s:
                    s.update(t=0, m=torch.zeros_like(w), v=torch.zeros_like(w))
                s["t"] += 1
                s["m"].mul_(b1).add_(w.grad, alpha=1 - b1)
                s["v"].mul_(b2).addcmul_(w.grad, w.grad, value=1 - b2)
                rate = group["rate"] * math.sqrt(1 - b2 ** s["t"]) / (1 - b1 ** s["t"])
                w.addcdiv_(s["m"], s["v"].sqrt().add_(group["epsilon"]), value=-rate)


# The systems; those trained on cross-entropy return logits.

class GaussianNoise(nn.Module):
    def forward(self, x):
        return x + 0.2 * torch.randn_like(x) if self.training else x


def dense(sizes, activation, linear, *before, last=None):
    layers = [nn.Flatten(), *before]
    for n, m in zip(sizes[:-1], sizes[1:-1]):
        layers += [linear(n, m), activation()]
    layers += [linear(*sizes[-2:]), *([last] if last else [])]
    return nn.Sequential(*layers, nn.Unflatten(1, (28, 28)))


class Cut(nn.Module):
    """Cuts the last row and the last column off."""

    def forward(self, x):
        return x[..., :-1, :-1]


def convolutional():
    conv, transposed = nn.Conv2d, nn.ConvTranspose2d
    return nn.Sequential(
        nn.Unflatten(1, (1, 28)),
        keras_conv(conv, 1, 16, padding=1), nn.SELU(), nn.MaxPool2d(2),
        keras_conv(conv, 16, 32, padding=1), nn.SELU(), nn.MaxPool2d(2),
        keras_conv(conv, 32, 64, padding=1), nn.SELU(), nn.MaxPool2d(2),
        keras_conv(transposed, 64, 32, stride=2), nn.SELU(),
        keras_conv(transposed, 32, 16, stride=2), Cut(), nn.SELU(),
        keras_conv(transposed, 16, 1, stride=2), Cut(),
        nn.Flatten(1, 2))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.bottleneck = keras_lstm(28, 100), keras_lstm(100, 30)
        self.decoder, self.output = keras_lstm(30, 100), keras_linear(100, 28)

    def forward(self, x):
        h, _ = self.encoder(x)
        _, (h, _) = self.bottleneck(h)
        h, _ = self.decoder(h[-1].unsqueeze(1).repeat(1, 28, 1))
        return self.output(h)


def sgd(rate):
    return lambda parameters: torch.optim.SGD(parameters, lr=rate)


STACK, NARROW = [784, 100, 30, 100, 784], [784, 64, 16, 64, 784]
bce, mse = F.binary_cross_entropy_with_logits, F.mse_loss
SYSTEMS = {  # model, loss, optimiser, epochs, batch size, validation images, whether pixels lie in [-1, 1]
    "stacked": (lambda: dense(STACK, nn.SELU, keras_linear), bce, sgd(1.5), 20, 32, 5000, False),
    "convolutional": (convolutional, bce, sgd(1.0), 5, 32, 5000, False),
    "recurrent": (Recurrent, bce, sgd(0.1), 10, 32, 5000, False),
    "denoising": (lambda: dense(STACK, nn.SELU, keras_linear, GaussianNoise()), bce, sgd(1.0), 10, 32, 5000, False),
    "dropout": (lambda: dense(STACK, nn.SELU, keras_linear, nn.Dropout(0.5)), bce, sgd(1.0), 10, 32, 5000, False),
    "sigmoid": (lambda: dense([784, 256, 128, 256, 784], nn.Sigmoid, nn.Linear, last=nn.Sigmoid()), mse,
                torch.optim.Adam, 100, 128, 0, False),
    "relu": (lambda: dense(NARROW, nn.ReLU, nn.Linear, last=nn.Sigmoid()), mse, torch.optim.Adam, 10, 128, 0, True),
    "functional": (lambda: dense(NARROW, nn.ReLU, keras_linear, last=nn.Sigmoid()), mse, KerasAdam, 10, 128, 0, False),
}


def images(folder, part):
    path = folder / f"{part}-images-idx3-ubyte.gz"
    raw = gzip.open(path).read() if path.exists() else path.with_suffix("").read_bytes()
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28).astype(np.float32) / 255)


@torch.no_grad()
def evaluate(model, loss_of, x):
    """Returns the mean loss and, of cross-entropies, the rounded accuracy."""
    model.eval()
    loss = agree = 0.0
    for batch in x.split(500):
        y = model(batch)
        loss += loss_of(y, batch).item() * len(batch)
        agree += ((y > 0) == (batch.round() > 0)).float().mean().item() * len(batch)
    model.train()
    return loss / len(x), agree / len(x) if loss_of is bce else None


def train(system, folder, seed, epochs):
    build, loss_of, optimize, default_epochs, size, validation, signed = SYSTEMS[system]
    epochs = epochs or default_epochs
    x, test = images(folder, "train"), images(folder, "t10k")
    if signed:
        x, test = (x - 0.5) / 0.5, (test - 0.5) / 0.5
    x, held_out = x[:len(x) - validation], x[len(x) - validation:]
    torch.manual_seed(seed)
    model = build()
    optimizer = optimize([w for w in model.parameters() if w.requires_grad])
    result = dict(system=system, dataset=folder.name, seed=seed, epochs=epochs, loss=[], val_loss=[])
    start = time.perf_counter()
    for _ in range(epochs):
        total = 0.0
        for index in torch.randperm(len(x)).split(size):
            batch = x[index]
            optimizer.zero_grad()
            loss = loss_of(model(batch), batch)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        result["loss"].append(round(total / len(x), 6))
        if validation:
            loss, result["val_rounded_accuracy"] = evaluate(model, loss_of, held_out)
            result["val_loss"].append(round(loss, 6))
    result["test_loss"] = round(evaluate(model, loss_of, test)[0], 6)
    result["seconds"] = round(time.perf_counter() - start, 1)
    return result


def spread(values):
    return dict(mean=round(statistics.mean(values), 6), std=round(statistics.stdev(values), 6) if len(values) > 1 else None,
                min=min(values), max=max(values))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("systems", nargs="+", choices=SYSTEMS, metavar="SYSTEM")
    options.add_argument("--dataset", default="mnist", choices=["mnist", "fashion-mnist"])
    options.add_argument("--data-dir", type=pathlib.Path, default=pathlib.Path(os.environ.get("HOURGLASS_DATA", SHARED)))
    options.add_argument("--seeds", default="42,1,2,3")
    options.add_argument("--epochs", type=int, default=0)
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    o = options.parse_args()
    torch.set_num_threads(o.threads)
    for system in o.systems:
        results = []
        for seed in map(int, o.seeds.split(",")):
            results.append(train(system, o.data_dir / o.dataset, seed, o.epochs))
            print(json.dumps(results[-1]), flush=True)
        summary = dict(system=system, dataset=o.dataset, epochs=results[0]["epochs"], seeds=o.seeds,
                       loss=spread([r["loss"][-1] for r in results]), test_loss=spread([r["test_loss"] for r in results]))
        if results[0]["val_loss"]:
            summary["val_loss"] = spread([r["val_loss"][-1] for r in results])
        print(json.dumps(summary), flush=True)


if __name__ == "__main__":
    main()
