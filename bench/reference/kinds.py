#!/usr/bin/env python3
"""Trains the kinds of autoencoders beyond the lecture's in PyTorch.

usage: kinds.py [--dataset mnist|fashion-mnist] [--seeds 42,1,2,3,4] [--epochs N] [--threads N] [--data-dir DIR] KIND ...

The first 55,000 images train, the last 5,000 validate. Layers, initialisation,
losses, optimisers and batches are those of the recipe of the same name, with
Keras' initial weights (see train.py). Prints one JSON object per kind and seed
and one per kind with the mean and standard deviation over the seeds. A loss is
the total that is minimised, penalties included; its terms stand beside it.

The sizes of the terms are Keras': the reconstruction loss is a mean over pixels;
an activity penalty is summed over a batch and divided by its size; what is a
term of a sample, such as the KL divergence of a variational autoencoder in
nats, is a mean over samples, divided by 784 where pixels are averaged.
"""
import argparse
import functools
import json
import math
import os
import pathlib
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import torch
import torch.nn.functional as F
from torch import nn

from train import KerasAdam, SHARED, glorot, images, keras_linear, spread

PIXELS = 784


class KerasRMSprop(torch.optim.Optimizer):
    """v <- rho v + (1-rho) g^2; w -= rate g / sqrt(v + epsilon), as Keras 2 does."""

    def __init__(self, parameters, rate=1e-3, rho=0.9, epsilon=1e-7):
        super().__init__(parameters, dict(rate=rate, rho=rho, epsilon=epsilon))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                s = self.state[w]
                if not s:
                    s["v"] = torch.zeros_like(w)
                s["v"].mul_(group["rho"]).addcmul_(w.grad, w.grad, value=1 - group["rho"])
                w.addcdiv_(w.grad, (s["v"] + group["epsilon"]).sqrt(), value=-group["rate"])


def mlp(*sizes, activation=nn.SELU, last=None):
    """Dense layers with an activation between them, and one after the last unless it is None."""
    layers = []
    for n, m in zip(sizes[:-2], sizes[1:-1]):
        layers += [keras_linear(n, m), activation()]
    layers.append(keras_linear(*sizes[-2:]))
    return nn.Sequential(*layers, *([last()] if last else []))


def bce(logits, x):
    """Cross-entropy of every sample, the mean over its pixels."""
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").mean(1)


def kl_to_normal(mean, log_variance):
    """KL divergence of N(mean, variance) from N(0, 1) of every sample, in nats."""
    return -0.5 * (1 + log_variance - log_variance.exp() - mean ** 2).sum(1)


class Kind(nn.Module):
    """A kind of autoencoder: terms(x, labels) returns its loss' terms by name, means over the batch."""

    epochs, batch = 10, 32

    def optimizer(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)

    def backward(self, loss):
        loss.backward()


class Sparse(Kind):
    """L1 of 1e-3 on the sum of a sample's codes."""

    def __init__(self):
        super().__init__()
        self.encoder = mlp(PIXELS, 100, 300, last=nn.Sigmoid)
        self.decoder = mlp(300, 100, PIXELS)

    def penalty(self, codes):
        return 1e-3 * codes.abs().sum() / len(codes)

    def terms(self, x, labels):
        codes = self.encoder(x)
        return dict(reconstruction=bce(self.decoder(codes), x).mean(), activity=self.penalty(codes))


class SparseKL(Sparse):
    """KL divergence of the units' mean activity from 0.1, weight 0.05 over the batch size."""

    def penalty(self, codes, target=0.1, weight=0.05):
        mean = codes.mean(0)
        kl = target * (target / mean).log() + (1 - target) * ((1 - target) / (1 - mean)).log()
        return weight * kl.sum() / len(codes)


class Tied(Kind):
    """The stacked one whose decoder has the encoder's kernels, transposed."""

    epochs = 10

    def __init__(self):
        super().__init__()
        self.first, self.second = keras_linear(PIXELS, 100), keras_linear(100, 30)
        self.back, self.out = nn.Parameter(torch.zeros(100)), nn.Parameter(torch.zeros(PIXELS))

    def optimizer(self):
        return torch.optim.SGD(self.parameters(), lr=1.5)

    def terms(self, x, labels):
        codes = F.selu(self.second(F.selu(self.first(x))))
        hidden = F.selu(F.linear(codes, self.second.weight.t(), self.back))
        return dict(reconstruction=bce(F.linear(hidden, self.first.weight.t(), self.out), x).mean())


