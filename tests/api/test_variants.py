#!/usr/bin/python3 -B
# test_variants.py - the less usual forms that formats and bodies allow: understood, or refused by name.
# SPDX-License-Identifier: Apache-2.0
"""Every variant holds the same picture, so that all accepted ones count the same."""
import json
import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, main, nifti, npy, pack, pair, png, test, text64

LABELS = b"\0\1\1\0\0\1\2\0\0\0\2\0"  # three rows of four
IMAGE, SWAPPED = npy(LABELS, (3, 4)), npy(LABELS, (4, 3), fortran=True)
SAME = [(1, 3, 0, 0), (2, 2, 0, 0)]  # label, tp, fp, fn against itself
DAEMON = Daemon()


def npy_header(version, text, size_format, padded=128):
    size = struct.calcsize(size_format)
    text = text.ljust(padded - 8 - size - 1).encode() + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack(size_format, len(text)) + text


def changed(file, **fields):
    """A NIfTI-1 file with fields o<offset>=(format, values...)."""
    file = bytearray(file)
    for name, (fmt, *values) in fields.items():
        struct.pack_into(fmt, file, int(name[1:]), *values)
    return bytes(file)


def big_endian_nifti():
    file = bytearray(nifti(LABELS, (4, 3, 1)))
    for offset, size, n in ((0, 4, 1), (40, 2, 8), (70, 2, 2), (76, 4, 8), (108, 4, 3), (252, 2, 2), (256, 4, 18)):
        for at in range(offset, offset + size * n, size):
            file[at:at + size] = file[at:at + size][::-1]
    return bytes(file)


def nifti2(extension_bytes=0):
    header = bytearray(544 + extension_bytes)
    struct.pack_into("<i8s2h", header, 0, 540, b"n+2\0\r\n\x1a\n", 2, 8)
    struct.pack_into("<8q", header, 16, 3, 4, 3, 1, 1, 1, 1, 1)
    struct.pack_into("<8d", header, 104, *[1.0] * 8)
    struct.pack_into("<q2d", header, 168, 544 + extension_bytes, 1.0, 0.0)
    if extension_bytes:
        header[540] = 1
        struct.pack_into("<2i", header, 544, extension_bytes, 6)
    return bytes(header) + LABELS


def nifti_with_extension():
    header = changed(nifti(b"", (4, 3, 1)), o108=("<f", 384.0), o348=("<4B", 1, 0, 0, 0))
    return header + struct.pack("<2i", 32, 6) + bytes(24) + LABELS


DICT = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 4), }"
NIFTI = nifti(LABELS, (4, 3, 1))
UNDERSTOOD = {
    "NIfTI-1": (NIFTI, SWAPPED),
    "NIfTI-1 big-endian": (big_endian_nifti(), SWAPPED),
    "NIfTI-1 with an extension": (nifti_with_extension(), SWAPPED),
    "NIfTI-1 of four axes, the last two 1": (nifti(LABELS, (4, 3, 1, 1)), SWAPPED),
    "NIfTI-2": (nifti2(), SWAPPED),
    "NIfTI-2 with an extension": (nifti2(32), SWAPPED),
    "NIfTI with slope 0, which is none": (changed(NIFTI, o112=("<2f", 0.0, 7.0)), SWAPPED),
    "NIfTI int16 halved by its slope": (
        changed(nifti(pack([2 * x for x in LABELS], "<i2"), (4, 3, 1), 4, 16), o112=("<2f", 0.5, 0.0)), SWAPPED),
    "NIfTI int16 moved by its intercept": (
        changed(nifti(pack([x - 5 for x in LABELS], "<i2"), (4, 3, 1), 4, 16), o112=("<2f", 1.0, 5.0)), SWAPPED),
    "NPY 2.0": (npy_header((2, 0), DICT, "<I") + LABELS, IMAGE),
    "NPY 3.0": (npy_header((3, 0), DICT, "<I") + LABELS, IMAGE),
    "NPY with double quotes, keys in another order": (
        npy_header((1, 0), '{"shape": (3,4), "fortran_order":False,"descr":"|u1"}', "<H") + LABELS, IMAGE),
    "NPY header without padding to 64": (npy_header((1, 0), DICT, "<H", 77) + LABELS, IMAGE),
    "NPY with minus zero": (npy([float(x) or -0.0 for x in LABELS], (3, 4), "<f4"), IMAGE),
    "NPY big-endian float": (npy([float(x) for x in LABELS], (3, 4), ">f8"), IMAGE),
    "NPY float16": (npy([float(x) for x in LABELS], (3, 4), "<f2"), IMAGE),
    "PNG grey of 2 bits": (png(b"\x14\x18\x08", 4, 3, 2), IMAGE),
    "PNG grey of 4 bits": (png(b"\x01\x10\x01\x20\x00\x20", 4, 3, 4), IMAGE),
}
REFUSED = {
    "NIfTI header of a pair": (changed(NIFTI, o344=("<4s", b"ni1\0")), "unsupported-mask"),
    "NIfTI bitpix against datatype": (changed(NIFTI, o72=("<h", 16)), "bad-mask"),
    "NIfTI slope that makes halves": (changed(NIFTI, o112=("<2f", 0.5, 0.0)), "non-integral"),
    "NPY 4.0": (npy_header((4, 0), DICT, "<I") + LABELS, "unsupported-mask"),
    "NPY without voxels": (npy(b"", (0,)), "bad-mask"),
    "NPY of one number": (npy_header((1, 0), DICT.replace("(3, 4)", "()"), "<H") + b"\1", "bad-mask"),
    "NPY of eight axes": (npy(LABELS, (1, 3, 1, 2, 1, 2, 1, 1)), "unsupported-mask"),
    "uint64 of all ones": (npy([2 ** 64 - 1] * 12, (3, 4), "<u8"), "label-out-of-range"),
    "float of 2^32": (npy([2.0 ** 32] * 12, (3, 4), "<f8"), "label-out-of-range"),
}


