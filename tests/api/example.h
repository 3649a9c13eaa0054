/* example.h - a small pair of masks whose counts are known, and posting it in many ways. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_API_EXAMPLE_H
#define TESTS_API_EXAMPLE_H

#include "tests/api/masks.h"

#include <zstd.h>

/* The running example of wire.md section 3, and a prediction of it; rows of four. */
#define REFERENCE  "\0\1\1\0\0\1\2\0\0\0\2\0"
#define PREDICTION "\0\1\1\0\0\0\2\0\2\0\2\2"
#define N_LABELS   12

/* The counts that both give, as the answer's members. */
#define LABEL_1_COUNTS "2 0 1 2 3"
#define LABEL_2_COUNTS "2 2 0 4 2"

static inline struct bytes npy_example(const char *labels)
{
    return npy_u8("(3, 4)", labels, N_LABELS);
}

/* Score the example as two NPY files, on a daemon. */
static inline struct answer score_on(const struct daemon *daemon, const char *path,
                                     const char *request)
{
    struct bytes prediction = npy_example(PREDICTION), reference = npy_example(REFERENCE);
    struct answer answer = answer_score(daemon, path, prediction, reference, request);
    free(prediction.data);
    free(reference.data);
    return answer;
}

static inline struct answer score(const char *path, const char *request)
{
    return score_on(shared, path, request);
}

/* Score two files, which are freed. */
static inline struct answer score_files(const char *path, struct bytes prediction,
                                        struct bytes reference, const char *request)
{
    struct answer answer = answer_score(shared, path, prediction, reference, request);
    free(prediction.data);
    free(reference.data);
    return answer;
}

/* tp fp fn prediction reference of classes/i are these. */
static inline void assert_counts(const struct answer *answer, const char *where, const char *wanted)
{
    static const char *const names[] = {"tp", "fp", "fn", "prediction", "reference"};
    char seen[128] = "", path[64];
    for (size_t i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s/%s", where, names[i]);
        size_t used = strlen(seen);
        snprintf(seen + used, sizeof seen - used, "%s%lld", i ? " " : "",
                 json_integer_value(json_at(answer->json, path)));
    }
    if (strcmp(seen, wanted) != 0)
        fail_msg("%s has %s, wanted %s: %s", where, seen, wanted, (const char *)answer->body.data);
}

/* 200, and both labels counted as the example has them; then freed. */
static inline void assert_example(struct answer *answer)
{
    assert_status(answer, 200);
    assert_member(answer, "voxels", "12");
    assert_member(answer, "classes/0/label", "1");
    assert_counts(answer, "classes/0", LABEL_1_COUNTS);
    assert_counts(answer, "classes/1", LABEL_2_COUNTS);
    answer_free(answer);
}

static inline struct bytes zstd_of(struct bytes plain)
{
    struct bytes made = bytes_new(NULL, ZSTD_compressBound(plain.size));
    made.size = ZSTD_compress(made.data, made.size, plain.data, plain.size, 3);
    return made;
}

#endif