class Hashing(Kind):
    """Gaussian noise of 15 in front of 16 sigmoid codes drives them to 0 and 1."""

    def __init__(self):
        super().__init__()
        self.hidden, self.codes = mlp(PIXELS, 100, last=nn.SELU), keras_linear(100, 16)
        self.decoder = mlp(16, 100, PIXELS)

    def terms(self, x, labels):
        hidden = self.hidden(x)
        if self.training:
            hidden = hidden + 15 * torch.randn_like(hidden)
        return dict(reconstruction=bce(self.decoder(self.codes(hidden).sigmoid()), x).mean())


class VAE(Kind):
    """Kingma and Welling 2014 as in Géron's notebook: 150, 100, 10 codes; codes are drawn in validation, too."""

    epochs, batch, codes, beta = 25, 128, 10, 1.0

    def __init__(self):
        super().__init__()
        self.hidden = mlp(PIXELS, 150, 100, last=nn.SELU)
        self.mean, self.log_variance = keras_linear(100, self.codes), keras_linear(100, self.codes)
        self.decoder = mlp(self.codes, 100, 150, PIXELS)

    def optimizer(self):
        return KerasRMSprop(self.parameters())

    def encode(self, x):
        hidden = self.hidden(x)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        return mean, log_variance, mean + torch.randn_like(mean) * (log_variance / 2).exp()

    def terms(self, x, labels):
        mean, log_variance, z = self.encode(x)
        return dict(reconstruction=bce(self.decoder(z), x).mean(),
                    kl=self.beta * kl_to_normal(mean, log_variance).mean() / PIXELS)


class BetaVAE(VAE):
    """Burgess 2018: the KL divergence of a batch is held at a capacity that rises from 0 to 25 nats in 20 epochs; being off it counts a hundred times."""

    weight, limit, rise = 100.0, 25.0, 20.0
    passed = 0.0  # epochs, set by run

    def terms(self, x, labels):
        mean, log_variance, z = self.encode(x)
        kl = kl_to_normal(mean, log_variance).mean()
        off = (kl - self.limit * min(self.passed / self.rise, 1)).abs()
        return dict(reconstruction=bce(self.decoder(z), x).mean(), kl=self.weight * kl / PIXELS, capacity=self.weight * (off - kl) / PIXELS)


class ConditionalVAE(VAE):
    """Sohn 2015: encoder and decoder see the label, one-hot, beside their input."""

    def __init__(self):
        super().__init__()
        self.hidden = mlp(PIXELS + 10, 150, 100, last=nn.SELU)
        self.decoder = mlp(self.codes + 10, 100, 150, PIXELS)

    def terms(self, x, labels):
        label = F.one_hot(labels, 10).float()
        mean, log_variance, z = self.encode(torch.cat([x, label], 1))
        return dict(reconstruction=bce(self.decoder(torch.cat([z, label], 1)), x).mean(),
                    kl=kl_to_normal(mean, log_variance).mean() / PIXELS)


class BetaTCVAE(VAE):
    """Chen 2018: the total correlation counts six times; estimated within the batch by weighted sampling."""

    samples, total = 55000, 6.0

    def terms(self, x, labels):
        mean, log_variance, z = self.encode(x)

        def log_normal(z, mean, log_variance):
            return -0.5 * (math.log(2 * math.pi) + log_variance + (z - mean) ** 2 / log_variance.exp())
        n = math.log(len(x) * self.samples)
        each = log_normal(z[:, None], mean[None], log_variance[None])  # sample × other × code
        log_qz = each.sum(2).logsumexp(1) - n
        log_product = (each.logsumexp(1) - n).sum(1)
        log_qzx = log_normal(z, mean, log_variance).sum(1)
        log_pz = log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1)
        return dict(reconstruction=bce(self.decoder(z), x).mean(),
                    mutual_information=(log_qzx - log_qz).mean() / PIXELS,
                    total_correlation=self.total * (log_qz - log_product).mean() / PIXELS,
                    dimension_kl=(log_product - log_pz).mean() / PIXELS)


