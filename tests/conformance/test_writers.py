#!/usr/bin/python3 -B
# test_writers.py - one pair of masks, however libraries write it, has the Dice scores that NumPy finds.
# SPDX-License-Identifier: Apache-2.0
"""The pair is a scan of a spine from ../shared/data, or else the phantom of examples/masks. Each way
of writing it is the prediction once and the reference once, beside a neighbour in the table."""
import io
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peer import ROOT, ask, nibabel, npy, numpy  # noqa: E402

import nrrd  # noqa: E402
import SimpleITK  # noqa: E402
import tifffile  # noqa: E402
from PIL import Image  # noqa: E402
from pycocotools import mask as coco  # noqa: E402
from overlapd import Daemon, main, test  # noqa: E402

DAEMON = Daemon()
FOLDER = tempfile.TemporaryDirectory()


def loaded(spine, phantom):
    """A part of the spine's mask, and where the whole lies."""
    path = os.path.join(ROOT, "../shared/data/spine", spine)
    if not os.path.exists(path):
        path = os.path.join(ROOT, "examples/masks", phantom)
    image = nibabel.load(path)
    array = numpy.asarray(image.dataobj).astype("u1")
    return (array[180:261, 200:263] if len(array) > 300 else array), image.affine


PREDICTION, AFFINE = loaded("pred.nii.gz", "prediction.nii.gz")
REFERENCE, _ = loaded("ref.nii.gz", "reference.nii.gz")
SLICE = PREDICTION.shape[2] // 2


def dice(prediction, reference):
    """{label: score} of the labels but 0."""
    result = {}
    for label in numpy.union1d(prediction, reference)[1:]:
        p, r = prediction == label, reference == label
        result[int(label)] = 2 * int((p & r).sum()) / (int(p.sum()) + int(r.sum()))
    return result


def written(name, write):
    path = os.path.join(FOLDER.name, name)
    write(path)
    with open(path, "rb") as file:
        return file.read()


def saved(image, kind, **more):
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


# ----------------------------------------------------------------------------------- the table


def nifti(kind=nibabel.Nifti1Image, dtype="u1", order="<", of="u1", name="mask.nii"):
    """Arrays of `of`, stored as dtype: where that is narrower than floats, nibabel scales them."""
    def write(array):
        header = kind.header_class(endianness=order)
        header.set_data_dtype(numpy.dtype(dtype).newbyteorder(order))
        image = kind(array.astype(of), AFFINE, header)
        return written(name, lambda path: nibabel.save(image, path))
    return write


def itk(name, kind, compressed):
    def write(array):
        image = SimpleITK.Cast(SimpleITK.GetImageFromArray(array.transpose(2, 1, 0)), kind)
        return written(name, lambda path: SimpleITK.WriteImage(image, path, compressed))
    return write


def nrrd_file(dtype, **header):
    return lambda array: written("mask.nrrd", lambda path: nrrd.write(
        path, array.astype(dtype), {"encoding": "raw", **header}))


def npz(save):
    def write(array):
        out = io.BytesIO()
        save(out, mask=array)
        return out.getvalue()
    return write


def tiff(convert=lambda array: array, options=None, **more):
    def write(array):
        out = io.BytesIO()
        with tifffile.TiffWriter(out, **(options or {})) as file:
            file.write(convert(array), **more)
        return out.getvalue()
    return write


def pillow(kind, mode="L", **more):
    def write(array):
        image = Image.fromarray(array.astype("u2") if mode == "I;16" else array)
        if mode == "P":
            image.putpalette([(i * 37) % 256 for i in range(768)])
        return saved(image, kind, **more)
    return write


def coco_file(array):
    annotations = []
    for label in numpy.unique(array)[1:].tolist():
        found = coco.encode(numpy.asfortranarray((array == label).astype("u1")))
        annotations.append({"id": label, "image_id": 1, "category_id": label, "iscrowd": 0,
                            "segmentation": {**found, "counts": found["counts"].decode()}})
    return annotations


