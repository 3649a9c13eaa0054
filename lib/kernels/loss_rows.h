/*
 * loss_rows.h - the inner loops of losses, included once per instruction set after lanes.h, and
 * after TABLE and NAME, the table's identifier and its name.
 */
/* SPDX-License-Identifier: Apache-2.0 */

/* ---- which voxels ---- */

#ifndef HAS_OWN_COMPARE
enum { N_COMPARED = OV__LANES };
typedef uint16_t compared_word;

INLINE uint16_t compare(const uint8_t *labels, uint8_t class)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < OV__LANES; i++)
        bits |= (unsigned)(labels[i] == class) << i;
    return (uint16_t)bits;
}
#endif

static TARGET void bits(const uint8_t *labels, size_t n, uint8_t class, uint16_t *ret_bits)
{
    size_t i = 0;
    for (; i + N_COMPARED <= n; i += N_COMPARED) {
        compared_word word = compare(labels + i, class);
        memcpy(ret_bits + i / OV__LANES, &word, sizeof word);
    }
    for (; i < n; i += OV__LANES) {
        unsigned word = 0;
        for (unsigned k = 0; k < OV__LANES && i + k < n; k++)
            word |= (unsigned)(labels[i + k] == class) << k;
        ret_bits[i / OV__LANES] = (uint16_t)word;
    }
}

typedef uint8_t vb __attribute__((vector_size(WIDTH)));

static TARGET bool are_below(const uint8_t *labels, size_t n, uint8_t n_classes)
{
    vb above = {0};
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH) {
        vb v;
        memcpy(&v, labels + i, sizeof v);
        above |= (vb)(v >= n_classes);
    }
    bool is_right = true;
    for (size_t k = 0; k < WIDTH; k++)
        is_right &= above[k] == 0;
    for (; i < n; i++)
        is_right &= labels[i] < n_classes;
    return is_right;
}

/* ---- float rows against bits ---- */

/* The sums under way, and a word per lane whose highest bit says that an element is suspicious. */
struct adding {
    vd all[D_PARTS];
    vd in[D_PARTS];
    vu suspicious[F_PARTS];
};

/* 0..1 are the words 0 to that of 1: any other is that or 1 minus it with the highest bit set. */
INLINE void suspect(struct adding *adding, const float *p)
{
    UNROLL
    for (size_t k = 0; k < F_PARTS; k++) {
        vu word = (vu)load_f(p + k * N_F);
        adding->suspicious[k] |= word | (0x3f800000u - word);
    }
}

INLINE void add_lanes(struct adding *adding, const float *p, unsigned word, unsigned valid,
                      bool has_valid)
{
    suspect(adding, p);
    UNROLL
    for (size_t k = 0; k < D_PARTS; k++) {
        vd x = load_f_as_d(p + k * N_D);
        if (has_valid)
            adding->all[k] = add_where_d(adding->all[k], x, valid, k * N_D);
        else
            adding->all[k] += x;
    }
    if (word == 0)
        return;
    UNROLL
    for (size_t k = 0; k < D_PARTS; k++)
        adding->in[k] = add_where_d(adding->in[k], load_f_as_d(p + k * N_D), word, k * N_D);
}

INLINE bool is_clean(const vu *suspicious)
{
    uint32_t lanes[OV__LANES];
    uint32_t any = 0;
    memcpy(lanes, suspicious, sizeof lanes);
    for (int i = 0; i < OV__LANES; i++)
        any |= lanes[i];
    return any >> 31 == 0;
}

/* Elements that memory is asked for ahead of time: it knows nothing of where the next row lies. */
enum { AHEAD = 1024 };

