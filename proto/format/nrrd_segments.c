/* nrrd_segments.c - what Slicer's .seg.nrrd says of segments: their values, layers and names. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/nrrd.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXTENT_MAX 2147483647.0 /* Slicer's are ints */

void nrrd_segments_done(struct nrrd_segments *segments)
{
    free(segments->at);
    growth_done(&segments->growth);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* The segment of a number, made where it is new. */
static struct nrrd_segment *segment_of(struct nrrd *nrrd, uint64_t number)
{
    struct nrrd_segments *segments = &nrrd->segments;

    if (number >= NRRD_SEGMENTS_MAX) {
        lines_unsupported(nrrd->lines, "segments are numbered from 0 to 4095");
        return NULL;
    }
    while (segments->n <= number) {
        struct nrrd_segment *at = growth_room(&segments->growth, segments->at, segments->n,
                                              &segments->cap, sizeof(*at), nrrd->lines->reterr);

        if (at == NULL)
            return NULL;
        segments->at = at;
        memset(&at[segments->n++], 0, sizeof(*at));
    }
    segments->at[number].exists = true;
    return &segments->at[number];
}

/* "\n" and "\\" stand for a line's end and a backslash. */
static void set_name(struct nrrd_segment *segment, const char *value)
{
    size_t n = 0;

    for (; *value != '\0' && n < sizeof(segment->name); value++) {
        bool escaped = *value == '\\' && (value[1] == 'n' || value[1] == '\\');

        value += escaped;
        segment->name[n] = *value;
        if (escaped && *value == 'n')
            segment->name[n] = '\n';
        n++;
    }
    segment->n_name = n;
}

static bool set_layer(struct nrrd *nrrd, struct nrrd_segment *segment, const char *value)
{
    size_t n;

    if (segment->has_layer || !lines_naturals(value, &segment->layer, 1, &n))
        return lines_bad(nrrd->lines, "a layer is there twice, or no natural number");
    segment->has_layer = true;
    return true;
}

static bool set_value(struct nrrd *nrrd, struct nrrd_segment *segment, const char *value)
{
    uint64_t magnitude;
    bool is_negative = *value == '-';
    size_t n;

    if (segment->has_label || !lines_naturals(value + is_negative, &magnitude, 1, &n) ||
        magnitude > OV_LABEL_MAX)
        return lines_bad(nrrd->lines, "a label value is there twice, or no label");
    segment->has_label = true;
    segment->value = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

/* "Segment", a number, "_", and what is said of it. */
static bool read_segment(struct nrrd *nrrd, const char *key, const char *value)
{
    struct nrrd_segment *segment;
    uint64_t number;

    if (*key < '0' || *key > '9' || !lines_natural(&key, &number) || *key != '_')
        return true;
    segment = segment_of(nrrd, number);
    if (segment == NULL)
        return false;
    if (strcmp(key, "_LabelValue") == 0)
        return set_value(nrrd, segment, value);
    if (strcmp(key, "_Layer") == 0)
        return set_layer(nrrd, segment, value);
    if (strcmp(key, "_Name") == 0 || (strcmp(key, "_ID") == 0 && !segment->has_name))
        set_name(segment, value);
    segment->has_name = segment->has_name || strcmp(key, "_Name") == 0;
    return true;
}

/* An extent's ends: [begin, end]. */
static bool read_extent(const double ends[2], uint64_t *ret_n)
{
    if (fabs(ends[0]) > EXTENT_MAX || fabs(ends[1]) > EXTENT_MAX || ends[0] != floor(ends[0]) ||
        ends[1] != floor(ends[1]) || ends[1] < ends[0])
        return false;
    *ret_n = (uint64_t)(ends[1] - ends[0]) + 1;
    return true;
}

/* Sixteen numbers of a matrix from voxels to RAS+, row by row, and six of an extent. */
static void read_reference(struct nrrd_reference *reference, const char *text)
{
    double numbers[22];

    for (size_t i = 0; i < 22; i++, text++) {
        if (!lines_real(&text, &numbers[i]) || *text != ';')
            return; /* a segmentation without a reference leaves this empty */
    }
    for (size_t axis = 0; axis < 3; axis++) {
        if (!read_extent(numbers + 16 + 2 * axis, &reference->shape[axis]))
            return;
    }
    for (size_t row = 0; row < 3; row++) {
        const double *matrix = numbers + 4 * row;

        memcpy(reference->affine[row], matrix, sizeof(reference->affine[row]));
        for (size_t axis = 0; axis < 3; axis++) /* to the extent's first voxel */
            reference->affine[row][3] += matrix[axis] * numbers[16 + 2 * axis];
        if (!isfinite(reference->affine[row][3]))
            return;
    }
    reference->exists = true;
}

static void read_segmentation(struct nrrd_segments *segments, const char *key, const char *value)
{
    static const char geometry[] = "Reference image geometry|";
    const char *found = strstr(value, geometry);

    if (strcmp(key, "ConversionParameters") == 0 && found != NULL)
        read_reference(&segments->reference, found + sizeof(geometry) - 1);
    else if (strcmp(key, "ReferenceImageExtentOffset") == 0)
        segments->is_shifted = strspn(value, "0 ") != strlen(value);
    else if (strcmp(key, "SourceRepresentation") == 0 || strcmp(key, "MasterRepresentation") == 0)
        segments->is_fractional = strcmp(value, "Fractional labelmap") == 0;
}

bool nrrd_segments_key(struct nrrd *nrrd, const char *key, const char *value)
{
    static const char all[] = "Segmentation_", one[] = "Segment";

    if (strncmp(key, all, sizeof(all) - 1) == 0)
        read_segmentation(&nrrd->segments, key + sizeof(all) - 1, value);
    else if (strncmp(key, one, sizeof(one) - 1) == 0)
        return read_segment(nrrd, key + sizeof(one) - 1, value);
    return true;
}

/* ---- labels ---------------------------------------------------------------------------------- */

static bool bad(const struct nrrd *nrrd, uint64_t number, const char *what)
{
    return problem_set(nrrd->lines->reterr, PROBLEM_BAD_MASK, nrrd->lines->pointer,
                       "Segment %" PRIu64 " of the NRRD file %s.", number, what);
}

/* What Slicer takes for granted. */
static bool complete(const struct nrrd *nrrd, struct nrrd_segment *segment, uint64_t number,
                     uint64_t n_layers)
{
    if (!segment->has_layer)
        segment->layer = n_layers == 1 ? 0 : number;
    if (!segment->has_label)
        segment->value = 1;
    if (segment->n_name == 0)
        segment->n_name =
            (size_t)snprintf(segment->name, sizeof(segment->name), "Segment_%" PRIu64, number);
    if (segment->layer >= n_layers)
        return bad(nrrd, number, "is in a layer that the file does not have");
    return segment->value != 0 || bad(nrrd, number, "has the label value 0, which is none");
}

/* Whether every segment has a value of its own in the whole file; within a layer it must. */
static bool compare_values(const struct nrrd *nrrd, bool *ret_unique)
{
    const struct nrrd_segments *segments = &nrrd->segments;

    *ret_unique = true;
    for (size_t i = 0; i < segments->n; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct nrrd_segment *a = &segments->at[i], *b = &segments->at[k];

            if (!a->exists || !b->exists || a->value != b->value)
                continue;
            if (a->layer == b->layer)
                return bad(nrrd, i, "has layer and label value of another one");
            *ret_unique = false;
        }
    }
    return true;
}

/* The name stands in answers, unless the label has another one already. */
static bool name_label(const struct nrrd_segment *segment, struct reader *reader,
                       struct problem *reterr)
{
    struct names *names = reader__source(reader)->names;
    const char *other = names_of(names, segment->label);
    char what[SKIPPED_BYTES];

    if (other == NULL)
        return names_set(names, segment->label, segment->name, segment->n_name, reterr);
    if (strlen(other) == segment->n_name && memcmp(other, segment->name, segment->n_name) == 0)
        return true;
    snprintf(what, sizeof(what), "another name of label %" PRId64, segment->label);
    return reader__skip(reader, what, strlen(what), reterr);
}

/*
 * Each of Slicer's layers numbers its segments from 1. Where that leaves two segments with one
 * value, segments are numbered by their names: as the other mask numbers them, else from 1.
 */
static bool give_label(struct nrrd_segment *segment, uint64_t number, bool unique,
                       struct reader *reader, struct problem *reterr)
{
    struct names *names = reader__source(reader)->names;

    segment->label = unique ? segment->value : (int64_t)number + 1;
    if (names == NULL)
        return true;
    if (!unique)
        return names_label(names, segment->name, segment->n_name, &segment->label, reterr);
    return name_label(segment, reader, reterr);
}

bool nrrd_segments_resolve(struct nrrd *nrrd, struct reader *reader, uint64_t n_layers)
{
    struct nrrd_segments *segments = &nrrd->segments;
    bool unique;

    for (size_t i = 0; i < segments->n; i++) {
        if (segments->at[i].exists && !complete(nrrd, &segments->at[i], i, n_layers))
            return false;
    }
    if (!compare_values(nrrd, &unique))
        return false;
    for (size_t i = 0; i < segments->n; i++) {
        if (segments->at[i].exists &&
            !give_label(&segments->at[i], i, unique, reader, nrrd->lines->reterr))
            return false;
    }
    return true;
}
