#!/usr/bin/python3
# test_dicom.py - segmentations that highdicom writes are read as the masks that they were made of.
# SPDX-License-Identifier: Apache-2.0
"""Each is scored against the arrays themselves: as NPY layers, whose counts NumPy knows, and as a
NIfTI file that ITK wrote, which tells where the voxels lie."""
import glob
import io
import os
import sys
import tempfile
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
sys.path[1:1] = glob.glob("build/venv/lib/python3*/site-packages")
import overlapd
from overlapd import Daemon, Skip, test

try:
    import highdicom
    import numpy
    import pydicom
    import SimpleITK
    from pydicom.sr.codedict import codes
    from pydicom.uid import generate_uid
    MISSING = None
except ImportError as error:
    MISSING = "%s; script/bootstrap peers" % error

warnings.filterwarnings("ignore")


# -------------------------------------------------------------------------------- what is written


class Grid:
    """A series of CT images: where slice 0 lies, the directions of its rows, columns and slices."""

    def __init__(self, shape, spacing=(0.8, 0.7, 2.5), origin=(-12.5, 33.0, 7.25), rotation=None,
                 reverse=False):
        self.columns, self.rows, self.slices = shape
        self.spacing, self.origin, self.reverse = spacing, numpy.array(origin), reverse
        self.rotation = numpy.eye(3) if rotation is None else rotation

    def position(self, z):
        return self.origin + self.rotation[:, 2] * self.spacing[2] * z

    def image(self, z, uids):
        data = pydicom.Dataset()
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        data.SOPClassUID, data.SOPInstanceUID = pydicom.uid.CTImageStorage, generate_uid()
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = uids
        data.PatientID = data.StudyID = data.PatientName = data.PatientBirthDate = data.PatientSex = ""
        data.AccessionNumber = data.ReferringPhysicianName = data.PositionReferenceIndicator = ""
        data.StudyDate, data.StudyTime = "20200101", "000000"
        data.Modality, data.SeriesNumber, data.InstanceNumber = "CT", 1, z + 1
        data.Rows, data.Columns, data.SamplesPerPixel = self.rows, self.columns, 1
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 0
        data.PhotometricInterpretation = "MONOCHROME2"
        data.PixelSpacing = [decimal(self.spacing[1]), decimal(self.spacing[0])]
        data.SliceThickness = decimal(self.spacing[2])
        data.ImagePositionPatient = [decimal(x) for x in self.position(z)]
        data.ImageOrientationPatient = [decimal(x) for x in self.rotation[:, :2].T.ravel()]
        return data

    def images(self):
        uids = [generate_uid() for _ in range(3)]
        order = range(self.slices - 1, -1, -1) if self.reverse else range(self.slices)
        return [self.image(z, uids) for z in order]


def decimal(number):
    return pydicom.valuerep.DS(float(number), auto_format=True)


def rotation_of(*degrees):
    """About x, then y, then z."""
    a, b, c = numpy.radians(degrees)
    x = numpy.array([[1, 0, 0], [0, numpy.cos(a), -numpy.sin(a)], [0, numpy.sin(a), numpy.cos(a)]])
    y = numpy.array([[numpy.cos(b), 0, numpy.sin(b)], [0, 1, 0], [-numpy.sin(b), 0, numpy.cos(b)]])
    z = numpy.array([[numpy.cos(c), -numpy.sin(c), 0], [numpy.sin(c), numpy.cos(c), 0], [0, 0, 1]])
    return z @ y @ x


def describe(number):
    return highdicom.seg.SegmentDescription(
        number, "Segment %d" % number, codes.SCT.Tissue, codes.SCT.Liver,
        highdicom.seg.SegmentAlgorithmTypeValues.MANUAL)


