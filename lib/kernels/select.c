/* select.c - which kernels this machine can run, and which are in use. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <string.h>

#include "lib/kernels/kernels.h"
#include "lib/overlap.h"

/* The one mutable global of the library; NULL stands for "auto". */
static _Atomic(const struct ov__kernels *) selected;

const struct ov__kernels *ov__kernels_available(size_t i)
{
    const struct ov__kernels *tables[3];
    size_t n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool has_bits = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
    if (has_bits && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        tables[n++] = &ov__kernels_avx512;
    if (has_bits && __builtin_cpu_supports("avx2"))
        tables[n++] = &ov__kernels_avx2;
#endif
#if defined(__aarch64__)
    tables[n++] = &ov__kernels_neon;
#endif
    tables[n++] = &ov__kernels_scalar;
    return i < n ? tables[i] : NULL;
}

const struct ov__kernels *ov__kernels_selected(void)
{
    const struct ov__kernels *kernels = atomic_load_explicit(&selected, memory_order_relaxed);
    return kernels != NULL ? kernels : ov__kernels_available(0);
}

const char *ov_isa(void)
{
    return ov__kernels_selected()->name;
}

static const struct ov__kernels *find(const char *name)
{
    if (strcmp(name, "auto") == 0)
        return ov__kernels_available(0);
    size_t i = 0;
    const struct ov__kernels *kernels = ov__kernels_available(0);
    while (kernels != NULL && strcmp(name, kernels->name) != 0)
        kernels = ov__kernels_available(++i);
    return kernels;
}

enum ov_status ov_isa_select(const char *name)
{
    const struct ov__kernels *kernels = name != NULL ? find(name) : NULL;
    if (kernels == NULL)
        return OV_EISA;
    atomic_store_explicit(&selected, kernels, memory_order_relaxed);
    return OV_OK;
}

ov__ends *ov__ends_of_width(size_t width)
{
    const struct ov__kernels *kernels = ov__kernels_selected();
    switch (width) {
    case 1:
        return kernels->ends8;
    case 2:
        return kernels->ends16;
    case 4:
        return kernels->ends32;
    default:
        return kernels->ends64;
    }
}
