#!/usr/bin/env python3
"""Prints the golden values of pca's tests. Made with scikit-learn 1.2.1, SciPy 1.10.1 and NumPy 1.24.2.

    python3 pca.py > pca.golden
"""
import json
import numpy as np
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

rng = np.random.RandomState(3)
data = (rng.randn(50, 6) @ rng.randn(6, 6) + 5).astype(np.float32)
pca = PCA(3, svd_solver="full").fit(data.astype(np.float64))
# The sign convention of scikit-learn since 1.5: each component's largest element is positive.
sign = np.sign(pca.components_[np.arange(3), np.abs(pca.components_).argmax(axis=1)])
errors = []
for k in range(4):
    centred = data - pca.mean_
    back = centred @ pca.components_[:k].T @ pca.components_[:k]
    errors.append(float(((centred - back) ** 2).mean()))
a, b = rng.randn(3, 6).astype(np.float32), rng.randn(2, 6).astype(np.float32)

print(json.dumps(dict(
    data=data.tolist(), mean=pca.mean_.tolist(), components=(pca.components_ * sign[:, None]).tolist(),
    variance=pca.explained_variance_.tolist(), ratio=pca.explained_variance_ratio_.tolist(),
    codes=(pca.transform(data) * sign).tolist(), errors=errors,
    a=a.tolist(), b=b.tolist(), angles=subspace_angles(a.T.astype(float), b.T.astype(float)).tolist(),
)))
