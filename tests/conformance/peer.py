# peer.py - other people's libraries write masks, the daemon reads them: what tests/conformance share.
# SPDX-License-Identifier: Apache-2.0
"""Import first: it goes on in build/venv, where those libraries are, or skips every test."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, "build/venv")

if os.path.realpath(sys.prefix) != os.path.realpath(VENV):
    if not os.path.exists(VENV + "/bin/python"):
        print("1..0 # SKIP build/venv is not there; script/bootstrap peers makes it")
        sys.exit(0)
    os.execv(VENV + "/bin/python", [VENV + "/bin/python", "-B", *sys.argv])

sys.path.insert(0, os.path.join(ROOT, "tests/api"))

import gzip  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import zlib  # noqa: E402

import lz4.frame  # noqa: E402
import nibabel  # noqa: E402
import numpy  # noqa: E402
import zstandard  # noqa: E402

from overlapd import pair  # noqa: E402

CODERS = {"none": bytes, "gzip": gzip.compress, "zlib": zlib.compress,
          "zstd": lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
          "lz4": lambda data: lz4.frame.compress(data, content_checksum=True)}


def npy(array):
    out = io.BytesIO()
    numpy.save(out, array)
    return out.getvalue()


def nifti(shape, affine):
    """No labels at this affine, which NIfTI-2 keeps in double precision."""
    return nibabel.Nifti2Image(numpy.zeros(shape, "u1"), affine).to_bytes()


def random_labels(rng, shape, dtype, n_labels=6):
    """Blocks and noise of a few labels, the dtype's extremes among them where they are labels."""
    kind = numpy.dtype(dtype)
    low, high = (0, 1 << 20) if kind.kind == "f" else (numpy.iinfo(kind).min, numpy.iinfo(kind).max)
    low, high = max(int(low), -(1 << 31)), min(int(high), (1 << 32) - 1)
    pool = [0, 1, 2, high, low] + [int(rng.integers(low, high)) for _ in range(n_labels)]
    values = numpy.array(pool, dtype=kind)
    labels = values[rng.integers(0, len(values), shape)]
    labels[tuple(slice(0, 1 + n // 2) for n in shape)] = values[1]
    return numpy.ascontiguousarray(labels)


def random_shape(rng, ndim, most=9):
    shape = [int(n) for n in rng.integers(1, most, ndim)]
    shape[int(rng.integers(ndim))] += 2
    return tuple(shape)


def source(coding="none", **more):
    return dict(more, encoding=coding) if coding == "zlib" else more  # the others have signatures


def ask(daemon, prediction, reference, status, request=None):
    answer = daemon.score(pair(prediction, reference, request))
    assert answer.status == status, "%d: %s\n%s" % (answer.status, answer.body.decode(), request)
    return answer.json


def confused(answer):
    """[label, fp, fn] of what is not the same in both masks."""
    rows = answer["classes"] + ([answer["background"]] if answer["background"] else [])
    return [[c["label"], c["fp"], c["fn"]] for c in rows if c["fp"] or c["fn"]]


def dropped(shape):
    """The shape without axes of 1 at its end."""
    shape = list(shape)
    while len(shape) > 1 and shape[-1] == 1:
        shape.pop()
    return shape


def same_labels(daemon, file, array, rng, **of_file):
    """The file is a label map of this array: every count says so, and sees one voxel changed."""
    request = {"prediction": of_file, "geometry": "ignore"}
    answer = ask(daemon, file, npy(array), 200, request)
    assert answer["shape"] == dropped(array.shape), (answer["shape"], array.shape)
    assert confused(answer) == [], (confused(answer), request)
    labels, counts = numpy.unique(array, return_counts=True)
    rows = answer["classes"] + [answer["background"]]
    seen = {c["label"]: c["tp"] for c in rows if c["tp"]}
    assert seen == {int(label): int(n) for label, n in zip(labels, counts)}, seen
    other = array.copy()
    at = tuple(int(rng.integers(n)) for n in array.shape)
    was, other[at] = int(array[at]), 1 if array[at] != 1 else 2
    answer = ask(daemon, file, npy(other), 200, request)
    assert sorted(confused(answer)) == sorted([[was, 1, 0], [int(other[at]), 0, 1]]), (
        confused(answer), was, other[at])


def same_layers(daemon, file, layers, **of_file):
    """The file has layers {label: array of bool}, declared ones that are empty included."""
    stacked = numpy.stack(list(layers.values())).astype(numpy.uint8)
    request = {"prediction": of_file, "geometry": "ignore",
               "reference": {"layers": {"axis": 0, "labels": list(layers)}}}
    answer = ask(daemon, file, npy(stacked), 200, request)
    assert confused(answer) == [], (confused(answer), answer)
    seen = {c["label"]: c["tp"] for c in answer["classes"]}
    assert seen == {label: int(layer.sum()) for label, layer in layers.items()}, seen
    return answer


def same_place(daemon, file, shape, affine, **of_file):
    """The file lies at this RAS+ affine, and not a fiftieth of a voxel or a half per cent away."""
    affine = numpy.asarray(affine, float)
    ndim = len(dropped(shape))
    request = {"prediction": of_file}
    answer = ask(daemon, file, nifti(shape, affine), 200, request)
    assert answer["geometry"] == "match", answer["geometry"]
    steps = affine[:3, :min(3, ndim)]
    smallest = numpy.linalg.norm(steps, axis=0).min()
    for row in range(3):
        moved = affine.copy()
        moved[row, 3] += 0.02 * smallest
        answer = ask(daemon, file, nifti(shape, moved), 422, request)
        assert answer["code"] == "geometry-mismatch", json.dumps(answer)
    for axis in range(steps.shape[1]):
        longer = affine.copy()
        longer[:3, axis] *= 1.005
        answer = ask(daemon, file, nifti(shape, longer), 422, request)
        assert answer["code"] == "geometry-mismatch", json.dumps(answer)
