/* reader.h - a mask file being read: its header at once, its voxels tile by tile. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_READER_H
#define PROTO_READER_H

#include <jansson.h>

#include "lib/overlap.h"
#include "proto/coding.h"
#include "proto/env.h"
#include "proto/layers.h"
#include "proto/names.h"
#include "proto/problem.h"
#include "proto/segment.h"

/* Symbol, name in requests, its struct format_... Order: the order in which first bytes are tried.
 */
#define FORMAT_MAP(X)                                         \
    X(NPY, "npy", npy)                                        \
    X(NIFTI, "nifti", nifti)                                  \
    X(PNG, "png", png)                                        \
    X(DICOM, "dicom", dicom)                                  \
    X(TIFF, "tiff", tiff)                                     \
    X(NPZ, "npz", npz)                                        \
    X(NRRD, "nrrd", nrrd)                                     \
    X(METAIMAGE, "metaimage", metaimage)                      \
    X(COCO, "coco", coco)                                     \
    X(LABEL_STUDIO, "label_studio", label_studio)             \
    X(CVAT, "cvat", cvat)                                     \
    X(RLE, "rle", rle)                                        \
    X(ENCORD, "encord", encord)                               \
    X(CVAT_MASK, "cvat_mask", cvat_mask)                      \
    X(DENSE_RLE, "dense_rle", dense_rle)                      \
    X(KAGGLE, "kaggle", kaggle)                               \
    X(LABEL_STUDIO_RLE, "label_studio_rle", label_studio_rle) \
    X(SUPERVISELY, "supervisely", supervisely)                \
    X(POLYGONS, "polygons", polygons)                         \
    X(RAW, "raw", raw)

#define FORMAT_ENUM(symbol, name, object) FORMAT_##symbol,
enum format_kind { FORMAT_MAP(FORMAT_ENUM) FORMAT_N, FORMAT_AUTO = FORMAT_N };
#undef FORMAT_ENUM

const char *format_name(enum format_kind kind);
enum format_kind format_find(const char *name, size_t n); /* FORMAT_N for a name that is none */

/* Where a mask comes from and what the request says of it. */
struct source {
    const char *pointer;  /* "#/prediction" or "#/reference": names it in problems */
    const uint8_t *bytes; /* as sent; borrowed */
    size_t n_bytes;
    const char *base64;      /* of which the bytes are decoded; NULL for none */
    const char *filename;    /* of the part; the last hint to the format; NULL for none */
    enum format_kind format; /* FORMAT_AUTO: first bytes, then file name */
    enum coding_kind coding; /* CODING_AUTO: first bytes */
    /* For raw, which does not describe itself; refused for the others. */
    bool declared;       /* any of these is given */
    enum ov_dtype dtype; /* OV_N_DTYPES where it is not */
    int ndim;            /* 0 where there is no shape */
    uint64_t shape[OV_MAX_NDIM];
    enum ov_order order;
    /* A mask that stands in the request: the value of the source's member that is called as its
     * format; NULL for a file. Borrowed. */
    const json_t *json;
    /* The source's own object, for formats that have members of their own in it; NULL for none. */
    json_t *options;
    /* {"axis": 0, "labels": [1, 2]}: the slices along an axis are layers; NULL: they are not. */
    json_t *channels;
    struct names *names;     /* of both masks; borrowed */
    const double *threshold; /* the request's, for both masks; NULL for none; borrowed */
    /* Of a mask in shared memory, which has no bytes: its elements, as dtype and shape say. */
    struct segment_name place;
    struct segment *segment; /* found by place; NULL until then, and for other masks */
    uint64_t offset;         /* of element [0, 0, ...], in bytes */
    int64_t strides_bytes[OV_MAX_NDIM];
    int n_strides;   /* 0: the elements lie without gaps, in `order` */
    bool has_layout; /* offset or strides are given */
};

/* Whether a mask's elements lie in its bytes as they are: nothing to decode, nothing to unpack. */
bool format_is_plain(const struct source *source);