def counted(answer):
    return [(c["label"], c["tp"], c["fp"], c["fn"]) for c in answer.json["classes"]]


def understood(name, answer):
    assert answer.status == 200, "%s: %s" % (name, answer.body)
    assert counted(answer) == SAME, "%s: %s" % (name, counted(answer))


@test
def variants_of_formats_are_understood():
    for name, (file, reference) in UNDERSTOOD.items():
        understood(name, DAEMON.score(pair(file, reference)))
        understood(name + ", as reference", DAEMON.score(pair(reference, file)))


@test
def what_a_format_allows_but_no_label_map_is_is_refused_by_name():
    for name, (file, code) in REFUSED.items():
        answer = DAEMON.score(pair(file, file))
        assert answer.status == 422 and answer.json["code"] == code, "%s: %s" % (name, answer.body)


@test
def a_nifti_affine_may_stand_in_its_qform():
    quaternion = changed(NIFTI, o252=("<2h", 1, 0), o256=("<6f", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    answer = DAEMON.score(pair(quaternion, NIFTI))
    understood("qform", answer)
    assert answer.json["geometry"] == "match"
    turned = changed(quaternion, o256=("<3f", 0.0, 0.0, 1.0))  # half a turn about z
    assert DAEMON.score(pair(turned, NIFTI)).json["code"] == "geometry-mismatch"


@test
def seven_axes_are_compared():
    file = npy(LABELS, (1, 3, 1, 2, 1, 1, 2))
    answer = DAEMON.score(pair(file, file))
    understood("seven axes", answer)
    assert answer.json["shape"] == [1, 3, 1, 2, 1, 1, 2]


GOOD = (b'--B\r\nContent-Disposition: form-data; name="prediction"\r\n\r\n' + IMAGE
        + b'\r\n--B\r\nContent-Disposition: form-data; name="reference"\r\n\r\n' + IMAGE + b"\r\n--B--\r\n")
TYPE = "multipart/form-data; boundary=B"
DISPOSITION = b'name="prediction"'
BODIES = {
    "as it is": (GOOD, TYPE),
    "boundary in quotes": (GOOD, 'multipart/form-data; boundary="B"'),
    "type in capitals": (GOOD, "Multipart/Form-Data; Boundary=B"),
    "another parameter before the boundary": (GOOD, "multipart/form-data; charset=utf-8; boundary=B"),
    "no line end after the last boundary": (GOOD[:-2], TYPE),
    "a type for the part": (GOOD.replace(DISPOSITION, DISPOSITION + b"\r\nContent-Type: image/png"), TYPE),
    "other headers in the part": (GOOD.replace(DISPOSITION, DISPOSITION + b"\r\nX-Y: z"), TYPE),
    "a name without quotes": (GOOD.replace(DISPOSITION, b"name=prediction"), TYPE),
    "a file name that is hard to read": (
        GOOD.replace(DISPOSITION, DISPOSITION + b'; filename="\xc3\xa4 \\" ;.png"'), TYPE),
    "a transfer encoding that is none": (
        GOOD.replace(DISPOSITION, DISPOSITION + b"\r\nContent-Transfer-Encoding: binary"), TYPE),
}


@test
def variants_of_multipart_are_understood():
    for name, (body, content_type) in BODIES.items():
        understood(name, DAEMON.request("POST", "/v1/score", body, {"Content-Type": content_type}))


@test
def a_transfer_encoding_of_a_part_is_refused():
    body = GOOD.replace(DISPOSITION, DISPOSITION + b"\r\nContent-Transfer-Encoding: base64")
    answer = DAEMON.request("POST", "/v1/score", body, {"Content-Type": TYPE})
    assert answer.status == 400 and answer.json["code"] == "bad-multipart", answer.body


@test
def a_boundary_inside_a_mask_is_no_boundary_unless_it_is_whole():
    for inside in (b"\r\n--", b"\n--B\r\n", b"--B--\r\n", b"\r\n-B\r\n", b"\r\n--b\r\n", b"\r\r\n--"):
        mask = npy(inside.ljust(12, b"\0"), (3, 4))
        body = GOOD.replace(IMAGE, mask)
        answer = DAEMON.request("POST", "/v1/score", body, {"Content-Type": TYPE})
        assert answer.status == 200 and answer.json["mean"]["dice"] == 1, "%r: %s" % (inside, answer.body)


@test
def json_may_say_its_charset():
    source = {"base64": text64(IMAGE)}
    body = json.dumps({"prediction": source, "reference": source})
    for content_type in ("application/json; charset=utf-8", "Application/JSON;charset=UTF-8"):
        understood(content_type, DAEMON.request("POST", "/v1/score", body, {"Content-Type": content_type}))


@test
def sources_stand_where_they_belong():
    inline = DAEMON.score(pair(IMAGE, IMAGE, {"prediction": {"base64": text64(IMAGE)}}))
    assert inline.status == 400 and inline.json["code"] == "bad-parameter", inline.body
    body = json.dumps({"prediction": {"part": "prediction"}, "reference": {"base64": text64(IMAGE)}})
    part = DAEMON.request("POST", "/v1/score", body, {"Content-Type": "application/json"})
    assert part.status == 400, part.body


@test
def the_daemon_stops_cleanly():
    DAEMON.stop()


main()
