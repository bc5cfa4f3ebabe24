#!/usr/bin/env python3
"""Prints the golden values of tsne's tests. Made with scikit-learn 1.2.1, SciPy 1.10.1 and NumPy 1.24.2.

    python3 tsne.py > tsne.golden

The affinities are calibrated to the last digit here, and scikit-learn's, which stop at a tolerance of 1e-5, are only
compared with them. The divergence and its gradient are scikit-learn's exact ones.
"""
import json
import numpy as np
from scipy.optimize import brentq
from scipy.spatial.distance import squareform
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, _t_sne, trustworthiness
from sklearn.neighbors import NearestNeighbors

rng = np.random.RandomState(11)
n, perplexity = 120, 8.0
codes = (rng.randn(n, 4) + 4 * rng.randn(5, 4)[np.arange(n) % 5]).astype(np.float32)

graph = NearestNeighbors(n_neighbors=int(3 * perplexity + 1), algorithm="brute").fit(codes.astype(np.float64))
graph = graph.kneighbors_graph(mode="distance")
graph.data **= 2
conditional = np.zeros((n, n))
for i in range(n):
    row = graph[i]
    def distribution(log_beta):
        p = np.exp(-np.exp(log_beta) * (row.data - row.data.min()))
        return p / p.sum()
    def excess(log_beta):
        p = distribution(log_beta)
        return -(p * np.log(np.maximum(p, 1e-300))).sum() - np.log(perplexity)
    conditional[i, row.indices] = distribution(brentq(excess, -20, 20, xtol=1e-14))
P = conditional + conditional.T
P /= P.sum()
sklearn = _t_sne._joint_probabilities_nn(graph, perplexity, 0).toarray()
assert np.abs(P - sklearn).max() < 1e-4 * P.max()

points = (3 * rng.randn(n, 2)).astype(np.float32)
kl, gradient = _t_sne._kl_divergence(points.astype(np.float64).ravel(), squareform(P, checks=False), 1, n, 2)

pca = PCA(2, svd_solver="full").fit(codes.astype(np.float64))
sign = np.sign(pca.components_[np.arange(2), np.abs(pca.components_).argmax(axis=1)])
initial = pca.transform(codes.astype(np.float64)) * sign
initial *= 1e-4 / initial[:, 0].std()

finals = []
for seed in range(3):
    tsne = TSNE(perplexity=perplexity, angle=0.0, random_state=seed, init="pca" if seed == 0 else "random")
    plane = tsne.fit_transform(codes)
    finals.append(float(tsne.kl_divergence_))

print(json.dumps(dict(
    codes=codes.tolist(), perplexity=perplexity,
    rows=[[i, [[int(j), float(P[i, j])] for j in np.flatnonzero(P[i])]] for i in (0, 1, 57)],
    points=points.tolist(), kl=float(kl), gradient=gradient.reshape(n, 2).tolist(),
    initial=initial[:10].tolist(), finals=finals,
)))
