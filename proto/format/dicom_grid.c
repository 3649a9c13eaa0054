/* dicom_grid.c - the frames of a DICOM segmentation on one grid: slices, shape and affine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/dicom_seg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Directions are unit vectors at right angles to this, as 16 characters a number can write them. */
#define DIRECTION_TOLERANCE 1e-3
/* Frames this part of a pixel apart lie on one slice. */
#define SAME_SLICE 1e-2
/*
 * How far a frame may lie from its place on the grid: this part of the smallest step. Also how far
 * the slices' distance may be from what it was taken for.
 */
#define PLACE_TOLERANCE 0.1
/* No file has more: a bound on arithmetic, not the limit on voxels. */
#define SLICES_MAX 0x1p31

/* The grid being found. */
struct grid {
    struct seg *seg;
    double normal[3];
    double pixel_mm; /* the smaller spacing; 0 where it is not known */
    double step[3];  /* from slice to slice */
};

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double a[3], const double b[3], double ret_product[3])
{
    ret_product[0] = a[1] * b[2] - a[2] * b[1];
    ret_product[1] = a[2] * b[0] - a[0] * b[2];
    ret_product[2] = a[0] * b[1] - a[1] * b[0];
}

static bool bad(const struct grid *grid, const char *what, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_BAD_MASK, grid->seg->file.pointer,
                       "The frames of the DICOM segmentation cannot be placed: %s.", what);
}

/* ---- order ----------------------------------------------------------------------------------- */

static int by_distance(const void *a, const void *b)
{
    const struct seg_frame *left = a;
    const struct seg_frame *right = b;

    return (left->distance_mm > right->distance_mm) - (left->distance_mm < right->distance_mm);
}

static int by_slice(const void *a, const void *b)
{
    const struct seg_frame *left = a;
    const struct seg_frame *right = b;

    if (left->slice != right->slice)
        return left->slice > right->slice ? 1 : -1;
    return (left->segment > right->segment) - (left->segment < right->segment);
}

/* Two frames of one segment on one slice: a segmentation in time, or a damaged one. */
static bool check_frames_differ(const struct grid *grid, struct problem *reterr)
{
    const struct seg *seg = grid->seg;

    for (size_t i = 1; i < seg->n_read; i++) {
        const struct seg_frame *frame = &seg->frames[i];

        if (by_slice(frame - 1, frame) == 0)
            return problem_set(reterr, PROBLEM_BAD_MASK, seg->file.pointer,
                               "Frames %lu and %lu of the DICOM segmentation are of one segment "
                               "(%u) and %s.",
                               (unsigned long)frame[-1].i_pixels + 1,
                               (unsigned long)frame->i_pixels + 1, frame->segment,
                               frame->has_position ? "lie at one place"
                                                   : "have no ImagePositionPatient (0020,0032)");
    }
    return true;
}

/* ---- slices ---------------------------------------------------------------------------------- */

static bool find_normal(struct grid *grid, struct problem *reterr)
{
    const struct seg_planes *planes = &grid->seg->planes;
    const double *row = planes->orientation;
    const double *column = planes->orientation + 3;

    if (!planes->has_orientation)
        return bad(grid, "they have positions, but no ImageOrientationPatient (0020,0037)", reterr);
    if (!(fabs(dot(row, row) - 1) <= 2 * DIRECTION_TOLERANCE &&
          fabs(dot(column, column) - 1) <= 2 * DIRECTION_TOLERANCE &&
          fabs(dot(row, column)) <= DIRECTION_TOLERANCE))
        return bad(grid,
                   "the two directions of ImageOrientationPatient (0020,0037) are not of length 1 "
                   "and at right angles",
                   reterr);
    cross(row, column, grid->normal);
    if (planes->has_spacing)
        grid->pixel_mm = fmin(planes->spacing_mm[0], planes->spacing_mm[1]);
    return true;
}

static bool sort_by_distance(const struct grid *grid, struct problem *reterr)
{
    struct seg *seg = grid->seg;

    for (size_t i = 0; i < seg->n_read; i++) {
        struct seg_frame *frame = &seg->frames[i];

        if (!frame->has_position)
            return bad(grid, "some have an ImagePositionPatient (0020,0032), others have none",
                       reterr);
        frame->distance_mm = dot(grid->normal, frame->position);
    }
    qsort(seg->frames, seg->n_read, sizeof(*seg->frames), by_distance);
    return true;
}

/* From the frame before it; 0 on the same slice. */
static double gap_before(const struct grid *grid, size_t i)
{
    const struct seg_frame *frame = &grid->seg->frames[i];
    double gap = frame->distance_mm - frame[-1].distance_mm;

    return gap > SAME_SLICE * (grid->pixel_mm > 0 ? grid->pixel_mm : SAME_SLICE) ? gap : 0;
}

static double smallest_gap(const struct grid *grid)
{
    double smallest = 0;

    for (size_t i = 1; i < grid->seg->n_read; i++) {
        double gap = gap_before(grid, i);

        if (gap > 0 && (smallest == 0 || gap < smallest))
            smallest = gap;
    }
    return smallest;
}

