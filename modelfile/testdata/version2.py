#!/usr/bin/env python3
"""Writes modelfile/testdata/version2.safetensors by hand, with Python's standard library alone.

    python3 modelfile/testdata/version2.py     # from the module's root

It is a model file of version 2 as the package comment of modelfile describes it, and must stay readable for ever:
an autoencoder of 2×3 images, whose k-th weight is (k - 20) / 16, and a record of how it was trained. Beside it,
rewritten.safetensors is the same model as another program might write it: arrays sorted by name, metadata in another
order and with a key of that program's own, other spaces in the JSON.
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
metadata = {
    "architecture": compact(architecture),
    "format": "hourglass",
    "record": compact({"recipe": "tiny", "seed": 42}),
    "version": "2",
}
arrays = {}
k = 0
for name, shape in [("encoder.2.kernel", [6, 2]), ("encoder.2.bias", [2]), ("decoder.0.kernel", [2, 6])]:
    size = 1
    for axis in shape:
        size *= axis
    arrays[name] = shape, struct.pack(f"<{size}f", *[(i - 20) / 16 for i in range(k, k + size)])
    k += size


def sha256(data):
    return hashlib.sha256(data).hexdigest()


lines = [f"array {sha256(name.encode())} F32 {'x'.join(map(str, arrays[name][0]))} {sha256(arrays[name][1])}\n" for name in sorted(arrays)]
lines += [f"metadata {key} {sha256(metadata[key].encode())}\n" for key in sorted(metadata)]
metadata["sha256"] = sha256("".join(lines).encode())


def write(path, metadata, names, separators):
    header, offset = {"__metadata__": metadata}, 0
    for name in names:
        shape, values = arrays[name]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + len(values)]}
        offset += len(values)
    text = json.dumps(header, separators=separators)
    text += " " * (-len(text) % 8)
    with open("modelfile/testdata/" + path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text.encode() + b"".join(arrays[name][1] for name in names))


write("version2.safetensors", dict(sorted(metadata.items())), arrays, (",", ":"))
write("rewritten.safetensors", {"edited": "by hand", **dict(reversed(sorted(metadata.items())))}, sorted(arrays), (", ", ": "))
