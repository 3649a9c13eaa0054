/* overlap_loss.h - liboverlap: soft losses of segmentation and their exact gradients. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OVERLAP_LOSS_H
#define OVERLAP_LOSS_H

#include "overlap.h"

/*
 * What overlap.h says of shapes, errors, memory and threads holds here too. Beyond that:
 *
 * - Axes:   predictions and gradients are [samples, classes, space...]; where an element lies is
 *   said by strides, so channels last is the same shape with other strides.
 * - Bits:   values and gradients do not depend on strides, on the number of parts or threads, or on
 *   the instruction set. Sums are made in double, in an order that only the shape decides.
 * - Inputs: everything is read and checked before the first element of a gradient is written.
 *
 * Formulae, gradients, ranges, absent classes and sources: docs/losses.md
 */

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ---- tensors --------------------------------------------------------------------------------- */

/* Symbol, name, bytes per element. The last four may hold predictions and gradients. */
#define OV_TENSOR_DTYPE_MAP(X)       \
    X(OV_TENSOR_U8, "uint8", 1)      \
    X(OV_TENSOR_I8, "int8", 1)       \
    X(OV_TENSOR_U16, "uint16", 2)    \
    X(OV_TENSOR_I16, "int16", 2)     \
    X(OV_TENSOR_U32, "uint32", 4)    \
    X(OV_TENSOR_I32, "int32", 4)     \
    X(OV_TENSOR_U64, "uint64", 8)    \
    X(OV_TENSOR_I64, "int64", 8)     \
    X(OV_TENSOR_F16, "float16", 2)   \
    X(OV_TENSOR_BF16, "bfloat16", 2) \
    X(OV_TENSOR_F32, "float32", 4)   \
    X(OV_TENSOR_F64, "float64", 8)

#define OV_TENSOR_DTYPE_ENUM(symbol, name, n_bytes) symbol,
enum ov_tensor_dtype { OV_TENSOR_DTYPE_MAP(OV_TENSOR_DTYPE_ENUM) OV_N_TENSOR_DTYPES };
#undef OV_TENSOR_DTYPE_ENUM

size_t ov_tensor_dtype_bytes(enum ov_tensor_dtype dtype);     /* 0 for a value that is none */
const char *ov_tensor_dtype_name(enum ov_tensor_dtype dtype); /* NULL for a value that is none */

/* Errors: OV_EDTYPE. */
OV_MUST_USE enum ov_status ov_tensor_dtype_find(const char *name, enum ov_tensor_dtype *ret_dtype);

/* A view of numbers in memory, in this machine's byte order; owns nothing. */
struct ov_tensor {
    void *data; /* element [0, 0, ...]; need not be aligned; written only where it is an output */
    enum ov_tensor_dtype dtype;
    int ndim;
    uint64_t shape[OV_MAX_NDIM];
    int64_t strides_bytes[OV_MAX_NDIM];
};

/*
 * View elements that lie without gaps, last axis fastest.
 * Errors: OV_EDTYPE, OV_ESIZE as ov_shape_size; OV_EINVAL for data NULL.
 */
OV_MUST_USE enum ov_status ov_tensor_view(void *data, enum ov_tensor_dtype dtype, int ndim,
                                          const uint64_t *shape, struct ov_tensor *ret_tensor);

/*
 * View elements whose memory is [samples, space..., classes], without gaps, as [samples, classes,
 * space...]. `shape` is in memory's order, of 2 axes or more. Errors: as ov_tensor_view.
 */
OV_MUST_USE enum ov_status ov_tensor_view_channels_last(void *data, enum ov_tensor_dtype dtype,
                                                        int ndim, const uint64_t *shape,
                                                        struct ov_tensor *ret_tensor);

/* ---- losses ---------------------------------------------------------------------------------- */

/* Symbol, name. */
#define OV_LOSS_MAP(X)                                  \
    X(OV_LOSS_DICE, "dice")                             \
    X(OV_LOSS_SQUARED_DICE, "squared_dice")             \
    X(OV_LOSS_IOU, "iou")                               \
    X(OV_LOSS_IOU_MONAI, "iou_monai")                   \
    X(OV_LOSS_TVERSKY, "tversky")                       \
    X(OV_LOSS_FOCAL_TVERSKY, "focal_tversky")           \
    X(OV_LOSS_LOG_COSH_DICE, "log_cosh_dice")           \
    X(OV_LOSS_LOG_DICE, "log_dice")                     \
    X(OV_LOSS_GENERALISED_DICE, "generalised_dice")     \
    X(OV_LOSS_LOVASZ, "lovasz")                         \
    X(OV_LOSS_CROSS_ENTROPY, "cross_entropy")           \
    X(OV_LOSS_FOCAL, "focal")                           \
    X(OV_LOSS_DICE_CROSS_ENTROPY, "dice_cross_entropy") \
    X(OV_LOSS_DICE_FOCAL, "dice_focal")