/* Whether a mask is run lengths in the request, so few of them that to decode them is no work. */
bool format_is_short(const struct source *source);

/* source.c: whether each member of the source belongs to masks of this format. */
bool source_check(const struct source *source, enum format_kind format, struct problem *reterr);

/* Whether the mask is said to be of a format whose labels are names. */
bool format_only_names(const struct source *source);

/* The coding a source is in: what it says, else what its first bytes say, which of raw is nothing.
 */
enum coding_kind source_coding(const struct source *source);

/* What a mask file says of itself. shape is in the format's own index order; no voxel is read yet.
 */
struct mask_header {
    enum format_kind format;
    enum coding_kind coding;
    struct ov_encoding encoding; /* of the elements that reader_tile hands out */
    int ndim;                    /* as in the file, trailing axes of 1 and all; at least 1 */
    uint64_t shape[OV_MAX_NDIM];
    enum ov_order order; /* in which the elements come */
    uint64_t n_voxels;
    uint64_t n_bytes; /* n_voxels times bytes per element */
    bool has_affine;
    double affine[3][4]; /* voxel index to RAS+ millimetres */
    int affine_axis;     /* the first of up to three that it speaks of; 1 where layers come first */
    /* The mask comes as runs of these, merged: labels may overlap. NULL: it comes as elements. */
    struct layers *layers;
    /* As layers whose file leaves out empty slices of the last axis, also at its ends. */
    bool is_open_ended;
    uint64_t added[2]; /* slices of the last axis that reader_extend put in front, behind */
};

/* One mask being read; opaque. Holds no more of it than a tile, but for interlaced PNG. */
struct reader;

/*
 * Recognise a mask and read its header. Limits are checked here, before any memory depends on them.
 * The source is copied, its bytes are borrowed until reader_free.
 */
struct reader *reader_new(const struct source *source, const struct env *env,
                          struct problem *reterr);
void reader_free(struct reader *reader);
const struct mask_header *reader_header(const struct reader *reader);

/*
 * The next n elements, in file order, with header.encoding. They lie in `room` (n elements; may be
 * NULL where reader_is_in_place) or, where nothing had to be decoded, in the source itself. Valid
 * until the next call. NULL, with reterr set, where the data is corrupt or ends too early.
 */
bool reader_is_in_place(const struct reader *reader);

/* Where the elements lie in shared memory; NULL where they do not. */
struct view;
const struct view *reader_view(const struct reader *reader);

const void *reader_tile(struct reader *reader, size_t n, void *room, struct problem *reterr);

/*
 * Of a mask that is_open_ended, before the first voxel is read: put so many empty slices in front
 * of its last axis and behind it. Limits are checked as by reader_new.
 */
bool reader_extend(struct reader *reader, uint64_t before, uint64_t after, struct problem *reterr);

/*
 * A mask that comes as layers hands out the numbers of label sets, of OV_U16, unless it is disjoint
 * and this is called before the first voxel is read: then it hands out labels.
 */
void reader_hand_out_labels(struct reader *reader);

/* Whether a mask may be decoded whole: of one that comes as layers, only then its bytes matter. */
bool reader_may_be_unpacked(const struct reader *reader, struct problem *reterr);

/* Of a mask that comes as layers: its next runs, instead of tiles; *ret_n is 0 at the end alone. */
void reader_runs(struct reader *reader, struct ov_run *room, size_t cap, size_t *ret_n);

/* The i-th kind of thing that was passed over, and how often; NULL beyond the last. */
const char *reader_skipped(const struct reader *reader, size_t i, uint64_t *ret_n);

/* After the last element: the file ends where its header says, its checksums are right. */
bool reader_finish(struct reader *reader, struct problem *reterr);

/* ---- for proto/format alone ------------------------------------------------------------------ */

