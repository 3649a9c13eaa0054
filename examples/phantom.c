/* phantom.c - writes realistic pairs of segmentation masks; the same seed, the same files. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "examples/scene.h"

#include <spng.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

static const char usage[] =
    "usage: phantom volume OUT_DIR [--size X,Y,Z] [--labels N] [--seed S] [--random]\n"
    "                              [--format nii.gz|nii|npy|npy.gz]\n"
    "       phantom image  OUT_DIR [--size W,H] [--labels N] [--seed S] [--random]\n"
    "                              [--format png|npy|npy.gz]\n"
    "Writes OUT_DIR/reference.FORMAT and OUT_DIR/prediction.FORMAT. --random: every voxel an\n"
    "independent label, and one in ten predicted anew.\n";

/* ---- files ----------------------------------------------------------------------------------- */

static unsigned element_bytes(const struct options *o)
{
    return o->n_labels > 255 ? 2 : 1;
}

/* NIfTI-1, native byte order; millimetres; x to the left, y to the back, as scanners store them. */
static size_t nifti_header(const struct options *o, uint8_t bytes[512])
{
    int32_t header_bytes = 348;
    int16_t dim[8] = {3, (int16_t)o->size[0], (int16_t)o->size[1], (int16_t)o->size[2], 1, 1, 1, 1};
    int16_t datatype = element_bytes(o) == 2 ? 512 : 2, bitpix = (int16_t)(8 * element_bytes(o));
    int16_t sform_code = 1;
    float spacing[8] = {1, 0.78125f, 0.78125f, 2.5f}, offset = 352, slope = 1;
    float half[2] = {spacing[1] * (float)o->size[0] / 2, spacing[2] * (float)o->size[1] / 2};
    float affine[3][4] = {
        {-spacing[1], 0, 0, half[0]}, {0, -spacing[2], 0, half[1]}, {0, 0, spacing[3], -100}};
    memset(bytes, 0, 352);
    memcpy(bytes, &header_bytes, 4);
    memcpy(bytes + 40, dim, sizeof dim);
    memcpy(bytes + 70, &datatype, 2);
    memcpy(bytes + 72, &bitpix, 2);
    memcpy(bytes + 76, spacing, sizeof spacing);
    memcpy(bytes + 108, &offset, 4);
    memcpy(bytes + 112, &slope, 4);
    bytes[123] = 2; /* millimetres */
    memcpy(bytes + 254, &sform_code, 2);
    memcpy(bytes + 280, affine, sizeof affine);
    memcpy(bytes + 344, "n+1", 4);
    return 352;
}

/* NPY 1.0: an image is [height, width] in C order, a volume (x, y, z) in Fortran order. */
static size_t npy_header(const struct options *o, uint8_t bytes[512])
{
    char text[128], shape[64];
    if (o->is_image)
        snprintf(shape, sizeof shape, "%u, %u", o->size[1], o->size[0]);
    else
        snprintf(shape, sizeof shape, "%u, %u, %u", o->size[0], o->size[1], o->size[2]);
    snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }",
             element_bytes(o) == 2 ? "<u2" : "|u1", o->is_image ? "False" : "True", shape);
    size_t total = 192; /* a multiple of 64 with room for the longest text */
    memset(bytes, ' ', total);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    bytes[8] = (uint8_t)(total - 10);
    bytes[9] = 0;
    memcpy(bytes + 10, text, strlen(text));
    bytes[total - 1] = '\n';
    return total;
}

static void slice_draw(const struct options *o, const struct scene *scene, bool is_prediction,
                       unsigned z, uint16_t *slice)
{
    if (o->is_random)
        random_slice(o, is_prediction, z, slice);
    else
        paint_slice(scene, o, z, slice);
}

/* Narrow in place: little-endian 16 bits to 8, or to the file's 16. */
static size_t slice_pack(const struct options *o, uint16_t *slice)
{
    size_t n = (size_t)o->size[0] * o->size[1];
    uint8_t *bytes = (uint8_t *)slice;
    if (element_bytes(o) == 2)
        return 2 * n;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)slice[i];
    return n;
}

static bool write_stream(const struct options *o, const struct scene *scene, bool is_prediction,
                         const char *path)
{
    uint8_t header[512];
    size_t n = strncmp(o->format, "npy", 3) == 0 ? npy_header(o, header) : nifti_header(o, header);
    gzFile file = gzopen(path, strstr(o->format, ".gz") ? "wb6" : "wbT");
    if (!file)
        return false;
    gzbuffer(file, 1u << 18);
    bool ok = gzwrite(file, header, (unsigned)n) > 0;
    uint16_t *slice = allocate((size_t)o->size[0] * o->size[1], sizeof *slice);
    for (unsigned z = 0; ok && z < o->size[2]; z++) {
        slice_draw(o, scene, is_prediction, z, slice);
        n = slice_pack(o, slice);
        ok = gzfwrite(slice, 1, n, file) == n;
    }
    free(slice);
    return gzclose(file) == Z_OK && ok;
}

