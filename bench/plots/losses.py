#!/usr/bin/python3
# losses.py - the pictures of docs/losses.md: bench/plots/losses.py, in the venv of script/bootstrap torch.
# SPDX-License-Identifier: Apache-2.0
"""Every curve is computed by liboverlap: values and gradients of masks whose overlap is swept. The study's
picture is drawn from docs/losses/training.csv, which examples/train_losses.py writes."""
import csv
import itertools
import math
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON = os.path.join(ROOT, "build/venv/bin/python")
FOLDER = os.path.join(ROOT, "docs/losses")

if os.path.abspath(sys.prefix) != os.path.join(ROOT, "build/venv"):
    os.execv(PYTHON, [PYTHON] + [os.path.abspath(__file__)] + sys.argv[1:])

sys.path.insert(0, os.path.join(ROOT, "examples"))

import matplotlib  # noqa: E402

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "overlap", "font.size": 9,
                            "axes.grid": True, "grid.alpha": .3, "axes.spines.top": False,
                            "axes.spines.right": False})
import matplotlib.pyplot as plt  # noqa: E402
import torch  # noqa: E402

from torch_loss import overlap_loss  # noqa: E402

LOSSES = (("dice", "Dice loss", "tab:blue"), ("iou", "IoU loss", "tab:orange"))
T975 = {2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}


def save(figure, name):
    figure.tight_layout()
    figure.savefig(os.path.join(FOLDER, name), metadata={"Date": None})
    plt.close(figure)


def loss_and_slopes(loss, p, g):
    """The value, and the gradient by p at the first voxel of the class and at the first outside."""
    p = torch.tensor(p, dtype=torch.float64)[None, None].requires_grad_()
    g = torch.tensor(g)
    value = overlap_loss(p, g[None], loss, smooth_numerator=0., smooth_denominator=0.)
    value.backward()
    slopes = p.grad[0, 0]
    return (value.item(), slopes[g == 1][0].item(),
            slopes[g == 0][0].item() if (g == 0).any() else math.nan)


def sweep():
    """A prediction of the class's own size that slides over it: 200 voxels of 1000."""
    n, size = 1000, 200
    g = [1 if i < size else 0 for i in range(n)]
    for shift in range(0, size + 1, 4):
        p = [1.0 if shift <= i < shift + size else 0.0 for i in range(n)]
        yield (size - shift) / (size + shift), p, g


def overlap():
    """Loss and gradient against overlap."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3))
    slopes = {}
    for loss, label, colour in LOSSES:
        points = [(iou,) + loss_and_slopes(loss, p, g) for iou, p, g in sweep()]
        iou, value, inside, outside = (list(column) for column in zip(*points))
        slopes[loss] = inside
        left.plot(iou, value, colour, label=label)
        middle.plot(iou, [200 * -s for s in inside], colour, label=label + ", on the class")
        middle.plot(iou, [200 * s for s in outside], colour, ls="--", label=label + ", off it")
    right.plot(iou, [d / j for d, j in zip(slopes["dice"], slopes["iou"])], "k")
    right.axhline(1, color="grey", lw=.8)
    right.axvline(math.sqrt(2) - 1, color="grey", lw=.8, ls=":")
    right.set(xlabel="IoU", ylabel="Dice gradient / IoU gradient, on the class")
    left.set(xlabel="IoU of prediction and reference", ylabel="loss")
    middle.set(xlabel="IoU", ylabel="|gradient| times class size")
    left.legend()
    middle.legend(fontsize=7)
    save(figure, "overlap.svg")


def everything():
    """What a prediction of foreground everywhere loses, against the share of the class."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
    n = 1000
    shares = [s / 1000 for s in range(5, 1000, 5)]
    for loss, label, colour in LOSSES:
        points = [loss_and_slopes(loss, [1.0] * n, [1] * int(n * s) + [0] * (n - int(n * s)))
                  for s in shares]
        left.plot(shares, [v for v, _, _ in points], colour, label=label)
        right.plot(shares, [n * o for _, _, o in points], colour, label=label)
    left.axvline(.95, color="grey", lw=.8, ls=":")
    right.axvline(.95, color="grey", lw=.8, ls=":")
    left.set(xlabel="share of the image that is the class", ylabel="loss of: everything is the class")
    right.set(xlabel="share of the image that is the class",
              ylabel="gradient off the class, times voxels")
    left.legend()
    right.legend()
    save(figure, "everything.svg")


def interval(values):
    """Mean and half the 95 % interval of Student's t over seeds."""
    n = len(values)
    mean = sum(values) / n
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1)) if n > 1 else 0
    return mean, T975.get(n, 2) * spread / math.sqrt(n)


def bootstrap(values):
    """The mean, and the 2.5th and 97.5th percentile of the means of all draws of as many, put back."""
    means = sorted(sum(draw) / len(draw)
                   for draw in itertools.product(values, repeat=len(values)))
    return (sum(values) / len(values),) + tuple(
        means[round(share * (len(means) - 1))] for share in (.025, .975))


def learned(rows, loss, name):
    """Per seed, the first step at which the class's Dice is above 0.5, None for never."""
    steps = {}
    for row in rows:
        if row["loss"] == loss:
            steps.setdefault(row["seed"], None)
            if steps[row["seed"]] is None and float(row[name]) > .5:
                steps[row["seed"]] = int(row["step"])
    return list(steps.values())


def training():
    with open(os.path.join(FOLDER, "training.csv"), encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.2))
    steps = sorted({int(r["step"]) for r in rows})
    for axis, name in zip(axes, ("tissue", "common", "rare")):
        for loss, colour in (("dice", "tab:blue"), ("iou", "tab:orange"),
                             ("cross_entropy", "tab:green")):
            scores = {s: [float(r[name]) for r in rows
                          if r["loss"] == loss and int(r["step"]) == s] for s in steps}
            points = [interval(scores[s]) for s in steps]
            mean = [m for m, _ in points]
            axis.plot(steps, mean, colour, label=loss.replace("_", "-"))
            for seed in sorted({r["seed"] for r in rows}):
                own = [(int(r["step"]), float(r[name])) for r in rows
                       if r["loss"] == loss and r["seed"] == seed]
                axis.plot(*zip(*own), color=colour, lw=.4, alpha=.6)
            axis.fill_between(steps, [m - h for m, h in points], [m + h for m, h in points],
                              color=colour, alpha=.15, lw=0)
            print("%s %s: %.3f (%.3f to %.3f), above 0.5 from step %s" % (
                (name, loss) + bootstrap(scores[steps[-1]]) + (learned(rows, loss, name),)))
        axis.set(title=name, xlabel="step", ylabel="Dice on test images",
                 ylim=(-.02, 1.02) if name == "rare" else (.7, 1.01))
    axes[0].legend()
    save(figure, "training.svg")


def main():
    overlap()
    everything()
    if os.path.exists(os.path.join(FOLDER, "training.csv")):
        training()
    return 0


if __name__ == "__main__":
    sys.exit(main())
