#!/usr/bin/env python3
"""Writes modelfile/testdata/version1.safetensors by hand, with Python's standard library alone.

    python3 modelfile/testdata/version1.py     # from the module's root

It is a model file of version 1 as the package comment of modelfile describes it, and must stay readable for ever:
an autoencoder of 2×3 images, whose k-th weight is (k - 20) / 16, and a record of how it was trained.
"""

import hashlib
import json
import struct


def compact(value):
    return json.dumps(value, separators=(",", ":"))


architecture = {
    "encoder": [
        {"layer": "Input", "config": [2, 3]},
        {"layer": "Flatten", "config": {}},
        {"layer": "Dense", "config": {"units": 2, "activation": "selu"}},
    ],
    "decoder": [
        {"layer": "Dense", "config": {"units": 6, "activation": "sigmoid", "no_bias": True}},
        {"layer": "Reshape", "config": [2, 3]},
    ],
}
header = {
    "__metadata__": {
        "architecture": compact(architecture),
        "format": "hourglass",
        "record": compact({"recipe": "tiny", "seed": 42}),
        "sha256": "0" * 64,
        "version": "1",
    }
}
offset = 0
for name, shape in [("encoder.2.kernel", [6, 2]), ("encoder.2.bias", [2]), ("decoder.0.kernel", [2, 6])]:
    size = 4
    for axis in shape:
        size *= axis
    header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
    offset += size

values = struct.pack("<26f", *[(k - 20) / 16 for k in range(26)])
text = compact(header)
text += " " * (-len(text) % 8)
blank = struct.pack("<Q", len(text)) + text.encode() + values
digest = hashlib.sha256(blank).hexdigest()
with open("modelfile/testdata/version1.safetensors", "wb") as f:
    f.write(blank.replace(b'"sha256":"' + b"0" * 64, b'"sha256":"' + digest.encode()))