INLINE bool sum_row(const float *p, size_t n, const uint16_t *words, const uint16_t *valid,
                    const float *next, double ret_sums[2])
{
    struct adding adding = {0};
    size_t i = 0;
    for (; i + OV__LANES <= n; i += OV__LANES) {
        if (i + AHEAD < n)
            __builtin_prefetch(p + i + AHEAD);
        else if (next != NULL)
            __builtin_prefetch(next + i + AHEAD - n);
        add_lanes(&adding, p + i, words[i / OV__LANES], valid ? valid[i / OV__LANES] : 0,
                  valid != NULL);
    }
    if (i < n) {
        float rest[OV__LANES] = {0};
        memcpy(rest, p + i, (n - i) * sizeof *p);
        add_lanes(&adding, rest, words[i / OV__LANES], valid ? valid[i / OV__LANES] : 0,
                  valid != NULL);
    }
    ret_sums[0] = total_d(adding.all);
    ret_sums[1] = total_d(adding.in);
    return is_clean(adding.suspicious);
}

static TARGET bool sums(const float *p, size_t n, const uint16_t *words, const uint16_t *valid,
                        const float *next, double ret_sums[2])
{
    if (valid != NULL)
        return sum_row(p, n, words, valid, next, ret_sums);
    return sum_row(p, n, words, NULL, next, ret_sums);
}

INLINE vf two_by_bits(struct ov__two two, unsigned word, unsigned valid, size_t first)
{
    vf value = choose_f(word, first, splat_f(two.on), splat_f(two.off));
    if (valid != 0xffff)
        value = choose_f(valid, first, value, splat_f(0));
    return value;
}

/* `is_aligned` chooses stores past the cache, which want 64 bytes. */
INLINE void fill_row(float *gradient, size_t n, const uint16_t *words, const uint16_t *valid,
                     struct ov__two two, bool is_aligned)
{
    size_t i = 0;
    for (; i + OV__LANES <= n; i += OV__LANES) {
        unsigned counted = valid != NULL ? valid[i / OV__LANES] : 0xffff;
        UNROLL
        for (size_t k = 0; k < F_PARTS; k++) {
            vf v = two_by_bits(two, words[i / OV__LANES], counted, k * N_F);
            if (is_aligned)
                stream_f(gradient + i + k * N_F, v);
            else
                store_f(gradient + i + k * N_F, v);
        }
    }
    for (; i < n; i++) {
        bool counts = valid == NULL || (valid[i / OV__LANES] >> i % OV__LANES & 1) != 0;
        float value = (words[i / OV__LANES] >> i % OV__LANES & 1) != 0 ? two.on : two.off;
        if (!counts)
            value = 0;
        memcpy(gradient + i, &value, sizeof value);
    }
}

static TARGET void gradient(float *ret_gradient, size_t n, const uint16_t *words,
                            const uint16_t *valid, struct ov__two two)
{
    if ((uintptr_t)ret_gradient % 64 == 0)
        fill_row(ret_gradient, n, words, valid, two, true);
    else
        fill_row(ret_gradient, n, words, valid, two, false);
    stream_fence();
}

#include "lib/kernels/loss_logits.h"

/* ---- double rows ---- */

struct adding64 {
    vd i[D_PARTS];
    vd p[D_PARTS];
    vd g[D_PARTS];
};

static TARGET void sums_product(const double *p, const double *g, size_t n, double ret_sums[3])
{
    struct adding64 adding = {0};
    for (size_t at = 0; at < n; at += OV__LANES) {
        UNROLL
        for (size_t k = 0; k < D_PARTS; k++) {
            vd x = load_d(p + at + k * N_D);
            vd y = load_d(g + at + k * N_D);
            adding.i[k] += x * y;
            adding.p[k] += x;
            adding.g[k] += y;
        }
    }
    ret_sums[0] = total_d(adding.i);
    ret_sums[1] = total_d(adding.p);
    ret_sums[2] = total_d(adding.g);
}

