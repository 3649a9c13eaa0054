/* tensor.c - a strided view of numbers: dtypes, extents, rows to and from memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tensor.h"

#include <string.h>

#include "lib/half.h"

static const struct {
    const char *name;
    size_t n_bytes;
} dtypes[OV_N_TENSOR_DTYPES] = {
#define DTYPE_ROW(symbol, text, bytes) [symbol] = {text, bytes},
    OV_TENSOR_DTYPE_MAP(DTYPE_ROW)
#undef DTYPE_ROW
};

size_t ov_tensor_dtype_bytes(enum ov_tensor_dtype dtype)
{
    return (unsigned)dtype < OV_N_TENSOR_DTYPES ? dtypes[dtype].n_bytes : 0;
}

const char *ov_tensor_dtype_name(enum ov_tensor_dtype dtype)
{
    return (unsigned)dtype < OV_N_TENSOR_DTYPES ? dtypes[dtype].name : NULL;
}

enum ov_status ov_tensor_dtype_find(const char *name, enum ov_tensor_dtype *ret_dtype)
{
    for (int i = 0; name != NULL && i < OV_N_TENSOR_DTYPES; i++) {
        if (strcmp(name, dtypes[i].name) == 0) {
            *ret_dtype = (enum ov_tensor_dtype)i;
            return OV_OK;
        }
    }
    return OV_EDTYPE;
}

static enum ov_status check_shape(enum ov_tensor_dtype dtype, int ndim, const uint64_t *shape)
{
    uint64_t n;
    if (ov_tensor_dtype_bytes(dtype) == 0)
        return OV_EDTYPE;
    enum ov_status status = ov_shape_size(ndim, shape, OV_U8, &n, NULL);
    if (status == OV_OK && n > INT64_MAX / ov_tensor_dtype_bytes(dtype))
        return OV_ESIZE;
    return status;
}

enum ov_status ov_tensor_view(void *data, enum ov_tensor_dtype dtype, int ndim,
                              const uint64_t *shape, struct ov_tensor *ret_tensor)
{
    enum ov_status status = check_shape(dtype, ndim, shape);
    if (status != OV_OK)
        return status;
    if (data == NULL)
        return OV_EINVAL;
    struct ov_tensor tensor = {.data = data, .dtype = dtype, .ndim = ndim};
    int64_t stride = (int64_t)ov_tensor_dtype_bytes(dtype);
    for (int i = ndim - 1; i >= 0; i--) {
        tensor.shape[i] = shape[i];
        tensor.strides_bytes[i] = stride;
        stride *= (int64_t)shape[i];
    }
    *ret_tensor = tensor;
    return OV_OK;
}

enum ov_status ov_tensor_view_channels_last(void *data, enum ov_tensor_dtype dtype, int ndim,
                                            const uint64_t *shape, struct ov_tensor *ret_tensor)
{
    struct ov_tensor tensor;
    enum ov_status status = ndim < 2 ? OV_ESIZE : ov_tensor_view(data, dtype, ndim, shape, &tensor);
    if (status != OV_OK)
        return status;
    uint64_t n_classes = tensor.shape[ndim - 1];
    int64_t stride = tensor.strides_bytes[ndim - 1];
    for (int i = ndim - 1; i > 1; i--) {
        tensor.shape[i] = tensor.shape[i - 1];
        tensor.strides_bytes[i] = tensor.strides_bytes[i - 1];
    }
    tensor.shape[1] = n_classes;
    tensor.strides_bytes[1] = stride;
    *ret_tensor = tensor;
    return OV_OK;
}

enum ov_status ov__tensor_extent(const struct ov_tensor *tensor, uintptr_t *ret_low,
                                 uintptr_t *ret_high)
{
    enum ov_status status = check_shape(tensor->dtype, tensor->ndim, tensor->shape);
    if (status != OV_OK)
        return status;
    if (tensor->data == NULL)
        return OV_EINVAL;
    uintptr_t low = (uintptr_t)tensor->data;
    uintptr_t high = low;
    bool overflows = __builtin_add_overflow(high, ov_tensor_dtype_bytes(tensor->dtype), &high);
    for (int i = 0; i < tensor->ndim; i++) {
        int64_t stride = tensor->strides_bytes[i];
        uint64_t size = stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride;
        uintptr_t reach = 0;
        overflows |= __builtin_mul_overflow(size, tensor->shape[i] - 1, &reach);
        overflows |= stride < 0 ? __builtin_sub_overflow(low, reach, &low)
                                : __builtin_add_overflow(high, reach, &high);
    }
    if (overflows)
        return OV_ESIZE;
    *ret_low = low;
    *ret_high = high;
    return OV_OK;
}

static uint64_t magnitude(int64_t stride)
{
    return stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride;
}

/* The axis of the smallest stride among those that are not used; there is one. */
static int smallest_axis(const struct ov_tensor *tensor, const bool *is_used)
{
    int smallest = 0;
    while (is_used[smallest])
        smallest++;
    for (int i = smallest + 1; i < tensor->ndim; i++) {
        if (!is_used[i] &&
            magnitude(tensor->strides_bytes[i]) < magnitude(tensor->strides_bytes[smallest]))
            smallest = i;
    }
    return smallest;
}

