/* loss_fast.c - one block of an overlap loss in float, against labels turned into bits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "lib/loss.h"

/* One tile's scratch. Tiles of plain probabilities are blocks. */
struct tile {
    struct ov__span span;
    float *rows;    /* [n_rows, plan->stride]: logits, then exponentials; or probabilities */
    float *out;     /* these five [plan->stride]: a row of the gradient that is stored later */
    float *inverse; /* of softmax */
    float *dot;
    uint32_t *wide; /* the class of each voxel, OV__CLASS_LEFT_OUT */
    const uint8_t *classes;
    uint8_t *class_room; /* left out: 255 */
    uint16_t *bits;      /* these two are words */
    uint16_t *valid;
    const uint16_t *counted; /* valid, or NULL where every voxel counts */
};

static bool has_activation(const struct ov__plan *plan)
{
    return plan->options.activation != OV_ACTIVATION_NONE;
}

static bool has_softmax(const struct ov__plan *plan)
{
    return plan->options.activation == OV_ACTIVATION_SOFTMAX;
}

/* Rows that are kept at once: softmax needs those of all classes. */
static size_t n_rows(const struct ov__plan *plan)
{
    return has_softmax(plan) ? (size_t)plan->n_classes : 1;
}

/* What a class has of the sums under way, in a block with an activation: [2, OV__LANES]. */
#define CLASS_LANES ((size_t)2 * OV__LANES)

static size_t n_lanes(const struct ov__plan *plan)
{
    return has_activation(plan) ? CLASS_LANES * (size_t)plan->n_classes : 0;
}

static size_t words_of_tile(const struct ov__plan *plan)
{
    return plan->stride / OV__LANES;
}

size_t ov__fast_scratch_bytes(const struct ov__plan *plan)
{
    return n_lanes(plan) * sizeof(double) + (n_rows(plan) + 3) * plan->stride * sizeof(float) +
           plan->stride * (sizeof(uint32_t) + sizeof(uint8_t)) +
           2 * words_of_tile(plan) * sizeof(uint16_t);
}

static struct tile tile_in(const struct ov__plan *plan, struct ov__span span, void *memory)
{
    struct tile tile = {.span = span};
    tile.rows = (float *)(void *)((double *)memory + n_lanes(plan));
    tile.out = tile.rows + n_rows(plan) * plan->stride;
    tile.inverse = tile.out + plan->stride;
    tile.dot = tile.inverse + plan->stride;
    tile.wide = (uint32_t *)(void *)(tile.dot + plan->stride);
    tile.bits = (uint16_t *)(void *)(tile.wide + plan->stride);
    tile.valid = tile.bits + words_of_tile(plan);
    tile.class_room = (uint8_t *)(tile.valid + words_of_tile(plan));
    return tile;
}

/* ---- target ---- */

/* Bytes that lie in a row and are classes all are used where they are. */
static bool use_direct(const struct ov__plan *plan, struct tile *tile)
{
    if (plan->options.has_ignore || plan->mask.data != NULL)
        return false;
    const uint8_t *labels =
        ov__planes_direct(&plan->target, OV_TENSOR_U8, ov__span_row(tile->span, 0));
    uint8_t n = plan->n_classes > 1 ? (uint8_t)plan->n_classes : 2;
    if (labels == NULL || !plan->kernels->are_below(labels, tile->span.n, n))
        return false;
    tile->classes = labels;
    if (has_activation(plan))
        plan->kernels->widen(labels, tile->span.n, tile->wide);
    return true;
}

