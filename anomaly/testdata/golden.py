"""Writes golden.json: what scikit-learn and SciPy say, for anomaly's tests.

    python3 anomaly/testdata/golden.py > anomaly/testdata/golden.json
"""

import json
import sys

import numpy as np
from scipy.stats import beta
from sklearn.covariance import LedoitWolf
from sklearn.metrics import average_precision_score, roc_auc_score

random = np.random.RandomState(7)
scores = np.round(random.randn(60), 1)  # some are alike
unusual = (random.rand(60) < 0.3) | (scores > 1.5)
residuals = (random.randn(12, 4) @ random.randn(4, 4)).astype(np.float32).astype(np.float64)
fit = LedoitWolf().fit(residuals)
intervals = [{"n": n, "k": k, "low": beta.ppf(0.05, k, n + 1 - k), "high": beta.ppf(0.95, k, n + 1 - k)}
             for n, k in [(99, 1), (600, 6), (600, 30)]]
json.dump({"scores": scores.tolist(), "unusual": unusual.tolist(),
           "roc_auc": roc_auc_score(unusual, scores), "average_precision": average_precision_score(unusual, scores),
           "residuals": residuals.ravel().tolist(), "mahalanobis": (fit.mahalanobis(residuals) / 4).tolist(),
           "intervals": intervals}, sys.stdout)
