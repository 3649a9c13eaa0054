/* fuzz_png.c - any bytes, read as png. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_colors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    fuzz_colors(bytes, n_bytes, FORMAT_PNG);
    return 0;
}
