/* colors.c - colours to labels, as a request lists them or as COCO's panoptic images encode them.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/colors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/option.h"

#define PANOPTIC "coco_panoptic"
#define OTHER    "*"
#define OPAQUE   255

struct color {
    uint32_t id; /* R + 256 G + 65536 B */
    int64_t label;
};

struct colors {
    const char *source; /* its pointer */
    struct json_pointer pointer;
    bool is_panoptic;
    bool has_other;
    int64_t other;
    enum ov_dtype dtype;
    bool has_last; /* neighbours are mostly of one colour */
    uint32_t last;
    int64_t last_label;
    size_t n_list;
    struct color list[]; /* ascending */
};

/* ---- what the request says ------------------------------------------------------------------- */

static int hex_digit(char letter)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = strchr(digits, letter);

    return letter != '\0' && found != NULL ? (int)(found - digits) % 16 : -1;
}

/* "#rrggbb" */
static bool read_color(const char *text, uint32_t *ret_id)
{
    uint32_t id = 0;

    if (text[0] != '#' || strlen(text) != 7)
        return false;
    for (unsigned i = 0; i < 3; i++) {
        int high = hex_digit(text[1 + 2 * i]), low = hex_digit(text[2 + 2 * i]);

        if (high < 0 || low < 0)
            return false;
        id |= (uint32_t)(16 * high + low) << 8 * i;
    }
    *ret_id = id;
    return true;
}

static bool read_entry(struct colors *colors, const char *name, const json_t *json,
                       struct problem *reterr)
{
    struct json_pointer pointer = json_pointer_to(colors->pointer.text, name);
    struct color *color = &colors->list[colors->n_list];

    if (strcmp(name, OTHER) == 0) {
        colors->has_other = true;
        return option_label(json, pointer.text, &colors->other, reterr);
    }
    if (!read_color(name, &color->id))
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, pointer.text,
                           "A colour is written as #rrggbb, or is * for all others.");
    colors->n_list++;
    return option_label(json, pointer.text, &color->label, reterr);
}

static int compare_colors(const void *a, const void *b)
{
    const struct color *left = a, *right = b;

    return (left->id > right->id) - (left->id < right->id);
}

static bool sort_list(struct colors *colors, struct problem *reterr)
{
    qsort(colors->list, colors->n_list, sizeof(colors->list[0]), compare_colors);
    for (size_t i = 1; i < colors->n_list; i++) {
        if (colors->list[i - 1].id == colors->list[i].id)
            return problem_set(reterr, PROBLEM_BAD_PARAMETER, colors->pointer.text,
                               "The colour #%06x is listed twice.",
                               __builtin_bswap32(colors->list[i].id) >> 8);
    }
    return true;
}

static enum ov_dtype smallest_dtype(const struct colors *colors)
{
    int64_t least = colors->other;
    int64_t most = least;

    if (colors->is_panoptic)
        return OV_U32;
    for (size_t i = 0; i < colors->n_list; i++) {
        least = colors->list[i].label < least ? colors->list[i].label : least;
        most = colors->list[i].label > most ? colors->list[i].label : most;
    }
    if (least < 0)
        return OV_I64;
    return most <= UINT8_MAX ? OV_U8 : most <= UINT16_MAX ? OV_U16 : OV_U32;
}

static bool read_colors(struct colors *colors, json_t *json, struct problem *reterr)
{
    const char *name;
    json_t *value;

    if (json_is_string(json) && strcmp(json_string_value(json), PANOPTIC) == 0) {
        colors->is_panoptic = true;
    } else if (!json_is_object(json) || json_object_size(json) == 0) {
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, colors->pointer.text,
                           "colors must be \"" PANOPTIC "\", or an object of the labels that "
                           "colours stand for: {\"#ff0000\": 1}.");
    }
    json_object_foreach(json, name, value)
    {
        if (!read_entry(colors, name, value, reterr))
            return false;
    }
    colors->dtype = smallest_dtype(colors);
    return sort_list(colors, reterr);
}

bool colors_new(const struct source *source, struct colors **ret_colors, struct problem *reterr)
{
    json_t *json = json_object_get(source->options, "colors");
    size_t n_list = json_object_size(json);
    struct colors *colors;

    if (json == NULL) {
        *ret_colors = NULL;
        return true;
    }
    colors = calloc(1, sizeof(*colors) + n_list * sizeof(colors->list[0]));
    if (colors == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, source->pointer,
                           "There is no memory for a list of colours.");
    colors->source = source->pointer;
    colors->pointer = json_pointer_to(source->pointer, "colors");
    if (!read_colors(colors, json, reterr)) {
        colors_free(colors);
        return false;
    }
    *ret_colors = colors;
    return true;
}

