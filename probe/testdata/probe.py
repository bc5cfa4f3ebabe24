#!/usr/bin/env python3
"""Prints the golden values of probe's test. Made with scikit-learn 1.2.1 and NumPy 1.24.2.

    python3 probe.py > probe.golden
"""
import json

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

rng = np.random.RandomState(5)
labels = rng.randint(0, 3, 90)
codes = (rng.randn(90, 4) + 1.2 * rng.randn(3, 4)[labels] * [1, 20, 0.1, 3]).astype(np.float32)
codes[:, 2] = 4  # a number that never changes
scaler = StandardScaler().fit(codes.astype(np.float64))
model = LogisticRegression(C=0.5, tol=1e-10, max_iter=10000).fit(scaler.transform(codes.astype(np.float64)), labels)
probabilities = model.predict_proba(scaler.transform(codes.astype(np.float64)))
print(json.dumps(dict(script="probe.py", codes=codes.tolist(), labels=labels.tolist(), probabilities=probabilities.tolist())))
