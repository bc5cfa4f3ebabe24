"""Runs modules that were written for PyTorch.

usage: python3 runpytorch.py JOBS

JOBS is a file with a list of {model, input, shape, output, labels}: model is a state dict beside a source file of
the same name. Prints the shapes of the outputs.
"""
import importlib.util
import json
import struct
import sys

import numpy as np
import torch


def read_safetensors(path):
    """The safetensors package is not everywhere; the format is a header and values."""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    state = {}
    for name, entry in header.items():
        if name != "__metadata__":
            lo, hi = entry["data_offsets"]
            state[name] = torch.from_numpy(np.frombuffer(data[lo:hi], np.float32).reshape(entry["shape"]).copy())
    return state


shapes = []
for job in json.load(open(sys.argv[1])):
    spec = importlib.util.spec_from_file_location("module", job["model"].removesuffix(".safetensors") + ".py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.Autoencoder()
    state = read_safetensors(job["model"])
    if list(state) != list(model.state_dict()):
        sys.exit(f"{job['model']}: names {list(state)}, want {list(model.state_dict())}")
    model.load_state_dict(state)
    model.eval()
    x = torch.from_numpy(np.fromfile(job["input"], np.float32).reshape(job["shape"]))
    with torch.no_grad():
        try:
            y = model(x, torch.tensor(job["labels"])) if "labels" in job else model(x)
        except Exception as e:
            sys.exit(f"{job['model']}: {e}")
    y.contiguous().numpy().tofile(job["output"])
    shapes.append(list(y.shape))
print(json.dumps(shapes))
