"""Measures the lecture's systems in PyTorch, asked line by line.

usage: pytorch.py IMAGES COUNT

IMAGES holds COUNT images of 28x28 bytes and nothing else. Each line of standard
input is a JSON object and is answered by one:

  {"op": "version"}                                   -> {"version"}
  {"op": "steps", "system", "threads", "seconds"}     -> {"us", "steps", "loss"}
  {"op": "latency", "variant", "threads", "seconds"}  -> {"us", "calls"}

us is the median of one training step, or of reconstructing one image with the
stacked system; the variant is "eager" or "traced". What fails is answered by
{"error"}.
"""
import functools
import json
import os
import statistics
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two thread pools on the same cores fight
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class GaussianNoise(nn.Module):
    def forward(self, x):
        return x + 0.2 * torch.randn_like(x)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.LSTM(28, 100, batch_first=True)
        self.bottleneck = nn.LSTM(100, 30, batch_first=True)
        self.decoder = nn.LSTM(30, 100, batch_first=True)
        self.output = nn.Linear(100, 28)

    def forward(self, x):
        h, _ = self.encoder(x)
        _, (h, _) = self.bottleneck(h)
        h, _ = self.decoder(h[-1].unsqueeze(1).repeat(1, 28, 1))
        return torch.sigmoid(self.output(h))


def dense(sizes, activation, *noise):
    layers = [nn.Flatten(), *noise]
    for i, (n, m) in enumerate(zip(sizes, sizes[1:])):
        layers += [nn.Linear(n, m), nn.Sigmoid() if i == len(sizes) - 2 else activation()]
    return nn.Sequential(*layers, nn.Unflatten(1, (28, 28)))


def convolutional():
    return nn.Sequential(
        nn.Unflatten(1, (1, 28)),
        nn.Conv2d(1, 16, 3, padding=1), nn.SELU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.SELU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.SELU(), nn.MaxPool2d(2),
        nn.ConvTranspose2d(64, 32, 3, stride=2), nn.SELU(),
        nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1), nn.SELU(),
        nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1, output_padding=1), nn.Sigmoid(),
        nn.Flatten(1, 2))


def sgd(rate):
    return lambda parameters: torch.optim.SGD(parameters, lr=rate)


STACK = [784, 100, 30, 100, 784]
NARROW = [784, 64, 16, 64, 784]
bce, mse, adam = F.binary_cross_entropy, F.mse_loss, torch.optim.Adam
SYSTEMS = {  # model, batch size, loss, optimizer, whether pixels lie in [-1, 1]
    "stacked": (lambda: dense(STACK, nn.SELU), 32, bce, sgd(1.5), False),
    "convolutional": (convolutional, 32, bce, sgd(1.0), False),
    "recurrent": (Recurrent, 32, bce, sgd(0.1), False),
    "denoising": (lambda: dense(STACK, nn.SELU, GaussianNoise()), 32, bce, sgd(1.0), False),
    "dropout": (lambda: dense(STACK, nn.SELU, nn.Dropout(0.5)), 32, bce, sgd(1.0), False),
    "sigmoid": (lambda: dense([784, 256, 128, 256, 784], nn.Sigmoid), 128, mse, adam, False),
    "relu": (lambda: dense(NARROW, nn.ReLU), 128, mse, adam, True),
    "functional": (lambda: dense(NARROW, nn.ReLU), 128, mse, functools.partial(adam, eps=1e-7), False),
}
FEWEST, WARM_UP = 10, 3  # runs that a median takes at least, and runs before it


def repeat(seconds, run):
    """Runs until the seconds are over; returns the time of each run."""
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < FEWEST:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return times[WARM_UP:]


def steps(images, system, threads, seconds):
    if system not in SYSTEMS:
        raise ValueError(f"no system {system!r} here")
    torch.set_num_threads(threads)
    torch.manual_seed(42)
    build, batch, loss_of, optimize, signed = SYSTEMS[system]
    model = build()
    optimizer = optimize(model.parameters())
    x = images(signed)
    order = torch.randperm(len(x))
    at, last = 0, None

    def step():
        nonlocal at, last
        if at + batch > len(x):
            at = 0
        xb = x[order[at:at + batch]]
        optimizer.zero_grad()
        loss = loss_of(model(xb), xb)
        loss.backward()
        optimizer.step()
        last = loss.item()
        at += batch

    times = repeat(seconds, step)
    return dict(us=statistics.median(times) * 1e6, steps=len(times), loss=last)


def latency(images, variant, threads, seconds):
    torch.set_num_threads(threads)
    torch.manual_seed(42)
    model, x = dense(STACK, nn.SELU).eval(), images(False)[:1]
    if variant == "traced":
        model = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, x)))
    with torch.no_grad():
        for _ in range(200):  # what is traced is compiled during its first calls
            model(x)
        times = repeat(seconds, lambda: model(x))
    return dict(us=statistics.median(times) * 1e6, calls=len(times))


def main(path, count):
    @functools.lru_cache(None)
    def images(signed):
        x = np.fromfile(path, np.uint8, int(count) * 784).reshape(-1, 28, 28).astype(np.float32) / 255
        return torch.from_numpy((x - 0.5) / 0.5 if signed else x)

    operations = {
        "version": lambda: dict(version=torch.__version__),
        "steps": functools.partial(steps, images),
        "latency": functools.partial(latency, images),
    }
    for line in sys.stdin:
        try:
            request = json.loads(line)
            reply = operations[request.pop("op")](**request)
        except Exception as e:
            reply = dict(error=f"{type(e).__name__}: {e}")
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
