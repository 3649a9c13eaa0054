/* ratio.c - counts -> dice, iou, precision ...: pure functions of integers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/overlap.h"

/*
 * Numerators and denominators stay integers up to one division, exact in 128 bits for counts below
 * 2^63: each score is then the same to the bit on every machine.
 */
static double ratio(ov__u128 numerator, ov__u128 denominator)
{
    return denominator == 0 ? NAN : (double)numerator / (double)denominator;
}

static ov__u128 product(uint64_t a, uint64_t b)
{
    return (ov__u128)a * b;
}

/* What is left of a class once its true positives are gone. */
struct errors {
    uint64_t fp;
    uint64_t fn;
    uint64_t tn;
    uint64_t not_prediction;
    uint64_t not_reference;
};

static struct errors errors_of(const struct ov_counts *c)
{
    return (struct errors){.fp = c->prediction - c->tp,
                           .fn = c->reference - c->tp,
                           .tn = c->voxels - c->prediction - c->reference + c->tp,
                           .not_prediction = c->voxels - c->prediction,
                           .not_reference = c->voxels - c->reference};
}

enum ov_state ov_state(const struct ov_counts *counts)
{
    if (counts->reference == 0)
        return counts->prediction == 0 ? OV_STATE_BOTH_EMPTY : OV_STATE_REFERENCE_EMPTY;
    return counts->prediction == 0 ? OV_STATE_PREDICTION_EMPTY : OV_STATE_OK;
}

const char *ov_state_name(enum ov_state state)
{
    switch (state) {
    case OV_STATE_OK:
        return "ok";
    case OV_STATE_BOTH_EMPTY:
        return "both_empty";
    case OV_STATE_REFERENCE_EMPTY:
        return "reference_empty";
    case OV_STATE_PREDICTION_EMPTY:
        return "prediction_empty";
    }
    return NULL;
}

struct ov_empty_policy ov_empty_policy_default(void)
{
    return (struct ov_empty_policy){.both_empty = NAN};
}

static double policy_score(const struct ov_empty_policy *policy, enum ov_state state)
{
    switch (state) {
    case OV_STATE_BOTH_EMPTY:
        return policy->both_empty;
    case OV_STATE_REFERENCE_EMPTY:
        return policy->reference_empty;
    default:
        return policy->prediction_empty;
    }
}

static double dice(const struct ov_counts *c)
{
    return ratio(product(2, c->tp), (ov__u128)c->prediction + c->reference);
}

static double dice_loss(const struct ov_counts *c)
{
    struct errors e = errors_of(c);
    return ratio((ov__u128)e.fp + e.fn, (ov__u128)c->prediction + c->reference);
}

static double iou(const struct ov_counts *c)
{
    return ratio(c->tp, (ov__u128)c->prediction + c->reference - c->tp);
}

static double iou_loss(const struct ov_counts *c)
{
    struct errors e = errors_of(c);
    return ratio((ov__u128)e.fp + e.fn, (ov__u128)c->prediction + c->reference - c->tp);
}

static double f_beta(const struct ov_counts *c, double beta)
{
    if (!(beta > 0))
        return NAN;
    double weight = beta * beta;
    return (1 + weight) * (double)c->tp / (weight * (double)c->reference + (double)c->prediction);
}

static double volume_similarity(const struct ov_counts *c)
{
    uint64_t smaller = c->prediction < c->reference ? c->prediction : c->reference;
    return ratio(product(2, smaller), (ov__u128)c->prediction + c->reference);
}

static double volume_similarity_signed(const struct ov_counts *c)
{
    ov__u128 sum = (ov__u128)c->prediction + c->reference;
    if (c->prediction < c->reference)
        return -ratio(product(2, c->reference - c->prediction), sum);
    return ratio(product(2, c->prediction - c->reference), sum);
}

/* tp tn - fp fn, rounded once. */
static double determinant(const struct ov_counts *c)
{
    struct errors e = errors_of(c);
    ov__u128 agree = product(c->tp, e.tn);
    ov__u128 differ = product(e.fp, e.fn);
    return agree >= differ ? (double)(agree - differ) : -(double)(differ - agree);
}

/* The square root of the four margins, two by two: their product would not fit 128 bits. */
static double mcc(const struct ov_counts *c)
{
    struct errors e = errors_of(c);
    double in_class = sqrt((double)product(c->prediction, c->reference));
    double outside = sqrt((double)product(e.not_prediction, e.not_reference));
    if (in_class == 0 || outside == 0)
        return NAN;
    return fmax(-1, fmin(1, determinant(c) / (in_class * outside)));
}

/* (po - pe) / (1 - pe), with both multiplied by voxels^2. */
static double kappa(const struct ov_counts *c)
{
    struct errors e = errors_of(c);
    ov__u128 disagreement =
        product(c->prediction, e.not_reference) + product(c->reference, e.not_prediction);
    return disagreement == 0 ? NAN : 2 * determinant(c) / (double)disagreement;
}

