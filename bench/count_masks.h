/* count_masks.h - pairs of volumes to count: blobs and noise, the same every time. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COUNT_MASKS_H
#define COUNT_MASKS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { N_X = 512, N_Y = 512, N_STRAY = 12 };

/* xorshift64 (Marsaglia 2003). */
static inline uint64_t masks_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline double masks_uniform(uint64_t *state, double low, double high)
{
    return low + (high - low) * (double)(masks_random(state) >> 11) * 0x1p-53;
}

/* An ellipsoid with a wavy surface. */
struct blob {
    double centre[3];
    double radius[3];
    double phase[2];
    uint8_t label;
};

static inline void draw_row(uint8_t *row, const struct blob *blob, double y, double z)
{
    double centre = blob->centre[0] + 3 * sin(y / 9 + blob->phase[0]);
    double wave = 1 + .12 * sin(z / 7 + blob->phase[1]) * cos(y / 11 + blob->phase[0]);
    double dy = (y - blob->centre[1]) / blob->radius[1];
    double dz = (z - blob->centre[2]) / blob->radius[2];
    double left = 1 - dy * dy - dz * dz;
    if (left <= 0)
        return;
    double half = blob->radius[0] * wave * sqrt(left);
    double from = fmax(0, ceil(centre - half));
    double to = fmin(N_X - 1, floor(centre + half));
    if (from <= to)
        memset(row + (size_t)from, blob->label, (size_t)(to - from) + 1);
}

static inline void draw_blob(uint8_t *mask, int n_z, const struct blob *blob)
{
    for (int z = 0; z < n_z; z++) {
        if (fabs(z - blob->centre[2]) > blob->radius[2])
            continue;
        for (int y = 0; y < N_Y; y++)
            draw_row(mask + ((size_t)z * N_Y + (size_t)y) * N_X, blob, y, z);
    }
}

/* Somewhere in the body; a few are large and most are small, `share` of the volume together. */
static inline struct blob make_blob(uint64_t *state, int n_z, int n_blobs, double share)
{
    struct blob blob;
    double volume = share * N_X * N_Y * n_z / n_blobs * exp(masks_uniform(state, -1, .8));
    double radius = cbrt(volume * 3 / 4 / 3.14159);
    const double size[] = {N_X, N_Y, n_z};
    for (int i = 0; i < 3; i++) {
        blob.radius[i] = radius * masks_uniform(state, .75, 1.3);
        blob.centre[i] = masks_uniform(state, .2, .8) * size[i];
    }
    blob.radius[2] *= n_z / 512. + .3;
    for (int i = 0; i < 2; i++)
        blob.phase[i] = masks_uniform(state, 0, 6);
    return blob;
}

/* The prediction has each structure about two voxels off, and some where there is nothing. */
static inline void make_blobs(uint8_t *prediction, uint8_t *reference, int n_z, int n_labels,
                              double share)
{
    uint64_t state = 0x9e3779b97f4a7c15u;
    memset(prediction, 0, (size_t)N_X * N_Y * (size_t)n_z);
    memset(reference, 0, (size_t)N_X * N_Y * (size_t)n_z);
    for (int label = 1; label < n_labels; label++) {
        struct blob blob = make_blob(&state, n_z, n_labels - 1, share);
        blob.label = (uint8_t)label;
        draw_blob(reference, n_z, &blob);
        for (int i = 0; i < 3; i++)
            blob.centre[i] += masks_uniform(&state, -2, 2);
        draw_blob(prediction, n_z, &blob);
    }
    for (int i = 0; i < N_STRAY; i++) {
        struct blob blob = make_blob(&state, n_z, 1, 1e-5);
        blob.label = (uint8_t)(1 + i % (n_labels - 1));
        draw_blob(prediction, n_z, &blob);
    }
}

static inline void make_noise(uint8_t *mask, size_t n, int n_labels, uint64_t seed)
{
    uint64_t state = seed;
    for (size_t i = 0; i < n; i++)
        mask[i] = (uint8_t)((masks_random(&state) >> 40) % (uint64_t)n_labels);
}

static inline uint64_t joint_runs(const uint8_t *prediction, const uint8_t *reference, size_t n)
{
    uint64_t n_runs = n > 0;
    for (size_t i = 1; i < n; i++)
        n_runs += prediction[i] != prediction[i - 1] || reference[i] != reference[i - 1];
    return n_runs;
}

#endif