class IWAE(VAE):
    """Burda 2016: the bound of five samples, divided by the pixels."""

    k = 5

    def terms(self, x, labels):
        hidden = self.hidden(x)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        e = torch.randn(self.k, *mean.shape)
        z = mean + e * (log_variance / 2).exp()
        log_weight = (-0.5 * (z ** 2 - e ** 2 - log_variance)).sum(2)
        logits = self.decoder(z)
        log_weight = log_weight - PIXELS * F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").mean(2)
        return dict(bound=-(log_weight.logsumexp(0) - math.log(self.k)).mean() / PIXELS)


class WAE(Kind):
    """Tolstikhin 2018: maximum mean discrepancy to N(0, 1) with the inverse multiquadratic kernel, weight 10 over the pixels."""

    epochs, batch, codes, weight = 25, 128, 10, 10.0

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = mlp(PIXELS, 150, 100, self.codes), mlp(self.codes, 100, 150, PIXELS)

    def optimizer(self):
        return KerasAdam(self.parameters())

    def terms(self, x, labels):
        z = self.encoder(x)
        p, n = torch.randn_like(z), len(z)

        def kernel(a, b):
            squares = (a[:, None] - b[None]).pow(2).sum(2)
            return sum(s * 2 * self.codes / (s * 2 * self.codes + squares) for s in (0.1, 0.2, 0.5, 1, 2, 5, 10))
        off = 1 - torch.eye(n)
        mmd = ((kernel(p, p) + kernel(z, z)) * off).sum() / (n * (n - 1)) - 2 * kernel(p, z).mean()
        return dict(reconstruction=bce(self.decoder(z), x).mean(), mmd=self.weight * mmd / PIXELS)


class Adversarial(WAE):
    """Makhzani 2016: a discriminator 10-100-100-1 with an Adam of its own (5e-4); both sides take each step together."""

    def __init__(self):
        super().__init__()
        self.discriminator = mlp(self.codes, 100, 100, 1, activation=lambda: nn.LeakyReLU(0.2))

    def optimizer(self):
        own = set(self.discriminator.parameters())
        self.rival = KerasAdam(own, 5e-4)
        return KerasAdam([p for p in self.parameters() if p not in own])

    def terms(self, x, labels):
        z = self.encoder(x)
        if self.training:
            self.rival.zero_grad()
            told, drawn = self.discriminator(z.detach()), self.discriminator(torch.randn_like(z))
            ((F.softplus(told) + F.softplus(-drawn)).mean() / 2).backward()
        logits = F.softplus(-self.discriminator(z)).mean()
        return dict(reconstruction=bce(self.decoder(z), x).mean(), adversary=self.weight * logits / PIXELS)

    def backward(self, loss):
        """The encoder's aim leaves the discriminator's gradient alone."""
        grads = [p.grad.clone() for p in self.discriminator.parameters()]
        loss.backward()
        for p, g in zip(self.discriminator.parameters(), grads):
            p.grad = g
        self.rival.step()


