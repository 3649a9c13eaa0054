/* example.h - a small pair of masks whose counts are known, and posting it in many ways. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_API_EXAMPLE_H
#define TESTS_API_EXAMPLE_H

#include "tests/api/masks.h"

/* The picture that all formats are tried with, and a prediction of it; rows of four. */
#define REFERENCE  "\0\1\1\0\0\1\2\0\0\0\2\0"
#define PREDICTION "\0\1\1\0\0\0\2\0\2\0\2\2"
#define N_LABELS   12

/* tp fp fn prediction reference of both. */
#define LABEL_1_COUNTS "2 0 1 2 3"
#define LABEL_2_COUNTS "2 2 0 4 2"

static inline struct bytes npy_example(const char *labels)
{
    return npy_u8("(3, 4)", labels, N_LABELS);
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

/* Score the example as two NPY files. */
static inline struct answer score(const char *path, const char *request)
{
    return score_files(path, npy_example(PREDICTION), npy_example(REFERENCE), request);
}

/* The member, as "classes/0", has these counts: tp fp fn prediction reference. */
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

#endif
