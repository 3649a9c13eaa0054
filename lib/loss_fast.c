/* loss_fast.c - one block of an overlap loss in float, against labels turned into bits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "lib/loss.h"

/* One tile's scratch. Tiles of plain probabilities are blocks, and have a single row. */
struct tile {
    struct ov__span span;
    float *rows; /* [n_classes, plan->stride] with an activation, else [plan->stride] */
    float *slope;
    uint16_t *bits; /* [n_classes, words of a tile] with softmax, else one row */
    uint16_t *valid;
    const uint16_t *counted; /* valid, or NULL where every voxel counts */
    const uint8_t *classes;
    uint8_t *class_room;
    int32_t *wide_classes;
};

static bool has_activation(const struct ov__plan *plan)
{
    return plan->options.activation != OV_ACTIVATION_NONE;
}

/* Rows that are kept at once: softmax needs those of all classes. */
static size_t n_rows(const struct ov__plan *plan)
{
    return plan->options.activation == OV_ACTIVATION_SOFTMAX ? (size_t)plan->n_classes : 1;
}

static size_t words_of_tile(const struct ov__plan *plan)
{
    return plan->stride / OV__LANES;
}

size_t ov__fast_scratch_bytes(const struct ov__plan *plan)
{
    size_t floats = (n_rows(plan) + 1) * plan->stride * sizeof(float);
    size_t words = (n_rows(plan) + 1) * words_of_tile(plan) * sizeof(uint16_t);
    return floats + words + plan->tile * (sizeof(uint8_t) + sizeof(int32_t));
}

static struct tile tile_in(const struct ov__plan *plan, struct ov__span span, void *memory)
{
    struct tile tile = {.span = span, .rows = memory};
    tile.slope = tile.rows + n_rows(plan) * plan->stride;
    tile.wide_classes = (int32_t *)(void *)(tile.slope + plan->stride);
    tile.bits = (uint16_t *)(void *)(tile.wide_classes + plan->tile);
    tile.valid = tile.bits + n_rows(plan) * words_of_tile(plan);
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
    return true;
}