class VQVAE(Kind):
    """van den Oord 2017: 7x7 vectors of 16 from a codebook of 128 that follows by moving averages (0.99), dead ones revived."""

    epochs, batch, vectors, size, decay, revive = 5, 128, 128, 16, 0.99, 0.5

    def __init__(self):
        super().__init__()

        def conv(kind, n, m, size, **options):
            layer = kind(n, m, size, **options)
            glorot(layer.weight, size * size * n, size * size * m)
            nn.init.zeros_(layer.bias)
            return layer
        self.encoder = nn.Sequential(conv(nn.Conv2d, 1, 32, 4, stride=2, padding=1), nn.ReLU(),
                                     conv(nn.Conv2d, 32, 64, 4, stride=2, padding=1), nn.ReLU(), conv(nn.Conv2d, 64, self.size, 1))
        self.decoder = nn.Sequential(conv(nn.Conv2d, self.size, 64, 3, padding=1), nn.ReLU(),
                                     conv(nn.ConvTranspose2d, 64, 32, 4, stride=2, padding=1), nn.ReLU(),
                                     conv(nn.ConvTranspose2d, 32, 1, 4, stride=2, padding=1))
        limit = math.sqrt(3 / self.vectors)  # LeCun's uniform
        self.register_buffer("codebook", torch.empty(self.vectors, self.size).uniform_(-limit, limit))
        self.register_buffer("counts", torch.ones(self.vectors))

    def optimizer(self):
        return KerasAdam(self.parameters())

    @torch.no_grad()
    def follow(self, flat, nearest):
        batch = torch.bincount(nearest, minlength=self.vectors).float()
        sums = torch.zeros_like(self.codebook).index_add_(0, nearest, flat)
        counts = self.decay * self.counts + (1 - self.decay) * batch
        self.codebook.copy_((self.decay * self.counts[:, None] * self.codebook + (1 - self.decay) * sums) / counts[:, None])
        self.counts.copy_(counts)
        dead = counts < self.revive
        self.codebook[dead] = flat[torch.randint(len(flat), (int(dead.sum()),))]
        self.counts[dead] = counts.mean()

    def terms(self, x, labels):
        z = self.encoder(x.view(-1, 1, 28, 28))
        flat = z.permute(0, 2, 3, 1).reshape(-1, self.size)
        nearest = torch.cdist(flat, self.codebook).argmin(1)
        quantized = self.codebook[nearest].view(len(z), 7, 7, self.size).permute(0, 3, 1, 2)
        commitment = 0.25 * F.mse_loss(z, quantized.detach())
        logits = self.decoder(z + (quantized - z).detach())
        if self.training:
            self.follow(flat, nearest)
        return dict(reconstruction=bce(logits.flatten(1), x).mean(), commitment=commitment)


class Contractive(Kind):
    """Rifai 2011: 1e-4 times the squared Frobenius norm of the codes' Jacobian, 300 sigmoid codes."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = keras_linear(PIXELS, 300), keras_linear(300, PIXELS)

    def optimizer(self):
        return KerasAdam(self.parameters())

    def terms(self, x, labels):
        codes = self.encoder(x).sigmoid()
        slopes = (codes * (1 - codes)) ** 2
        return dict(reconstruction=bce(self.decoder(codes), x).mean(),
                    contraction=1e-4 * (slopes @ (self.encoder.weight ** 2).sum(1)).mean())


class Greedy(Kind):
    """Stage by stage: 784-100 (BCE, SGD 1.5), 100-30 on its codes (MSE, SGD 0.05), 10 epochs each; then all of it (SGD 0.1)."""

    def __init__(self):
        super().__init__()
        self.first, self.second = keras_linear(PIXELS, 100), keras_linear(100, 30)
        self.back, self.out = keras_linear(30, 100), keras_linear(100, PIXELS)

    def optimizer(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def pretrain(self, x, epochs):
        outer = torch.optim.SGD([*self.first.parameters(), *self.out.parameters()], lr=1.5)
        inner = torch.optim.SGD([*self.second.parameters(), *self.back.parameters()], lr=0.05)
        stages = ((outer, x, lambda v: bce(self.out(F.selu(self.first(v))), v).mean()),
                  (inner, None, lambda v: F.mse_loss(F.selu(self.back(F.selu(self.second(v)))), v)))
        for optimizer, data, loss in stages:
            if data is None:
                with torch.no_grad():
                    data = F.selu(self.first(x))
            for _ in range(epochs):
                for index in torch.randperm(len(data)).split(self.batch):
                    optimizer.zero_grad()
                    loss(data[index]).backward()
                    optimizer.step()

    def terms(self, x, labels):
        codes = F.selu(self.second(F.selu(self.first(x))))
        return dict(reconstruction=bce(self.out(F.selu(self.back(codes))), x).mean())


class Robust(Kind):
    """Qi 2014: correntropy of width 0.5; every tenth training image is uniform noise."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = mlp(PIXELS, 100, 30, last=nn.SELU), mlp(30, 100, PIXELS, last=nn.Sigmoid)

    def optimizer(self):
        return KerasAdam(self.parameters())

    def corrupt_data(self, x):
        x = x.clone()
        x[9::10] = torch.rand_like(x[9::10])
        return x

    def terms(self, x, labels):
        return dict(reconstruction=(1 - (-(self.decoder(self.encoder(x)) - x) ** 2 / (2 * 0.5 ** 2)).exp()).mean())


