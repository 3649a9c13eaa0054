/* count.c - counting next to reading: count LABELS blobs|noise uint8|uint16 SLICES ROUNDS [FILES]
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "bench/count_masks.h"
#include "lib/overlap.h"

/* Prints a JSON line per instruction set; with FILES, writes FILES.prediction and .reference too.
 */

enum { N_SIDES = 2, MAX_ROUNDS = 99 };

static uint64_t n_voxels, n_bytes;
static size_t n_threads = 1;
static void *data[N_SIDES];
static struct ov_mask masks[N_SIDES];
static struct ov_counter *counters[2];

/* Of one thread, the time it had the processor: what else runs there counts less. */
static double now(void)
{
    struct timespec time;
    clock_gettime(n_threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Huge pages, touched: neither side pays for page faults. */
static void *pages(uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        exit(1);
    madvise(memory, bytes, MADV_HUGEPAGE);
    memset(memory, 0, bytes);
    return memory;
}

static void check(enum ov_status status)
{
    if (status == OV_OK)
        return;
    fprintf(stderr, "count: %s\n", ov_status_text(status));
    exit(1);
}

/* ---- one task in parts, a thread each ---- */

typedef void work(size_t part);

static pthread_barrier_t start, end;
static work *volatile current;

static void *thread_main(void *argument)
{
    (void)argument;
    for (;;) {
        pthread_barrier_wait(&start);
        if (current == NULL)
            return NULL;
        current(1);
        pthread_barrier_wait(&end);
    }
}

static double timed(work *task)
{
    double begin = now();
    if (n_threads == 1) {
        task(0);
        return now() - begin;
    }
    current = task;
    pthread_barrier_wait(&start);
    task(0);
    pthread_barrier_wait(&end);
    return now() - begin;
}

/* ---- the yardstick: both masks side by side, which is faster than one after the other ---- */

typedef uint64_t words __attribute__((vector_size(32)));

static volatile uint64_t sink;

__attribute__((target_clones("avx2", "default"))) static void read_part(size_t part)
{
    size_t n = n_bytes / n_threads / 64 * 64 / sizeof(words);
    const words *prediction = (const words *)data[0] + part * n;
    const words *reference = (const words *)data[1] + part * n;
    words sum[4] = {{0}};
    for (size_t i = 0; i < n; i += 2) {
        for (size_t k = 0; k < 2; k++) {
            sum[k] += prediction[i + k];
            sum[2 + k] += reference[i + k];
        }
    }
    sink = (sum[0] + sum[1] + sum[2] + sum[3])[0];
}

static void count_part(size_t part)
{
    check(ov_counter_new(NULL, &counters[part]));
    check(ov_counter_add_masks(counters[part], &masks[0], &masks[1], part, n_threads));
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *seconds, size_t n)
{
    qsort(seconds, n, sizeof *seconds, compare);
    return seconds[n / 2];
}

/* The agreement of label 1, so that no run is taken for another. */
static uint64_t finish(void)
{
    if (n_threads == 2) {
        check(ov_counter_merge(counters[0], counters[1]));
        ov_counter_free(counters[1]);
    }
    uint64_t tp = ov_counter_label(counters[0], 1).tp;
    ov_counter_free(counters[0]);
    return tp;
}

static void measure(const char *isa, size_t n_rounds)
{
    double read[MAX_ROUNDS], count[MAX_ROUNDS], ratio[MAX_ROUNDS];
    uint64_t tp = 0;
    if (ov_isa_select(isa) != OV_OK)
        return;
    for (size_t i = 0; i < n_rounds; i++) {
        read[i] = timed(read_part);
        count[i] = timed(count_part);
        ratio[i] = read[i] / count[i];
        tp = finish();
    }
    printf("{\"isa\": \"%s\", \"threads\": %zu, \"read_ms\": %.3f, \"count_ms\": %.3f, "
           "\"share\": %.3f, \"tp\": %llu}\n",
           isa, n_threads, 1e3 * median(read, n_rounds), 1e3 * median(count, n_rounds),
           median(ratio, n_rounds), (unsigned long long)tp);
    fflush(stdout);
}

static void widen(const uint8_t *from, uint16_t *to)
{
    for (uint64_t i = 0; i < n_voxels; i++)
        to[i] = from[i];
}

static void make(int n_labels, const char *kind, int n_slices, enum ov_dtype dtype)
{
    static const double shares[][2] = {{2, .012}, {4, .06}, {8, .13}, {32, .19}, {104, .25}};
    const uint64_t shape[] = {(uint64_t)n_slices, N_Y, N_X};
    double share = .28;
    uint8_t *bytes[N_SIDES] = {pages(n_voxels), pages(n_voxels)};
    for (int i = 4; i >= 0; i--) {
        if (n_labels <= shares[i][0])
            share = shares[i][1];
    }
    if (strcmp(kind, "blobs") == 0)
        make_blobs(bytes[0], bytes[1], n_slices, n_labels, share);
    for (int side = 0; side < N_SIDES; side++) {
        if (strcmp(kind, "noise") == 0)
            make_noise(bytes[side], n_voxels, n_labels, (uint64_t)side + 1);
    }
    printf("{\"joint_runs\": %llu}\n",
           (unsigned long long)joint_runs(bytes[0], bytes[1], n_voxels));
    for (int side = 0; side < N_SIDES; side++) {
        data[side] = bytes[side];
        if (dtype == OV_U16) {
            data[side] = pages(n_bytes);
            widen(bytes[side], data[side]);
            munmap(bytes[side], n_voxels);
        }
        check(ov_mask_view(data[side], dtype, 3, shape, OV_ORDER_C, &masks[side]));
    }
}

static void write_files(const char *prefix)
{
    static const char *const names[] = {"prediction", "reference"};
    char path[4096];
    for (int side = 0; side < N_SIDES; side++) {
        snprintf(path, sizeof path, "%s.%s", prefix, names[side]);
        FILE *file = fopen(path, "wb");
        if (file == NULL || fwrite(data[side], 1, n_bytes, file) != n_bytes || fclose(file) != 0)
            exit(1);
    }
}

int main(int argc, char **argv)
{
    static const char *const isas[] = {"avx512", "avx2", "neon", "scalar"};
    pthread_t thread;
    if (argc < 6)
        return 2;
    int n_labels = atoi(argv[1]), n_slices = atoi(argv[4]);
    size_t n_rounds = (size_t)atoi(argv[5]);
    enum ov_dtype dtype = strcmp(argv[3], "uint16") == 0 ? OV_U16 : OV_U8;
    if (n_labels < 2 || n_labels > 256 || n_slices < 1 || n_rounds < 1 || n_rounds > MAX_ROUNDS)
        return 2;
    n_voxels = (uint64_t)N_X * N_Y * (uint64_t)n_slices;
    n_bytes = n_voxels * ov_dtype_bytes(dtype);
    make(n_labels, argv[2], n_slices, dtype);
    if (argc > 6)
        write_files(argv[6]);
    pthread_barrier_init(&start, NULL, 2);
    pthread_barrier_init(&end, NULL, 2);
    if (pthread_create(&thread, NULL, thread_main, NULL) != 0)
        return 1;
    for (n_threads = 1; n_threads <= 2; n_threads++) {
        for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++)
            measure(isas[i], n_rounds);
    }
    current = NULL;
    pthread_barrier_wait(&start);
    pthread_join(thread, NULL);
    return 0;
}
