#!/usr/bin/env python3
"""Writes penalties_golden.json: a training step of a network with penalties in PyTorch (float64, version 1.13).

    python3 train/testdata/penalties_golden.py     # from the module's root

x → dense 4 sigmoid → kl 0.1·0.3 → activity l1 0.02 l2 0.03 → dense 6 with kernel l1 0.01 l2 0.02, 5 samples, SGD of rate 1;
the penalties of activities are those that Géron's notebook 17 defines, KL over the mean of the batch.
"""
import json, pathlib

import numpy as np
import torch


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


def main():
    shapes = [(6, 4), (4,), (4, 6), (6,)]
    params = [double(values(31 + i, s, -0.8, 0.8)).requires_grad_() for i, s in enumerate(shapes)]
    x = double(values(30, (5, 6), 0, 1))


    def scores():
        w, b, v, c = params
        code = torch.sigmoid(x @ w + b)
        m, t = code.mean(0), 0.1
        kl = 0.3 * (t * torch.log(t / m) + (1 - t) * torch.log((1 - t) / (1 - m))).sum()
        activity = (0.02 * code.abs().sum() + 0.03 * (code ** 2).sum()) / len(x)
        weights = 0.01 * v.abs().sum() + 0.02 * (v ** 2).sum()
        reconstruction = ((code @ v + c - x) ** 2).mean()
        return dict(loss=reconstruction + kl + activity + weights, reconstruction=reconstruction, kl=kl, activity=activity, weights=weights)


    before = scores()
    before["loss"].backward()
    with torch.no_grad():
        for p in params:
            p -= p.grad
    after = scores()
    pathlib.Path("train/testdata/penalties_golden.json").write_text(json.dumps(dict(
        before={k: v.item() for k, v in before.items()}, after={k: v.item() for k, v in after.items()},
        parameters=[a for p in params for a in p.detach().flatten().tolist()])) + "\n")


if __name__ == "__main__":
    main()
