/* scalar.c - run ends in plain C, for every machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <string.h>

#include "lib/kernels/kernels.h"

#define TARGET
#define TABLE ov__kernels_scalar
#define NAME  "scalar"

static inline uint64_t changes(const unsigned char *bytes, size_t width)
{
    uint64_t mask = 0;
    if (memcmp(bytes, bytes + width, 64) == 0)
        return 0;
    for (size_t i = 0; i < 64 / width; i++) {
        bool differs = memcmp(bytes + i * width, bytes + (i + 1) * width, width) != 0;
        mask |= (uint64_t)differs << i * width;
    }
    return mask;
}

static inline bool is_uniform(const unsigned char *bytes, size_t width)
{
    return memcmp(bytes, bytes + width, 256) == 0;
}

#include "lib/kernels/scan.h"