static void load_target(const struct ov__plan *plan, struct tile *tile, struct ov__find *find)
{
    bool is_all = true;
    if (use_direct(plan, tile))
        return;
    ov__target_classes(plan, tile->span, tile->wide_classes, find);
    for (size_t i = 0; i < tile->span.n; i++) {
        tile->class_room[i] = (uint8_t)tile->wide_classes[i]; /* left out: 255 */
        is_all &= tile->wide_classes[i] != OV__CLASS_LEFT_OUT;
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

static uint16_t *bits_of(const struct ov__plan *plan, const struct tile *tile, uint64_t class)
{
    uint16_t *bits = tile->bits + (n_rows(plan) > 1 ? (size_t) class * words_of_tile(plan) : 0);
    uint8_t foreground = plan->n_classes > 1 ? (uint8_t) class : 1;
    plan->kernels->bits(tile->classes, tile->span.n, foreground, bits);
    return bits;
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

/* Only for a row that a kernel suspects. */
static void find_first(const struct ov__plan *plan, struct ov__row row, const float *values,
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

static void load_logits(const struct ov__plan *plan, const struct tile *tile, uint64_t class,
                        struct ov__find *find)
{
    struct ov__row row = ov__span_row(tile->span, class);
    float *values = tile->rows + (n_rows(plan) > 1 ? (size_t) class * plan->stride : 0);
    const float *direct = ov__planes_direct(&plan->prediction, OV_TENSOR_F32, row);
    if (direct == NULL)
        ov__planes_load_floats(&plan->prediction, row, values);
    bool is_finite = plan->kernels->copy_finite(values, direct != NULL ? direct : values, row.n);
    memset(values + row.n, 0, (OV__WORDS(row.n) * OV__LANES - row.n) * sizeof *values);
    if (find != NULL && !is_finite)
        find_first(plan, row, values, find);
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

static struct ov__float_rows softmax_rows(const struct ov__plan *plan, const struct tile *tile)
{
    return (struct ov__float_rows){.rows = tile->rows,
                                   .n_rows = (size_t)plan->n_classes,
                                   .stride = plan->stride,
                                   .n = OV__WORDS(tile->span.n) * OV__LANES,
                                   .ahead = next_tile(plan, tile),
                                   .ahead_stride_bytes = plan->prediction.class_stride};
}

static void load_softmax(const struct ov__plan *plan, const struct tile *tile,
                         struct ov__find *find)
{
    for (uint64_t class = 0; class < plan->n_classes; class ++)
        load_logits(plan, tile, class, find);
    struct ov__float_rows rows = softmax_rows(plan, tile);
    plan->kernels->softmax(&rows);
}

/* The probabilities of a class: where they lie, or in scratch. */
static const float *probabilities(const struct ov__plan *plan, const struct tile *tile,
                                  uint64_t class, struct ov__find *find)
{
    if (plan->options.activation == OV_ACTIVATION_SOFTMAX)
        return tile->rows + (size_t) class * plan->stride;
    if (plan->options.activation == OV_ACTIVATION_SIGMOID) {
        load_logits(plan, tile, class, find);
        plan->kernels->sigmoid(tile->rows, OV__WORDS(tile->span.n) * OV__LANES, tile->slope);
        return tile->rows;
    }
    struct ov__row row = ov__span_row(tile->span, class);
    const float *direct = ov__planes_direct(&plan->prediction, OV_TENSOR_F32, row);
    if (direct == NULL)
        ov__planes_load_floats(&plan->prediction, row, tile->rows);
    return direct != NULL ? direct : tile->rows;
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

static void sum_class(const struct ov__plan *plan, const struct tile *tile, uint64_t class,
                      struct ov__sums *sums, struct ov__find *find)
{
    double part[2];
    const size_t n = tile->span.n;
    const uint16_t *bits = bits_of(plan, tile, class);
    const float *p = probabilities(plan, tile, class, find);
    const float *next = next_row(plan, tile, class);
    if (!plan->kernels->sums(p, n, bits, tile->counted, next, part) && !has_activation(plan))
        find_first(plan, ov__span_row(tile->span, class), p, find);
    sums->p += part[0];
    sums->i += part[1];
    sums->g += count(bits, n);
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
    struct ov__find *find = &run->finds[block];
    for (size_t done = 0; done < span.n; done += plan->tile) {
        struct tile tile = tile_in(plan, part_of(plan, span, done), scratch);
        load_target(plan, &tile, find);
        if (plan->options.activation == OV_ACTIVATION_SOFTMAX)
            load_softmax(plan, &tile, find);
        for (uint64_t class = 0; class < plan->n_classes; class ++)
            sum_class(plan, &tile, class, &run->sums[block * plan->n_classes + class], find);
    }
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

static void sigmoid_gradient(const struct ov__plan *plan, const struct tile *tile, uint64_t class,
                             struct ov__two two, const struct ov__planes *gradient)
{
    const uint16_t *bits = bits_of(plan, tile, class);
    probabilities(plan, tile, class, NULL);
    plan->kernels->sigmoid_gradient(tile->slope, OV__WORDS(tile->span.n) * OV__LANES, bits,
                                    tile->counted, two);
    ov__planes_store_floats(gradient, ov__span_row(tile->span, class), tile->slope);
}

/* Rows of the gradient where they lie, or those in scratch. */
static struct ov__float_sink sink_of(const struct ov__plan *plan, const struct tile *tile,
                                     const struct ov__planes *gradient)
{
    int64_t scratch_stride = (int64_t)(plan->stride * sizeof(float));
    float *direct = ov__planes_direct(gradient, OV_TENSOR_F32, ov__span_row(tile->span, 0));
    if (direct == NULL || tile->span.n % OV__LANES != 0)
        return (struct ov__float_sink){.rows = tile->rows, .stride_bytes = scratch_stride};
    bool is_aligned =
        (uintptr_t)direct % OV__ALIGNMENT == 0 && gradient->class_stride % OV__ALIGNMENT == 0;
    return (struct ov__float_sink){
        .rows = direct, .stride_bytes = gradient->class_stride, .is_aligned = is_aligned};
}

static void softmax_gradient(const struct ov__plan *plan, const struct tile *tile,
                             const struct ov__slope *slopes, const struct ov__planes *gradient)
{
    struct ov__two two[UINT8_MAX];
    load_softmax(plan, tile, NULL);
    for (uint64_t class = 0; class < plan->n_classes; class ++) {
        two[class] = two_of(slopes[class]);
        bits_of(plan, tile, class);
    }
    struct ov__float_rows rows = softmax_rows(plan, tile);
    struct ov__float_sink sink = sink_of(plan, tile, gradient);
    plan->kernels->softmax_gradient(&rows, tile->bits, tile->counted, two, &sink);
    for (uint64_t class = 0; sink.rows == tile->rows && class < plan->n_classes; class ++)
        ov__planes_store_floats(gradient, ov__span_row(tile->span, class),
                                tile->rows + (size_t) class * plan->stride);
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
        if (plan->options.activation == OV_ACTIVATION_SOFTMAX)
            softmax_gradient(plan, &tile, slopes, gradient);
        for (uint64_t class = 0; class < plan->n_classes; class ++) {
            if (plan->options.activation == OV_ACTIVATION_NONE)
                plain_gradient(plan, &tile, class, two_of(slopes[class]), gradient);
            else if (plan->options.activation == OV_ACTIVATION_SIGMOID)
                sigmoid_gradient(plan, &tile, class, two_of(slopes[class]), gradient);
        }
    }
}