static void load_target(const struct ov__plan *plan, struct tile *tile, struct ov__find *find)
{
    bool is_all = true;
    if (use_direct(plan, tile))
        return;
    ov__target_classes(plan, tile->span, (int32_t *)tile->wide, find);
    for (size_t i = 0; i < tile->span.n; i++) {
        tile->class_room[i] = (uint8_t)tile->wide[i];
        is_all &= tile->wide[i] != (uint32_t)OV__CLASS_LEFT_OUT;
    }
    tile->classes = tile->class_room;
    if (is_all)
        return;
    plan->kernels->bits(tile->classes, tile->span.n, UINT8_MAX, tile->valid);
    for (size_t i = 0; i < OV__WORDS(tile->span.n); i++)
        tile->valid[i] = (uint16_t)~tile->valid[i];
    if (tile->span.n % OV__LANES != 0)
        tile->valid[tile->span.n / OV__LANES] &= (uint16_t)((1u << tile->span.n % OV__LANES) - 1);
    tile->counted = tile->valid;
}

/* The label that stands for a class. */
static uint8_t label_of(const struct ov__plan *plan, uint64_t class)
{
    return plan->n_classes > 1 ? (uint8_t) class : 1;
}

static const uint16_t *bits_of(const struct ov__plan *plan, const struct tile *tile, uint64_t class)
{
    plan->kernels->bits(tile->classes, tile->span.n, label_of(plan, class), tile->bits);
    return tile->bits;
}

/* ---- prediction ---- */

static enum ov_status check_number(const struct ov__plan *plan, float value)
{
    if (isnan(value))
        return OV_ENAN;
    if (isinf(value))
        return OV_EINFINITE;
    return has_activation(plan) || (value >= 0 && value <= 1) ? OV_OK : OV_EPROBABILITY;
}

/* Only for a row that a kernel suspects; it may lie at any address. */
static void find_first(const struct ov__plan *plan, struct ov__row row, const void *values,
                       struct ov__find *find)
{
    const char *at = values;
    for (size_t i = 0; i < row.n; i++, at += sizeof(float)) {
        float value;
        memcpy(&value, at, sizeof value);
        enum ov_status status = check_number(plan, value);
        if (status != OV_OK) {
            ov__find_note(find, status, OV_LOSS_PREDICTION, ov__plan_index(plan, row, i));
            return;
        }
    }
}

/* A row as floats: where it lies, if it can be read in whole lanes there, or in room of ours. */
static const float *load_row(const struct ov__plan *plan, struct ov__row row, bool in_lanes,
                             float *room)
{
    const float *direct = ov__planes_direct(&plan->prediction, OV_TENSOR_F32, row);
    if (direct != NULL && !(in_lanes && row.n % OV__LANES != 0))
        return direct;
    ov__planes_load_floats(&plan->prediction, row, room);
    if (in_lanes)
        memset(room + row.n, 0, (OV__WORDS(row.n) * OV__LANES - row.n) * sizeof *room);
    return room;
}

/* Where the logits of the next tile of this sample lie, as a hint. */
static const float *next_tile(const struct ov__plan *plan, const struct tile *tile)
{
    struct ov__row row = ov__span_row(tile->span, 0);
    row.first += row.n;
    if (row.first + plan->tile > plan->n_voxels)
        return NULL;
    return ov__planes_direct(&plan->prediction, OV_TENSOR_F32, row);
}

static struct ov__softmax softmax_of(const struct ov__plan *plan, const struct tile *tile)
{
    struct ov__softmax z = {.n_rows = (size_t)plan->n_classes,
                            .n = OV__WORDS(tile->span.n) * OV__LANES,
                            .exps = tile->rows,
                            .stride = plan->stride,
                            .inverse = tile->inverse,
                            .classes = tile->wide,
                            .dot = tile->dot};
    z.logits = load_row(plan, ov__span_row(tile->span, 0), true, tile->rows);
    z.logits_stride_bytes = plan->prediction.class_stride;
    if (z.logits != tile->rows) {
        z.ahead = next_tile(plan, tile);
        return z;
    }
    z.logits_stride_bytes = (int64_t)(plan->stride * sizeof(float));
    for (size_t class = 1; class < z.n_rows; class ++)
        load_row(plan, ov__span_row(tile->span, class), true, tile->rows + class * plan->stride);
    return z;
}

