/* segments_file.h - a .seg.nrrd read to a set of labels for each voxel. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SEGMENTS_FILE_H
#define TESTS_SEGMENTS_FILE_H

#include "text_file.h"

#define MAX_VOXELS 512

/* What a file comes to: a set of labels below 32, as bits, for each voxel. */
struct segmentation {
    struct problem problem;
    struct mask_header header; /* its layers are gone */
    bool has_layers;
    uint32_t labels; /* that there is a layer of */
    uint32_t sets[MAX_VOXELS];
    char skipped[SKIPPED_BYTES * 4];
};

static inline uint32_t bits_of(const int64_t *labels, size_t n)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < n; i++)
        bits |= (uint32_t)1 << labels[i];
    return bits;
}

static inline void read_runs(struct reader *reader, struct segmentation *ret)
{
    const struct layers *layers = ret->header.layers;
    struct ov_run run;
    size_t n, n_labels, voxel = 0;

    ret->labels = bits_of(layers_labels(layers), layers_n_labels(layers));
    for (reader_runs(reader, &run, 1, &n); n > 0; reader_runs(reader, &run, 1, &n)) {
        const int64_t *labels = layers_set(layers, (size_t)run.label, &n_labels);

        for (uint64_t i = 0; i < run.length; i++)
            ret->sets[voxel++] = bits_of(labels, n_labels);
    }
    assert_int_equal(voxel, ret->header.n_voxels);
}

static inline void read_segmentation(const struct file *file, struct names *names,
                                     struct segmentation *ret)
{
    struct env env = test_env();
    struct source source = source_of(file->bytes, file->n);
    struct reader *reader;
    uint64_t n;

    memset(ret, 0, sizeof(*ret));
    source.names = names;
    reader = reader_new(&source, &env, &ret->problem);
    if (reader != NULL) {
        ret->header = *reader_header(reader);
        ret->has_layers = ret->header.layers != NULL;
        assert_true(ret->header.n_voxels <= MAX_VOXELS);
        if (ret->has_layers)
            read_runs(reader, ret);
        assert_true(!ret->has_layers || reader_finish(reader, &ret->problem));
        for (size_t i = 0; reader_skipped(reader, i, &n) != NULL; i++)
            snprintf(ret->skipped + strlen(ret->skipped),
                     sizeof(ret->skipped) - strlen(ret->skipped), "%s (%d);",
                     reader_skipped(reader, i, &n), (int)n);
    }
    reader_free(reader);
    assert_int_equal(budget_used, 0);
}

#endif
