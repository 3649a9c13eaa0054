/* scene.h - what a phantom shows: ellipsoids, bent, painted line by line. For phantom.c alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLES_SCENE_H
#define EXAMPLES_SCENE_H

/*
 * On one line along x an ellipsoid is one span, so painting costs lines and not voxels. A smooth
 * displacement bends the whole scene, which makes organs of ellipsoids. The prediction is the same
 * scene bent about two voxels further, with some of it missed and some stray blobs.
 */

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    bool is_image;
    const char *directory;
    const char *format;
    unsigned size[3]; /* x, y, z; z is 1 for an image */
    unsigned n_labels;
    uint64_t seed;
    bool is_random;
};

struct ellipsoid {
    uint16_t label;
    double center[3];
    double radius[3];
    double shear[2]; /* how far the center of a line moves in x per voxel in y and in z */
};

/* Displacement along each axis at (y, z): two long waves and a short one, which roughens borders.
 */
struct warp {
    double amplitude[3]; /* voxels */
    double wave[3][3];   /* radians per voxel */
    double phase[3][3];
};

struct scene {
    size_t n_ellipsoids;
    struct ellipsoid *ellipsoids; /* later ones lie on top */
    struct warp bend, shift;      /* shift is what the prediction has beyond the reference */
};

/* ---- the scene ------------------------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state, double low, double high)
{
    return low + (high - low) * (double)(next_random(state) >> 11) * 0x1p-53;
}

static void *allocate(size_t n, size_t bytes)
{
    void *memory = calloc(n ? n : 1, bytes);
    if (!memory) {
        fputs("phantom: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static struct warp warp_draw(uint64_t *state, const struct options *o, double voxels)
{
    struct warp warp;
    for (int axis = 0; axis < 3; axis++) {
        warp.amplitude[axis] = axis == 2 ? voxels / 3 : voxels; /* slices are thicker */
        for (int i = 0; i < 3; i++) {
            double longest = i == 2 ? 0 : 0.7 * o->size[i + 1];
            double length = uniform(state, longest / 3, longest) + 8;
            warp.wave[axis][i] = 6.283185307179586 / length;
            warp.phase[axis][i] = uniform(state, 0, 6.283185307179586);
        }
    }
    return warp;
}

static double warp_at(const struct warp *warp, int axis, double y, double z)
{
    const double *wave = warp->wave[axis], *phase = warp->phase[axis];
    double smooth = sin(wave[0] * y + phase[0]) + sin(wave[1] * z + phase[1]);
    double rough = sin(wave[2] * (y + 1.7 * z) + phase[2]);
    return warp->amplitude[axis] * 0.7 * smooth + 0.4 * rough;
}

/* A place inside the body: an ellipse that fills most of each slice. */
static struct ellipsoid ellipsoid_draw(uint64_t *state, const struct options *o, unsigned label,
                                       double low, double high)
{
    struct ellipsoid e = {.label = (uint16_t)label};
    double angle = uniform(state, 0, 6.283185307179586);
    double distance = sqrt(uniform(state, 0, 1));
    double place[3] = {0.5 + 0.34 * distance * cos(angle), 0.5 + 0.30 * distance * sin(angle),
                       uniform(state, 0.12, 0.88)};
    for (int axis = 0; axis < 3; axis++) {
        e.center[axis] = place[axis] * o->size[axis];
        e.radius[axis] = uniform(state, low, high) * o->size[axis] + 0.6;
    }
    e.shear[0] = uniform(state, -0.5, 0.5);
    e.shear[1] = uniform(state, -0.3, 0.3);
    return e;
}

/* Organs: one large ellipsoid per label and one that makes it lopsided, the small labels last. */
static void scene_organs(struct scene *scene, const struct options *o, uint64_t *state)
{
    scene->ellipsoids = allocate(2 * (size_t)o->n_labels, sizeof *scene->ellipsoids);
    double crowd = pow(8.0 / (o->n_labels > 8 ? o->n_labels : 8), 0.25);
    for (unsigned label = 1; label <= o->n_labels; label++) {
        double scale = crowd * (1.15 - 0.85 * label / o->n_labels);
        struct ellipsoid e = ellipsoid_draw(state, o, label, 0.13 * scale, 0.22 * scale);
        struct ellipsoid lobe = e;
        for (int axis = 0; axis < 3; axis++) {
            lobe.center[axis] += uniform(state, -0.7, 0.7) * e.radius[axis];
            lobe.radius[axis] *= uniform(state, 0.5, 0.9);
        }
        scene->ellipsoids[scene->n_ellipsoids++] = e;
        scene->ellipsoids[scene->n_ellipsoids++] = lobe;
    }
}

