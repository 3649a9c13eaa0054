#!/usr/bin/python3 -B
# test_images.py - NPZ, TIFF and PNG files of other libraries are read as the arrays they were made of.
# SPDX-License-Identifier: Apache-2.0
"""Every file is scored against an NPY file of the same array: each label must have the count that
NumPy finds, and neither side a voxel more. NumPy writes the NPZ, tifffile and Pillow the TIFF, Pillow
the PNG; the ids of panoptic images are computed as COCO's own tools do, id = R + 256 G + 65536 B."""
import glob
import gzip
import io
import json
import os
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
sys.path[1:1] = glob.glob("build/venv/lib/python3*/site-packages")
from overlapd import Daemon, Skip, main, pair, test

try:
    import numpy
    import tifffile
    import zstandard
    from PIL import Image
    MISSING = None
except ImportError as error:
    MISSING = "%s; script/bootstrap peers" % error

DAEMON = None
SHAPES = [(1, 1), (1, 37), (41, 1), (16, 16), (17, 300), (130, 67), (256, 256)]


def daemon():
    global DAEMON
    if MISSING:
        raise Skip(MISSING)
    DAEMON = DAEMON or Daemon()
    return DAEMON


# ---------------------------------------------------------------------------------- comparing


def npy(array):
    file = io.BytesIO()
    numpy.save(file, array)
    return file.getvalue()


def post(file, reference, options=None):
    request = {"background": None, "prediction": {"part": "prediction", **(options or {})}}
    return daemon().score(pair(file, reference, request))


def same(array, file, options=None, what=""):
    """The file is read as this array."""
    answer = post(file, npy(array), options)
    assert answer.status == 200, (what, answer.body)
    found = {c["label"]: (c["tp"], c["fp"], c["fn"]) for c in answer.json["classes"]}
    labels, counts = numpy.unique(array, return_counts=True)
    expected = {int(label): (int(n), 0, 0) for label, n in zip(labels, counts)}
    assert found == expected, (what, found, expected)
    return answer.json


def refused(file, code, words, options=None, array=None):
    answer = post(file, npy(numpy.zeros((4, 4), "u1")) if array is None else npy(array), options)
    document = answer.json
    assert answer.status >= 400 and document["code"] == code, answer.body
    assert words in document["detail"], (words, document["detail"])


def masks(dtype, shapes=SHAPES, seed=1):
    """Random blobs and edge cases: nothing, everything, one pixel, the ends of the dtype's range."""
    random = numpy.random.default_rng(seed)
    kind = numpy.dtype(dtype)
    if kind.kind == "f":
        low, high = -1000, 1000
    else:
        low, high = max(numpy.iinfo(kind).min, -2**31), min(numpy.iinfo(kind).max, 2**32 - 1)
    for shape in shapes:
        array = numpy.zeros(shape, kind)
        for _ in range(6):
            ends = [sorted(random.integers(0, n + 1, 2)) for n in shape]
            box = tuple(slice(a, b) for a, b in ends)
            array[box] = random.integers(low, high, endpoint=True)
        array.flat[-1] = high
        array.flat[0] = low
        yield array
    yield numpy.zeros(shapes[-1], kind)
    yield numpy.full(shapes[-1], high, kind)
    one = numpy.zeros(shapes[-1], kind)
    one.flat[one.size // 3] = 1
    yield one


# ---------------------------------------------------------------------------------------- NPZ


class Pipe(io.RawIOBase):
    """What numpy cannot seek in, so that it writes data descriptors."""

    def __init__(self):
        super().__init__()
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)


