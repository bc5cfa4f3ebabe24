#!/usr/bin/env python3
"""Prints the golden values of generate's tests. Made with scikit-learn 1.2.1 and NumPy 1.24.2.

    python3 generate.py > generate.golden
"""
import json

import numpy as np
from scipy.stats import norm
from sklearn.metrics import pairwise_distances
from sklearn.mixture import GaussianMixture

rng = np.random.RandomState(3)
centers = np.array([[-8, 0, 2], [8, 1, -3], [0, 9, 6]])
codes = np.concatenate([rng.randn(120, 3) @ rng.randn(3, 3) + c for c in centers]).astype(np.float32)
mixture = GaussianMixture(3, means_init=centers, reg_covar=1e-6 * codes.astype(np.float64).var(0).mean(), tol=1e-9, max_iter=1000).fit(codes.astype(np.float64))

real = rng.randn(150, 4).astype(np.float32)
generated = (0.7 * rng.randn(130, 4) + 0.8).astype(np.float32)


def radii(x, k):
    return np.sort(pairwise_distances(x, x), axis=1)[:, k]


def judge(real, generated, k):
    """As https://github.com/clovaai/generative-evaluation-prdc defines the four, written anew."""
    distance = pairwise_distances(real.astype(np.float64), generated.astype(np.float64))
    r, g = radii(real.astype(np.float64), k)[:, None], radii(generated.astype(np.float64), k)[None]
    return dict(k=k, precision=float((distance < r).any(0).mean()), recall=float((distance < g).any(1).mean()),
                density=float((distance < r).sum(0).mean() / k), coverage=float((distance.min(1) < r[:, 0]).mean()))


print(json.dumps(dict(
    script="generate.py", codes=codes.tolist(), weights=mixture.weights_.tolist(), means=mixture.means_.tolist(),
    covariances=mixture.covariances_.tolist(), densities=mixture.score_samples(codes[::40].astype(np.float64)).tolist(),
    real=real.tolist(), generated=generated.tolist(), quality=[judge(real, generated, k) for k in (1, 5)],
    quantiles=norm.ppf((np.arange(5) + 0.5) / 5).tolist())))
