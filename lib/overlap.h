/* overlap.h - liboverlap: exact overlap counts of segmentation masks, and the scores they give. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OVERLAP_H
#define OVERLAP_H

/*
 * Holds for every function, and is not repeated below:
 *
 * - Shapes:  in the order the caller indexes; strides in bytes, of any sign; up to OV_MAX_NDIM
 *   axes.
 * - Units:   voxels or elements, unless a name ends in _bytes. Counts are exact 64-bit integers.
 * - Errors:  enum ov_status; outputs (ret_...) are written on OV_OK and left alone otherwise.
 * - Memory:  inputs are borrowed for the call. What _new returns is freed by _free; NULL is fine.
 * - Threads: no locks, no shared state but the selected kernels: one object, one thread at a time.
 *
 * 0/0 is a result and not an error: a score without a value is NaN.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OV_VERSION_MAJOR 0
#define OV_VERSION_MINOR 1
#define OV_VERSION_PATCH 0

#define OV_MAX_NDIM   7
#define OV_MAX_LABELS 65536
#define OV_MAX_PAIRS  1048576 /* distinct pairs of labels that a counter keeps */
#define OV_LABEL_MIN  (-2147483647 - 1)
#define OV_LABEL_MAX  4294967295

#if defined(__GNUC__)
#define OV_MUST_USE __attribute__((warn_unused_result))
#pragma GCC visibility push(default)
#else
#define OV_MUST_USE
#endif

/* The version of the library that is running, "0.1.0"; may differ from the header's. */
const char *ov_version(void);

/* ---- status ---------------------------------------------------------------------------------- */

/* Symbol, stable value, text. */
#define OV_STATUS_MAP(X)                                                       \
    X(OV_OK, 0, "ok")                                                          \
    X(OV_EINVAL, 1, "an argument is out of its range")                         \
    X(OV_ENOMEM, 2, "out of memory")                                           \
    X(OV_ESHAPE, 3, "the two shapes or lengths differ")                        \
    X(OV_ESIZE, 4, "the shape is empty, has too many axes or is too large")    \
    X(OV_EDTYPE, 5, "the element type is unknown")                             \
    X(OV_EFRACTION, 6, "a value is not an integer, and no threshold is given") \
    X(OV_ENAN, 7, "a value is not a number")                                   \
    X(OV_ELABEL, 8, "a label is outside -2^31 .. 2^32-1")                      \
    X(OV_EMANY, 9, "more distinct labels than the limit")                      \
    X(OV_EPAIRS, 11, "more distinct pairs of labels than OV_MAX_PAIRS")        \
    X(OV_EISA, 10, "the instruction set is unknown or this machine lacks it")  \
    X(OV_EPROBABILITY, 12, "a probability or a soft target is outside 0..1")   \
    X(OV_EINFINITE, 13, "a value is infinite")                                 \
    X(OV_ECLASS, 14, "a label is not one of the prediction's classes")         \
    X(OV_EALIAS, 15, "an output overlaps an input or itself")

#define OV_STATUS_ENUM(symbol, value, text) symbol = (value),
enum ov_status { OV_STATUS_MAP(OV_STATUS_ENUM) };
#undef OV_STATUS_ENUM

/* One sentence for a status, static; "unknown status" for a value that is none. */
const char *ov_status_text(enum ov_status status);

/* ---- masks ----------------------------------------------------------------------------------- */

/* Symbol, name as NumPy writes it, bytes per element. */
#define OV_DTYPE_MAP(X)     \
    X(OV_U8, "uint8", 1)    \
    X(OV_I8, "int8", 1)     \
    X(OV_U16, "uint16", 2)  \
    X(OV_I16, "int16", 2)   \
    X(OV_U32, "uint32", 4)  \
    X(OV_I32, "int32", 4)   \
    X(OV_U64, "uint64", 8)  \
    X(OV_I64, "int64", 8)   \
    X(OV_F32, "float32", 4) \
    X(OV_F64, "float64", 8) \
    X(OV_F16, "float16", 2) \
    X(OV_BF16, "bfloat16", 2)

#define OV_DTYPE_ENUM(symbol, name, n_bytes) symbol,
enum ov_dtype { OV_DTYPE_MAP(OV_DTYPE_ENUM) OV_N_DTYPES };
#undef OV_DTYPE_ENUM

size_t ov_dtype_bytes(enum ov_dtype dtype);     /* 0 for a value that is none */
const char *ov_dtype_name(enum ov_dtype dtype); /* NULL for a value that is none */