/* Colours for people only: masks are read by index. */
static struct spng_plte palette_of(unsigned n_labels)
{
    struct spng_plte palette = {.n_entries = n_labels + 1};
    for (unsigned i = 1; i <= n_labels; i++) {
        double hue = i * 2.399963; /* the golden angle keeps neighbours apart */
        palette.entries[i] =
            (struct spng_plte_entry){.red = (uint8_t)(140 + 110 * cos(hue)),
                                     .green = (uint8_t)(140 + 110 * cos(hue - 2.0944)),
                                     .blue = (uint8_t)(140 + 110 * cos(hue + 2.0944))};
    }
    return palette;
}

static bool write_png(const struct options *o, const struct scene *scene, bool is_prediction,
                      const char *path)
{
    FILE *file = fopen(path, "wb");
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    uint16_t *slice = allocate((size_t)o->size[0] * o->size[1], sizeof *slice);
    struct spng_ihdr header = {.width = o->size[0], .height = o->size[1], .bit_depth = 8};
    header.color_type = SPNG_COLOR_TYPE_INDEXED;
    struct spng_plte palette = palette_of(o->n_labels);
    slice_draw(o, scene, is_prediction, 0, slice);
    size_t n = slice_pack(o, slice);
    bool ok = file && png && spng_set_png_file(png, file) == 0 &&
              spng_set_ihdr(png, &header) == 0 && spng_set_plte(png, &palette) == 0 &&
              spng_encode_image(png, slice, n, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE) == 0;
    free(slice);
    spng_ctx_free(png);
    return file && fclose(file) == 0 && ok;
}

static bool write_pair(const struct options *o)
{
    static const char *const names[2] = {"reference", "prediction"};
    uint64_t state = o->seed;
    struct scene scenes[2] = {{.bend = warp_draw(&state, o, o->is_image ? 3 : 0.03 * o->size[0])}};
    (o->is_image ? scene_cells : scene_organs)(&scenes[0], o, &state);
    scenes[1] = scene_predict(&scenes[0], o, &state);
    bool ok = true;
    for (int i = 0; ok && i < 2; i++) {
        char path[4096];
        int n = snprintf(path, sizeof path, "%s/%s.%s", o->directory, names[i], o->format);
        ok = n < (int)sizeof path &&
             (strcmp(o->format, "png") == 0 ? write_png : write_stream)(o, &scenes[i], i, path);
        if (!ok)
            fprintf(stderr, "phantom: cannot write %s\n", path);
    }
    free(scenes[0].ellipsoids);
    free(scenes[1].ellipsoids);
    return ok;
}

/* ---- command line ---------------------------------------------------------------------------- */

static bool options_value(struct options *o, const char *name, const char *value)
{
    char end;
    unsigned *size = o->size;
    if (strcmp(name, "--size") == 0)
        return o->is_image ? sscanf(value, "%u,%u%c", &size[0], &size[1], &end) == 2
                           : sscanf(value, "%u,%u,%u%c", &size[0], &size[1], &size[2], &end) == 3;
    if (strcmp(name, "--labels") == 0)
        return sscanf(value, "%u%c", &o->n_labels, &end) == 1;
    if (strcmp(name, "--seed") == 0)
        return sscanf(value, "%lu%c", &o->seed, &end) == 1;
    if (strcmp(name, "--format") == 0)
        return (o->format = value) != NULL;
    return false;
}

static bool options_are_sane(const struct options *o)
{
    const char *formats = o->is_image ? " png npy npy.gz " : " nii nii.gz npy npy.gz ";
    const char *found = strstr(formats, o->format);
    size_t n = strlen(o->format);
    for (int axis = 0; axis < 3; axis++)
        if (o->size[axis] < 1 || o->size[axis] > INT16_MAX) /* the dims of NIfTI-1 have 16 bits */
            return false;
    return found && n > 0 && found[-1] == ' ' && found[n] == ' ' && o->n_labels >= 1 &&
           o->n_labels <= (strcmp(o->format, "png") == 0 ? 255 : 65535);
}

static bool options_read(struct options *o, int argc, char **argv)
{
    static const struct options volume = {
        .format = "nii.gz", .size = {192, 192, 96}, .seed = 1, .n_labels = 12};
    static const struct options image = {
        .format = "png", .size = {512, 512, 1}, .seed = 1, .n_labels = 4, .is_image = true};
    if (argc < 3 || (strcmp(argv[1], "volume") != 0 && strcmp(argv[1], "image") != 0))
        return false;
    *o = strcmp(argv[1], "image") == 0 ? image : volume;
    o->directory = argv[2];
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--random") == 0)
            o->is_random = true;
        else if (i + 1 >= argc || !options_value(o, argv[i], argv[i + 1]))
            return false;
        else
            i++;
    }
    return options_are_sane(o);
}

int main(int argc, char **argv)
{
    struct options options;
    if (!options_read(&options, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    mkdir(options.directory, 0777); /* where it is there already, or cannot be, writing tells */
    return write_pair(&options) ? 0 : 1;
}
