/* fuzz_nifti.c - any bytes, read as nifti. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct source source = fuzz_source(bytes, n_bytes);

    source.format = FORMAT_NIFTI;
    source.coding = CODING_NONE;
    fuzz_mask(&source);
    return 0;
}