static TARGET void sums_squared(const double *p, const double *g, size_t n, double ret_sums[3])
{
    struct adding64 adding = {0};
    for (size_t at = 0; at < n; at += OV__LANES) {
        UNROLL
        for (size_t k = 0; k < D_PARTS; k++) {
            vd x = load_d(p + at + k * N_D);
            vd y = load_d(g + at + k * N_D);
            adding.i[k] += x * y;
            adding.p[k] += x * x;
            adding.g[k] += y * y;
        }
    }
    ret_sums[0] = total_d(adding.i);
    ret_sums[1] = total_d(adding.p);
    ret_sums[2] = total_d(adding.g);
}

static TARGET void sums_absolute(const double *p, const double *g, size_t n, double ret_sums[3])
{
    struct adding64 adding = {0};
    for (size_t at = 0; at < n; at += OV__LANES) {
        UNROLL
        for (size_t k = 0; k < D_PARTS; k++) {
            vd x = load_d(p + at + k * N_D);
            vd y = load_d(g + at + k * N_D);
            adding.i[k] += absolute_d(x - y);
            adding.p[k] += x;
            adding.g[k] += y;
        }
    }
    ret_sums[0] = total_d(adding.i);
    ret_sums[1] = total_d(adding.p);
    ret_sums[2] = total_d(adding.g);
}

static TARGET void softmax64(const struct ov__double_rows *z, double *ret_log_sum)
{
    for (size_t i = 0; i < z->n; i += N_D) {
        vd highest = load_d(z->rows + i);
        for (size_t c = 1; c < z->n_rows; c++)
            highest = maximum_d(highest, load_d(z->rows + c * z->stride + i));
        vd sum = splat_d(0);
        for (size_t c = 0; c < z->n_rows; c++) {
            vd e = exp_d(load_d(z->rows + c * z->stride + i) - highest);
            sum += e;
            store_d(z->rows + c * z->stride + i, e);
        }
        for (size_t c = 0; c < z->n_rows; c++) {
            double *at = z->rows + c * z->stride + i;
            store_d(at, load_d(at) / sum);
        }
        double sums_now[N_D], highest_now[N_D];
        store_d(sums_now, sum);
        store_d(highest_now, highest);
        for (size_t k = 0; k < N_D; k++)
            ret_log_sum[i + k] = highest_now[k] + ov__log(sums_now[k]);
    }
}

static TARGET void sigmoid64(double *z, size_t n, double *ret_slope)
{
    for (size_t i = 0; i < n; i += N_D) {
        vd x = load_d(z + i);
        vd e = exp_d(-absolute_d(x));
        vd near = 1 / (1 + e);
        vd far = e * near;
        store_d(z + i, select_d((vl)(x >= 0), near, far));
        store_d(ret_slope + i, near * far);
    }
}

static TARGET void softmax_chain64(const struct ov__double_rows *q, const struct ov__double_rows *p)
{
    for (size_t i = 0; i < q->n; i += N_D) {
        vd sum = splat_d(0);
        for (size_t c = 0; c < q->n_rows; c++)
            sum += load_d(q->rows + c * q->stride + i);
        for (size_t c = 0; c < q->n_rows; c++) {
            double *at = q->rows + c * q->stride + i;
            store_d(at, load_d(at) - load_d(p->rows + c * p->stride + i) * sum);
        }
    }
}

const struct ov__loss_kernels TABLE = {
    .name = NAME,
    .bits = bits,
    .are_below = are_below,
    .sums = sums,
    .gradient = gradient,
    .widen = widen,
    .softmax = softmax,
    .softmax_sums = softmax_sums,
    .softmax_gradient = softmax_gradient,
    .sigmoid_sums = sigmoid_sums,
    .sigmoid_gradient = sigmoid_gradient,
    .fence = fence,
    .sums_product = sums_product,
    .sums_squared = sums_squared,
    .sums_absolute = sums_absolute,
    .softmax64 = softmax64,
    .sigmoid64 = sigmoid64,
    .softmax_chain64 = softmax_chain64,
};
