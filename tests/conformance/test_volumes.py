#!/usr/bin/python3 -B
# test_volumes.py - NIfTI, MetaImage, NRRD and .seg.nrrd as nibabel, SimpleITK and pynrrd write them.
# SPDX-License-Identifier: Apache-2.0
"""VOLUMES_CASES says how many random files of each kind. A failure names its seed."""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peer import (CODERS, ask, nibabel, npy, numpy, random_labels, random_shape, same_labels,  # noqa: E402
                  same_layers, same_place, source)

import nrrd  # noqa: E402
import SimpleITK  # noqa: E402
from overlapd import Daemon, main, test  # noqa: E402

CASES = int(os.environ.get("VOLUMES_CASES", "60"))
INTEGERS = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]
DTYPES = INTEGERS + ["f4", "f8"]
LPS_TO_RAS = numpy.diag([-1.0, -1.0, 1.0, 1.0])
DAEMON = Daemon()
FOLDER = tempfile.TemporaryDirectory()


def written(name, write):
    """The bytes that write(path) writes."""
    path = os.path.join(FOLDER.name, name)
    write(path)
    with open(path, "rb") as file:
        return file.read()


def seeds(check, n=CASES):
    """Runs check(rng, number) for each case; an assertion says which it was."""
    for seed in range(n):
        try:
            check(numpy.random.default_rng(seed), seed)
        except Exception as problem:
            raise AssertionError("seed %d: %s" % (seed, problem)) from problem


def rotation(rng, n):
    """Any direction: turned at random, or along the axes and perhaps mirrored."""
    if rng.random() < 0.4:
        q, _ = numpy.linalg.qr(rng.normal(size=(n, n)))
        return q
    return numpy.eye(n)[rng.permutation(n)] * rng.choice([-1.0, 1.0], n)


def coded(rng, file):
    coding = str(rng.choice(list(CODERS)))
    return CODERS[coding](file), source(coding)


# ---------------------------------------------------------------------------------------- NIfTI


@test
def nifti_of_every_kind_is_what_nibabel_wrote():
    def check(rng, seed):
        order, dtype = rng.choice(["<", ">"]), DTYPES[seed % len(DTYPES)]
        array = random_labels(rng, random_shape(rng, int(rng.integers(1, 6))), dtype)
        affine = numpy.eye(4)
        affine[:3, :3] = rotation(rng, 3) * rng.uniform(0.3, 4, 3)
        affine[:3, 3] = rng.uniform(-200, 200, 3)
        kind = nibabel.Nifti1Image if rng.random() < 0.5 else nibabel.Nifti2Image
        header = kind.header_class(endianness=order)
        header.set_data_dtype(numpy.dtype(dtype).newbyteorder(order))
        image = kind(array, affine, header)
        if rng.random() < 0.5:
            image.set_qform(affine, 1)
            image.set_sform(None, 0)
        data = written("mask.nii", lambda path: nibabel.save(image, path))
        back = nibabel.Nifti1Image.from_bytes(data) if kind is nibabel.Nifti1Image else \
            nibabel.Nifti2Image.from_bytes(data)
        assert back.header.endianness == order
        file, of_file = coded(rng, data)
        same_labels(DAEMON, file, array, rng, **of_file)
        same_place(DAEMON, file, array.shape, back.affine, **of_file)

    seeds(check)


@test
def scaled_nifti_is_what_nibabel_reads():
    def check(rng, seed):
        order = rng.choice(["<", ">"])
        stored = rng.integers(0, 5, random_shape(rng, 3)).astype(INTEGERS[seed % len(INTEGERS)])
        slope, inter = float(rng.choice([1, 2, 3, 0.5, -1])), float(rng.choice([0, 1, -4, 100]))
        if slope == 0.5:
            stored *= 2
        header = nibabel.Nifti1Header(endianness=order)
        header.set_data_shape(stored.shape)
        header.set_data_dtype(stored.dtype.newbyteorder(order))
        header.set_slope_inter(slope, inter)
        header["magic"], header["vox_offset"], header["sform_code"] = b"n+1", 352, 0
        data = header.binaryblock + bytes(4) + stored.astype(
            stored.dtype.newbyteorder(order)).tobytes("F")
        values = nibabel.Nifti1Image.from_bytes(data).get_fdata()
        assert (values == stored * slope + inter).all()
        file, of_file = coded(rng, data)
        same_labels(DAEMON, file, values.astype("i8"), rng, **of_file)

    seeds(check)


