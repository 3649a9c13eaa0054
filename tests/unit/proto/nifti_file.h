/* nifti_file.h - a small NIfTI file of either version and byte order, to be changed field by field.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_NIFTI_FILE_H
#define TESTS_NIFTI_FILE_H

#include "mask_files.h"

#include <math.h>

/* Byte offsets of fields in NIfTI-1 and NIfTI-2, from nifti1.h and nifti2.h. */
enum {
    DIM,
    DATATYPE,
    BITPIX,
    PIXDIM,
    VOX_OFFSET,
    SLOPE,
    INTER,
    UNITS,
    QFORM,
    SFORM,
    QUATERN,
    SROW,
    MAGIC,
    N_FIELDS
};
static const size_t offsets[3][N_FIELDS] = {
    [1] = {40, 70, 72, 76, 108, 112, 116, 123, 252, 254, 256, 280, 344},
    [2] = {16, 12, 14, 104, 168, 176, 184, 500, 344, 348, 352, 400, 4},
};

/* Which kind of file a test writes. */
struct kind {
    int version;
    bool big;
};

static const struct kind kinds[4] = {{1, false}, {1, true}, {2, false}, {2, true}};

static inline size_t at(struct kind kind, int field)
{
    return offsets[kind.version][field];
}

static inline void poke(struct file *file, size_t offset, uint64_t value, size_t n, bool big)
{
    for (size_t i = 0; i < n; i++)
        file->bytes[offset + (big ? n - 1 - i : i)] = (uint8_t)(value >> 8 * i);
}

static inline void poke_int(struct file *file, struct kind kind, int field, size_t index,
                            int64_t value)
{
    size_t n = kind.version == 1 ? 2 : field == DIM || field == VOX_OFFSET ? 8 : 4;

    if (field == DATATYPE || field == BITPIX)
        n = 2;
    if (field == UNITS && kind.version == 1)
        n = 1;
    poke(file, at(kind, field) + index * n, (uint64_t)value, n, kind.big);
}

static inline void poke_real(struct file *file, struct kind kind, int field, size_t index,
                             double value)
{
    float value_32 = (float)value;
    uint32_t bits_32;
    uint64_t bits;

    memcpy(&bits_32, &value_32, 4);
    memcpy(&bits, &value, 8);
    if (kind.version == 1)
        poke(file, at(kind, field) + index * 4, bits_32, 4, kind.big);
    else
        poke(file, at(kind, field) + index * 8, bits, 8, kind.big);
}

static inline void poke_offset(struct file *file, struct kind kind, double value)
{
    if (kind.version == 1)
        poke_real(file, kind, VOX_OFFSET, 0, value);
    else
        poke_int(file, kind, VOX_OFFSET, 0, (int64_t)value);
}

/* The picture as a file: 4 x 3 x 1 voxels of 0.5 x 0.75 x 2 mm, x fastest. */
static inline struct file *nifti_new(struct kind kind)
{
    static const int64_t dim[8] = {3, 4, 3, 1, 1, 1, 1, 1};
    static const double pixdim[4] = {1, 0.5, 0.75, 2};
    struct file *file = file_new();
    size_t n_header = kind.version == 1 ? 348 : 540;

    poke(file, 0, n_header, 4, kind.big);
    memcpy(file->bytes + at(kind, MAGIC), kind.version == 1 ? "n+1" : "n+2\0\r\n\x1a\n",
           kind.version == 1 ? 4 : 8);
    for (size_t i = 0; i < 8; i++)
        poke_int(file, kind, DIM, i, dim[i]);
    for (size_t i = 0; i < 4; i++)
        poke_real(file, kind, PIXDIM, i, pixdim[i]);
    poke_int(file, kind, DATATYPE, 0, 2);
    poke_int(file, kind, BITPIX, 0, 8);
    poke_offset(file, kind, (double)n_header + 4);
    poke_real(file, kind, SLOPE, 0, 1);
    poke_int(file, kind, UNITS, 0, 2);
    poke_int(file, kind, QFORM, 0, 1);
    file->n = n_header + 4;
    put(file, picture, 12);
    return file;
}

static inline struct outcome *outcome_of(const struct file *file)
{
    struct outcome *outcome = malloc(sizeof(*outcome));

    assert_non_null(outcome);
    read_file(file, outcome);
    return outcome;
}

static inline void assert_no_affine(const struct file *file)
{
    struct outcome *outcome = outcome_of(file);

    assert_problem(outcome, PROBLEM_NONE, "");
    assert_false(outcome->header.has_affine);
    free(outcome);
}

static inline void assert_affine(const struct file *file, const double *affine)
{
    struct outcome *outcome = outcome_of(file);

    assert_problem(outcome, PROBLEM_NONE, "");
    assert_true(outcome->header.has_affine);
    for (size_t i = 0; i < 12; i++) {
        double found = outcome->header.affine[i / 4][i % 4];

        if (!(fabs(found - affine[i]) <= 1e-6))
            fail_msg("affine[%zu][%zu] is %g, not %g", i / 4, i % 4, found, affine[i]);
    }
    free(outcome);
}

#endif
