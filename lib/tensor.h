/* tensor.h - rows of a strided tensor: loaded as float, double or classes, and stored. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_TENSOR_H
#define OV_TENSOR_H

#include "lib/overlap_loss.h"

/*
 * A tensor of [samples, classes, space...] with its axes of space joined where memory allows; a
 * voxel is named by its number in index order, last axis fastest. An absent or broadcast axis has
 * the stride 0.
 */
struct ov__planes {
    unsigned char *data;
    enum ov_tensor_dtype dtype;
    int64_t sample_stride;
    int64_t class_stride;
    int n_axes; /* 1 or more */
    uint64_t shape[OV_MAX_NDIM];
    int64_t strides[OV_MAX_NDIM];
};

/* n voxels of one class of one sample, from voxel `first` on. */
struct ov__row {
    uint64_t sample;
    uint64_t class;
    uint64_t first;
    size_t n;
};

/*
 * The planes of a tensor whose axes serve those of shape [ndim]; a tensor without the class axis
 * has one axis less. Errors: OV_ESHAPE.
 */
enum ov_status ov__planes_of(const struct ov_tensor *tensor, int ndim, const uint64_t *shape,
                             bool has_classes, struct ov__planes *ret_planes);

/* The row where it lies, or NULL where its elements are not of `dtype` and without gaps. */
void *ov__planes_direct(const struct ov__planes *planes, enum ov_tensor_dtype dtype,
                        struct ov__row row);

void ov__planes_load_floats(const struct ov__planes *planes, struct ov__row row, float *ret_values);
void ov__planes_load_doubles(const struct ov__planes *planes, struct ov__row row,
                             double *ret_values);

/* Rounded to the nearest, ties to even, once. */
void ov__planes_store_floats(const struct ov__planes *planes, struct ov__row row,
                             const float *values);
void ov__planes_store_doubles(const struct ov__planes *planes, struct ov__row row,
                              const double *values);

/* The bytes that a tensor reaches, as [low, high). Errors: OV_EDTYPE, OV_ESIZE, OV_EINVAL. */
enum ov_status ov__tensor_extent(const struct ov_tensor *tensor, uintptr_t *ret_low,
                                 uintptr_t *ret_high);

/* Whether two elements of the tensor may share memory. */
bool ov__tensor_folds(const struct ov_tensor *tensor);

#endif
