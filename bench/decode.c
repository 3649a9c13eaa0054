/* decode.c - times a pair from compressed bytes to counts: decode PREDICTION REFERENCE SECONDS. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files are .nii; each is encoded here in several ways. Beside every way stands the library
 * alone, that only decodes both masks into memory that is there already, and zlib where DEFLATE is
 * decoded. Everything is done in turn and the fastest of each kept: what else runs on the machine
 * can only slow it. Prints JSON, in seconds.
 */
#include <fcntl.h>
#include <libdeflate.h>
#include <lz4frame.h>
#include <pthread.h>
#include <spng.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "bench/env.h"
#include "proto/score.h"

enum { N_MASKS = 2, SIDE = 512, N_HEADER = 352 };

struct bytes {
    uint8_t *at;
    size_t n;
};

struct pair_bytes {
    struct bytes plain[N_MASKS];
    struct bytes packed[N_MASKS];
    struct bytes room[N_MASKS]; /* as large as plain */
};

static void die(const char *why)
{
    fprintf(stderr, "decode: %s\n", why);
    exit(1);
}

static uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* ---- a second thread that is there already, as in the daemon's pool ---------------------------
 */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static void (*asked_work)(void *, size_t);
static void *asked_argument;

static void *helper(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    while (true) {
        while (asked_work == NULL)
            pthread_cond_wait(&changed, &mutex);
        pthread_mutex_unlock(&mutex);
        asked_work(asked_argument, 1);
        pthread_mutex_lock(&mutex);
        asked_work = NULL;
        pthread_cond_broadcast(&changed);
    }
    return NULL;
}

/* Of two parts one each; more are done by whoever is here. */
static void each(void (*work)(void *, size_t), void *argument, size_t n)
{
    pthread_mutex_lock(&mutex);
    asked_argument = argument;
    asked_work = work;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    work(argument, 0);
    for (size_t i = 2; i < n; i++)
        work(argument, i);
    pthread_mutex_lock(&mutex);
    while (asked_work != NULL)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static struct env env = BENCH_ENV(now_ns);

/* ---- codings ----------------------------------------------------------------------------------
 */

static struct bytes room_of(size_t n)
{
    return (struct bytes){.at = must(malloc(n)), .n = n};
}

static struct bytes gzip_pack(struct bytes plain)
{
    z_stream stream = {.next_in = plain.at, .avail_in = (uInt)plain.n};
    struct bytes packed;

    if (deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        die("deflateInit2");
    packed = room_of(deflateBound(&stream, plain.n));
    stream.next_out = packed.at;
    stream.avail_out = (uInt)packed.n;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        die("deflate");
    packed.n = stream.total_out;
    deflateEnd(&stream);
    return packed;
}

static void gzip_alone(struct bytes packed, struct bytes room)
{
    static _Thread_local struct libdeflate_decompressor *decompressor;

    if (decompressor == NULL)
        decompressor = must(libdeflate_alloc_decompressor());
    if (libdeflate_gzip_decompress(decompressor, packed.at, packed.n, room.at, room.n, NULL) !=
        LIBDEFLATE_SUCCESS)
        die("libdeflate");
}

static void zlib_alone(struct bytes packed, struct bytes room)
{
    z_stream stream = {.next_in = packed.at, .avail_in = (uInt)packed.n};

    stream.next_out = room.at;
    stream.avail_out = (uInt)room.n;
    if (inflateInit2(&stream, 31) != Z_OK || inflate(&stream, Z_FINISH) != Z_STREAM_END)
        die("zlib");
    inflateEnd(&stream);
}

static struct bytes zstd_pack(struct bytes plain)
{
    struct bytes packed = room_of(ZSTD_compressBound(plain.n));

    packed.n = ZSTD_compress(packed.at, packed.n, plain.at, plain.n, 3);
    return packed;
}

static void zstd_alone(struct bytes packed, struct bytes room)
{
    if (ZSTD_decompress(room.at, room.n, packed.at, packed.n) != room.n)
        die("libzstd");
}

static struct bytes lz4_pack(struct bytes plain)
{
    struct bytes packed = room_of(LZ4F_compressFrameBound(plain.n, NULL));

    packed.n = LZ4F_compressFrame(packed.at, packed.n, plain.at, plain.n, NULL);
    return packed;
}

static void lz4_alone(struct bytes packed, struct bytes room)
{
    LZ4F_dctx *context = NULL;
    size_t n_in = packed.n, n_out = room.n;

    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) ||
        LZ4F_decompress(context, room.at, &n_out, packed.at, &n_in, NULL) != 0)
        die("liblz4");
    LZ4F_freeDecompressionContext(context);
}

