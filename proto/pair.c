/* pair.c - two mask headers brought to one index order, shape and place. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/pair.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proto/grid.h"
#include "proto/shape.h"

/*
 * Affines agree when no step along an axis differs by more than this part of the axis's spacing,
 * and the origin by no more than that part of the smallest one. Steps add up over a whole axis; an
 * origin that tools round when they write it is off by the same little everywhere.
 */
#define STEP_TOLERANCE   1e-3
#define ORIGIN_TOLERANCE 1e-2

struct text {
    char at[200];
};

const char *geometry_name(enum geometry geometry)
{
    static const char *const names[] = {"match", "ignored", "unchecked"};

    return names[geometry];
}

static struct text affine_text(const double affine[3][4])
{
    struct text text;

    snprintf(text.at, sizeof(text.at),
             "[[%.7g,%.7g,%.7g,%.7g],[%.7g,%.7g,%.7g,%.7g],[%.7g,%.7g,%.7g,%.7g]]", affine[0][0],
             affine[0][1], affine[0][2], affine[0][3], affine[1][0], affine[1][1], affine[1][2],
             affine[1][3], affine[2][0], affine[2][1], affine[2][2], affine[2][3]);
    return text;
}

/* Trailing axes of one voxel say nothing. */
static int ndim_of(const struct mask_header *header)
{
    int ndim = header->ndim;

    while (ndim > 1 && header->shape[ndim - 1] == 1)
        ndim--;
    return ndim;
}

static bool is_one_shape(const struct mask_header *a, const struct mask_header *b)
{
    size_t n_bytes = sizeof(a->shape[0]) * (size_t)ndim_of(a);

    return ndim_of(a) == ndim_of(b) && memcmp(a->shape, b->shape, n_bytes) == 0;
}

/* The header with its axes in the opposite order: the same elements, indexed the other way. */
static struct mask_header reversed(const struct mask_header *header)
{
    struct mask_header result = *header;

    for (int i = 0; i < header->ndim; i++)
        result.shape[i] = header->shape[header->ndim - 1 - i];
    result.order = header->order == OV_ORDER_C ? OV_ORDER_F : OV_ORDER_C;
    /* An affine speaks of three axes at most; of more, a reversal moves others to their place. */
    result.has_affine = header->has_affine && header->ndim <= 3 && header->affine_axis == 0;
    for (int row = 0; row < 3; row++) {
        for (int i = 0; i < header->ndim && i < 3 && header->ndim <= 3; i++)
            result.affine[row][i] = header->affine[row][header->ndim - 1 - i];
    }
    return result;
}

/* Of masks on one grid: where one that was cropped, perhaps, begins in the other. */
static struct text crop_hint(const struct mask_header *prediction,
                             const struct mask_header *reference)
{
    struct text text = {""};
    int64_t at[3];

    if (ndim_of(prediction) == 3 && ndim_of(reference) == 3 && prediction->has_affine &&
        reference->has_affine && prediction->affine_axis == reference->affine_axis &&
        grid_offset(prediction->affine, reference->affine, at))
        snprintf(text.at, sizeof(text.at),
                 "; both lie on one grid, and the prediction begins at the reference's voxel "
                 "[%lld,%lld,%lld]: where one is cropped, pad it to the other's extent",
                 (long long)at[0], (long long)at[1], (long long)at[2]);
    return text;
}

static bool refuse_shapes(const struct mask_header *prediction, const struct mask_header *reference,
                          const char *hint, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_SHAPE_MISMATCH, "#/prediction",
                       "Prediction is %s, reference is %s%s.",
                       shape_text(prediction->ndim, prediction->shape).at,
                       shape_text(reference->ndim, reference->shape).at, hint);
}

