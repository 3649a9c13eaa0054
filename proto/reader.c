/* reader.c - a mask file being read: which format it is, its limits, its voxels tile by tile. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reader {
    struct source source;
    const struct env *env;
    struct mask_header header;
    const struct format *format;
    struct coding *stream;
    void *state;
    uint64_t n_left; /* elements not handed out yet */
};

static const struct format *const formats[FORMAT_N] = {
    [FORMAT_NPY] = &format_npy,
    [FORMAT_NIFTI] = &format_nifti,
    [FORMAT_PNG] = &format_png,
    [FORMAT_DICOM] = &format_dicom,
    [FORMAT_RAW] = &format_raw,
};

#define FORMAT_NAME(symbol, name) name,
static const char *const names[FORMAT_N] = {FORMAT_MAP(FORMAT_NAME)};
#undef FORMAT_NAME

const char *format_name(enum format_kind kind)
{
    return kind < FORMAT_N ? names[kind] : "auto";
}

enum format_kind format_find(const char *name, size_t n)
{
    for (enum format_kind kind = 0; kind < FORMAT_N; kind++) {
        if (strlen(names[kind]) == n && memcmp(names[kind], name, n) == 0)
            return kind;
    }
    return FORMAT_N;
}

/* ---- which format ---------------------------------------------------------------------------- */

/* What people send instead of a mask that we read; named so that they need not guess. */
static const struct {
    size_t at;
    size_t n;
    const char *signature;
    const char *what;
} strangers[] = {
    {0, 2, "\x1f\x8b", "gzip (one coding is taken off, the one that encoding names)"},
    {0, 4, "\x28\xb5\x2f\xfd", "zstd (one coding is taken off, the one that encoding names)"},
    {0, 4, "PK\x03\x04", "a ZIP archive (NPZ is one: send the .npy inside it)"},
    {0, 4, "NRRD", "NRRD"},
    {0, 10, "ObjectType", "MetaImage"},
    {0, 4, "II*\0", "TIFF"},
    {0, 4, "MM\0*", "TIFF"},
    {0, 3, "\xff\xd8\xff", "JPEG, which does not keep labels"},
    {0, 8, "\x89HDF\r\n\x1a\n", "HDF5"},
    {0, 1, "{", "JSON, perhaps run-length encoded"},
};

static const char *stranger(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        if (n >= strangers[i].at + strangers[i].n &&
            memcmp(bytes + strangers[i].at, strangers[i].signature, strangers[i].n) == 0)
            return strangers[i].what;
    }
    return NULL;
}

/* FORMAT_N where none fits, also below. */
static enum format_kind by_bytes(const uint8_t *bytes, size_t n)
{
    for (enum format_kind kind = 0; kind < FORMAT_N; kind++) {
        if (formats[kind]->is != NULL && formats[kind]->is(bytes, n))
            return kind;
    }
    return FORMAT_N;
}

static bool ends_with(const char *name, size_t n, const char *extension)
{
    size_t n_extension = strlen(extension);

    return n >= n_extension && strncasecmp(name + n - n_extension, extension, n_extension) == 0;
}

static bool has_extension(const struct format *format, const char *name, size_t n)
{
    for (const char *const *extension = format->extensions; *extension != NULL; extension++) {
        if (ends_with(name, n, *extension))
            return true;
    }
    return false;
}

static enum format_kind by_name(const char *name)
{
    size_t n = name != NULL ? strlen(name) : 0;

    if (ends_with(name, n, ".gz"))
        n -= 3;
    else if (ends_with(name, n, ".zst"))
        n -= 4;
    for (enum format_kind kind = 0; kind < FORMAT_N; kind++) {
        if (has_extension(formats[kind], name, n))
            return kind;
    }
    return FORMAT_N;
}

