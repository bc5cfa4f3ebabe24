"""Writes autoencoders as PyTorch exports and saves them, with what it computes of some samples.

usage: python3 pytorch.py DIRECTORY [small]

Writes NAME.onnx (torch.onnx.export), NAME.pt (torch.save of the state dict), NAME.in and NAME.out
(float32 values) for every model, and models.json, which lists them. With "small" the
lecture's programs get fewer units, so that files are small enough to keep.
"""
import json
import os
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import onnx.version_converter
import torch
import torch.nn as nn
import torch.nn.functional as F

directory, small = sys.argv[1], "small" in sys.argv[2:]
os.makedirs(directory, exist_ok=True)
models = []


PADS = (1, 0, 0, 1)  # of ZeroPad2d, from which PyTorch's exports compute those of ONNX


class Renewer:
    """Says a graph in the operators of opsets 18 to 21, as the converters and exporters do that write these.

    Debian's ONNX knows none newer than 17; ONNX Runtime says whether the graph is one (TestReadRenewed).
    """

    def __init__(self, model, opset):
        self.model, self.graph, self.opset = model, model.graph, opset

    def constants(self):
        found = {t.name: onnx.numpy_helper.to_array(t) for t in self.graph.initializer}
        for n in self.graph.node:
            if n.op_type == "Constant":
                found[n.output[0]] = onnx.numpy_helper.to_array(n.attribute[0].t)
        return found

    def constant(self, name, values):
        self.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
        return name

    def maker(self, name):
        return next((n for n in self.graph.node if name in n.output), None)

    def users(self, n):
        return [m for m in self.graph.node if n.output[0] in m.input]

    def replace(self, nodes, op, inputs, **attributes):
        """Puts one node in the place of several, the last of which makes what it makes."""
        new = onnx.helper.make_node(op, inputs, [nodes[-1].output[0]], name=nodes[-1].name, **attributes)
        self.graph.node.insert(list(self.graph.node).index(nodes[-1]), new)
        for n in nodes:
            self.graph.node.remove(n)

    def renew(self):
        for n in list(self.graph.node):
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in n.attribute}
            if n.op_type == "ReduceMean":  # axes are an input since 18
                del n.attribute[:]
                n.attribute.append(onnx.helper.make_attribute("keepdims", attributes.get("keepdims", 1)))
                n.input.append(self.constant(n.output[0] + ".axes", np.array(attributes["axes"], np.int64)))
            elif n.op_type == "Split":  # the number of equal parts may be told since 18
                del n.input[1:]
                n.attribute.append(onnx.helper.make_attribute("num_outputs", len(n.output)))
            elif n.op_type == "Pad":  # the axes may be told since 18
                left, right, top, bottom = PADS
                pads = self.constants().get(n.input[1], [0, 0, top, left, 0, 0, bottom, right])
                n.input[1] = self.constant(n.output[0] + ".pads", np.array([*pads[2:4], *pads[6:]], np.int64))
                n.input.extend([""] * (3 - len(n.input)) + [self.constant(n.output[0] + ".axes", np.array([2, 3], np.int64))])
            elif n.op_type == "Softplus":  # Mish is an operator since 18
                tanh, = self.users(n)
                product, = self.users(tanh)
                self.replace([n, tanh, product], "Mish", [n.input[0]])
            elif n.op_type == "InstanceNormalization":  # of groups: an operator since 18
                before, after = self.maker(n.input[0]), self.users(n)[0]
                scale = self.users(after)[0]
                shift = self.users(scale)[0]
                gamma, beta = (self.constants()[m.input[1]].reshape(-1) for m in (scale, shift))
                groups = len(self.constants()[n.input[1]])
                assert self.opset >= 21 or groups == len(gamma)  # there is one number for each group before
                inputs = [before.input[0], self.constant(scale.output[0] + ".gamma", gamma), self.constant(shift.output[0] + ".beta", beta)]
                self.replace([before, n, after, scale, shift], "GroupNormalization", inputs, epsilon=attributes["epsilon"], num_groups=groups)
            elif n.op_type == "Erf" and self.opset >= 20:  # Gelu is an operator since 20
                quotient, more = self.maker(n.input[0]), self.users(n)[0]
                product = self.users(more)[0]
                half = self.users(product)[0]
                self.replace([quotient, n, more, product, half], "Gelu", [quotient.input[0]])
        while unused := [n for n in self.graph.node if not self.users(n) and n.output[0] != self.graph.output[0].name]:
            for n in unused:
                self.graph.node.remove(n)
        del self.model.opset_import[:]
        self.model.opset_import.append(onnx.helper.make_opsetid("", self.opset))
        self.model.ir_version = {18: 8, 19: 9, 20: 9, 21: 10}[self.opset]
        return self.model