class Masking(Kind):
    """The stacked one with half of the pixels set to 0 in training."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = mlp(PIXELS, 100, 30, last=nn.SELU), mlp(30, 100, PIXELS)

    def corrupt(self, x):
        return x * (torch.rand_like(x) >= 0.5)

    def terms(self, x, labels):
        seen = self.corrupt(x) if self.training else x
        return dict(reconstruction=bce(self.decoder(self.encoder(seen)), x).mean())


class SaltPepper(Masking):
    """The same with an eighth of the pixels set to 0 and an eighth to 1."""

    def corrupt(self, x):
        u = torch.rand_like(x)
        return torch.where(u < 0.125, torch.zeros_like(x), torch.where(u < 0.25, torch.ones_like(x), x))


class UNet(Kind):
    """Ronneberger 2015, small, as a denoiser of Gaussian noise of 0.4."""

    epochs, batch = 3, 128

    def __init__(self):
        super().__init__()

        def conv(kind, n, m, size, **options):
            layer = kind(n, m, size, **options)
            glorot(layer.weight, size * size * n, size * size * m)
            nn.init.zeros_(layer.bias)
            return layer
        self.down = nn.ModuleList([conv(nn.Conv2d, n, m, 3, padding=1) for n, m in ((1, 16), (16, 32), (32, 64))])
        self.up = nn.ModuleList([conv(nn.ConvTranspose2d, n, m, 2, stride=2) for n, m in ((64, 32), (32, 16))])
        self.merge = nn.ModuleList([conv(nn.Conv2d, n, m, 3, padding=1) for n, m in ((64, 32), (32, 16))])
        self.out = conv(nn.Conv2d, 16, 1, 1)

    def optimizer(self):
        return KerasAdam(self.parameters())

    def terms(self, x, labels):
        image = x.view(-1, 1, 28, 28)
        if self.training:
            image = image + 0.4 * torch.randn_like(image)
        fine = F.relu(self.down[0](image))
        coarse = F.relu(self.down[1](F.max_pool2d(fine, 2)))
        h = F.relu(self.down[2](F.max_pool2d(coarse, 2)))
        for up, merge, skip in zip(self.up, self.merge, (coarse, fine)):
            h = F.relu(merge(torch.cat([F.relu(up(h)), skip], 1)))
        return dict(reconstruction=bce(self.out(h).flatten(1), x).mean())


class Attention(nn.Module):
    """Four heads of 16, with Keras' fans, for which the first axis of a kernel is a receptive field."""

    def __init__(self, features=64, heads=4):
        super().__init__()
        self.heads, dim = heads, features // heads
        self.query, self.key, self.value, self.out = (nn.Linear(features, features) for _ in range(4))
        for layer in (self.query, self.key, self.value):
            glorot(layer.weight, features * heads, features * dim)
        glorot(self.out.weight, heads * dim, heads * features)
        for layer in (self.query, self.key, self.value, self.out):
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        query, key, value = (layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value))
        weights = (query @ key.transpose(2, 3) / math.sqrt(query.shape[3])).softmax(3)
        return self.out((weights @ value).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A transformer's block with the normalisations in front (Xiong 2020)."""

    def __init__(self, features=64):
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(features, eps=1e-3), Attention(features))
        self.dense = nn.Sequential(nn.LayerNorm(features, eps=1e-3), mlp(features, 2 * features, features, activation=nn.GELU))

    def forward(self, x):
        x = x + self.attention(x)
        return x + self.dense(x)


