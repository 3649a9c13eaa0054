/* loss.c - soft losses and their gradients: block by block, the blocks in a fixed order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/loss.h"

#include <stdlib.h>
#include <string.h>

static size_t n_blocks(const struct ov__plan *plan)
{
    return (size_t)(plan->n_samples * plan->n_blocks);
}

static enum ov_status allocate_errors(struct ov_loss_run *run)
{
    const struct ov__plan *plan = &run->plan;
    uint64_t n;
    if (__builtin_mul_overflow(plan->n_samples * plan->n_classes, plan->n_voxels, &n) ||
        n > SIZE_MAX / sizeof(double))
        return OV_ENOMEM;
    run->errors = calloc((size_t)n, sizeof *run->errors);
    run->truths = calloc((size_t)n, sizeof *run->truths);
    return run->errors != NULL && run->truths != NULL ? OV_OK : OV_ENOMEM;
}

static enum ov_status copy_weights(struct ov_loss_run *run)
{
    struct ov_loss_options *options = &run->plan.options;
    if (options->class_weights == NULL)
        return OV_OK;
    run->weights = calloc(options->n_class_weights, sizeof *run->weights);
    if (run->weights == NULL)
        return OV_ENOMEM;
    memcpy(run->weights, options->class_weights, options->n_class_weights * sizeof *run->weights);
    options->class_weights = run->weights;
    return OV_OK;
}

static enum ov_status allocate(struct ov_loss_run *run)
{
    const struct ov__plan *plan = &run->plan;
    size_t n = n_blocks(plan);
    run->sums = calloc(n * plan->n_classes, sizeof *run->sums);
    run->voxel_sums = calloc(n, sizeof *run->voxel_sums);
    run->finds = calloc(n, sizeof *run->finds);
    run->is_done = calloc(n, sizeof *run->is_done);
    run->values = calloc((size_t)ov__region_n_values(plan), sizeof *run->values);
    run->slopes = calloc((size_t)(plan->n_samples * plan->n_classes), sizeof *run->slopes);
    if (run->sums == NULL || run->voxel_sums == NULL || run->finds == NULL ||
        run->is_done == NULL || run->slopes == NULL || run->values == NULL)
        return OV_ENOMEM;
    return plan->options.loss == OV_LOSS_LOVASZ ? allocate_errors(run) : OV_OK;
}

enum ov_status ov_loss_run_new(const struct ov_loss_inputs *inputs,
                               const struct ov_loss_options *options, struct ov_loss_run **ret_run)
{
    struct ov__plan plan;
    enum ov_status status = ov__plan_make(inputs, options, &plan);
    if (status != OV_OK)
        return status;
    struct ov_loss_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return OV_ENOMEM;
    run->plan = plan;
    status = copy_weights(run);
    if (status == OV_OK)
        status = allocate(run);
    if (status != OV_OK) {
        ov_loss_run_free(run);
        return status;
    }
    *ret_run = run;
    return OV_OK;
}

void ov_loss_run_free(struct ov_loss_run *run)
{
    if (run == NULL)
        return;
    free(run->sums);
    free(run->voxel_sums);
    free(run->finds);
    free(run->is_done);
    free(run->slopes);
    free(run->values);
    free(run->weights);
    free(run->errors);
    free(run->truths);
    free(run);
}

/* ---- parts ---- */

/* The first block of a part; that of part n_parts is the end. */
static size_t first_block(const struct ov__plan *plan, size_t part, size_t n_parts)
{
    size_t n = n_blocks(plan);
    return n / n_parts * part + (n % n_parts < part ? n % n_parts : part);
}

static struct ov__span span_of(const struct ov__plan *plan, size_t block)
{
    uint64_t first = block % plan->n_blocks * OV__BLOCK;
    uint64_t left = plan->n_voxels - first;
    return (struct ov__span){.sample = block / plan->n_blocks,
                             .first = first,
                             .n = left < OV__BLOCK ? (size_t)left : OV__BLOCK};
}

/* Memory to free, and room for a tile in it that begins where a cache line does. */
struct scratch {
    void *memory;
    void *room;
};

static struct scratch scratch_new(const struct ov__plan *plan)
{
    size_t bytes = plan->is_fast ? ov__fast_scratch_bytes(plan) : ov__general_scratch_bytes(plan);
    struct scratch scratch = {
        .memory = bytes <= SIZE_MAX - OV__ALIGNMENT ? malloc(bytes + OV__ALIGNMENT) : NULL};
    if (scratch.memory != NULL)
        scratch.room =
            (char *)scratch.memory + OV__ALIGNMENT - (uintptr_t)scratch.memory % OV__ALIGNMENT;
    return scratch;
}

static void clear_block(struct ov_loss_run *run, size_t block)
{
    const size_t n = (size_t)run->plan.n_classes;
    memset(run->sums + block * n, 0, n * sizeof *run->sums);
    run->voxel_sums[block] = (struct ov__voxel_sums){0};
    run->finds[block] = (struct ov__find){.status = OV_OK};
}

enum ov_status ov_loss_run_sums(struct ov_loss_run *run, size_t part, size_t n_parts)
{
    const struct ov__plan *plan = &run->plan;
    if (part >= n_parts || run->has_values)
        return OV_EINVAL;
    struct scratch scratch = scratch_new(plan);
    if (scratch.memory == NULL)
        return OV_ENOMEM;
    for (size_t block = first_block(plan, part, n_parts);
         block < first_block(plan, part + 1, n_parts); block++) {
        clear_block(run, block);
        if (plan->is_fast)
            ov__fast_sums(run, span_of(plan, block), scratch.room);
        else
            ov__general_sums(run, span_of(plan, block), scratch.room);
        run->is_done[block] = 1;
    }
    free(scratch.memory);
    return OV_OK;
}

