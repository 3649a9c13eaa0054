/* summary.c - what many values come to: mean, spread, quantiles, resampling, a signed-rank test. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/overlap.h"

/* Neumaier's compensated sum: the order of the values hardly matters. */
static double sum(const double *values, size_t n)
{
    double total = 0;
    double lost = 0;

    for (size_t i = 0; i < n; i++) {
        double next = total + values[i];

        lost += fabs(total) >= fabs(values[i]) ? (total - next) + values[i]
                                               : (values[i] - next) + total;
        total = next;
    }
    return total + lost;
}

double ov_mean(const double *values, size_t n)
{
    return n > 0 ? sum(values, n) / (double)n : NAN;
}

double ov_deviation(const double *values, size_t n)
{
    double mean = ov_mean(values, n);
    double squares = 0;

    if (n < 2)
        return NAN;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / (double)(n - 1));
}

static int compare(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

/* Up to here comparing is faster than counting digits. */
#define FEW 256

#define DIGIT_BITS 11
#define N_DIGITS   (1u << DIGIT_BITS)

/* A key that orders as the double does: negative ones turned round, below the others. */
static uint64_t key_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits ^ (bits >> 63 ? UINT64_MAX : UINT64_C(1) << 63);
}

static unsigned digit_of(double value, unsigned shift)
{
    return (unsigned)(key_of(value) >> shift) & (N_DIGITS - 1);
}

/* One pass of a radix sort: stable, by one digit. */
static void sort_by_digit(const double *from, size_t n, unsigned shift, double *ret)
{
    size_t at[N_DIGITS] = {0};
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        at[digit_of(from[i], shift)]++;
    for (size_t d = 0; d < N_DIGITS; d++) {
        size_t count = at[d];

        at[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        ret[at[digit_of(from[i], shift)]++] = from[i];
}

void ov_sort(double *values, size_t n)
{
    double *room = n > FEW ? malloc(n * sizeof(*room)) : NULL;

    if (room == NULL) {
        if (n > 0)
            qsort(values, n, sizeof(*values), compare);
        return;
    }
    /* An even number of passes: it ends where it began. */
    for (unsigned shift = 0; shift < 64; shift += 2 * DIGIT_BITS) {
        sort_by_digit(values, n, shift, room);
        sort_by_digit(room, n, shift + DIGIT_BITS, values);
    }
    free(room);
}

/* As NumPy does it, which interpolates from the nearer end. */
double ov_quantile(const double *sorted, size_t n, double q)
{
    double at;
    double part;
    size_t below;

    if (n == 0 || !(q >= 0 && q <= 1))
        return NAN;
    at = q * (double)(n - 1);
    below = (size_t)at;
    if (below + 1 >= n)
        return sorted[n - 1];
    part = at - (double)below;
    if (part >= 0.5)
        return sorted[below + 1] - (sorted[below + 1] - sorted[below]) * (1 - part);
    return sorted[below] + (sorted[below + 1] - sorted[below]) * part;
}

/* ---- resampling ------------------------------------------------------------------------------ */

/* Columns that are added at a time, so that their sums stay in registers. */
#define LANES 16

/* SplitMix64 (Steele, Lea and Flood 2014): the k-th number depends on seed and k alone. */
static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A row of a resample, and how often it was drawn. */
struct drawn {
    uint32_t row;
    uint32_t times;
};

/* n draws, as the rows that came: two in three of them. Returns how many. */
static size_t draw(uint64_t *state, size_t n, struct drawn *list)
{
    size_t n_drawn = 0;

    memset(list, 0, n * sizeof(*list));
    for (size_t i = 0; i < n; i++)
        list[((splitmix(state) >> 32) * n) >> 32].times++;
    for (size_t i = 0; i < n; i++) {
        uint32_t times = list[i].times;

        list[n_drawn] = (struct drawn){(uint32_t)i, times};
        n_drawn += times > 0;
    }
    return n_drawn;
}

/* Strips of LANES columns, row after row: a row of a strip is a line of the cache. */
static void make_strips(const double *rows, size_t n_rows, size_t n_columns, double *strips)
{
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t c = 0; c < n_columns; c++)
            strips[(c / LANES * n_rows + r) * LANES + c % LANES] = rows[r * n_columns + c];
    }
}

#if defined(__GNUC__)
typedef double two_lanes __attribute__((vector_size(16), aligned(8), may_alias));
#define STEP 2
#else
typedef double two_lanes;
#define STEP 1
#endif

/* Each sum waits for the one before it, so there are many at a time. */
static void add_strip(const double *strip, const struct drawn *drawn, size_t n, double *ret_sums)
{
    two_lanes sums[LANES / STEP];

    memset(sums, 0, sizeof(sums));
    for (size_t i = 0; i < n; i++) {
        const two_lanes *row = (const two_lanes *)(strip + (size_t)drawn[i].row * LANES);
        double times = drawn[i].times;

#pragma GCC unroll 16
        for (size_t lane = 0; lane < LANES / STEP; lane++)
            sums[lane] += row[lane] * times;
    }
    memcpy(ret_sums, sums, sizeof(sums));
}