def add(name, model, shape, opset=13, batch=3, dynamic=True, converted=None, renewed=None, labels=None, **options):
    """Exports a model of samples of a shape.

    Converted, ONNX' own converter changes the opset; renewed, Renewer does. A model that is told labels
    takes them behind the samples.
    """
    torch.manual_seed(len(models))
    model.eval()
    for key, value in model.state_dict().items():
        if key.endswith(("running_var", "deviation")):
            value.uniform_(0.5, 2)
        elif key.endswith("running_mean"):
            value.uniform_(-1, 1)
        elif value.dtype == torch.float32:
            value.uniform_(-0.4, 0.4)
    x = torch.from_numpy(np.random.default_rng(len(models)).uniform(-1, 1, (batch, *shape)).astype(np.float32))
    path = os.path.join(directory, name)
    if dynamic:
        options["dynamic_axes"] = {"input": {0: "batch"}, "labels": {0: "batch"}}
    given = (x,) if labels is None else (x, torch.tensor(labels))
    torch.onnx.export(model, given, path + ".onnx", opset_version=opset, input_names=["input", "labels"][:len(given)], **options)
    if converted:
        onnx.save(onnx.version_converter.convert_version(onnx.load(path + ".onnx"), converted), path + ".onnx")
    if renewed:
        onnx.save(Renewer(onnx.load(path + ".onnx"), renewed).renew(), path + ".onnx")
    torch.save(model.state_dict(), path + ".pt")
    drawn, torch.randn_like = torch.randn_like, torch.zeros_like  # codes that are drawn are their means here
    with torch.no_grad():
        y = model(*given)
    torch.randn_like = drawn
    x.numpy().tofile(path + ".in")
    y.numpy().tofile(path + ".out")
    models.append({"name": name, "input": list(x.shape), "output": list(y.shape), **({"labels": labels} if labels else {}),
                   "state": {k: list(v.shape) for k, v in model.state_dict().items()}})


# PyTorch 1.13 cannot export Unflatten; what later ones write is the Reshape of this.
nn.Unflatten.forward = lambda self, x: x.reshape(x.size(0), *self.unflattened_size)

# The lecture's first program.
num_hidden_1, num_hidden_2, num_input = (16, 8, 36) if small else (256, 128, 784)


class Autoencoder(nn.Module):
    def __init__(self, x_dim, h_dim1, h_dim2):
        super(Autoencoder, self).__init__()
        # encoder part
        self.fc1 = nn.Linear(x_dim, h_dim1)
        self.fc2 = nn.Linear(h_dim1, h_dim2)
        # decoder part
        self.fc3 = nn.Linear(h_dim2, h_dim1)
        self.fc4 = nn.Linear(h_dim1, x_dim)

    def encoder(self, x):
        x = torch.sigmoid(self.fc1(x))
        x = torch.sigmoid(self.fc2(x))
        return x

    def decoder(self, x):
        x = torch.sigmoid(self.fc3(x))
        x = torch.sigmoid(self.fc4(x))
        return x

    def forward(self, x):
        x = self.encoder(x)
        x = self.decoder(x)
        return x


