/* loss_region.c - from sums over voxels to values, and to the slopes that the gradient is made of.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/loss.h"
#include "lib/loss_math.h"

/* Below these a logarithm and a root are cut off; their slopes are 0 there. */
#define LOWEST_SCORE  1e-7
#define LOWEST_TO_POW 1e-7

#define LN2 0x1.62e42fefa39efp-1

/* An overlap score, 1 for a perfect one, as a function of the sums I and P. */
struct score {
    double value;
    double by_i;
    double by_p;
};

/* N / D with N and D linear in I and P. Nothing predicted and nothing there is no loss. */
static struct score ratio(double n, double d, struct ov__slope dn, struct ov__slope dd)
{
    if (d == 0)
        return (struct score){.value = 1};
    double value = n / d;
    return (struct score){
        .value = value, .by_i = (dn.a - value * dd.a) / d, .by_p = (dn.b - value * dd.b) / d};
}

static struct score score_of(const struct ov_loss_options *options, struct ov__sums s)
{
    double nr = options->smooth_numerator;
    double dr = options->smooth_denominator;
    double alpha = options->alpha;
    double beta = options->beta;
    switch (options->loss) {
    case OV_LOSS_IOU:
        return ratio(s.i + nr, s.p + s.g - s.i + dr, (struct ov__slope){1, 0},
                     (struct ov__slope){-1, 1});
    case OV_LOSS_IOU_MONAI:
        return ratio(2 * s.i + nr, 2 * (s.p + s.g - s.i) + dr, (struct ov__slope){2, 0},
                     (struct ov__slope){-2, 2});
    case OV_LOSS_TVERSKY:
    case OV_LOSS_FOCAL_TVERSKY:
        return ratio(s.i + nr, s.i + alpha * (s.p - s.i) + beta * (s.g - s.i) + dr,
                     (struct ov__slope){1, 0}, (struct ov__slope){1 - alpha - beta, alpha});
    default:
        return ratio(2 * s.i + nr, s.p + s.g + dr, (struct ov__slope){2, 0},
                     (struct ov__slope){0, 1});
    }
}

/* A loss as a function of the score, and its slope. */
struct curve {
    double value;
    double slope;
};

static struct curve focal_tversky(double score, double gamma)
{
    double t = 1 - score;
    if (t < LOWEST_TO_POW) {
        t = gamma < 1 ? LOWEST_TO_POW : 0;
        return (struct curve){.value = ov__pow(t, gamma)};
    }
    double power = ov__pow(t, gamma);
    return (struct curve){.value = power, .slope = -gamma * power / t};
}

/* ln cosh x: near 0 the formula cancels and the series does not. */
static double log_cosh(double x)
{
    double x2 = x * x;
    if (x2 < .01)
        return x2 * (1. / 2 +
                     x2 * (-1. / 12 +
                           x2 * (1. / 45 +
                                 x2 * (-17. / 2520 +
                                       x2 * (31. / 14175 +
                                             x2 * (-691. / 935550 + x2 * (10922. / 42567525)))))));
    return x + ov__log1p(ov__exp(-2 * x)) - LN2;
}

static struct curve log_cosh_dice(double score)
{
    double x = 1 - score;
    double sign = x < 0 ? -1 : 1;
    double e = ov__exp(-2 * sign * x);
    return (struct curve){.value = log_cosh(sign * x), .slope = -sign * (1 - e) / (1 + e)};
}

static struct curve curve_of(const struct ov_loss_options *options, double score)
{
    switch (options->loss) {
    case OV_LOSS_FOCAL_TVERSKY:
        return focal_tversky(score, options->gamma);
    case OV_LOSS_LOG_COSH_DICE:
        return log_cosh_dice(score);
    case OV_LOSS_LOG_DICE:
        if (score < LOWEST_SCORE)
            return (struct curve){.value = -ov__log(LOWEST_SCORE)};
        return (struct curve){.value = -ov__log(score), .slope = -1 / score};
    default:
        return (struct curve){.value = 1 - score, .slope = -1};
    }
}

/* ---- where things are ---- */

static bool has_one_value(const struct ov__plan *plan)
{
    return plan->options.reduction == OV_REDUCTION_MEAN ||
           plan->options.reduction == OV_REDUCTION_SUM;
}

static uint64_t n_group_samples(const struct ov__plan *plan)
{
    return plan->options.batch ? 1 : plan->n_samples;
}

