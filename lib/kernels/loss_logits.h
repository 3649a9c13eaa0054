/*
 * loss_logits.h - the inner loops of losses that take logits in float, included by loss_rows.h. A
 * tile of all classes stays in the nearest cache from its logits to its sums or its gradient.
 */
/* SPDX-License-Identifier: Apache-2.0 */

INLINE vu load_u(const uint32_t *from)
{
    vu v;
    memcpy(&v, from, sizeof v);
    return v;
}

static TARGET void widen(const uint8_t *labels, size_t n, uint32_t *ret_classes)
{
    typedef uint8_t narrow __attribute__((vector_size(N_F)));
    size_t i = 0;
    for (; i + N_F <= n; i += N_F) {
        narrow v;
        memcpy(&v, labels + i, sizeof v);
        vu wide = __builtin_convertvector(v, vu);
        memcpy(ret_classes + i, &wide, sizeof wide);
    }
    for (; i < n; i++)
        ret_classes[i] = labels[i];
}

/* The words of a class, and what of its gradient goes to it and to all others. */
struct one_class {
    vu class;
    vf on;
    vf off;
};

INLINE struct one_class one_class(uint32_t class, struct ov__two two)
{
    return (struct one_class){class - (vu){0}, splat_f(two.on), splat_f(two.off)};
}

INLINE vf slope_of(const struct one_class *own, vu classes)
{
    return blend_f((vu)(classes == own->class), own->on, own->off);
}

/* ---- sums ---- */

/* Two sums of a row under way: of p where it counts, and where a bit is set. */
struct row_sums {
    vd all[D_PARTS];
    vd in[D_PARTS];
};

INLINE void add_floats(struct row_sums *sums, const vf *p, unsigned word, unsigned valid,
                       bool has_valid)
{
    vd x[D_PARTS];
    UNROLL
    for (size_t k = 0; k < F_PARTS; k++) {
        x[2 * k] = widen_low(p[k]);
        x[2 * k + 1] = widen_high(p[k]);
    }
    UNROLL
    for (size_t k = 0; k < D_PARTS; k++) {
        if (has_valid)
            sums->all[k] = add_where_d(sums->all[k], x[k], valid, k * N_D);
        else
            sums->all[k] += x[k];
    }
    if (word == 0)
        return;
    UNROLL
    for (size_t k = 0; k < D_PARTS; k++)
        sums->in[k] = add_where_d(sums->in[k], x[k], word, k * N_D);
}

/* Of the lanes from i on, those that are in the row and count. */
INLINE unsigned valid_lanes(const uint16_t *valid, size_t i, size_t n)
{
    if (valid != NULL)
        return valid[i / OV__LANES];
    return n - i < OV__LANES ? (1u << (n - i)) - 1 : 0xffff;
}

/* What a row of sums is made of. */
struct sum_row {
    const float *from;
    size_t n;
    const uint16_t *words;
    const uint16_t *valid;
};

/* ---- softmax ---- */

struct columns {
    vf highest[N_ABREAST];
    vf sum[N_ABREAST];
    vf dot[N_ABREAST];
    vu classes[N_ABREAST];
};

INLINE void find_highest(const struct ov__softmax *z, size_t i, size_t n_vectors,
                         struct columns *columns, vu *suspicious)
{
    const char *row = (const char *)(z->logits + i);
    UNROLL
    for (size_t k = 0; k < n_vectors; k++)
        columns->highest[k] = splat_f(-__FLT_MAX__);
    for (size_t c = 0; c < z->n_rows; c++, row += z->logits_stride_bytes) {
        UNROLL
        for (size_t k = 0; k < n_vectors; k++) {
            vf v;
            memcpy(&v, row + k * sizeof v, sizeof v);
            *suspicious |= ((vu)v & 0x7fffffffu) + 0x00800000u;
            columns->highest[k] = maximum_f(columns->highest[k], v);
        }
    }
}

INLINE void exponentials(const struct ov__softmax *z, size_t i, size_t n_vectors, bool has_dot,
                         struct columns *columns)
{
    const char *row = (const char *)(z->logits + i);
    const char *ahead = z->ahead != NULL ? (const char *)(z->ahead + i) : NULL;
    float *to = z->exps + i;
    for (size_t c = 0; c < z->n_rows; c++, to += z->stride, row += z->logits_stride_bytes) {
        struct one_class own;
        if (has_dot)
            own = one_class((uint32_t)c, z->two[c]);
        if (ahead != NULL) {
            for (size_t k = 0; k < n_vectors * N_F; k += OV__LANES)
                __builtin_prefetch(ahead + k * sizeof(float));
            ahead += z->logits_stride_bytes;
        }
        vf e[N_ABREAST];
        UNROLL
        for (size_t k = 0; k < n_vectors; k++) {
            vf v;
            memcpy(&v, row + k * sizeof v, sizeof v);
            e[k] = v - columns->highest[k];
        }
        exp_each(e, n_vectors);
        UNROLL
        for (size_t k = 0; k < n_vectors; k++) {
            columns->sum[k] += e[k];
            if (has_dot)
                columns->dot[k] += e[k] * slope_of(&own, columns->classes[k]);
            store_f(to + k * N_F, e[k]);
        }
    }
}