/* Find a dtype by its NumPy name. Errors: OV_EDTYPE. */
OV_MUST_USE enum ov_status ov_dtype_find(const char *name, enum ov_dtype *ret_dtype);

/*
 * How a stored element becomes a number: stored in the other byte order or not, then
 * value * slope + intercept where slope is not 0. A zeroed struct is unsigned bytes as they are.
 * Label maps of 64-bit, float or scaled elements must hold integers in -2^31 .. 2^32-1: a NaN is
 * OV_ENAN, a value between two integers OV_EFRACTION, an infinite or other value OV_ELABEL. Scaled
 * values are doubles; -0.0 is the label 0.
 * A label that is an integer element with a slope below 1/2 and comes within half a step of an
 * integer is that integer: so labels come back that were floats, squeezed into integers.
 */
struct ov_encoding {
    enum ov_dtype dtype;
    bool swapped;
    double slope;
    double intercept;
};

/* The number that an element stands for; 64-bit integers are rounded. `element` need not be
 * aligned.
 */
double ov_element_value(const struct ov_encoding *encoding, const void *element);

enum ov_order { OV_ORDER_C, OV_ORDER_F }; /* last axis fastest; first axis fastest */

/* A view of labels in memory; owns nothing. */
struct ov_mask {
    const void *data; /* element [0, 0, ...]; need not be aligned */
    struct ov_encoding encoding;
    int ndim;
    uint64_t shape[OV_MAX_NDIM];
    int64_t strides_bytes[OV_MAX_NDIM];
};

/*
 * The number of voxels of a shape and the bytes they take, both checked against overflow.
 *
 *   ret_n_voxels, ret_bytes   may be NULL
 *
 * Errors: OV_ESIZE for ndim outside 1..OV_MAX_NDIM, an axis of 0, or a product of bytes beyond
 * 2^63-1; OV_EDTYPE.
 */
OV_MUST_USE enum ov_status ov_shape_size(int ndim, const uint64_t *shape, enum ov_dtype dtype,
                                         uint64_t *ret_n_voxels, uint64_t *ret_bytes);

/*
 * View n elements that lie without gaps, last axis fastest (OV_ORDER_C) or first (OV_ORDER_F).
 * Errors: as ov_shape_size; OV_EINVAL for data NULL.
 */
OV_MUST_USE enum ov_status ov_mask_view(const void *data, enum ov_dtype dtype, int ndim,
                                        const uint64_t *shape, enum ov_order order,
                                        struct ov_mask *ret_mask);

/* ---- counting -------------------------------------------------------------------------------- */

/*
 * The overlap of one class. From these four integers every score follows:
 * fp = prediction - tp, fn = reference - tp, tn = voxels - prediction - reference + tp.
 */
struct ov_counts {
    uint64_t voxels;     /* all voxels that count: those whose reference label is not ignored */
    uint64_t prediction; /* of these, in the prediction's class */
    uint64_t reference;  /* of these, in the reference's class */
    uint64_t tp;         /* of these, in both */
};

/*
 * Count, for each label asked for, the voxels of the prediction, of the reference and of both.
 *
 *   prediction, reference   label maps of one shape; dtypes and strides may differ
 *   labels                  n_labels values without duplicates, in any order; n_labels may be 0
 *   ret_counts              [n_labels]
 *
 * Cost:   one pass over both maps; memory grows with the number of distinct labels only
 * Errors: OV_ESHAPE, OV_ESIZE, OV_EDTYPE, OV_EFRACTION, OV_ENAN, OV_ELABEL, OV_EMANY beyond
 *         OV_MAX_LABELS distinct labels, OV_ENOMEM, OV_EINVAL for a duplicate label.
 */
OV_MUST_USE enum ov_status ov_count(const struct ov_mask *prediction,
                                    const struct ov_mask *reference, const int64_t *labels,
                                    size_t n_labels, struct ov_counts *ret_counts);

/* A counter takes a pair of masks piece by piece and holds the integers; opaque. */
struct ov_counter;

/*
 * Zeroed: nothing ignored, no threshold, no pairs. Copied by ov_counter_new.
 *
 * `ignore` speaks of the reference's own values, also where a threshold makes others of them. A
 * threshold is compared exactly with integers of any size; a NaN is OV_ENAN under a threshold too.
 * Values are checked in ignored voxels as anywhere, and labels that a prediction has only there
 * count for max_labels.
 */
