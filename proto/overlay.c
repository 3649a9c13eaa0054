/* overlay.c - the overlay of a case that is kept: made while it is counted, printed, drawn. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/overlay.h"

#include <spng.h>
#include <stdlib.h>

#include "proto/json.h"

/* By Okabe and Ito, for eyes that tell colours apart in any of the usual ways. */
static const struct spng_plte_entry colors[OV_OVERLAY_N_CODES] = {
    [OV_OVERLAY_NONE] = {0, 0, 0, 0},        [OV_OVERLAY_IGNORED] = {0x99, 0x99, 0x99, 0},
    [OV_OVERLAY_TP] = {0x00, 0x9e, 0x73, 0}, [OV_OVERLAY_FP] = {0xd5, 0x5e, 0x00, 0},
    [OV_OVERLAY_FN] = {0x56, 0xb4, 0xe9, 0}, [OV_OVERLAY_WRONG] = {0xf0, 0xe4, 0x42, 0},
};

static bool no_memory(struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the overlay.");
}

/* ---- the classes of a voxel ------------------------------------------------------------------ */

/* Where labels overlap, a value stands for a set of them; else for itself. */
static const int64_t *labels_of(const struct layers *layers, const int64_t *value, size_t *ret_n)
{
    *ret_n = 1;
    return layers != NULL ? layers_set(layers, (size_t)*value, ret_n) : value;
}

static size_t n_scored(const struct score *score, const int64_t *labels, size_t n)
{
    size_t n_found = 0;

    for (size_t i = 0; i < n; i++)
        n_found += classes_may_have(score, labels[i]);
    return n_found;
}

static struct ov_overlay_classes classes(const void *user, int64_t prediction, int64_t reference)
{
    const struct overlay *overlay = user;
    const struct score *score = overlay->score;
    struct ov_overlay_classes result = {0, 0, 0};
    size_t n_p;
    size_t n_r;
    const int64_t *p = labels_of(score->found.prediction, &prediction, &n_p);
    const int64_t *r = labels_of(score->found.reference, &reference, &n_r);

    result.prediction = n_scored(score, p, n_p);
    result.reference = n_scored(score, r, n_r);
    for (size_t i = 0, j = 0; i < n_p && j < n_r;) {
        int64_t in_p = p[i];
        int64_t in_r = r[j];

        result.both += in_p == in_r && classes_may_have(score, in_p);
        i += in_p <= in_r;
        j += in_r <= in_p;
    }
    return result;
}

/* ---- which slices ---------------------------------------------------------------------------- */

/* Formats whose first axis is x; an image of the others is [height, width]. */
static bool is_x_first(enum format_kind kind)
{
    return kind == FORMAT_NIFTI || kind == FORMAT_NRRD || kind == FORMAT_METAIMAGE ||
           kind == FORMAT_DICOM;
}

/* The axes that are longer than one voxel, the fastest first. Returns how many. */
static int find_axes(struct overlay *overlay, int long_axes[OV_MAX_NDIM])
{
    const struct pair *pair = &overlay->score->pair;
    int n = 0;

    for (int i = 0; i < pair->ndim; i++) {
        int axis = pair->reference_order == OV_ORDER_F ? i : pair->ndim - 1 - i;

        overlay->order[i] = axis;
        if (pair->shape[axis] > 1)
            long_axes[n++] = axis;
    }
    return n;
}

static bool find_slices(struct overlay *overlay, struct problem *reterr)
{
    const struct pair *pair = &overlay->score->pair;
    const struct limits *limits = &overlay->score->env->limits;
    const struct mask_header *reference = reader_header(overlay->score->readers[SCORE_REFERENCE]);
    struct ov_overlay_options *options = &overlay->options;
    int axes[OV_MAX_NDIM] = {0};
    int n = find_axes(overlay, axes);

    if (n > 3)
        return problem_set(reterr, PROBLEM_NO_OVERLAY_OF, "#/keep",
                           "An overlay is of an image or of a volume; these masks have %d axes of "
                           "more than one voxel.",
                           n);
    options->n_fast = n > 0 ? pair->shape[axes[0]] : 1;
    options->n_slow = n > 1 ? pair->shape[axes[1]] : 1;
    options->n_slices = n > 2 ? pair->shape[axes[2]] : 1;
    options->transposed = n == 2 && is_x_first(reference->format) == (axes[0] > axes[1]);
    overlay->axis = n > 2 ? axes[2] : -1;
    return options->n_slices <= limits->overlay_slices ||
           problem_set(reterr, PROBLEM_NO_OVERLAY_OF, "#/keep",
                       "An overlay of %llu slices; the limit is %llu (limits.overlay_slices).",
                       (unsigned long long)options->n_slices,
                       (unsigned long long)limits->overlay_slices);
}

struct overlay *overlay_new(const struct score *score, struct problem *reterr)
{
    struct overlay *overlay = calloc(1, sizeof(*overlay));