INLINE void softmax_at(const struct ov__softmax *z, size_t i, size_t n_vectors, bool has_dot,
                       vu *suspicious)
{
    struct columns columns;
    UNROLL
    for (size_t k = 0; k < n_vectors; k++) {
        columns.sum[k] = splat_f(0);
        columns.dot[k] = splat_f(0);
        if (has_dot)
            columns.classes[k] = load_u(z->classes + i + k * N_F);
    }
    find_highest(z, i, n_vectors, &columns, suspicious);
    exponentials(z, i, n_vectors, has_dot, &columns);
    UNROLL
    for (size_t k = 0; k < n_vectors; k++) {
        vf inverse = 1 / columns.sum[k];
        store_f(z->inverse + i + k * N_F, inverse);
        if (has_dot)
            store_f(z->dot + i + k * N_F, columns.dot[k] * inverse);
    }
}

INLINE bool softmax_row(const struct ov__softmax *z, bool has_dot)
{
    vu suspicious[F_PARTS] = {0};
    size_t i = 0;
    for (; i + (size_t)N_ABREAST * N_F <= z->n; i += (size_t)N_ABREAST * N_F)
        softmax_at(z, i, N_ABREAST, has_dot, suspicious);
    for (; i < z->n; i += N_F)
        softmax_at(z, i, 1, has_dot, suspicious);
    return is_clean(suspicious);
}

static TARGET bool softmax(const struct ov__softmax *z)
{
    return z->two != NULL ? softmax_row(z, true) : softmax_row(z, false);
}

INLINE void sum_exponentials(const struct sum_row *row, const float *inverse, bool has_valid,
                             struct row_sums *sums)
{
    for (size_t i = 0; i < row->n; i += OV__LANES) {
        vf p[F_PARTS];
        UNROLL
        for (size_t k = 0; k < F_PARTS; k++)
            p[k] = load_f(row->from + i + k * N_F) * load_f(inverse + i + k * N_F);
        add_floats(sums, p, row->words[i / OV__LANES],
                   has_valid ? valid_lanes(row->valid, i, row->n) : 0, has_valid);
    }
}

static TARGET void softmax_sums(const float *exps, const float *inverse, size_t n,
                                const uint16_t *words, const uint16_t *valid, double *lanes)
{
    const struct sum_row row = {exps, n, words, valid};
    struct row_sums sums;
    memcpy(&sums, lanes, sizeof sums);
    if (valid != NULL || n % OV__LANES != 0)
        sum_exponentials(&row, inverse, true, &sums);
    else
        sum_exponentials(&row, inverse, false, &sums);
    memcpy(lanes, &sums, sizeof sums);
}

/* `is_aligned` chooses stores past the cache, which want 64 bytes. */
INLINE void put_f(float *to, vf v, bool is_aligned)
{
    if (is_aligned)
        stream_f(to, v);
    else
        store_f(to, v);
}

/* Zero where the voxel is left out. */
INLINE vf if_counted(vf v, vu classes)
{
    return (vf)((vu)v & ~(vu)(classes == (uint32_t)-1));
}

INLINE void chain_row(const struct ov__softmax *z, size_t c, bool has_left_out, float *gradient,
                      bool is_aligned)
{
    const float *exps = z->exps + c * z->stride;
    const struct one_class own = one_class((uint32_t)c, z->two[c]);
    for (size_t i = 0; i < z->n; i += N_F) {
        vu classes = load_u(z->classes + i);
        vf p = load_f(exps + i) * load_f(z->inverse + i);
        vf slope = p * (slope_of(&own, classes) - load_f(z->dot + i));
        put_f(gradient + i, has_left_out ? if_counted(slope, classes) : slope, is_aligned);
    }
}

static TARGET void softmax_gradient(const struct ov__softmax *z, size_t c, bool has_left_out,
                                    float *gradient)
{
    bool is_aligned = (uintptr_t)gradient % 64 == 0;
    if (has_left_out)
        chain_row(z, c, true, gradient, false);
    else if (is_aligned)
        chain_row(z, c, false, gradient, true);
    else
        chain_row(z, c, false, gradient, false);
}

/* ---- sigmoid ---- */

/* Groups of lanes that are as many vectors as are worked on side by side. */
enum { N_GROUPS = N_ABREAST / F_PARTS };

