/* loss_target.c - what is true of each voxel: its class, or how much of each class it is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "lib/loss.h"

void ov__find_note(struct ov__find *find, enum ov_status status, enum ov_loss_input input,
                   uint64_t index)
{
    const struct ov_offence *first = &find->offence;
    if (find->status != OV_OK &&
        (first->input < input || (first->input == input && first->index <= index)))
        return;
    *find = (struct ov__find){.status = status, .offence = {.input = input, .index = index}};
}

/* Doubles hold every integer that could be a class. */
static enum ov_status class_of(const struct ov__plan *plan, double label, int32_t *ret_class)
{
    uint64_t n = plan->n_classes > 1 ? plan->n_classes : 2;
    *ret_class = OV__CLASS_LEFT_OUT;
    if (plan->options.has_ignore && label == (double)plan->options.ignore)
        return OV_OK;
    if (label >= 0 && label < (double)n && label == floor(label)) {
        *ret_class = (int32_t)label;
        return OV_OK;
    }
    if (isnan(label))
        return OV_ENAN;
    return label != floor(label) ? OV_EFRACTION : OV_ECLASS;
}

enum { CHUNK = 256 };

static void read_labels(const struct ov__plan *plan, struct ov__row row, int32_t *ret_classes,
                        struct ov__find *find)
{
    double labels[CHUNK];
    for (size_t done = 0; done < row.n; done += CHUNK) {
        struct ov__row part = row;
        part.first += done;
        part.n = row.n - done < CHUNK ? row.n - done : CHUNK;
        ov__planes_load_doubles(&plan->target, part, labels);
        for (size_t i = 0; i < part.n; i++) {
            enum ov_status status = class_of(plan, labels[i], &ret_classes[done + i]);
            if (status != OV_OK)
                ov__find_note(find, status, OV_LOSS_TARGET,
                              row.sample * plan->n_voxels + part.first + i);
        }
    }
}

static void apply_mask(const struct ov__plan *plan, struct ov__row row, int32_t *classes)
{
    float counts[CHUNK];
    for (size_t done = 0; done < row.n; done += CHUNK) {
        struct ov__row part = row;
        part.first += done;
        part.n = row.n - done < CHUNK ? row.n - done : CHUNK;
        ov__planes_load_floats(&plan->mask, part, counts);
        for (size_t i = 0; i < part.n; i++) {
            if (counts[i] == 0)
                classes[done + i] = OV__CLASS_LEFT_OUT;
        }
    }
}

void ov__target_classes(const struct ov__plan *plan, struct ov__span span, int32_t *ret_classes,
                        struct ov__find *find)
{
    struct ov__row row = ov__span_row(span, 0);
    if (plan->options.target == OV_TARGET_LABELS)
        read_labels(plan, row, ret_classes, find);
    else
        memset(ret_classes, 0, span.n * sizeof *ret_classes);
    if (plan->mask.data != NULL)
        apply_mask(plan, row, ret_classes);
}

static enum ov_status check_amount(const struct ov__plan *plan, double g)
{
    bool is_sound = plan->options.target == OV_TARGET_SOFT ? g >= 0 && g <= 1 : g == 0 || g == 1;
    if (is_sound)
        return OV_OK;
    if (isnan(g))
        return OV_ENAN;
    return isinf(g) ? OV_EINFINITE : OV_EPROBABILITY;
}

static void read_amounts(const struct ov__plan *plan, struct ov__row row, double *ret_g,
                         struct ov__find *find)
{
    ov__planes_load_doubles(&plan->target, row, ret_g);
    for (size_t i = 0; i < row.n; i++) {
        enum ov_status status = check_amount(plan, ret_g[i]);
        if (status != OV_OK)
            ov__find_note(find, status, OV_LOSS_TARGET, ov__plan_index(plan, row, i));
    }
}

void ov__target_row(const struct ov__plan *plan, struct ov__span span, uint64_t class,
                    const int32_t *classes, double *ret_g, struct ov__find *find)
{
    if (plan->options.target == OV_TARGET_LABELS) {
        int32_t foreground = plan->n_classes > 1 ? (int32_t) class : 1;
        for (size_t i = 0; i < span.n; i++)
            ret_g[i] = classes[i] == foreground;
        return;
    }
    read_amounts(plan, ov__span_row(span, class), ret_g, find);
    for (size_t i = 0; i < span.n; i++) {
        if (classes[i] == OV__CLASS_LEFT_OUT)
            ret_g[i] = 0;
    }
}
