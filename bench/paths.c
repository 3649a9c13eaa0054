/* paths.c - runs each hot path once; under callgrind each leaves its count of instructions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <valgrind/callgrind.h>
#include <zlib.h>

#include "bench/env.h"
#include "lib/overlap_loss.h"

/* The widest instruction set that valgrind 3.19 knows. */
#define ISA "avx2"

#define WIDTH   128
#define DEPTH   32
#define PLANE   (WIDTH * WIDTH)
#define VOXELS  (PLANE * DEPTH)
#define CLASSES 4
#define BOUNDS  "paths-boundary"

static void must_be(bool ok, const struct problem *problem)
{
    if (!ok) {
        fprintf(stderr, "paths: %s\n", problem != NULL ? problem->detail : "failed");
        exit(1);
    }
}

/* ---- masks ----------------------------------------------------------------------------------- */

/* Numbers that are the same everywhere: Numerical Recipes' generator. */
static int draw(uint32_t *state, int n)
{
    *state = *state * 1664525u + 1013904223u;
    return (int)((*state >> 8) % (uint32_t)n);
}

/* A ball of `label`, half as high as wide. */
static void draw_ball(uint8_t *mask, const int centre[3], int radius, uint8_t label)
{
    for (int z = 0; z < DEPTH; z++) {
        for (int y = 0; y < WIDTH; y++) {
            for (int x = 0; x < WIDTH; x++) {
                int d[3] = {x - centre[0], y - centre[1], 2 * (z - centre[2])};

                if (d[0] * d[0] + d[1] * d[1] + d[2] * d[2] < radius * radius)
                    mask[z * PLANE + y * WIDTH + x] = label;
            }
        }
    }
}

