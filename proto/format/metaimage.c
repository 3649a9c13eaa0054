/* metaimage.c - MetaImage in one file (.mha): lines of "Key = Value", then the elements. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/bytes.h"
#include "proto/format/lines.h"
#include "proto/reader.h"

#include <math.h>
#include <string.h>

static const char *const extensions[] = {".mha", ".mhd", NULL};

/* Numbers of a key that a header may give under several names, if they agree. */
struct reals {
    size_t n; /* 0: not given */
    double at[OV_MAX_NDIM * OV_MAX_NDIM];
};

enum truth { NOT_SAID, NO, YES };

/* A header being read. */
struct metaimage {
    struct lines *lines;
    struct mask_header *header;
    uint64_t ndims; /* 0: not given */
    size_t n_sizes;
    bool has_dtype;
    enum truth big, compressed;
    uint64_t compressed_bytes; /* 0: not given */
    struct reals spacing, size_mm, matrix, offset;
    bool ended;
};

static bool metaimage_is(const uint8_t *bytes, size_t n)
{
    static const char *const first_keys[] = {"ObjectType", "NDims"};

    for (size_t i = 0; i < 2; i++) {
        size_t n_key = strlen(first_keys[i]);

        if (n > n_key && memcmp(bytes, first_keys[i], n_key) == 0 &&
            (bytes[n_key] == ' ' || bytes[n_key] == '='))
            return true;
    }
    return false;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool set_reals(struct metaimage *meta, struct reals *reals, const char *value)
{
    struct reals given = {0};

    if (!lines_reals(value, given.at, sizeof(given.at) / sizeof(given.at[0]), &given.n))
        return lines_bad(meta->lines, "a value is not made of finite numbers");
    if (reals->n > 0 &&
        (reals->n != given.n || memcmp(reals->at, given.at, given.n * sizeof(given.at[0])) != 0))
        return lines_bad(meta->lines, "another line says otherwise");
    *reals = given;
    return true;
}

static bool set_truth(struct metaimage *meta, enum truth *truth, const char *value)
{
    enum truth given = NO;

    if (*value == 'T' || *value == 't' || *value == '1')
        given = YES;
    else if (*value != 'F' && *value != 'f' && *value != '0')
        return lines_bad(meta->lines, "a value is neither True nor False");
    if (*truth != NOT_SAID && *truth != given)
        return lines_bad(meta->lines, "another line says otherwise");
    *truth = given;
    return true;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static bool read_object_type(struct metaimage *meta, const char *value)
{
    return lines_is(value, "Image") || lines_unsupported(meta->lines, "only images are masks");
}

static bool read_ndims(struct metaimage *meta, const char *value)
{
    size_t n;

    if (meta->ndims != 0)
        return lines_bad(meta->lines, "a key is there twice");
    if (!lines_naturals(value, &meta->ndims, 1, &n) || meta->ndims < 1 || meta->ndims > OV_MAX_NDIM)
        return lines_bad(meta->lines, "the number of axes is not 1 to 7");
    return true;
}

static bool read_sizes(struct metaimage *meta, const char *value)
{
    if (meta->n_sizes != 0)
        return lines_bad(meta->lines, "a key is there twice");
    return lines_naturals(value, meta->header->shape, OV_MAX_NDIM, &meta->n_sizes) ||
           lines_bad(meta->lines, "the sizes are not 1 to 7 natural numbers");
}

static bool read_type(struct metaimage *meta, const char *value)
{
    static const struct {
        const char *name;
        enum ov_dtype dtype;
    } types[] = {
        {"MET_CHAR", OV_I8},    {"MET_UCHAR", OV_U8},       {"MET_SHORT", OV_I16},
        {"MET_USHORT", OV_U16}, {"MET_INT", OV_I32},        {"MET_UINT", OV_U32},
        {"MET_LONG", OV_I32},   {"MET_ULONG", OV_U32},      {"MET_LONG_LONG", OV_I64},
        {"MET_FLOAT", OV_F32},  {"MET_ULONG_LONG", OV_U64}, {"MET_DOUBLE", OV_F64},
    };

    if (meta->has_dtype)
        return lines_bad(meta->lines, "a key is there twice");
    meta->has_dtype = true;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, value) == 0) {
            meta->header->encoding.dtype = types[i].dtype;
            return true;
        }
    }
    return lines_unsupported(meta->lines,
                             "elements are integers, floats or doubles, one per voxel");
}

