/* loss_general.c - one block of any loss, in double: its sums, its gradient. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "lib/loss.h"
#include "lib/loss_voxel.h"

/* What a tile needs, laid out in one piece of memory. */
struct tile {
    struct ov__span span;
    struct ov__double_rows z; /* logits, where there are any: cross-entropy reads them */
    struct ov__double_rows p;
    struct ov__double_rows q; /* gradient by p, times p under softmax; then by the logits */
    double *g;
    double *slope;   /* sigmoid: p (1 - p) */
    double *log_sum; /* softmax */
    int32_t *classes;
};

enum { N_ROW_SETS = 3, N_SINGLE_ROWS = 4 };

size_t ov__general_scratch_bytes(const struct ov__plan *plan)
{
    size_t rows;
    if (__builtin_mul_overflow((size_t)plan->n_classes, (size_t)N_ROW_SETS, &rows) ||
        __builtin_add_overflow(rows, (size_t)N_SINGLE_ROWS, &rows) ||
        __builtin_mul_overflow(rows, plan->stride * sizeof(double), &rows))
        return SIZE_MAX;
    return rows;
}

static struct tile tile_in(const struct ov__plan *plan, struct ov__span span, double *memory)
{
    const size_t rows = (size_t)plan->n_classes * plan->stride;
    struct ov__double_rows set = {.rows = memory,
                                  .n_rows = (size_t)plan->n_classes,
                                  .stride = plan->stride,
                                  .n = OV__WORDS(span.n) * OV__LANES};
    struct tile tile = {.span = span, .z = set, .p = set, .q = set};
    tile.p.rows += rows;
    tile.q.rows += 2 * rows;
    tile.g = memory + N_ROW_SETS * rows;
    tile.slope = tile.g + plan->stride;
    tile.log_sum = tile.slope + plan->stride;
    tile.classes = (int32_t *)(void *)(tile.log_sum + plan->stride);
    return tile;
}

static double *row_of(const struct ov__double_rows *rows, uint64_t class)
{
    return rows->rows + (size_t) class * rows->stride;
}

static bool is_logit(const struct ov__plan *plan)
{
    return plan->options.activation != OV_ACTIVATION_NONE;
}

static enum ov_status check_number(const struct ov__plan *plan, double value)
{
    if (isnan(value))
        return OV_ENAN;
    if (isinf(value))
        return OV_EINFINITE;
    return is_logit(plan) || (value >= 0 && value <= 1) ? OV_OK : OV_EPROBABILITY;
}

static void check_row(const struct ov__plan *plan, struct ov__row row, const double *values,
                      struct ov__find *find)
{
    for (size_t i = 0; i < row.n; i++) {
        enum ov_status status = check_number(plan, values[i]);
        if (status != OV_OK) {
            ov__find_note(find, status, OV_LOSS_PREDICTION, ov__plan_index(plan, row, i));
            return;
        }
    }
}

/* Elements beyond the span are 0, up to whole lanes. */
static void load_prediction(const struct ov__plan *plan, const struct tile *tile,
                            struct ov__find *find)
{
    for (uint64_t class = 0; class < plan->n_classes; class ++) {
        struct ov__row row = ov__span_row(tile->span, class);
        double *values = row_of(&tile->p, class);
        ov__planes_load_doubles(&plan->prediction, row, values);
        memset(values + row.n, 0, (tile->p.n - row.n) * sizeof *values);
        if (find != NULL)
            check_row(plan, row, values, find);
    }
}

static void activate(const struct ov__plan *plan, const struct tile *tile)
{
    if (is_logit(plan) && plan->has_voxel)
        memcpy(tile->z.rows, tile->p.rows, tile->p.n_rows * tile->p.stride * sizeof(double));
    if (plan->options.activation == OV_ACTIVATION_SOFTMAX)
        plan->kernels->softmax64(&tile->p, tile->log_sum);
}

/* Sigmoid belongs to a class alone; its slope has room for one. */
static void activate_class(const struct ov__plan *plan, const struct tile *tile, uint64_t class)
{
    if (plan->options.activation == OV_ACTIVATION_SIGMOID)
        plan->kernels->sigmoid64(row_of(&tile->p, class), tile->p.n, tile->slope);
}

static void load_target(const struct ov__plan *plan, const struct tile *tile, uint64_t class,
                        struct ov__find *find)
{
    ov__target_row(plan, tile->span, class, tile->classes, tile->g, find);
    memset(tile->g + tile->span.n, 0, (tile->p.n - tile->span.n) * sizeof *tile->g);
}

/* ---- terms of single voxels ---- */

