#!/usr/bin/python3 -B
# test_overlay.py - the overlay of a kept case is, pixel by pixel, what NumPy makes of the arrays.
# SPDX-License-Identifier: Apache-2.0
"""OVERLAY_CASES says how many random pairs. A failure names its seed. Pillow reads the PNG."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peer import io, json, nibabel, npy, numpy  # noqa: E402

from multiprocessing import shared_memory  # noqa: E402
from PIL import Image  # noqa: E402
from overlapd import MULTIPART, main, multipart, pair, scaled, test  # noqa: E402
from runs import JSON, path  # noqa: E402
from shm import ShmDaemon, memfd, view  # noqa: E402

CASES = int(os.environ.get("OVERLAY_CASES", scaled(20, 3)))
FOLDER = tempfile.TemporaryDirectory()
DAEMON = ShmDaemon("--store.path=" + FOLDER.name + "/store", "--limits.overlay_pixels=4096")
PIXELS = 4096
NONE, IGNORED, TP, FP, FN, WRONG = range(6)
RGB = {IGNORED: (0x99, 0x99, 0x99), TP: (0, 0x9e, 0x73), FP: (0xd5, 0x5e, 0), FN: (0x56, 0xb4, 0xe9),
       WRONG: (0xf0, 0xe4, 0x42)}


def stacks(labels, classes):
    """One boolean array per class."""
    return numpy.stack([labels == c for c in classes])


def expected(p, r, ignored, slice_axis):
    """Codes, and tp, fp, fn per slice, of two stacks [class, ...]; slices become the first axis."""
    keep = ~ignored
    p, r = p & keep, r & keep
    any_p, any_r, same = p.any(0), r.any(0), (p == r).all(0)
    codes = numpy.select([ignored, ~any_p & ~any_r, same, ~any_r, ~any_p],
                         [IGNORED, NONE, TP, FP, FN], WRONG)
    sums = [(p & r).sum(0), (p & ~r).sum(0), (~p & r).sum(0)]
    if slice_axis is None:
        return codes[None], [s.sum()[None] for s in sums]
    axes = tuple(a for a in range(codes.ndim) if a != slice_axis)
    return numpy.moveaxis(codes, slice_axis, 0), [s.sum(axes) for s in sums]


def shrunk(image):
    """The greatest code of each square, the squares as small as PIXELS allows."""
    height, width = image.shape
    k = next(k for k in range(1, max(image.shape) + 1) if -(-height // k) * -(-width // k) <= PIXELS)
    padded = numpy.zeros((-(-height // k) * k, -(-width // k) * k), int)
    padded[:height, :width] = image
    return k, padded.reshape(padded.shape[0] // k, k, -1, k).max((1, 3))


def fetched(case):
    where = path("r", case)
    answer = DAEMON.get(where + "/overlay")
    assert answer.status == 200 and answer.type == "image/png", answer.body
    return DAEMON.get(where).json["overlay"], Image.open(io.BytesIO(answer.body))


def same(case, wanted, sums, axis, transpose=False):
    """What was kept is `wanted` [slice, row, column], of which the worst is drawn."""
    said, image = fetched(case)
    tp, fp, fn = sums
    worst = max(range(len(tp)), key=lambda i: (fp[i] + fn[i], tp[i], -i))
    scale, picture = shrunk(wanted[worst].T if transpose else wanted[worst])
    assert said["axis"] == axis and said["slice"] == worst and said["scale"] == scale, (said, worst)
    assert said["slices"] == len(tp) == len(said["dice"])
    assert (said["height"], said["width"]) == picture.shape == (image.height, image.width)
    for i, dice in enumerate(said["dice"]):
        whole = 2 * tp[i] + fp[i] + fn[i]
        assert dice == (None if whole == 0 else 2 * tp[i] / whole), (i, dice)
    drawn = numpy.asarray(image.convert("RGBA"))
    for code, colour in RGB.items():
        assert (drawn[picture == code] == (*colour, 255)).all(), code
    assert (drawn[picture == NONE][:, 3] == 0).all()


def random_pair(rng, shape):
    """A reference of blocks, a prediction that is it moved and with some noise."""
    reference = numpy.zeros(shape, "u1")
    for label in (1, 2, 3, 9):
        block = tuple(slice(*sorted(rng.integers(0, n + 1, 2))) for n in shape)
        reference[block] = label
    prediction = numpy.roll(reference, 1, int(rng.integers(len(shape))))
    noise = rng.random(shape) < 0.05
    prediction[noise] = rng.integers(0, 5, noise.sum())
    return prediction, reference


def put(case, parts, **request):
    answer = DAEMON.request("PUT", path("r", case), multipart(pair(*parts, {"keep": "overlay", **request})),
                            {"Content-Type": MULTIPART})
    assert answer.status in (200, 201), answer.body


def seeds(check):
    for seed in range(CASES):
        try:
            check(numpy.random.default_rng(seed), "c%d" % seed)
        except Exception as problem:
            raise AssertionError("seed %d: %s" % (seed, problem)) from problem


def volume(rng):
    return tuple(int(n) for n in rng.integers(2, 24, 3))


def as_nifti(array):
    return nibabel.Nifti1Image(array, numpy.eye(4)).to_bytes()


@test
def a_volume_of_nifti_is_sliced_along_its_last_axis():
    def check(rng, case):
        p, r = random_pair(rng, volume(rng))
        # Of nifti, x is across; nibabel's arrays are [x, y, z].
        put(case, (as_nifti(p), as_nifti(r)))
        codes, sums = expected(stacks(p, (1, 2, 3, 4, 9)), stacks(r, (1, 2, 3, 4, 9)), r < 0, 2)
        same(case, codes, sums, 2, transpose=True)
    seeds(check)


@test
def a_volume_of_npy_is_sliced_along_its_slowest_axis():
    def check(rng, case):
        p, r = random_pair(rng, volume(rng))
        put(case, (npy(p), npy(r)), labels=[1, 3], ignore=[2])
        codes, sums = expected(stacks(p, (1, 3)), stacks(r, (1, 3)), r == 2, 0)
        same(case, codes, sums, 0)
    seeds(check)


@test
def masks_of_two_orders_are_sliced_as_the_reference_lies():
    def check(rng, case):
        p, r = random_pair(rng, volume(rng))
        put(case, (npy(numpy.ascontiguousarray(p.astype("<u2"))), as_nifti(r)), geometry="ignore")
        codes, sums = expected(stacks(p, (1, 2, 3, 4, 9)), stacks(r, (1, 2, 3, 4, 9)), r < 0, 2)
        same(case, codes, sums, 2, transpose=True)
        put(case, (as_nifti(p), npy(r)), ignore=[1, 9], geometry="ignore")
        codes, sums = expected(stacks(p, (2, 3, 4)), stacks(r, (2, 3, 4)), (r == 1) | (r == 9), 0)
        same(case, codes, sums, 0)
    seeds(check)


@test
def an_image_is_drawn_itself_and_made_smaller_where_it_is_too_large():
    def check(rng, case):
        p, r = random_pair(rng, tuple(int(n) for n in rng.integers(2, 200, 2)))
        for order in "CF":
            put(case, (npy(numpy.asarray(p, order=order)), npy(numpy.asarray(r, order=order))))
            codes, sums = expected(stacks(p, (1, 2, 3, 4, 9)), stacks(r, (1, 2, 3, 4, 9)), r < 0, None)
            same(case, codes, sums, None)
        put(case, (as_nifti(p), as_nifti(r)))
        same(case, codes, sums, None, transpose=True)
    seeds(check)


@test
def layers_that_overlap_are_compared_as_sets():
    def check(rng, case):
        shape = volume(rng)
        p, r = (rng.random((3, *shape)) < 0.3 for _ in range(2))
        parts = npy(p.astype("u1")), npy(r.astype("u1"))
        layers = {name: {"part": name, "layers": {"axis": 0, "labels": [1, 2, 5]}}
                  for name in ("prediction", "reference")}
        put(case, parts, **layers)
        codes, sums = expected(p, r, numpy.zeros(shape, bool), 0)
        same(case, codes, sums, 0)
        put(case, parts, labels=[1, 5], ignore=[2], **layers)
        codes, sums = expected(p[[0, 2]], r[[0, 2]], r[1], 0)
        same(case, codes, sums, 0)
    seeds(check)


@test
def a_threshold_makes_one_class():
    def check(rng, case):
        p, r = (rng.random(volume(numpy.random.default_rng(7))).astype("f4") for _ in range(2))
        put(case, (npy(p), npy(r)), threshold=0.5)
        codes, sums = expected(p[None] > 0.5, r[None] > 0.5, r < 0, 0)
        same(case, codes, sums, 0)
    seeds(check)


def rle(array):
    """COCO's run lengths, uncompressed: columns first, background first."""
    flat = array.flatten("F").astype("i1")
    edges = numpy.flatnonzero(numpy.diff(numpy.concatenate([[0], flat, [1 - flat[-1]]])))
    return {"size": list(array.shape), "counts": numpy.diff(numpy.concatenate([[0], edges])).tolist()}


