/* fuzz_npz.c - any bytes, read as npz: the only member, and one that is named. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static json_t *options;
    struct source source = fuzz_source(bytes, n_bytes);

    if (options == NULL)
        options = json_pack("{s:s}", "member", "pred");
    source.format = FORMAT_NPZ;
    source.coding = CODING_NONE;
    fuzz_mask(&source);
    source.options = options;
    fuzz_mask(&source);
    return 0;
}
