/* loss_lovasz.c - the Lovasz extension of IoU: errors sorted, slopes from the steps of the IoU. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/loss.h"

/* An error's bits, complemented so that the largest comes first, and where it belongs. */
struct entry {
    uint64_t key;
    uint64_t place; /* of the element in run->errors */
};

static void scatter(const struct entry *from, struct entry *to, size_t n, int shift, size_t *starts)
{
    for (size_t i = 0; i < n; i++)
        to[starts[from[i].key >> shift & 0xff]++] = from[i];
}

/* Stable, by one byte of the key at a time; returns where the result lies. */
static struct entry *sort(struct entry *entries, struct entry *room, size_t n)
{
    for (int shift = 0; shift < 64; shift += 8) {
        size_t counts[256] = {0};
        size_t start = 0;
        for (size_t i = 0; i < n; i++)
            counts[entries[i].key >> shift & 0xff]++;
        if (counts[entries[0].key >> shift & 0xff] == n)
            continue;
        for (int digit = 0; digit < 256; digit++) {
            size_t count = counts[digit];
            counts[digit] = start;
            start += count;
        }
        scatter(entries, room, n, shift, counts);
        struct entry *swap = entries;
        entries = room;
        room = swap;
    }
    return entries;
}

/* The voxels of one class that count, of one sample: those left out are NaN. */
static size_t list_errors(const struct ov_loss_run *run, uint64_t sample, uint64_t class,
                          struct entry *entries)
{
    const struct ov__plan *plan = &run->plan;
    uint64_t first = (sample * plan->n_classes + class) * plan->n_voxels;
    size_t n = 0;
    for (uint64_t i = first; i < first + plan->n_voxels; i++) {
        double error = fabs(run->errors[i]);
        if (isnan(error))
            continue;
        memcpy(&entries[n].key, &error, sizeof error);
        entries[n].key = ~entries[n].key;
        entries[n++].place = i;
    }
    return n;
}

static double sign_of(double x)
{
    return (double)((x > 0) - (x < 0));
}

/* The loss of sorted errors; the errors become slopes. */
static double descend(struct ov_loss_run *run, const struct entry *entries, size_t n)
{
    double total = 0;
    double loss = 0;
    double before = 0;
    for (size_t i = 0; i < n; i++)
        total += run->truths[entries[i].place];
    double intersection = total;
    double both = total;
    for (size_t i = 0; i < n; i++) {
        double error = run->errors[entries[i].place];
        double g = run->truths[entries[i].place];
        intersection -= g;
        both += 1 - g;
        double after = both > 0 ? 1 - intersection / both : 0;
        loss += fabs(error) * (after - before);
        run->errors[entries[i].place] = (after - before) * sign_of(error);
        before = after;
    }
    return loss;
}

static void clear_left_out(struct ov_loss_run *run)
{
    const struct ov__plan *plan = &run->plan;
    for (uint64_t i = 0; i < plan->n_samples * plan->n_classes * plan->n_voxels; i++) {
        if (isnan(run->errors[i]))
            run->errors[i] = 0;
    }
}

static double group_value(struct ov_loss_run *run, uint64_t group, uint64_t class,
                          struct entry *entries, size_t room)
{
    const struct ov__plan *plan = &run->plan;
    uint64_t end = plan->options.batch ? plan->n_samples : group + 1;
    size_t n = 0;
    for (uint64_t sample = group; sample < end; sample++)
        n += list_errors(run, sample, class, entries + n);
    return n == 0 ? 0 : descend(run, sort(entries, entries + room, n), n);
}

enum ov_status ov__lovasz_values(struct ov_loss_run *run, double *ret_group_values)
{
    const struct ov__plan *plan = &run->plan;
    uint64_t n_groups = plan->options.batch ? 1 : plan->n_samples;
    uint64_t room = plan->n_voxels * (plan->options.batch ? plan->n_samples : 1);
    struct entry *entries =
        room <= SIZE_MAX / 2 / sizeof *entries ? malloc((size_t)room * 2 * sizeof *entries) : NULL;
    if (entries == NULL)
        return OV_ENOMEM;
    for (uint64_t group = 0; group < n_groups; group++) {
        for (uint64_t class = plan->first_class; class < plan->n_classes; class ++)
            *ret_group_values++ = group_value(run, group, class, entries, (size_t)room);
    }
    clear_left_out(run);
    free(entries);
    return OV_OK;
}