struct format {
    enum format_kind kind;
    /* Whether the first bytes are this format's; n may be small. NULL: never recognised by bytes.
     */
    bool (*is)(const uint8_t *bytes, size_t n);
    const char *const *extensions; /* ".npy", ...; NULL-terminated */
    /* Elements lie in the file as they are, and its header is read in no time. */
    bool is_plain;
    /* Labels have names and no numbers: the other mask's numbers are wanted first. */
    bool only_names;
    /* Read the header from the stream and fill in reader's header (shape as in the file). */
    bool (*open)(struct reader *reader, struct coding *stream, struct problem *reterr);
    /* As open, for a mask that stands in the request: reads source->json. NULL: only files. */
    bool (*open_json)(struct reader *reader, struct problem *reterr);
    /* Whether JSON is this format's, by its members; NULL: never recognised by them. */
    bool (*is_json)(const json_t *json);
    /* NULL: elements are the stream's bytes. Else fills n elements into room. */
    bool (*tile)(struct reader *reader, size_t n, void *room, struct problem *reterr);
    /* What is left to check in the file before coding_finish; NULL: nothing. */
    bool (*finish)(struct reader *reader, struct problem *reterr);
    void (*close)(void *state); /* NULL: no state */
};

#define FORMAT_EXTERN(symbol, name, object) extern const struct format format_##object;
FORMAT_MAP(FORMAT_EXTERN)
#undef FORMAT_EXTERN

/* JSON that does not say what it is of; annotation_file.c finds out. In no request. */
extern const struct format format_annotation;

const struct format *format_of(enum format_kind kind);

/* The format that a file is in; NULL, with reterr set, where it is none or not the one it should.
 */
const struct format *format_choose(const struct source *source, struct coding *stream,
                                   struct problem *reterr);

/* The bytes of a byte order mark, which some programs put in front of UTF-8: 3, or 0 for none. */
size_t format_text_mark(const uint8_t *bytes, size_t n);

/* What a format's functions may touch of a reader. */
struct mask_header *reader__header(struct reader *reader);
const struct source *reader__source(const struct reader *reader);
const struct env *reader__env(const struct reader *reader);
void **reader__state(struct reader *reader); /* the format's own; handed to close */

/*
 * What is left of the file is in a coding of its own: from here on the reader reads what that
 * decodes to. Once; where the whole file is in a coding too, what is left is decoded into memory
 * first, within the budget.
 *   ret_n_bytes   what is left, not decoded
 */
bool reader__unpack(struct reader *reader, enum coding_kind kind, size_t *ret_n_bytes,
                    struct problem *reterr);
struct coding *reader__stream(struct reader *reader);

/*
 * Make header.layers, of header.n_voxels voxels: what open of a format with layers calls once the
 * shape is measured (with dtype OV_U16, which is what sets of labels are unpacked to). It adds to
 * them, calls layers_merge, and has no tile function. The reader frees them.
 */
struct layers *reader__layers(struct reader *reader, struct problem *reterr);

/* Read this JSON as a mask of this format, as if it stood in the request. */
bool reader__open_json(struct reader *reader, enum format_kind kind, const json_t *json,
                       struct problem *reterr);

/* channels.c: what is left of a file's mask are layers, one per slice of source->channels' axis. */
bool channels_read(struct reader *reader, struct problem *reterr);

#define SKIPPED_MAX   32 /* kinds told apart */
#define SKIPPED_BYTES 64 /* of a kind's name, its end included; longer ones are cut */

/* Something in the mask was passed over, such as "rectanglelabels"; the answer says how often. */
bool reader__skip(struct reader *reader, const char *what, size_t n_what, struct problem *reterr);

/*
 * Check ndim, shape and dtype in the header against the limits and fill in n_voxels and n_bytes.
 * Every format's open calls it before it allocates or skips by a size from the file.
 */
bool reader__measure(struct reader *reader, struct problem *reterr);

/* As reader__measure, for a mask that comes as layers: its voxels are limited, not its bytes. */
bool reader__measure_layers(struct reader *reader, struct problem *reterr);

#endif