def segmentation(grid, masks, kind="BINARY", **more):
    """masks[segment, x, y, z], in the order in which we index; highdicom wants [z, y, x, segment]."""
    pixels = masks.transpose(3, 2, 1, 0)
    if grid.reverse:
        pixels = pixels[::-1]
    if kind == "LABELMAP":
        pixels = (pixels * numpy.arange(1, len(masks) + 1)).max(axis=3)
        pixels = pixels.astype(numpy.uint8 if len(masks) < 256 else numpy.uint16)
    return highdicom.seg.Segmentation(
        grid.images(), numpy.ascontiguousarray(pixels), kind,
        [describe(number) for number in range(1, len(masks) + 1)],
        series_instance_uid=generate_uid(), series_number=2, sop_instance_uid=generate_uid(),
        instance_number=1, manufacturer="m", manufacturer_model_name="m", software_versions="1",
        device_serial_number="1", **more)


def file_of(dataset):
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def npy(array):
    out = io.BytesIO()
    numpy.save(out, array)
    return out.getvalue()


def nifti(grid, labels):
    """labels[x, y, z] as ITK writes them, which wants [z, y, x]."""
    image = SimpleITK.GetImageFromArray(numpy.ascontiguousarray(labels.transpose(2, 1, 0)))
    image.SetSpacing([float(x) for x in grid.spacing])
    image.SetOrigin([float(x) for x in grid.origin])
    image.SetDirection([float(x) for x in grid.rotation.ravel()])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mask.nii.gz")
        SimpleITK.WriteImage(image, path)
        with open(path, "rb") as written:
            return written.read()


# -------------------------------------------------------------------------------- what is expected

DAEMON = None


def score(parts, request=None):
    global DAEMON
    if MISSING:
        raise Skip(MISSING)
    DAEMON = DAEMON or Daemon()
    if request is not None:
        parts = parts + [("request", overlapd.json.dumps(request))]
    return DAEMON.score(parts)


def assert_reads(data, masks, source=None):
    """The file's segments are these masks[segment, x, y, z]; any other reference gives NumPy's counts."""
    other = numpy.random.default_rng(len(data)).random(masks.shape) < 0.5
    labels = list(range(1, len(masks) + 1))
    for reference in (masks, other):
        request = {"reference": {"part": "reference", "layers": {"axis": 0, "labels": labels}},
                   "prediction": {"part": "prediction", **(source or {})}, "labels": labels}
        answer = score([("prediction", data), ("reference", npy(reference.astype(numpy.uint8)))],
                       request)
        assert answer.status == 200, answer.body
        shape = list(masks.shape[1:])
        while len(shape) > 1 and shape[-1] == 1:
            shape.pop()
        assert answer.json["shape"] == shape, (answer.json["shape"], shape)
        for number, found in enumerate(answer.json["classes"]):
            p, r = masks[number] != 0, reference[number] != 0
            expected = [int((p & r).sum()), int((p & ~r).sum()), int((~p & r).sum())]
            assert [found["tp"], found["fp"], found["fn"]] == expected, (found, expected)


def assert_lies(data, grid, labels):
    """The file's voxels lie where ITK says that those of labels[x, y, z] do."""
    answer = score([("prediction", data), ("reference", nifti(grid, labels))])
    assert answer.status == 200, answer.body
    assert answer.json["geometry"] == "match", answer.json["geometry"]
    assert all(found["fp"] == 0 and found["fn"] == 0 for found in answer.json["classes"])
    assert len(answer.json["classes"]) == len(numpy.unique(labels[labels > 0]))


def blobs(shape, n, seed, density=0.3):
    return numpy.random.default_rng(seed).random((n,) + shape) < density


def label_map(masks):
    return (masks * numpy.arange(1, len(masks) + 1).reshape(-1, 1, 1, 1)).max(axis=0).astype(numpy.uint8)


def needs_peers(function):
    def run():
        if MISSING:
            raise Skip(MISSING)
        function()
    run.__name__ = function.__name__
    return test(run)


# ------------------------------------------------------------------------------------- the tests


@needs_peers
def overlapping_segments_are_read():
    for seed, shape in enumerate([(16, 8, 4), (5, 3, 7), (7, 9, 1), (13, 1, 2), (1, 11, 3), (65, 33, 5)]):
        masks = blobs(shape, 3, seed, 0.5)
        assert_reads(file_of(segmentation(Grid(shape), masks, omit_empty_frames=False)), masks)