static struct ov__chance chance_at(const struct ov__plan *plan, const struct tile *tile,
                                   uint64_t class, size_t i)
{
    double p = row_of(&tile->p, class)[i];
    switch (plan->options.activation) {
    case OV_ACTIVATION_SIGMOID:
        return ov__chance_of_logit(row_of(&tile->z, class)[i]);
    case OV_ACTIVATION_SOFTMAX:
        return ov__chance_of_log(p, row_of(&tile->z, class)[i] - tile->log_sum[i]);
    default:
        return ov__chance_of_p(p);
    }
}

static double gamma_of(const struct ov__plan *plan)
{
    bool is_focal = plan->options.loss == OV_LOSS_FOCAL || plan->options.loss == OV_LOSS_DICE_FOCAL;
    return is_focal ? plan->options.focal_gamma : 0;
}

/* Whether a voxel has a term for this class. */
static bool has_term(const struct ov__plan *plan, const struct tile *tile, size_t i)
{
    return tile->classes[i] != OV__CLASS_LEFT_OUT && (tile->g[i] != 0 || !plan->is_categorical);
}

static void sum_voxels(const struct ov__plan *plan, const struct tile *tile, uint64_t class,
                       struct ov__voxel_sums *sums)
{
    const double gamma = gamma_of(plan);
    const double weight = ov__plan_weight(plan, class);
    double loss = 0;
    double amount = 0;
    for (size_t i = 0; i < tile->span.n; i++) {
        if (!has_term(plan, tile, i))
            continue;
        struct ov__chance chance = chance_at(plan, tile, class, i);
        loss += ov__voxel_loss(chance, tile->g[i], gamma, !plan->is_categorical);
        amount += tile->g[i];
    }
    sums->loss += weight * loss;
    sums->weight += weight * amount;
}

static void count_voxels(const struct tile *tile, struct ov__voxel_sums *sums)
{
    for (size_t i = 0; i < tile->span.n; i++)
        sums->n += tile->classes[i] != OV__CLASS_LEFT_OUT;
}

static void add_voxel_slopes(const struct ov__plan *plan, const struct tile *tile, uint64_t class,
                             double scale)
{
    const double gamma = gamma_of(plan);
    double *q = row_of(&tile->q, class);
    scale *= ov__plan_weight(plan, class);
    for (size_t i = 0; i < tile->span.n; i++) {
        if (!has_term(plan, tile, i))
            continue;
        struct ov__chance chance = chance_at(plan, tile, class, i);
        q[i] += scale * ov__voxel_slope(chance, tile->g[i], gamma, !plan->is_categorical);
    }
}

/* ---- sums ---- */

static void leave_out(const struct tile *tile, double *row)
{
    for (size_t i = 0; i < tile->p.n; i++) {
        if (i >= tile->span.n || tile->classes[i] == OV__CLASS_LEFT_OUT)
            row[i] = 0;
    }
}

static void add_class_sums(const struct ov__plan *plan, const struct tile *tile, uint64_t class,
                           struct ov__sums *sums)
{
    double part[3];
    double *p = row_of(&tile->p, class);
    leave_out(tile, p);
    if (plan->form == OV__FORM_SQUARED)
        plan->kernels->sums_squared(p, tile->g, tile->p.n, part);
    else if (plan->form == OV__FORM_ABSOLUTE)
        plan->kernels->sums_absolute(p, tile->g, tile->p.n, part);
    else
        plan->kernels->sums_product(p, tile->g, tile->p.n, part);
    if (plan->form == OV__FORM_ABSOLUTE)
        part[0] = (part[1] + part[2] - part[0]) / 2;
    sums->i += part[0];
    sums->p += part[1];
    sums->g += part[2];
}

static void keep_errors(struct ov_loss_run *run, const struct tile *tile, uint64_t class)
{
    size_t place = (size_t)ov__plan_index(&run->plan, ov__span_row(tile->span, class), 0);
    const double *p = row_of(&tile->p, class);
    for (size_t i = 0; i < tile->span.n; i++) {
        bool is_out = tile->classes[i] == OV__CLASS_LEFT_OUT;
        run->errors[place + i] = is_out ? NAN : p[i] - tile->g[i];
        run->truths[place + i] = tile->g[i];
    }
}

static void sum_tile(struct ov_loss_run *run, const struct tile *tile, struct ov__sums *sums,
                     struct ov__voxel_sums *voxel_sums, struct ov__find *find)
{
    const struct ov__plan *plan = &run->plan;
    load_prediction(plan, tile, find);
    ov__target_classes(plan, tile->span, tile->classes, find);
    activate(plan, tile);
    for (uint64_t class = 0; class < plan->n_classes; class ++) {
        load_target(plan, tile, class, find);
        activate_class(plan, tile, class);
        if (plan->has_voxel)
            sum_voxels(plan, tile, class, voxel_sums);
        if (run->errors != NULL)
            keep_errors(run, tile, class);
        else if (plan->has_overlap)
            add_class_sums(plan, tile, class, &sums[class]);
    }
    count_voxels(tile, voxel_sums);
}