static bool set_mismatch(const struct reader *reader, enum format_kind found, const uint8_t *bytes,
                         size_t n, struct problem *reterr)
{
    const char *other = found < FORMAT_N ? format_name(found) : stranger(bytes, n);

    return problem_set(reterr, PROBLEM_FORMAT_MISMATCH, reader->source.pointer,
                       "The mask is said to be %s, but its first bytes are %s%s.",
                       format_name(reader->source.format), other != NULL ? "those of " : "not",
                       other != NULL ? other : "");
}

static bool set_unknown(const struct reader *reader, const uint8_t *bytes, size_t n,
                        struct problem *reterr)
{
    const char *what = stranger(bytes, n);
    char hex[3 * 8 + 1] = "";

    for (size_t i = 0; i < n && i < 8; i++)
        snprintf(hex + 3 * i, 4, " %02x", bytes[i]);
    return problem_set(
        reterr, PROBLEM_UNKNOWN_FORMAT, reader->source.pointer,
        "The first bytes,%s, are %s%s. Supported are npy, nifti, png, and raw with "
        "format, dtype and shape given; each plain, in gzip or zstd, or in zlib where "
        "encoding says so.",
        hex, what != NULL ? "those of " : "of no format known here", what != NULL ? what : "");
}

static bool choose_format(struct reader *reader, struct problem *reterr)
{
    enum format_kind said = reader->source.format;
    enum format_kind found;
    const uint8_t *bytes;
    size_t n;

    if (!coding_peek(reader->stream, CODING_PEEK_BYTES, &bytes, &n, reterr))
        return false;
    if (n == 0)
        return problem_set(reterr, PROBLEM_TRUNCATED, reader->source.pointer, "The mask is empty.");
    found = by_bytes(bytes, n);
    if (said != FORMAT_AUTO && formats[said]->is != NULL && found != said)
        return set_mismatch(reader, found, bytes, n, reterr);
    if (said != FORMAT_AUTO)
        found = said;
    else if (found == FORMAT_N)
        found = by_name(reader->source.filename);
    if (found == FORMAT_N)
        return set_unknown(reader, bytes, n, reterr);
    reader->format = formats[found];
    reader->header.format = found;
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

enum coding_kind source_coding(const struct source *source)
{
    if (source->coding != CODING_AUTO)
        return source->coding;
    /* Labels that begin like gzip are labels: raw says all about itself. */
    return source->format == FORMAT_RAW ? CODING_NONE
                                        : coding_sniff(source->bytes, source->n_bytes);
}

static bool open_reader(struct reader *reader, struct problem *reterr)
{
    const struct source *source = &reader->source;
    enum coding_kind coding = source_coding(source);

    reader->header.coding = coding;
    reader->stream = coding_new(coding, source->bytes, source->n_bytes, source->pointer, reterr);
    if (reader->stream == NULL || !choose_format(reader, reterr))
        return false;
    if (source->declared && reader->header.format != FORMAT_RAW)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                           "dtype, shape and order belong to raw masks; this one is %s, which "
                           "says them itself.",
                           format_name(reader->header.format));
    return reader->format->open(reader, reader->stream, reterr);
}

struct reader *reader_new(const struct source *source, const struct env *env,
                          struct problem *reterr)
{
    struct reader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL) {
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, source->pointer, "There is no memory to begin.");
        return NULL;
    }
    reader->source = *source;
    reader->env = env;
    if (!open_reader(reader, reterr)) {
        reader_free(reader);
        return NULL;
    }
    reader->n_left = reader->header.n_voxels;
    return reader;
}

void reader_free(struct reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->state != NULL)
        reader->format->close(reader->state);
    coding_free(reader->stream);
    free(reader);
}

const struct mask_header *reader_header(const struct reader *reader)
{
    return &reader->header;
}

struct mask_header *reader__header(struct reader *reader)
{
    return &reader->header;
}

const struct source *reader__source(const struct reader *reader)
{
    return &reader->source;
}

