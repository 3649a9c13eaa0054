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

/* ---- float activations ---- */

static TARGET bool copy_finite(float *to, const float *from, size_t n)
{
    vu suspicious[F_PARTS] = {0};
    size_t i = 0;
    for (; i + OV__LANES <= n; i += OV__LANES) {
        UNROLL
        for (size_t k = 0; k < F_PARTS; k++) {
            vf v = load_f(from + i + k * N_F);
            suspicious[k] |= ((vu)v & 0x7fffffffu) + 0x00800000u;
            store_f(to + i + k * N_F, v);
        }
    }
    bool is_right = is_clean(suspicious);
    for (; i < n; i++) {
        float value;
        memcpy(&value, from + i, sizeof value);
        is_right &= __builtin_isfinite(value) != 0;
        to[i] = value;
    }
    return is_right;
}

/* Vectors that softmax works on side by side: one waits for its results, the other goes on. */
enum { BESIDE = F_PARTS < 2 ? 2 : F_PARTS < 4 ? F_PARTS : 4 };

INLINE void softmax_at(const struct ov__float_rows *z, size_t i, size_t n_vectors)
{
    vf highest[BESIDE];
    vf sum[BESIDE];
    float *row = z->rows + i;
    UNROLL
    for (size_t k = 0; k < n_vectors; k++) {
        highest[k] = load_f(row + k * N_F);
        sum[k] = splat_f(0);
    }
    for (size_t c = 1; c < z->n_rows; c++) {
        row += z->stride;
        UNROLL
        for (size_t k = 0; k < n_vectors; k++)
            highest[k] = maximum_f(highest[k], load_f(row + k * N_F));
    }
    row = z->rows + i;
    const char *ahead = (const char *)(z->ahead + (z->ahead != NULL ? i : 0));
    for (size_t c = 0; c < z->n_rows; c++, row += z->stride) {
        if (ahead != NULL) {
            for (size_t k = 0; k < n_vectors * N_F; k += OV__LANES)
                __builtin_prefetch(ahead + (size_t)k * sizeof(float));
            ahead += z->ahead_stride_bytes;
        }
        UNROLL
        for (size_t k = 0; k < n_vectors; k++) {
            vf e = exp_f(load_f(row + k * N_F) - highest[k]);
            sum[k] += e;
            store_f(row + k * N_F, e);
        }
    }
    UNROLL
    for (size_t k = 0; k < n_vectors; k++)
        sum[k] = 1 / sum[k];
    row = z->rows + i;
    for (size_t c = 0; c < z->n_rows; c++, row += z->stride) {
        UNROLL
        for (size_t k = 0; k < n_vectors; k++)
            store_f(row + k * N_F, load_f(row + k * N_F) * sum[k]);
    }
}

static TARGET void softmax(const struct ov__float_rows *z)
{
    size_t i = 0;
    for (; i + (size_t)BESIDE * N_F <= z->n; i += (size_t)BESIDE * N_F)
        softmax_at(z, i, BESIDE);
    for (; i < z->n; i += N_F)
        softmax_at(z, i, 1);
}

static TARGET void sigmoid(float *z, size_t n, float *ret_slope)
{
    for (size_t i = 0; i < n; i += N_F) {
        vf x = load_f(z + i);
        vf e = exp_f(-absolute_f(x));
        vf near = 1 / (1 + e);
        vf far = e * near;
        store_f(z + i, select_f((vu)(x >= 0), near, far));
        store_f(ret_slope + i, near * far);
    }
}

static TARGET void softmax_gradient(const struct ov__float_rows *p, const uint16_t *words,
                                    const uint16_t *valid, const struct ov__two *two,
                                    const struct ov__float_sink *ret_gradient)
{
    const size_t stride = p->stride / OV__LANES;
    for (size_t i = 0; i < p->n; i += OV__LANES) {
        const unsigned counted = valid != NULL ? valid[i / OV__LANES] : 0xffff;
        const uint16_t *word = words + i / OV__LANES;
        const float *row = p->rows + i;
        vf sum[F_PARTS];
        UNROLL
        for (size_t k = 0; k < F_PARTS; k++)
            sum[k] = splat_f(0);
        for (size_t c = 0; c < p->n_rows; c++, row += p->stride) {
            UNROLL
            for (size_t k = 0; k < F_PARTS; k++)
                sum[k] +=
                    load_f(row + k * N_F) * two_by_bits(two[c], word[c * stride], counted, k * N_F);
        }
        char *at = (char *)(ret_gradient->rows + i);
        row = p->rows + i;
        for (size_t c = 0; c < p->n_rows; c++, row += p->stride) {
            UNROLL
            for (size_t k = 0; k < F_PARTS; k++) {
                vf h = two_by_bits(two[c], word[c * stride], counted, k * N_F);
                vf slope = load_f(row + k * N_F) * (h - sum[k]);
                if (ret_gradient->is_aligned)
                    stream_f((float *)(void *)at + k * N_F, slope);
                else
                    memcpy(at + k * (int)sizeof slope, &slope, sizeof slope);
            }
            at += ret_gradient->stride_bytes;
        }
    }
    stream_fence();
}

static TARGET void sigmoid_gradient(float *slope, size_t n, const uint16_t *words,
                                    const uint16_t *valid, struct ov__two two)
{
    for (size_t i = 0; i < n; i += N_F) {
        const unsigned counted = valid != NULL ? valid[i / OV__LANES] : 0xffff;
        vf h = two_by_bits(two, words[i / OV__LANES], counted, (int)(i % OV__LANES));
        store_f(slope + i, load_f(slope + i) * h);
    }
}

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
    .copy_finite = copy_finite,
    .softmax = softmax,
    .sigmoid = sigmoid,
    .softmax_gradient = softmax_gradient,
    .sigmoid_gradient = sigmoid_gradient,
    .sums_product = sums_product,
    .sums_squared = sums_squared,
    .sums_absolute = sums_absolute,
    .softmax64 = softmax64,
    .sigmoid64 = sigmoid64,
    .softmax_chain64 = softmax_chain64,
};