class Masked(Kind):
    """He 2022, small: 36 of 49 patches of 4x4 pixels are 0 in training; transformers of three blocks and of one."""

    epochs, batch, hidden, side, features = 5, 64, 36, 7, 64

    def __init__(self):
        super().__init__()
        norm = functools.partial(nn.LayerNorm, self.features, eps=1e-3)
        self.project, self.positions = keras_linear(16, self.features), nn.Parameter(torch.empty(self.side ** 2, self.features))
        glorot(self.positions, *self.positions.shape)
        self.blocks = nn.Sequential(Block(), Block(), Block(), norm(), Block(), norm(), keras_linear(self.features, 16))

    def optimizer(self):
        return KerasAdam(self.parameters())

    def terms(self, x, labels):
        patches = x.view(-1, self.side, 4, self.side, 4).transpose(2, 3).reshape(-1, self.side ** 2, 16)
        seen = patches
        if self.training:
            seen = patches * (torch.rand(patches.shape[:2]).argsort(1) >= self.hidden).unsqueeze(2)
        logits = self.blocks(self.project(seen) + self.positions)
        return dict(reconstruction=bce(logits.flatten(1), patches.flatten(1)).mean())


KINDS = {"sparse": Sparse, "sparse-kl": SparseKL, "tied": Tied, "hashing": Hashing, "vae": VAE, "beta-vae": BetaVAE,
         "conditional-vae": ConditionalVAE, "beta-tcvae": BetaTCVAE, "iwae": IWAE, "wae-mmd": WAE, "contractive": Contractive,
         "greedy": Greedy, "adversarial": Adversarial, "vq-vae": VQVAE, "robust": Robust, "masking": Masking,
         "salt-pepper": SaltPepper, "unet": UNet, "masked": Masked}


def labels(folder, part):
    import gzip
    import numpy as np
    path = folder / f"{part}-labels-idx1-ubyte.gz"
    raw = gzip.open(path).read() if path.exists() else path.with_suffix("").read_bytes()
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=8).astype(np.int64))


@torch.no_grad()
def evaluate(model, x, y):
    model.eval()
    sums = {}
    for batch, label in zip(x.split(model.batch), y.split(model.batch)):
        for name, value in model.terms(batch, label).items():
            sums[name] = sums.get(name, 0.0) + value.item() * len(batch)
    model.train()
    return {name: value / len(x) for name, value in sums.items()}


def run(kind, folder, seed, epochs):
    x, y = images(folder, "train").flatten(1), labels(folder, "train")
    (x, held_out), (y, held_labels) = x.split([55000, 5000]), y.split([55000, 5000])
    torch.manual_seed(seed)
    model = KINDS[kind]()
    optimizer, epochs = model.optimizer(), epochs or model.epochs
    result = dict(kind=kind, dataset=folder.name, seed=seed, epochs=epochs, val_loss=[])
    start = time.perf_counter()
    if hasattr(model, "corrupt_data"):
        x = model.corrupt_data(x)
    if hasattr(model, "pretrain"):
        model.pretrain(x, epochs)
    for epoch in range(epochs):
        batches = torch.randperm(len(x)).split(model.batch)
        for step, index in enumerate(batches):
            model.passed = epoch + step / len(batches)
            optimizer.zero_grad()
            loss = sum(model.terms(x[index], y[index]).values())
            model.backward(loss)
            optimizer.step()
        terms = evaluate(model, held_out, held_labels)
        result["val_loss"].append(round(sum(terms.values()), 6))
    result["val_terms"] = {name: round(value, 6) for name, value in terms.items()}
    result["seconds"] = round(time.perf_counter() - start, 1)
    return result


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("kinds", nargs="+", choices=KINDS, metavar="KIND")
    options.add_argument("--dataset", default="mnist", choices=["mnist", "fashion-mnist"])
    options.add_argument("--data-dir", type=pathlib.Path, default=pathlib.Path(os.environ.get("HOURGLASS_DATA", SHARED)))
    options.add_argument("--seeds", default="42,1,2,3,4")
    options.add_argument("--epochs", type=int, default=0)
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    o = options.parse_args()
    torch.set_num_threads(o.threads)
    for kind in o.kinds:
        results = []
        for seed in map(int, o.seeds.split(",")):
            results.append(run(kind, o.data_dir / o.dataset, seed, o.epochs))
            print(json.dumps(results[-1]), flush=True)
        print(json.dumps(dict(kind=kind, dataset=o.dataset, epochs=results[0]["epochs"], seeds=o.seeds,
                              val_loss=spread([r["val_loss"][-1] for r in results]))), flush=True)


if __name__ == "__main__":
    main()
