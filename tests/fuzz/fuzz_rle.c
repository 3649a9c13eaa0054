/* fuzz_rle.c - a byte that chooses a format, then a source with a mask of it, as JSON or as a file.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_mask.h"

static const enum format_kind kinds[] = {
    FORMAT_RLE,    FORMAT_ENCORD,           FORMAT_CVAT_MASK,   FORMAT_DENSE_RLE,
    FORMAT_KAGGLE, FORMAT_LABEL_STUDIO_RLE, FORMAT_SUPERVISELY, FORMAT_POLYGONS,
    FORMAT_COCO,   FORMAT_LABEL_STUDIO,     FORMAT_CVAT,        FORMAT_AUTO};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* The members that a request's source is read for by others than the format. */
static void read_members(struct source *source)
{
    const json_t *shape = json_object_get(source->options, "shape");
    const char *order = json_string_value(json_object_get(source->options, "order"));

    if (json_array_size(shape) <= OV_MAX_NDIM)
        source->ndim = (int)json_array_size(shape);
    for (int axis = 0; axis < source->ndim; axis++) {
        json_int_t extent = json_integer_value(json_array_get(shape, (size_t)axis));

        source->shape[axis] = extent > 0 ? (uint64_t)extent : 1;
    }
    source->declared = source->ndim > 0;
    source->order = order != NULL && order[0] == 'F' ? OV_ORDER_F : OV_ORDER_C;
}

/* {"shape": [3, 4], "kaggle": "4 2 7 1"} */
static void fuzz_inline(struct source *source, const json_t *json)
{
    source->options = json;
    source->json = json_object_get(json, format_name(source->format));
    read_members(source);
    if (source->json != NULL)
        fuzz_mask(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct source source = fuzz_source(bytes + 1, n_bytes - 1);
    json_t *json;

    if (n_bytes < 2)
        return 0;
    source.format = kinds[bytes[0] % N_KINDS];
    source.coding = bytes[0] < 128 ? CODING_NONE : CODING_AUTO;
    source.dtype = OV_N_DTYPES;
    source.names = names_new();
    json = json_loadb((const char *)bytes + 1, n_bytes - 1, JSON_REJECT_DUPLICATES, NULL);
    if (source.format != FORMAT_AUTO && json_is_object(json))
        fuzz_inline(&source, json);
    source.json = source.options = NULL;
    fuzz_mask(&source);
    names_free(source.names);
    json_decref(json);
    return 0;
}
