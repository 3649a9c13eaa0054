/* reader.c - a mask being read: its limits, its voxels as tiles or as runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/reader.h"
#include "proto/inner.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/view.h"

/* What was passed over in a mask, and how often. */
struct skipped {
    char what[SKIPPED_BYTES];
    uint64_t n;
};

struct reader {
    struct source source;
    const struct env *env;
    struct mask_header header;
    const struct format *format;
    struct coding *stream;
    struct inner inner; /* where the stream is a coding inside the file */
    void *state;
    uint64_t n_left;    /* elements not handed out yet */
    struct ov_run rest; /* of a mask in runs: what the last tile left of one */
    struct skipped *skipped;
    size_t n_skipped;
    struct view *view; /* of a mask in shared memory */
    struct view_window window;
};

/* ---- life ------------------------------------------------------------------------------------ */

enum coding_kind source_coding(const struct source *source)
{
    if (source->json != NULL || source->place.kind != SEGMENT_NONE)
        return CODING_NONE;
    if (source->coding != CODING_AUTO)
        return source->coding;
    /* Labels that begin like gzip are labels: raw says all about itself. */
    return source->format == FORMAT_RAW ? CODING_NONE
                                        : coding_sniff(source->bytes, source->n_bytes);
}

/* Annotations seldom say how large their image is. */
static bool takes_shape(const struct format *format)
{
    return format == &format_raw || format == &format_annotation || format->open_json != NULL;
}

static bool open_file(struct reader *reader, struct problem *reterr)
{
    const struct source *source = &reader->source;

    reader->stream =
        coding_new(reader->header.coding, source->bytes, source->n_bytes, source->pointer, reterr);
    if (reader->stream == NULL)
        return false;
    reader->format = format_choose(source, reader->stream, reterr);
    if (reader->format == NULL)
        return false;
    reader->header.format = reader->format->kind;
    if (reader->format->open == NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                           "%s stands in the request itself and is no file.",
                           format_name(reader->header.format));
    if (source->declared && !takes_shape(reader->format))
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                           "dtype, shape and order belong to raw masks; this one is %s, which "
                           "says them itself.",
                           format_name(reader->header.format));
    if (reader->format != &format_annotation &&
        !source_check(source, reader->header.format, reterr))
        return false;
    if (!reader->format->open(reader, reader->stream, reterr))
        return false;
    reader->n_left = reader->header.n_voxels;
    return source->channels == NULL || channels_read(reader, reterr);
}

bool reader__open_json(struct reader *reader, enum format_kind kind, const json_t *json,
                       struct problem *reterr)
{
    bool ok;

    reader->format = format_of(kind);
    reader->header.format = kind;
    reader->source.json = json;
    ok = source_check(&reader->source, kind, reterr) && reader->format->open_json(reader, reterr);
    reader->source.json = NULL;
    return ok;
}

/* Shared memory holds elements and no file. */
static bool open_view(struct reader *reader, struct problem *reterr)
{
    const struct source *source = &reader->source;

    if ((source->format != FORMAT_AUTO && source->format != FORMAT_RAW) ||
        (source->coding != CODING_AUTO && source->coding != CODING_NONE))
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                           "A mask in shared memory is raw and not encoded.");
    reader->format = &format_raw;
    reader->header.format = FORMAT_RAW;
    reader->view = malloc(sizeof(*reader->view));
    if (reader->view == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, source->pointer, "No memory to begin.");
    if (!source_check(source, FORMAT_RAW, reterr) || !format_raw.open(reader, NULL, reterr))
        return false;
    reader->header.encoding.swapped = false; /* who shares memory shares its byte order */
    if (!view_init(reader->view, source, &reader->header, reterr))
        return false;
    reader->n_left = reader->header.n_voxels;
    return source->channels == NULL || channels_read(reader, reterr);
}