@needs_peers
def frames_that_begin_within_a_byte_are_read():
    # highdicom 0.28.2 gives each frame of fewer than 8 pixels a byte of its own, which is not DICOM.
    for rows in range(1, 10):
        shape = (rows + 8, rows, 5)
        masks = blobs(shape, 2, rows)
        assert_reads(file_of(segmentation(Grid(shape), masks, omit_empty_frames=False)), masks)


@needs_peers
def full_and_empty_planes_are_read():
    shape = (20, 10, 6)
    masks = blobs(shape, 3, 11)
    masks[0, :, :, 1:4] = True
    masks[1, :, :, 2:4] = False
    masks[2] = False
    masks[2, 0, 0, :] = True
    assert_reads(file_of(segmentation(Grid(shape), masks)), masks)
    assert_reads(file_of(segmentation(Grid(shape), masks, omit_empty_frames=False)), masks)


@needs_peers
def omitted_frames_within_are_empty_slices():
    shape = (9, 7, 8)
    masks = numpy.zeros((2,) + shape, bool)
    masks[0, 2:5, 1:4, [0, 6]] = True
    masks[1, 1:3, 2:6, [2, 4]] = True
    assert_reads(file_of(segmentation(Grid(shape), masks)), masks[:, :, :, :7])


@needs_peers
def reversed_series_come_out_ascending():
    shape = (12, 9, 5)
    masks = blobs(shape, 2, 3)
    assert_reads(file_of(segmentation(Grid(shape, reverse=True), masks)), masks)


@needs_peers
def fractions_need_a_threshold_unless_they_are_none():
    shape = (11, 7, 4)
    whole = blobs(shape, 2, 5)
    assert_reads(file_of(segmentation(Grid(shape), whole.astype(numpy.float32), "FRACTIONAL",
                                      omit_empty_frames=False)), whole)
    for maximum in (255, 100, 1):
        values = numpy.random.default_rng(maximum).random((2,) + shape).astype(numpy.float32)
        data = file_of(segmentation(Grid(shape), values, "FRACTIONAL", max_fractional_value=maximum,
                                    omit_empty_frames=False))
        stored = numpy.around(values * maximum).astype(numpy.uint8)
        for threshold in (0, 0.25, 0.5, 0.9):
            masks = stored / maximum > threshold
            assert_reads(data, masks, {"threshold": threshold})
        if maximum > 1:
            refused = score([("prediction", data), ("reference", data)])
            assert refused.status == 422 and refused.json["code"] == "non-integral", refused.body
            assert '"threshold"' in refused.json["detail"]


@needs_peers
def the_threshold_of_a_request_is_of_fractions_as_it_is_of_floats():
    shape = (11, 7, 4)
    values = numpy.random.default_rng(4).random((1,) + shape).astype(numpy.float32)
    values[values < 0.3], values[values > 0.8] = 0, 1
    for pixels in (values, numpy.around(values)):
        data = file_of(segmentation(Grid(shape), pixels, "FRACTIONAL", omit_empty_frames=False))
        floats = numpy.around(pixels[0] * 255) / 255
        for threshold in (-0.5, 0, 0.25, 0.5, 0.9, 1, 1.5):
            inside = int((floats > threshold).sum())
            answer = score([("prediction", data), ("reference", npy(floats))],
                           {"threshold": threshold, "labels": [1]})
            assert answer.status == 200, answer.body
            found = answer.json["classes"][0]
            assert [found["tp"], found["fp"], found["fn"]] == [inside, 0, 0], (threshold, found)
        if pixels is values:  # the source's own comes first
            answer = score([("prediction", data), ("reference", npy(floats > 0.7))],
                           {"prediction": {"threshold": 0.7}, "threshold": 0.5})
            assert answer.json["classes"][0]["dice"] == 1, answer.body


@needs_peers
def label_maps_of_8_and_16_bits_are_read():
    for n in (1, 3, 255, 300):
        shape = (24, 17, 3)
        labels = numpy.random.default_rng(n).integers(0, n + 1, shape)
        labels.ravel()[:n + 1] = numpy.arange(n + 1)
        masks = labels == numpy.arange(1, n + 1).reshape(-1, 1, 1, 1)
        data = file_of(segmentation(Grid(shape), masks, "LABELMAP"))
        answer = score([("prediction", data), ("reference", npy(labels.astype(numpy.uint16)))])
        assert answer.status == 200, answer.body
        assert len(answer.json["classes"]) == n
        assert all(found["tp"] == int((labels == found["label"]).sum()) and found["fp"] == 0
                   and found["fn"] == 0 for found in answer.json["classes"])