/* Cells of an image: many, of a size in pixels, common labels first. */
static void scene_cells(struct scene *scene, const struct options *o, uint64_t *state)
{
    size_t n = (size_t)o->size[0] * o->size[1] / 900 + o->n_labels;
    scene->ellipsoids = allocate(n, sizeof *scene->ellipsoids);
    for (size_t i = 0; i < n; i++) {
        double draw = uniform(state, 0, 1);
        unsigned label =
            i < o->n_labels ? (unsigned)i + 1 : 1 + (unsigned)(draw * draw * o->n_labels);
        struct ellipsoid e = ellipsoid_draw(state, o, label, 0, 0);
        for (int axis = 0; axis < 2; axis++) {
            e.center[axis] = uniform(state, 0, o->size[axis]);
            e.radius[axis] = uniform(state, 5, 13);
        }
        e.center[2] = 0;
        scene->ellipsoids[scene->n_ellipsoids++] = e;
    }
}

/* What a model overlooks: the last label of a volume, one in fifteen cells of an image. */
static bool is_missed(const struct ellipsoid *e, const struct options *o, uint64_t *state)
{
    if (o->is_image)
        return next_random(state) % 15 == 0;
    return o->n_labels > 3 && e->label == o->n_labels;
}

/* What the prediction sees: a little more or less of what is there, and stray blobs. */
static struct scene scene_predict(const struct scene *truth, const struct options *o,
                                  uint64_t *state)
{
    size_t n_stray = 12;
    struct scene seen = {.bend = truth->bend, .shift = warp_draw(state, o, 2.0)};
    seen.ellipsoids = allocate(truth->n_ellipsoids + n_stray, sizeof *seen.ellipsoids);
    for (size_t i = 0; i < truth->n_ellipsoids; i++) {
        struct ellipsoid e = truth->ellipsoids[i];
        if (is_missed(&e, o, state))
            continue;
        for (int axis = 0; axis < 3; axis++)
            e.radius[axis] *= uniform(state, 0.97, 1.03);
        seen.ellipsoids[seen.n_ellipsoids++] = e;
    }
    for (size_t i = 0; i < n_stray; i++) {
        size_t like = (size_t)(uniform(state, 0, 1) * (double)truth->n_ellipsoids);
        struct ellipsoid e = ellipsoid_draw(state, o, truth->ellipsoids[like].label, 0.006, 0.018);
        if (o->is_image)
            e.center[2] = 0;
        if (o->is_image || !is_missed(&e, o, state))
            seen.ellipsoids[seen.n_ellipsoids++] = e;
    }
    return seen;
}

/* ---- painting -------------------------------------------------------------------------------- */

static void paint_span(const struct ellipsoid *e, const double at[3], unsigned width,
                       uint16_t *line)
{
    double y = at[1] - e->center[1], z = at[2] - e->center[2];
    double ry = y / e->radius[1], rz = z / e->radius[2];
    double rest = 1 - ry * ry - rz * rz;
    if (rest <= 0)
        return;
    double half = e->radius[0] * sqrt(rest);
    double middle = e->center[0] + at[0] + e->shear[0] * y + e->shear[1] * z;
    double first = ceil(fmax(middle - half, 0)), last = floor(fmin(middle + half, width - 1.0));
    for (double x = first; x <= last; x++)
        line[(size_t)x] = e->label;
}

static void paint_slice(const struct scene *scene, const struct options *o, unsigned z,
                        uint16_t *slice)
{
    memset(slice, 0, sizeof *slice * o->size[0] * o->size[1]);
    for (unsigned y = 0; y < o->size[1]; y++) {
        double at[3] = {0, y, z}; /* where the line lies in the unbent scene, and how far in x */
        for (int axis = 0; axis < 3; axis++) {
            if (axis == 2 && o->is_image)
                continue;
            at[axis] += warp_at(&scene->bend, axis, y, z) + warp_at(&scene->shift, axis, y, z);
        }
        for (size_t i = 0; i < scene->n_ellipsoids; i++)
            paint_span(&scene->ellipsoids[i], at, o->size[0], slice + (size_t)y * o->size[0]);
    }
}

/* Both masks draw the same labels; the prediction then draws one in ten again. */
static void random_slice(const struct options *o, bool is_prediction, unsigned z, uint16_t *slice)
{
    uint64_t truth = o->seed * 0x100000001b3u + z, error = ~truth;
    size_t n = (size_t)o->size[0] * o->size[1];
    for (size_t i = 0; i < n; i++) {
        slice[i] = (uint16_t)(next_random(&truth) % (o->n_labels + 1));
        if (is_prediction && next_random(&error) % 10 == 0)
            slice[i] = (uint16_t)(next_random(&error) % (o->n_labels + 1));
    }
}

#endif