static struct ov__span part_of(const struct ov__plan *plan, struct ov__span span, size_t done)
{
    size_t left = span.n - done;
    return (struct ov__span){.sample = span.sample,
                             .first = span.first + done,
                             .n = left < plan->tile ? left : plan->tile};
}

void ov__general_sums(struct ov_loss_run *run, struct ov__span span, void *scratch)
{
    const struct ov__plan *plan = &run->plan;
    size_t block = (size_t)(span.sample * plan->n_blocks + span.first / OV__BLOCK);
    for (size_t done = 0; done < span.n; done += plan->tile) {
        struct tile tile = tile_in(plan, part_of(plan, span, done), scratch);
        sum_tile(run, &tile, run->sums + block * plan->n_classes, &run->voxel_sums[block],
                 &run->finds[block]);
    }
}

/* ---- gradient ---- */

static double sign_of(double x)
{
    return (double)((x > 0) - (x < 0));
}

static void overlap_slopes(const struct ov__plan *plan, const struct tile *tile, uint64_t class,
                           struct ov__slope slope)
{
    const double *p = row_of(&tile->p, class);
    double *q = row_of(&tile->q, class);
    for (size_t i = 0; i < tile->p.n; i++) {
        switch (plan->form) {
        case OV__FORM_SQUARED:
            q[i] = slope.a * tile->g[i] + 2 * slope.b * p[i];
            break;
        case OV__FORM_ABSOLUTE:
            q[i] = slope.a * ((1 - sign_of(p[i] - tile->g[i])) / 2) + slope.b;
            break;
        default:
            q[i] = slope.a * tile->g[i] + slope.b;
        }
    }
}

static void lovasz_slopes(const struct ov_loss_run *run, const struct tile *tile, uint64_t class,
                          struct ov__slope slope)
{
    size_t place = (size_t)ov__plan_index(&run->plan, ov__span_row(tile->span, class), 0);
    double *q = row_of(&tile->q, class);
    for (size_t i = 0; i < tile->span.n; i++)
        q[i] = slope.a * run->errors[place + i];
}

static void multiply(double *row, const double *by, size_t n)
{
    for (size_t i = 0; i < n; i++)
        row[i] *= by[i];
}

static void class_gradient(const struct ov_loss_run *run, const struct tile *tile, uint64_t class,
                           struct ov__slope slope, double voxel_scale)
{
    const struct ov__plan *plan = &run->plan;
    struct ov__find none = {.status = OV_OK};
    double *q = row_of(&tile->q, class);
    load_target(plan, tile, class, &none);
    activate_class(plan, tile, class);
    if (run->errors != NULL)
        lovasz_slopes(run, tile, class, slope);
    else
        overlap_slopes(plan, tile, class, slope);
    if (plan->has_voxel)
        add_voxel_slopes(plan, tile, class, voxel_scale);
    leave_out(tile, q);
    if (plan->options.activation == OV_ACTIVATION_SIGMOID)
        multiply(q, tile->slope, tile->p.n);
    if (plan->options.activation == OV_ACTIVATION_SOFTMAX)
        multiply(q, row_of(&tile->p, class), tile->p.n);
}

static void tile_gradient(const struct ov_loss_run *run, const struct tile *tile,
                          const struct ov__slope *slopes, double voxel_scale,
                          const struct ov__planes *gradient)
{
    const struct ov__plan *plan = &run->plan;
    struct ov__find none = {.status = OV_OK};
    load_prediction(plan, tile, NULL);
    ov__target_classes(plan, tile->span, tile->classes, &none);
    activate(plan, tile);
    for (uint64_t class = 0; class < plan->n_classes; class ++)
        class_gradient(run, tile, class, slopes[class], voxel_scale);
    if (plan->options.activation == OV_ACTIVATION_SOFTMAX)
        plan->kernels->softmax_chain64(&tile->q, &tile->p);
    for (uint64_t class = 0; class < plan->n_classes; class ++)
        ov__planes_store_doubles(gradient, ov__span_row(tile->span, class),
                                 row_of(&tile->q, class));
}

void ov__general_gradient(const struct ov_loss_run *run, struct ov__span span,
                          const struct ov__slope *slopes, double voxel_scale,
                          const struct ov__planes *gradient, void *scratch)
{
    for (size_t done = 0; done < span.n; done += run->plan.tile) {
        struct tile tile = tile_in(&run->plan, part_of(&run->plan, span, done), scratch);
        tile_gradient(run, &tile, slopes, voxel_scale, gradient);
    }
}
