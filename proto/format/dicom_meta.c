/* dicom_meta.c - what a DICOM file is and how it is written: SOP class, transfer syntax. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/dicom.h"

#include <string.h>

#include "proto/format/bytes.h"

#define META_GROUP 0x0002

/* PS3.4, B.5, and PS3.6, table A-1: what people have at hand, and what to send instead. */
static const struct {
    const char *uid;
    const char *what;
} classes[] = {
    {"1.2.840.10008.1.3.10", "a DICOMDIR; send the segmentation that it lists"},
    {"1.2.840.10008.5.1.4.1.1.1", "a CR image"},
    {"1.2.840.10008.5.1.4.1.1.1.1", "a DX image"},
    {"1.2.840.10008.5.1.4.1.1.1.2", "a mammography image"},
    {"1.2.840.10008.5.1.4.1.1.2", "a CT image"},
    {"1.2.840.10008.5.1.4.1.1.2.1", "an enhanced CT image"},
    {"1.2.840.10008.5.1.4.1.1.4", "an MR image"},
    {"1.2.840.10008.5.1.4.1.1.4.1", "an enhanced MR image"},
    {"1.2.840.10008.5.1.4.1.1.6.1", "an ultrasound image"},
    {"1.2.840.10008.5.1.4.1.1.7", "a secondary capture"},
    {"1.2.840.10008.5.1.4.1.1.11.1", "a greyscale presentation state"},
    {"1.2.840.10008.5.1.4.1.1.20", "a nuclear medicine image"},
    {"1.2.840.10008.5.1.4.1.1.30", "a parametric map; threshold it into a segmentation"},
    {"1.2.840.10008.5.1.4.1.1.66.5", "a surface segmentation, whose meshes are not filled here"},
    {"1.2.840.10008.5.1.4.1.1.77.1.6", "a whole slide image"},
    {"1.2.840.10008.5.1.4.1.1.88.33", "a structured report"},
    {"1.2.840.10008.5.1.4.1.1.128", "a PET image"},
    {"1.2.840.10008.5.1.4.1.1.481.2", "an RT dose"},
    {"1.2.840.10008.5.1.4.1.1.481.3",
     "an RT structure set, whose contours are not filled here: convert it, with plastimatch or "
     "3D Slicer"},
    {"1.2.840.10008.5.1.4.1.1.481.5", "an RT plan"},
};

#define TO_EXPLICIT  "dcmconv +te, of dcmtk"
#define FROM_JPEG    "dcmdjpeg, of dcmtk"
#define FROM_JPEG_LS "dcmdjpls, of dcmtk"
#define FROM_2000    "gdcmconv --raw, of gdcm"
#define BY_WRITER    "what wrote it"

/* PS3.6, table A-1. One that is not here is named by its UID. */
static const struct {
    const char *uid;
    const char *what;
    const char *converter;
} syntaxes[] = {
    {"1.2.840.10008.1.2.1.99", "deflated explicit VR little endian", TO_EXPLICIT},
    {"1.2.840.10008.1.2.2", "explicit VR big endian", TO_EXPLICIT},
    {"1.2.840.10008.1.2.8.1", "deflated image frames", BY_WRITER},
    {"1.2.840.10008.1.2.4.50", "JPEG baseline", FROM_JPEG},
    {"1.2.840.10008.1.2.4.51", "JPEG extended", FROM_JPEG},
    {"1.2.840.10008.1.2.4.57", "JPEG lossless", FROM_JPEG},
    {"1.2.840.10008.1.2.4.70", "JPEG lossless, first order", FROM_JPEG},
    {"1.2.840.10008.1.2.4.80", "JPEG-LS lossless", FROM_JPEG_LS},
    {"1.2.840.10008.1.2.4.81", "JPEG-LS near lossless", FROM_JPEG_LS},
    {"1.2.840.10008.1.2.4.90", "JPEG 2000 lossless", FROM_2000},
    {"1.2.840.10008.1.2.4.91", "JPEG 2000", FROM_2000},
    {"1.2.840.10008.1.2.4.201", "HTJ2K lossless", BY_WRITER},
};

