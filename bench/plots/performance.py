#!/usr/bin/python3
# performance.py - the picture of docs/performance.md: bench/plots/performance.py, in the venv of
# script/bootstrap torch.
# SPDX-License-Identifier: Apache-2.0
"""Drawn from the tables of bench/results/count.md, which bench/count.py writes."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON = os.path.join(ROOT, "build/venv/bin/python")
FOLDER = os.path.join(ROOT, "docs/performance")

if os.path.abspath(sys.prefix) != os.path.join(ROOT, "build/venv"):
    os.execv(PYTHON, [PYTHON] + [os.path.abspath(__file__)] + sys.argv[1:])

import matplotlib  # noqa: E402

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "overlap", "font.size": 9,
                            "axes.grid": True, "grid.alpha": .3, "axes.axisbelow": True,
                            "axes.spines.top": False, "axes.spines.right": False})
import matplotlib.pyplot as plt  # noqa: E402

COLOURS = {"avx512": "tab:green", "avx2": "tab:blue", "neon": "tab:purple", "scalar": "tab:orange"}


def shares():
    """{(kind, dtype, labels, isa, threads): share of read}"""
    found = {}
    with open(os.path.join(ROOT, "bench/results/count.md"), encoding="utf-8") as page:
        for line in page:
            cells = [cell.strip() for cell in line.strip("|\n ").split("|")]
            if cells[0] in ("blobs", "noise"):
                kind, dtype, labels, _, isa, threads, _, _, share = cells[:9]
                found[kind, dtype, int(labels), isa, int(threads)] = float(share)
    return found


def bars(axis, found, kind, dtype, title):
    isas = [isa for isa in COLOURS if any(key[3] == isa for key in found)]
    labels = sorted({key[2] for key in found})
    width = .8 / len(isas)
    for i, isa in enumerate(isas):
        heights = [found[kind, dtype, n, isa, 1] for n in labels]
        axis.bar([k + (i - (len(isas) - 1) / 2) * width for k in range(len(labels))], heights, width,
                 color=COLOURS[isa], label=isa)
    axis.axhline(1, color="grey", lw=.8)
    axis.set(title=title, xlabel="labels", xticks=range(len(labels)), xticklabels=labels, ylim=(0, 1.15))
    axis.grid(axis="x", visible=False)


def main():
    found = shares()
    figure, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True)
    bars(axes[0], found, "blobs", "uint8", "blobs, uint8")
    bars(axes[1], found, "blobs", "uint16", "blobs, uint16")
    bars(axes[2], found, "noise", "uint8", "noise, uint8")
    axes[0].set_ylabel("counting, as a share of\nthe speed of reading")
    axes[0].legend(loc="lower left")
    figure.tight_layout()
    os.makedirs(FOLDER, exist_ok=True)
    figure.savefig(os.path.join(FOLDER, "counting.svg"), metadata={"Date": None})
    return 0


if __name__ == "__main__":
    sys.exit(main())