for opset in [9, 13, 17]:
    add(f"lecture-sigmoid-{opset}", Autoencoder(num_input, num_hidden_1, num_hidden_2), (num_input,), opset)


# The lecture's second program.
class Second(nn.Module):
    def __init__(self, input_dim=28*28, hidden_dim=64, latent_dim=16, side=28):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(input_dim, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, latent_dim),
            nn.ReLU()
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, input_dim),
            nn.Sigmoid(),
            nn.Unflatten(1, (1, side, side))
        )

    def forward(self, x):
        z = self.encoder(x)
        xhat = self.decoder(z)
        return xhat


side = 6 if small else 28
add("lecture-relu", Second(side * side, *((12, 4) if small else (64, 16)), side), (1, side, side))
add("lecture-relu-fixed", Second(36, 8, 4, 6), (1, 6, 6), dynamic=False)

# Architectures of others' habits.
add("convolutional", nn.Sequential(
    nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.ReLU(),
    nn.Flatten(), nn.Linear(24, 5), nn.Linear(5, 24), nn.ReLU(), nn.Unflatten(1, (6, 2, 2)),
    nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
    nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1), nn.Sigmoid()), (3, 8, 8))
add("batch-norm", nn.Sequential(
    nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.LeakyReLU(0.1), nn.MaxPool2d(2),
    nn.Conv2d(4, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ELU(), nn.Upsample(scale_factor=2), nn.Conv2d(2, 1, 1), nn.Sigmoid()), (1, 6, 8))
add("batch-norm-1d", nn.Sequential(
    nn.Linear(9, 7), nn.BatchNorm1d(7), nn.SELU(), nn.Linear(7, 3), nn.BatchNorm1d(3), nn.Linear(3, 9), nn.Tanh()), (9,), 11)


class Residual(nn.Module):
    def __init__(self, inner, projection=None, activation=None):
        super().__init__()
        self.inner, self.projection, self.activation = inner, projection, activation

    def forward(self, x):
        y = self.inner(x) + (x if self.projection is None else self.projection(x))
        return y if self.activation is None else self.activation(y)


add("residual", nn.Sequential(
    nn.Conv2d(2, 4, 3, padding=1),
    Residual(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1)), activation=nn.ReLU()),
    Residual(nn.Sequential(nn.Conv2d(4, 2, 3, stride=2, padding=1), nn.GELU()), nn.Conv2d(4, 2, 1, stride=2)),
    nn.ConvTranspose2d(2, 2, 2, stride=2)), (2, 6, 6))
add("residual-dense", nn.Sequential(
    nn.Linear(8, 4), Residual(nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 6), nn.SiLU(), nn.Linear(6, 4))), nn.Linear(4, 8)), (8,), 14)
add("group-norm", nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(4, 8), nn.GELU(), nn.Conv2d(8, 2, 3, stride=2, padding=1), nn.GroupNorm(1, 2),
    nn.SiLU(), nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1)), (3, 6, 6))
add("activations", nn.Sequential(
    nn.Linear(6, 5), nn.Mish(), nn.Linear(5, 4), nn.Hardswish(), nn.Linear(4, 3), nn.GELU(), nn.Linear(3, 4), nn.Softplus(),
    nn.Linear(4, 5), nn.ReLU6(), nn.PReLU(5), nn.Linear(5, 6), nn.Hardsigmoid()), (6,), 14)


class Recurrent(nn.Module):
    """Reads a sequence, keeps the last state, and writes it again step by step."""
    def __init__(self, kind, features, units, steps, **options):
        super().__init__()
        self.encoder = kind(features, units, batch_first=True, **options)
        ways = 2 if options.get("bidirectional") else 1
        self.decoder = kind(units * ways, units, batch_first=True)
        self.output = nn.Linear(units, features)
        self.steps = steps

    def forward(self, x):
        y, _ = self.encoder(x)
        code = y[:, -1, :]
        y, _ = self.decoder(code.unsqueeze(1).repeat(1, self.steps, 1))
        return self.output(y)


