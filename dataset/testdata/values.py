#!/usr/bin/env python3
"""Prints the golden values of images_test.go: what each byte is worth as
float32 bits, by NumPy's x / 255 and by torchvision's ToTensor and Normalize
with (0.5, 0.5) and with (0.1307, 0.3081). Made with NumPy 1.24.2, PyTorch 1.13.

    python3 values.py > values.golden
"""
import numpy as np
import torch

x = np.arange(256, dtype=np.uint8)
columns = [x.astype(np.float32) / 255]
for mean, std in [(0.5, 0.5), (0.1307, 0.3081)]:
    # The operations of torchvision.transforms.functional.to_tensor and normalize.
    t = torch.from_numpy(x).to(dtype=torch.float32).div(255)
    t.sub_(torch.as_tensor([mean], dtype=t.dtype)).div_(torch.as_tensor([std], dtype=t.dtype))
    columns.append(t.numpy())
for row in zip(*columns):
    print(*(f"{np.float32(v).view(np.uint32):08x}" for v in row))
