/* floor.c - what reading two masks costs and nothing else: floor PREDICTION_FD REFERENCE_FD BYTES
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define TILE_BYTES  ((size_t)64 << 10)
#define MAX_THREADS 2
#define ROUNDS      21

typedef uint64_t lanes __attribute__((vector_size(64)));

/* A stretch of both masks, for one thread. */
struct stretch {
    int fds[2];
    const uint8_t *maps[2];
    size_t from;
    size_t to;
    uint64_t sum; /* so that nothing is optimised away */
};

/* With the widest vectors there are, as counting has them. */
__attribute__((target_clones("avx512f", "avx2", "default"))) static uint64_t sum_of(
    const uint8_t *bytes, size_t n)
{
    const lanes *at = (const void *)bytes;
    lanes sums[4] = {{0}};
    uint64_t sum = 0;

    for (size_t i = 0; i + 4 <= n / sizeof(lanes); i += 4) {
        for (int k = 0; k < 4; k++)
            sums[k] += at[i + (size_t)k];
    }
    for (int k = 0; k < 4; k++) {
        for (int lane = 0; lane < 8; lane++)
            sum += sums[k][lane];
    }
    return sum;
}

static void *read_mapped(void *argument)
{
    struct stretch *stretch = argument;

    for (int i = 0; i < 2; i++)
        stretch->sum += sum_of(stretch->maps[i] + stretch->from, stretch->to - stretch->from);
    return NULL;
}

static void *read_copied(void *argument)
{
    struct stretch *stretch = argument;
    uint8_t *tile = aligned_alloc(sizeof(lanes), TILE_BYTES);

    if (tile == NULL)
        abort();
    for (size_t at = stretch->from; at < stretch->to; at += TILE_BYTES) {
        size_t n = stretch->to - at < TILE_BYTES ? stretch->to - at : TILE_BYTES;

        for (int i = 0; i < 2; i++) {
            if (pread(stretch->fds[i], tile, n, (off_t)at) != (ssize_t)n)
                abort();
            stretch->sum += tile[0];
        }
    }
    free(tile);
    return NULL;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double run(const struct stretch *whole, int n_threads, void *(*read_it)(void *))
{
    struct stretch stretches[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    double start = now();

    for (int i = 0; i < n_threads; i++) {
        stretches[i] = *whole;
        stretches[i].from = whole->to / (size_t)n_threads * (size_t)i / 4096 * 4096;
        stretches[i].to = i + 1 < n_threads
                              ? whole->to / (size_t)n_threads * (size_t)(i + 1) / 4096 * 4096
                              : whole->to;
        if (i > 0 && pthread_create(&threads[i], NULL, read_it, &stretches[i]) != 0)
            abort();
    }
    read_it(&stretches[0]);
    for (int i = 1; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    return now() - start;
}

static int compare(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

static void measure(const struct stretch *whole, int n_threads, void *(*read_it)(void *),
                    const char *name)
{
    double seconds[ROUNDS];

    run(whole, n_threads, read_it);
    for (int i = 0; i < ROUNDS; i++)
        seconds[i] = run(whole, n_threads, read_it);
    qsort(seconds, ROUNDS, sizeof(*seconds), compare);
    printf("\"%s\": %.9f%s", name, seconds[ROUNDS / 2],
           read_it == read_copied && n_threads == MAX_THREADS ? "}\n" : ", ");
}

int main(int argc, char **argv)
{
    struct stretch whole = {.from = 0};

    if (argc != 4)
        return 2;
    whole.to = (size_t)strtoull(argv[3], NULL, 10);
    for (int i = 0; i < 2; i++) {
        whole.fds[i] = atoi(argv[1 + i]);
        whole.maps[i] = mmap(NULL, whole.to, PROT_READ, MAP_SHARED, whole.fds[i], 0);
        if (whole.maps[i] == MAP_FAILED)
            return 1;
    }
    printf("{");
    measure(&whole, 1, read_mapped, "mapped 1");
    measure(&whole, 2, read_mapped, "mapped 2");
    measure(&whole, 1, read_copied, "copied 1");
    measure(&whole, 2, read_copied, "copied 2");
    return 0;
}