/* Distinct where each axis, from the smallest stride up, steps over all that lies within it. */
bool ov__tensor_folds(const struct ov_tensor *tensor)
{
    uint64_t within = ov_tensor_dtype_bytes(tensor->dtype);
    bool is_used[OV_MAX_NDIM + 1] = {false};
    for (int n = 0; n < tensor->ndim; n++) {
        int next = smallest_axis(tensor, is_used);
        is_used[next] = true;
        if (tensor->shape[next] == 1)
            continue;
        if (magnitude(tensor->strides_bytes[next]) < within)
            return true;
        within += magnitude(tensor->strides_bytes[next]) * (tensor->shape[next] - 1);
    }
    return false;
}

/* Join axes of space that are one in memory; drop those of one element. */
static void coalesce(struct ov__planes *planes)
{
    int n = 0;
    for (int i = 0; i < planes->n_axes; i++) {
        if (planes->shape[i] == 1)
            continue;
        bool joins =
            n > 0 && planes->strides[n - 1] == planes->strides[i] * (int64_t)planes->shape[i];
        n += !joins;
        planes->shape[n - 1] = (joins ? planes->shape[n - 1] : 1) * planes->shape[i];
        planes->strides[n - 1] = planes->strides[i];
    }
    if (n == 0) {
        planes->shape[n] = 1;
        planes->strides[n++] = (int64_t)ov_tensor_dtype_bytes(planes->dtype);
    }
    planes->n_axes = n;
}

enum ov_status ov__planes_of(const struct ov_tensor *tensor, int ndim, const uint64_t *shape,
                             bool has_classes, struct ov__planes *ret_planes)
{
    struct ov__planes planes = {.data = tensor->data, .dtype = tensor->dtype, .n_axes = ndim - 2};
    int64_t strides[OV_MAX_NDIM] = {0};
    int missing = has_classes ? 0 : 1; /* labels may come without the axis of classes */
    if (tensor->ndim != ndim && (has_classes || tensor->ndim != ndim - missing))
        return OV_ESHAPE;
    bool lacks_axis = tensor->ndim != ndim;
    for (int i = 0; i < ndim; i++) {
        if (lacks_axis && i == 1)
            continue;
        int axis = i - (lacks_axis && i > 1);
        uint64_t wanted = i == 1 && !has_classes ? 1 : shape[i];
        if (tensor->shape[axis] != wanted && (tensor->shape[axis] != 1 || i == 1))
            return OV_ESHAPE;
        strides[i] = tensor->shape[axis] == 1 ? 0 : tensor->strides_bytes[axis];
    }
    planes.sample_stride = strides[0];
    planes.class_stride = strides[1];
    for (int i = 2; i < ndim; i++) {
        planes.shape[i - 2] = shape[i];
        planes.strides[i - 2] = strides[i];
    }
    coalesce(&planes);
    *ret_planes = planes;
    return OV_OK;
}

static unsigned char *voxel_at(const struct ov__planes *planes, struct ov__row row)
{
    unsigned char *at = planes->data + (int64_t)row.sample * planes->sample_stride +
                        (int64_t)row.class * planes->class_stride;
    uint64_t voxel = row.first;
    for (int i = planes->n_axes - 1; i >= 0; i--) {
        at += (int64_t)(voxel % planes->shape[i]) * planes->strides[i];
        voxel /= planes->shape[i];
    }
    return at;
}

void *ov__planes_direct(const struct ov__planes *planes, enum ov_tensor_dtype dtype,
                        struct ov__row row)
{
    if (planes->dtype != dtype || planes->n_axes != 1 ||
        planes->strides[0] != (int64_t)ov_tensor_dtype_bytes(dtype))
        return NULL;
    return voxel_at(planes, row);
}

/* Some elements of a row that lie at one stride. */
struct run {
    unsigned char *at;
    int64_t stride;
    size_t n;
};

static struct run next_run(const struct ov__planes *planes, struct ov__row row)
{
    int last = planes->n_axes - 1;
    uint64_t left = planes->shape[last] - row.first % planes->shape[last];
    return (struct run){.at = voxel_at(planes, row),
                        .stride = planes->strides[last],
                        .n = left < row.n ? (size_t)left : row.n};
}