VOLUMES = {
    **{"NIfTI-%d %s%s" % (n, order, dtype): (nifti(kind, dtype, order), {})
       for n, kind in ((1, nibabel.Nifti1Image), (2, nibabel.Nifti2Image))
       for dtype in ("u1", "i2", "u2", "i4", "i8", "f4", "f8") for order in "<>"},
    **{"NIfTI of floats as " + dtype: (nifti(dtype=dtype, of="f8"), {})
       for dtype in ("u1", "u2", "i2", "i4")},
    ".nii.gz": (nifti(name="mask.nii.gz"), {}),
    **{"ITK %s %s %s" % (name, kind, compressed): (itk(name, getattr(SimpleITK, kind), compressed), {})
       for name in ("mask.nii.gz", "mask.mha", "mask.nrrd") for compressed in (False, True)
       for kind in ("sitkUInt8", "sitkInt16", "sitkUInt32", "sitkInt64", "sitkFloat32")},
    **{"NRRD " + dtype: (nrrd_file(dtype), {}) for dtype in ("u1", ">i2", "<u4", ">i8", "<f4", ">f8")},
    "NRRD gzip": (nrrd_file("u1", encoding="gzip"), {}),
    "NPY": (npy, {}),
    "NPY Fortran": (lambda array: npy(numpy.asfortranarray(array)), {}),
    **{"NPY " + dtype: (lambda array, dtype=dtype: npy(array.astype(dtype)), {})
       for dtype in (">u2", "<u8", ">i4", "<f2", ">f8")},
    "NPZ": (npz(numpy.savez), {}),
    "NPZ compressed": (npz(numpy.savez_compressed), {}),
    "TIFF pages": (tiff(), {}),
    "TIFF ImageJ": (tiff(options={"imagej": True}), {}),
    "TIFF OME": (tiff(options={"ome": True}), {}),
    "raw": (lambda array: array.tobytes(),
            {"format": "raw", "dtype": "uint8", "shape": list(PREDICTION.shape)}),
}

IMAGES = {
    **{"PNG %s %s" % (mode, sorted(more)): (pillow("PNG", mode, **more), {})
       for mode in ("L", "P", "I;16") for more in ({}, {"optimize": True}, {"compress_level": 0})},
    "PNG P with alpha": (pillow("PNG", "P", transparency=0), {}),
    **{"TIFF %s %s" % (dtype, order): (tiff(lambda array, dtype=dtype: array.astype(dtype),
                                            {"byteorder": order}), {})
       for dtype in ("u1", "i1", "u2", "i4", "u8", "f4", "f8") for order in "<>"},
    **{"TIFF %s %s" % (name, more): (tiff(compression=name, **more), {})
       for name in (None, "lzw", "packbits", "deflate", "zstd")
       for more in ({}, {"tile": (32, 48)}, {"rowsperstrip": 7})},
    "TIFF predictor": (tiff(compression="lzw", predictor=True), {}),
    "TIFF big": (tiff(options={"bigtiff": True}), {}),
    **{"Pillow TIFF %s %s" % (mode, name): (pillow("TIFF", mode, compression=name), {})
       for mode in ("L", "P", "I;16") for name in (None, "tiff_lzw", "packbits", "tiff_deflate")},
    "COCO results": (lambda array: json.dumps(coco_file(array)).encode(), {}),
    "NPY": (npy, {}),
}


def all_score_as_numpy(table, prediction, reference):
    wanted, ways = dice(prediction, reference), list(table.items())
    assert len(wanted) > 1 and 0 < max(wanted.values()) < 1, wanted
    for i, (name, (write, source)) in enumerate(ways):
        other, (write_other, source_other) = ways[(i + 7) % len(ways)]
        request = {"prediction": source, "reference": source_other, "geometry": "ignore"}
        answer = ask(DAEMON, write(prediction), write_other(reference), 200, request)
        found = {row["label"]: row["dice"] for row in answer["classes"]}
        assert found == wanted, "%s against %s: %s, not %s" % (name, other, found, wanted)


@test
def volumes_score_as_in_numpy_whatever_wrote_them():
    all_score_as_numpy(VOLUMES, PREDICTION, REFERENCE)


@test
def images_score_as_in_numpy_whatever_wrote_them():
    all_score_as_numpy(IMAGES, PREDICTION[:, :, SLICE].copy(), REFERENCE[:, :, SLICE].copy())


@test
def the_daemon_stops_cleanly():
    DAEMON.stop()


main()