static bool open_reader(struct reader *reader, struct problem *reterr)
{
    reader->header.coding = source_coding(&reader->source);
    if (reader->source.segment != NULL)
        return open_view(reader, reterr);
    if (reader->source.json == NULL)
        return open_file(reader, reterr);
    return reader__open_json(reader, reader->source.format, reader->source.json, reterr);
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
    inner_done(&reader->inner);
    layers_free(reader->header.layers);
    free(reader->skipped);
    view_window_done(&reader->window);
    free(reader->view);
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

bool reader__unpack(struct reader *reader, enum coding_kind kind, size_t *ret_n_bytes,
                    struct problem *reterr)
{
    reader->inner.growth = (struct growth){.env = reader->env, .pointer = reader->source.pointer};
    return inner_open(&reader->inner, kind, &reader->stream, ret_n_bytes, reterr);
}

struct coding *reader__stream(struct reader *reader)
{
    return reader->stream;
}

struct layers *reader__layers(struct reader *reader, struct problem *reterr)
{
    struct mask_header *header = &reader->header;

    header->layers = layers_new(reader->env, reader->source.pointer, header->n_voxels, reterr);
    return header->layers;
}

bool reader__skip(struct reader *reader, const char *what, size_t n_what, struct problem *reterr)
{
    struct skipped *larger;
    size_t n = n_what < SKIPPED_BYTES - 1 ? n_what : SKIPPED_BYTES - 1;

    /* No character of UTF-8 is cut in two: the answer could not say it. */
    while (n < n_what && n > 0 && ((unsigned char)what[n] & 0xc0) == 0x80)
        n--;

    for (size_t i = 0; i < reader->n_skipped; i++) {
        if (strlen(reader->skipped[i].what) == n && memcmp(reader->skipped[i].what, what, n) == 0) {
            reader->skipped[i].n++;
            return true;
        }
    }
    if (reader->n_skipped == SKIPPED_MAX) { /* the last entry stands for all others */
        reader->skipped[SKIPPED_MAX - 1].n++;
        return true;
    }
    larger = realloc(reader->skipped, (reader->n_skipped + 1) * sizeof(*larger));
    if (larger == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, reader->source.pointer,
                           "No memory to say what is passed over.");
    reader->skipped = larger;
    larger[reader->n_skipped] = (struct skipped){.n = 1};
    if (reader->n_skipped == SKIPPED_MAX - 1)
        memcpy(larger[reader->n_skipped].what, "other", sizeof("other"));
    else
        memcpy(larger[reader->n_skipped].what, what, n);
    reader->n_skipped++;
    return true;
}

const char *reader_skipped(const struct reader *reader, size_t i, uint64_t *ret_n)
{
    if (i >= reader->n_skipped)
        return NULL;
    *ret_n = reader->skipped[i].n;
    return reader->skipped[i].what;
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
                           "voxels (limits.voxels).",
                           shape, (unsigned long long)limits->voxels);
    if (header->n_voxels > limits->voxels)
        return problem_set(reterr, PROBLEM_TOO_MANY_VOXELS, pointer,
                           "The mask has %llu voxels (%s); the limit is %llu (limits.voxels).",
                           (unsigned long long)header->n_voxels, shape,
                           (unsigned long long)limits->voxels);
    return problem_set(reterr, PROBLEM_DECODED_TOO_LARGE, pointer,
                       "The mask takes %llu bytes when decoded (%s of %s); the limit is %llu "
                       "(limits.decoded_bytes).",
                       (unsigned long long)header->n_bytes, shape,
                       ov_dtype_name(header->encoding.dtype),
                       (unsigned long long)limits->decoded_bytes);
}

static bool measure(struct reader *reader, uint64_t most_bytes, struct problem *reterr)
{
    struct mask_header *header = &reader->header;
    enum ov_status status;

    for (int axis = 0; axis < header->ndim; axis++) {
        if (header->shape[axis] == 0)
            return problem_set(reterr, PROBLEM_BAD_MASK, reader->source.pointer,
                               "Axis %d of the mask is 0: it has no voxels.", axis);
    }
    status = ov_shape_size(header->ndim, header->shape, header->encoding.dtype, &header->n_voxels,
                           &header->n_bytes);
    if (status != OV_OK || header->n_voxels > reader->env->limits.voxels ||
        header->n_bytes > most_bytes)
        return set_too_large(reader, status, reterr);
    return true;
}

bool reader__measure(struct reader *reader, struct problem *reterr)
{
    return measure(reader, reader->env->limits.decoded_bytes, reterr);
}

