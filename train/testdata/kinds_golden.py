#!/usr/bin/env python3
"""Writes kinds_golden.json: one training step of networks that draw codes, in PyTorch (float64, version 1.13).

    /usr/bin/python3 train/testdata/kinds_golden.py     # from the module's root

x → dense 8 → the kind's layer, 4 codes → dense 6 sigmoid, binary cross-entropy over 5 samples of 6 values, SGD of rate 1.
The noise is Philox4x32-10 (Salmon et al. 2011) and Box-Muller, as in internal/kernel, written here once more.
"""
import json, math, pathlib, sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from penalties_golden import double, values

N, VALUES, CODES, SEED, STAGE = 5, 6, 4, 3, 1


def philox(key, c):
    m0, m1, mask = 0xD2511F53, 0xCD9E8D57, 0xFFFFFFFF
    k0, k1 = key
    for _ in range(10):
        p0, p1 = m0 * c[0], m1 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & mask, (p0 >> 32) ^ c[3] ^ k1, p0 & mask]
        k0, k1 = (k0 + 0x9E3779B9) & mask, (k1 + 0xBB67AE85) & mask
    return c


def normals(n, sample):
    """Normal numbers of a sample of step 0."""
    out = []
    for group in range(-(-n // 64)):
        words = [philox((SEED, 0), [16 * group + l, sample, 0, STAGE]) for l in range(16)]
        z = [0.0] * 64
        for pair in (0, 1):
            for l, w in enumerate(words):
                u = (w[2 * pair] >> 1) / 2**31 + 2.0**-32
                r, angle = math.sqrt(-2 * math.log(u)), math.pi * w[2 * pair + 1] / 2**31
                z[32 * pair + l], z[32 * pair + 16 + l] = r * math.cos(angle), r * math.sin(angle)
        out += z
    return out[:n]


def noise(*shape):
    size = int(np.prod(shape))
    return torch.tensor([normals(size, i) for i in range(N)], dtype=torch.float64).reshape(N, *shape)


def bce(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)


def log_normal(z, mean, log_variance):
    return -0.5 * (math.log(2 * math.pi) + log_variance + (z - mean) ** 2 / log_variance.exp())


def decode(z, p):
    return z @ p[2] + p[3]


def importance(x, p, k=3):
    mean, log_variance = (x @ p[0] + p[1]).chunk(2, 1)
    e = noise(k, CODES)
    z = mean[:, None] + e * (log_variance / 2).exp()[:, None]
    d = (z ** 2 - e ** 2 - log_variance[:, None]).sum(2) / 2
    reconstruction = bce(decode(z, p), x[:, None])
    bound = (-reconstruction - d).logsumexp(1) - math.log(k)
    terms = dict(reconstruction=reconstruction.mean(), kl=d.mean())
    terms["tightening"] = -bound.mean() - terms["reconstruction"] - terms["kl"]
    return {name: value / VALUES for name, value in terms.items()}


def drawn(x, p):
    mean, log_variance = (x @ p[0] + p[1]).chunk(2, 1)
    return mean, log_variance, mean + noise(CODES) * (log_variance / 2).exp()


def capacity(x, p, weight=2.0, limit=3.0):
    mean, log_variance, z = drawn(x, p)
    kl = 0.5 * (mean ** 2 + log_variance.exp() - 1 - log_variance).sum(1).mean()
    return dict(reconstruction=bce(decode(z, p), x).mean() / VALUES, kl=weight * kl, capacity=weight * ((kl - limit).abs() - kl))


def tc(x, p, weight=0.5, beta=6.0, samples=100):
    mean, log_variance, z = drawn(x, p)
    each = log_normal(z[:, None], mean[None], log_variance[None])
    n = math.log(N * samples)
    joint = each.sum(2).logsumexp(1) - n
    product = (each.logsumexp(1) - n).sum(1)
    own, prior = log_normal(z, mean, log_variance).sum(1), log_normal(z, 0 * z, 0 * z).sum(1)
    return dict(reconstruction=bce(decode(z, p), x).mean() / VALUES, mutual_information=weight * (own - joint).mean(),
                total_correlation=weight * beta * (joint - product).mean(), dimension_kl=weight * (product - prior).mean())


def contractive(x, p, weight=0.3):
    q = [p[0][:, :CODES], p[1][:CODES]]
    jacobian = torch.stack([torch.autograd.functional.jacobian(lambda a: torch.sigmoid(a @ q[0] + q[1]), row, create_graph=True) for row in x])
    code = torch.sigmoid(x @ q[0] + q[1])
    return dict(reconstruction=bce(decode(code, p), x).mean() / VALUES, contraction=weight * (jacobian ** 2).sum((1, 2)).mean())


def step(terms, width):
    shapes = [(VALUES, width), (width,), (CODES, VALUES), (VALUES,)]
    params = [double(values(31 + i, s, -0.8, 0.8)).requires_grad_() for i, s in enumerate(shapes)]
    got = terms(double(values(30, (N, VALUES), 0, 1)), params)
    loss = sum(got.values())
    loss.backward()
    weights = [a for p in params for a in (p - p.grad).detach().flatten().tolist()]
    return dict(terms=dict({name: value.item() for name, value in got.items()}, loss=loss.item()), weights=weights)


if __name__ == "__main__":
    kinds = dict(importance=(importance, 2 * CODES), capacity=(capacity, 2 * CODES), tc=(tc, 2 * CODES), contractive=(contractive, CODES))
    pathlib.Path("train/testdata/kinds_golden.json").write_text(json.dumps({name: step(*k) for name, k in kinds.items()}) + "\n")