@needs_peers
def voxels_lie_where_itk_says():
    shape = (10, 8, 6)
    for seed, (degrees, reverse) in enumerate([((0, 0, 0), False), ((0, 0, 0), True), ((20, -35, 75), False),
                                               ((180, 0, 0), False), ((90, 0, 90), True),
                                               ((-5, 3, 170), True)]):
        grid = Grid(shape, rotation=rotation_of(*degrees), reverse=reverse)
        masks = blobs(shape, 3, seed)
        masks[1] &= ~masks[0]
        masks[2] &= ~masks[0] & ~masks[1]
        for kind in ("BINARY", "LABELMAP"):
            assert_lies(file_of(segmentation(grid, masks, kind)), grid, label_map(masks))


def slices_of(masks):
    """The first and last slice that has anything."""
    used = numpy.flatnonzero(masks.any(axis=(0, 1, 2)))
    return used[0], used[-1]


@needs_peers
def slices_that_one_file_leaves_out_are_empty():
    shape = (9, 7, 12)
    for seed in range(12):
        random = numpy.random.default_rng(seed)
        pair = []
        for _ in range(2):
            masks = blobs(shape, 2, random.integers(1 << 30), 0.2)
            first, last = sorted(random.integers(0, shape[2], 2))
            masks[:, :, :, :first] = masks[:, :, :, last + 1:] = False
            masks[:, 0, 0, [first, last]] = True
            pair.append(masks)
        degrees = random.integers(-180, 180, 3)
        grid = Grid(shape, rotation=rotation_of(*degrees), reverse=bool(seed % 2))
        files = [file_of(segmentation(grid, masks)) for masks in pair]
        answer = score([("prediction", files[0]), ("reference", files[1])])
        assert answer.status == 200, answer.body
        bounds = [slices_of(masks) for masks in pair]
        low, high = min(b[0] for b in bounds), max(b[1] for b in bounds)
        assert answer.json["shape"] == [9, 7, high - low + 1][:3 if high > low else 2]
        for name, (first, last) in zip(("prediction", "reference"), bounds):
            assert answer.json["inputs"][name]["added_slices"] == [first - low, high - last]
        for found, p, r in zip(answer.json["classes"], pair[0], pair[1]):
            assert [found["tp"], found["fp"], found["fn"]] == [
                int((p & r).sum()), int((p & ~r).sum()), int((~p & r).sum())]


@needs_peers
def a_whole_series_meets_the_slices_of_a_segmentation():
    shape = (10, 8, 9)
    masks = blobs(shape, 2, 1)
    masks[:, :, :, :3] = masks[:, :, :, 7:] = False
    masks[1] &= ~masks[0]
    for degrees, reverse in (((0, 0, 0), False), ((20, -35, 75), True)):
        grid = Grid(shape, rotation=rotation_of(*degrees), reverse=reverse)
        data = file_of(segmentation(grid, masks))
        assert_lies(data, grid, label_map(masks))
        part = Grid((10, 8, 3), rotation=grid.rotation, origin=grid.position(4))
        answer = score([("prediction", data), ("reference", nifti(part, label_map(masks)[:, :, 4:7]))])
        assert answer.status == 422 and answer.json["code"] == "shape-mismatch", answer.body


@needs_peers
def another_place_is_a_mismatch():
    shape = (10, 8, 6)
    masks = blobs(shape, 1, 1)
    data = file_of(segmentation(Grid(shape), masks))
    moved = Grid(shape, origin=(-12.5, 33.4, 7.25))
    answer = score([("prediction", data), ("reference", nifti(moved, label_map(masks)))])
    assert answer.status == 422 and answer.json["code"] == "geometry-mismatch", answer.body


