/* inline_masks.h - masks that stand in a request, read and looked at; for the tests of annotations.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_INLINE_MASKS_H
#define TESTS_INLINE_MASKS_H

#include "mask_files.h"

/* A source being read: its text, parsed, and what came of it. */
struct inline_mask {
    json_t *json;
    struct names *names;
    struct problem problem;
    struct reader *reader; /* NULL where there is a problem */
};

/* Of the reader that is open: it outlives the function that opened it. */
static struct env inline_environment;

static inline struct env inline_env(void)
{
    struct env env = test_env();

    env.limits.body_bytes = 1 << 20;
    env.limits.json_depth = 32;
    env.limits.json_values = 1 << 20;
    return env;
}

static inline void read_shape_of(const json_t *json, struct source *source)
{
    const json_t *shape = json_object_get(json, "shape");
    const char *order = json_string_value(json_object_get(json, "order"));

    source->ndim = (int)json_array_size(shape);
    for (int i = 0; i < source->ndim; i++)
        source->shape[i] = (uint64_t)json_integer_value(json_array_get(shape, (size_t)i));
    source->order = order != NULL && order[0] == 'F' ? OV_ORDER_F : OV_ORDER_C;
    source->dtype = json_object_get(json, "dtype") != NULL ? OV_U8 : OV_N_DTYPES;
}

/* The member that is called as a format is the mask. */
static inline void read_value_of(const json_t *json, struct source *source)
{
    for (enum format_kind kind = 0; kind < FORMAT_N; kind++) {
        if (json_object_get(json, format_name(kind)) != NULL) {
            source->json = json_object_get(json, format_name(kind));
            source->format = kind;
        }
    }
}

/* Text with ' for ", so that it can be read here. */
static inline struct inline_mask read_inline(const char *text)
{
    struct inline_mask mask = {.names = names_new()};
    struct source source = source_of(NULL, 0);
    json_error_t error;
    char *quoted = strdup(text);

    assert_non_null(quoted);
    for (char *at = quoted; (at = strchr(at, '\'')) != NULL;)
        *at = '"';
    mask.json = json_loads(quoted, JSON_REJECT_DUPLICATES, &error);
    if (mask.json == NULL)
        fail_msg("%s: %s", quoted, error.text);
    free(quoted);
    source.options = mask.json;
    source.names = mask.names;
    read_shape_of(mask.json, &source);
    read_value_of(mask.json, &source);
    assert_non_null(source.json);
    inline_environment = inline_env();
    mask.reader = reader_new(&source, &inline_environment, &mask.problem);
    assert_int_equal(mask.reader != NULL, mask.problem.code == PROBLEM_NONE);
    return mask;
}

static inline void inline_done(struct inline_mask *mask)
{
    reader_free(mask->reader);
    names_free(mask->names);
    json_decref(mask->json);
    assert_int_equal(budget_used, 0);
}

static inline bool set_holds(const struct layers *layers, int64_t set, int64_t label)
{
    size_t n;
    const int64_t *labels = layers_set(layers, (size_t)set, &n);

    for (size_t i = 0; i < n; i++) {
        if (labels[i] == label)
            return true;
    }
    return false;
}

/* "0110/0100/0000", the rows of a layer. */
static inline void layer_rows(struct reader *reader, int64_t label, char *rows)
{
    const struct mask_header *header = reader_header(reader);
    size_t height = (size_t)header->shape[0], width = (size_t)header->shape[1];
    size_t position = 0, n;
    struct ov_run run;

    memset(rows, '/', height * (width + 1));
    rows[height * (width + 1) - 1] = '\0';
    for (reader_runs(reader, &run, 1, &n); n > 0; reader_runs(reader, &run, 1, &n)) {
        bool inside = set_holds(header->layers, run.label, label);

        for (uint64_t i = 0; i < run.length; i++, position++) {
            size_t y = header->order == OV_ORDER_C ? position / width : position % height;
            size_t x = header->order == OV_ORDER_C ? position % width : position / height;

            rows[y * (width + 1) + x] = inside ? '1' : '0';
        }
    }
    assert_int_equal(position, height * width);
}

static inline void assert_layer(const char *text, int64_t label, const char *rows)
{
    struct inline_mask mask = read_inline(text);
    char found[4096];

    if (mask.reader == NULL)
        fail_msg("%s: %s: %s", text, problem_name(mask.problem.code), mask.problem.detail);
    assert_int_equal(reader_header(mask.reader)->ndim, 2);
    assert_true((reader_header(mask.reader)->shape[1] + 1) * reader_header(mask.reader)->shape[0] <=
                sizeof(found));
    layer_rows(mask.reader, label, found);
    assert_string_equal(found, rows);
    assert_true(reader_finish(mask.reader, &mask.problem));
    inline_done(&mask);
}

static inline void assert_refused(const char *text, enum problem_code code, const char *words)
{
    struct inline_mask mask = read_inline(text);

    if (mask.problem.code != code || strstr(mask.problem.detail, words) == NULL)
        fail_msg("%s: %s: %s", text, problem_name(mask.problem.code), mask.problem.detail);
    assert_string_equal(mask.problem.pointer, POINTER);
    inline_done(&mask);
}

/* How often something was passed over in a mask. */
static inline uint64_t times_skipped(const struct inline_mask *mask, const char *what)
{
    const char *name;
    uint64_t n;

    for (size_t i = 0; (name = reader_skipped(mask->reader, i, &n)) != NULL; i++) {
        if (strcmp(name, what) == 0)
            return n;
    }
    return 0;
}

#endif