def npz(save, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


@test
def npz_of_every_dtype_is_read():
    daemon()
    for dtype in ("u1", "i1", "<u2", ">i2", "<i4", ">u4", "<i8", ">u8", "<f4", ">f8"):
        for array in masks(dtype, SHAPES[2:5]):
            for save in (numpy.savez, numpy.savez_compressed):
                same(array, npz(save, mask=array), what=dtype)


@test
def npz_of_volumes_and_fortran_order_is_read():
    daemon()
    for array in masks("u2", [(5, 7, 9), (1, 64, 64), (30, 1, 3), (12, 40, 50)]):
        for made in (array, numpy.asfortranarray(array)):
            assert same(array, npz(numpy.savez_compressed, mask=made))["inputs"]["prediction"]["format"] == "npz"


@test
def npz_written_to_a_pipe_has_data_descriptors_and_is_read():
    daemon()
    for save in (numpy.savez, numpy.savez_compressed):
        for array in masks("u1", [(40, 50)]):
            pipe = Pipe()
            save(pipe, pred=array, other=numpy.arange(10))
            assert pipe.data[6] & 8, "no data descriptor"
            same(array, pipe.data, {"member": "pred"})


@test
def npz_members_are_named_with_or_without_ending():
    daemon()
    first, second = list(masks("u1", [(20, 30)]))[:2]
    file = npz(numpy.savez_compressed, pred=first, gt=second)
    same(first, file, {"member": "pred.npy"})
    same(second, file, {"member": "gt"})
    refused(file, "no-such-member", "pred.npy, gt.npy")
    refused(file, "no-such-member", "it has pred.npy, gt.npy", {"member": "mask"})
    refused(npz(numpy.savez), "no-such-member", "empty")
    refused(npz(numpy.savez, a=numpy.array([None])), "unsupported-mask", "Python objects")


@test
def npz_holds_layers_as_npy_does():
    daemon()
    labels = next(masks("u1", [(30, 40)]))
    stack = numpy.stack([labels == label for label in numpy.unique(labels)[1:]]).astype("u1")
    names = [int(label) for label in numpy.unique(labels)[1:]]
    answer = daemon().score(pair(npz(numpy.savez, a=stack), npy(labels), {
        "prediction": {"layers": {"axis": 0, "labels": names}}}))
    assert answer.status == 200, answer.body
    assert all(c["dice"] == 1 for c in answer.json["classes"]), answer.body


# --------------------------------------------------------------------------------------- TIFF


def tiff(array, **more):
    file = io.BytesIO()
    more.setdefault("photometric", "minisblack")
    tifffile.imwrite(file, array, **more)
    return file.getvalue()


COMPRESSIONS = [None, "lzw", "deflate", "adobe_deflate", "packbits", "zstd"]


@test
def tiff_of_every_dtype_byte_order_and_size_is_read():
    daemon()
    for dtype in ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8", "u8", "i8"):
        for array in masks(dtype):
            for byteorder in "<>":
                for bigtiff in (False, True):
                    same(array, tiff(array, byteorder=byteorder, bigtiff=bigtiff), what=(dtype, byteorder))


@test
def tiff_of_every_compression_is_read():
    daemon()
    for compression in COMPRESSIONS:
        for dtype in ("u1", "i2", "u4"):
            for byteorder in "<>":
                for array in masks(dtype, SHAPES[3:]):
                    for rows in (1, 7, 1000):
                        same(array, tiff(array, compression=compression, rowsperstrip=rows, byteorder=byteorder),
                             what=(compression, dtype, rows))


@test
def tiff_with_predictors_is_read():
    daemon()
    for compression in ("lzw", "deflate", "zstd"):
        for dtype, predictor in (("u1", 2), ("u2", 2), ("i4", 2), ("f4", 3)):
            for byteorder in "<>":
                for array in masks(dtype, SHAPES[3:6]):
                    same(array, tiff(array, compression=compression, predictor=predictor, byteorder=byteorder))


@test
def tiff_in_tiles_is_read():
    daemon()
    for compression in COMPRESSIONS:
        for tile in ((16, 16), (64, 32), (256, 256)):
            for dtype in ("u1", "u2", "i4", "f4"):
                for array in masks(dtype, SHAPES[1:6]):
                    same(array, tiff(array, compression=compression, tile=tile), what=(compression, tile))


@test
def tiff_of_pages_is_a_volume():
    daemon()
    for compression in (None, "lzw", "zstd"):
        for more in ({}, {"tile": (16, 32)}, {"bigtiff": True, "byteorder": ">"}, {"metadata": None}):
            for array in masks("u2", [(2, 5, 7), (9, 33, 40), (40, 1, 3)]):
                answer = same(array, tiff(array, compression=compression, **more))
                assert answer["shape"] == list(array.shape)


@test
def tiff_pages_may_be_stored_in_different_ways():
    daemon()
    array = next(masks("u1", [(4, 50, 60)]))
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for i, more in enumerate(({}, {"compression": "lzw"}, {"tile": (16, 16)}, {"compression": "zstd"})):
            writer.write(array[i], photometric="minisblack", metadata=None, **more)
    same(array, file.getvalue())


@test
def tiff_pyramids_are_read_at_full_size():
    daemon()
    array = next(masks("u1", [(128, 96)]))
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(array, photometric="minisblack", metadata=None)
        writer.write(array[::2, ::2], photometric="minisblack", metadata=None, subfiletype=1)
        writer.write(array[::4, ::4], photometric="minisblack", metadata=None, subfiletype=1)
    answer = same(array, file.getvalue())
    assert answer["inputs"]["prediction"]["skipped"] == {"reduced page": 2}, answer["inputs"]
    file = io.BytesIO()
    with tifffile.TiffWriter(file, ome=True) as writer:  # as sub-directories, which are not followed
        writer.write(array, photometric="minisblack", subifds=1, tile=(16, 16))
        writer.write(array[::2, ::2], photometric="minisblack", subfiletype=1, tile=(16, 16))
    same(array, file.getvalue())


@test
def tiff_of_other_writers_is_read():
    daemon()
    for dtype in ("u1", "u2", "i4", "f4"):
        for array in masks(dtype, SHAPES[3:6]):
            for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
                file = io.BytesIO()
                Image.fromarray(array).save(file, "TIFF", compression=compression)
                same(array, file.getvalue(), what=(dtype, compression))
    for array in masks("u1", SHAPES[3:6]):
        bits, indexed = io.BytesIO(), Image.fromarray(array, "L").convert("P")
        Image.fromarray(array > 1).save(bits, "TIFF")
        same((array > 1).astype("u1"), bits.getvalue())
        bits = io.BytesIO()
        indexed.save(bits, "TIFF")
        same(numpy.array(indexed), bits.getvalue())


@test
def tiff_of_imagej_and_ome_is_read():
    daemon()
    array = next(masks("u2", [(6, 40, 30)]))
    same(array, tiff(array, imagej=True, metadata={"axes": "ZYX"}))
    same(array, tiff(array, ome=True, metadata={"axes": "ZYX"}))


@test
def codings_around_npz_and_tiff_are_taken_off():
    daemon()
    array = next(masks("u2", [(300, 400)]))
    for file in (npz(numpy.savez, a=array), tiff(array)):
        same(array, gzip.compress(file))
        same(array, zstandard.compress(file))
        same(array, zlib.compress(file), {"encoding": "zlib"})


@test
def tiff_that_holds_no_labels_is_refused():
    daemon()
    rgb, grey = numpy.zeros((16, 16, 3), "u1"), numpy.zeros((16, 16), "u1")
    refused(tiff(rgb, photometric="rgb"), "unsupported-mask", '"colors"')
    refused(tiff(rgb, photometric="rgb", compression="jpeg"), "unsupported-mask", "JPEG")
    refused(tiff(grey, photometric="miniswhite"), "unsupported-mask", "white as 0")
    refused(tiff(grey.astype("c8")), "unsupported-mask", "complex")
    refused(tiff(grey.astype("f2")), "unsupported-mask", "floats of 16 bits")
    refused(tiff(grey, compression="lzma"), "unsupported-mask", "LZMA")
    refused(tiff(rgb[:, :, :2], planarconfig="contig"), "unsupported-mask", "several samples")
    refused(tiff(grey, extratags=[(274, "H", 1, 6, True)]), "unsupported-mask", "orientation")
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(grey, metadata=None)
        writer.write(grey[:8], metadata=None)
    refused(file.getvalue(), "unsupported-mask", "Page 2 of the TIFF is 8 x 16")


# ------------------------------------------------------------------------------------- colours


COLORS = {"#ff0000": 1, "#00ff00": 2, "#0000FF": 300, "#808000": 0, "#ffffff": -7}


def paint(labels, colors, black=0):
    """The RGB image of labels."""
    image = numpy.zeros(labels.shape + (3,), "u1")
    for color, label in colors.items():
        image[labels == label] = [int(color[i:i + 2], 16) for i in (1, 3, 5)]
    image[labels == black] = 0
    return image


def file_of(image, kind, **more):
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def painted(seed=3):
    random = numpy.random.default_rng(seed)
    for shape in SHAPES:
        yield random.choice([0, 1, 2, 300, -7], shape).astype("i4")


@test
def colours_of_rgb_images_are_labels():
    daemon()
    for labels in painted():
        image = Image.fromarray(paint(labels, COLORS))
        for kind, more in (("PNG", {}), ("PNG", {"compress_level": 0}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})):
            same(labels, file_of(image, kind, **more), {"colors": COLORS}, kind)
        same(labels, tiff(paint(labels, COLORS), photometric="rgb", tile=(16, 16)), {"colors": COLORS})


