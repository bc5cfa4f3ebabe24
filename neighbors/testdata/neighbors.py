#!/usr/bin/env python3
"""Prints the golden values of neighbors' tests. Made with scikit-learn 1.2.1 and NumPy 1.24.2.

    python3 neighbors.py > neighbors.golden
"""
import json
import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

rng = np.random.RandomState(7)
references = rng.randn(60, 5).astype(np.float32) + 3
labels = rng.randint(0, 4, 60)
queries = rng.randn(20, 5).astype(np.float32) + 3
truth = rng.randint(0, 4, 20)

search = NearestNeighbors(n_neighbors=4, algorithm="brute").fit(references.astype(np.float64))
distances, indices = search.kneighbors(queries.astype(np.float64))
_, others = search.kneighbors()
predicted = KNeighborsClassifier(1).fit(references, labels).predict(queries)
plane = PCA(2, svd_solver="full").fit_transform(references).astype(np.float32)

print(json.dumps(dict(
    references=references.tolist(), labels=labels.tolist(), queries=queries.tolist(), truth=truth.tolist(),
    indices=indices.tolist(), squared=(distances ** 2).tolist(), others=others.tolist(),
    predicted=predicted.tolist(), confusion=confusion_matrix(truth, predicted).tolist(),
    accuracy=accuracy_score(truth, predicted),
    plane=plane.tolist(), trustworthiness={k: trustworthiness(references, plane, n_neighbors=k) for k in (1, 5, 12)},
)))
