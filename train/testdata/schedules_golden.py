#!/usr/bin/env python3
"""Writes schedules_golden.json: learning rates of PyTorch 1.13's schedulers, divided by the largest, before each step.

    /usr/bin/python3 train/testdata/schedules_golden.py     # from the module's root

An epoch has STEPS steps. OneCycleLR counts to its last step, ours to the end of the last epoch, one step later: it gets one
step more. LinearLR cannot start from 0 and starts from 1e-12.
"""
import json, pathlib

import torch
from torch.optim import lr_scheduler as s

STEPS, EPOCHS = 5, 10


def rates(make, steps=STEPS * EPOCHS):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, out = make(optimizer), []
    for _ in range(steps):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return out


def plateau(values, **options):
    """Rates after each epoch with these losses."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, out = s.ReduceLROnPlateau(optimizer, threshold_mode="abs", **options), []
    for v in values:
        scheduler.step(v)
        out.append(optimizer.param_groups[0]["lr"])
    return out


N = STEPS * EPOCHS
losses = [5, 4, 3, 3.5, 3.2, 2.95, 3, 3, 3, 2.5, 2.49, 2.495, 2.48, 2.6, 2.7, 2.8, 2.9, 1, 1, 1, 1, 1, 1, 1, 1]
golden = {
    "steps": STEPS,
    "onecycle:10": rates(lambda o: s.OneCycleLR(o, 1.0, total_steps=N + 1, pct_start=(0.3 * N + 1) / (N + 1), cycle_momentum=False)),
    "cyclic:2:0.1": rates(lambda o: s.CyclicLR(o, 0.1, 1.0, step_size_up=2 * STEPS, cycle_momentum=False)),
    "warmup:3:constant": rates(lambda o: s.LinearLR(o, 1e-12, 1.0, total_iters=3 * STEPS)),
    "warmup:3:cosine:7": rates(lambda o: s.SequentialLR(
        o, [s.LinearLR(o, 1e-12, 1.0, total_iters=3 * STEPS), s.CosineAnnealingLR(o, 7 * STEPS)], [3 * STEPS])),
    "losses": losses,
    # Keras reduces once wait >= patience, PyTorch once bad epochs > patience.
    "plateau": plateau(losses, factor=0.5, patience=2 - 1, threshold=0.1, min_lr=0.02, eps=0),
    "plateau default": plateau(losses, factor=0.1, patience=10 - 1, threshold=1e-4, eps=0),
}
path = pathlib.Path(__file__).with_name("schedules_golden.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