static bool shapes_match(const struct mask_header *prediction, const struct mask_header *reference,
                         bool is_reversed, struct problem *reterr)
{
    struct mask_header other;
    struct text crop;
    const char *hint;

    if (is_one_shape(prediction, reference))
        return true;
    other = reversed(prediction);
    crop = crop_hint(prediction, reference);
    hint = crop.at;
    if (prediction->is_open_ended || reference->is_open_ended)
        hint = "; a segmentation of which only some slices are stored is filled up where both "
               "masks lie on one grid and the other one has all of its slices";
    if (is_one_shape(&other, reference))
        hint = is_reversed ? "; without \"axes\":\"reverse\" they are of one shape"
                           : "; each is the other's reverse: \"axes\":\"reverse\" reads the "
                             "prediction that way";
    return refuse_shapes(prediction, reference, hint, reterr);
}

static double column_length(const double affine[3][4], int column)
{
    return sqrt(affine[0][column] * affine[0][column] + affine[1][column] * affine[1][column] +
                affine[2][column] * affine[2][column]);
}

static bool column_matches(const double a[3][4], const double b[3][4], int column,
                           double tolerance_mm)
{
    for (int row = 0; row < 3; row++) {
        /* Negated, so that NaN does not match. */
        if (!(fabs(a[row][column] - b[row][column]) <= tolerance_mm))
            return false;
    }
    return true;
}

static double largest_difference(const double a[3][4], const double b[3][4])
{
    double largest = 0;

    for (int i = 0; i < 12; i++)
        largest = fmax(largest, fabs(a[i / 4][i % 4] - b[i / 4][i % 4]));
    return largest;
}

bool pair_affines_match(const double a[3][4], const double b[3][4], int ndim)
{
    double smallest = INFINITY;

    for (int column = 0; column < 3 && column < ndim; column++) {
        double spacing = column_length(b, column);

        if (!column_matches(a, b, column, STEP_TOLERANCE * spacing))
            return false;
        smallest = fmin(smallest, spacing);
    }
    return column_matches(a, b, 3, ORIGIN_TOLERANCE * smallest);
}

static bool geometry_check(const struct mask_header *prediction,
                           const struct mask_header *reference, const struct request *request,
                           struct pair *pair, struct problem *reterr)
{
    pair->geometry = GEOMETRY_UNCHECKED;
    if (!prediction->has_affine || !reference->has_affine ||
        prediction->affine_axis != reference->affine_axis)
        return true;
    pair->geometry = GEOMETRY_MATCH;
    if (pair_affines_match(prediction->affine, reference->affine,
                           ndim_of(reference) - reference->affine_axis))
        return true;
    pair->geometry = GEOMETRY_IGNORED;
    return request->ignore_geometry ||
           problem_set(reterr, PROBLEM_GEOMETRY_MISMATCH, "#/prediction",
                       "The affines differ by up to %.3g mm: prediction %s, reference %s; "
                       "\"geometry\":\"ignore\" compares by index alone.",
                       largest_difference(prediction->affine, reference->affine),
                       affine_text(prediction->affine).at, affine_text(reference->affine).at);
}

static bool is_one_line(const struct mask_header *header)
{
    int n_long = 0;

    for (int i = 0; i < header->ndim; i++)
        n_long += header->shape[i] > 1;
    return n_long <= 1;
}

bool pair_make(const struct mask_header *prediction, const struct mask_header *reference,
               const struct request *request, struct pair *ret_pair, struct problem *reterr)
{
    struct mask_header turned = request->reverse_axes ? reversed(prediction) : *prediction;
    struct pair pair = {.ndim = ndim_of(reference),
                        .n_voxels = reference->n_voxels,
                        .prediction_order = turned.order,
                        .reference_order = reference->order};

    if (!shapes_match(&turned, reference, request->reverse_axes, reterr) ||
        !geometry_check(&turned, reference, request, &pair, reterr))
        return false;
    memcpy(pair.shape, reference->shape, sizeof(pair.shape));
    pair.same_order = turned.order == reference->order || is_one_line(reference);
    *ret_pair = pair;
    return true;
}
