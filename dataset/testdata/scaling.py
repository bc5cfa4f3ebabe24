"""Writes scaling.golden: samples, and what NumPy scales them to, as the bits of
float32, with statistics in float64 and arithmetic in float32. Run with NumPy 1.24:
python3 scaling.py > scaling.golden"""
import json

import numpy as np

rng = np.random.RandomState(3)


def bits(a):
    return ["%08x" % v for v in np.asarray(a, np.float32).ravel().view(np.uint32)]


x = rng.randn(120, 5) * [1, 1000, 1e-3, 1, 1] + [0, 5e4, 0, 0.1, -3]
x[:, 3] = 0.1  # constant; the mean of its float32 is not that number
x = x.astype(np.float32)
wide = x.astype(np.float64)
mean, std, low, high = wide.mean(0), wide.std(0), wide.min(0), wide.max(0)
largest = np.float32(np.abs(x).max())
std[3], mean[3] = 1, x[0, 3]
minmax = high - low
minmax[3] = 1
f = np.float32
print(json.dumps({"script": "testdata/scaling.py", "samples": bits(x),
                  "unit": bits(x / largest),
                  "standard": bits((x - mean.astype(f)) / std.astype(f)),
                  "minmax": bits((x - low.astype(f)) / minmax.astype(f))}))