/* The middle slice, as an image of its own. */
static struct bytes png_pack(struct bytes plain)
{
    struct spng_ihdr header = {
        .width = SIDE, .height = SIDE, .bit_depth = 8, .color_type = SPNG_COLOR_TYPE_GRAYSCALE};
    spng_ctx *context = must(spng_ctx_new(SPNG_CTX_ENCODER));
    size_t n_slices = (plain.n - N_HEADER) / (SIDE * SIDE);
    const uint8_t *slice = plain.at + N_HEADER + n_slices / 2 * SIDE * SIDE;
    struct bytes packed = {.at = NULL};
    int error;

    spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
    spng_set_ihdr(context, &header);
    if (spng_encode_image(context, slice, SIDE * SIDE, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE) != 0)
        die("spng_encode_image");
    packed.at = must(spng_get_png_buffer(context, &packed.n, &error));
    spng_ctx_free(context);
    return packed;
}

static void png_alone(struct bytes packed, struct bytes room)
{
    spng_ctx *context = must(spng_ctx_new(0));

    spng_set_png_buffer(context, packed.at, packed.n);
    if (spng_decode_image(context, room.at, SIDE * SIDE, SPNG_FMT_PNG, 0) != 0)
        die("libspng");
    spng_ctx_free(context);
}

struct way {
    const char *name;
    struct bytes (*pack)(struct bytes plain);
    const char *peers[2];
    void (*alone[2])(struct bytes packed, struct bytes room);
};

static const struct way ways[] = {
    {"gzip", gzip_pack, {"libdeflate", "zlib"}, {gzip_alone, zlib_alone}},
    {"zstd", zstd_pack, {"libzstd", NULL}, {zstd_alone, NULL}},
    {"lz4", lz4_pack, {"liblz4", NULL}, {lz4_alone, NULL}},
    {"png", png_pack, {"libspng", NULL}, {png_alone, NULL}},
};

/* ---- what is timed ----------------------------------------------------------------------------
 */

struct task {
    struct pair_bytes pair;
    const struct way *way;
    size_t i_peer;
    uint8_t *body;
    size_t n_body;
};

static struct bytes body_of(const struct bytes *packed)
{
    static const char *const names[N_MASKS] = {"prediction", "reference"};
    struct bytes body = room_of(packed[0].n + packed[1].n + 1024);

    body.n = 0;
    for (int i = 0; i < N_MASKS; i++) {
        body.n +=
            (size_t)sprintf((char *)body.at + body.n,
                            "--B\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n", names[i]);
        memcpy(body.at + body.n, packed[i].at, packed[i].n);
        body.n += packed[i].n;
        body.n += (size_t)sprintf((char *)body.at + body.n, "\r\n");
    }
    body.n += (size_t)sprintf((char *)body.at + body.n, "--B--\r\n");
    return body;
}

static void score(struct task *task)
{
    struct score_input input = {.content_type = "multipart/form-data; boundary=B",
                                .body = task->body,
                                .body_bytes = task->n_body};
    struct problem problem = {0};
    struct score *scored = score_new(&input, &env, &problem);

    if (scored == NULL || !score_open(scored, &problem) || !score_run(scored, &problem))
        die(problem.detail);
    score_free(scored);
}

static void score_by_one(struct task *task)
{
    env.each = NULL;
    env.n_threads = 1;
    score(task);
}

static void score_by_two(struct task *task)
{
    env.each = each;
    env.n_threads = 2;
    score(task);
}

static void decode_mask(void *argument, size_t i)
{
    struct task *task = argument;

    task->way->alone[task->i_peer](task->pair.packed[i], task->pair.room[i]);
}