struct ov_counter_options {
    const int64_t *ignore; /* voxels whose reference is one of these leave every count */
    size_t n_ignore;
    bool has_threshold; /* then both masks become binary: label 1 where value > threshold, else 0 */
    double threshold;
    bool pairs;         /* keep a count per pair of labels too: ov_counter_union and _confusion */
    size_t max_labels;  /* distinct labels before OV_EMANY; 0 means OV_MAX_LABELS, never more */
    uint64_t hash_seed; /* changes no result; random where masks come from strangers */
};

/*
 *   options   NULL for zeroed ones
 *
 * Errors: OV_ENOMEM; OV_EINVAL for a NaN threshold, or max_labels beyond OV_MAX_LABELS.
 */
OV_MUST_USE enum ov_status ov_counter_new(const struct ov_counter_options *options,
                                          struct ov_counter **ret_counter);
void ov_counter_free(struct ov_counter *counter);

/* `length` voxels of one label, in the order the two masks agree on. */
struct ov_run {
    int64_t label;
    uint64_t length; /* may be 0 */
};

/*
 * Some voxels of one mask, as a tile (n_voxels elements without gaps; need not be aligned) or as
 * runs whose lengths sum to n_voxels. Exactly one of tile and runs is not NULL, unless n_voxels is
 * 0.
 */
struct ov_piece {
    uint64_t n_voxels;
    const void *tile;
    struct ov_encoding encoding; /* of the tile */
    const struct ov_run *runs;
    size_t n_runs;
};

/*
 * Count one piece of each mask. The pieces hold the same voxels in the same order; a tile may meet
 * runs. A counter that once returned an error holds a partial count and is only good for _free.
 *
 * Cost:   a vectorised scan of a tile for changes of value, then work in proportion to its runs;
 *         O(runs) alone where both pieces are runs. A threshold applies to the labels of runs too.
 * Errors: OV_ESHAPE for pieces of different length, OV_EDTYPE, OV_EFRACTION, OV_ENAN, OV_ELABEL,
 *         OV_EMANY for labels beyond max_labels, OV_EPAIRS, OV_ENOMEM; OV_EINVAL for runs that do
 *         not sum to n_voxels; OV_ESIZE beyond 2^63-1 voxels in all.
 */
OV_MUST_USE enum ov_status ov_counter_add(struct ov_counter *counter,
                                          const struct ov_piece *prediction,
                                          const struct ov_piece *reference);

/*
 * Write a tile down as its runs, which count as the tile does where there is no threshold: so that
 * another thread, or a cache, is handed less than the voxels.
 *
 *   runs    room for `cap` of them
 *   ret_n   untouched on errors, after which the room holds anything
 *
 * Cost:   a vectorised scan for changes of value, then work in proportion to the runs.
 * Errors: OV_ESIZE for more than `cap` runs; OV_EDTYPE, OV_EFRACTION, OV_ENAN, OV_ELABEL.
 */
OV_MUST_USE enum ov_status ov_runs_of_tile(const struct ov_piece *tile, struct ov_run *runs,
                                           size_t cap, size_t *ret_n);

/*
 * Count part `part` of `n_parts` of two masks of one shape, compared index by index whatever their
 * strides. The parts together are the masks; give each thread a counter of its own and merge.
 *
 * Errors: as ov_count; OV_EINVAL for part >= n_parts.
 */
OV_MUST_USE enum ov_status ov_counter_add_masks(struct ov_counter *counter,
                                                const struct ov_mask *prediction,
                                                const struct ov_mask *reference, size_t part,
                                                size_t n_parts);

/*
 * Add the counts of `from`, which stays as it is, to `counter`. Associative and commutative. The
 * two were made with the same options (but for hash_seed), else OV_EINVAL. Errors: OV_EMANY,
 * OV_EPAIRS, OV_ESIZE, OV_ENOMEM.
 */
OV_MUST_USE enum ov_status ov_counter_merge(struct ov_counter *counter,
                                            const struct ov_counter *from);

/* Voxels counted, and voxels left out because their reference label is ignored. */
uint64_t ov_counter_voxels(const struct ov_counter *counter);
uint64_t ov_counter_ignored(const struct ov_counter *counter);

/* How many distinct labels were found in counted voxels, in either mask. */
size_t ov_counter_n_labels(const struct ov_counter *counter);

/* Write these labels, ascending: ret_labels [ov_counter_n_labels(counter)]. */
void ov_counter_labels(const struct ov_counter *counter, int64_t *ret_labels);

/* The counts of one label; zeros beside `voxels` for a label that was not found. */
struct ov_counts ov_counter_label(const struct ov_counter *counter, int64_t label);