/* Symbol, name: what makes probabilities of the prediction's numbers. */
#define OV_ACTIVATION_MAP(X)            \
    X(OV_ACTIVATION_NONE, "none")       \
    X(OV_ACTIVATION_SIGMOID, "sigmoid") \
    X(OV_ACTIVATION_SOFTMAX, "softmax")

/* Symbol, name: [samples, space...] of class numbers; [samples, classes, space...] of 0 and 1, or
 * of anything between. */
#define OV_TARGET_MAP(X)            \
    X(OV_TARGET_LABELS, "labels")   \
    X(OV_TARGET_ONE_HOT, "one_hot") \
    X(OV_TARGET_SOFT, "soft")

/* Symbol, name: a value; a value; one per sample and class; one per class. */
#define OV_REDUCTION_MAP(X)      \
    X(OV_REDUCTION_MEAN, "mean") \
    X(OV_REDUCTION_SUM, "sum")   \
    X(OV_REDUCTION_NONE, "none") \
    X(OV_REDUCTION_MEAN_BATCH, "mean_batch")

/* Symbol, name: the class weights inside generalised Dice. */
#define OV_LOSS_WEIGHTING_MAP(X)  \
    X(OV_WEIGHT_SQUARE, "square") \
    X(OV_WEIGHT_SIMPLE, "simple") \
    X(OV_WEIGHT_UNIFORM, "uniform")

#define OV_LOSS_ENUM(symbol, name) symbol,
enum ov_loss { OV_LOSS_MAP(OV_LOSS_ENUM) OV_N_LOSSES };
enum ov_activation { OV_ACTIVATION_MAP(OV_LOSS_ENUM) OV_N_ACTIVATIONS };
enum ov_target { OV_TARGET_MAP(OV_LOSS_ENUM) OV_N_TARGETS };
enum ov_reduction { OV_REDUCTION_MAP(OV_LOSS_ENUM) OV_N_REDUCTIONS };
#undef OV_LOSS_ENUM

/* Names, NULL for a value that is none; and back. Errors: OV_EINVAL for a name that is none. */
const char *ov_loss_name(enum ov_loss value);
const char *ov_activation_name(enum ov_activation value);
const char *ov_target_name(enum ov_target value);
const char *ov_reduction_name(enum ov_reduction value);
const char *ov_weighting_name(enum ov_weighting value);
OV_MUST_USE enum ov_status ov_loss_find(const char *name, enum ov_loss *ret_value);
OV_MUST_USE enum ov_status ov_activation_find(const char *name, enum ov_activation *ret_value);
OV_MUST_USE enum ov_status ov_target_find(const char *name, enum ov_target *ret_value);
OV_MUST_USE enum ov_status ov_reduction_find(const char *name, enum ov_reduction *ret_value);
OV_MUST_USE enum ov_status ov_weighting_find(const char *name, enum ov_weighting *ret_value);

/* Start from ov_loss_options_default and change what differs. Weights and tensors are borrowed. */
struct ov_loss_options {
    enum ov_loss loss;
    enum ov_activation activation;
    enum ov_target target;
    enum ov_reduction reduction;
    bool
        exclude_background; /* class 0 has no overlap term; softmax, cross-entropy, focal keep it */
    bool batch;             /* sums run over the samples too: one value per class */
    bool soft_labels; /* overlap as (P + G - sum |p - g|) / 2, right for targets between 0, 1 */
    bool has_ignore;  /* voxels whose label is `ignore` leave every sum: labels only */
    int64_t ignore;
    const double *class_weights; /* [n_class_weights], >= 0; NULL for 1 each */
    size_t n_class_weights;      /* the number of classes, background included */
    double smooth_numerator;     /* >= 0; default 1e-5 */
    double smooth_denominator;   /* >= 0; default 1e-5 */
    double alpha;                /* Tversky: weight of false positives; default 0.5 */
    double beta;                 /* Tversky: weight of false negatives; default 0.5 */
    double gamma;                /* focal Tversky: exponent of the loss, > 0; default 0.75 */
    enum ov_weighting weighting; /* generalised Dice; default square */
    double focal_gamma;          /* focal: exponent of 1 - p, >= 0; default 2 */
    double lambda_overlap;       /* sums of two losses: the weight of Dice; default 1 */
    double lambda_voxel;         /* and that of cross-entropy or focal; default 1 */
};

