/* fuzz_npy.c - any bytes, read as npy. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct source source = fuzz_source(bytes, n_bytes);

    source.format = FORMAT_NPY;
    source.coding = CODING_NONE;
    fuzz_mask(&source);
    return 0;
}