    if (overlay == NULL) {
        no_memory(reterr);
        return NULL;
    }
    overlay->score = score;
    overlay->options.max_pixels = score->env->limits.overlay_pixels;
    overlay->options.classes = classes;
    overlay->options.user = overlay;
    if (find_slices(overlay, reterr))
        return overlay;
    overlay_free(overlay);
    return NULL;
}

void overlay_free(struct overlay *overlay)
{
    if (overlay == NULL)
        return;
    ov_overlay_free(overlay->made);
    free(overlay);
}

/* ---- voxels ---------------------------------------------------------------------------------- */

/* A picture is taken twice by the library; once more is for the PNG. */
bool overlay_begin(struct overlay *overlay, struct growth *growth, struct problem *reterr)
{
    struct ov_overlay_size *size = &overlay->size;

    overlay->options.labels = tally_options(overlay->score);
    if (ov_overlay_measure(&overlay->options, size) != OV_OK)
        return problem_set(reterr, PROBLEM_INTERNAL, NULL, "The overlay has no size.");
    return growth_take(growth, size->n_bytes + size->width * size->height, reterr) &&
           (ov_overlay_new(&overlay->options, &overlay->made) == OV_OK || no_memory(reterr));
}

enum ov_status overlay_add(struct overlay *overlay, const struct ov_piece *pieces)
{
    return ov_overlay_add(overlay->made, &pieces[SCORE_PREDICTION], &pieces[SCORE_REFERENCE]);
}

enum ov_status overlay_add_masks(struct overlay *overlay, const struct ov_mask *masks)
{
    return ov_overlay_add_masks(overlay->made, &masks[SCORE_PREDICTION], &masks[SCORE_REFERENCE],
                                overlay->order);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static json_t *dice(const struct ov_overlay_slice *slice)
{
    double both = 2 * (double)slice->tp;
    double all = both + (double)slice->fp + (double)slice->fn;

    return all > 0 ? json_real(both / all) : json_null();
}

static char *print(const struct overlay *overlay)
{
    const struct ov_overlay_slice *slices = ov_overlay_slices(overlay->made);
    json_t *object = json_object();
    json_t *array = json_array();
    size_t n_bytes;
    char *text;

    for (uint64_t i = 0; i < overlay->options.n_slices; i++)
        json_push(&array, dice(&slices[i]));
    json_put(&object, "axis", overlay->axis < 0 ? json_null() : json_integer(overlay->axis));
    json_put(&object, "slice", json_integer((json_int_t)ov_overlay_worst(overlay->made)));
    json_put(&object, "width", json_integer((json_int_t)overlay->size.width));
    json_put(&object, "height", json_integer((json_int_t)overlay->size.height));
    json_put(&object, "scale", json_integer((json_int_t)overlay->size.scale));
    json_put(&object, "slices", json_integer((json_int_t)overlay->options.n_slices));
    json_put(&object, "dice", array);
    text = object != NULL ? json_print(object, &n_bytes) : NULL;
    json_decref(object);
    return text;
}

static int encode(spng_ctx *ctx, const struct overlay *overlay)
{
    struct spng_ihdr ihdr = {.width = (uint32_t)overlay->size.width,
                             .height = (uint32_t)overlay->size.height,
                             .bit_depth = 8,
                             .color_type = SPNG_COLOR_TYPE_INDEXED};
    struct spng_plte palette = {.n_entries = OV_OVERLAY_N_CODES};
    struct spng_trns transparent = {.n_type3_entries = 1}; /* OV_OVERLAY_NONE */
    int status = spng_set_option(ctx, SPNG_ENCODE_TO_BUFFER, 1);

    for (size_t i = 0; i < OV_OVERLAY_N_CODES; i++)
        palette.entries[i] = colors[i];
    if (status == 0)
        status = spng_set_ihdr(ctx, &ihdr);
    if (status == 0)
        status = spng_set_plte(ctx, &palette);
    if (status == 0)
        status = spng_set_trns(ctx, &transparent);
    if (status != 0)
        return status;
    return spng_encode_image(ctx, ov_overlay_pixels(overlay->made),
                             (size_t)(overlay->size.width * overlay->size.height), SPNG_FMT_PNG,
                             SPNG_ENCODE_FINALIZE);
}

static uint8_t *draw(const struct overlay *overlay, size_t *ret_n)
{
    spng_ctx *ctx = spng_ctx_new(SPNG_CTX_ENCODER);
    uint8_t *png = NULL;
    int status = 0;

    if (ctx != NULL && encode(ctx, overlay) == 0)
        png = spng_get_png_buffer(ctx, ret_n, &status);
    spng_ctx_free(ctx);
    return png;
}

bool overlay_print(const struct overlay *overlay, char **ret_text, uint8_t **ret_png,
                   size_t *ret_n_png, struct problem *reterr)
{
    char *text = print(overlay);
    uint8_t *png = text != NULL ? draw(overlay, ret_n_png) : NULL;

    if (png == NULL) {
        free(text);
        return no_memory(reterr);
    }
    *ret_text = text;
    *ret_png = png;
    return true;
}