/* ---- values ---- */

static struct ov__find first_find(const struct ov_loss_run *run)
{
    struct ov__find first = {.status = OV_OK};
    for (size_t i = 0; i < n_blocks(&run->plan); i++) {
        const struct ov__find *find = &run->finds[i];
        if (find->status != OV_OK)
            ov__find_note(&first, find->status, find->offence.input, find->offence.index);
    }
    return first;
}

static enum ov_status settle(struct ov_loss_run *run, struct ov_offence *reterr_offence)
{
    if (run->has_values || memchr(run->is_done, 0, n_blocks(&run->plan)) != NULL)
        return OV_EINVAL;
    struct ov__find find = first_find(run);
    if (find.status != OV_OK) {
        if (reterr_offence != NULL)
            *reterr_offence = find.offence;
        return find.status;
    }
    enum ov_status status = ov__region_values(run, run->values);
    run->has_values = status == OV_OK;
    return status;
}

static void copy_values(const struct ov_loss_run *run, double *ret_values)
{
    memcpy(ret_values, run->values, (size_t)ov__region_n_values(&run->plan) * sizeof *run->values);
}

enum ov_status ov_loss_run_values(struct ov_loss_run *run, double *ret_values,
                                  struct ov_offence *reterr_offence)
{
    enum ov_status status = settle(run, reterr_offence);
    if (status == OV_OK)
        copy_values(run, ret_values);
    return status;
}

/* ---- gradient ---- */

/* The slopes of one sample's classes, by the caller's weights of the values. */
static void scale_slopes(const struct ov_loss_run *run, uint64_t sample, const double *upstream,
                         struct ov__slope *ret_slopes)
{
    const struct ov__plan *plan = &run->plan;
    const struct ov__slope *slopes = run->slopes + (size_t)(sample * plan->n_classes);
    for (uint64_t class = 0; class < plan->n_classes; class ++) {
        bool is_scored = class >= plan->first_class && plan->has_overlap;
        double by = 1;
        if (is_scored && upstream != NULL)
            by = upstream[ov__region_value_index(plan, sample, class)];
        ret_slopes[class] =
            is_scored ? (struct ov__slope){.a = by * slopes[class].a, .b = by * slopes[class].b}
                      : (struct ov__slope){0};
    }
}

/* What a part of the gradient is made with. */
struct writing {
    const struct ov_loss_run *run;
    const double *upstream;
    const struct ov__planes *gradient;
    struct ov__slope *slopes;
    void *room;
};

/* The blocks of one part. */
static void write_gradient(const struct writing *writing, size_t first, size_t end)
{
    const struct ov_loss_run *run = writing->run;
    const struct ov__plan *plan = &run->plan;
    const double *upstream = writing->upstream;
    double voxel_scale = run->voxel_scale * (upstream != NULL && plan->has_voxel ? upstream[0] : 1);
    for (size_t block = first; block < end; block++) {
        struct ov__span span = span_of(plan, block);
        if (block == first || span.first == 0)
            scale_slopes(run, span.sample, upstream, writing->slopes);
        if (plan->is_fast)
            ov__fast_gradient(run, span, writing->slopes, writing->gradient, writing->room);
        else
            ov__general_gradient(run, span, writing->slopes, voxel_scale, writing->gradient,
                                 writing->room);
    }
}

enum ov_status ov_loss_run_gradient(const struct ov_loss_run *run, const double *upstream,
                                    const struct ov_tensor *gradient, size_t part, size_t n_parts)
{
    const struct ov__plan *plan = &run->plan;
    struct ov__planes planes;
    if (part >= n_parts || !run->has_values || gradient == NULL)
        return OV_EINVAL;
    enum ov_status status = ov__plan_check_gradient(plan, gradient, &planes);
    if (status != OV_OK)
        return status;
    struct ov__slope *slopes = calloc((size_t)plan->n_classes, sizeof *slopes);
    struct scratch scratch = scratch_new(plan);
    struct writing writing = {run, upstream, &planes, slopes, scratch.room};
    if (slopes != NULL && scratch.memory != NULL)
        write_gradient(&writing, first_block(plan, part, n_parts),
                       first_block(plan, part + 1, n_parts));
    else
        status = OV_ENOMEM;
    free(scratch.memory);
    free(slopes);
    return status;
}

enum ov_status ov_loss_forward_backward(const struct ov_loss_inputs *inputs,
                                        const struct ov_loss_options *options,
                                        const double *upstream, const struct ov_tensor *gradient,
                                        double *ret_values, struct ov_offence *reterr_offence)
{
    struct ov_loss_run *run;
    struct ov__planes planes;
    enum ov_status status = ov_loss_run_new(inputs, options, &run);
    if (status != OV_OK)
        return status;
    if (gradient != NULL)
        status = ov__plan_check_gradient(&run->plan, gradient, &planes);
    if (status == OV_OK)
        status = ov_loss_run_sums(run, 0, 1);
    if (status == OV_OK)
        status = settle(run, reterr_offence);
    if (status == OV_OK && gradient != NULL)
        status = ov_loss_run_gradient(run, upstream, gradient, 0, 1);
    if (status == OV_OK)
        copy_values(run, ret_values);
    ov_loss_run_free(run);
    return status;
}