@needs_peers
def segment_labels_become_names():
    shape = (10, 8, 6)
    data = file_of(segmentation(Grid(shape), blobs(shape, 2, 1)))
    answer = score([("prediction", data), ("reference", data)])
    assert [found["name"] for found in answer.json["classes"]] == ["Segment 1", "Segment 2"], answer.body


@needs_peers
def data_sets_without_value_representations_are_read():
    shape = (13, 9, 4)
    masks = blobs(shape, 2, 7)
    masks[1] &= ~masks[0]
    for kind in ("BINARY", "FRACTIONAL", "LABELMAP"):
        dataset = segmentation(Grid(shape), masks.astype(float) if kind == "FRACTIONAL" else masks,
                               kind, transfer_syntax_uid=pydicom.uid.ImplicitVRLittleEndian)
        for is_undefined in (False, True):
            for element in dataset.iterall():
                if element.VR == "SQ":
                    element.is_undefined_length = is_undefined
                    for item in element.value:
                        item.is_undefined_length_sequence_item = is_undefined
            data = file_of(dataset)
            assert_reads(data, masks)
            assert_lies(data, Grid(shape), label_map(masks))
            answer = score([("prediction", data), ("reference", data)])
            assert [found["name"] for found in answer.json["classes"]] == ["Segment 1", "Segment 2"]


@needs_peers
def frames_in_rle_are_unpacked():
    for shape, kind, n_segments in (((13, 9, 4), "FRACTIONAL", 2), ((300, 7, 3), "LABELMAP", 3),
                                    ((11, 5, 3), "LABELMAP", 300)):
        masks = numpy.random.default_rng(n_segments).integers(0, n_segments + 1, shape)
        masks[:, :, -1] = 0
        masks[:, 3:5] = n_segments  # runs
        masks = masks == numpy.arange(1, n_segments + 1)[:, None, None, None]
        data = file_of(segmentation(Grid(shape), masks.astype(float) if kind == "FRACTIONAL" else masks,
                                    kind, transfer_syntax_uid=pydicom.uid.RLELossless,
                                    omit_empty_frames=False))
        assert_reads(data, masks)


@needs_peers
def other_transfer_syntaxes_are_named_with_a_converter():
    shape = (32, 16, 3)
    masks = blobs(shape, 2, 1)
    syntax = pydicom.uid.JPEGLSLossless
    data = file_of(segmentation(Grid(shape), masks, "LABELMAP", transfer_syntax_uid=syntax))
    answer = score([("prediction", data), ("reference", data)])
    assert answer.status == 415, answer.body
    assert answer.json["code"] == "unsupported-transfer-syntax", answer.body
    assert str(syntax) in answer.json["detail"] and "dcmdjpls" in answer.json["detail"], answer.body


@needs_peers
def a_segmentation_of_a_liver_by_dcmqi_is_read():
    path = glob.glob("build/venv/lib/python3*/site-packages/pydicom/data/test_files/liver_1frame.dcm")[0]
    with open(path, "rb") as whole:
        refused = score([("prediction", whole.read()), ("reference", b"")])
    assert "no NumberOfFrames" in refused.json["detail"], refused.body
    # pydicom's authors took two of three frames out, but not what was said of them.
    data = pydicom.dcmread(path)
    data.NumberOfFrames = 1
    data.PerFrameFunctionalGroupsSequence = data.PerFrameFunctionalGroupsSequence[:1]
    assert_reads(file_of(data), data.pixel_array.T[None, :, :, None] != 0)


@needs_peers
def images_are_named_for_what_they_are():
    folder = glob.glob("build/venv/lib/python3*/site-packages/pydicom/data/test_files")[0]
    for name, words in (("CT_small.dcm", "a CT image"), ("MR_small.dcm", "an MR image"),
                        ("rtdose.dcm", "an RT dose"), ("JPEG2000.dcm", "a secondary capture"),
                        ("examples_rgb_color.dcm", "an ultrasound image")):
        with open(os.path.join(folder, name), "rb") as image:
            data = image.read()
        answer = score([("prediction", data, name), ("reference", data, name)])
        assert answer.status == 422 and answer.json["code"] == "unsupported-mask", (name, answer.body)
        assert words in answer.json["detail"], (name, answer.body)


if __name__ == "__main__":
    overlapd.main()
