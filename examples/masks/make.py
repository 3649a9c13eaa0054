#!/usr/bin/env python3
# make.py - writes the masks of this folder, each format with a library that knows it.
# SPDX-License-Identifier: Apache-2.0
"""build/venv/bin/python examples/masks/make.py; docs/formats.md scores what it writes."""
import json
import os

import highdicom
import nibabel
import nrrd
import numpy
import pydicom
import SimpleITK
import tifffile
from PIL import Image
from pycocotools import mask as coco

from annotations import write_annotations

HERE = os.path.dirname(os.path.abspath(__file__))
SPACING = (0.5, 0.75, 2.0)
COLOURS = {1: (255, 0, 0), 2: (0, 160, 255), 3: (255, 200, 0)}
NAMES = {1: "nucleus", 2: "membrane", 3: "vessel"}


def volume(shift):
    """Labels [x, y, z]: three balls, the third of them near an edge."""
    x, y, z = numpy.indices((20, 16, 8))
    labels = numpy.zeros((20, 16, 8), numpy.uint8)
    for label, (cx, cy, cz, r) in {1: (6, 6, 3, 4), 2: (13, 9, 4, 3), 3: (18, 3, 6, 2)}.items():
        labels[(x - cx - shift) ** 2 + (y - cy) ** 2 + (z - cz) ** 2 <= r * r] = label
    return labels


def path(name):
    return os.path.join(HERE, name)


def write_volumes(name, labels):
    affine = numpy.diag([-SPACING[0], -SPACING[1], SPACING[2], 1])
    nibabel.save(nibabel.Nifti1Image(labels, affine), path(name + ".nii.gz"))
    image = SimpleITK.GetImageFromArray(labels.transpose(2, 1, 0))
    image.SetSpacing(SPACING)
    SimpleITK.WriteImage(image, path(name + ".mha"), useCompression=True)
    header = {"space": "left-posterior-superior", "space directions": numpy.diag(SPACING),
              "space origin": [0, 0, 0], "kinds": ["domain"] * 3, "encoding": "gzip"}
    nrrd.write(path(name + ".nrrd"), labels, header)
    for i, (label, text) in enumerate(NAMES.items()):
        header.update({"Segment%d_ID" % i: text, "Segment%d_Name" % i: text,
                       "Segment%d_LabelValue" % i: str(label), "Segment%d_Layer" % i: "0"})
    nrrd.write(path(name + ".seg.nrrd"), labels, header)
    numpy.save(path(name + ".npy"), labels)
    labels.tofile(path(name + ".raw"))
    numpy.savez_compressed(path(name + ".npz"), labels=labels, voxels=labels.size)


def write_probabilities(labels):
    """[class, x, y, z]: 0.7 for the label, 0.1 for each of the three others."""
    layers = numpy.stack([labels == label for label in range(4)])
    numpy.save(path("probabilities.npy"), numpy.where(layers, 0.7, 0.1).astype(numpy.float32))


def write_layers(name, labels):
    layers = numpy.stack([labels == label for label in NAMES]).astype(numpy.uint8)
    numpy.save(path(name + "_layers.npy"), layers)


def ct_slice(series, z, rows, columns):
    slice_ = pydicom.Dataset()
    slice_.file_meta = pydicom.dataset.FileMetaDataset()
    slice_.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    slice_.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    slice_.SOPInstanceUID = "%s.%d" % (series, z + 1)
    slice_.StudyInstanceUID, slice_.SeriesInstanceUID = "1.2.3.4", series
    slice_.FrameOfReferenceUID = "1.2.3.5"
    slice_.PatientID = slice_.PatientName = slice_.StudyID = slice_.AccessionNumber = ""
    slice_.PatientBirthDate = slice_.PatientSex = slice_.StudyDate = slice_.StudyTime = ""
    slice_.Modality, slice_.InstanceNumber, slice_.SeriesNumber = "CT", z + 1, 1
    slice_.Rows, slice_.Columns = rows, columns
    slice_.PixelSpacing = [SPACING[1], SPACING[0]]
    slice_.SliceThickness = SPACING[2]
    slice_.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    slice_.ImagePositionPatient = [0, 0, SPACING[2] * z]
    return slice_


def write_dicom(name, labels):
    frames = labels.transpose(2, 1, 0)
    images = [ct_slice("1.2.3.6", z, *frames[z].shape) for z in range(len(frames))]
    code = highdicom.sr.CodedConcept("91723000", "SCT", "Anatomical structure")
    described = [highdicom.seg.SegmentDescription(
        segment_number=label, segment_label=text, segmented_property_category=code,
        segmented_property_type=code,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL)
        for label, text in NAMES.items()]
    highdicom.seg.Segmentation(
        images, frames, highdicom.seg.SegmentationTypeValues.BINARY, described,
        series_instance_uid="1.2.3.7", series_number=2, sop_instance_uid="1.2.3.8." + str(len(name)),
        instance_number=1, manufacturer="none", manufacturer_model_name="none",
        software_versions="none", device_serial_number="none",
        omit_empty_frames=False).save_as(path(name + ".dcm"))


def write_images(name, labels):
    """A slice: [height, width]."""
    Image.fromarray(labels).save(path(name + ".png"))
    colours = numpy.zeros(labels.shape + (3,), numpy.uint8)
    for label, colour in COLOURS.items():
        colours[labels == label] = colour
    Image.fromarray(colours).save(path(name + "_colours.png"))
    tifffile.imwrite(path(name + ".tiff"), labels.astype(numpy.uint16), compression="zlib")


def write_coco(name, labels):
    height, width = labels.shape
    annotations = []
    for label in NAMES:
        rle = coco.encode(numpy.asfortranarray(labels == label))
        annotations.append({"id": label, "image_id": 1, "category_id": label, "iscrowd": 1,
                            "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()}})
    with open(path(name + ".coco.json"), "w", encoding="ascii") as file:
        json.dump({"images": [{"id": 1, "height": height, "width": width}],
                   "categories": [{"id": label, "name": text} for label, text in NAMES.items()],
                   "annotations": annotations}, file, indent=1)
        file.write("\n")


def main():
    for name, shift in (("prediction", 1), ("reference", 0)):
        labels = volume(shift)
        write_volumes(name, labels)
        write_layers(name, labels)
        if name == "prediction":
            write_probabilities(labels)
        write_dicom(name, labels)
        write_images(name, labels[:, :, 4].T.copy())
        write_coco(name, labels[:, :, 4].T)
    write_annotations("prediction", volume(1)[:, :, 4].T, NAMES)


if __name__ == "__main__":
    main()
