#!/usr/bin/env python3
"""Writes images_golden.json: losses of whole samples and their gradients in PyTorch (float64, version 1.13).

    python3 loss/testdata/images_golden.py     # from the module's root

The values are those of core_golden.py's values(seed, …) in [0, 1), which package internal/golden makes too.
"""
import json, pathlib

import numpy as np
import torch
import torch.nn.functional as F


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


def ssim(p, t, window, sigma, peak):
    """Wang et al. 2004 over images of height×width×channels, as tf.image.ssim."""
    d = torch.arange(window, dtype=torch.float64) - (window - 1) / 2
    g = torch.exp(-d ** 2 / (2 * sigma ** 2))
    g = torch.outer(g, g)[None, None] / g.sum() ** 2
    mean = lambda x: F.conv2d(x.permute(2, 0, 1)[:, None], g)
    mp, mt = mean(p), mean(t)
    vp, vt, cov = mean(p * p) - mp ** 2, mean(t * t) - mt ** 2, mean(p * t) - mp * mt
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    return ((2 * mp * mt + c1) * (2 * cov + c2) / ((mp ** 2 + mt ** 2 + c1) * (vp + vt + c2))).mean()


cases = {
    "ssim": ((14, 13, 1), lambda p, t: 1 - ssim(p, t, 11, 1.5, 1)),
    "ssim_7_rgb": ((9, 12, 3), lambda p, t: 1 - ssim(p, t, 7, 1.0, 2)),
    "cosine": ((4, 5), lambda p, t: 1 - F.cosine_similarity(p.flatten(), t.flatten(), 0)),
    "correntropy": ((4, 5), lambda p, t: (1 - torch.exp(-(p - t) ** 2 / (2 * 0.3 ** 2))).mean()),
}
out = {}
for name, (shape, loss) in cases.items():
    p, t = double(values(61, shape, 0, 1)).requires_grad_(), double(values(62, shape, 0, 1))
    value = loss(p, t)
    value.backward()
    out[name] = dict(shape=shape, loss=value.item(), grad=p.grad.flatten().tolist())
pathlib.Path("loss/testdata/images_golden.json").write_text(json.dumps(out) + "\n")
