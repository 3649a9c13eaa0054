#!/usr/bin/python3
# performance.py - the pictures of docs/performance.md: bench/plots/performance.py, in the venv of
# script/bootstrap torch.
# SPDX-License-Identifier: Apache-2.0
"""Drawn from the tables of bench/results, which script/bench writes."""
import os
import re
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

COLOURS = {"avx512": "tab:green", "avx2": "tab:blue", "neon": "tab:purple", "scalar": "tab:orange",
           "overlapd": "tab:blue", "overlapd, two threads": "tab:blue", "overlapd, one thread": "lightskyblue",
           "library alone, two threads": "tab:grey", "library alone, one thread": "lightgrey",
           "nginx, static": "tab:green", "inflate and count alone": "tab:grey", "FastAPI": "tab:red"}


def rows(name):
    """The cells of each row of a page's tables."""
    with open(os.path.join(ROOT, "bench/results", name + ".md"), encoding="utf-8") as page:
        return [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in page if line[0] == "|"]


def values(name):
    """{what: the number its value begins with}"""
    found = {row[0]: re.match(r"[\d.]+", row[1]) for row in rows(name) if len(row) == 4}
    return {what: float(number.group()) for what, number in found.items() if number}


def counting():
    shares = {(row[0], row[1], int(row[2]), row[4]): float(row[8]) for row in rows("count")
              if row[0] in ("blobs", "noise") and row[5] == "1"}
    labels = sorted({key[2] for key in shares})
    isas = [isa for isa in COLOURS if any(key[3] == isa for key in shares)]
    for kind, dtype in (("blobs", "uint8"), ("blobs", "uint16"), ("noise", "uint8")):
        yield ("%s, %s" % (kind, dtype), labels,
               {isa: [shares[kind, dtype, n, isa] for n in labels] for isa in isas})


def decoding():
    found = values("decode")
    libraries = {"gzip": "libdeflate", "zstd": "libzstd", "lz4": "liblz4"}
    for n in (8, 104):
        series = {"overlapd, one thread": "decoded and counted by one thread",
                  "overlapd, two threads": "by two threads",
                  "library alone, one thread": "%s alone, one thread",
                  "library alone, two threads": "%s alone, two threads"}
        yield ("%d labels" % n, libraries,
               {name: [found["%s, %d labels: %s" % (coding, n, what.replace("%s", library))]
                       for coding, library in libraries.items()] for name, what in series.items()})


def whole():
    found = values("whole")
    names = {"libdeflate\nalone": "libdeflate alone, two threads", "overlapd": "overlapd, whole request",
             "nibabel,\nhistogram": "nibabel and NumPy, by a joint histogram",
             "nibabel,\nby class": "nibabel and NumPy, class by class"}
    for n in (8, 104):
        yield "%d labels" % n, names, {"": [found["%d labels: %s" % (n, what)] for what in names.values()]}


def losses():
    found = {(row[1], row[2]): row for row in rows("loss") if row[0] == "2"}
    activations = ["none", "sigmoid", "softmax"]
    isas = [isa for isa in COLOURS if (isa, "none") in found]
    for title, column in (("share of bandwidth", 5), ("PyTorch + MONAI / ours", 7)):
        yield title, activations, {isa: [float(found[isa, a][column]) for a in activations] for isa in isas}


def requests():
    found = values("requests")
    names = {"/livez": "GET /livez", "NPY 64²": "raw NPY pair, 64x64", "NPY 256²": "raw NPY pair, 256x256",
             "COCO": "COCO RLE pair, JSON", "gzip 512²": "gzip NPY pair, 512x512"}
    series = {"overlapd": "", "nginx, static": ": nginx, static", "inflate and count alone": ": inflate and count alone",
              "FastAPI": ": FastAPI and NumPy behind uvicorn"}
    yield "", names, {name: [found.get(what + end, 0) for what in names.values()] for name, end in series.items()}


# The picture's name: what its panels show, the label of the axis, its scale.
PICTURES = {
    "counting": (counting, "counting, as a share of\nthe speed of reading", "linear"),
    "decoding": (decoding, "both masks, ms", "linear"),
    "whole": (whole, "two .nii.gz to scores, ms", "log"),
    "losses": (losses, "two threads", "linear"),
    "requests": (requests, "processor time\nper request, µs", "log"),
}


def bars(axis, title, groups, series):
    width = .8 / len(series)
    for i, (name, heights) in enumerate(series.items()):
        axis.bar([k + (i - (len(series) - 1) / 2) * width for k in range(len(groups))], heights, width,
                 color=COLOURS.get(name, "tab:blue"), label=name)
    axis.set(title=title, xticks=range(len(groups)), xticklabels=groups)
    axis.grid(axis="x", visible=False)


def draw(name, panels, label, scale):
    panels = list(panels())
    figure, axes = plt.subplots(1, len(panels), figsize=(9, 3), sharey=name != "losses", squeeze=False)
    for axis, panel in zip(axes[0], panels):
        bars(axis, *panel)
        axis.set_yscale(scale)
    if name == "counting":
        axes[0][0].axhline(1, color="grey", lw=.8)
        figure.supxlabel("labels", fontsize=9)
    axes[0][0].set_ylabel(label)
    if len(panels[0][2]) > 1:
        axes[0][-1].legend()
    figure.tight_layout()
    figure.savefig(os.path.join(FOLDER, name + ".svg"), metadata={"Date": None})


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name, picture in PICTURES.items():
        draw(name, *picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