#define LOAD_CASE(symbol, type, expression)                        \
    case symbol:                                                   \
        for (size_t i = 0; i < run.n; i++, run.at += run.stride) { \
            type x;                                                \
            memcpy(&x, run.at, sizeof x);                          \
            ret_values[i] = expression;                            \
        }                                                          \
        break;

#define LOAD_CASES(type)                                                \
    LOAD_CASE(OV_TENSOR_U8, uint8_t, (type)x)                           \
    LOAD_CASE(OV_TENSOR_I8, int8_t, (type)x)                            \
    LOAD_CASE(OV_TENSOR_U16, uint16_t, (type)x)                         \
    LOAD_CASE(OV_TENSOR_I16, int16_t, (type)x)                          \
    LOAD_CASE(OV_TENSOR_U32, uint32_t, (type)x)                         \
    LOAD_CASE(OV_TENSOR_I32, int32_t, (type)x)                          \
    LOAD_CASE(OV_TENSOR_U64, uint64_t, (type)x)                         \
    LOAD_CASE(OV_TENSOR_I64, int64_t, (type)x)                          \
    LOAD_CASE(OV_TENSOR_F16, uint16_t, (type)ov__float_of_half(x))      \
    LOAD_CASE(OV_TENSOR_BF16, uint16_t, (type)ov__float_of_bfloat16(x)) \
    LOAD_CASE(OV_TENSOR_F32, float, (type)x)                            \
    LOAD_CASE(OV_TENSOR_F64, double, (type)x)

static void load_float_run(struct run run, enum ov_tensor_dtype dtype, float *ret_values)
{
    if (dtype == OV_TENSOR_F32 && run.stride == (int64_t)sizeof *ret_values) {
        memcpy(ret_values, run.at, run.n * sizeof *ret_values);
        return;
    }
    switch (dtype) {
        LOAD_CASES(float)
    case OV_N_TENSOR_DTYPES:
        break;
    }
}

static void load_double_run(struct run run, enum ov_tensor_dtype dtype, double *ret_values)
{
    if (dtype == OV_TENSOR_F64 && run.stride == (int64_t)sizeof *ret_values) {
        memcpy(ret_values, run.at, run.n * sizeof *ret_values);
        return;
    }
    switch (dtype) {
        LOAD_CASES(double)
    case OV_N_TENSOR_DTYPES:
        break;
    }
}

#define STORE_CASE(symbol, type, expression)                       \
    case symbol:                                                   \
        for (size_t i = 0; i < run.n; i++, run.at += run.stride) { \
            type x = expression;                                   \
            memcpy(run.at, &x, sizeof x);                          \
        }                                                          \
        break;

#define STORE_CASES                                                  \
    STORE_CASE(OV_TENSOR_F16, uint16_t, ov__half_of(values[i]))      \
    STORE_CASE(OV_TENSOR_BF16, uint16_t, ov__bfloat16_of(values[i])) \
    STORE_CASE(OV_TENSOR_F32, float, (float)values[i])               \
    STORE_CASE(OV_TENSOR_F64, double, (double)values[i])

static void store_float_run(struct run run, enum ov_tensor_dtype dtype, const float *values)
{
    if (dtype == OV_TENSOR_F32 && run.stride == (int64_t)sizeof *values) {
        memcpy(run.at, values, run.n * sizeof *values);
        return;
    }
    switch (dtype) {
        STORE_CASES
    default:
        break;
    }
}

static void store_double_run(struct run run, enum ov_tensor_dtype dtype, const double *values)
{
    if (dtype == OV_TENSOR_F64 && run.stride == (int64_t)sizeof *values) {
        memcpy(run.at, values, run.n * sizeof *values);
        return;
    }
    switch (dtype) {
        STORE_CASES
    default:
        break;
    }
}

#define EACH_RUN(function, values)              \
    while (row.n > 0) {                         \
        struct run run = next_run(planes, row); \
        function(run, planes->dtype, values);   \
        (values) += run.n;                      \
        row.first += run.n;                     \
        row.n -= run.n;                         \
    }

void ov__planes_load_floats(const struct ov__planes *planes, struct ov__row row, float *ret_values)
{
    EACH_RUN(load_float_run, ret_values)
}

void ov__planes_load_doubles(const struct ov__planes *planes, struct ov__row row,
                             double *ret_values)
{
    EACH_RUN(load_double_run, ret_values)
}

void ov__planes_store_floats(const struct ov__planes *planes, struct ov__row row,
                             const float *values)
{
    EACH_RUN(store_float_run, values)
}

void ov__planes_store_doubles(const struct ov__planes *planes, struct ov__row row,
                              const double *values)
{
    EACH_RUN(store_double_run, values)
}
