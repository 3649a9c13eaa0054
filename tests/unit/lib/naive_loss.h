/* naive_loss.h - losses straight from their definitions, in long double, to hold the real ones to.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NAIVE_LOSS_H
#define NAIVE_LOSS_H

#include <math.h>

#include "lib/overlap_loss.h"
#include "tests/unit/lib/naive.h"

/* [N, C, V], flat; g likewise, and `counts` [N, V]: whether a voxel does. */
struct naive_problem {
    size_t n_samples, n_classes, n_voxels;
    long double *z;
    long double *g;
    bool *counts;
    struct ov_loss_options options;
};

static inline size_t naive_at(const struct naive_problem *problem, size_t n, size_t c, size_t v)
{
    return (n * problem->n_classes + c) * problem->n_voxels + v;
}

static inline long double naive_p(const struct naive_problem *problem, size_t n, size_t c, size_t v)
{
    long double z = problem->z[naive_at(problem, n, c, v)];
    long double sum = 0;
    if (problem->options.activation == OV_ACTIVATION_NONE)
        return z;
    if (problem->options.activation == OV_ACTIVATION_SIGMOID)
        return 1 / (1 + expl(-z));
    for (size_t k = 0; k < problem->n_classes; k++)
        sum += expl(problem->z[naive_at(problem, n, k, v)] - z);
    return 1 / sum;
}

/* I, P, G, P2, G2, A of one class, of samples first..end. */
static inline void naive_sums(const struct naive_problem *problem, size_t first, size_t end,
                              size_t c, long double sums[6])
{
    memset(sums, 0, 6 * sizeof *sums);
    for (size_t n = first; n < end; n++) {
        for (size_t v = 0; v < problem->n_voxels; v++) {
            if (!problem->counts[n * problem->n_voxels + v])
                continue;
            long double p = naive_p(problem, n, c, v);
            long double g = problem->g[naive_at(problem, n, c, v)];
            sums[0] += p * g;
            sums[1] += p;
            sums[2] += g;
            sums[3] += p * p;
            sums[4] += g * g;
            sums[5] += fabsl(p - g);
        }
    }
}

static inline long double naive_overlap(const struct ov_loss_options *o, const long double *s)
{
    long double i = o->soft_labels ? (s[1] + s[2] - s[5]) / 2 : s[0];
    long double p = s[1], g = s[2], nr = o->smooth_numerator, dr = o->smooth_denominator;
    long double dice = 1 - (2 * i + nr) / (p + g + dr);
    long double tversky = 1 - (i + nr) / (i + o->alpha * (p - i) + o->beta * (g - i) + dr);
    switch (o->loss) {
    case OV_LOSS_SQUARED_DICE:
        return 1 - (2 * s[0] + nr) / (s[3] + s[4] + dr);
    case OV_LOSS_IOU:
        return 1 - (i + nr) / (p + g - i + dr);
    case OV_LOSS_IOU_MONAI:
        return 1 - (2 * i + nr) / (2 * (p + g - i) + dr);
    case OV_LOSS_TVERSKY:
        return tversky;
    case OV_LOSS_FOCAL_TVERSKY:
        return powl(tversky, o->gamma);
    case OV_LOSS_LOG_COSH_DICE:
        return logl(coshl(dice));
    case OV_LOSS_LOG_DICE:
        return -logl(1 - dice);
    default:
        return dice;
    }
}

static inline long double naive_weight(const struct ov_loss_options *o, size_t c)
{
    return o->class_weights != NULL ? o->class_weights[c] : 1;
}