add("lstm", Recurrent(nn.LSTM, 4, 3, 5), (5, 4))
add("gru", Recurrent(nn.GRU, 4, 3, 5, num_layers=2), (5, 4), 14)
add("rnn", Recurrent(nn.RNN, 4, 3, 5), (5, 4), 11)


class LastState(nn.Module):
    def __init__(self, features, units, steps):
        super().__init__()
        self.encoder = nn.LSTM(features, units, batch_first=True)
        self.decoder = nn.LSTM(units, units, batch_first=True)
        self.output = nn.Linear(units, features)
        self.steps = steps

    def forward(self, x):
        _, (h, _) = self.encoder(x)
        h = h.squeeze(0).unsqueeze(1).expand(-1, self.steps, -1)
        y, _ = self.decoder(h)
        return torch.sigmoid(self.output(y))


add("lstm-state", LastState(4, 3, 5), (5, 4))


class Bidirectional(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 3, batch_first=True, bidirectional=True)
        self.code, self.output = nn.Linear(6, 2), nn.Linear(2, 4)

    def forward(self, x):
        return self.output(torch.tanh(self.code(self.rnn(x)[0])))


add("bidirectional", Bidirectional(), (5, 4))
add("conv1d", nn.Sequential(
    nn.Conv1d(2, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv1d(4, 3, 3, padding=2, dilation=2), nn.Tanh(),
    nn.ConvTranspose1d(3, 2, 4, stride=2, padding=1)), (2, 8))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU())
        self.down = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.ConvTranspose2d(4, 3, 2, stride=2))
        self.last = nn.Conv2d(6, 1, 3, padding=1)

    def forward(self, x):
        x = self.first(x)
        return torch.sigmoid(self.last(torch.cat([x, self.down(x)], 1)))


add("unet", UNet(), (1, 6, 6))


class Scaled(nn.Module):
    """Scales its samples and undoes that."""
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 4))
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("deviation", torch.ones(4))

    def forward(self, x):
        return self.inner((x - self.mean) / self.deviation) * self.deviation + self.mean


scaled = Scaled()
add("scaled", scaled, (4,))


class Mirror(nn.Module):
    """Views, permutes and reshapes as people do."""
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(12, 6), nn.Linear(6, 48)

    def forward(self, x):  # N × 3 × 4 × 4
        x = x.permute(0, 2, 3, 1).reshape(x.size(0), 4, -1)
        x = torch.relu(self.a(x))
        x = F.gelu(x.mean(1))
        return self.b(x).view(-1, 3, 4, 4)


add("views", Mirror(), (3, 4, 4))
add("instance-norm", nn.Sequential(
    nn.Conv2d(3, 2, 3, padding=1, padding_mode="zeros"), nn.InstanceNorm2d(2, affine=True), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    nn.Linear(2, 48), nn.Unflatten(1, (3, 4, 4))), (3, 4, 4))
add("pixel-shuffle", nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(2, 3, 3, stride=2), nn.Tanh(), nn.Conv2d(3, 8, 1), nn.PixelShuffle(2)), (2, 6, 6))


# The same network in every opset that PyTorch and ONNX' converter write.
def mixed():
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU6(), nn.AvgPool2d(2), nn.ZeroPad2d((1, 0, 0, 1)), nn.Conv2d(3, 2, 2, stride=2), nn.Flatten(1),
        nn.Dropout(0.3), nn.Linear(8, 3), nn.LayerNorm(3), nn.Linear(3, 8), nn.Unflatten(1, (2, 2, 2)), nn.Upsample(scale_factor=2),
        nn.ConvTranspose2d(2, 2, 2, stride=2), nn.Softplus())


