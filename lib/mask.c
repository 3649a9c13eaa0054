/* mask.c - a view of labels in memory: dtype, shape, strides; checked sizes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/overlap.h"

static const struct {
    const char *name;
    size_t n_bytes;
} dtypes[OV_N_DTYPES] = {
#define DTYPE_ROW(symbol, text, bytes) [symbol] = {text, bytes},
    OV_DTYPE_MAP(DTYPE_ROW)
#undef DTYPE_ROW
};

static bool is_dtype(enum ov_dtype dtype)
{
    return (unsigned)dtype < OV_N_DTYPES;
}

size_t ov_dtype_bytes(enum ov_dtype dtype)
{
    return is_dtype(dtype) ? dtypes[dtype].n_bytes : 0;
}

const char *ov_dtype_name(enum ov_dtype dtype)
{
    return is_dtype(dtype) ? dtypes[dtype].name : NULL;
}

enum ov_status ov_dtype_find(const char *name, enum ov_dtype *ret_dtype)
{
    for (int i = 0; name != NULL && i < OV_N_DTYPES; i++) {
        if (strcmp(name, dtypes[i].name) == 0) {
            *ret_dtype = (enum ov_dtype)i;
            return OV_OK;
        }
    }
    return OV_EDTYPE;
}

enum ov_status ov_shape_size(int ndim, const uint64_t *shape, enum ov_dtype dtype,
                             uint64_t *ret_n_voxels, uint64_t *ret_bytes)
{
    if (!is_dtype(dtype))
        return OV_EDTYPE;
    if (ndim < 1 || ndim > OV_MAX_NDIM)
        return OV_ESIZE;
    uint64_t bytes = dtypes[dtype].n_bytes;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] == 0 || __builtin_mul_overflow(bytes, shape[i], &bytes) || bytes > INT64_MAX)
            return OV_ESIZE;
    }
    if (ret_n_voxels != NULL)
        *ret_n_voxels = bytes / dtypes[dtype].n_bytes;
    if (ret_bytes != NULL)
        *ret_bytes = bytes;
    return OV_OK;
}

static void set_strides(struct ov_mask *mask, enum ov_order order)
{
    int64_t stride = (int64_t)ov_dtype_bytes(mask->encoding.dtype);
    for (int i = 0; i < mask->ndim; i++) {
        int axis = order == OV_ORDER_F ? i : mask->ndim - 1 - i;
        mask->strides_bytes[axis] = stride;
        stride *= (int64_t)mask->shape[axis];
    }
}

enum ov_status ov_mask_view(const void *data, enum ov_dtype dtype, int ndim, const uint64_t *shape,
                            enum ov_order order, struct ov_mask *ret_mask)
{
    enum ov_status status = ov_shape_size(ndim, shape, dtype, NULL, NULL);
    if (status != OV_OK)
        return status;
    if (data == NULL || (order != OV_ORDER_C && order != OV_ORDER_F))
        return OV_EINVAL;
    struct ov_mask mask = {.data = data, .encoding = {.dtype = dtype}, .ndim = ndim};
    memcpy(mask.shape, shape, (size_t)ndim * sizeof *shape);
    set_strides(&mask, order);
    *ret_mask = mask;
    return OV_OK;
}
