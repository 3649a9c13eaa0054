/* loss_tables.h - what tests of the loops of losses share: all tables, sums in their order. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOSS_TABLES_H
#define LOSS_TABLES_H

#include <sys/mman.h>
#include <unistd.h>

#include "lib/kernels/loss_kernels.h"
#include "tests/unit/lib/naive.h"

enum { MAX = 700, N_ROWS = 5, STRIDE = 720 };

/* The last byte before an unreadable page. */
static unsigned char *guard;

static int map_pages(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages =
        mmap(NULL, 5 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + 4 * page, page, PROT_NONE), 0);
    guard = pages + 4 * page;
    return 0;
}

static const struct ov__loss_kernels *table(size_t i)
{
    static const struct ov__loss_kernels *found[4];
    static const char *const isas[] = {"scalar", "avx2", "avx512", "neon"};
    if (i >= N_OF(isas) || ov_isa_select(isas[i]) != OV_OK)
        return NULL;
    found[i] = ov__loss_kernels_selected();
    return found[i];
}

#define EACH_TABLE(kernels)                          \
    for (size_t i_table = 0; i_table < 4; i_table++) \
        for (const struct ov__loss_kernels *kernels = table(i_table); kernels; kernels = NULL)

static float uniform(uint64_t *random)
{
    return (float)(naive_random(random) >> 40) * 0x1p-24F;
}

/* Lanes as the header promises them. */
static double total(double *lanes)
{
    for (size_t half = OV__LANES / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

static double lane_sum(const float *p, size_t n, const uint16_t *words)
{
    double lanes[OV__LANES] = {0};
    for (size_t i = 0; i < n; i++) {
        if (words == NULL || (words[i / OV__LANES] >> i % OV__LANES & 1) != 0)
            lanes[i % OV__LANES] += p[i];
    }
    return total(lanes);
}

static void random_words(uint16_t *words, size_t n, uint64_t *random)
{
    for (size_t i = 0; i < OV__WORDS(n); i++)
        words[i] = (uint16_t)(naive_below(random, 3) == 0 ? 0 : naive_random(random));
    if (n % OV__LANES != 0)
        words[n / OV__LANES] &= (uint16_t)((1u << n % OV__LANES) - 1);
}

#endif
