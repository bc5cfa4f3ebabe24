"""Measures scikit-learn's t-SNE, asked line by line.

Each line of standard input is a JSON object and is answered by one:

  {"op": "version"}                                 -> {"version"}
  {"op": "tsne", "codes", "columns", "threads",
   "map"}                                           -> {"seconds", "kl", "iterations"}

codes names a file of float32 rows of so many columns; the map's points are
written to the file named by map, as float32 as well. All else is scikit-learn's
default. What fails is answered by {"error"}.
"""
import json
import sys
import time

import numpy as np
import sklearn
from sklearn.manifold import TSNE


def tsne(codes, columns, threads, map):
    x = np.fromfile(codes, np.float32).reshape(-1, columns)
    start = time.perf_counter()
    model = TSNE(random_state=42, n_jobs=threads)
    points = model.fit_transform(x)
    seconds = time.perf_counter() - start
    points.astype(np.float32).tofile(map)
    return dict(seconds=seconds, kl=float(model.kl_divergence_), iterations=int(model.n_iter_))


OPERATIONS = {"version": lambda: dict(version=sklearn.__version__), "tsne": tsne}

for line in sys.stdin:
    try:
        request = json.loads(line)
        reply = OPERATIONS[request.pop("op")](**request)
    except Exception as e:
        reply = dict(error=f"{type(e).__name__}: {e}")
    print(json.dumps(reply), flush=True)