const struct env *reader__env(const struct reader *reader)
{
    return reader->env;
}

void **reader__state(struct reader *reader)
{
    return &reader->state;
}

/* ---- voxels ---------------------------------------------------------------------------------- */

/* "512 x 512 x 300" */
static void print_shape(const struct mask_header *header, char *text, size_t cap_text)
{
    size_t at = 0;

    for (int axis = 0; axis < header->ndim && at < cap_text; axis++)
        at += (size_t)snprintf(text + at, cap_text - at, "%s%llu", axis > 0 ? " x " : "",
                               (unsigned long long)header->shape[axis]);
}

static bool set_too_large(const struct reader *reader, enum ov_status status,
                          struct problem *reterr)
{
    const struct mask_header *header = &reader->header;
    const struct limits *limits = &reader->env->limits;
    const char *pointer = reader->source.pointer;
    char shape[OV_MAX_NDIM * 24];

    print_shape(header, shape, sizeof(shape));
    if (status != OV_OK)
        return problem_set(reterr, PROBLEM_TOO_MANY_VOXELS, pointer,
                           "The mask's shape is %s: that is beyond 2^63 bytes; the limit is %llu "
                           "voxels.",
                           shape, (unsigned long long)limits->voxels);
    if (header->n_voxels > limits->voxels)
        return problem_set(reterr, PROBLEM_TOO_MANY_VOXELS, pointer,
                           "The mask has %llu voxels (%s); the limit is %llu.",
                           (unsigned long long)header->n_voxels, shape,
                           (unsigned long long)limits->voxels);
    return problem_set(reterr, PROBLEM_DECODED_TOO_LARGE, pointer,
                       "The mask takes %llu bytes when decoded (%s of %s); the limit is %llu.",
                       (unsigned long long)header->n_bytes, shape,
                       ov_dtype_name(header->encoding.dtype),
                       (unsigned long long)limits->decoded_bytes);
}

bool reader__measure(struct reader *reader, struct problem *reterr)
{
    struct mask_header *header = &reader->header;
    const struct limits *limits = &reader->env->limits;
    enum ov_status status;

    for (int axis = 0; axis < header->ndim; axis++) {
        if (header->shape[axis] == 0)
            return problem_set(reterr, PROBLEM_BAD_MASK, reader->source.pointer,
                               "Axis %d of the mask is 0: it has no voxels.", axis);
    }
    status = ov_shape_size(header->ndim, header->shape, header->encoding.dtype, &header->n_voxels,
                           &header->n_bytes);
    if (status != OV_OK || header->n_voxels > limits->voxels ||
        header->n_bytes > limits->decoded_bytes)
        return set_too_large(reader, status, reterr);
    return true;
}

bool reader_is_in_place(const struct reader *reader)
{
    return reader->format->tile == NULL && reader->header.coding == CODING_NONE;
}

const void *reader_tile(struct reader *reader, size_t n, void *room, struct problem *reterr)
{
    size_t n_bytes = n * ov_dtype_bytes(reader->header.encoding.dtype);
    const void *tile;

    assert(n <= reader->n_left);
    reader->n_left -= n;
    if (reader->format->tile != NULL)
        return reader->format->tile(reader, n, room, reterr) ? room : NULL;
    tile = coding_borrow(reader->stream, n_bytes);
    if (tile != NULL)
        return tile;
    if (room == NULL) {
        problem_set(reterr, PROBLEM_TRUNCATED, reader->source.pointer,
                    "The data ends before the mask's %llu voxels are complete.",
                    (unsigned long long)reader->header.n_voxels);
        return NULL;
    }
    return coding_read(reader->stream, room, n_bytes, reterr) ? room : NULL;
}

bool reader_finish(struct reader *reader, struct problem *reterr)
{
    if (reader->format->finish != NULL && !reader->format->finish(reader, reterr))
        return false;
    return coding_finish(reader->stream, reterr);
}
