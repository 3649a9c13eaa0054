/* alone.c - what no daemon can save: alone PREDICTION REFERENCE SECONDS, two .npy.gz of one shape.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/overlap.h"

#define NPY_HEADER_BYTES 128
#define MOST_BYTES       ((size_t)1 << 24)

struct file {
    uint8_t *bytes;
    size_t n_bytes;
    uint8_t *mask; /* warm: inflated into again and again */
    size_t n_mask;
};

static double cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    fprintf(stderr, "alone: %s\n", what);
    exit(1);
}

static struct file read_file(const char *path)
{
    struct file file = {malloc(MOST_BYTES), 0, malloc(MOST_BYTES), 0};
    FILE *stream = fopen(path, "rb");

    if (stream == NULL || file.bytes == NULL || file.mask == NULL)
        fail(path);
    file.n_bytes = fread(file.bytes, 1, MOST_BYTES, stream);
    fclose(stream);
    return file;
}

static void inflate_file(struct file *file)
{
    static struct inflate_state state;

    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    state.next_in = file->bytes;
    state.avail_in = (uint32_t)file->n_bytes;
    state.next_out = file->mask;
    state.avail_out = MOST_BYTES;
    if (isal_inflate(&state) != ISAL_DECOMP_OK || state.block_state != ISAL_BLOCK_FINISH)
        fail("not gzip");
    file->n_mask = state.total_out - NPY_HEADER_BYTES;
}

static void count(const struct file *files)
{
    struct ov_counter *counter;
    struct ov_piece pieces[2];

    for (int i = 0; i < 2; i++)
        pieces[i] = (struct ov_piece){.n_voxels = files[i].n_mask,
                                      .tile = files[i].mask + NPY_HEADER_BYTES,
                                      .encoding = {.dtype = OV_U8, .slope = 1}};
    if (ov_counter_new(NULL, &counter) != OV_OK ||
        ov_counter_add(counter, &pieces[0], &pieces[1]) != OV_OK)
        fail("cannot be counted");
    ov_counter_free(counter);
}

int main(int argc, char **argv)
{
    double begin = cpu_s();
    size_t n = 0;
    struct file files[2];

    if (argc != 4)
        fail("usage: alone PREDICTION REFERENCE SECONDS");
    for (int i = 0; i < 2; i++)
        files[i] = read_file(argv[i + 1]);
    do {
        inflate_file(&files[0]);
        inflate_file(&files[1]);
        count(files);
        n++;
    } while (cpu_s() - begin < strtod(argv[3], NULL));
    printf("%.3f\n", (cpu_s() - begin) / (double)n * 1e6);
    return 0;
}