@test
def labels_that_nibabel_squeezed_into_integers_are_labels_again():
    def check(rng, seed):
        most = int(rng.integers(1, 128))
        array = rng.integers(-most if seed % 2 else 0, most + 1, random_shape(rng, 3))
        array.flat[:2] = 0, most  # of the range that is spread over all integers
        header = nibabel.Nifti1Header(endianness=rng.choice(["<", ">"]))
        header.set_data_dtype(["i2", "u2", "i4", "u4", "i1", "u1"][seed % 6])
        for values, is_labels in ((array, True), (array * 0.3, False)):
            data = nibabel.Nifti1Image(values.astype("f8"), numpy.eye(4), header).to_bytes()
            back = nibabel.Nifti1Image.from_bytes(data)
            assert back.dataobj.slope != 1
            if is_labels and back.dataobj.slope <= 0.5:
                assert (numpy.rint(back.get_fdata()) == array).all()
                same_labels(DAEMON, data, array, rng)
            else:
                assert ask(DAEMON, data, npy(array), 422, {})["code"] == "non-integral"

    seeds(check, CASES // 3)


@test
def thresholds_of_scaled_nifti_are_of_the_values_that_nibabel_reads():
    def check(rng, seed):
        header = nibabel.Nifti1Header()
        header.set_data_dtype(["u1", "i2", "i4"][seed % 3])
        array = rng.uniform(0, 100, random_shape(rng, 3))
        array.flat[0] = rng.integers(1, 100)
        data = nibabel.Nifti1Image(array, numpy.eye(4), header).to_bytes()
        back = nibabel.Nifti1Image.from_bytes(data)
        values = back.get_fdata()
        for threshold in (0, 50, float(rng.integers(0, 100)), float(values.flat[0])):
            answer = ask(DAEMON, data, npy((values > threshold).astype("u1")), 200,
                         {"threshold": threshold, "geometry": "ignore", "labels": [1]})
            told = answer["inputs"]
            assert (told["prediction"]["slope"], told["prediction"]["intercept"]) == (
                back.dataobj.slope, back.dataobj.inter), told
            assert "slope" not in told["reference"]
            found = answer["classes"][0]
            assert found["prediction"] == int((values > threshold).sum()), (threshold, found)

    seeds(check, CASES // 3)


# ------------------------------------------------------------------------------------ MetaImage


def itk_image(rng, ndim, dtype):
    """A random image and its array, indexed x first."""
    array = random_labels(rng, random_shape(rng, ndim), dtype)
    image = SimpleITK.GetImageFromArray(array.transpose(), isVector=False)
    image.SetSpacing(rng.uniform(0.3, 4, ndim).tolist())
    image.SetOrigin(rng.uniform(-200, 200, ndim).tolist())
    direction = numpy.eye(ndim)
    direction[:min(ndim, 3), :min(ndim, 3)] = rotation(rng, min(ndim, 3))
    image.SetDirection(direction.ravel().tolist())
    return image, array


def itk_affine(image):
    """Where SimpleITK says voxels lie, in RAS+ millimetres: asked voxel by voxel."""
    ndim, affine = image.GetDimension(), numpy.eye(4)
    n = min(ndim, 3)
    origin = numpy.array(image.TransformIndexToPhysicalPoint([0] * ndim))
    affine[:n, 3] = origin[:n]
    for axis in range(n):
        step = [int(i == axis) for i in range(ndim)]
        affine[:n, axis] = (numpy.array(image.TransformIndexToPhysicalPoint(step)) - origin)[:n]
    return LPS_TO_RAS @ affine


@test
def metaimage_is_what_simpleitk_wrote():
    def check(rng, seed):
        image, array = itk_image(rng, int(rng.integers(2, 5)), DTYPES[seed % len(DTYPES)])
        data = written("mask.mha", lambda path: SimpleITK.WriteImage(
            image, path, useCompression=bool(rng.random() < 0.5)))
        file, of_file = coded(rng, data)
        same_labels(DAEMON, file, array, rng, **of_file)
        same_place(DAEMON, file, array.shape, itk_affine(image), **of_file)

    seeds(check)


@test
def big_endian_metaimage_is_what_simpleitk_reads():
    def check(rng, seed):
        image, array = itk_image(rng, 3, DTYPES[seed % len(DTYPES)])
        data = written("mask.mha", lambda path: SimpleITK.WriteImage(image, path))
        key = rng.choice([b"BinaryDataByteOrderMSB", b"ElementByteOrderMSB"])
        head = re.sub(rb"BinaryDataByteOrderMSB = False", key + b" = True",
                      data[:data.index(b"LOCAL\n") + 6])
        file = head + array.astype(array.dtype.newbyteorder(">")).tobytes("F")
        path = os.path.join(FOLDER.name, "big.mha")
        with open(path, "wb") as out:
            out.write(file)
        assert (SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(path)) == array.transpose()).all()
        same_labels(DAEMON, file, array, rng)

    seeds(check)


# ----------------------------------------------------------------------------------------- NRRD


@test
def nrrd_is_what_pynrrd_wrote_and_lies_where_simpleitk_says():
    def check(rng, seed):
        dtype = numpy.dtype(DTYPES[seed % len(DTYPES)]).newbyteorder(str(rng.choice(["<", ">"])))
        array = random_labels(rng, random_shape(rng, 3), dtype)
        space = str(rng.choice(["left-posterior-superior", "right-anterior-superior",
                                "left-anterior-superior"]))
        directions = rotation(rng, 3) * rng.uniform(0.3, 4, 3)[:, None]
        header = {"space": space, "space directions": directions,
                  "space origin": rng.uniform(-200, 200, 3), "kinds": ["domain"] * 3,
                  "encoding": str(rng.choice(["raw", "gzip"]))}
        data = written("mask.nrrd", lambda path: nrrd.write(path, array, header))
        assert (nrrd.read(os.path.join(FOLDER.name, "mask.nrrd"))[0] == array).all()
        file, of_file = coded(rng, data)
        same_labels(DAEMON, file, array, rng, **of_file)
        image = SimpleITK.ReadImage(os.path.join(FOLDER.name, "mask.nrrd"))
        same_place(DAEMON, file, array.shape, itk_affine(image), **of_file)

    seeds(check)


@test
def nrrd_of_one_to_five_axes_is_what_pynrrd_wrote():
    def check(rng, seed):
        ndim = 1 + seed % 5
        array = random_labels(rng, random_shape(rng, ndim, 6), DTYPES[seed % len(DTYPES)])
        header = {"encoding": str(rng.choice(["raw", "gzip"])), "sizes": array.shape}
        data = written("mask.nrrd", lambda path: nrrd.write(path, array, header))
        file, of_file = coded(rng, data)
        same_labels(DAEMON, file, array, rng, **of_file)

    seeds(check)


@test
def nrrd_with_layers_first_lies_where_its_other_axes_do():
    def check(rng, seed):
        array = (rng.random((2, *random_shape(rng, 3))) < 0.4).astype("u1")
        directions = rotation(rng, 3) * rng.uniform(0.3, 4, 3)[:, None]
        origin = rng.uniform(-200, 200, 3)
        header = {"space": "left-posterior-superior", "space origin": origin,
                  "space directions": numpy.concatenate([numpy.full((1, 3), numpy.nan), directions]),
                  "kinds": [str(rng.choice(["list", "vector"]))] + ["domain"] * 3}
        file = written("list.nrrd", lambda path: nrrd.write(path, array, header))
        affine = itk_affine(SimpleITK.ReadImage(os.path.join(FOLDER.name, "list.nrrd")))
        layers = {"layers": {"axis": 0, "labels": [1, 2]}}
        same_place(DAEMON, file, array.shape[1:], affine, **layers)
        header["space origin"] = origin + [0, 0, 1]
        moved = written("list.nrrd", lambda path: nrrd.write(path, array, header))
        for request in ({}, {"prediction": layers, "reference": layers}):
            assert ask(DAEMON, file, file, 200, request)["geometry"] == "match"
            assert ask(DAEMON, file, moved, 422, request)["code"] == "geometry-mismatch"

    seeds(check, CASES // 3)


@test
def nrrd_is_what_simpleitk_wrote():
    def check(rng, seed):
        image, array = itk_image(rng, 3, DTYPES[seed % len(DTYPES)])
        data = written("mask.nrrd", lambda path: SimpleITK.WriteImage(
            image, path, useCompression=bool(seed % 2)))
        same_labels(DAEMON, data, array, rng)
        same_place(DAEMON, data, array.shape, itk_affine(image))

    seeds(check)


# ------------------------------------------------------------------------------------ .seg.nrrd


def segmentation(rng, shape, n_segments):
    """Random segments as Slicer packs them: as few layers as there is overlap for."""
    segments, layers, packed = [], [], []
    for number in range(n_segments):
        mask = rng.random(shape) < rng.choice([0.0, 0.1, 0.4])
        for layer, used in enumerate(layers):
            if not (used & mask).any():
                break
        else:
            layer = len(layers)
            layers.append(numpy.zeros(shape, bool))
            packed.append(numpy.zeros(shape, "u1"))
        layers[layer] |= mask
        value = int(packed[layer].max(initial=0)) + 1
        value = max([s["value"] for s in segments if s["layer"] == layer], default=0) + 1
        packed[layer][mask] = value
        segments.append({"name": "segment %d" % number, "mask": mask, "layer": layer,
                         "value": value})
    return segments, packed


def seg_header(segments, directions, origin, n_layers, first):
    header = {"space": "left-posterior-superior", "space origin": origin,
              "space directions": directions, "kinds": ["domain"] * 3, "encoding": "gzip"}
    if n_layers > 1:
        none = numpy.full((1, 3), numpy.nan)
        header["space directions"] = numpy.concatenate(
            [none, directions] if first else [directions, none])
        header["kinds"] = ["list"] + ["domain"] * 3 if first else ["domain"] * 3 + ["list"]
    for i, segment in enumerate(segments):
        key = "Segment%d_" % i
        header.update({key + "ID": "Segment_%d" % (i + 1), key + "Name": segment["name"],
                       key + "LabelValue": str(segment["value"]),
                       key + "Layer": str(segment["layer"])})
    header["Segmentation_SourceRepresentation"] = "Binary labelmap"
    return header


def expected_labels(segments):
    """{label: mask}, as docs/formats.md numbers segments."""
    values = [segment["value"] for segment in segments]
    unique = len(set(values)) == len(values)
    return {segment["value"] if unique else i + 1: segment["mask"]
            for i, segment in enumerate(segments)}


def seg_file(rng, segments, packed, header):
    first = header["kinds"][0] == "list"
    array = packed[0] if len(packed) == 1 else numpy.stack(packed, 0 if first else -1)
    data = written("mask.seg.nrrd", lambda path: nrrd.write(path, array, header))
    image = SimpleITK.ReadImage(os.path.join(FOLDER.name, "mask.seg.nrrd"))
    if len(packed) > 1 and first:  # SimpleITK makes a vector of the list, and writes it so
        seen = SimpleITK.GetArrayFromImage(image)
        assert (numpy.moveaxis(seen, -1, 0).transpose(0, 3, 2, 1) == array).all()
        if rng.random() < 0.5:
            data = written("vector.seg.nrrd", lambda path: SimpleITK.WriteImage(image, path))
            assert b"kinds: vector domain" in data
    return CODERS[str(rng.choice(["none", "zstd", "lz4"]))](data)


@test
def segments_that_may_overlap_are_those_that_were_written():
    def check(rng, seed):
        shape = random_shape(rng, 3)
        segments, packed = segmentation(rng, shape, int(rng.integers(2, 7)))
        header = seg_header(segments, numpy.diag(rng.uniform(0.3, 4, 3)), rng.uniform(-9, 9, 3),
                            len(packed), seed % 3 != 0)
        file = seg_file(rng, segments, packed, header)
        wanted = expected_labels(segments)
        answer = same_layers(DAEMON, file, wanted)
        names = {c["label"]: c["name"] for c in answer["classes"]}
        assert names == {label: "segment %d" % i for i, label in enumerate(wanted)}, names

    seeds(check)


@test
def cropped_segmentations_are_put_back_and_lie_where_the_image_does():
    def check(rng, seed):
        shape = random_shape(rng, 3)
        segments, packed = segmentation(rng, shape, int(rng.integers(1, 5)))
        full = [numpy.asarray(layer) for layer in packed]
        low = [int(rng.integers(0, n)) for n in shape]
        high = [int(rng.integers(a, n)) + 1 for a, n in zip(low, shape)]
        if all(b - a == 1 for a, b in zip(low, high)):
            low, high = [0] * 3, list(shape)  # one voxel would stand for none
        inside = tuple(slice(a, b) for a, b in zip(low, high))
        kept = numpy.zeros(shape, bool)
        kept[inside] = True
        for segment in segments:
            segment["mask"] = segment["mask"] & kept
        directions = rotation(rng, 3) * rng.uniform(0.3, 4, 3)[:, None]
        origin, start = rng.uniform(-90, 90, 3), rng.integers(-5, 6, 3)
        matrix = numpy.eye(4)  # of voxel numbers that begin at start
        matrix[:3, :3], matrix[:3, 3] = directions.T, origin - start @ directions
        ras = LPS_TO_RAS @ matrix
        extent = [str(int(n)) for a, b in zip(start, shape) for n in (a, a + b - 1)]
        header = seg_header(segments, directions, origin + low @ directions, len(packed), True)
        header["Segmentation_ConversionParameters"] = "Smoothing factor|0.5|&%s|%s|Of it.&" % (
            "Reference image geometry", ";".join([repr(float(v)) for v in ras.ravel()] + extent) + ";")
        header["Segmentation_ReferenceImageExtentOffset"] = " ".join(
            str(int(a)) for a in start + low)
        file = seg_file(rng, segments, [layer[inside] for layer in full], header)
        answer = same_layers(DAEMON, file, expected_labels(segments))
        assert not answer["inputs"]["prediction"].get("skipped"), answer["inputs"]
        affine = numpy.eye(4)
        affine[:3, :3], affine[:3, 3] = directions.T, origin
        same_place(DAEMON, file, shape, LPS_TO_RAS @ affine)

    seeds(check)


@test
def what_is_passed_over_in_a_segmentation_is_said_in_utf_8():
    labels = numpy.arange(24, dtype="u1").reshape(4, 3, 2) % 3
    segments = [{"name": name, "value": i + 1, "layer": 0}
                for i, name in enumerate(["Name", "bad"])]
    header = seg_header(segments, numpy.eye(3), numpy.zeros(3), 1, True)
    header["Segmentation_ReferenceImageExtentOffset"] = "1 0 0"
    file = written("a.seg.nrrd", lambda path: nrrd.write(path, labels, header))
    file = file.replace(b":=Name", ":=Größe".encode())  # pynrrd writes ASCII, Slicer UTF-8
    for data, name in ((file, "bad"), (file.replace(b":=bad", b":=b\xffd"), "b?d")):
        answer = ask(DAEMON, data, npy(labels), 200, {})
        assert [c["name"] for c in answer["classes"]] == ["Größe", name], answer["classes"]
        assert list(answer["inputs"]["prediction"]["skipped"].values()) == [1], answer["inputs"]
        answer = ask(DAEMON, data, file, 200, {"labels": [{"label": 1, "name": "x"}, 2]})
        seen = answer["inputs"]["prediction"]["skipped"]
        assert seen["another name of label 1"] == 1, seen


# --------------------------------------------------------------------------------------- codings


@test
def every_coding_is_read_around_every_format():
    rng = numpy.random.default_rng(7)
    array = random_labels(rng, (40, 30, 20), "u2")
    image = SimpleITK.GetImageFromArray(array.transpose())
    files = {
        "npy": npy(array),
        "nifti": nibabel.Nifti1Image(array, numpy.eye(4)).to_bytes(),
        "metaimage": written("a.mha", lambda path: SimpleITK.WriteImage(image, path, True)),
        "nrrd": written("a.nrrd", lambda path: nrrd.write(path, array, {"encoding": "gzip"})),
    }
    for format_, file in files.items():
        for coding, coder in CODERS.items():
            same_labels(DAEMON, coder(file), array, rng, format=format_, **source(coding))
            assert DAEMON.get("/v1/info").json["encodings"].count(coding) == 1


if __name__ == "__main__":
    try:
        main()
    finally:
        DAEMON.stop()
