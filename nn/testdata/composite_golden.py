#!/usr/bin/env python3
"""Writes composite_golden.gz: what PyTorch computes for layers made of layers, as layers_golden.py describes.

usage: composite_golden.py [DIRECTORY]      (needs PyTorch, any version since 1.10)
"""
import pathlib, sys

import torch
import torch.nn.functional as F

from layers_golden import Golden, conv, nchw, nhwc


def layer(kind, **config):
    return dict(layer=kind, config=config)


def dense(units, activation="linear"):
    return layer("Dense", units=units, activation=activation)


def convolution(filters, kernel, activation="linear", **more):
    return layer("Conv2D", filters=filters, kernel_size=[kernel, kernel], padding="same", activation=activation, **more)


def normalise(x, gamma, beta):
    m, v = x.mean((0, 1, 2)), x.var((0, 1, 2), unbiased=False)
    return gamma * (x - m) / torch.sqrt(v + 1e-3) + beta


def composites(g):
    plain = lambda act: conv((3, 3), (1, 1), (1, 1), "same", act)
    g.add("Residual", dict(layers=[dense(9, "tanh"), dense(6)]), [6], 5, [[6, 9], [9], [9, 6], [6]],
          lambda x, w, b, v, c: x + torch.tanh(x @ w + b) @ v + c)
    # A basic block of ResNet-18 that halves the image: He et al. 2016, figure 5, with a projection.
    block = [convolution(5, 3, strides=[2, 2], no_bias=True), layer("BatchNormalization"), layer("Activation", activation="relu"),
             convolution(5, 3, no_bias=True), layer("BatchNormalization")]

    def resnet(x, w1, g1, e1, m1, v1, w2, g2, e2, m2, v2, p, q):
        y = conv((3, 3), (2, 2), (1, 1), "same", "linear")(x, w1)
        y = plain("linear")(F.relu(normalise(y, g1, e1)), w2)
        return F.relu(normalise(y, g2, e2) + conv((1, 1), (2, 2), (1, 1), "same", "linear")(x, p, q))
    norm = [[5]] * 4
    g.add("Residual", dict(layers=block, projection=[convolution(5, 1, strides=[2, 2])], activation="relu"), [8, 6, 3], 4,
          [[3, 3, 3, 5], *norm, [3, 3, 5, 5], *norm, [1, 1, 3, 5], [5]], resnet, training=True)
    # The inner level of a U-Net: Ronneberger et al. 2015, figure 1.
    inner = [layer("MaxPooling2D", padding="valid"), convolution(7, 3, "relu"), layer("UpSampling2D")]
    g.add("Parallel", dict(branches=[[], inner]), [6, 4, 3], 3, [[3, 3, 3, 7], [7]],
          lambda x, w, b: torch.cat([x, plain("relu")(nhwc(F.max_pool2d(nchw(x), 2)), w, b)
                                     .repeat_interleave(2, 1).repeat_interleave(2, 2)], -1))
    # A gate, as of squeeze and excitation, and three branches that are added.
    g.add("Parallel", dict(branches=[[], [dense(4, "sigmoid")]], merge="multiply"), [3, 4], 3, [[4, 4], [4]],
          lambda x, w, b: x * torch.sigmoid(x @ w + b))
    g.add("Parallel", dict(branches=[[dense(4)], [dense(4, "tanh")], [dense(4, "relu")]], merge="add"), [5], 3, [[5, 4], [4]] * 3,
          lambda x, w, b, v, c, u, d: x @ w + b + torch.tanh(x @ v + c) + F.relu(x @ u + d))


if __name__ == "__main__":
    where = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    golden = Golden()
    composites(golden)
    golden.write(where / "composite_golden.gz")