static double balanced_accuracy(const struct ov_counts *c)
{
    struct errors e = errors_of(c);
    return (ratio(c->tp, c->reference) + ratio(e.tn, e.not_reference)) / 2;
}

static double overlap_value(enum ov_metric metric, const struct ov_counts *c, double beta)
{
    switch (metric) {
    case OV_DICE:
        return dice(c);
    case OV_IOU:
        return iou(c);
    case OV_DICE_LOSS:
        return dice_loss(c);
    case OV_IOU_LOSS:
        return iou_loss(c);
    default:
        return f_beta(c, beta);
    }
}

/* Metrics that need only two of the counts or their complements. */
static double rate(enum ov_metric metric, const struct ov_counts *c)
{
    struct errors e = errors_of(c);
    switch (metric) {
    case OV_PRECISION:
        return ratio(c->tp, c->prediction);
    case OV_RECALL:
        return ratio(c->tp, c->reference);
    case OV_SPECIFICITY:
        return ratio(e.tn, e.not_reference);
    case OV_FPR:
        return ratio(e.fp, e.not_reference);
    case OV_FNR:
        return ratio(e.fn, c->reference);
    default:
        return ratio((ov__u128)c->tp + e.tn, c->voxels);
    }
}

static double other_value(enum ov_metric metric, const struct ov_counts *c)
{
    switch (metric) {
    case OV_BALANCED_ACCURACY:
        return balanced_accuracy(c);
    case OV_VOLUME_SIMILARITY:
        return volume_similarity(c);
    case OV_VOLUME_SIMILARITY_SIGNED:
        return volume_similarity_signed(c);
    case OV_MCC:
        return mcc(c);
    case OV_KAPPA:
        return kappa(c);
    default:
        return rate(metric, c);
    }
}

static const struct {
    const char *name;
    bool has_policy;
} metrics[OV_N_METRICS] = {
#define METRIC_ROW(symbol, text, low, high, policy) [symbol] = {text, policy},
    OV_METRIC_MAP(METRIC_ROW)
#undef METRIC_ROW
};

static bool is_metric(enum ov_metric metric)
{
    return (unsigned)metric < OV_N_METRICS;
}

const char *ov_metric_name(enum ov_metric metric)
{
    return is_metric(metric) ? metrics[metric].name : NULL;
}

enum ov_status ov_metric_find(const char *name, enum ov_metric *ret_metric)
{
    for (int i = 0; name != NULL && i < OV_N_METRICS; i++) {
        if (strcmp(name, metrics[i].name) == 0) {
            *ret_metric = (enum ov_metric)i;
            return OV_OK;
        }
    }
    return OV_EINVAL;
}

double ov_metric_value(enum ov_metric metric, const struct ov_counts *counts,
                       const struct ov_empty_policy *policy, double beta)
{
    if (!is_metric(metric))
        return NAN;
    if (!metrics[metric].has_policy)
        return other_value(metric, counts);
    enum ov_state state = ov_state(counts);
    if (state == OV_STATE_OK)
        return overlap_value(metric, counts, beta);
    struct ov_empty_policy chosen = policy != NULL ? *policy : ov_empty_policy_default();
    double score = policy_score(&chosen, state);
    return metric == OV_DICE_LOSS || metric == OV_IOU_LOSS ? 1 - score : score;
}

struct ov_counts ov_trivial(const struct ov_counts *counts)
{
    return (struct ov_counts){.voxels = counts->voxels,
                              .prediction = counts->voxels,
                              .reference = counts->reference,
                              .tp = counts->reference};
}

struct ov_counts ov_counts_sum(struct ov_counts a, struct ov_counts b)
{
    return (struct ov_counts){.voxels = a.voxels + b.voxels,
                              .prediction = a.prediction + b.prediction,
                              .reference = a.reference + b.reference,
                              .tp = a.tp + b.tp};
}

static double class_weight(uint64_t reference, enum ov_weighting weighting)
{
    double size = (double)reference;
    switch (weighting) {
    case OV_WEIGHT_SQUARE:
        return 1 / (size * size);
    case OV_WEIGHT_SIMPLE:
        return 1 / size;
    default:
        return 1;
    }
}

/* The weight of classes whose reference is empty. */
static double largest_weight(const struct ov_counts *counts, size_t n, enum ov_weighting weighting)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        if (counts[i].reference > 0)
            largest = fmax(largest, class_weight(counts[i].reference, weighting));
    }
    return largest > 0 ? largest : 1;
}

double ov_generalised_dice(const struct ov_counts *counts, size_t n, enum ov_weighting weighting)
{
    double for_empty = largest_weight(counts, n, weighting);
    double numerator = 0;
    double denominator = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ov_counts *c = &counts[i];
        double weight = c->reference > 0 ? class_weight(c->reference, weighting) : for_empty;
        numerator += weight * 2 * (double)c->tp;
        denominator += weight * ((double)c->prediction + (double)c->reference);
    }
    return denominator > 0 ? numerator / denominator : NAN;
}
