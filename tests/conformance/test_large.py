#!/usr/bin/python3
# test_large.py - volumes that several threads decode and count have the counts that NumPy finds.
# SPDX-License-Identifier: Apache-2.0
import glob
import gzip
import io
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
sys.path[1:1] = glob.glob("build/venv/lib/python3*/site-packages")
import overlapd
from overlapd import Daemon, Skip, test

try:
    import numpy
    MISSING = None
except ImportError as error:
    MISSING = "%s; script/bootstrap peers" % error

SHAPE = (256, 256, 130)  # 8.5 MB of uint8: more than one part each


def masks():
    """Slabs with ragged borders, with a noisy corner in the prediction."""
    random = numpy.random.default_rng(5)
    x, y, z = numpy.indices(SHAPE, dtype="int32")
    reference = ((x + 2 * y // 3 + z) // 40 % 7).astype("uint8")
    prediction = ((x + 2 * y // 3 + z + random.integers(0, 3, SHAPE[1:])) // 40 % 7).astype("uint8")
    prediction[:64, :64] = random.integers(0, 7, (64, 64, SHAPE[2]))
    return prediction, reference


def npy(mask):
    file = io.BytesIO()
    numpy.save(file, mask)
    return file.getvalue()


def nifti(mask, datatype=2, bits=8):
    return overlapd.nifti(mask.tobytes(order="F"), mask.shape, datatype, bits)


def pack(data):
    return gzip.compress(data, 1)


def check(daemon, prediction, reference, expected, request=None):
    answer = daemon.score(overlapd.pair(prediction, reference, request))
    assert answer.status == 200, answer.body
    got = {c["label"]: (c["tp"], c["fp"], c["fn"]) for c in answer.json["classes"]}
    assert got == expected, (got, expected)


def counts(prediction, reference, labels):
    return {n: (int(((prediction == n) & (reference == n)).sum()),
                int(((prediction == n) & (reference != n)).sum()),
                int(((prediction != n) & (reference == n)).sum())) for n in labels}


@test
def whatever_order_and_coding_they_come_in():
    if MISSING:
        raise Skip(MISSING)
    p, r = masks()
    expected = counts(p, r, range(1, 7))
    turned = numpy.asfortranarray(p)
    floats = nifti(r.astype("<f4"), 16, 32)
    with Daemon("--workers.threads=2") as daemon:
        for prediction in (nifti(p), pack(nifti(p)), npy(p), pack(npy(turned))):
            for reference in (nifti(r), pack(nifti(r)), npy(r), pack(floats)):
                check(daemon, prediction, reference, expected)
        above = {1: counts(p > 2, r > 2, [True])[True]}
        check(daemon, pack(nifti(p)), pack(floats), above, {"threshold": 2})
        check(daemon, nifti(p), npy(r), above, {"threshold": 2})
        kept = r != 3
        ignoring = counts(p[kept], r[kept], (1, 2, 4, 5, 6))
        check(daemon, pack(nifti(p)), pack(nifti(r)), ignoring, {"ignore": [3]})
        check(daemon, npy(p), nifti(r), ignoring, {"ignore": [3]})


if __name__ == "__main__":
    overlapd.main()