/*
 * Number the slices, `step_mm` apart. Positions are rounded when they are written, so the step is
 * taken anew from all that has been numbered; else the error of one would add up.
 */
static bool number_slices(const struct grid *grid, double step_mm)
{
    struct seg_frame *frames = grid->seg->frames;
    double slice = 0;

    frames[0].slice = 0;
    for (size_t i = 1; i < grid->seg->n_read; i++) {
        double gap = gap_before(grid, i);

        if (gap > 0) {
            slice += fmax(1, round(gap / step_mm));
            if (!(slice < SLICES_MAX))
                return false;
            step_mm = (frames[i].distance_mm - frames[0].distance_mm) / slice;
        }
        frames[i].slice = (uint32_t)slice;
    }
    return true;
}

/* From the first slice to the last one, divided. Gantries tilt, so it need not be the normal. */
static void find_step(struct grid *grid, double alone_mm)
{
    const struct seg_frame *first = &grid->seg->frames[0];
    const struct seg_frame *last = &grid->seg->frames[grid->seg->n_read - 1];

    for (size_t i = 0; i < 3; i++)
        grid->step[i] = last->slice > 0 ? (last->position[i] - first->position[i]) / last->slice
                                        : grid->normal[i] * alone_mm;
}

static bool are_in_place(const struct grid *grid)
{
    const struct seg_frame *first = &grid->seg->frames[0];
    double smallest_mm = sqrt(dot(grid->step, grid->step));
    double most_mm;

    if (grid->pixel_mm > 0)
        smallest_mm = fmin(smallest_mm, grid->pixel_mm);
    most_mm = PLACE_TOLERANCE * smallest_mm;
    for (size_t i = 0; i < grid->seg->n_read; i++) {
        const struct seg_frame *frame = &grid->seg->frames[i];

        for (size_t axis = 0; axis < 3; axis++) {
            double place = first->position[axis] + grid->step[axis] * frame->slice;

            if (!(fabs(frame->position[axis] - place) <= most_mm))
                return false;
        }
    }
    return true;
}

static bool fit(struct grid *grid, double step_mm)
{
    if (!(step_mm > 0) || !number_slices(grid, step_mm))
        return false;
    find_step(grid, step_mm);
    return fabs(dot(grid->step, grid->normal) - step_mm) <= PLACE_TOLERANCE * step_mm &&
           are_in_place(grid);
}

/* SpacingBetweenSlices, where it fits, knows of slices that no two frames are next to. */
static bool find_slices(struct grid *grid, struct problem *reterr)
{
    const struct seg_planes *planes = &grid->seg->planes;
    double gap = smallest_gap(grid);

    if (fit(grid, planes->between_mm))
        return true;
    if (gap == 0)
        gap = planes->thickness_mm > 0 ? planes->thickness_mm : 1;
    return fit(grid, gap) ||
           problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, grid->seg->file.pointer,
                       "The frames of the DICOM segmentation lie on no one grid: the distances "
                       "between slices are no multiples of one (SpacingBetweenSlices is %.7g mm, "
                       "the smallest distance %.7g mm), or frames are shifted sideways. Resample "
                       "it.",
                       planes->between_mm, smallest_gap(grid));
}

/* ---- the header ------------------------------------------------------------------------------ */

/* DICOM counts to the left and to the back, the affine to the right and to the front. */
static void fill_affine(const struct grid *grid, struct mask_header *header)
{
    static const double sign[3] = {-1, -1, 1};
    const struct seg_planes *planes = &grid->seg->planes;

    header->has_affine = planes->has_spacing;
    header->is_open_ended = planes->has_spacing;
    for (size_t i = 0; i < 3; i++) {
        header->affine[i][0] = sign[i] * planes->orientation[i] * planes->spacing_mm[1];
        header->affine[i][1] = sign[i] * planes->orientation[3 + i] * planes->spacing_mm[0];
        header->affine[i][2] = sign[i] * grid->step[i];
        header->affine[i][3] = sign[i] * grid->seg->frames[0].position[i];
    }
}

static bool place_by_position(struct grid *grid, struct mask_header *header, struct problem *reterr)
{
    if (!find_normal(grid, reterr) || !sort_by_distance(grid, reterr) || !find_slices(grid, reterr))
        return false;
    fill_affine(grid, header);
    return true;
}

bool seg_place(struct seg *seg, struct mask_header *header, struct problem *reterr)
{
    struct grid grid = {.seg = seg};
    bool has_positions = false;

    for (size_t i = 0; i < seg->n_read; i++) {
        has_positions = has_positions || seg->frames[i].has_position;
        seg->frames[i].slice = 0;
    }
    /* Without positions, as of an X-ray, all frames are of one plane. */
    if (has_positions && !place_by_position(&grid, header, reterr))
        return false;
    qsort(seg->frames, seg->n_read, sizeof(*seg->frames), by_slice);
    header->ndim = 3;
    header->order = OV_ORDER_F;
    header->shape[0] = seg->columns;
    header->shape[1] = seg->rows;
    header->shape[2] = (uint64_t)seg->frames[seg->n_read - 1].slice + 1;
    return check_frames_differ(&grid, reterr);
}
