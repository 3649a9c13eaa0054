/* loss.h - a loss under way: the plan that inputs and options give, and the sums so far. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_LOSS_H
#define OV_LOSS_H

#include "lib/kernels/loss_kernels.h"
#include "lib/tensor.h"

/*
 * Voxels per entry in the table of sums. A block is summed on its own and blocks are added in their
 * order, so the number of parts cannot change a bit.
 */
enum { OV__BLOCK = 16384 };

/* What the overlap of one class of one sample is made of. */
struct ov__sums {
    double i; /* sum p g, or (P + G - sum |p - g|) / 2 */
    double p; /* sum p, or sum p^2 */
    double g; /* sum g, or sum g^2 */
};

/* Of a block, over all classes: what cross-entropy and focal loss are made of. */
struct ov__voxel_sums {
    double loss;
    double weight; /* sum of class weight times g */
    double n;      /* voxels that count */
};

/* The loss as a function of the prediction: d loss = a dI + b dP. */
struct ov__slope {
    double a;
    double b;
};

struct ov__find {
    enum ov_status status; /* OV_OK where nothing was found */
    struct ov_offence offence;
};

/* How the class of a voxel is told. */
enum ov__form { OV__FORM_PRODUCT, OV__FORM_SQUARED, OV__FORM_ABSOLUTE };

struct ov__plan {
    struct ov_loss_options options;
    struct ov__planes prediction;
    struct ov__planes target;
    struct ov__planes mask; /* data NULL for none */
    int ndim;
    uint64_t shape[OV_MAX_NDIM];
    uint64_t n_samples;
    uint64_t n_classes;
    uint64_t n_voxels; /* per sample */
    uint64_t n_blocks; /* per sample */
    uint64_t first_class;
    enum ov__form form;
    bool has_overlap;    /* the loss has a term of overlaps */
    bool has_voxel;      /* and one of voxels */
    bool is_categorical; /* a voxel has one class, rather than a yes or no per class */
    bool is_fast;        /* float rows against bits */
    size_t tile;         /* voxels worked on at once, a multiple of OV__LANES */
    size_t stride;       /* room for a row of them: no power of two, or rows share cache sets */
    const struct ov__loss_kernels *kernels;
    uintptr_t low[3];
    uintptr_t high[3];
};

struct ov_loss_run {
    struct ov__plan plan;
    struct ov__sums *sums;             /* [n_samples, n_blocks, n_classes] */
    struct ov__voxel_sums *voxel_sums; /* [n_samples, n_blocks] */
    struct ov__find *finds;            /* [n_samples, n_blocks] */
    unsigned char *is_done;            /* [n_samples, n_blocks] */
    struct ov__slope *slopes;          /* [n_samples, n_classes], for an upstream of 1 */
    double *values;                    /* [n_values] */
    double *weights;                   /* [n_classes], owned copy; NULL for 1 each */
    double *errors; /* Lovasz: p - g, NaN where left out; then slopes; [samples, classes, voxels] */
    double *truths; /* Lovasz: g, as errors */
    double voxel_scale; /* d loss / d voxel_sums.loss */
    bool has_values;
};

static inline double ov__plan_weight(const struct ov__plan *plan, uint64_t class)
{
    return plan->options.class_weights != NULL ? plan->options.class_weights[class] : 1;
}

/* Voxels `first` to `first` + n of a sample, all classes. */
struct ov__span {
    uint64_t sample;
    uint64_t first;
    size_t n;
};

static inline struct ov__row ov__span_row(struct ov__span span, uint64_t class)
{
    return (struct ov__row){
        .sample = span.sample, .class = class, .first = span.first, .n = span.n};
}

/* Keep the offence that comes first. */
void ov__find_note(struct ov__find *find, enum ov_status status, enum ov_loss_input input,
                   uint64_t index);

/* The number of an element of the prediction, or of a target with the axis of classes. */
static inline uint64_t ov__plan_index(const struct ov__plan *plan, struct ov__row row, size_t i)
{
    return (row.sample * plan->n_classes + row.class) * plan->n_voxels + row.first + i;
}

/* ---- loss_plan.c: inputs and options, checked ---- */

enum ov_status ov__plan_make(const struct ov_loss_inputs *inputs,
                             const struct ov_loss_options *options, struct ov__plan *ret_plan);
enum ov_status ov__plan_check_gradient(const struct ov__plan *plan,
                                       const struct ov_tensor *gradient,
                                       struct ov__planes *ret_planes);

/* ---- loss_target.c: what is true of each voxel ---- */

/* No class, and a voxel that does not count. */
enum { OV__CLASS_LEFT_OUT = -1 };

/*
 * The classes of voxels where the target is labels, or 0 for each that counts where it is not.
 * Offences are noted; their voxels are left out.
 */
void ov__target_classes(const struct ov__plan *plan, struct ov__span span, int32_t *ret_classes,
                        struct ov__find *find);

/* g of one class: 0 in voxels left out. Offences are noted. */
void ov__target_row(const struct ov__plan *plan, struct ov__span span, uint64_t class,
                    const int32_t *classes, double *ret_g, struct ov__find *find);

/* ---- loss_region.c: from sums to values and slopes ---- */

uint64_t ov__region_n_values(const struct ov__plan *plan);

/* Merge the table of sums; fill ret_values and run->slopes, run->voxel_scale. Errors: OV_ENOMEM. */
enum ov_status ov__region_values(struct ov_loss_run *run, double *ret_values);

/* Where in the values the overlap of a class of a sample is. */
uint64_t ov__region_value_index(const struct ov__plan *plan, uint64_t sample, uint64_t class);

/* ---- loss_lovasz.c ---- */

/* Sort errors, in place make slopes of them; one value per group. Errors: OV_ENOMEM. */
enum ov_status ov__lovasz_values(struct ov_loss_run *run, double *ret_group_values);

/* ---- loss_fast.c, loss_general.c: one block, in float against bits; in double ---- */

size_t ov__fast_scratch_bytes(const struct ov__plan *plan);
void ov__fast_sums(struct ov_loss_run *run, struct ov__span span, void *scratch);
void ov__fast_gradient(const struct ov_loss_run *run, struct ov__span span,
                       const struct ov__slope *slopes, const struct ov__planes *gradient,
                       void *scratch);

size_t ov__general_scratch_bytes(const struct ov__plan *plan);
void ov__general_sums(struct ov_loss_run *run, struct ov__span span, void *scratch);
void ov__general_gradient(const struct ov_loss_run *run, struct ov__span span,
                          const struct ov__slope *slopes, double voxel_scale,
                          const struct ov__planes *gradient, void *scratch);

#endif