@test
def run_lengths_are_drawn_as_the_image_that_they_are():
    def check(rng, case):
        shape = tuple(int(n) for n in rng.integers(2, 60, 2))
        p, r = (numpy.zeros(shape, bool) for _ in range(2))
        for mask in (p, r):
            mask[tuple(slice(*sorted(rng.integers(0, n + 1, 2))) for n in shape)] = True
            mask ^= rng.random(shape) < 0.1
        body = {"prediction": {"rle": rle(p)}, "reference": {"rle": rle(r)}, "keep": "overlay"}
        answer = DAEMON.request("PUT", path("r", case), json.dumps(body), JSON)
        assert answer.status in (200, 201), answer.body
        codes, sums = expected(p[None], r[None], numpy.zeros(shape, bool), None)
        same(case, codes, sums, None)
    seeds(check)


@test
def shared_memory_by_name_and_by_handle_is_drawn_like_an_upload():
    rng = numpy.random.default_rng(11)
    p, r = random_pair(rng, (9, 30, 41))
    codes, sums = expected(stacks(p, (1, 2, 3, 4, 9)), stacks(r, (1, 2, 3, 4, 9)), r < 0, 0)
    segment = shared_memory.SharedMemory(create=True, size=p.nbytes + r.nbytes)
    try:
        region = {"key": "/" + segment.name.lstrip("/"), "byte_size": p.nbytes + r.nbytes}
        assert DAEMON.unix_request("PUT", "/v1/shm/both", region).status == 201
        segment.buf[:p.nbytes] = p.tobytes()
        segment.buf[p.nbytes:p.nbytes + r.nbytes] = r.tobytes()
        with DAEMON.mailbox() as box:
            handle = box.register(memfd(p.tobytes() + r.tobytes()))["handle"]
            for place in ({"shm": "both"}, {"handle": handle}):
                body = {"prediction": view(place, p.shape),
                        "reference": view(place, p.shape, offset=p.nbytes)}
                answer = DAEMON.unix_request("PUT", path("r", "shm") + "?keep=overlay", body, JSON)
                assert answer.status in (200, 201), answer.body
                same("shm", codes, sums, 0)
    finally:
        segment.close()
        segment.unlink()


@test
def pieces_that_end_within_a_slice_make_no_difference():
    rng = numpy.random.default_rng(5)
    p, r = random_pair(rng, (300, 260, 3))
    put("large", (npy(p.astype("<i8")), npy(r.astype("<i4"))))
    codes, sums = expected(stacks(p, (1, 2, 3, 4, 9)), stacks(r, (1, 2, 3, 4, 9)), r < 0, 0)
    same("large", codes, sums, 0)


if __name__ == "__main__":
    try:
        main()
    finally:
        DAEMON.stop()