static bool read_channels(struct metaimage *meta, const char *value)
{
    return strcmp(value, "1") == 0 ||
           lines_unsupported(meta->lines, "a label is one number, not several channels");
}

static bool read_binary(struct metaimage *meta, const char *value)
{
    enum truth binary = NOT_SAID;

    return set_truth(meta, &binary, value) &&
           (binary == YES ||
            lines_unsupported(meta->lines, "elements written as text are not read"));
}

static bool read_big(struct metaimage *meta, const char *value)
{
    return set_truth(meta, &meta->big, value);
}

static bool read_compressed(struct metaimage *meta, const char *value)
{
    return set_truth(meta, &meta->compressed, value);
}

static bool read_compressed_bytes(struct metaimage *meta, const char *value)
{
    size_t n;

    return lines_naturals(value, &meta->compressed_bytes, 1, &n) ||
           lines_bad(meta->lines, "a size is not a natural number");
}

static bool read_header_size(struct metaimage *meta, const char *value)
{
    return strcmp(value, "0") == 0 ||
           lines_unsupported(meta->lines, "bytes between header and elements are not skipped");
}

static bool read_spacing(struct metaimage *meta, const char *value)
{
    return set_reals(meta, &meta->spacing, value);
}

static bool read_size_mm(struct metaimage *meta, const char *value)
{
    return set_reals(meta, &meta->size_mm, value);
}

static bool read_matrix(struct metaimage *meta, const char *value)
{
    return set_reals(meta, &meta->matrix, value);
}

static bool read_offset(struct metaimage *meta, const char *value)
{
    return set_reals(meta, &meta->offset, value);
}

static bool read_slope(struct metaimage *meta, const char *value)
{
    struct reals slope = {0};

    return set_reals(meta, &slope, value) &&
           ((slope.n == 1 && slope.at[0] == 1) ||
            lines_unsupported(meta->lines, "readers differ in whether they scale elements"));
}

static bool read_intercept(struct metaimage *meta, const char *value)
{
    struct reals intercept = {0};

    return set_reals(meta, &intercept, value) &&
           ((intercept.n == 1 && intercept.at[0] == 0) ||
            lines_unsupported(meta->lines, "readers differ in whether they scale elements"));
}

/* Nothing that is named here is ever opened. */
static bool read_data_file(struct metaimage *meta, const char *value)
{
    meta->ended = true;
    return lines_is(value, "LOCAL") ||
           lines_unsupported(meta->lines, "the elements are in another file; send one .mha");
}

static bool read_line(struct metaimage *meta)
{
    static const struct {
        const char *name;
        bool (*read)(struct metaimage *, const char *);
    } keys[] = {
        {"ObjectType", read_object_type},
        {"NDims", read_ndims},
        {"DimSize", read_sizes},
        {"ElementType", read_type},
        {"ElementNumberOfChannels", read_channels},
        {"BinaryData", read_binary},
        {"BinaryDataByteOrderMSB", read_big},
        {"ElementByteOrderMSB", read_big},
        {"CompressedData", read_compressed},
        {"CompressedDataSize", read_compressed_bytes},
        {"HeaderSize", read_header_size},
        {"ElementSpacing", read_spacing},
        {"ElementSize", read_size_mm},
        {"TransformMatrix", read_matrix},
        {"Rotation", read_matrix},
        {"Orientation", read_matrix},
        {"Offset", read_offset},
        {"Position", read_offset},
        {"Origin", read_offset},
        {"ElementToIntensityFunctionSlope", read_slope},
        {"ElementToIntensityFunctionOffset", read_intercept},
        {"ElementDataFile", read_data_file},
    };
    char *key = meta->lines->text;
    char *equals = strchr(key, '=');

    if (equals == NULL)
        return lines_bad(meta->lines, "a line has no '='");
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        size_t n = strlen(keys[i].name);

        if (strncmp(key, keys[i].name, n) == 0 && key + n + strspn(key + n, " \t") == equals)
            return keys[i].read(meta, equals + 1 + strspn(equals + 1, " \t"));
    }
    return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* There are as many numbers as axes, or none. */