/* Generalised Dice makes one value of all classes. */
static uint64_t n_group_classes(const struct ov__plan *plan)
{
    return plan->options.loss == OV_LOSS_GENERALISED_DICE ? 1 : plan->n_classes - plan->first_class;
}

uint64_t ov__region_n_values(const struct ov__plan *plan)
{
    if (has_one_value(plan))
        return 1;
    bool is_mean_batch = plan->options.reduction == OV_REDUCTION_MEAN_BATCH;
    return (is_mean_batch ? 1 : n_group_samples(plan)) * n_group_classes(plan);
}

uint64_t ov__region_value_index(const struct ov__plan *plan, uint64_t sample, uint64_t class)
{
    if (has_one_value(plan))
        return 0;
    bool is_joined = plan->options.reduction == OV_REDUCTION_MEAN_BATCH || plan->options.batch;
    bool is_generalised = plan->options.loss == OV_LOSS_GENERALISED_DICE;
    return (is_joined ? 0 : sample) * n_group_classes(plan) +
           (is_generalised ? 0 : class - plan->first_class);
}

/* How much of a group's loss its value holds. */
static double reduction_factor(const struct ov__plan *plan)
{
    switch (plan->options.reduction) {
    case OV_REDUCTION_MEAN:
        return 1 / (double)(n_group_samples(plan) * n_group_classes(plan));
    case OV_REDUCTION_MEAN_BATCH:
        return 1 / (double)n_group_samples(plan);
    default:
        return 1;
    }
}

/* ---- merging ---- */

static void add_blocks(const struct ov_loss_run *run, uint64_t sample, uint64_t class,
                       struct ov__sums *sums)
{
    const struct ov__plan *plan = &run->plan;
    const struct ov__sums *block =
        run->sums + (size_t)(sample * plan->n_blocks * plan->n_classes + class);
    for (uint64_t i = 0; i < plan->n_blocks; i++, block += plan->n_classes) {
        sums->i += block->i;
        sums->p += block->p;
        sums->g += block->g;
    }
}

/* The sums of a class: of one sample, or of the whole batch. */
static struct ov__sums merged(const struct ov_loss_run *run, uint64_t sample, uint64_t class)
{
    const struct ov__plan *plan = &run->plan;
    struct ov__sums sums = {0};
    if (!plan->options.batch)
        add_blocks(run, sample, class, &sums);
    for (uint64_t i = 0; plan->options.batch && i < plan->n_samples; i++)
        add_blocks(run, i, class, &sums);
    return sums;
}

/* Note the slope of a group: in batch mode for every sample. */
static void set_slope(struct ov_loss_run *run, uint64_t sample, uint64_t class,
                      struct ov__slope slope)
{
    const struct ov__plan *plan = &run->plan;
    uint64_t end = plan->options.batch ? plan->n_samples : sample + 1;
    for (uint64_t i = sample; i < end; i++)
        run->slopes[i * plan->n_classes + class] = slope;
}

/* ---- one value per class ---- */

static void class_value(struct ov_loss_run *run, uint64_t sample, uint64_t class, double scale,
                        double *value)
{
    const struct ov_loss_options *options = &run->plan.options;
    struct score score = score_of(options, merged(run, sample, class));
    struct curve curve = curve_of(options, score.value);
    scale *= ov__plan_weight(&run->plan, class);
    *value += scale * curve.value;
    set_slope(run, sample, class,
              (struct ov__slope){.a = scale * curve.slope * score.by_i,
                                 .b = scale * curve.slope * score.by_p});
}

/* ---- generalised Dice: one value for all classes ---- */

static double class_weight(enum ov_weighting weighting, double g)
{
    if (weighting == OV_WEIGHT_UNIFORM)
        return 1;
    return 1 / (weighting == OV_WEIGHT_SQUARE ? g * g : g);
}

/* The largest finite weight serves the classes without one, 1 where there is none. */
static double largest_weight(const struct ov_loss_run *run, uint64_t sample)
{
    const struct ov__plan *plan = &run->plan;
    double largest = 0;
    for (uint64_t class = plan->first_class; class < plan->n_classes; class ++) {
        double weight = class_weight(plan->options.weighting, merged(run, sample, class).g);
        if (isfinite(weight) && weight > largest)
            largest = weight;
    }
    return largest > 0 ? largest : 1;
}