void colors_free(struct colors *colors)
{
    free(colors);
}

enum ov_dtype colors_dtype(const struct colors *colors)
{
    return colors->dtype;
}

/* ---- pixels ---------------------------------------------------------------------------------- */

static bool find_label(const struct colors *colors, uint32_t id, unsigned alpha, int64_t *ret_label)
{
    struct color key = {.id = id};
    const struct color *found;

    *ret_label = 0;
    if (alpha == 0)
        return true;
    if (colors->is_panoptic) {
        *ret_label = id;
        return alpha == OPAQUE;
    }
    found = bsearch(&key, colors->list, colors->n_list, sizeof(key), compare_colors);
    if (alpha == OPAQUE && found != NULL)
        *ret_label = found->label;
    else if (alpha != OPAQUE || id != 0)
        *ret_label = colors->other;
    return colors->has_other || (alpha == OPAQUE && (found != NULL || id == 0));
}

static bool next_label(struct colors *colors, const uint8_t *pixel, int64_t *ret_label)
{
    uint32_t id = pixel[0] | (uint32_t)pixel[1] << 8 | (uint32_t)pixel[2] << 16;
    uint32_t whole = id | (uint32_t)pixel[3] << 24;

    if (!colors->has_last || colors->last != whole) {
        colors->has_last = find_label(colors, id, pixel[3], &colors->last_label);
        colors->last = whole;
    }
    *ret_label = colors->last_label;
    return colors->has_last;
}

static void put_label(void *labels, size_t i, enum ov_dtype dtype, int64_t label)
{
    switch (dtype) {
    case OV_U8:
        ((uint8_t *)labels)[i] = (uint8_t)label;
        break;
    case OV_U16:
        ((uint16_t *)labels)[i] = (uint16_t)label;
        break;
    case OV_U32:
        ((uint32_t *)labels)[i] = (uint32_t)label;
        break;
    default:
        ((int64_t *)labels)[i] = label;
        break;
    }
}

size_t colors_map(struct colors *colors, const uint8_t *pixels, size_t n, void *ret_labels)
{
    int64_t label;

    for (size_t i = 0; i < n; i++) {
        if (!next_label(colors, pixels + 4 * i, &label))
            return i;
        put_label(ret_labels, i, colors->dtype, label);
    }
    return n;
}

bool colors_refuse(const struct colors *colors, const uint8_t *pixel, uint64_t row, uint64_t column,
                   struct problem *reterr)
{
    const char *why = colors->is_panoptic ? "which is partly transparent and no panoptic id"
                                          : "which \"colors\" does not list, nor \"*\" for others";
    char alpha[32] = "";

    if (pixel[3] != OPAQUE)
        snprintf(alpha, sizeof(alpha), " with alpha %u", pixel[3]);
    return problem_set(reterr, PROBLEM_UNLISTED_COLOR, colors->source,
                       "The pixel in row %llu, column %llu (from 0) has the colour "
                       "#%02x%02x%02x%s, %s.",
                       (unsigned long long)row, (unsigned long long)column, pixel[0], pixel[1],
                       pixel[2], alpha, why);
}

/* ---- palettes -------------------------------------------------------------------------------- */

void color_table_greys(struct color_table *table, unsigned bits)
{
    unsigned most = (1u << bits) - 1;

    table->n = most + 1;
    for (unsigned grey = 0; grey <= most; grey++) {
        memset(table->colors[grey], (int)(grey * 255 / most), 3);
        table->colors[grey][3] = OPAQUE;
    }
}

bool color_table_find(const struct color_table *table, const uint8_t *indices, size_t n,
                      uint8_t *ret_pixels, const char *pointer, struct problem *reterr)
{
    for (size_t i = 0; i < n; i++) {
        if (indices[i] >= table->n)
            return problem_set(reterr, PROBLEM_BAD_MASK, pointer,
                               "The image has index %u, but its palette has %u colours.",
                               indices[i], table->n);
        memcpy(ret_pixels + 4 * i, table->colors[indices[i]], 4);
    }
    return true;
}
