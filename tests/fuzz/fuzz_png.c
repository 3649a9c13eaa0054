/* fuzz_png.c - any bytes, read as png. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct source source = fuzz_source(bytes, n_bytes);

    source.format = FORMAT_PNG;
    source.coding = CODING_NONE;
    fuzz_mask(&source);
    return 0;
}
