"""The stacked autoencoder in PyTorch, with the weights of a model file of Hourglass'.

    python3 model.py MODEL.safetensors MODEL.onnx

exports it for ONNX Runtime.
"""

import json
import struct
import sys

import numpy as np
import torch


def read(path):
    """Return the arrays of a safetensors file."""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        values = f.read()
    header.pop("__metadata__")
    return {
        name: torch.from_numpy(np.frombuffer(values[a["data_offsets"][0]:a["data_offsets"][1]], "<f4").reshape(a["shape"]).copy())
        for name, a in header.items()
    }


class Pictures(torch.nn.Module):
    """What torch.nn.Unflatten does, in a way that can be exported."""

    def forward(self, x):
        return x.reshape(-1, 28, 28)


def load(path):
    """Return the network as a module, for inference."""
    arrays = read(path)

    def dense(name):
        kernel = arrays[name + ".kernel"]
        layer = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            layer.weight.copy_(kernel.T)
            layer.bias.copy_(arrays[name + ".bias"])
        return layer

    return torch.nn.Sequential(
        torch.nn.Flatten(), dense("encoder.2"), torch.nn.SELU(), dense("encoder.3"), torch.nn.SELU(),
        dense("decoder.0"), torch.nn.SELU(), dense("decoder.1"), torch.nn.Sigmoid(), Pictures(),
    ).eval()


if __name__ == "__main__":
    torch.onnx.export(load(sys.argv[1]), torch.zeros(1, 28, 28), sys.argv[2], opset_version=13, input_names=["input"],
                      output_names=["reconstruction"], dynamic_axes={"input": {0: "n"}, "reconstruction": {0: "n"}})
