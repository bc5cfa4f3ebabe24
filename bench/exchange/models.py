"""Exports three autoencoders from PyTorch, as the benchmark imports them.

usage: python3 models.py DIRECTORY
"""
import sys

import torch
import torch.nn as nn


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.LSTM(28, 64, batch_first=True)
        self.decoder = nn.LSTM(64, 64, batch_first=True)
        self.output = nn.Linear(64, 28)

    def forward(self, x):
        code = self.encoder(x)[0][:, -1, :]
        return torch.sigmoid(self.output(self.decoder(code.unsqueeze(1).repeat(1, 28, 1))[0]))


models = {
    "dense": (nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU(),
                            nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 784), nn.Sigmoid()), (1, 28, 28)),
    "convolutional": (nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.ConvTranspose2d(32, 16, 2, stride=2), nn.ReLU(), nn.ConvTranspose2d(16, 1, 2, stride=2), nn.Sigmoid()), (1, 28, 28)),
    "recurrent": (Recurrent(), (28, 28)),
}
for name, (model, shape) in models.items():
    torch.manual_seed(1)
    model.eval()
    torch.onnx.export(model, torch.rand(2, *shape), f"{sys.argv[1]}/{name}.onnx", opset_version=13,
                      input_names=["input"], dynamic_axes={"input": {0: "batch"}})