for opset in [9, 10, 11, 12, 14, 15, 16, 17]:
    add(f"opset-{opset}", mixed(), (2, 8, 8), opset)
for opset, target in [(9, 17), (13, 15), (13, 17), (11, 12)]:
    add(f"converted-{opset}-{target}", mixed(), (2, 8, 8), opset, converted=target)

add("depthwise", nn.Sequential(
    nn.Conv2d(2, 4, 3, padding=1, groups=2), nn.Conv2d(4, 3, 1), nn.ReLU(), nn.Conv2d(3, 3, 3, stride=2, padding=1, groups=3, bias=False), nn.SiLU(),
    nn.ConvTranspose2d(3, 2, 2, stride=2)), (2, 6, 6))
add("depthwise-1d", nn.Sequential(nn.Conv1d(3, 3, 3, padding=1, groups=3), nn.Conv1d(3, 2, 1), nn.Tanh(), nn.Conv1d(2, 3, 3, padding=1)), (3, 7))


class Attention(nn.Module):
    def __init__(self, first):
        super().__init__()
        self.encoder = nn.Linear(3, 6)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=first)
        self.decoder = nn.Linear(6, 3)

    def forward(self, x):
        x = self.encoder(x)
        if self.attention.batch_first:
            x = x + self.attention(x, x, x, need_weights=False)[0]
        else:
            y = x.transpose(0, 1)
            x = self.attention(y, y, y, need_weights=False)[0].transpose(0, 1)
        return self.decoder(x)


add("attention", Attention(True), (5, 3))
add("attention-12", Attention(False), (5, 3), 12)


class CausalAttention(nn.Module):
    """As Karpathy's nanoGPT has it."""
    def __init__(self, features, heads, steps):
        super().__init__()
        self.attend, self.project = nn.Linear(features, 3 * features, bias=False), nn.Linear(features, features, bias=False)
        self.heads = heads
        self.register_buffer("mask", torch.full((steps, steps), float("-inf")).triu(1), persistent=False)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = (y.view(n, t, self.heads, c // self.heads).transpose(1, 2) for y in self.attend(x).split(c, dim=2))
        a = torch.softmax(q @ k.transpose(-2, -1) / (c // self.heads) ** 0.5 + self.mask, dim=-1)
        return self.project((a @ v).transpose(1, 2).contiguous().view(n, t, c))


add("attention-causal", nn.Sequential(nn.Linear(3, 4), Residual(nn.Sequential(nn.LayerNorm(4), CausalAttention(4, 2, 5))), nn.Linear(4, 3)), (5, 3), 14)


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(3, 4), nn.Linear(4, 3)
        self.positions = nn.Parameter(torch.zeros(1, 5, 4))
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, activation="gelu", batch_first=True)

    def forward(self, x):
        return self.decoder(self.layer(self.encoder(x) + self.positions))


add("transformer", Transformer(), (5, 3), 14)


class Variational(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(7, 6), nn.ReLU())
        self.mean, self.variance = nn.Linear(6, 2), nn.Linear(6, 2)
        self.decoder = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 7), nn.Sigmoid())

    def forward(self, x):
        h = self.encoder(x)
        mean, variance = self.mean(h), self.variance(h)
        return self.decoder(mean + torch.exp(0.5 * variance) * torch.randn_like(variance))


add("variational", Variational(), (7,))



# The operators that opsets 18 to 21 brought, or changed. Before 21 a group norm had one number for each
# group, so that only groups of single channels can be said.
for opset in [18, 19, 20, 21]:
    add(f"renewed-{opset}", nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.GroupNorm(2 if opset == 21 else 4, 4), nn.GELU(), nn.AvgPool2d(2), nn.ZeroPad2d(PADS), nn.Conv2d(4, 2, 2, stride=2), nn.Mish(),
        nn.Flatten(1), nn.Linear(8, 3), nn.LayerNorm(3), nn.Linear(3, 8), nn.Unflatten(1, (2, 2, 2)), nn.Upsample(scale_factor=2),
        nn.ConvTranspose2d(2, 2, 2, stride=2), nn.ReLU6()), (2, 8, 8), 17, renewed=opset)