static const char explicit_little_endian[] = "1.2.840.10008.1.2.1";
static const char implicit_little_endian[] = "1.2.840.10008.1.2";
static const char rle[] = "1.2.840.10008.1.2.5";
static const char segmentation[] = "1.2.840.10008.5.1.4.1.1.66.4";
static const char label_map_segmentation[] = "1.2.840.10008.5.1.4.1.1.66.7";

bool dicom_is(const uint8_t *bytes, size_t n)
{
    return n >= DICOM_PREAMBLE_BYTES && memcmp(bytes + DICOM_PREAMBLE_BYTES - 4, "DICM", 4) == 0;
}

/* UIDs have 64 characters at most; a file may claim more. */
static int uid_length(struct dicom_text uid)
{
    return (int)(uid.n < 64 ? uid.n : 64);
}

bool dicom_check_class(const struct dicom *file, const struct dicom_element *uid,
                       struct problem *reterr)
{
    struct dicom_text text = dicom_text(uid);
    const char *what = "something else";

    if (dicom_text_is(text, segmentation) || dicom_text_is(text, label_map_segmentation))
        return true;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (dicom_text_is(text, classes[i].uid))
            what = classes[i].what;
    }
    return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, file->pointer,
                       "The DICOM file is no segmentation (SEG) but %s: its SOP class is %.*s.",
                       what, uid_length(text), text.at);
}

bool dicom_check_syntax(struct dicom *file, const struct dicom_element *uid, struct problem *reterr)
{
    struct dicom_text text = dicom_text(uid);
    const char *what = "one that is not known here";
    const char *converter = BY_WRITER;

    file->is_implicit = dicom_text_is(text, implicit_little_endian);
    file->is_rle = dicom_text_is(text, rle);
    if (file->is_implicit || file->is_rle || dicom_text_is(text, explicit_little_endian))
        return true;
    for (size_t i = 0; i < sizeof(syntaxes) / sizeof(syntaxes[0]); i++) {
        if (dicom_text_is(text, syntaxes[i].uid)) {
            what = syntaxes[i].what;
            converter = syntaxes[i].converter;
        }
    }
    return problem_set(reterr, PROBLEM_UNSUPPORTED_SYNTAX, file->pointer,
                       "The DICOM transfer syntax is %.*s, %s. Only explicit and implicit VR "
                       "little endian, %s and %s, and RLE, %s, are read: convert it with %s.",
                       uid_length(text), text.at, what, explicit_little_endian,
                       implicit_little_endian, rle, converter);
}

/*
 * The group of the next element. Read before the element is, because what follows the meta
 * information is written as its transfer syntax says.
 */
static bool is_meta(const struct dicom *file, size_t at)
{
    return file->n_bytes - at >= 2 &&
           bytes_unsigned(file->bytes + at, 2, BYTES_LITTLE) == META_GROUP;
}

bool dicom_meta(struct dicom *file, size_t *ret_at, struct problem *reterr)
{
    struct dicom_element element = {0};
    struct dicom_walk walk;
    bool found = true;
    bool has_syntax = false;

    if (!dicom_is(file->bytes, file->n_bytes))
        return problem_set(reterr, PROBLEM_FORMAT_MISMATCH, file->pointer,
                           "The mask's name says DICOM, but \"DICM\" does not stand at byte 128; a "
                           "bare data set becomes a file with dcmconv +te, of dcmtk.");
    dicom_walk_init(&walk, file, DICOM_PREAMBLE_BYTES);
    while (found && (walk.depth > 0 || is_meta(file, walk.at))) {
        if (!dicom_next(&walk, &element, &found, reterr))
            return false;
        if (element.tag == DICOM_MEDIA_STORAGE_SOP_CLASS &&
            !dicom_check_class(file, &element, reterr))
            return false;
        if (element.tag == DICOM_TRANSFER_SYNTAX && !dicom_check_syntax(file, &element, reterr))
            return false;
        has_syntax = has_syntax || element.tag == DICOM_TRANSFER_SYNTAX;
    }
    if (!has_syntax)
        return problem_set(reterr, PROBLEM_BAD_MASK, file->pointer,
                           "The DICOM file's meta information, up to byte %zu, has no "
                           "TransferSyntaxUID (0002,0010).",
                           walk.at);
    *ret_at = walk.at;
    return true;
}
