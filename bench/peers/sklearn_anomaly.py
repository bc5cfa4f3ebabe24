"""Scores by scikit-learn for bench/anomaly: python sklearn_anomaly.py TRAIN.npy TEST.npy SEED.

Values are brought to mean 0 and deviation 1 by the training samples. Prints JSON:
the version, and the scores by isolation forest (defaults) and by the distance to the
fifth nearest training sample.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

train, test = (np.load(path).astype(np.float64) for path in sys.argv[1:3])
scaler = StandardScaler().fit(train)
train, test = scaler.transform(train), scaler.transform(test)
forest = IsolationForest(random_state=int(sys.argv[3])).fit(train)
near = NearestNeighbors(n_neighbors=min(5, len(train))).fit(train)
json.dump({"version": sklearn.__version__,
           "isolation forest": (-forest.score_samples(test)).tolist(),
           "5th neighbour": near.kneighbors(test)[0][:, -1].tolist()}, sys.stdout)