static double weight_of(const struct ov_loss_run *run, double g, double largest, uint64_t class)
{
    double weight = class_weight(run->plan.options.weighting, g);
    return (isfinite(weight) ? weight : largest) * ov__plan_weight(&run->plan, class);
}

static double generalised_score(const struct ov_loss_run *run, uint64_t sample, double largest,
                                double *ret_d)
{
    const struct ov__plan *plan = &run->plan;
    double n = plan->options.smooth_numerator;
    double d = plan->options.smooth_denominator;
    for (uint64_t class = plan->first_class; class < plan->n_classes; class ++) {
        struct ov__sums sums = merged(run, sample, class);
        double weight = weight_of(run, sums.g, largest, class);
        n += 2 * weight * sums.i;
        d += weight * (sums.p + sums.g);
    }
    *ret_d = d;
    return d == 0 ? 1 : n / d;
}

static void generalised_value(struct ov_loss_run *run, uint64_t sample, double scale, double *value)
{
    const struct ov__plan *plan = &run->plan;
    const double largest = largest_weight(run, sample);
    double d;
    const double score = generalised_score(run, sample, largest, &d);
    *value += scale * (1 - score);
    for (uint64_t class = plan->first_class; d != 0 && class < plan->n_classes; class ++) {
        double weight = scale * weight_of(run, merged(run, sample, class).g, largest, class);
        set_slope(run, sample, class,
                  (struct ov__slope){.a = -2 * weight / d, .b = score * weight / d});
    }
}

/* ---- all together ---- */

static double voxel_value(struct ov_loss_run *run)
{
    const struct ov__plan *plan = &run->plan;
    struct ov__voxel_sums sums = {0};
    for (uint64_t i = 0; i < plan->n_samples * plan->n_blocks; i++) {
        sums.loss += run->voxel_sums[i].loss;
        sums.weight += run->voxel_sums[i].weight;
        sums.n += run->voxel_sums[i].n;
    }
    double n = sums.n;
    if (!plan->is_categorical)
        n *= (double)plan->n_classes;
    else if (plan->options.class_weights != NULL)
        n = sums.weight;
    if (plan->options.reduction == OV_REDUCTION_SUM)
        n = 1;
    run->voxel_scale = n > 0 ? 1 / n : 0;
    if (plan->has_overlap)
        run->voxel_scale *= plan->options.lambda_voxel;
    return run->voxel_scale * sums.loss;
}

static enum ov_status lovasz(struct ov_loss_run *run, double scale, double *ret_values)
{
    const struct ov__plan *plan = &run->plan;
    uint64_t n_classes = n_group_classes(plan);
    double *groups = calloc(n_group_samples(plan) * n_classes + 1, sizeof *groups);
    if (groups == NULL)
        return OV_ENOMEM;
    enum ov_status status = ov__lovasz_values(run, groups);
    for (uint64_t i = 0; status == OV_OK && i < n_group_samples(plan) * n_classes; i++) {
        uint64_t class = plan->first_class + i % n_classes;
        double weight = scale * ov__plan_weight(plan, class);
        ret_values[ov__region_value_index(plan, i / n_classes, class)] += weight * groups[i];
        set_slope(run, i / n_classes, class, (struct ov__slope){.a = weight});
    }
    free(groups);
    return status;
}

enum ov_status ov__region_values(struct ov_loss_run *run, double *ret_values)
{
    const struct ov__plan *plan = &run->plan;
    double scale = reduction_factor(plan);
    if (plan->has_voxel && plan->has_overlap)
        scale *= plan->options.lambda_overlap;
    for (uint64_t i = 0; i < ov__region_n_values(plan); i++)
        ret_values[i] = 0;
    if (plan->has_voxel)
        ret_values[0] += voxel_value(run);
    if (plan->options.loss == OV_LOSS_LOVASZ)
        return lovasz(run, scale, ret_values);
    for (uint64_t n = 0; plan->has_overlap && n < n_group_samples(plan); n++) {
        for (uint64_t c = plan->first_class; c < plan->n_classes; c++) {
            double *value = &ret_values[ov__region_value_index(plan, n, c)];
            if (plan->options.loss != OV_LOSS_GENERALISED_DICE)
                class_value(run, n, c, scale, value);
            else if (c == plan->first_class)
                generalised_value(run, n, scale, value);
        }
    }
    return OV_OK;
}
