/* fuzz_tiff.c - any bytes, read as tiff. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_colors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    fuzz_colors(bytes, n_bytes, FORMAT_TIFF);
    return 0;
}
