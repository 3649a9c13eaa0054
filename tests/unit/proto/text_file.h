/* text_file.h - mask files that begin with lines of text, to be changed line by line. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TEXT_FILE_H
#define TESTS_TEXT_FILE_H

#include "mask_files.h"

#include <math.h>

static inline void put_text(struct file *file, const char *text)
{
    put(file, text, strlen(text));
}

/* The header with one piece of text in another's place, once; what must be there. */
static inline char *changed(const char *text, const char *from, const char *to)
{
    const char *found = strstr(text, from);
    size_t n = strlen(text) + strlen(to) + 1;
    char *result = malloc(n);

    assert_non_null(found);
    assert_non_null(result);
    snprintf(result, n, "%.*s%s%s", (int)(found - text), text, to, found + strlen(from));
    return result;
}

/* That header, before these elements. */
static inline struct file *changed_file(const char *text, const char *from, const char *to,
                                        const void *voxels, size_t n)
{
    struct file *file = file_new();
    char *header = changed(text, from, to);

    put_text(file, header);
    put(file, voxels, n);
    free(header);
    return file;
}

static inline struct outcome *outcome_of(const struct file *file)
{
    struct outcome *outcome = malloc(sizeof(*outcome));

    assert_non_null(outcome);
    read_file(file, outcome);
    return outcome;
}

static inline void assert_affine(const struct file *file, const double affine[12])
{
    struct outcome *outcome = outcome_of(file);

    assert_problem(outcome, PROBLEM_NONE, "");
    assert_true(outcome->header.has_affine);
    for (size_t i = 0; i < 12; i++) {
        double found = outcome->header.affine[i / 4][i % 4];

        if (!(fabs(found - affine[i]) <= 1e-9))
            fail_msg("affine[%zu][%zu] is %g, not %g", i / 4, i % 4, found, affine[i]);
    }
    free(outcome);
}

static inline void assert_no_affine(const struct file *file)
{
    struct outcome *outcome = outcome_of(file);

    assert_problem(outcome, PROBLEM_NONE, "");
    assert_false(outcome->header.has_affine);
    free(outcome);
}

/* Every byte of the header changed in nine ways is read or refused; the sanitizers watch. */
static inline void every_flip_is_survived(const struct file *file, size_t n_header)
{
    struct file *broken = malloc(sizeof(*broken));
    struct outcome *outcome = malloc(sizeof(*outcome));

    assert_non_null(broken);
    assert_non_null(outcome);
    for (size_t i = 0; i < 9 * n_header; i++) {
        *broken = *file;
        broken->bytes[i / 9] ^= (uint8_t)(i % 9 == 8 ? 0xff : 1 << i % 9);
        read_copy(broken, broken->n, outcome);
    }
    free(outcome);
    free(broken);
}

#endif