static void alone_by_one(struct task *task)
{
    decode_mask(task, 0);
    decode_mask(task, 1);
}

static void alone_by_two(struct task *task)
{
    each(decode_mask, task, N_MASKS);
}

static double seconds_of(void (*function)(struct task *), struct task *task)
{
    uint64_t start = now_ns();

    function(task);
    return (double)(now_ns() - start) * 1e-9;
}

static uint64_t status_bytes(const char *name)
{
    FILE *file = must(fopen("/proc/self/status", "r"));
    char line[256];
    unsigned long long n_kib = 0;
    size_t n = strlen(name);

    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, n) == 0)
            n_kib = strtoull(line + n + 1, NULL, 10);
    }
    fclose(file);
    return (uint64_t)n_kib * 1024;
}

/* How much more is resident at most than before. */
static uint64_t peak_bytes(struct task *task)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    uint64_t before = status_bytes("VmRSS:");

    if (fd < 0 || write(fd, "5", 1) != 1)
        die("clear_refs");
    close(fd);
    score_by_two(task);
    return status_bytes("VmHWM:") - before;
}

enum { N_TIMED = 6 };

static void time_all(struct task *task, double seconds, double *best)
{
    static void (*const functions[])(struct task *) = {score_by_one, score_by_two, alone_by_one,
                                                       alone_by_two};
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);

    for (int i = 0; i < N_TIMED; i++)
        best[i] = 1e9;
    do {
        for (int i = 0; i < N_TIMED; i++) {
            double s;

            task->i_peer = i >= 4;
            if (task->way->alone[task->i_peer] == NULL)
                continue;
            s = seconds_of(functions[i < 4 ? i : i - 2], task);
            best[i] = s < best[i] ? s : best[i];
        }
    } while (now_ns() < end);
}

static void run(const struct way *way, struct task *task, double seconds, const char *comma)
{
    double best[N_TIMED];
    struct bytes body;
    uint64_t n_peak;

    task->way = way;
    for (int i = 0; i < N_MASKS; i++)
        task->pair.packed[i] = way->pack(task->pair.plain[i]);
    body = body_of(task->pair.packed);
    task->body = body.at;
    task->n_body = body.n;
    n_peak = peak_bytes(task);
    time_all(task, seconds, best);
    printf("%s{\"way\":\"%s\",\"packed_bytes\":%zu,\"peak_bytes\":%llu,\"one\":%.9f,\"two\":%.9f,"
           "\"peers\":{\"%s\":[%.9f,%.9f]",
           comma, way->name, task->pair.packed[0].n + task->pair.packed[1].n,
           (unsigned long long)n_peak, best[0], best[1], way->peers[0], best[2], best[3]);
    if (way->peers[1] != NULL)
        printf(",\"%s\":[%.9f,%.9f]", way->peers[1], best[4], best[5]);
    printf("}}");
    free(body.at);
    for (int i = 0; i < N_MASKS; i++)
        free(task->pair.packed[i].at);
}

static struct bytes read_file(const char *path)
{
    FILE *file = must(fopen(path, "rb"));
    struct bytes bytes;

    fseek(file, 0, SEEK_END);
    bytes = room_of((size_t)ftell(file));
    rewind(file);
    if (fread(bytes.at, 1, bytes.n, file) != bytes.n)
        die(path);
    fclose(file);
    return bytes;
}

int main(int argc, char **argv)
{
    struct task task = {.way = NULL};
    pthread_t thread;

    if (argc != 4)
        die("usage: decode PREDICTION REFERENCE SECONDS");
    if (pthread_create(&thread, NULL, helper, NULL) != 0)
        die("no thread");
    for (int i = 0; i < N_MASKS; i++) {
        task.pair.plain[i] = read_file(argv[1 + i]);
        task.pair.room[i] = room_of(task.pair.plain[i].n);
        memset(task.pair.room[i].at, 1, task.pair.room[i].n);
    }
    printf("[");
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        run(&ways[i], &task, strtod(argv[3], NULL), i > 0 ? "," : "");
    printf("]\n");
    return 0;
}