bool reader__measure_layers(struct reader *reader, struct problem *reterr)
{
    reader->header.encoding = (struct ov_encoding){.dtype = OV_U16};
    return measure(reader, UINT64_MAX, reterr);
}

bool reader_may_be_unpacked(const struct reader *reader, struct problem *reterr)
{
    return reader->header.n_bytes <= reader->env->limits.decoded_bytes ||
           set_too_large(reader, OV_OK, reterr);
}

bool reader_extend(struct reader *reader, uint64_t before, uint64_t after, struct problem *reterr)
{
    struct mask_header *header = &reader->header;
    int last = header->ndim - 1;
    uint64_t n_slice = header->n_voxels / header->shape[last];

    /* Slices are fewer than 2^63 by far; a sum that large is beyond any limit. */
    header->shape[last] += before + after;
    if (!reader__measure_layers(reader, reterr) ||
        !layers_pad(header->layers, before * n_slice, after * n_slice, reterr))
        return false;
    for (int row = 0; row < 3; row++)
        header->affine[row][3] -= (double)before * header->affine[row][last];
    header->added[0] += before;
    header->added[1] += after;
    reader->n_left = header->n_voxels;
    return true;
}

void reader_hand_out_labels(struct reader *reader)
{
    struct mask_header *header = &reader->header;
    int64_t largest;

    layers_hand_out_labels(header->layers);
    largest = layers_largest(header->layers);
    header->encoding.dtype = largest <= UINT8_MAX ? OV_U8 : largest <= UINT16_MAX ? OV_U16 : OV_I64;
    if (layers_n_labels(header->layers) > 0 && layers_labels(header->layers)[0] < 0)
        header->encoding.dtype = OV_I64;
    header->n_bytes = header->n_voxels * ov_dtype_bytes(header->encoding.dtype);
}

void reader_runs(struct reader *reader, struct ov_run *room, size_t cap, size_t *ret_n)
{
    layers_next(reader->header.layers, room, cap, ret_n);
}

/* Elements of 1, 2 or 8 bytes, as reader_hand_out_labels chooses them. */
static void fill(unsigned char *room, enum ov_dtype dtype, int64_t label, size_t n)
{
    uint16_t narrow = (uint16_t)label;

    if (dtype == OV_U8)
        memset(room, (int)label, n);
    for (size_t i = 0; dtype == OV_U16 && i < n; i++)
        memcpy(room + i * sizeof(narrow), &narrow, sizeof(narrow));
    for (size_t i = 0; dtype == OV_I64 && i < n; i++)
        memcpy(room + i * sizeof(label), &label, sizeof(label));
}

/* The next n voxels of a mask in runs, as elements. */
static void unpack_runs(struct reader *reader, size_t n, unsigned char *room)
{
    enum ov_dtype dtype = reader->header.encoding.dtype;
    struct ov_run *rest = &reader->rest;
    size_t n_runs;

    while (n > 0) {
        size_t length;

        if (rest->length == 0)
            layers_next(reader->header.layers, rest, 1, &n_runs);
        length = rest->length < n ? (size_t)rest->length : n;
        fill(room, dtype, rest->label, length);
        room += length * ov_dtype_bytes(dtype);
        rest->length -= length;
        n -= length;
    }
}

bool reader_is_in_place(const struct reader *reader)
{
    if (reader->view != NULL)
        return reader->header.layers == NULL && view_is_in_place(reader->view);
    return reader->format->tile == NULL && reader->header.layers == NULL &&
           reader->header.coding == CODING_NONE && !inner_is_open(&reader->inner);
}

const struct view *reader_view(const struct reader *reader)
{
    return reader->header.layers == NULL ? reader->view : NULL;
}

const void *reader_tile(struct reader *reader, size_t n, void *room, struct problem *reterr)
{
    size_t n_bytes = n * ov_dtype_bytes(reader->header.encoding.dtype);
    const void *tile;

    assert(n <= reader->n_left);
    reader->n_left -= n;
    if (reader->header.layers != NULL) {
        unpack_runs(reader, n, room);
        return room;
    }
    if (reader->view != NULL)
        return view_tile(reader->view, &reader->window,
                         reader->header.n_voxels - reader->n_left - n, n, room, reterr);
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
    return reader->stream == NULL || coding_finish(reader->stream, reterr);
}