@test
def colours_of_palettes_are_labels():
    daemon()
    for labels in painted():
        image = Image.fromarray(paint(labels, COLORS)).quantize(16)
        assert (numpy.array(image.convert("RGB")) == paint(labels, COLORS)).all()
        same(labels, file_of(image, "PNG"), {"colors": COLORS})
        same(labels, file_of(image, "PNG", bits=4), {"colors": COLORS})
        same(labels, file_of(image, "TIFF"), {"colors": COLORS})


@test
def colours_of_transparent_images_are_labels():
    daemon()
    for labels in painted():
        alpha = numpy.full(labels.shape, 255, "u1")
        alpha.flat[::3] = 0
        image = numpy.dstack([paint(labels, COLORS), alpha])
        expected = numpy.where(alpha > 0, labels, 0)
        same(expected, file_of(Image.fromarray(image), "PNG"), {"colors": COLORS})
        same(expected, tiff(image, photometric="rgb", extrasamples=["unassalpha"]), {"colors": COLORS})


@test
def grey_values_are_colours_where_colours_are_asked_for():
    daemon()
    for bits in masks("u1", SHAPES[3:6]):
        truth = (bits > 1).astype("u1") * 4
        same(truth, file_of(Image.fromarray(bits > 1), "PNG"), {"colors": {"#ffffff": 4}})
        same(truth, file_of(Image.fromarray((bits > 1).astype("u1") * 255), "TIFF"), {"colors": {"#ffffff": 4}})


