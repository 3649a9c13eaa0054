/* fuzz_reader.c - any bytes with anything said of them: format, coding, file name, shape. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_mask.h"

#define N_OPTIONS 8

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static const char *const names[] = {NULL,        "a",     "a.npy", "a.nii.gz",
                                        "a.png.zst", "a.raw", ".gz"};
    struct source source;

    if (n_bytes < N_OPTIONS)
        return 0;
    source = fuzz_source(bytes + N_OPTIONS, n_bytes - N_OPTIONS);
    source.format = bytes[0] % (FORMAT_N + 1);
    source.coding = bytes[1] % (CODING_N + 1);
    source.filename = names[bytes[2] % 7];
    source.declared = bytes[3] & 1;
    source.order = bytes[3] & 2 ? OV_ORDER_F : OV_ORDER_C;
    source.dtype = bytes[4] % OV_N_DTYPES;
    source.ndim = bytes[5] % (OV_MAX_NDIM + 2);
    for (int axis = 0; axis < OV_MAX_NDIM; axis++)
        source.shape[axis] = (uint64_t)bytes[6 + axis % 2] << (axis > 1 ? bytes[6] % 61 : 0);
    fuzz_mask(&source);
    return 0;
}
