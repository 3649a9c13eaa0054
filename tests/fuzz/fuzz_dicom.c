/* fuzz_dicom.c - any bytes, read as dicom. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct source source = fuzz_source(bytes, n_bytes);

    source.format = FORMAT_DICOM;
    source.coding = CODING_NONE;
    source.options = json_pack("{s:f}", "threshold", 0.5);
    source.names = names_new();
    if (n_bytes % 2 > 0 && source.names != NULL)
        fuzz_mask(&source);
    json_decref((json_t *)(uintptr_t)source.options);
    source.options = NULL;
    fuzz_mask(&source);
    names_free(source.names);
    return 0;
}