static bool check_counts(const struct metaimage *meta)
{
    size_t n = (size_t)meta->ndims;
    const struct reals *per_axis[] = {&meta->spacing, &meta->size_mm, &meta->offset};

    if (n == 0 || meta->n_sizes != n || !meta->has_dtype)
        return lines_bad(meta->lines, "NDims, DimSize of as many sizes, or ElementType is missing");
    for (size_t i = 0; i < 3; i++) {
        if (per_axis[i]->n != 0 && per_axis[i]->n != n)
            return lines_bad(meta->lines, "a value has more or fewer numbers than there are axes");
    }
    return meta->matrix.n == 0 || meta->matrix.n == n * n ||
           lines_bad(meta->lines, "the matrix is not square in the number of axes");
}

static double spacing_of(const struct metaimage *meta, size_t axis)
{
    if (meta->spacing.n > 0)
        return meta->spacing.at[axis];
    return meta->size_mm.n > 0 ? meta->size_mm.at[axis] : 1;
}

/* The file's x and y point to the left and to the back; ours to the right and to the front. */
static bool read_affine(const struct metaimage *meta)
{
    struct mask_header *header = meta->header;
    size_t ndims = (size_t)meta->ndims;

    /* Spacing alone says how far voxels lie apart and not where. */
    header->has_affine = meta->matrix.n > 0 || meta->offset.n > 0;
    for (size_t row = 0; row < 3; row++) {
        double sign = row < 2 ? -1 : 1;

        for (size_t axis = 0; axis < 3; axis++) {
            double step = row == axis;

            if (axis < ndims && row < ndims && meta->matrix.n > 0)
                step = meta->matrix.at[axis * ndims + row]; /* a line per axis */
            if (axis < ndims)
                step *= spacing_of(meta, axis);
            header->affine[row][axis] = sign * step;
            if (!isfinite(step))
                return lines_bad(meta->lines, "a step between voxels is not finite");
        }
        header->affine[row][3] = row < meta->offset.n ? sign * meta->offset.at[row] : 0;
    }
    return true;
}

static bool read_header(struct metaimage *meta)
{
    while (!meta->ended) {
        if (!lines_next(meta->lines) || !read_line(meta))
            return false;
    }
    if (!check_counts(meta))
        return false;
    meta->header->ndim = (int)meta->ndims;
    meta->header->order = OV_ORDER_F;
    meta->header->encoding.swapped = ov_dtype_bytes(meta->header->encoding.dtype) > 1 &&
                                     bytes_are_swapped(meta->big == YES ? BYTES_BIG : BYTES_LITTLE);
    return read_affine(meta);
}

/* zlib, as the format has it, which is all that has no signature. */
static bool unpack(struct reader *reader, const struct metaimage *meta)
{
    struct problem *reterr = meta->lines->reterr;
    enum coding_kind kind;
    const uint8_t *bytes;
    size_t n;

    if (!coding_peek(reader__stream(reader), 4, &bytes, &n, reterr))
        return false;
    kind = coding_sniff(bytes, n);
    if (!reader__unpack(reader, kind == CODING_NONE ? CODING_ZLIB : kind, &n, reterr))
        return false;
    if (meta->compressed_bytes == 0 || meta->compressed_bytes == n)
        return true;
    return problem_set(reterr, n < meta->compressed_bytes ? PROBLEM_TRUNCATED : PROBLEM_BAD_MASK,
                       meta->lines->pointer,
                       "The MetaImage's CompressedDataSize is %llu, but %zu bytes follow.",
                       (unsigned long long)meta->compressed_bytes, n);
}

static bool metaimage_open(struct reader *reader, struct coding *stream, struct problem *reterr)
{
    struct metaimage meta = {.header = reader__header(reader)};
    bool good;

    meta.lines = lines_new(stream, "MetaImage", reader__source(reader)->pointer, reterr);
    if (meta.lines == NULL)
        return false;
    good = read_header(&meta) && reader__measure(reader, reterr) &&
           (meta.compressed != YES || unpack(reader, &meta));
    lines_free(meta.lines);
    return good;
}

const struct format format_metaimage = {
    .kind = FORMAT_METAIMAGE,
    .is = metaimage_is,
    .extensions = extensions,
    .open = metaimage_open,
};
