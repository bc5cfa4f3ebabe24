#!/usr/bin/env python3
"""Prints the golden points of curve_test.go, the lecture's generate_3d_data(60):
180 float64 values as hexadecimal bits, three a line. Made with NumPy 1.24.2.

    python3 curve.py > curve.golden
"""
import os

# Some versions of NumPy approximate sine and cosine on AVX-512 processors; the
# golden values are those of every other machine, which the C library computes.
os.environ["NPY_DISABLE_CPU_FEATURES"] = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"

import math
import numpy as np

np.random.seed(4)


def generate_3d_data(m, w1=0.1, w2=0.3, noise=0.1):
    angles = np.random.rand(m) * 3 * np.pi / 2 - 0.5
    assert all(np.sin(angles) == [math.sin(a) for a in angles])
    assert all(np.cos(angles) == [math.cos(a) for a in angles])
    data = np.empty((m, 3))
    data[:, 0] = np.cos(angles) + np.sin(angles)/2 + noise * np.random.randn(m) / 2
    data[:, 1] = np.sin(angles) * 0.7 + noise * np.random.randn(m) / 2
    data[:, 2] = data[:, 0] * w1 + data[:, 1] * w2 + noise * np.random.randn(m)
    return data


X = generate_3d_data(60)
X = X - X.mean(axis=0, keepdims=0)
for row in X:
    print(*(f"{v:016x}" for v in row.view(np.uint64)))
