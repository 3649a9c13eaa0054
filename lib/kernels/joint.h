/*
 * joint.h - the scan for the ends of joint runs, included by scan.h: both masks in one pass, for
 * as much of both is read at a time as of one.
 */
/* SPDX-License-Identifier: Apache-2.0 */

/* Blocks of 64 bytes in which a run ends, and where. */
struct found {
    size_t n;
    uint16_t first[OV__CHUNK / 8 + 1];
    uint64_t mask[OV__CHUNK / 8 + 1];
};

INLINE uint64_t joint_changes(const unsigned char *prediction, const unsigned char *reference,
                              size_t width)
{
    const uint64_t lane_starts = UINT64_MAX / ((1u << width) - 1);
    return (changes(prediction, width) | changes(reference, width)) & lane_starts;
}

/* No branch depends on the data: at the border of structures any would be as good as random. */
INLINE void find(struct found *found, size_t first, uint64_t mask)
{
    found->first[found->n] = (uint16_t)first;
    found->mask[found->n] = mask;
    found->n += mask != 0;
}

/* The elements from i on, fewer than a block: by a last block that overlaps the one before it. */
INLINE void find_rest(struct found *found, const unsigned char *prediction,
                      const unsigned char *reference, size_t i, size_t n, size_t width)
{
    const size_t step = 64 / width;
    uint64_t mask = 0;
    if (n > step && i + 1 < n) {
        size_t first = n - 1 - step;
        mask = joint_changes(prediction + first * width, reference + first * width, width);
        find(found, first, mask & UINT64_MAX << (i - first) * width);
        return;
    }
    for (size_t k = i; k + 1 < n; k++) {
        const unsigned char *p = prediction + k * width, *r = reference + k * width;
        bool differs = memcmp(p, p + width, width) != 0 || memcmp(r, r + width, width) != 0;
        mask |= (uint64_t)differs << (k - i) * width;
    }
    find(found, i, mask);
}

INLINE size_t joint(const unsigned char *prediction, const unsigned char *reference, size_t n,
                    size_t width, uint16_t *ret_ends)
{
    const size_t step = 64 / width;
    struct found found;
    found.n = 0;
    size_t i = 0;
    for (; i + 4 * step < n; i += 4 * step) {
        const unsigned char *p = prediction + i * width, *r = reference + i * width;
        if (is_filled(p, width) & is_filled(r, width))
            continue;
        UNROLL
        for (size_t k = 0; k < 4; k++)
            find(&found, i + k * step, joint_changes(p + 64 * k, r + 64 * k, width));
    }
    for (; i + step < n; i += step)
        find(&found, i, joint_changes(prediction + i * width, reference + i * width, width));
    find_rest(&found, prediction, reference, i, n, width);
    uint16_t *ends = ret_ends;
    for (size_t k = 0; k < found.n; k++)
        ends = spell(found.mask[k], found.first[k], width, ends);
    *ends++ = (uint16_t)(n - 1);
    return (size_t)(ends - ret_ends);
}

static TARGET size_t joint8(const void *prediction, const void *reference, size_t n,
                            uint16_t *ret_ends)
{
    return joint(prediction, reference, n, 1, ret_ends);
}

static TARGET size_t joint16(const void *prediction, const void *reference, size_t n,
                             uint16_t *ret_ends)
{
    return joint(prediction, reference, n, 2, ret_ends);
}

static TARGET size_t joint32(const void *prediction, const void *reference, size_t n,
                             uint16_t *ret_ends)
{
    return joint(prediction, reference, n, 4, ret_ends);
}

static TARGET size_t joint64(const void *prediction, const void *reference, size_t n,
                             uint16_t *ret_ends)
{
    return joint(prediction, reference, n, 8, ret_ends);
}