add("renewed-attention", nn.Sequential(nn.Linear(3, 4), Residual(nn.Sequential(nn.LayerNorm(4), CausalAttention(4, 2, 5))), nn.Linear(4, 3)),
    (5, 3), 14, renewed=20)


class Conditional(nn.Module):
    """A conditional variational autoencoder (Sohn, Lee & Yan 2015), whose classes are one-hot or learned."""

    def __init__(self, learned):
        super().__init__()
        self.classes = nn.Embedding(4, 2) if learned else None
        wide = 2 if learned else 4
        self.encoder = nn.Sequential(nn.Linear(7 + wide, 6), nn.ReLU())
        self.mean, self.variance = nn.Linear(6, 2), nn.Linear(6, 2)
        self.decoder = nn.Sequential(nn.Linear(2 + wide, 6), nn.ReLU(), nn.Linear(6, 7), nn.Sigmoid())

    def forward(self, x, labels):
        told = F.one_hot(labels, 4).float() if self.classes is None else self.classes(labels)
        h = self.encoder(torch.cat([x, told], 1))
        mean, variance = self.mean(h), self.variance(h)
        return self.decoder(torch.cat([mean + torch.exp(0.5 * variance) * torch.randn_like(variance), told], 1))


add("conditional", Conditional(False), (7,), labels=[2, 0, 3])
add("conditional-learned", Conditional(True), (7,), labels=[1, 1, 3])


class Double(nn.Sequential):
    """Two convolutions with what is usual behind them."""

    def __init__(self, inputs, outputs):
        super().__init__(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
                         nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class NestedUNet(nn.Module):
    """A U-Net with a skip within a skip (Ronneberger et al. 2015), as most write it: what comes up is padded to what is
    joined to it, which comes first."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = Double(2, 3), Double(3, 4), Double(4, 5)
        self.code, self.back = nn.Conv2d(5, 2, 1), nn.Conv2d(2, 5, 1)
        self.up2, self.up1 = nn.ConvTranspose2d(5, 4, 2, stride=2), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.wide2, self.wide1 = Double(8, 3), Double(6, 3)
        self.last = nn.Conv2d(3, 2, 1)

    def join(self, skip, x):
        dy, dx = skip.size(2) - x.size(2), skip.size(3) - x.size(3)
        return torch.cat([skip, F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])], dim=1)

    def forward(self, x):
        a = self.first(x)
        b = self.second(F.max_pool2d(a, 2))
        x = self.back(self.code(self.third(F.max_pool2d(b, 2))))
        x = self.wide2(self.join(b, self.up2(x)))
        x = self.wide1(self.join(a, self.up1(x)))
        return torch.sigmoid(self.last(x))


add("unet-nested", NestedUNet(), (2, 10, 8))


class Around(nn.Module):
    """Adds its input to what a bottleneck makes of it."""
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 2))
        self.up = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 7))

    def forward(self, x):
        return x + self.up(self.down(x))


add("skip-added", Around(), (7,))


class AddedUNet(nn.Module):
    """A U-Net whose skips are added rather than concatenated, one within the other."""
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 6, 2, stride=2)
        self.code = nn.Conv2d(6, 2, 2, stride=2)
        self.wide, self.wider = nn.ConvTranspose2d(2, 6, 2, stride=2), nn.ConvTranspose2d(6, 4, 2, stride=2)
        self.last = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        a = torch.relu(self.first(x))
        b = torch.relu(self.second(a))
        c = torch.relu(self.wide(self.code(b)) + b)
        return self.last(self.wider(c) + a)


add("unet-added", AddedUNet(), (2, 8, 8))

with open(os.path.join(directory, "models.json"), "w") as f:
    json.dump(models, f, indent=1)
