/* fuzz_metaimage.c - any bytes, read as metaimage. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct source source = fuzz_source(bytes, n_bytes);

    source.format = FORMAT_METAIMAGE;
    source.coding = CODING_NONE;
    fuzz_mask(&source);
    return 0;
}