/* Of all classes: their rows are exponentials by now, where they were in scratch. */
static void find_first_logit(const struct ov__plan *plan, const struct tile *tile,
                             struct ov__find *find)
{
    for (uint64_t class = 0; class < plan->n_classes; class ++) {
        struct ov__row row = ov__span_row(tile->span, class);
        find_first(plan, row, load_row(plan, row, false, tile->out), find);
    }
}

/* ---- sums ---- */

static double count(const uint16_t *bits, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < OV__WORDS(n); i++)
        sum += (uint64_t)__builtin_popcount(bits[i]);
    return (double)sum;
}

/* Where memory will be read next. */
static const float *next_row(const struct ov__plan *plan, const struct tile *tile, uint64_t class)
{
    if (has_activation(plan) || class + 1 == plan->n_classes)
        return NULL;
    return ov__planes_direct(&plan->prediction, OV_TENSOR_F32, ov__span_row(tile->span, class + 1));
}

static void sum_plain(const struct ov__plan *plan, const struct tile *tile, uint64_t class,
                      struct ov__sums *sums, struct ov__find *find)
{
    double part[2];
    struct ov__row row = ov__span_row(tile->span, class);
    const uint16_t *bits = bits_of(plan, tile, class);
    const float *p = load_row(plan, row, false, tile->rows);
    if (!plan->kernels->sums(p, row.n, bits, tile->counted, next_row(plan, tile, class), part))
        find_first(plan, row, p, find);
    sums->p += part[0];
    sums->i += part[1];
    sums->g += count(bits, row.n);
}

static void sum_sigmoid(const struct ov__plan *plan, const struct tile *tile, uint64_t class,
                        struct ov__sums *sums, double *lanes, struct ov__find *find)
{
    struct ov__row row = ov__span_row(tile->span, class);
    const uint16_t *bits = bits_of(plan, tile, class);
    const float *z = load_row(plan, row, true, tile->rows);
    if (!plan->kernels->sigmoid_sums(z, row.n, bits, tile->counted, lanes))
        find_first(plan, row, z, find);
    sums->g += count(bits, row.n);
}

static void sum_softmax(const struct ov__plan *plan, const struct tile *tile, struct ov__sums *sums,
                        double *lanes, struct ov__find *find)
{
    struct ov__softmax z = softmax_of(plan, tile);
    if (!plan->kernels->softmax(&z))
        find_first_logit(plan, tile, find);
    for (size_t class = 0; class < z.n_rows; class ++) {
        const uint16_t *bits = bits_of(plan, tile, class);
        plan->kernels->softmax_sums(z.exps + class * z.stride, z.inverse, tile->span.n, bits,
                                    tile->counted, lanes + CLASS_LANES * class);
        sums[class].g += count(bits, tile->span.n);
    }
}