static void add_drawn(const double *strips, size_t n_rows, const struct drawn *drawn, size_t n,
                      double *ret_sums, size_t n_columns)
{
    for (size_t c = 0; c < n_columns; c += LANES) {
        size_t n_lanes = n_columns - c < LANES ? n_columns - c : LANES;
        double sums[LANES];

        add_strip(strips + c * n_rows, drawn, n, sums);
        memcpy(ret_sums + c, sums, n_lanes * sizeof(*sums));
    }
}

enum ov_status ov_resample(const double *rows, size_t n_rows, size_t n_columns, uint64_t seed,
                           size_t n_resamples, double *ret_sums)
{
    size_t n_strips = (n_columns + LANES - 1) / LANES;
    uint64_t state = seed;
    double *strips;
    struct drawn *drawn;

    if (n_rows == 0 || n_columns == 0 || n_rows > UINT32_MAX)
        return OV_EINVAL;
    if (n_strips > SIZE_MAX / sizeof(double) / LANES / n_rows)
        return OV_ENOMEM;
    strips = calloc(n_strips * n_rows * LANES, sizeof(*strips));
    drawn = malloc(n_rows * sizeof(*drawn));
    if (strips == NULL || drawn == NULL) {
        free(strips);
        free(drawn);
        return OV_ENOMEM;
    }
    make_strips(rows, n_rows, n_columns, strips);
    for (size_t i = 0; i < n_resamples; i++) {
        size_t n = draw(&state, n_rows, drawn);

        add_drawn(strips, n_rows, drawn, n, ret_sums + i * n_columns, n_columns);
    }
    free(strips);
    free(drawn);
    return OV_OK;
}

/* ---- the signed-rank test -------------------------------------------------------------------- */

/* Up to here p is counted out, and with ties or zeros up to the second. */
#define EXACT_N      50
#define EXACT_TIED_N 13

struct ranked {
    double size; /* of a difference */
    bool positive;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *left = a;
    const struct ranked *right = b;

    return (left->size > right->size) - (left->size < right->size);
}

/* Ranks are doubled: with ties they are halves. */
struct ranking {
    size_t n;
    uint64_t plus;  /* twice the sum of the ranks of positive differences */
    double t_cubed; /* sum of t^3 - t over ties of t */
    bool has_ties;
    unsigned doubled[EXACT_N]; /* the first of them, by size */
};

static void rank(const struct ranked *list, size_t n, struct ranking *ret)
{
    size_t end;

    *ret = (struct ranking){.n = n};
    for (size_t start = 0; start < n; start = end) {
        double t;
        uint64_t doubled;

        for (end = start + 1; end < n && list[end].size == list[start].size;)
            end++;
        t = (double)(end - start);
        doubled = (uint64_t)start + end + 1;
        ret->t_cubed += t * t * t - t;
        ret->has_ties = ret->has_ties || end - start > 1;
        for (size_t i = start; i < end; i++) {
            ret->plus += list[i].positive ? doubled : 0;
            if (i < EXACT_N)
                ret->doubled[i] = (unsigned)doubled;
        }
    }
}

/* Of all 2^n signs, the part with a sum no farther from the middle on the side of `plus`, twice. */
static double exact_p(const struct ranking *ranking)
{
    double ways[EXACT_N * (EXACT_N + 1) + 1] = {1};
    size_t top = 0;
    double below = 0;
    double above = 0;
    double p;

    for (size_t i = 0; i < ranking->n; i++) {
        unsigned step = ranking->doubled[i];

        for (size_t s = top + 1; s-- > 0;)
            ways[s + step] += ways[s];
        top += step;
    }
    for (size_t s = 0; s <= top; s++) {
        below += s <= ranking->plus ? ways[s] : 0;
        above += s >= ranking->plus ? ways[s] : 0;
    }
    p = 2 * (below < above ? below : above) / ldexp(1, (int)ranking->n);
    return p < 1 ? p : 1;
}

static double normal_p(const struct ranking *ranking)
{
    double n = (double)ranking->n;
    double mean = n * (n + 1) / 4;
    double deviation = sqrt((n * (n + 1) * (2 * n + 1) - ranking->t_cubed / 2) / 24);

    return erfc(fabs((double)ranking->plus / 2 - mean) / deviation / sqrt(2));
}

enum ov_status ov_wilcoxon(const double *differences, size_t n, struct ov_wilcoxon *ret)
{
    struct ranked *list = malloc((n + 1) * sizeof(*list));
    struct ov_wilcoxon result = {.p = NAN};
    struct ranking ranking;
    size_t kept = 0;
    double all;

    if (list == NULL)
        return OV_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (differences[i] != 0)
            list[kept++] = (struct ranked){fabs(differences[i]), differences[i] > 0};
    }
    if (kept > 0)
        qsort(list, kept, sizeof(*list), compare_ranked);
    rank(list, kept, &ranking);
    free(list);
    all = (double)kept * (double)(kept + 1) / 2;
    result.n = kept;
    result.statistic = fmin((double)ranking.plus / 2, all - (double)ranking.plus / 2);
    result.exact = n <= (ranking.has_ties || kept < n ? EXACT_TIED_N : EXACT_N);
    if (kept > 0)
        result.p = result.exact ? exact_p(&ranking) : normal_p(&ranking);
    *ret = result;
    return OV_OK;
}