/*
 * The counts of a union of labels, scored as if it were one class. Duplicates do no harm.
 * Cost:   O(distinct pairs found)
 * Errors: OV_EINVAL where the counter keeps no pairs; OV_ENOMEM.
 */
OV_MUST_USE enum ov_status ov_counter_union(const struct ov_counter *counter, const int64_t *labels,
                                            size_t n_labels, struct ov_counts *ret_counts);

/*
 * The confusion matrix of some labels: ret_matrix[i * n_labels + j] voxels have reference labels[i]
 * and prediction labels[j]. Voxels of other labels are not in it.
 * Errors: OV_EINVAL where the counter keeps no pairs, or for a duplicate label; OV_ENOMEM.
 */
OV_MUST_USE enum ov_status ov_counter_confusion(const struct ov_counter *counter,
                                                const int64_t *labels, size_t n_labels,
                                                uint64_t *ret_matrix);

/* Voxels of these labels: a pair that was found, and how often. */
struct ov_pair {
    int64_t prediction;
    int64_t reference;
    uint64_t n_voxels;
};

/* How many distinct pairs were found in counted voxels; 0 where the counter keeps no pairs. */
size_t ov_counter_n_pairs(const struct ov_counter *counter);

/*
 * Write these pairs, in no order: ret_pairs [ov_counter_n_pairs(counter)]. What a mask's labels
 * stand for may be decided afterwards: sets of labels, say, where they overlap.
 */
void ov_counter_pairs(const struct ov_counter *counter, struct ov_pair *ret_pairs);

/* Voxels start .. end-1 of a binary mask, start < end. */
struct ov_interval {
    uint32_t start;
    uint32_t end;
};

/*
 * The voxels that two binary masks share: tp. Each mask is a list of intervals that ascend and
 * neither overlap nor touch.
 *
 * Cost: O(n_a + n_b), without a branch on the data.
 */
uint64_t ov_intervals_overlap(const struct ov_interval *a, size_t n_a, const struct ov_interval *b,
                              size_t n_b);

/* ---- scores ---------------------------------------------------------------------------------- */

/* What is empty about a class decides what its overlap scores mean. */
enum ov_state {
    OV_STATE_OK,
    OV_STATE_BOTH_EMPTY,
    OV_STATE_REFERENCE_EMPTY,
    OV_STATE_PREDICTION_EMPTY
};

enum ov_state ov_state(const struct ov_counts *counts);
const char *ov_state_name(
    enum ov_state state); /* "ok", "both_empty", "reference_empty", "prediction_empty" */

/*
 * Symbol, name, lowest value, highest value, whether the empty policy decides it for an empty
 * class. Formulae, sources and what each gives for an empty class: docs/metrics.md.
 */
#define OV_METRIC_MAP(X)                                                     \
    X(OV_DICE, "dice", 0, 1, true)                                           \
    X(OV_IOU, "iou", 0, 1, true)                                             \
    X(OV_DICE_LOSS, "dice_loss", 0, 1, true)                                 \
    X(OV_IOU_LOSS, "iou_loss", 0, 1, true)                                   \
    X(OV_F_BETA, "f_beta", 0, 1, true)                                       \
    X(OV_PRECISION, "precision", 0, 1, false)                                \
    X(OV_RECALL, "recall", 0, 1, false)                                      \
    X(OV_SPECIFICITY, "specificity", 0, 1, false)                            \
    X(OV_FPR, "fpr", 0, 1, false)                                            \
    X(OV_FNR, "fnr", 0, 1, false)                                            \
    X(OV_ACCURACY, "accuracy", 0, 1, false)                                  \
    X(OV_BALANCED_ACCURACY, "balanced_accuracy", 0, 1, false)                \
    X(OV_VOLUME_SIMILARITY, "volume_similarity", 0, 1, false)                \
    X(OV_VOLUME_SIMILARITY_SIGNED, "volume_similarity_signed", -2, 2, false) \
    X(OV_MCC, "mcc", -1, 1, false)                                           \
    X(OV_KAPPA, "kappa", -1, 1, false)

#define OV_METRIC_ENUM(symbol, name, low, high, policy) symbol,
enum ov_metric { OV_METRIC_MAP(OV_METRIC_ENUM) OV_N_METRICS };
#undef OV_METRIC_ENUM

const char *ov_metric_name(enum ov_metric metric); /* NULL for a value that is none */

/* Errors: OV_EINVAL for a name that is none. */
OV_MUST_USE enum ov_status ov_metric_find(const char *name, enum ov_metric *ret_metric);

/*
 * What the overlap metrics (the last column above) give for an empty class, as a score: 0, 1 or NaN
 * for none. The losses give 1 minus that. The default of this project: {NaN, 0, 0}.
 */