/* Balls of labels 1 to n_labels - 1, moved by `shift` voxels along x. */
static uint8_t *balls(int n_labels, int shift)
{
    uint8_t *mask = must(calloc(1, VOXELS));
    uint32_t state = 1;

    for (int label = 1; label < n_labels; label++) {
        int centre[3] = {draw(&state, WIDTH), draw(&state, WIDTH), draw(&state, DEPTH)};
        int radius = 8 + draw(&state, 12);

        centre[0] += shift;
        draw_ball(mask, centre, radius, (uint8_t)label);
    }
    return mask;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* From one outline of 200 points in 240 x 320 pixels, and the same moved by (3, -2). */
#define OUTLINE                                                                                    \
    "g0220S7:N2oHCg61ZIa0`6_O_Ij0^65N2RJnN\\\\5]1WJeNd51ZJ`1e57O0M4N3N1M2O2O0JkMQKV2m471O0003N0"   \
    "M3M3O2N3L101N0O2O3M4M0O2O0O1O001N20O11N2M3OO101N101O02N000O10O12N0O0201OO1O0O1O110O00001N1O1" \
    "00O10O10O2ON102O1OOO110O2O1N1M4N100O102N1O104K1OO10N20010O002N0000OO201N1I_K_Mb4^2<L1O2HQKm"  \
    "MQ51kJ61Z1`5eNaJZ1a5cNaJ\\\\1a5`NbJ`1h5O2M2O1IPJlNP6R19N1ROcIh0^6VOeIg0c6IYIBn61TI0[7M"

#define RLE(first, last) "{\"rle\":{\"size\":[240,320],\"counts\":\"" first OUTLINE last "\"}}"

static const char rle_body[] =
    "{\"prediction\":" RLE("Si", "Zme0") ",\"reference\":" RLE("eR", "hcf0") ",\"labels\":[1]}";

static uint64_t no_time(void)
{
    return 0;
}

static const struct env env = BENCH_ENV(no_time);

static struct score_input json_input(void)
{
    return (struct score_input){.content_type = "application/json",
                                .body = (const uint8_t *)rle_body,
                                .body_bytes = sizeof(rle_body) - 1};
}

static const char npy_header[] = "\x93NUMPY\x01\0v\0{'descr': '|u1', 'fortran_order': False, "
                                 "'shape': (32, 128, 128), }";

/* As numpy.savez's gzip would have it: a header of 128 bytes, then the voxels. */
static size_t gzip_npy(const uint8_t *mask, uint8_t *ret_bytes, size_t cap)
{
    z_stream stream = {0};
    uint8_t header[128];

    memset(header, ' ', sizeof(header));
    memcpy(header, npy_header, sizeof(npy_header) - 1);
    header[127] = '\n';
    must_be(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK, NULL);
    stream.next_out = ret_bytes;
    stream.avail_out = (uInt)cap;
    stream.next_in = header;
    stream.avail_in = sizeof(header);
    must_be(deflate(&stream, Z_NO_FLUSH) == Z_OK, NULL);
    stream.next_in = (Bytef *)(uintptr_t)mask;
    stream.avail_in = VOXELS;
    must_be(deflate(&stream, Z_FINISH) == Z_STREAM_END, NULL);
    deflateEnd(&stream);
    return stream.total_out;
}

#define PART(name)                                                                        \
    "--" BOUNDS "\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" name \
    ".npy.gz\"\r\n\r\n"

/* Owned by the caller. */
static struct score_input multipart_input(uint8_t *const masks[2])
{
    static const char *const heads[] = {PART("prediction"), PART("reference")};
    size_t cap = 2 * VOXELS;
    uint8_t *body = must(malloc(cap));
    size_t n = 0;

    for (int i = 0; i < 2; i++) {
        memcpy(body + n, heads[i], strlen(heads[i]));
        n += strlen(heads[i]);
        n += gzip_npy(masks[i], body + n, cap - n);
        body[n++] = '\r';
        body[n++] = '\n';
    }
    n += (size_t)snprintf((char *)body + n, cap - n, "--" BOUNDS "--\r\n");
    return (struct score_input){
        .content_type = "multipart/form-data; boundary=" BOUNDS, .body = body, .body_bytes = n};
}

static struct score *parse(const struct score_input *input)
{
    struct problem problem = {0};
    struct score *score = score_new(input, &env, &problem);

    must_be(score != NULL, &problem);
    return score;
}

static void count_score(struct score *score)
{
    struct problem problem = {0};

    must_be(score_open(score, &problem) && score_run(score, &problem), &problem);
}

static void print_score(const struct score *score)
{
    struct problem problem = {0};
    size_t n_bytes;
    char *text = score_print(score, 0.000012345, 0.000234567, &n_bytes, &problem);

    must_be(text != NULL, &problem);
    free(text);
}

/* ---- the paths ------------------------------------------------------------------------------- */

static bool is_warm;

static void begin(void)
{
    CALLGRIND_ZERO_STATS;
    CALLGRIND_START_INSTRUMENTATION;
}

/* What was counted since begin, under a name that bench/budget looks for; of the second round. */
static void end(const char *name)
{
    CALLGRIND_STOP_INSTRUMENTATION;
    if (is_warm)
        CALLGRIND_DUMP_STATS_AT(name);
}

static void run_count(int n_labels, const char *name)
{
    static const uint64_t shape[] = {DEPTH, WIDTH, WIDTH};
    uint8_t *masks[2] = {balls(n_labels, 2), balls(n_labels, 0)};
    int64_t labels[256];
    struct ov_counts counts[256];
    struct ov_mask views[2];

    for (int i = 0; i < n_labels; i++)
        labels[i] = i;
    for (int i = 0; i < 2; i++)
        must_be(ov_mask_view(masks[i], OV_U8, 3, shape, OV_ORDER_C, &views[i]) == OV_OK, NULL);
    begin();
    must_be(ov_count(&views[0], &views[1], labels, (size_t)n_labels, counts) == OV_OK, NULL);
    end(name);
    free(masks[0]);
    free(masks[1]);
}

/* A run-length pair as it comes in JSON: its parsing, counting and printing, one by one. */
static void run_rle(void)
{
    struct score_input input = json_input();
    struct score *score;

    begin();
    score = parse(&input);
    end("json request, parsed");
    begin();
    count_score(score);
    end("rle pair, counted");
    begin();
    print_score(score);
    end("answer of one class, printed");
    score_free(score);
}

static void run_npy(void)
{
    uint8_t *masks[2] = {balls(24, 2), balls(24, 0)};
    struct score_input input = multipart_input(masks);
    struct score *score;

    begin();
    score = parse(&input);
    count_score(score);
    end("gzip npy pair, decoded and counted");
    begin();
    print_score(score);
    end("answer of 23 classes, printed");
    score_free(score);
    free((void *)(uintptr_t)input.body);
    free(masks[0]);
    free(masks[1]);
}

static void run_loss(void)
{
    static const uint64_t shape[] = {1, CLASSES, DEPTH, WIDTH, WIDTH};
    static const uint64_t label_shape[] = {1, DEPTH, WIDTH, WIDTH};
    float *probabilities = must(malloc(sizeof(float) * CLASSES * VOXELS));
    float *slopes = must(malloc(sizeof(float) * CLASSES * VOXELS));
    uint8_t *labels = balls(CLASSES, 0);
    struct ov_tensor prediction, target, gradient;
    struct ov_loss_inputs inputs = {&prediction, &target, NULL};
    double value;

    for (size_t i = 0; i < (size_t)CLASSES * VOXELS; i++)
        probabilities[i] = (float)(i % 251) / 251.0f;
    must_be(ov_tensor_view(probabilities, OV_TENSOR_F32, 5, shape, &prediction) == OV_OK &&
                ov_tensor_view(slopes, OV_TENSOR_F32, 5, shape, &gradient) == OV_OK &&
                ov_tensor_view(labels, OV_TENSOR_U8, 4, label_shape, &target) == OV_OK,
            NULL);
    begin();
    must_be(ov_loss_forward_backward(&inputs, NULL, NULL, &gradient, &value, NULL) == OV_OK, NULL);
    end("soft Dice and its gradient");
    free(probabilities);
    free(slopes);
    free(labels);
}

int main(void)
{
    must_be(ov_isa_select(ISA) == OV_OK, NULL);
    /* The first round sets up what is set up once: tables, choices by processor. */
    for (int round = 0; round < 2; round++) {
        is_warm = round == 1;
        run_count(8, "count, 8 labels");
        run_count(104, "count, 104 labels");
        run_rle();
        run_npy();
        run_loss();
    }
    return 0;
}
