/* loss.c - the losses next to the memory they must move: bench/loss [CLASSES SIDE THREADS]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "lib/overlap_loss.h"

enum { MAX_THREADS = 64, N_ROUNDS = 15 };

static uint64_t n_classes = 14, side = 128;
static size_t n_threads = 2;
static uint64_t n_voxels, n_bytes;
static float *prediction, *gradient;
static uint8_t *labels;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
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

/* ---- one task in parts, a thread each ---- */

typedef void work(size_t part);

static pthread_barrier_t start, end;
static work *volatile current;

static void *thread_main(void *argument)
{
    size_t part = (size_t)(uintptr_t)argument;
    for (;;) {
        pthread_barrier_wait(&start);
        if (current == NULL)
            return NULL;
        current(part);
        pthread_barrier_wait(&end);
    }
}

static void in_parts(work *task)
{
    current = task;
    pthread_barrier_wait(&start);
    if (task == NULL)
        return;
    task(0);
    pthread_barrier_wait(&end);
}

/* ---- yardsticks: read the prediction, write the gradient ---- */

typedef unsigned long long words __attribute__((vector_size(64)));
typedef float numbers __attribute__((vector_size(16)));

static volatile unsigned long long sink;

__attribute__((target("avx2"))) static void read_part(size_t part)
{
    const words *from = (const words *)(const void *)prediction;
    size_t n = n_bytes / 64, first = n / n_threads * part, last = first + n / n_threads;
    words sum[4] = {0};
    for (size_t i = first; i + 4 <= last; i += 4) {
        for (int k = 0; k < 4; k++)
            sum[k] |= from[i + (size_t)k];
    }
    sink = (sum[0] | sum[1] | sum[2] | sum[3])[0];
}

static void write_part(size_t part)
{
    size_t n = n_bytes / 16, first = n / n_threads * part, last = first + n / n_threads;
    for (size_t i = first; i < last; i++) {
#if defined(__x86_64__)
        _mm_stream_ps(gradient + 4 * i, (__m128){1, 2, 3, 4});
#else
        ((numbers *)(void *)gradient)[i] = (numbers){1, 2, 3, 4};
#endif
    }
}

/* ---- the loss ---- */

static struct ov_loss_run *run;
static struct ov_tensor p, t, g;

static void check(enum ov_status status)
{
    if (status == OV_OK)
        return;
    fprintf(stderr, "loss: %s\n", ov_status_text(status));
    exit(1);
}

static void sums_part(size_t part)
{
    check(ov_loss_run_sums(run, part, n_threads));
}

static void gradient_part(size_t part)
{
    check(ov_loss_run_gradient(run, NULL, &g, part, n_threads));
}

struct times {
    double read, write, forward, backward;
};

static double best(double a, double b)
{
    return a == 0 || b < a ? b : a;
}

static double timed(work *task)
{
    double begin = now();
    in_parts(task);
    return now() - begin;
}

static struct times measure(const struct ov_loss_options *options)
{
    struct times times = {0};
    struct ov_loss_inputs inputs = {&p, &t, NULL};
    double value;
    for (int round = 0; round < N_ROUNDS; round++) {
        times.read = best(times.read, timed(read_part));
        times.write = best(times.write, timed(write_part));
        double begin = now();
        check(ov_loss_run_new(&inputs, options, &run));
        in_parts(sums_part);
        check(ov_loss_run_values(run, &value, NULL));
        times.forward = best(times.forward, now() - begin);
        times.backward = best(times.backward, timed(gradient_part));
        ov_loss_run_free(run);
    }
    return times;
}

static void fill(void)
{
    uint64_t state = 1;
    for (uint64_t v = 0; v < n_voxels; v++) {
        uint64_t x = v % side, y = v / side % side, z = v / side / side;
        labels[v] = (uint8_t)((x / 24 + y / 20 * 3 + z / 28 * 5) % n_classes);
    }
    for (uint64_t i = 0; i < n_voxels * n_classes; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        prediction[i] = (float)(state >> 40) * 0x1p-24f;
    }
}

static void report(const char *isa, enum ov_activation activation)
{
    struct ov_loss_options options = ov_loss_options_default();
    if (ov_isa_select(isa) != OV_OK)
        return;
    options.activation = activation;
    struct times times = measure(&options);
    double yardstick = times.read + times.write;
    if (activation != OV_ACTIVATION_NONE)
        yardstick += times.read;
    printf("%s %s %.4f %.4f %.4f %.4f %.3f\n", isa, ov_activation_name(activation),
           1e3 * times.read, 1e3 * times.write, 1e3 * times.forward, 1e3 * times.backward,
           yardstick / (times.forward + times.backward));
}

int main(int argc, char **argv)
{
    static const char *const isas[] = {"scalar", "avx2", "avx512", "neon"};
    pthread_t threads[MAX_THREADS];
    if (argc == 4) {
        n_classes = strtoull(argv[1], NULL, 10);
        side = strtoull(argv[2], NULL, 10);
        n_threads = strtoull(argv[3], NULL, 10);
    }
    if (n_classes < 2 || n_classes > 254 || side < 1 || side > 1024 || n_threads < 1 ||
        n_threads > MAX_THREADS)
        return 2;
    n_voxels = side * side * side;
    n_bytes = n_voxels * n_classes * sizeof(float);
    prediction = pages(n_bytes);
    gradient = pages(n_bytes);
    labels = pages(n_voxels);
    fill();
    const uint64_t shape[] = {1, n_classes, side, side, side};
    const uint64_t label_shape[] = {1, side, side, side};
    check(ov_tensor_view(prediction, OV_TENSOR_F32, 5, shape, &p));
    check(ov_tensor_view(labels, OV_TENSOR_U8, 4, label_shape, &t));
    check(ov_tensor_view(gradient, OV_TENSOR_F32, 5, shape, &g));
    pthread_barrier_init(&start, NULL, (unsigned)n_threads);
    pthread_barrier_init(&end, NULL, (unsigned)n_threads);
    for (size_t i = 1; i < n_threads; i++)
        pthread_create(&threads[i], NULL, thread_main, (void *)(uintptr_t)i);
    printf("isa activation read_ms write_ms forward_ms backward_ms share_of_bandwidth\n");
    for (int activation = 0; activation < OV_N_ACTIVATIONS; activation++) {
        for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++)
            report(isas[i], (enum ov_activation)activation);
    }
    in_parts(NULL);
    for (size_t i = 1; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