static inline long double naive_generalised(const struct naive_problem *problem, size_t first,
                                            size_t end)
{
    const struct ov_loss_options *o = &problem->options;
    long double n = o->smooth_numerator, d = o->smooth_denominator, largest = 0, s[6];
    for (int pass = 0; pass < 2; pass++) {
        for (size_t c = o->exclude_background; c < problem->n_classes; c++) {
            naive_sums(problem, first, end, c, s);
            long double i = o->soft_labels ? (s[1] + s[2] - s[5]) / 2 : s[0];
            long double w = o->weighting == OV_WEIGHT_UNIFORM  ? 1
                            : o->weighting == OV_WEIGHT_SIMPLE ? 1 / s[2]
                                                               : 1 / (s[2] * s[2]);
            if (pass == 0) {
                largest = isfinite(w) && w > largest ? w : largest;
                continue;
            }
            w = (isfinite(w) ? w : largest > 0 ? largest : 1) * naive_weight(o, c);
            n += 2 * w * i;
            d += w * (s[1] + s[2]);
        }
    }
    return 1 - n / d;
}

/* The mean over voxels of cross-entropy or focal loss. */
static inline long double naive_voxels(const struct naive_problem *problem)
{
    const struct ov_loss_options *o = &problem->options;
    bool is_focal = o->loss == OV_LOSS_FOCAL || o->loss == OV_LOSS_DICE_FOCAL;
    long double gamma = is_focal ? o->focal_gamma : 0, loss = 0, weight = 0, n_counted = 0;
    bool is_binary = problem->n_classes == 1 || o->activation == OV_ACTIVATION_SIGMOID;
    for (size_t n = 0; n < problem->n_samples; n++) {
        for (size_t v = 0; v < problem->n_voxels; v++) {
            if (!problem->counts[n * problem->n_voxels + v])
                continue;
            n_counted++;
            for (size_t c = 0; c < problem->n_classes; c++) {
                long double p = naive_p(problem, n, c, v), w = naive_weight(o, c);
                long double g = problem->g[naive_at(problem, n, c, v)];
                weight += w * g;
                loss -= w * g * powl(1 - p, gamma) * logl(p);
                if (is_binary)
                    loss -= w * (1 - g) * powl(p, gamma) * logl(1 - p);
            }
        }
    }
    if (o->reduction == OV_REDUCTION_SUM)
        return loss;
    if (is_binary)
        return loss / (n_counted * (long double)problem->n_classes);
    return loss / (o->class_weights != NULL ? weight : n_counted);
}

/* All values; returns how many. */
static inline size_t naive_values(const struct naive_problem *problem, long double *values)
{
    const struct ov_loss_options *o = &problem->options;
    size_t groups = o->batch ? 1 : problem->n_samples;
    size_t first = o->exclude_background;
    bool is_generalised = o->loss == OV_LOSS_GENERALISED_DICE;
    size_t classes = is_generalised ? 1 : problem->n_classes - first;
    bool has_overlap = o->loss != OV_LOSS_CROSS_ENTROPY && o->loss != OV_LOSS_FOCAL;
    bool is_sum = o->loss == OV_LOSS_DICE_CROSS_ENTROPY || o->loss == OV_LOSS_DICE_FOCAL;
    long double total = 0, s[6];
    for (size_t i = 0; i < classes; i++)
        values[i] = 0;
    for (size_t n = 0; has_overlap && n < groups; n++) {
        for (size_t i = 0; i < classes; i++) {
            size_t end = o->batch ? problem->n_samples : n + 1;
            naive_sums(problem, n, end, first + i, s);
            long double value = is_generalised ? naive_generalised(problem, n, end)
                                               : naive_weight(o, first + i) * naive_overlap(o, s);
            total += value;
            if (o->reduction == OV_REDUCTION_NONE)
                values[n * classes + i] = value;
            if (o->reduction == OV_REDUCTION_MEAN_BATCH)
                values[i] += value / (long double)groups;
        }
    }
    if (o->reduction == OV_REDUCTION_NONE)
        return groups * classes;
    if (o->reduction == OV_REDUCTION_MEAN_BATCH)
        return classes;
    if (o->reduction == OV_REDUCTION_MEAN)
        total /= (long double)(groups * classes);
    values[0] = (is_sum ? o->lambda_overlap : 1) * total;
    if (is_sum || !has_overlap)
        values[0] += (is_sum ? o->lambda_voxel : 1) * naive_voxels(problem);
    return 1;
}

#endif
