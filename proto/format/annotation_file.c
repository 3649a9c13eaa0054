/* annotation_file.c - files of JSON: read whole, recognised, and handed to their format. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/format/annotation.h"
#include "proto/json.h"

const char *const annotation_extensions[] = {NULL};

/* The file's text, decoded: in place where there was nothing to decode. */
struct text {
    struct growth growth;
    uint8_t *room; /* NULL: in place */
    const uint8_t *at;
    size_t n;
    size_t cap;
};

static bool set_too_large(const struct reader *reader, struct problem *reterr)
{
    uint64_t limit = reader__env(reader)->limits.body_bytes;

    return problem_set(reterr, PROBLEM_DECODED_TOO_LARGE, reader__source(reader)->pointer,
                       "The JSON is larger than %llu bytes once decoded, the limit "
                       "(limits.body_bytes).",
                       (unsigned long long)limit);
}

static bool decode(const struct reader *reader, struct coding *stream, struct text *text,
                   struct problem *reterr)
{
    size_t got = 1;

    while (got > 0) {
        uint8_t *room = growth_room(&text->growth, text->room, text->n, &text->cap, 1, reterr);

        if (room == NULL)
            return false;
        text->room = room;
        if (!coding_read_some(stream, room + text->n, text->cap - text->n, &got, reterr))
            return false;
        text->n += got;
        if (text->n > reader__env(reader)->limits.body_bytes)
            return set_too_large(reader, reterr);
    }
    text->at = text->room;
    return true;
}

static bool read_text(const struct reader *reader, struct coding *stream, struct text *text,
                      struct problem *reterr)
{
    size_t n_mark;

    text->n = reader__source(reader)->n_bytes;
    text->at = coding_borrow(stream, text->n);
    if (text->at == NULL) {
        text->n = 0;
        if (!decode(reader, stream, text, reterr))
            return false;
    }
    n_mark = format_text_mark(text->at, text->n);
    text->at += n_mark;
    text->n -= n_mark;
    return true;
}

/* A cell of a table, as Kaggle's masks are in submissions, is no JSON but stands for its string. */
static json_t *parse_text(const struct reader *reader, const struct text *text,
                          struct problem *reterr)
{
    const char *at = (const char *)text->at;
    json_t *json;

    if (text->n == 0 || *at < '0' || *at > '9' || reader_header(reader)->format != FORMAT_KAGGLE)
        return json_parse_any(at, text->n, &reader__env(reader)->limits, reterr);
    json = json_stringn(at, text->n);
    if (json != NULL && strlen(json_string_value(json)) == text->n)
        return json;
    json_decref(json);
    problem_set(reterr, PROBLEM_BAD_JSON, NULL, "The text is not UTF-8, or has a NUL in it.");
    return NULL;
}

/* Only what a tool's whole answer looks like is recognised: two masks of runs look the same. */
static enum format_kind recognise(const json_t *json)
{
    for (enum format_kind kind = 0; kind < FORMAT_N; kind++) {
        if (format_of(kind)->is_json != NULL && format_of(kind)->is_json(json))
            return kind;
    }
    return FORMAT_N;
}

static bool open_json(struct reader *reader, const json_t *json, struct problem *reterr)
{
    enum format_kind kind = reader__header(reader)->format;

    if (kind == FORMAT_N)
        kind = recognise(json);
    if (kind == FORMAT_N)
        return problem_set(reterr, PROBLEM_UNKNOWN_FORMAT, reader__source(reader)->pointer,
                           "The mask is JSON, but neither COCO's, Label Studio's nor CVAT's whole "
                           "annotation; if it is a mask alone, name its format, as rle or encord.");
    return reader__open_json(reader, kind, json, reterr);
}

static bool parse(struct reader *reader, struct text *text, struct problem *reterr)
{
    const struct env *env = reader__env(reader);
    struct problem problem = {0};
    uint64_t n_bytes = 0;
    json_t *json = NULL;
    bool ok;

    if (json_bound((const char *)text->at, text->n, &env->limits, &n_bytes, &problem)) {
        if (!env->memory_take(n_bytes))
            return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, reader__source(reader)->pointer,
                               "The memory budget has no %llu bytes left for the mask's JSON.",
                               (unsigned long long)n_bytes);
        json = parse_text(reader, text, &problem);
    }
    ok = json != NULL ? open_json(reader, json, reterr)
                      : problem_set(reterr, problem.code, reader__source(reader)->pointer, "%s",
                                    problem.detail);
    json_decref(json);
    env->memory_give(n_bytes);
    return ok;
}

bool annotation_open(struct reader *reader, struct coding *stream, struct problem *reterr)
{
    struct text text = {
        .growth = {.env = reader__env(reader), .pointer = reader__source(reader)->pointer}};
    bool ok = read_text(reader, stream, &text, reterr) && parse(reader, &text, reterr);

    free(text.room);
    growth_done(&text.growth);
    return ok;
}

const struct format format_annotation = {
    .kind = FORMAT_AUTO,
    .extensions = annotation_extensions,
    .open = annotation_open,
};
