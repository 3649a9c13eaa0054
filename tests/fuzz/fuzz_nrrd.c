/* fuzz_nrrd.c - any bytes, read as nrrd, with names for its segments. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct source source = fuzz_source(bytes, n_bytes);
    struct names *names = names_new();

    source.format = FORMAT_NRRD;
    source.coding = CODING_NONE;
    source.names = names;
    fuzz_mask(&source);
    names_free(names);
    return 0;
}
