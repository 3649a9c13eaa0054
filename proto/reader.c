/* reader.c - a mask being read, from its source to its end, and what was passed over in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/reader_impl.h"

#include <stdlib.h>
#include <string.h>

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

bool reader_finish(struct reader *reader, struct problem *reterr)
{
    if (reader->format->finish != NULL && !reader->format->finish(reader, reterr))
        return false;
    return reader->stream == NULL || coding_finish(reader->stream, reterr);
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