@test
def other_colours_are_refused_unless_a_star_names_them():
    daemon()
    labels = numpy.zeros((4, 4), "i4")
    labels[2, 1:] = 2
    file = file_of(Image.fromarray(paint(labels, COLORS)), "PNG")
    refused(file, "unlisted-color", "row 2, column 1 (from 0) has the colour #00ff00", {"colors": {"#ff0000": 1}})
    refused(file, "unsupported-mask", '"colors"')
    same(labels * 2, file, {"colors": {"*": 4}})
    same(numpy.where(labels == 2, 1, 9), file, {"colors": {"#00ff00": 1, "#000000": 9}})
    refused(npy(labels), "bad-parameter", 'no "colors"', {"colors": {"#ff0000": 1}})


@test
def panoptic_ids_are_labels():
    daemon()
    random = numpy.random.default_rng(5)
    for shape in SHAPES:
        ids = random.choice([0, 1, 255, 256, 65535, 65536, 2**24 - 1, 7438979], shape).astype("u4")
        image = numpy.dstack([ids % 256, ids // 256 % 256, ids // 65536]).astype("u1")
        same(ids, file_of(Image.fromarray(image), "PNG"), {"colors": "coco_panoptic"})
        same(ids, tiff(image, photometric="rgb"), {"colors": "coco_panoptic"})


@test
def two_panoptic_images_are_scored_against_each_other():
    daemon()
    ids = numpy.array([[0, 3000], [3000, 70000]], "u4")
    others = numpy.array([[0, 3000], [70000, 70000]], "u4")
    files = [file_of(Image.fromarray(numpy.dstack([a % 256, a // 256 % 256, a // 65536]).astype("u1")), "PNG")
             for a in (ids, others)]
    colors = {"colors": "coco_panoptic"}
    answer = daemon().score(pair(*files, {"prediction": colors, "reference": colors}))
    assert answer.status == 200, answer.body
    found = {c["label"]: (c["tp"], c["fp"], c["fn"]) for c in answer.json["classes"]}
    assert found == {3000: (1, 1, 0), 70000: (1, 0, 1)}, found


@test
def the_daemon_stops_cleanly():
    daemon().stop()


if __name__ == "__main__":
    main()