/* The lanes of a block, added pairwise. */
static double total(double *lanes)
{
    for (size_t half = OV__LANES / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

static void add_lanes(const struct ov__plan *plan, double *lanes, struct ov__sums *sums)
{
    for (size_t class = 0; has_activation(plan) && class < plan->n_classes; class ++) {
        sums[class].p = total(lanes + CLASS_LANES * class);
        sums[class].i = total(lanes + CLASS_LANES * class + OV__LANES);
    }
}

static struct ov__span part_of(const struct ov__plan *plan, struct ov__span span, size_t done)
{
    size_t left = span.n - done;
    return (struct ov__span){.sample = span.sample,
                             .first = span.first + done,
                             .n = left < plan->tile ? left : plan->tile};
}

void ov__fast_sums(struct ov_loss_run *run, struct ov__span span, void *scratch)
{
    const struct ov__plan *plan = &run->plan;
    size_t block = (size_t)(span.sample * plan->n_blocks + span.first / OV__BLOCK);
    struct ov__sums *sums = &run->sums[block * plan->n_classes];
    struct ov__find *find = &run->finds[block];
    double *lanes = scratch;
    memset(lanes, 0, n_lanes(plan) * sizeof *lanes);
    for (size_t done = 0; done < span.n; done += plan->tile) {
        struct tile tile = tile_in(plan, part_of(plan, span, done), scratch);
        load_target(plan, &tile, find);
        if (has_softmax(plan))
            sum_softmax(plan, &tile, sums, lanes, find);
        for (size_t class = 0; !has_softmax(plan) && class < plan->n_classes; class ++) {
            if (has_activation(plan))
                sum_sigmoid(plan, &tile, class, &sums[class], lanes + CLASS_LANES * class, find);
            else
                sum_plain(plan, &tile, class, &sums[class], find);
        }
    }
    add_lanes(plan, lanes, sums);
}

/* ---- gradient ---- */

static struct ov__two two_of(struct ov__slope slope)
{
    return (struct ov__two){.on = (float)(slope.a + slope.b), .off = (float)slope.b};
}

static void plain_gradient(const struct ov__plan *plan, const struct tile *tile, uint64_t class,
                           struct ov__two two, const struct ov__planes *gradient)
{
    struct ov__row row = ov__span_row(tile->span, class);
    const uint16_t *bits = bits_of(plan, tile, class);
    float *direct = ov__planes_direct(gradient, OV_TENSOR_F32, row);
    plan->kernels->gradient(direct != NULL ? direct : tile->rows, row.n, bits, tile->counted, two);
    if (direct == NULL)
        ov__planes_store_floats(gradient, row, tile->rows);
}

/* A row of the gradient where it lies, if it can be written in whole lanes there, or NULL. */
static float *direct_row(const struct ov__planes *gradient, struct ov__row row)
{
    return row.n % OV__LANES == 0 ? ov__planes_direct(gradient, OV_TENSOR_F32, row) : NULL;
}

static void sigmoid_gradient(const struct ov__plan *plan, const struct tile *tile, uint64_t class,
                             struct ov__two two, const struct ov__planes *gradient)
{
    struct ov__row row = ov__span_row(tile->span, class);
    const struct ov__target target = {tile->wide, label_of(plan, class), tile->counted != NULL};
    float *direct = direct_row(gradient, row);
    plan->kernels->sigmoid_gradient(load_row(plan, row, true, tile->rows),
                                    OV__WORDS(row.n) * OV__LANES, &target, two,
                                    direct != NULL ? direct : tile->out);
    if (direct == NULL)
        ov__planes_store_floats(gradient, row, tile->out);
}

static void softmax_gradient(const struct ov__plan *plan, const struct tile *tile,
                             const struct ov__slope *slopes, const struct ov__planes *gradient)
{
    struct ov__two two[UINT8_MAX];
    struct ov__softmax z = softmax_of(plan, tile);
    for (size_t class = 0; class < z.n_rows; class ++)
        two[class] = two_of(slopes[class]);
    z.two = two;
    plan->kernels->softmax(&z);
    for (size_t class = 0; class < z.n_rows; class ++) {
        struct ov__row row = ov__span_row(tile->span, class);
        float *direct = direct_row(gradient, row);
        plan->kernels->softmax_gradient(&z, class, tile->counted != NULL,
                                        direct != NULL ? direct : tile->out);
        if (direct == NULL)
            ov__planes_store_floats(gradient, row, tile->out);
    }
}

void ov__fast_gradient(const struct ov_loss_run *run, struct ov__span span,
                       const struct ov__slope *slopes, const struct ov__planes *gradient,
                       void *scratch)
{
    const struct ov__plan *plan = &run->plan;
    struct ov__find none = {.status = OV_OK};
    for (size_t done = 0; done < span.n; done += plan->tile) {
        struct tile tile = tile_in(plan, part_of(plan, span, done), scratch);
        load_target(plan, &tile, &none);
        if (has_softmax(plan))
            softmax_gradient(plan, &tile, slopes, gradient);
        for (size_t class = 0; !has_softmax(plan) && class < plan->n_classes; class ++) {
            if (has_activation(plan))
                sigmoid_gradient(plan, &tile, class, two_of(slopes[class]), gradient);
            else
                plain_gradient(plan, &tile, class, two_of(slopes[class]), gradient);
        }
    }
    plan->kernels->fence();
}