struct ov_empty_policy {
    double both_empty;
    double reference_empty;
    double prediction_empty;
};

struct ov_empty_policy ov_empty_policy_default(void);

/*
 * The value of a metric, or NaN where it has none.
 *
 *   policy   NULL for the default
 *   beta     weight of recall against precision in OV_F_BETA, > 0; unused by the others
 */
double ov_metric_value(enum ov_metric metric, const struct ov_counts *counts,
                       const struct ov_empty_policy *policy, double beta);

/* What a prediction that calls every voxel foreground would have counted on this class. */
struct ov_counts ov_trivial(const struct ov_counts *counts);

/* The sum of two counts: micro scores are scores of sums. */
struct ov_counts ov_counts_sum(struct ov_counts a, struct ov_counts b);

enum ov_weighting { OV_WEIGHT_SQUARE, OV_WEIGHT_SIMPLE, OV_WEIGHT_UNIFORM }; /* 1/R^2, 1/R, 1 */

/*
 * Generalised Dice over classes: sum w 2tp / sum w (prediction + reference). The weight of a class
 * with an empty reference is the largest finite weight of the others, 1 where there is none.
 * NaN for n = 0 and where every class is empty in both masks.
 * Source: Crum et al. 2006; Sudre et al. 2017; the empty rule as MONAI has it.
 */
double ov_generalised_dice(const struct ov_counts *counts, size_t n, enum ov_weighting weighting);

/* ---- many cases ------------------------------------------------------------------------------ */

/*
 * Of n values, none of them NaN: the mean (a compensated sum), and the standard deviation with
 * n - 1 in the denominator. NaN for too few: 0, or 1.
 */
double ov_mean(const double *values, size_t n);
double ov_deviation(const double *values, size_t n);

/* Sort values, none of them NaN, ascending. */
void ov_sort(double *values, size_t n);

/*
 * The quantile q, 0 .. 1, of sorted values, between two of them by linear interpolation: NumPy's
 * default. NaN for n = 0 or q outside.
 */
double ov_quantile(const double *sorted, size_t n, double q);

/*
 * Draw n_rows rows with replacement, n_resamples times, and add up each column of those drawn:
 * what the bootstrap of a mean, or of a score of summed counts, needs.
 *
 *   rows       [n_rows][n_columns]
 *   ret_sums   [n_resamples][n_columns]
 *
 * Rows are added in ascending order, each times how often it was drawn. Number k, k = 0, 1, ...,
 * of all draws, resample after resample, is row ((x >> 32) * n_rows) >> 32, where x is output k of
 * SplitMix64 from `seed`: z = seed + (k + 1) * 0x9e3779b97f4a7c15; z = (z ^ (z >> 30)) *
 * 0xbf58476d1ce4e5b9; z = (z ^ (z >> 27)) * 0x94d049bb133111eb; x = z ^ (z >> 31). Some rows are
 * likelier than others by less than n_rows / 2^32.
 *
 * Errors: OV_EINVAL for no rows, no columns or more than 2^32-1 rows; OV_ENOMEM.
 */
OV_MUST_USE enum ov_status ov_resample(const double *rows, size_t n_rows, size_t n_columns,
                                       uint64_t seed, size_t n_resamples, double *ret_sums);

/* The Wilcoxon signed-rank test, two-sided. */
struct ov_wilcoxon {
    size_t n;         /* differences that are not 0 */
    double statistic; /* the smaller of the two sums of ranks */
    double p;         /* NaN for n = 0 */
    bool exact;       /* counted out; else from the normal distribution */
};

/*
 * Zeros are left out, ties share their mean rank. p is counted out up to 50 differences without
 * zeros and ties, and up to 13 with; else it is the normal approximation, its variance corrected
 * for ties, without continuity correction. These are the rules of SciPy 1.17.
 * Source: Wilcoxon 1945. Errors: OV_ENOMEM.
 */
OV_MUST_USE enum ov_status ov_wilcoxon(const double *differences, size_t n,
                                       struct ov_wilcoxon *ret);

/* ---- instruction sets ------------------------------------------------------------------------ */

/* The kernels in use: "scalar", "avx2", "avx512" or "neon". They differ in speed alone. */
const char *ov_isa(void);

/*
 * Choose kernels by name, or the best of this machine with "auto" (the state at start). Applies to
 * counting that begins afterwards; call it before threads count. Errors: OV_EISA.
 */
OV_MUST_USE enum ov_status ov_isa_select(const char *name);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
