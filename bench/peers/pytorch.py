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


class Drawing(nn.Module):
    """A variational autoencoder 784-400-20, or with k draws of each sample an importance weighted one."""

    def __init__(self, k=0):
        super().__init__()
        self.k = k
        self.hidden, self.mean, self.log_variance = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.back, self.out = nn.Linear(20, 400), nn.Linear(400, 784)

    def loss(self, x):
        x = x.flatten(1)
        hidden = F.relu(self.hidden(x))
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        if not self.k:
            z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
            kl = -0.5 * (1 + log_variance - mean ** 2 - log_variance.exp()).sum()
            logits = self.out(F.relu(self.back(z)))
            return (F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + kl) / x.numel()
        e = torch.randn(self.k, *mean.shape)
        z = mean + e * (log_variance / 2).exp()
        logits = self.out(F.relu(self.back(z)))
        log_weight = -0.5 * (z ** 2 - e ** 2 - log_variance).sum(2)
        log_weight = log_weight - F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(2)
        return -log_weight.logsumexp(0).sum() / x.numel()


class Masked(nn.Module):
    """A masked autoencoder of 7x7 patches and transformers of three blocks and one."""

    def __init__(self):
        super().__init__()

        def block():
            return nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, activation=F.gelu, batch_first=True, norm_first=True)
        self.project, self.positions = nn.Linear(16, 64), nn.Parameter(torch.randn(49, 64) * 0.02)
        self.blocks = nn.Sequential(*[block() for _ in range(3)], nn.LayerNorm(64), block(), nn.LayerNorm(64))
        self.out = nn.Linear(64, 16)

    def loss(self, x):
        patches = x.view(-1, 7, 4, 7, 4).transpose(2, 3).reshape(-1, 49, 16)
        order = torch.rand(len(x), 49).argsort(1)
        seen = patches * (order >= 36).unsqueeze(2)
        return F.binary_cross_entropy_with_logits(self.out(self.blocks(self.project(seen) + self.positions)), patches)


class Quantized(nn.Module):
    """A vector quantised autoencoder: 7x7 vectors of 16, a codebook of 128 that follows them and is revived."""

    def __init__(self, vectors=128, size=16):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(64, size, 1))
        self.decoder = nn.Sequential(
            nn.Conv2d(size, 64, 3, padding=1), nn.ReLU(), nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1))
        self.register_buffer("codebook", torch.empty(vectors, size).uniform_(-0.15, 0.15))
        self.register_buffer("counts", torch.ones(vectors))

    @torch.no_grad()
    def follow(self, flat, nearest, decay=0.99):
        counts = decay * self.counts + (1 - decay) * torch.bincount(nearest, minlength=len(self.counts))
        sums = torch.zeros_like(self.codebook).index_add_(0, nearest, flat)
        self.codebook.copy_((decay * self.counts[:, None] * self.codebook + (1 - decay) * sums) / counts[:, None])
        self.counts.copy_(counts)
        dead = (counts < 0.5).nonzero().flatten()
        if len(dead):
            self.codebook[dead] = flat[torch.randint(len(flat), (len(dead),))]
            self.counts[dead] = counts.mean()

    def loss(self, x):
        x = x.unsqueeze(1)
        z = self.encoder(x)
        flat = z.detach().permute(0, 2, 3, 1).reshape(-1, self.codebook.shape[1])
        nearest = torch.addmm((self.codebook ** 2).sum(1), flat, self.codebook.t(), alpha=-2).argmin(1)
        quantized = self.codebook[nearest].view(len(z), 7, 7, -1).permute(0, 3, 1, 2)
        logits = self.decoder(z + (quantized - z).detach())
        self.follow(flat, nearest)
        return F.binary_cross_entropy_with_logits(logits, x) + 0.25 * F.mse_loss(z, quantized)


def sgd(rate):
    return lambda parameters: torch.optim.SGD(parameters, lr=rate)


STACK = [784, 100, 30, 100, 784]
NARROW = [784, 64, 16, 64, 784]
bce, mse, adam = F.binary_cross_entropy, F.mse_loss, torch.optim.Adam
SYSTEMS = {  # model, batch size, loss (None for a model with one of its own), optimizer, whether pixels lie in [-1, 1]
    "stacked": (lambda: dense(STACK, nn.SELU), 32, bce, sgd(1.5), False),
    "convolutional": (convolutional, 32, bce, sgd(1.0), False),
    "recurrent": (Recurrent, 32, bce, sgd(0.1), False),
    "denoising": (lambda: dense(STACK, nn.SELU, GaussianNoise()), 32, bce, sgd(1.0), False),
    "dropout": (lambda: dense(STACK, nn.SELU, nn.Dropout(0.5)), 32, bce, sgd(1.0), False),
    "sigmoid": (lambda: dense([784, 256, 128, 256, 784], nn.Sigmoid), 128, mse, adam, False),
    "relu": (lambda: dense(NARROW, nn.ReLU), 128, mse, adam, True),
    "vae-400-20": (Drawing, 128, None, adam, False),
    "iwae-400-20": (lambda: Drawing(5), 128, None, adam, False),
    "masked": (Masked, 64, None, adam, False),
    "vq-vae": (Quantized, 128, None, adam, False),
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
        loss = loss_of(model(xb), xb) if loss_of else model.loss(xb)
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