struct ov_loss_options ov_loss_options_default(void);

/* ---- computing ------------------------------------------------------------------------------- */

/* Which input an offence was found in. */
enum ov_loss_input { OV_LOSS_PREDICTION, OV_LOSS_TARGET };

/* The first element that cannot be used, in the order of its own tensor's indices. */
struct ov_offence {
    enum ov_loss_input input; /* the prediction's come first */
    uint64_t index;           /* of the element, last axis fastest, whatever the strides */
};

/* What the loss is of. An axis of 1 of target or mask serves the prediction's whole axis. */
struct ov_loss_inputs {
    const struct ov_tensor *prediction; /* [samples, classes, space...], ndim 2..OV_MAX_NDIM */
    const struct ov_tensor *target;     /* labels: [samples, space...] or [samples, 1, space...] */
    const struct ov_tensor *mask;       /* NULL, or uint8 shaped as labels: 0 leaves a voxel out */
};

/*
 * A loss, and the gradient of sum(upstream * values) by the prediction's numbers.
 *
 *   options    NULL for the default
 *   upstream   [ov_loss_n_values]; NULL for 1 each
 *   gradient   NULL for none; the prediction's shape and dtype, strides of its own, no overlap with
 *              any input; untouched on failure
 *   ret_values [ov_loss_n_values]
 *   reterr_offence   written for OV_ENAN, OV_EINFINITE, OV_EPROBABILITY, OV_EFRACTION, OV_ECLASS
 *              alone; may be NULL
 *
 * Cost:   one pass over the inputs, one more for the gradient; scratch of some hundred KiB. Lovasz
 *         sorts, and keeps 8 bytes per element of the prediction.
 * Errors: OV_EINVAL, OV_EDTYPE, OV_ESIZE, OV_ESHAPE, OV_EALIAS, OV_ENOMEM;
 *         OV_ENAN, OV_EINFINITE, OV_EPROBABILITY for a probability or soft target outside 0..1 and
 * a one-hot target other than 0 and 1, OV_EFRACTION, OV_ECLASS for labels. Ignored voxels are
 * checked too. Infinite logits are refused.
 */
OV_MUST_USE enum ov_status ov_loss_forward_backward(const struct ov_loss_inputs *inputs,
                                                    const struct ov_loss_options *options,
                                                    const double *upstream,
                                                    const struct ov_tensor *gradient,
                                                    double *ret_values,
                                                    struct ov_offence *reterr_offence);

/*
 * The number of values for a shape, 1 for the reductions mean and sum.
 *
 * Errors: OV_EINVAL for options that no shape allows; OV_ESIZE.
 */
OV_MUST_USE enum ov_status ov_loss_n_values(const struct ov_loss_options *options,
                                            uint64_t n_samples, uint64_t n_classes,
                                            uint64_t *ret_n_values);

/*
 * The same in steps, for threads of the caller: new; sums of every part, by any thread, at once or
 * not; then values, by one; then the gradient of every part. One part, one thread at a time; the
 * steps are apart. The tensors' memory is borrowed until _free, their descriptions are copied.
 */
struct ov_loss_run;

/* Errors: as ov_loss_forward_backward but for those of an offence. */
OV_MUST_USE enum ov_status ov_loss_run_new(const struct ov_loss_inputs *inputs,
                                           const struct ov_loss_options *options,
                                           struct ov_loss_run **ret_run);
void ov_loss_run_free(struct ov_loss_run *run);

/* Errors: OV_EINVAL for part >= n_parts; OV_ENOMEM. Offences wait for _values. */
OV_MUST_USE enum ov_status ov_loss_run_sums(struct ov_loss_run *run, size_t part, size_t n_parts);

/* Errors: those of an offence; OV_EINVAL before the sums of every part are there; OV_ENOMEM. */
OV_MUST_USE enum ov_status ov_loss_run_values(struct ov_loss_run *run, double *ret_values,
                                              struct ov_offence *reterr_offence);

/* Errors: OV_EINVAL before _values, OV_EDTYPE, OV_ESHAPE, OV_EALIAS, OV_ENOMEM. */
OV_MUST_USE enum ov_status ov_loss_run_gradient(const struct ov_loss_run *run,
                                                const double *upstream,
                                                const struct ov_tensor *gradient, size_t part,
                                                size_t n_parts);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