/* n_vectors of p where ret_p is not NULL, and of p (1 - p). */
INLINE void sigmoid_each(const float *z, size_t n_vectors, vf *ret_p, vf *ret_slope)
{
    vf x[N_ABREAST], e[N_ABREAST], near[N_ABREAST];
    UNROLL
    for (size_t k = 0; k < n_vectors; k++) {
        x[k] = load_f(z + k * N_F);
        e[k] = -absolute_f(x[k]);
    }
    exp_each(e, n_vectors);
    UNROLL
    for (size_t k = 0; k < n_vectors; k++)
        near[k] = 1 / (1 + e[k]);
    UNROLL
    for (size_t k = 0; k < n_vectors; k++) {
        vf far = e[k] * near[k];
        if (ret_p != NULL)
            ret_p[k] = blend_f((vu)(x[k] >= 0), near[k], far);
        else if (ret_slope != NULL)
            ret_slope[k] = near[k] * far;
    }
}

INLINE void sum_groups(const struct sum_row *row, size_t i, size_t n_groups, bool has_valid,
                       struct row_sums *sums, vu *suspicious)
{
    vf p[N_ABREAST];
    UNROLL
    for (size_t g = 0; g < n_groups; g++)
        __builtin_prefetch(row->from + i + g * OV__LANES + AHEAD);
    UNROLL
    for (size_t k = 0; k < n_groups * F_PARTS; k++) {
        vu word = (vu)load_f(row->from + i + k * N_F);
        *suspicious |= (word & 0x7fffffffu) + 0x00800000u;
    }
    sigmoid_each(row->from + i, n_groups * F_PARTS, p, NULL);
    UNROLL
    for (size_t g = 0; g < n_groups; g++) {
        size_t at = i + g * OV__LANES;
        add_floats(sums, p + g * F_PARTS, row->words[at / OV__LANES],
                   has_valid ? valid_lanes(row->valid, at, row->n) : 0, has_valid);
    }
}

INLINE bool sum_logits(const struct sum_row *row, bool has_valid, struct row_sums *sums)
{
    const size_t step = (size_t)N_GROUPS * OV__LANES;
    vu suspicious[F_PARTS] = {0};
    size_t i = 0;
    for (; i + step <= row->n; i += step)
        sum_groups(row, i, N_GROUPS, has_valid, sums, suspicious);
    for (; i < row->n; i += OV__LANES)
        sum_groups(row, i, 1, has_valid, sums, suspicious);
    return is_clean(suspicious);
}

static TARGET bool sigmoid_sums(const float *z, size_t n, const uint16_t *words,
                                const uint16_t *valid, double *lanes)
{
    const struct sum_row row = {z, n, words, valid};
    struct row_sums sums;
    bool is_right;
    memcpy(&sums, lanes, sizeof sums);
    if (valid != NULL || n % OV__LANES != 0)
        is_right = sum_logits(&row, true, &sums);
    else
        is_right = sum_logits(&row, false, &sums);
    memcpy(lanes, &sums, sizeof sums);
    return is_right;
}

/* What a row of slopes is made of. */
struct slope_row {
    const float *z;
    size_t n;
    const uint32_t *classes;
    struct one_class own;
    float *gradient;
};

INLINE void slopes_at(const struct slope_row *row, size_t i, size_t n_vectors, bool has_left_out,
                      bool is_aligned)
{
    vf slope[N_ABREAST];
    sigmoid_each(row->z + i, n_vectors, NULL, slope);
    UNROLL
    for (size_t k = 0; k < n_vectors; k++) {
        vu classes = load_u(row->classes + i + k * N_F);
        vf by = slope[k] * slope_of(&row->own, classes);
        put_f(row->gradient + i + k * N_F, has_left_out ? if_counted(by, classes) : by, is_aligned);
    }
}

INLINE void sigmoid_row(const struct slope_row *row, bool has_left_out, bool is_aligned)
{
    const size_t step = (size_t)N_ABREAST * N_F;
    size_t i = 0;
    for (; i + step <= row->n; i += step) {
        UNROLL
        for (size_t k = 0; k < step; k += OV__LANES)
            __builtin_prefetch(row->z + i + k + AHEAD);
        slopes_at(row, i, N_ABREAST, has_left_out, is_aligned);
    }
    for (; i < row->n; i += N_F)
        slopes_at(row, i, 1, has_left_out, is_aligned);
}

static TARGET void sigmoid_gradient(const float *z, size_t n, const struct ov__target *target,
                                    struct ov__two two, float *gradient)
{
    struct slope_row row = {z, n, target->classes, one_class(target->class, two), NULL};
    row.gradient = gradient;
    if (target->has_left_out)
        sigmoid_row(&row, true, false);
    else if ((uintptr_t)gradient % 64 == 0)
        sigmoid_row(&row, false, true);
    else
        sigmoid_row(&row, false, false);
}

static TARGET void fence(void)
{
    stream_fence();
}
