/* rle.c - times pairs of COCO masks: rle FILE SECONDS; the file is {"masks": [...], "pairs": [[i,
 * j]]}.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>

#include "bench/env.h"
#include "proto/reader.h"

static uint64_t now_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static const struct env env = BENCH_ENV(now_ns);

struct work {
    const json_t *masks;
    size_t n_masks;
    size_t (*pairs)[2];
    size_t n_pairs;
    char **bodies;           /* a request per pair */
    struct reader **readers; /* of the masks, for a batch */
    uint64_t checksum;       /* pixels shared by all pairs */
};

static struct reader *open_mask(const json_t *json)
{
    struct source source = {.pointer = "#/prediction",
                            .json = json,
                            .format = FORMAT_RLE,
                            .coding = CODING_AUTO,
                            .dtype = OV_N_DTYPES};
    struct problem problem = {0};
    struct reader *reader = reader_new(&source, &env, &problem);

    if (reader == NULL)
        fprintf(stderr, "%s\n", problem.detail);
    return must(reader);
}

static uint64_t shared(const struct reader *a, const struct reader *b)
{
    size_t n_a, n_b;
    const struct ov_interval *in_a = layers_intervals(reader_header(a)->layers, &n_a);
    const struct ov_interval *in_b = layers_intervals(reader_header(b)->layers, &n_b);

    return ov_intervals_overlap(in_a, n_a, in_b, n_b);
}

/* ---- what is timed --------------------------------------------------------------------------- */

/* Both strings decoded, then counted, as a caller of a library would. */
static void call(struct work *work, size_t i)
{
    struct reader *a = open_mask(json_array_get(work->masks, work->pairs[i][0]));
    struct reader *b = open_mask(json_array_get(work->masks, work->pairs[i][1]));

    work->checksum += shared(a, b);
    reader_free(a);
    reader_free(b);
}

/* From the text of a request to the text of its answer. */
static void request(struct work *work, size_t i)
{
    struct score_input input = {.content_type = "application/json",
                                .body = (const uint8_t *)work->bodies[i],
                                .body_bytes = strlen(work->bodies[i])};
    struct problem problem = {0};
    struct score *score = must(score_new(&input, &env, &problem));
    size_t n_bytes = 0;

    if (score_open(score, &problem) && score_run(score, &problem))
        free(score_print(score, 0, 0, &n_bytes, &problem));
    if (n_bytes == 0)
        exit(1);
    score_free(score);
}

/* Masks that are decoded already. */
static void batch(struct work *work, size_t i)
{
    work->checksum += shared(work->readers[work->pairs[i][0]], work->readers[work->pairs[i][1]]);
}

/* Nanoseconds a pair, over all pairs as often as there is time. */
static double measure(struct work *work, void (*run)(struct work *, size_t), double seconds)
{
    uint64_t start = now_ns();
    size_t n_rounds = 0;

    do {
        work->checksum = 0;
        for (size_t i = 0; i < work->n_pairs; i++)
            run(work, i);
        n_rounds++;
    } while ((double)(now_ns() - start) < seconds * 1e9);
    return (double)(now_ns() - start) / (double)n_rounds / (double)work->n_pairs;
}

/* ---- preparing ------------------------------------------------------------------------------- */

static void read_pair(struct work *work, const json_t *pair, size_t i)
{
    json_t *body;

    for (size_t side = 0; side < 2; side++)
        work->pairs[i][side] = (size_t)json_integer_value(json_array_get(pair, side));
    body = json_pack("{s:{s:O}, s:{s:O}}", "prediction", "rle",
                     json_array_get(work->masks, work->pairs[i][0]), "reference", "rle",
                     json_array_get(work->masks, work->pairs[i][1]));
    work->bodies[i] = must(json_dumps(body, JSON_COMPACT));
    json_decref(body);
}

static void prepare(struct work *work, const json_t *file)
{
    const json_t *pairs = json_object_get(file, "pairs");

    work->masks = json_object_get(file, "masks");
    work->n_masks = json_array_size(work->masks);
    work->n_pairs = json_array_size(pairs);
    work->pairs = must(calloc(work->n_pairs + 1, sizeof(*work->pairs)));
    work->bodies = must(calloc(work->n_pairs + 1, sizeof(*work->bodies)));
    work->readers = must(calloc(work->n_masks + 1, sizeof(struct reader *)));
    for (size_t i = 0; i < work->n_pairs; i++)
        read_pair(work, json_array_get(pairs, i), i);
    for (size_t i = 0; i < work->n_masks; i++)
        work->readers[i] = open_mask(json_array_get(work->masks, i));
}

static void done(struct work *work)
{
    for (size_t i = 0; i < work->n_pairs; i++)
        free(work->bodies[i]);
    for (size_t i = 0; i < work->n_masks; i++)
        reader_free(work->readers[i]);
    free(work->pairs);
    free(work->bodies);
    free(work->readers);
}

/* What decoding all masks once adds to each pair of a batch. */
static double decode_ns(const struct work *work)
{
    uint64_t start = now_ns();

    for (size_t i = 0; i < work->n_masks; i++)
        reader_free(open_mask(json_array_get(work->masks, i)));
    return (double)(now_ns() - start) / (double)work->n_pairs;
}

int main(int argc, char **argv)
{
    json_t *file = argc == 3 ? json_load_file(argv[1], 0, NULL) : NULL;
    double seconds = argc == 3 ? strtod(argv[2], NULL) : 0;
    struct work work = {0};

    if (file == NULL) {
        fprintf(stderr, "usage: rle FILE SECONDS\n");
        return 2;
    }
    prepare(&work, file);
    printf("{\"request_ns\": %.1f,", measure(&work, request, seconds));
    printf(" \"call_ns\": %.1f,", measure(&work, call, seconds));
    printf(" \"batch_ns\": %.1f,", measure(&work, batch, seconds) + decode_ns(&work));
    printf(" \"shared\": %llu}\n", (unsigned long long)work.checksum);
    done(&work);
    json_decref(file);
    return 0;
}
